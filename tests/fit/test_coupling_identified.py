"""What a design cannot tell is named before a fit, and what it can tell is not refused."""

import numpy as np
import pytest
from made_panels import even_panel, model_with, panel_with, somewhere

from gutbrain.errors import InputError
from gutbrain.fit.coupling import dense
from gutbrain.fit.coupling.identified import unidentified
from gutbrain.fit.coupling.information import expected_information
from gutbrain.fit.coupling.model import CouplingModel, Indicator, Process
from gutbrain.fit.coupling.prior import Prior
from gutbrain.fit.coupling.start import start_values


def looked_at(model, panel):
    return unidentified(model, panel, start_values(model, panel).free)


def untold(model, panel):
    """Return the names of parameters that cannot be told, one set a sentence."""
    return [set(one.parameters) for one in looked_at(model, panel).untold]


def at_values(model, *values):
    return np.array([model.parameters[at].raw(value) for at, value in zip(model.free, values, strict=True)])


def information_by_differences(model, panel, free, step=1e-5):
    """Return the expected information from the moments of whole people, all parameters moved one by one."""
    made = 0.0
    for person in range(len(panel.people)):
        seen = panel.of([person]).seen.ravel()
        moments = lambda at, who=person: dense.moments(model, panel, who, at)  # noqa: E731
        inverse = np.linalg.inv(moments(free)[1][np.ix_(seen, seen)])
        means, spreads = [], []
        for one in step * np.eye(len(free)):
            high, low = moments(free + one), moments(free - one)
            means.append((high[0] - low[0])[seen] / (2 * step))
            spreads.append(inverse @ (high[1] - low[1])[np.ix_(seen, seen)] / (2 * step))
        made = made + np.array(means) @ inverse @ np.array(means).T
        made = made + 0.5 * np.einsum("aij,bji->ab", np.array(spreads), np.array(spreads))
    return made


def test_information_of_short_series_is_exact():
    generator = np.random.default_rng(1)
    model = model_with(2, 2, impulses=("k0",), levels=("l0",), predictors=("x0",),
                       varying=("mean[i0]", "impulse[a0, k0]"), initial="free")  # fmt: skip
    panel = panel_with(generator, 2, 2, impulses=1, levels=1, predictors=1, most=4)
    free = somewhere(model, generator)
    told, wanted = expected_information(model, panel, free).matrix, information_by_differences(model, panel, free)
    size = np.sqrt(np.diag(wanted))
    np.testing.assert_allclose(told / size / size[:, None], wanted / size / size[:, None], rtol=0, atol=1e-6)


def test_information_of_long_series_comes_close():
    model, panel = model_with(1, 1, varying=("mean[i0]",)), even_panel(2, 130)
    free = at_values(model, -0.5, 1.0, 0.0, 0.5, 1.0)
    told, wanted = (np.sqrt(np.diag(np.linalg.inv(one))) for one in (
        expected_information(model, panel, free).matrix, information_by_differences(model, panel, free)))  # fmt: skip
    np.testing.assert_allclose(told, wanted, rtol=0.05)


def test_one_spread_of_rates_is_told_as_by_the_rates_of_single_people():
    """With very long series each person's rate is known, and the spread of rates as well as that of n numbers."""
    model = CouplingModel((Process("a0"),), (Indicator("i0", {"a0": 1.0}, error=False),), varying=("drift[a0, a0]",))
    panel = even_panel(20, 2000)
    free = at_values(model, -0.5, 1.0, 0.0, 0.8)
    errors = unidentified(model, panel, free).standard_errors
    at = model.free_names.index("spread[drift[a0, a0]]")
    assert errors[at] == pytest.approx(1 / np.sqrt(2 * 20), rel=0.05)
    assert errors[model.free_names.index("drift[a0, a0]")] == pytest.approx(0.8 / np.sqrt(20), rel=0.05)


WELL_POSED = {
    "30 people, 30 occasions": (model_with(2, varying=("mean[i0]", "mean[i1]")), even_panel(30, 30, 2)),
    "rates that vary": (model_with(2, varying=("drift[a0, a1]", "mean[i0]")), even_panel(30, 30, 2)),
    "five occasions, free begin, no error": (
        CouplingModel((Process("a"), Process("b")), tuple(Indicator(f"i{at}", {name: 1.0}, error=False)
                      for at, name in enumerate("ab")), initial="free"), even_panel(100, 5, 2)),
    "one person at rest": (model_with(2), even_panel(1, 100, 2)),
    "four occasions": (model_with(1, varying=("mean[i0]",)), even_panel(60, 4)),
    "two people, trend": (model_with(1, trend=True), even_panel(2, 40)),
}  # fmt: skip


@pytest.mark.parametrize("name", WELL_POSED)
def test_nothing_is_refused_that_can_be_told(name):
    model, panel = WELL_POSED[name]
    made = looked_at(model, panel)
    assert made.identified
    made.raise_if_any()
    assert np.isfinite(made.standard_errors).all()


def test_two_occasions_do_not_tell_error_from_noise():
    panel = even_panel(50, 2)
    for model in (model_with(1, initial="free"), model_with(1)):
        (names,) = untold(model, panel)
        assert {"error[i0]", "noise[a0]"} <= names
    with pytest.raises(InputError, match=r"error\[i0\], noise.* told apart.*Hold error\[i0\].*more occasions"):
        looked_at(model, panel).raise_if_any()
    held = model_with(1, held={"error[i0]": 0.5})
    assert untold(held, panel) == []


