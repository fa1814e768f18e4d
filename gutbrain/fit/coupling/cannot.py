"""In plain words: what cannot be concluded from a fit and the data behind it."""

from __future__ import annotations

import numpy as np
import polars as pl

from gutbrain.fit.coupling.checks import failed
from gutbrain.fit.coupling.effects import unstable_share
from gutbrain.fit.coupling.fitted import Fitted
from gutbrain.fit.coupling.plain import at_rest, exponential, returns, usual

WIDE = 1.0  # SD by SD: an interval this wide holds next to anything
FEW_PEOPLE, FEW_OCCASIONS = 10, 50
MUCH_MISSING = 0.3
SLIGHT = 0.05  # correlations below this are not told as going the other way
STAYED = 0.9  # a spread of at least this share of the prior's: the data said next to nothing

NO_FIT = "The fit did not converge: none of its numbers can be relied on."
NO_ERRORS = "There are no standard errors, so that nothing can be said of how sure any number is."
NO_REST = (
    "The processes as estimated do not return to rest, so that effects in standard deviations, lagged effects and "
    "shares of variance do not exist and are left out."
)
RARELY_REST = (
    "In {0:.0%} of what the data allow the processes do not return to rest; lagged effects and their limits hold only "
    "for the others."
)
MATCHED = (
    "The likelihood of {0} indicators is an approximation (matching of moments); with few categories or counts near "
    "zero, small effects and their limits can be off."
)
INTEGRATED = (
    "Random effects on other things than means are integrated numerically, not exactly; what single people's values "
    "are worth depends on it."
)
NO_CAUSE = (
    "An effect from one process on another is what comes first in time and foretells the other, not a cause: neither "
    "was set by chance, and something unseen that moves both at different speed (a meal, sleep, an infection, the day "
    "of the week) would look the same."
)
BY_CHOICE = (
    "Responses to {0} are causes only if it was left to chance when they came; whoever practises or eats when he feels "
    "worse makes them look harmful, or useful."
)
UNTOUCHED = (
    "Nothing was done to anybody in this model, so that it does not show what would happen if somebody changed one of "
    "the processes."
)
NO_TIME = "Nobody was seen twice, so that nothing can be said of time."
BETWEEN = (
    "What comes and goes faster than the gap between occasions (usually {0}) or slower than the record ({1}) cannot be "
    "seen; lagged effects at shorter lags are read off the model, not the data."
)
SELDOM = (
    "{0} was seen only every {1}: what it did in between, and any effect that passes within that time, rests on the "
    "model."
)
SLOW = "The slowest return takes about {0}, long against the record: it could also be a trend."
FAST = (
    "The fastest return takes about {0}, much less than the usual gap: its speed can hardly be told apart from error "
    "of measurement."
)
ONE = "This is one person: nothing follows for other people, nor for another time of this person's life."
FEW = "{0} people are few: how much people differ, and whether others would be alike, cannot be told."
SHORT = "{0} occasions are few for one person: only strong effects could have been found."
UNLIKE = (
    "The effect of {1} on {0} differs between people more than it is large (SD {2:.2g} around {3:.2g} a day): in some "
    "it may run the other way, and what is told of the usual person holds for few."
)
ALIKE = (
    "The effects of processes on each other are taken to be the same in everybody; that some people have them and "
    "others do not, or the other way round, would not show."
)
LEVEL = "People are taken to have the same means; stable differences between them can pass for effects within them."
LEANING = (
    "Single people's values lean on the others, the more so the fewer occasions they have; that somebody is unlike the "
    "rest can stay hidden."
)
ALONE = (
    "{0} is seen through {1} alone: its error of measurement is told apart from fast change only by the model, and the "
    "size of its effects leans on that."
)
FLAWLESS = "{1} is taken to be free of error; if it is not, effects of {0} are underrated and those on it may be wrong."
MISSING = (
    "Much is missing at the occasions of the record: {0}. If whether something was seen hangs on how people felt, what "
    "was found is bent."
)
SHARES = (
    "Log-ratios of a composition speak of shares: a rise of one taxon can be a fall of all others, and amounts cannot "
    "be told."
)
MANY = (
    "{0} pairs of processes were compared; each probability is for its pair alone, and the largest of them looks "
    "larger than it is."
)
TOGETHER = (
    "Errors of what was seen at one moment are taken to be free of each other; a mood that colours two answers, or one "
    "sample behind two numbers, would bend the effects."
)
OTHERWISE = (
    "Taken by itself, more of {0} goes before {2} of {1} (correlation {3:.2f} after {4}), because both move together "
    "at one time; the effect that is told holds among moments that are alike in {1}."
)
OPEN = "The limits between {0} and {1} are so wide that neither no effect nor a strong one is ruled out."
NONE_FOUND = "That no effect was found between {0} and {1} does not show that there is none."
AGAINST = "The residuals of {0} speak against the model: {1} ({2})."
CHANGING = "The processes may not be the same from begin to end; the numbers are then those of no time."
BELIEVED = "The data say next to nothing about {0}: what is reported is what was believed before."


