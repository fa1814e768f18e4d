"""Mixed models of many outcomes against lmerTest 3.1-3 (lme4 1.1-31, bobyqa, rhoend 1e-13) and nlme 3.1-162."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gutbrain.analyse.models.mixed_many import CONSTANT, EXPLAINED, SINGULAR, UNVARYING, mixed_many
from gutbrain.analyse.taxa.taxon_models import least_squares
from gutbrain.errors import InputError

SHARED = Path(__file__).parents[2].parent / "shared"
SIZES = [1, 2, 3, 5, 2, 4, 6, 3, 2, 2, 4, 5, 1, 3]
WHO = np.repeat(np.arange(14), SIZES)
TIME = np.concatenate([np.arange(size) for size in SIZES]).astype(float)
ARM = (WHO % 2).astype(float)
DESIGN = np.column_stack([np.ones(len(WHO)), ARM, TIME, ARM * TIME])
NOISE = 2 * np.sin(12.9898 * (np.arange(len(WHO)) + 1))
OWN, TREND = 2 * np.cos(78.233 * (WHO + 1)), np.sin(39.425 * (WHO + 1))
OUTCOMES = np.column_stack(
    [
        10 + OWN + NOISE + 0.3 * TIME,
        2 + 3 * OWN + 0.2 * NOISE + ARM * TIME,
        5 + NOISE - 0.7 * OWN,
        1 + OWN + 0.6 * TREND * TIME + 0.5 * NOISE,
    ]
)
# outcome, restricted: estimates, standard errors, df; variances between and within; log likelihood
INTERCEPTS = {
    (0, True): (
        (10.72985863, -1.306849731, 0.01967542916, -0.02242174971),
        (0.8190446773, 1.156303528, 0.1447207008, 0.1974260335),
        (12.71761449, 12.6353146, 28.13029597, 27.81095347), 4.29489664, 0.546333982, -68.44950652,
    ),
    (1, True): (
        (3.354146306, -3.185320199, -0.06424599882, 1.00402228),
        (1.636147096, 2.313819418, 0.02924495697, 0.03977860722),
        (12.00544779, 12.00457593, 27.00955798, 27.0063941), 18.7227564, 0.021814159, -33.47175389,
    ),
    (3, True): (
        (1.636339573, -1.38304439, -0.3568795813, 0.4270929786),
        (0.6521084599, 0.9214451127, 0.07983621359, 0.108740772),
        (12.33727268, 12.29702145, 27.53239806, 27.3817334), 2.85586211, 0.164269174, -49.5969326,
    ),
    (0, False): (
        (10.73113463, -1.308422664, 0.02356302807, -0.02645415438),
        (0.7579725912, 1.069927689, 0.1396253498, 0.1905261319),
        (14.91373329, 14.80966353, 30.2291013, 29.8535129), 3.64783252, 0.509597947, -67.63164752,
    ),
    (2, False): (
        (4.985949879, 0.4798204831, -0.2885210146, -0.01308281117),
        (0.6318221375, 0.8911597589, 0.1394735529, 0.1906043079),
        (14.93982005, 14.79490634, 30.43665219, 29.87730917), 2.41788268, 0.514460771, -65.09202243,
    ),
}  # fmt: skip
SLOPES = {
    0: (
        (10.5659405, -1.363277265, 0.3830808978, -0.01800767538),
        (0.8216098365, 1.161729406, 0.2705603814, 0.3548066268),
        (12.00432831, 11.99600753, 10.97852868, 10.70434925), (4.68585416, 0.33663653, -0.387561294, 0.0461772604),
        -48.73693095,
    ),
    3: (
        (1.501511025, -1.215860949, -0.02315394821, 0.03939079238),
        (0.6190512226, 0.8754028899, 0.1895133677, 0.24766193),
        (12.00002992, 11.9963179, 9.999883246, 9.898213214), (2.67248511, 0.169360292, -0.0533518852, 0.0117347496),
        -30.4824206,
    ),
}  # fmt: skip


def ecam() -> tuple[np.ndarray, np.ndarray, list[str]]:
    path = SHARED / "data/peers/q2-longitudinal/ecam_map_maturity.txt"
    if not path.is_file():
        pytest.skip("needs ../shared")
    table = pl.read_csv(path, separator="\t", infer_schema_length=0)
    table = table.filter(pl.col(table.columns[0]) != "#q2:types")
    month = table["month"].cast(pl.Float64).to_numpy()
    vaginal = (table["delivery"] == "Vaginal").to_numpy().astype(float)
    design = np.column_stack([np.ones(len(month)), month, vaginal, month * vaginal])
    return table["observed_otus"].cast(pl.Float64).to_numpy(), design, table["studyid"].to_list()


@pytest.mark.parametrize("which", list(INTERCEPTS), ids=str)
def test_random_intercept_as_lmertest(which):
    place, restricted = which
    estimate, error, df, between, within, likelihood = INTERCEPTS[which]
    fits = mixed_many(OUTCOMES, DESIGN, WHO, restricted=restricted)
    np.testing.assert_allclose(fits.estimate[:, place], estimate, rtol=1e-6)
    np.testing.assert_allclose(fits.standard_error[:, place], error, rtol=1e-7)
    np.testing.assert_allclose(fits.df[:, place], df, rtol=1e-6)
    np.testing.assert_allclose(fits.covariance[place, 0, 0], between, rtol=1e-6)
    np.testing.assert_allclose(fits.residual[place], within, rtol=1e-7)
    np.testing.assert_allclose(fits.log_likelihood[place], likelihood, rtol=1e-9)
    assert fits.notes[place] is None


def test_t_and_p_as_lmertest():
    fits = mixed_many(OUTCOMES[:, 0], DESIGN, WHO)
    t = (13.10045585, -1.130196094, 0.1359544906, -0.1135703803)
    np.testing.assert_allclose(fits.statistic[:, 0], t, rtol=1e-6)
    np.testing.assert_allclose(fits.p[:, 0], (9.3462876e-09, 0.2793918641, 0.8928255285, 0.9103942634), rtol=1e-6)


def test_as_nlme():
    fits = mixed_many(OUTCOMES[:, 0], DESIGN, WHO)
    np.testing.assert_allclose(
        fits.estimate[:, 0], (10.7298586355, -1.3068497318, 0.019675431, -0.0224217516), rtol=1e-6
    )
    np.testing.assert_allclose(
        fits.standard_error[:, 0], (0.819044666, 1.156303512, 0.144720702, 0.197426035), rtol=1e-6
    )


@pytest.mark.parametrize("place", list(SLOPES))
def test_random_slope_as_lmertest(place):
    estimate, error, df, variances, likelihood = SLOPES[place]
    fits = mixed_many(OUTCOMES[:, [place]], DESIGN, WHO, slope=TIME)
    np.testing.assert_allclose(fits.estimate[:, 0], estimate, rtol=1e-5)
    np.testing.assert_allclose(fits.standard_error[:, 0], error, rtol=1e-6)
    np.testing.assert_allclose(fits.df[:, 0], df, rtol=1e-5)
    found = fits.covariance[0]
    np.testing.assert_allclose((found[0, 0], found[1, 1], found[0, 1], fits.residual[0]), variances, rtol=1e-5)
    np.testing.assert_allclose(fits.log_likelihood[0], likelihood, rtol=1e-8)


def test_ecam_as_lmertest():
    y, design, who = ecam()
    fits = mixed_many(y, design, who)
    np.testing.assert_allclose(
        fits.estimate[:, 0], (27.2716636573, 1.4494229180, -5.8397248423, 0.9324400957), rtol=1e-8
    )
    np.testing.assert_allclose(
        fits.standard_error[:, 0], (2.2936935499, 0.1557720644, 3.0373607463, 0.2020834150), rtol=1e-8
    )
    np.testing.assert_allclose(fits.df[:, 0], (95.19634629, 856.2719199, 93.06772951, 867.91422367), rtol=1e-6)
    np.testing.assert_allclose(
        fits.p[:, 0], (1.597170038e-20, 1.095765173e-19, 5.758425837e-02, 4.542259162e-06), rtol=1e-6
    )
    sloped = mixed_many(y, design, who, slope=design[:, 1])
    np.testing.assert_allclose(sloped.df[:, 0], (40.75934513, 29.82578014, 39.20409792, 28.66593312), rtol=1e-5)
    np.testing.assert_allclose(
        sloped.standard_error[:, 0], (2.3730353148, 0.2953446812, 3.1148019478, 0.3774256380), rtol=2e-6
    )
    np.testing.assert_allclose(sloped.log_likelihood[0], -3909.701692, rtol=1e-9)


def test_variance_at_zero_is_least_squares_and_said():
    # Within every person the rows cancel: people differ less than chance would have it.
    y = NOISE - (np.bincount(WHO, NOISE) / np.bincount(WHO))[WHO]
    fits, plain = mixed_many(y, DESIGN, WHO), least_squares(y[:, None], DESIGN)
    assert fits.singular[0] and fits.notes[0] == SINGULAR and fits.covariance[0, 0, 0] == 0
    for name in ("estimate", "standard_error", "df", "p"):
        np.testing.assert_allclose(getattr(fits, name), getattr(plain, name), rtol=1e-9)


def test_constant_and_explained_outcomes_are_not_tested_and_others_are_as_alone():
    y = np.column_stack([np.full(len(WHO), 3.0), OUTCOMES[:, 0], DESIGN @ [1.0, 2, 3, 4], np.zeros(len(WHO))])
    fits = mixed_many(y, DESIGN, WHO)
    assert fits.notes == (CONSTANT, None, EXPLAINED, CONSTANT)
    assert np.isnan(fits.p[:, [0, 2, 3]]).all()
    alone = mixed_many(OUTCOMES[:, 0], DESIGN, WHO)
    np.testing.assert_allclose(fits.estimate[:, 1], alone.estimate[:, 0], rtol=1e-9)


def test_what_does_not_vary_within_people_is_not_tested():
    parts = [OWN.ravel(), OWN.ravel() + 1e-9 * NOISE.ravel(), OWN.ravel() + DESIGN[:, 1], OUTCOMES[:, 0]]
    fits = mixed_many(np.column_stack(parts), DESIGN[:, :2], WHO)
    assert fits.notes[:3] == (UNVARYING,) * 3
    assert np.isnan(fits.p[:, :3]).all() and np.isnan(fits.standard_error[:, :3]).all()
    assert np.isfinite(fits.p[:, 3]).all() and fits.notes[3] != UNVARYING


def test_rows_scales_and_shifts_change_nothing():
    draws = np.random.default_rng(2)
    order = draws.permutation(len(WHO))
    fits = mixed_many(OUTCOMES, DESIGN, WHO)
    mixed_up = mixed_many(OUTCOMES[order], DESIGN[order], [f"p{who}" for who in WHO[order]])
    np.testing.assert_allclose(mixed_up.p, fits.p, rtol=1e-8)
    scaled = mixed_many(1e6 * OUTCOMES + 1e4, DESIGN, WHO)
    np.testing.assert_allclose(scaled.standard_error, 1e6 * fits.standard_error, rtol=1e-7)
    np.testing.assert_allclose(scaled.df, fits.df, rtol=1e-6)


def test_contrasts_are_combinations_of_terms():
    both = np.array([[0, 0, 1.0, 1.0]])
    found = mixed_many(OUTCOMES, DESIGN, WHO, both)
    other = DESIGN.copy()
    other[:, 2] = TIME * (1 - ARM)  # the slopes of both arms as terms of their own
    apart = mixed_many(OUTCOMES, other, WHO)
    np.testing.assert_allclose(found.estimate[0], apart.estimate[3], rtol=1e-8)
    np.testing.assert_allclose(found.df[0], apart.df[3], rtol=1e-8)


def test_intercept_engine_agrees_with_slope_engine_where_slopes_do_not_vary():
    sloped = mixed_many(OUTCOMES[:, [2]], DESIGN, WHO, slope=TIME)
    plain = mixed_many(OUTCOMES[:, [2]], DESIGN, WHO)
    assert sloped.log_likelihood[0] >= plain.log_likelihood[0] - 1e-8


def test_agrees_with_the_engine_for_one_outcome():
    mixed = pytest.importorskip("gutbrain.analyse.models.mixed")
    table = pl.DataFrame({"y": OUTCOMES[:, 0], "arm": ARM, "time": TIME, "person": [f"p{who:02d}" for who in WHO]})
    for random, slope in (("1", None), ("1 + time", TIME)):
        one = mixed.mixed(table, "y", "arm * time", "person", random)
        fits = mixed_many(OUTCOMES[:, 0], DESIGN, WHO, slope=slope)
        np.testing.assert_allclose(fits.log_likelihood[0], one.log_likelihood, rtol=1e-8)


def test_two_hundred_taxa_are_fast():
    import time

    draws = np.random.default_rng(4)
    who = np.repeat(np.arange(44), 3)
    design = np.column_stack([np.ones(132), who % 2, np.tile(np.arange(3), 44)]).astype(float)
    y = draws.normal(size=(132, 200)) + draws.normal(size=(44, 200))[who]
    started = time.perf_counter()
    mixed_many(y, design, who)
    assert time.perf_counter() - started < 2.5


@pytest.mark.parametrize(
    ("y", "design", "who", "said"),
    [
        (OUTCOMES[:3], DESIGN, WHO, "do not fit"),
        (np.where(OUTCOMES[0, 0] == OUTCOMES, np.nan, OUTCOMES), DESIGN, WHO, "finite"),
        (OUTCOMES, np.column_stack([DESIGN, DESIGN[:, 0]]), WHO, "combination"),
        (OUTCOMES, DESIGN, np.arange(len(WHO)), "one row"),
        (OUTCOMES[:4], DESIGN[:4], WHO[:4], "too many"),
        (OUTCOMES[:8, :1], DESIGN[:8, :2], np.array([0, 0, 0, 0, 1, 1, 1, 1]), "too few for the 2 terms|combination"),
        (OUTCOMES[:4, :1], np.array([[1, 0], [1, 1], [1, 0], [1, 2.0]]), np.array([0, 0, 1, 2]), "variance within"),
    ],
    ids=["length", "nan", "rank", "single", "rows", "people", "within"],
)
def test_hostile(y, design, who, said):
    if said.startswith("too few"):
        design = np.column_stack([np.ones(8), [0, 0, 0, 0, 1, 1, 1, 1]])
    with warnings.catch_warnings(), pytest.raises(InputError, match=said):
        warnings.simplefilter("error")
        mixed_many(y, design, who)


def test_hostile_slope():
    with pytest.raises(InputError, match="fewer than two people"):
        mixed_many(OUTCOMES, DESIGN, WHO, slope=ARM)
    with pytest.raises(InputError, match="finite value"):
        mixed_many(OUTCOMES, DESIGN, WHO, slope=TIME[:3])
    with pytest.raises(InputError, match="columns"):
        mixed_many(OUTCOMES, DESIGN, WHO, np.eye(3))