def test_two_occasions_and_people_who_differ():
    assert len(untold(model_with(1, varying=("mean[i0]",)), even_panel(50, 2))) == 2
    assert len(untold(model_with(1, varying=("mean[i0]",)), even_panel(50, 3))) == 1


def test_one_person_has_no_differences_between_people():
    assert untold(model_with(1, initial="free"), even_panel(1, 60)) == [{"initial_sd[a0]"}]
    assert untold(model_with(1, varying=("mean[i0]",)), even_panel(1, 60)) == [{"spread[mean[i0]]"}]
    assert untold(model_with(2, varying=("mean[i0]", "mean[i1]")), even_panel(2, 60, 2)) == [
        {"spread[mean[i0]]"}, {"spread[mean[i1]]"}, {"spread_correlation[mean[i1], mean[i0]]"}]  # fmt: skip
    with pytest.raises(InputError, match="takes at least 3 people, and there is one person"):
        looked_at(model_with(1, initial="free"), even_panel(1, 60)).raise_if_any()


def test_inputs_that_never_act_or_never_change():
    model, panel = model_with(1, impulses=("k0",), levels=("l0",)), even_panel(20, 20, impulses=1, levels=1)
    assert untold(model, panel) == [{"level[a0, l0]"}, {"impulse[a0, k0]"}]
    with pytest.raises(InputError, match=r"impulse\[a0, k0\] \(k0 never acts\)"):
        looked_at(model, panel).raise_if_any()
    always = even_panel(20, 20, levels=1)
    always.levels[:] = 1.0
    assert untold(model_with(1, levels=("l0",), initial="free", intercepts="process"), always) == [
        {"level[a0, l0]", "intercept[a0]"}]  # fmt: skip
    rare = even_panel(40, 20, impulses=1)
    rare.values[::7] = np.nan
    rare.impulses[7] = 1.0  # one session of one person, among people who all were seen at other times
    assert untold(model_with(1, impulses=("k0",)), rare) == []


def test_predictors_and_hours_that_tell_nothing():
    panel = even_panel(20, 20, predictors=1)
    panel.predictors[:] = 1.0
    model = model_with(1, varying=("mean[i0]",), predictors=("x0",))
    assert untold(model, panel) == [{"predictor[mean[i0], x0]", "mean[i0]"}]
    assert untold(model_with(1, day_night=True), even_panel(20, 20)) == [{"sine[a0]"}, {"cosine[a0]", "mean[i0]"}]


def test_loadings_without_a_scale_and_more_processes_than_are_seen():
    twins = tuple(Indicator(f"i{at}", {"a0": None}) for at in range(2))
    assert untold(CouplingModel((Process("a0"),), twins), even_panel(30, 30, 2)) == [
        {"loading[i0, a0]", "noise[a0]", "loading[i1, a0]"}]  # fmt: skip
    crowd = CouplingModel(tuple(Process(f"a{at}") for at in range(4)), tuple(
        Indicator(f"i{at}", {f"a{2 * at}": 1.0, f"a{2 * at + 1}": 1.0}) for at in range(2)))  # fmt: skip
    with pytest.raises(InputError, match="more of this kind, so the model asks much more than there is"):
        looked_at(crowd, even_panel(30, 30, 2)).raise_if_any()


def test_ordinal_and_count_indicators():
    generator, panel = np.random.default_rng(2), even_panel(30, 12, 3)
    panel.values[:] = np.stack([generator.integers(0, most, 360) for most in (5, 2, 9)], 1)
    five, two, counts = (Indicator("i0", {"a0": 1.0}, kind="ordinal", categories=5),
                         Indicator("i1", {"a1": 1.0}, kind="ordinal", categories=2),
                         Indicator("i2", {"a1": None}, kind="count"))  # fmt: skip
    assert untold(CouplingModel((Process("a0"), Process("a1")), (five, two, counts)), panel) == []
    alone = even_panel(30, 12, 1)
    alone.values[:] = panel.values[:, 1:2]
    free_loading = CouplingModel((Process("a1"),), (Indicator("i0", {"a1": None}, kind="ordinal", categories=2),))
    assert untold(free_loading, alone) == [{"loading[i0, a1]", "noise[a1]"}]


def test_a_prior_tells_what_the_data_do_not():
    model, panel = model_with(1, initial="free"), even_panel(1, 30)
    start = start_values(model, panel).free
    prior = Prior(start, np.full(len(start), 0.5))
    made = unidentified(model, panel, start, prior)
    assert made.identified
    assert (made.standard_errors <= 0.5).all()


def test_unstable_start_values_are_named():
    model, panel = model_with(2), even_panel(5, 5, 2)
    start = start_values(model, panel).free
    start[[model.free_names.index(name) for name in ("drift[a0, a1]", "drift[a1, a0]")]] = 50.0
    with pytest.raises(InputError, match="start values are unstable"):
        unidentified(model, panel, start)


def test_table_says_what_to_expect():
    table = looked_at(model_with(1, initial="free"), even_panel(1, 60)).table()
    assert table.columns == ["parameter", "start", "standard_error", "told"]
    row = table.filter(
        table["parameter"] == "initial_sd[a0]").row(0, named=True)  # fmt: skip
    assert row["told"] == "not at all"
    assert np.isinf(row["standard_error"])