def cannot(fitted: Fitted, directions: pl.DataFrame, checks: pl.DataFrame) -> tuple[str, ...]:
    """Return sentences on what these data and this fit do not show, the gravest first.

    Parameters
    ----------
    fitted : the fit
    directions, checks : tables of `effects.directions` and `checks.checks`
    """
    parts = (_trust(fitted), _cause(fitted), _time(fitted), _people(fitted), _seen(fitted), _sure(fitted, directions),
             _left(checks), _beliefs(fitted))  # fmt: skip
    return tuple(sentence for part in parts for sentence in part)


def _trust(fitted: Fitted) -> list[str]:
    said = []
    if not fitted.converged:
        said.append(NO_FIT)
    if fitted.draws is None and not np.isfinite(fitted.covariance).all():
        said.append(NO_ERRORS)
    if not returns(usual(fitted.model, fitted.free, fitted.panel.predictors).drift)[0] > 0:
        said.append(NO_REST)
    elif (share := unstable_share(fitted)) > 0.01:
        said.append(RARELY_REST.format(share))
    if kinds := sorted({one.kind for one in fitted.model.indicators} - {"gaussian"}):
        said.append(MATCHED.format(" and ".join(kinds)))
    if fitted.model.curved:
        said.append(INTEGRATED)
    varying = {fitted.model.own[place].kind for place in fitted.model.random}
    if len(fitted.panel.people) > 1 and not varying & {"mean", "intercept"}:
        said.append(LEVEL)
    return said


def _cause(fitted: Fitted) -> list[str]:
    said = [NO_CAUSE] if len(fitted.model.processes) > 1 else []
    inputs = (*fitted.model.impulses, *fitted.model.levels)
    return [*said, BY_CHOICE.format(_listed(inputs)) if inputs else UNTOUCHED]


def _time(fitted: Fitted) -> list[str]:
    panel = fitted.panel
    gaps = panel.gap[~panel.first]
    if not len(gaps):
        return [NO_TIME]
    starts = np.flatnonzero(panel.first)
    ends = np.r_[starts[1:], len(panel.time)] - 1
    record, gap = float(np.median(panel.time[ends] - panel.time[starts])), float(np.median(gaps))
    said = [BETWEEN.format(_days(gap), _days(record))]
    for column, name in enumerate(panel.indicators):
        seen = panel.seen[:, column]
        own = np.diff(panel.time[seen])[panel.person[seen][1:] == panel.person[seen][:-1]]
        if len(own) and np.median(own) > 2 * gap:
            said.append(SELDOM.format(name, _days(float(np.median(own)))))
    rates = -np.linalg.eigvals(usual(fitted.model, fitted.free, panel.predictors).drift[0]).real
    if rates.min() > 0 and 3 / rates.min() > record:
        said.append(SLOW.format(_days(1 / rates.min())))
    if rates.max() > 0 and 1 / rates.max() < gap / 3:
        said.append(FAST.format(_days(1 / rates.max())))
    return said


