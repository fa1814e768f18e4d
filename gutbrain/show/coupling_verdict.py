"""The short answer of a coupling: which way it runs, how sure that is, and in red if the fit cannot be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import isfinite
from typing import TYPE_CHECKING, Any

from gutbrain.fit.coupling.effects import LIKELY
from gutbrain.show.analysis_words import fixed
from gutbrain.show.coupling_words import Names, chance_said, lag_said
from gutbrain.show.study_plots import counted_said

if TYPE_CHECKING:
    from gutbrain.fit.coupling.coupled import Coupled

PAIRS = 4  # told in the short answer
CAREFUL = (
    "“Gut to mind” means that the gut was ahead in time, with the rest of the model held. It is no proof of a cause: "
    "what moves both, one sooner than the other, looks the same."
)
RED = "#b3261e"
ALARM = "background:#fdecea;border-left:5px solid {red};padding:14px 20px;border-radius:4px;margin:0 0 16px;color:{red}"


def verdict(made: Coupled, names: Names) -> list[str]:
    """Return a few sentences in plain words; none about direction if the fit did not converge."""
    if not made.fitted.converged:
        return [
            "Nothing can be said about which way it runs: the fit did not converge.",
            "The numbers below are where the search stopped. They show what went wrong and are no result.",
        ]
    rows = made.directions.to_dicts()
    if not rows:
        gut, mind = names.on("gut"), names.on("mind")
        which = "gut" if not gut else "mind"
        first = "No direction between gut and mind could be told from this fit."
        if not gut or not mind:
            first = f"No process of the {which} is in this model, so it tells no direction between gut and mind."
        return [first, CAREFUL]
    ranked = sorted(rows, key=lambda row: -abs(_chance(row) - 0.5))
    told = [_headline(rows), *(_pair(row, names) for row in ranked[:PAIRS])]
    if len(rows) > PAIRS:
        told.append(
            f"Told are the {PAIRS} clearest of {counted_said(len(rows), 'pair')}; all stand in the table below."
        )
    return [*told, CAREFUL]


def _chance(row: Mapping[str, Any]) -> float:
    """Return the probability that gut to mind is the larger effect; 0.5 where nothing is known."""
    chance = row["probability"]
    return float(chance) if chance is not None and isfinite(chance) else 0.5


def larger(row: Mapping[str, Any]) -> str:
    """Return the way whose effect is surely the larger one: gut_to_mind, mind_to_gut, or "" where that is open."""
    way = "gut_to_mind" if _chance(row) >= 0.5 else "mind_to_gut"
    low, high = row[f"{way}_low"], row[f"{way}_high"]
    told = low is not None and high is not None and (low > 0 or high < 0)
    return way if told and max(_chance(row), 1 - _chance(row)) >= LIKELY else ""


def _headline(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the answer in one sentence, for readers who read one sentence."""
    ways = [larger(row) for row in rows]
    if len(rows) == 1:
        chance = _chance(rows[0])
        if not ways[0]:
            return "In short: these data leave open which way it runs more strongly."
        first, second = ("gut", "mind") if ways[0] == "gut_to_mind" else ("mind", "gut")
        return (f"In short: the {first} foretells the {second} more than the {second} the {first}; that is "
                f"{chance_said(max(chance, 1 - chance))}.")  # fmt: skip
    up, down = ways.count("gut_to_mind"), ways.count("mind_to_gut")
    if not up + down:
        many = counted_said(len(rows), "pair")
        return f"In short: for none of {many} of gut and mind is it clear which way it runs more strongly."
    parts = [f"gut to mind is the stronger way in {up}", f"mind to gut in {down}"]
    left = len(rows) - up - down
    text = " and ".join(parts) if not left else ", ".join(parts) + f", and in {left} it is open"
    return f"In short: of {counted_said(len(rows), 'pair')} of gut and mind, {text}."


def _pair(row: Mapping[str, Any], names: Names) -> str:
    gut, mind = names.lower(row["gut"]), names.lower(row["mind"])
    sentence = names.sentence(str(row["verdict"])).rstrip(".")
    up, down = (lag_said(row.get(f"{way}_lag", row["lag"])) for way in ("gut_to_mind", "mind_to_gut"))
    return (
        f"{sentence}. All else alike now, one SD more of {gut} goes before {mind} that stands "
        f"{_moved(row, 'gut_to_mind')} {up} later; one SD more of {mind} before {gut} that stands "
        f"{_moved(row, 'mind_to_gut')} {down} later."
    )


def _moved(row: Mapping[str, Any], way: str) -> str:
    estimate, low, high = (row[name] for name in (way, f"{way}_low", f"{way}_high"))
    if estimate is None or not isfinite(estimate):
        return "at a value that could not be told"
    size = f"{fixed(abs(estimate), 2)} SD {'higher' if estimate >= 0 else 'lower'}"
    if low is None or high is None or not (isfinite(low) and isfinite(high)):
        return size
    return f"{size} (95 % interval {fixed(low, 2)} to {fixed(high, 2)})"


def alarm(made: Coupled, names: Names) -> str:
    """Return a red box for the top of the page, or nothing if the fit converged."""
    if made.fitted.converged:
        return ""
    reasons = [names.sentence(text).rstrip(".") + "." for text in made.fitted.said]
    listed = "".join(f"<p>{escape(text)}</p>" for text in reasons)
    style = ALARM.format(red=RED)
    head = "Not converged: these numbers are no result"
    return f'<section class="alarm" role="alert" style="{style}"><strong>{head}</strong>{listed}</section>\n'
