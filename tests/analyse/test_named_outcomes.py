import numpy as np
import polars as pl
import pytest
from small_study import GENERA, small_trial

from gutbrain.analyse.named_outcomes import known_outcomes, one_a_visit, outcome_of
from gutbrain.analyse.step import Design, Given
from gutbrain.errors import InputError


@pytest.fixture(scope="module")
def given() -> Given:
    return Given(small_trial(), Design(arm="arm", reference="control", visits=["before", "after"]))


def amounts(given: Given) -> tuple[pl.DataFrame, np.ndarray]:
    community = given.community()
    return community.samples, community.values[:, [community.names.index(name) for name in GENERA]]


def test_quantities_and_taxa(given: Given) -> None:
    samples, values = amounts(given)
    order = samples.select("person", "visit")
    share = order.join(outcome_of(given, "share: Akkermansia"), on=["person", "visit"], maintain_order="left")
    assert share["value"].to_list() == pytest.approx((100 * values[:, 0] / values.sum(axis=1)).tolist())
    assert share["unit"].unique().to_list() == ["percent"]
    assert {"arm", "age", "day"} <= set(share.columns)
    seen = (values > 0).all(axis=1)
    logs = np.log2(np.where(values > 0, values, np.nan))
    ratio = order.join(outcome_of(given, "clr: akkermansia"), on=["person", "visit"], maintain_order="left")["value"]
    assert ratio.to_numpy()[seen] == pytest.approx((logs[:, 0] - logs.mean(axis=1))[seen])
    balance = outcome_of(given, "balance: Akkermansia, Blautia / Roseburia")
    balance = order.join(balance, on=["person", "visit"], maintain_order="left")["value"].to_numpy()
    known = np.sqrt(2 / 3) * np.log(2) * (logs[:, [0, 3]].mean(axis=1) - logs[:, 6])
    assert balance[seen] == pytest.approx(known[seen])
    shannon = order.join(outcome_of(given, "diversity: shannon"), on=["person", "visit"], maintain_order="left")[
        "value"
    ]
    shares = values[0][values[0] > 0] / values[0].sum()
    assert shannon[0] == pytest.approx(-(shares * np.log(shares)).sum())
    group = outcome_of(given, "group: butyrate_producers")
    assert group["value"].is_between(0, 100).all()
    assert len(outcome_of(given, "PSS-10.total")) == 40


def test_balances_turn_with_their_sides(given: Given) -> None:
    one = outcome_of(given, "balance: Akkermansia / Roseburia, Blautia")["value"]
    other = outcome_of(given, "balance: Roseburia, Blautia / Akkermansia")["value"]
    assert one.to_list() == pytest.approx((-other).to_list())


def test_samples_of_one_visit_become_their_median() -> None:
    table = pl.DataFrame(
        {"person": ["a"] * 3 + ["b"] * 2, "visit": ["v"] * 3 + [None] * 2, "day": [1.0, 2.0, 3.0, 4.0, 5.0],
         "value": [1.0, 5.0, 2.0, 3.0, 4.0], "unit": ["percent"] * 5, "age": [30, 30, 30, 40, 40]}
    )  # fmt: skip
    made = one_a_visit(table)
    assert made["value"].to_list() == [2.0, 3.0, 4.0]
    assert made["day"].to_list() == [2.0, 4.0, 5.0]


def test_names(given: Given) -> None:
    everything = known_outcomes(given, ["*", "diversity: shannon"])
    assert everything == ["PSS-10.total", "blood.crp", "diversity: shannon"]
    assert known_outcomes(given, []) == everything[:2]
    assert known_outcomes(given, ["blood.crp", "blood.crp"]) == ["blood.crp"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mood", "no outcome 'mood'"),
        ("clr: Akermansia", "Near are Akkermansia"),
        ("balance: Akkermansia", "no two sides"),
        ("balance: Akkermansia / Akkermansia", "both sides"),
        ("group: friends", "no group 'friends'"),
        ("diversity: strangeness", "strangeness"),
    ],
)
def test_what_is_not_there_is_said(given: Given, name: str, text: str) -> None:
    with pytest.raises(InputError, match=text):
        outcome_of(given, name)
