"""What a fit of many people says of the next one: the prior of a study of one person."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from gutbrain.errors import InputError
from gutbrain.fit.coupling.fitted import Fitted
from gutbrain.fit.coupling.matrices import Layout
from gutbrain.fit.coupling.model import CouplingModel
from gutbrain.fit.coupling.panel import Panel
from gutbrain.fit.coupling.prior import Prior
from gutbrain.fit.coupling.weak_prior import DIFFER, Scales, weak


def from_population(fitted: Fitted, model: CouplingModel, panel: Panel) -> Prior:
    """Return beliefs on one person from a fit of many.

    Parameters
    ----------
    fitted : of the population; its model may vary between people in what it likes
    model, panel : of the one person; parameters of the same name are taken as the same

    Returns
    -------
    Prior
        Mean: the value of the population, moved by the person's predictors where the fit has them. Covariance: how
        people differ, plus how surely the population is known. Parameters that the fit took to be equal for all get a
        usual difference between people on top, so that no person is forced to be the average. Parameters that the fit
        does not have, or held, are weak.

    Raises
    ------
    InputError
        If the fit did not converge, has no covariance, or shares no free parameter with the model.
    """
    if not fitted.converged:
        raise InputError("the fit of the population did not converge", mend="Fit it again before it serves as a prior")
    if not np.isfinite(fitted.covariance).all():
        raise InputError("the fit of the population has no standard errors", mend="Fit a model that its data identify")
    base, many, scales = weak(model, panel), fitted.model, Scales(model, panel)
    free = {at: place for place, at in enumerate(many.free)}
    shared = [(place, many.index[name]) for place, name in enumerate(model.free_names)
              if many.index.get(name) in free]  # fmt: skip
    if not shared:
        raise InputError("the fit of the population shares no free parameter with this model",
                         mend="Processes and indicators must have the same names")  # fmt: skip
    here, there = (np.array(part) for part in zip(*shared, strict=True))
    columns = np.array([free[at] for at in there])
    covariance = fitted.covariance[np.ix_(columns, columns)] + _between(fitted)[np.ix_(there, there)]
    varying = np.isin(there, many.random)
    usual = np.array([DIFFER * scales.unit(model.parameters[model.free[place]]) for place in here])
    covariance[np.diag_indices(len(there))] += np.where(varying, 0.0, usual**2)
    mean, sd, about = base.mean.copy(), base.sd.copy(), list(base.about)
    shift, moved = _shift(fitted, panel)
    mean[here] = fitted.full()[there] + shift[there]
    sd[here] = np.sqrt(np.diag(covariance))
    people = len(fitted.panel.people)
    for place, at, differs in zip(here, there, varying, strict=True):
        how = (
            "differences between people as fitted" if differs else f"equal for all there, {DIFFER:g} of its unit added"
        )
        own = f", moved by {', '.join(moved)}" if moved and shift[at] else ""
        about[place] = f"population of {people}{own}: {how}"
    precision = np.diag(1 / sd**2)
    precision[np.ix_(here, here)] = np.linalg.inv(covariance)
    return Prior(mean, sd, tuple(about), (precision + precision.T) / 2)


def _between(fitted: Fitted) -> np.ndarray:
    """Return the covariance of random effects among the own parameters, array [own, own]; the mean over draws."""
    layout, random = Layout(fitted.model), np.array(fitted.model.random, int)
    made = np.zeros((len(fitted.model.own), len(fitted.model.own)))
    if len(random):
        vectors = fitted.sample(200) if fitted.draws is not None else fitted.free[None]
        factors = [np.asarray(layout.spread_factor(jnp.asarray(fitted.full(one)))) for one in vectors]
        made[np.ix_(random, random)] = np.mean([one @ one.T for one in factors], 0)
    return made


def _shift(fitted: Fitted, panel: Panel) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return by how much the person's predictors move his parameters [own], and which predictors did."""
    model = fitted.model
    made, moved, full = np.zeros(len(model.own)), [], fitted.full()
    places = {one.name: at for at, one in enumerate(model.parameters)}
    for column, name in enumerate(model.predictors):
        # A predictor that is not known of the person counts as the mean of the population.
        if name in panel.predictor_names:
            value = float(np.mean(panel.predictors[:, panel.predictor_names.index(name)]))
            moved.append(name)
        else:
            value = float(np.mean(fitted.panel.predictors[:, column]))
        for at in model.moved_by_predictors:
            made[at] += full[places[f"predictor[{model.own[at].name}, {name}]"]] * value
    return made, tuple(moved)
