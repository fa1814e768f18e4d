"""Mangled workbooks: a part or one error, never a traceback."""

from __future__ import annotations

import io
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gutbrain.errors import InputError
from gutbrain.study.microbiome.read_matrix import read_matrix
from gutbrain.study.part import Part

SPOTS = st.lists(st.tuples(st.floats(0, 0.999), st.binary(min_size=1, max_size=4)), max_size=6)
QUIET = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def workbook():
    openpyxl = pytest.importorskip("openpyxl")
    book, memory = openpyxl.Workbook(), io.BytesIO()
    for row in (["taxon", "S1"], ["Blautia", 3], ["Roseburia", 4]):
        book.active.append(row)
    book.save(memory)
    return memory.getvalue()


@QUIET
@given(spots=SPOTS, end=st.floats(0.5, 1.1))
def test_mangled_workbooks_give_a_part_or_one_error(workbook, spots, end, tmp_path):
    raw = bytearray(workbook[: int(len(workbook) * end)])
    for place, patch in spots:
        begin = int(place * len(raw))
        raw[begin : begin + len(patch)] = patch
    path = tmp_path / "mangled.xlsx"
    path.write_bytes(bytes(raw))
    with suppress(InputError):
        assert isinstance(read_matrix(path), Part)
