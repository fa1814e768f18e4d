"""Every paper says what it holds, how closely and with what right; what holds by construction is no success."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

import pytest
from held import STATUSES, held

from benchmarks.figures import FAULTS, ROWS

pytest.importorskip("diffrax", reason="the page of papers needs the extra 'adaptive'")

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"


@pytest.fixture(scope="module")
def pages():
    """Return the program that writes the page of papers."""
    source = importlib.util.spec_from_file_location("write_papers", DOCS / "write_papers.py")
    assert source is not None and source.loader is not None
    module = importlib.util.module_from_spec(source)
    source.loader.exec_module(module)
    return module


def test_every_paper_declares_what_it_holds(pages):
    held_files = {file for file, *_ in pages.everything()}
    files = {path.stem for path in HERE.glob("test_*.py")} - set(pages.ABOUT)
    assert files - held_files == set()


def test_at_least_thirty_papers_are_named_by_author_and_year(pages):
    named = {file for file, *_ in pages.everything() if pages.AUTHOR_YEAR.fullmatch(file)}
    assert len(named) >= 30
    more = {file for file, _, one, fails in pages.everything() if one.status != "by construction" and not fails}
    assert len(named & more) >= 30  # what holds by construction counts as a success nowhere


def test_every_thing_held_has_a_source_a_tolerance_and_a_status(pages):
    for file, test, one, _ in pages.everything():
        assert one.what and one.source and one.tolerance and one.status in STATUSES, f"{file}.{test}"


def test_nothing_that_is_expected_to_fail_is_left_out(pages):
    told = {(file, test) for file, test, *_ in pages.everything()}
    for path in HERE.glob("test_*.py"):
        for name, test in vars(importlib.import_module(path.stem)).items():
            fails = any(mark.name == "xfail" for mark in getattr(test, "pytestmark", []) if name.startswith("test_"))
            assert not fails or (path.stem, name) in told, f"{path.stem}.{name}"


def test_construction_is_never_counted_among_successes(pages):
    found = pages.everything()
    count = pages.counted(found)
    built = [one for *_, one, fails in found if one.status == "by construction" and not fails]
    assert count["by construction"] == len(built) > 0
    met = f"Met: {count['predicted']} predicted and {count['fitted']} fitted."
    assert f"{met} By construction, not counted as met: {len(built)}." in pages.page()


def test_rows_know_three_statuses():
    assert {row.status for row in (*ROWS, *FAULTS)} <= set(STATUSES)


def test_a_mark_without_tolerance_or_with_another_status_is_refused():
    with pytest.raises(ValueError, match="tolerance"):
        held("a curve", source="Someone1999", status="fitted")
    with pytest.raises(ValueError, match="status"):
        held("a curve", source="Someone1999", tolerance="2 %", status="met")


def test_the_page_of_papers_is_up_to_date(pages):
    assert (DOCS / "papers.md").read_text(encoding="utf-8") == pages.page(), "run make papers"