def _people(fitted: Fitted) -> list[str]:
    model, people, occasions = fitted.model, len(fitted.panel.people), np.bincount(fitted.panel.person)
    if people == 1:
        return [ONE, *([SHORT.format(occasions[0])] if occasions[0] < FEW_OCCASIONS else [])]
    said = [FEW.format(people)] if people < FEW_PEOPLE else []
    varying = {model.own[place].kind for place in model.random}
    table = dict(zip(model.free_names, fitted.natural(), strict=True))
    for place in model.random:
        one = model.own[place]
        spread = table.get(f"spread[{one.name}]", 0.0)
        if one.kind == "drift" and one.transform == "identity" and spread > abs(table.get(one.name, one.held or 0.0)):
            to, by = (model.processes[at].name for at in one.place)
            said.append(UNLIKE.format(to, by, spread, table.get(one.name, one.held or 0.0)))
    if len(model.processes) > 1:
        if "drift" not in varying:
            said.append(ALIKE)
        elif np.median(occasions) < FEW_OCCASIONS:
            said.append(LEANING)
    return said


def _seen(fitted: Fitted) -> list[str]:
    panel, model = fitted.panel, fitted.model
    said = []
    for process in model.processes:
        shown = [one for one in model.indicators if one.loadings.get(process.name, 0.0) != 0.0]
        if len(shown) == 1 and shown[0].kind == "gaussian":
            said.append((ALONE if shown[0].error else FLAWLESS).format(process.name, shown[0].name))
    shares = zip(panel.indicators, 1 - panel.seen.mean(0), strict=True)
    if many := [f"{name} ({share:.0%})" for name, share in shares if share > MUCH_MISSING]:
        said.append(MISSING.format(_listed(many)))
    if panel.known_variance.any():
        said.append(SHARES)
    if sum(one.error or one.kind == "ordinal" for one in model.indicators) > 1:
        said.append(TOGETHER)
    return said


def _sure(fitted: Fitted, directions: pl.DataFrame) -> list[str]:
    said = [MANY.format(len(directions))] if len(directions) > 1 else []
    for row in directions.iter_rows(named=True):
        for way, by, to in (("gut_to_mind", row["gut"], row["mind"]), ("mind_to_gut", row["mind"], row["gut"])):
            low, high = row[f"{way}_low"], row[f"{way}_high"]
            if low <= 0 <= high:
                said.append((OPEN if high - low > WIDE else NONE_FOUND).format(by, to))
            else:
                said += _otherwise(fitted, by, to, row[f"{way}_lag"], row[way])
    return said


def _otherwise(fitted: Fitted, by: str, to: str, lag: float, effect: float) -> list[str]:
    """Return a sentence where two processes taken by themselves go together otherwise than the effect says."""
    names = [one.name for one in fitted.model.processes]
    made = usual(fitted.model, fitted.free, fitted.panel.predictors)
    rest = at_rest(made.drift, made.noise)[0]
    later = exponential(made.drift * lag)[0] @ rest
    place, other = names.index(to), names.index(by)
    together = float(later[place, other] / np.sqrt(rest[place, place] * rest[other, other]))
    if together * effect >= 0 or abs(together) < SLIGHT:
        return []
    return [OTHERWISE.format(by, to, "less" if together < 0 else "more", together, _days(lag))]


def _left(checks: pl.DataFrame) -> list[str]:
    said: list[str] = []
    off = failed(checks)
    for check, verdict in dict.fromkeys(off.select("check", "verdict").rows()):
        names = off.filter(check=check, verdict=verdict)["indicator"].to_list()
        said.append(AGAINST.format(_listed(names), verdict, check))
    return [*said, CHANGING] if "variance over time" in off["check"] else said


def _beliefs(fitted: Fitted) -> list[str]:
    if fitted.prior is None or not np.isfinite(fitted.covariance).all():
        return []
    share = np.sqrt(np.diag(fitted.covariance)) / fitted.prior.sd
    stayed = [name for name, one in zip(fitted.model.free_names, share, strict=True) if one > STAYED]
    return [BELIEVED.format(_listed(stayed))] if stayed else []


def _listed(names: list[str] | tuple[str, ...], most: int = 6) -> str:
    shown = [*names[:most], f"{len(names) - most} more"] if len(names) > most else list(names)
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _days(days: float) -> str:
    if days < 1 / 24:
        return f"{days * 1440:.0f} minutes"
    if days < 1.5:
        return f"{days * 24:.0f} hours"
    return f"{days:.0f} days" if days < 60 else f"{days / 30.4:.0f} months"
