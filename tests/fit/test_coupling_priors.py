"""Beliefs before the data: weak ones for every kind of parameter, those of the axis, and those of other people."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from gutbrain.body.whole import standard
from gutbrain.errors import InputError
from gutbrain.fit.coupling.axis_prior import from_axis
from gutbrain.fit.coupling.axis_signals import TABLE, plain, shown_by
from gutbrain.fit.coupling.axis_worlds import FILE, fingerprint, standard_worlds
from gutbrain.fit.coupling.fitted import Fitted
from gutbrain.fit.coupling.model import CouplingModel, Indicator, Process
from gutbrain.fit.coupling.panel import Panel, panel_of
from gutbrain.fit.coupling.population_prior import from_population
from gutbrain.fit.coupling.prior import Prior
from gutbrain.fit.coupling.weak_prior import weak
from gutbrain.model.axis import Axis
from gutbrain.model.compartment import Compartment, Input, Param, State, noise, rate
from gutbrain.model.linear import reduced
from gutbrain.model.spread import LogNormal

ASSUMED = {"source": "assumed", "grade": "assumed"}
SCALE = {"shannon": 0.3, "negative affect": 10.0}
MEAN = {"shannon": 3.0, "negative affect": 30.0}


def model_of(*names: str, **more) -> CouplingModel:
    """One indicator a process."""
    shown = tuple(Indicator(name, {name: 1.0}) for name in names)
    return CouplingModel(tuple(Process(name) for name in names), shown, **more)


def panel_with(*names: str, people: int = 8, days: int = 40, gap: float = 1.0, unit: float = 1.0, **more) -> Panel:
    """Independent normal numbers at equal gaps."""
    generator = np.random.default_rng(1)
    rows = {
        "person": np.repeat([f"p{one}" for one in range(people)], days),
        "day": np.tile(np.arange(days) * gap, people),
    }
    for name in names:
        rows[name] = unit * (MEAN.get(name, 5) + SCALE.get(name, 2) * generator.standard_normal(people * days))
    inputs = more.get("impulses", ()) + more.get("levels", ())
    rows |= {name: 20.0 * (generator.random(people * days) < 0.2) for name in inputs}
    rows |= {name: np.repeat(generator.normal(50, 4, people), days) for name in more.get("predictors", ())}
    return panel_of(pl.DataFrame(rows), names, **more)


def told(prior: Prior, model: CouplingModel) -> dict[str, tuple[float, float, str]]:
    """Beliefs by name."""
    return dict(zip(model.free_names, zip(prior.mean, prior.sd, prior.about, strict=True), strict=True))


EVERYTHING = {
    "impulses": ("practice",),
    "levels": ("diet",),
    "predictors": ("age",),
}


@pytest.fixture(scope="module")
def everything() -> tuple[CouplingModel, Panel]:
    """A model with every kind of parameter."""
    indicators = (
        Indicator("shannon", {"shannon": 1.0}),
        Indicator("second", {"shannon": None}),
        Indicator("negative affect", {"negative affect": 1.0}),
        Indicator("item", {"negative affect": None}, kind="ordinal", categories=4),
        Indicator("cells", {"shannon": None}, kind="count"),
    )
    varying = ("mean[shannon]", "mean[negative affect]", "drift[negative affect, negative affect]",
               "drift[negative affect, shannon]", "noise_correlation[negative affect, shannon]")  # fmt: skip
    model = CouplingModel((Process("shannon"), Process("negative affect")), indicators, varying=varying, initial="free",
                          trend=True, day_night=True, **EVERYTHING)  # fmt: skip
    panel = panel_with(*(one.name for one in indicators), gap=0.5, **EVERYTHING)
    values, generator = panel.values.copy(), np.random.default_rng(2)
    values[:, 3], values[:, 4] = generator.integers(0, 4, len(values)), generator.poisson(20, len(values))
    return model, Panel(**{**panel.__dict__, "values": values})


def test_every_kind_of_parameter_has_a_weak_belief(everything):
    model, panel = everything
    prior = weak(model, panel)
    kinds = {model.parameters[at].kind for at in model.free}
    assert kinds >= {"drift", "noise", "noise_correlation", "mean", "loading", "error", "threshold", "impulse", "level",
                     "trend", "cosine", "sine", "initial_mean", "initial_sd", "initial_sd_correlation", "predictor",
                     "spread", "spread_correlation"}  # fmt: skip
    assert np.isfinite(prior.mean).all()
    assert (np.isfinite(prior.sd) & (prior.sd > 0)).all()
    assert len(prior.about) == len(prior.mean)
    assert all(line.startswith("weak: ") for line in prior.about)
    assert np.isfinite(prior.log_density(prior.mean))


def test_weak_beliefs_have_the_sizes_of_the_data(everything):
    model, panel = everything
    belief = told(weak(model, panel), model)
    middle, width, _ = belief["drift[shannon, shannon]"]
    assert np.exp(middle) == pytest.approx(1 / 1.5)
    assert width == 1.5
    cross = belief["drift[negative affect, shannon]"]
    assert cross[0] == 0
    assert cross[1] == pytest.approx(10 / 0.3 / 1.5 * np.exp(1.5**2 / 2), rel=0.2)
    assert belief["mean[shannon]"][0] == pytest.approx(3.0, abs=0.05)
    assert belief["mean[shannon]"][1] == pytest.approx(1.5, rel=0.1)
    assert np.exp(belief["error[negative affect]"][0]) == pytest.approx(5, rel=0.1)
    assert belief["impulse[negative affect, practice]"][1] == pytest.approx(2 * 10 / 20, rel=0.1)
    assert belief["level[negative affect, diet]"][1] == pytest.approx(2 * 10 / 20 / 1.5, rel=0.1)
    assert belief["mean[cells]"][0] == pytest.approx(np.log(20), abs=0.1)
    assert belief["threshold[item, 1]"][0] < 0
    assert belief["spread_correlation[mean[negative affect], mean[shannon]]"][:2] == (0.0, 0.7)


def test_weak_beliefs_go_with_the_units_of_data_and_time():
    model = model_of("shannon", "negative affect")
    one = told(weak(model, panel_with("shannon", "negative affect")), model)
    large = told(weak(model, panel_with("shannon", "negative affect", unit=1000.0)), model)
    slow = told(weak(model, panel_with("shannon", "negative affect", gap=7.0)), model)
    for name in ("drift[shannon, shannon]", "drift[negative affect, shannon]"):
        np.testing.assert_allclose(large[name][:2], one[name][:2], rtol=1e-9)
    assert large["noise[shannon]"][0] - one["noise[shannon]"][0] == pytest.approx(np.log(1000))
    assert large["mean[shannon]"][1] == pytest.approx(1000 * one["mean[shannon]"][1])
    assert slow["drift[negative affect, shannon]"][1] == pytest.approx(one["drift[negative affect, shannon]"][1] / 7)


def test_process_intercepts_and_start_values_centre_where_the_data_lie():
    model = model_of("shannon", "negative affect", intercepts="process")
    panel = panel_with("shannon", "negative affect")
    middle, width, _ = told(weak(model, panel), model)["intercept[negative affect]"]
    assert middle == pytest.approx(30 / 3, rel=0.1)
    # The mean is the intercept over a rate that may be five times faster.
    assert width > 4 * middle
    start = np.arange(len(model.free), dtype=float)
    prior, plain_prior = weak(model, panel, start), weak(model, panel)
    at = model.free_names.index("intercept[shannon]")
    assert prior.mean[at] == at
    drift = model.free_names.index("drift[shannon, shannon]")
    assert prior.mean[drift] == plain_prior.mean[drift]


class Gut(Compartment):
    """A gut that diet and stress move."""

    richness = State("1", start=1.0, low=0, high=5, about="diversity")
    stress = Input("1", rest=1, signal="mood.low")
    time = Param(4, "day", **ASSUMED)
    harm = Param(0.1, "1/day", belief=LogNormal.gsd(1.2), **ASSUMED)

    @rate("richness")
    def grow(self):
        """It comes back, and stress harms it."""
        return (1 - self.richness) / self.time - self.harm * (self.stress - 1)


class Mood(Compartment):
    """A mood that changes by itself and is better with a rich gut."""

    low = State("1", start=1.0, low=-20, high=20, about="low mood")
    richness = Input("1", rest=1, signal="gut.richness")
    decay = Param(1, "1/day", **ASSUMED)
    relief = Param(1, "1/day", belief=LogNormal.gsd(1.3), **ASSUMED)
    swing = Param(0.5, "1", **ASSUMED)
    day = Param(1, "day", **ASSUMED)

    @rate("low")
    def swing_back(self):
        """It comes back, sooner with a rich gut."""
        return self.decay * (1 - self.low) - self.relief * (self.richness - 1)

    @noise("low")
    def shake(self):
        """It changes by itself."""
        return self.swing / self.day**0.5


PLACES = {"shannon": "gut.richness", "negative affect": "mood.low"}


@pytest.fixture(scope="module")
def small() -> Axis:
    """Gut and mood: each moves the other, by known signs."""
    return Axis(Gut(), Mood(), name="small")


def test_the_axis_gives_signs_sizes_and_reasons(small):
    model, panel = model_of("shannon", "negative affect", "steps"), panel_with("shannon", "negative affect", "steps")
    belief = told(from_axis(model, panel, axis=small, signals=PLACES, worlds=12), model)
    onto_mood, onto_gut = belief["drift[negative affect, shannon]"], belief["drift[shannon, negative affect]"]
    assert onto_mood[0] < 0
    assert onto_gut[0] < 0
    # The other sign keeps one chance in six, however sure the worlds are.
    for middle, width, said in (onto_mood, onto_gut):
        assert width >= abs(middle)
        assert said.startswith("axis, ")
        assert "positive in 0% of them" in said
    middle, width, said = belief["drift[shannon, shannon]"]
    assert np.exp(middle) == pytest.approx(0.25, rel=0.5)
    assert width >= 1
    assert "gut.richness" in said
    assert belief["drift[steps, steps]"][2].startswith("weak: the axis knows no signal for 'steps'")
    assert belief["drift[steps, shannon]"][2].startswith("weak: the axis knows no signal for 'steps'")
    assert belief["mean[steps]"][2].startswith("weak: ")


def test_beliefs_of_the_axis_go_with_the_units_of_the_processes(small):
    model = model_of("shannon", "negative affect")
    given = {"axis": small, "signals": PLACES, "worlds": 12}
    panel = panel_with("shannon", "negative affect")
    one = told(from_axis(model, panel, np.array([1.0, 1.0]), **given), model)
    other = told(from_axis(model, panel, np.array([1.0, 10.0]), **given), model)
    name = "drift[negative affect, shannon]"
    assert other[name][0] == pytest.approx(10 * one[name][0])
    assert other["noise[negative affect]"][0] - one["noise[negative affect]"][0] == pytest.approx(np.log(10))


def test_names_are_found_and_unknown_ones_are_not():
    assert shown_by(["clr:Butyrate_producers"]).signal == "colon.relative_abundance[butyrate_producers]"
    assert shown_by(["blood.il6"]).signal == "blood.il6"
    assert shown_by(["IL-6"]).signal == "blood.il6"
    assert shown_by(["heart.rmssd"]).signal == "vagus.efferent"
    assert shown_by(["mood"]).sign == -1
    assert shown_by(["latent", "negative_affect"]).signal == "mind.negative_affect"
    assert shown_by(["weather"]) is None
    given = [name for one in TABLE for name in one.names]
    assert len(given) == len(set(given))
    assert all(plain(name) == name for name in given)


def test_the_standard_axis_gives_every_signal_and_its_worlds_are_kept():
    assert {one.signal for one in TABLE} <= set(standard().columns)
    assert str(np.load(FILE)["fingerprint"]) == fingerprint(), (
        "the body has changed: run python -m gutbrain.fit.coupling.axis_worlds"
    )
    worlds = standard_worlds()
    assert len(worlds) >= 28
    assert all(one.growth < 0 for one in worlds)
    found = reduced(worlds[0], ("mind.negative_affect", "mind.appraised_stress"), 0.1)
    assert found.standardised[0, 1] > 0


def test_the_standard_axis_on_gut_and_mind():
    names = ("shannon", "negative affect", "stress", "mood")
    model = model_of(*names)
    belief = told(from_axis(model, panel_with(*names, gap=0.2)), model)
    assert belief["drift[negative affect, stress]"][0] > 0
    assert belief["drift[mood, stress]"][0] == pytest.approx(
        -belief["drift[negative affect, stress]"][0] * 2 / 10, rel=0.1
    )
    assert belief["drift[mood, negative affect]"][2].startswith("weak: the axis has one signal for both")
    # Direct effects of the gut on mood are of unknown sign, and no more is believed here.
    middle, width, said = belief["drift[negative affect, shannon]"]
    assert abs(middle) < 0.2 * width
    assert said.startswith("axis, ")
    assert np.exp(belief["drift[shannon, shannon]"][0]) < 0.5
    assert np.exp(belief["drift[negative affect, negative affect]"][0]) > 3


@pytest.fixture(scope="module")
def population() -> Fitted:
    """A fit of eight people: means and one auto-effect vary, with known numbers."""
    varying = ("mean[shannon]", "mean[negative affect]", "drift[negative affect, negative affect]")
    model = model_of("shannon", "negative affect", varying=varying, predictors=("age",), moderated=("mean[shannon]",))
    panel = panel_with("shannon", "negative affect", predictors=("age",))
    free = np.array([0.1 * at for at in range(len(model.free))])
    places = {name: at for at, name in enumerate(model.free_names)}
    for name, value in (("spread[mean[shannon]]", np.log(0.2)), ("spread[mean[negative affect]]", np.log(6.0)),
                        ("spread[drift[negative affect, negative affect]]", np.log(0.4)),
                        ("predictor[mean[shannon], age]", 0.01)):  # fmt: skip
        free[places[name]] = value
    return Fitted(model, panel, "maximum likelihood", free, np.diag(np.linspace(0.01, 0.02, len(free))), -1.0,
                  np.zeros(8), True)  # fmt: skip


def test_other_people_are_the_prior_of_one(population):
    model = model_of("shannon", "negative affect", impulses=("practice",))
    panel = panel_with("shannon", "negative affect", impulses=("practice",), predictors=("age",)).of([3])
    prior = from_population(population, model, panel)
    belief = told(prior, model)
    there = dict(
        zip(population.model.free_names, zip(population.free, np.diag(population.covariance), strict=True), strict=True)
    )
    value, sure = there["mean[negative affect]"]
    assert belief["mean[negative affect]"][0] == pytest.approx(value)
    assert belief["mean[negative affect]"][1] == pytest.approx(np.sqrt(sure + 36), rel=1e-6)
    assert "population of 8: differences between people as fitted" in belief["mean[negative affect]"][2]
    age = panel.predictors[0, 0]
    assert belief["mean[shannon]"][0] == pytest.approx(there["mean[shannon]"][0] + 0.01 * age)
    assert "moved by age" in belief["mean[shannon]"][2]
    # What was equal for all in the fit is not taken to be known of the next one.
    assert belief["error[shannon]"][1] == pytest.approx(np.sqrt(there["error[shannon]"][1] + 0.09))
    assert belief["impulse[shannon, practice]"][2].startswith("weak: ")
    covariance = np.linalg.inv(prior.precision)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), prior.sd, rtol=1e-9)
    places = {name: at for at, name in enumerate(model.free_names)}
    first, second = places["mean[shannon]"], places["drift[negative affect, negative affect]"]
    names = population.model.free_names
    pair = "spread_correlation[mean[shannon], drift[negative affect, negative affect]]"
    correlation = np.tanh(population.free[names.index(pair)])
    assert covariance[first, second] == pytest.approx(correlation * 0.2 * 0.4, rel=1e-6)
    assert np.isfinite(prior.log_density(prior.mean))


def test_a_fit_that_cannot_serve_is_refused(population):
    model, panel = model_of("shannon", "negative affect"), panel_with("shannon", "negative affect", people=1)
    failed = Fitted(**{**population.__dict__, "converged": False})
    with pytest.raises(InputError, match="did not converge"):
        from_population(failed, model, panel)
    blind = Fitted(**{**population.__dict__, "covariance": np.full_like(population.covariance, np.nan)})
    with pytest.raises(InputError, match="no standard errors"):
        from_population(blind, model, panel)
    with pytest.raises(InputError, match="shares no free parameter"):
        from_population(population, model_of("weather"), panel_with("weather", people=1))


@pytest.mark.parametrize("gap", [0.05, 7.0, 60.0])
def test_any_gap_and_signals_that_move_as_one_give_finite_beliefs(gap):
    names = ("sleep", "sleep duration", "stress", "pain", "cortisol", "butyrate")
    model = model_of(*names)
    prior = from_axis(model, panel_with(*names, gap=gap))
    belief = told(prior, model)
    assert np.isfinite(prior.mean).all()
    assert (np.isfinite(prior.sd) & (prior.sd > 0)).all()
    assert "cannot tell" in belief["drift[sleep duration, stress]"][2]
    assert belief["drift[sleep, stress]"][2].startswith("axis, ")
    assert "move at once" in belief["drift[pain, stress]"][2]
