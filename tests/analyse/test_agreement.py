"""The verdict over several choices."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from gutbrain.analyse.community import Community
from gutbrain.analyse.taxa.agreement import AGREEMENT, agreement, all_choices, usual_choices
from gutbrain.errors import InputError


def choices_of(**taxa) -> pl.DataFrame:
    rows = [
        {"feature": name, "term": "arm[b]", "choice": f"c{place}", "estimate": estimate, "q": q}
        for name, found in taxa.items()
        for place, (estimate, q) in enumerate(found)
    ]
    return pl.DataFrame(rows)


def test_verdicts():
    made = agreement(
        choices_of(
            all=[(1.0, 0.01), (2.0, 0.02), (1.5, 0.04)],
            two=[(1.0, 0.01), (2.0, 0.02), (-0.1, 0.9)],
            one=[(1.0, 0.01), (2.0, 0.2), (1.5, 0.4)],
            none=[(1.0, 0.5), (-2.0, 0.2), (1.5, 0.4)],
            against=[(1.0, 0.01), (2.0, 0.02), (-1.5, 0.04)],
            alone=[(1.0, 0.01), (None, None), (None, None)],
        )
    )
    assert made.columns == list(AGREEMENT)
    verdicts = dict(made.select("feature", "verdict").iter_rows())
    assert verdicts == {
        "all": "robust", "two": "robust", "one": "depends on the choice", "none": "not found",
        "against": "depends on the choice", "alone": "depends on the choice",
    }  # fmt: skip
    two = made.row(by_predicate=pl.col("feature") == "two", named=True)
    assert (two["choices"], two["significant"], two["estimate_low"], two["estimate_high"]) == (3, 2, -0.1, 2.0)
    np.testing.assert_allclose(two["same_sign"], 2 / 3)


def table(unit: str = "count", zeros: bool = True) -> Community:
    draws = np.random.default_rng(1)
    values = draws.poisson(draws.lognormal(3, 1, 20), size=(24, 20)).astype(float) + (0 if zeros else 1)
    values[:, 0] += 1
    values[12:, 3] *= 12
    values[:8, 5] = 0 if zeros else 1
    samples = pl.DataFrame(
        {"sample": [f"s{i}" for i in range(24)], "person": [f"p{i}" for i in range(24)], "arm": ["a"] * 12 + ["b"] * 12}
    )
    return Community(samples, pl.DataFrame({"feature": [f"t{i}" for i in range(20)]}), values, unit)


def test_usual_choices_run_and_agree_on_what_is_clear():
    for unit in ("count", "signal"):
        for zeros in (True, False):
            given = table(unit, zeros)
            usual = usual_choices(given, repeated=False)
            tests, refused = all_choices(given, "arm", usual)
            assert not refused and tests["choice"].n_unique() == len(usual) >= 4
            made = agreement(tests)
            assert made.filter(pl.col("feature") == "t3")["verdict"][0] == "robust"
    assert "ancombc" not in usual_choices(table(), repeated=True)


def test_what_cannot_be_done_is_told():
    tests, refused = all_choices(table("signal"), "arm", ["linda", "clr_half", "ancombc", "presence"])
    assert set(refused) == {"clr_half", "ancombc"} and "needs counts" in refused["clr_half"]
    assert "presence" in tests["choice"].to_list()
    assert agreement(tests)["choices"].max() == 1  # presence is another question
    with pytest.raises(InputError, match="no choice"):
        all_choices(table(), "arm", ["magic"])
    with pytest.raises(InputError, match="could be done"):
        all_choices(table("signal"), "arm", ["clr_half"])
