"""A fit comes back from its folder exactly, and what is no fit is refused."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import numpy as np
import pytest
from made_panels import panel_with

from gutbrain.errors import InputError
from gutbrain.fit.coupling.fitted import Fitted
from gutbrain.fit.coupling.kept import fingerprint, read_fit, write_fit
from gutbrain.fit.coupling.model import CouplingModel, Indicator, Process
from gutbrain.fit.coupling.prior import Prior


@pytest.fixture
def whole():
    """A fit that uses every field, with numbers that no short text holds."""
    generator = np.random.default_rng(0)
    model = CouplingModel(
        (Process("shannon", "gut"), Process("mood", "mind")),
        (Indicator("i0", {"shannon": 1.0, "mood": None}), Indicator("i1", {"mood": 1.0}, "ordinal", 4),
         Indicator("i2", {"mood": 0.5}, "count", error=False)),
        ("k0",), ("l0",), ("x0",), ("drift[mood, shannon]", "mean[i0]"), ("mean[i0]",), "free", trend=True,
        held={"noise[mood]": 1 / 3}, discretisation="van loan",
    )  # fmt: skip
    size, panel = len(model.free), panel_with(generator, 5, 3, 1, 1, 1, known=0.5)
    root = generator.normal(size=(size, size))
    covariance = root @ root.T
    covariance[0] = covariance[:, 0] = np.nan
    prior = Prior(
        generator.normal(size=size),
        np.exp(generator.normal(size=size)),
        tuple(f"line {at} µ" for at in range(size)),
        root.T @ root,
    )
    return Fitted(
        model, panel, "nuts", generator.normal(size=size), covariance, -1234.5678901234567, generator.normal(size=5),
        False, ("one „sentence“", "another"), generator.normal(size=size), 1e-17, prior,
        generator.normal(size=(2, 7, size)), generator.normal(size=(1, 5)), generator.normal(size=(5, 1, 1)),
        {"r_hat": np.nan, "divergences": 3.0},
        {"compile": np.inf},
    )  # fmt: skip


def same(one, other):
    """Say whether two values are the same to the last bit."""
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, Prior | type(None)):
        return one is other or all(same(getattr(one, part.name), getattr(other, part.name)) for part in fields(one))
    return one == other or (one != one and other != other)


@pytest.mark.parametrize(
    "changes", [{}, {"prior": None, "draws": None, "method": "maximum likelihood", "converged": True}]
)
def test_a_fit_comes_back_exactly(whole, changes, tmp_path):
    fitted = replace(whole, **changes)
    write_fit(fitted, tmp_path)
    back = read_fit(tmp_path, fitted.panel)
    for part in fields(Fitted):
        assert same(getattr(fitted, part.name), getattr(back, part.name)), part.name
    assert back.model.free_names == fitted.model.free_names and back.full() == pytest.approx(fitted.full(), abs=0)


def test_series_are_kept_only_when_asked_for(whole, tmp_path):
    write_fit(whole, tmp_path)
    back = read_fit(tmp_path)
    assert back.panel.people == whole.panel.people and same(back.panel.predictors, whole.panel.predictors)
    assert len(back.panel.time) == 0 and back.panel.values.shape == (0, 3)
    assert not any(name.startswith("panel_") for name in np.load(tmp_path / "fit.npz").files)
    write_fit(whole, tmp_path, series=True)
    back = read_fit(tmp_path)
    assert all(same(getattr(whole.panel, part.name), getattr(back.panel, part.name)) for part in fields(whole.panel))


def test_fit_json_is_plain_json_with_estimates_by_name(whole, tmp_path):
    write_fit(whole, tmp_path)
    content = json.loads((tmp_path / "fit.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert list(content["estimates"]) == list(whole.model.free_names)
    assert content["estimates"]["mean[i0]"] == whole.natural()[whole.model.free_names.index("mean[i0]")]
    first = (tmp_path / "fit.npz").read_bytes()
    write_fit(whole, tmp_path)
    assert (tmp_path / "fit.npz").read_bytes() == first


def test_a_fingerprint_tells_panels_apart(whole):
    panel = whole.panel
    assert fingerprint(panel) == fingerprint(replace(panel, values=panel.values.copy()))
    values = panel.values.copy()
    values[np.isfinite(values).any(1).argmax()] += 1e-12
    others = [replace(panel, values=values), replace(panel, people=tuple("abcde")), replace(panel, time=panel.time + 1),
              replace(panel, indicators=("a", "b", "c")), replace(panel, predictors=-panel.predictors)]  # fmt: skip
    assert len({fingerprint(one) for one in (panel, *others)}) == 6


def test_other_series_and_damaged_files_are_refused(whole, tmp_path):
    with pytest.raises(InputError, match="no fitted model"):
        read_fit(tmp_path)
    write_fit(whole, tmp_path)
    with pytest.raises(InputError, match="not the series"):
        read_fit(tmp_path, replace(whole.panel, time=whole.panel.time + 1))
    text = (tmp_path / "fit.json").read_text(encoding="utf-8")
    for old, new, said in (
        ('"form": 1', '"form": 2', "form 2"), ('"nuts"', '"guess"', "not known"), ("{", "[", "cannot be read"),
        ('"shannon"', '"su"', "cannot be read"), ('"model"', '"mode"', "cannot be read"),
        ('"van loan"', '"euler"', "cannot be read"), ('"trend": true', '"trend": false', "do not belong"),
    ):  # fmt: skip
        (tmp_path / "fit.json").write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(InputError, match=said):
            read_fit(tmp_path)
    (tmp_path / "fit.json").write_text(text, encoding="utf-8")
    arrays = (tmp_path / "fit.npz").read_bytes()
    (tmp_path / "fit.npz").write_bytes(arrays[: len(arrays) // 2])
    with pytest.raises(InputError, match="cannot be read"):
        read_fit(tmp_path)
