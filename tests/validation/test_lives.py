"""A small validation on the standard axis, from drawn people to scores."""

from __future__ import annotations

import numpy as np
import pytest

from gutbrain.body.whole import AXES
from gutbrain.errors import InputError
from gutbrain.people.cohort import Cohort
from gutbrain.validation.designs import designs
from gutbrain.validation.lives import live
from gutbrain.validation.validate import validate

CHOSEN = ("BAR-1", "BAR-3", "E192")


@pytest.fixture(scope="module")
def axis():
    return AXES["standard"]()


@pytest.fixture(scope="module")
def lives(axis):
    cohort = Cohort.draw(axis, 8, 2, 1)
    return live(axis, cohort, {name: designs()[name] for name in CHOSEN})


def test_the_same_people_live_in_every_arm(lives):
    first = {arm: table["colon.genus_shannon"][0] for arm, table in lives.daily.items()}
    assert set(first) == {"none", "short nights"}
    assert np.allclose(first["none"], first["short nights"], rtol=1e-6)
    assert not lives.lost.all()


def test_rest_stays_rest_and_a_speech_opens_the_wall(lives):
    ratio = {arm: table["barrier.lactulose_mannitol_ratio"] for arm, table in lives.steps.items()}
    there = ~lives.lost
    calm, speech = ratio["laboratory"][:, there], ratio["public speech"][:, there]
    assert np.ptp(calm, axis=0).max() < 0.02 * calm.mean()
    begin = 96 + 36
    assert np.allclose(speech[:begin], calm[:begin], rtol=1e-6)
    assert (speech[begin + 1 : begin + 9].mean(axis=0) > 1.1 * calm[begin + 1 : begin + 9].mean(axis=0)).all()
    stopped = ratio["public speech, stabiliser"][:, there]
    assert np.allclose(stopped, calm, rtol=0.02)


def test_from_people_to_scores(axis):
    made = validate(axis, worlds=2, people=8, seed=1, replicates=8, wanted=CHOSEN)
    scores = {row["finding"]: row for row in made.scores.iter_rows(named=True)}
    assert scores["BAR-1"]["right_sign"] and scores["BAR-1"]["predicted"] > 0
    assert scores["BAR-3"]["use"] == "construction" and scores["BAR-3"]["null_reproduced"]
    assert made.by_use["use"].to_list() == ["calibrate", "predict"]
    assert made.discrepancy is None  # learnt from one finding it would be none


@pytest.mark.parametrize("few", [{"worlds": 1}, {"people": 7}])
def test_too_few_people_are_refused(axis, few):
    with pytest.raises(InputError, match="cannot fill a trial"):
        validate(axis, **few)
