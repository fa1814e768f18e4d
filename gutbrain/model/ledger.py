"""What a compartment conserves: what enters less what leaves is what its states store, at any state.

The store is counted from the rates of the states, not from equations of the ledger, so that a product
made twice or a loss forgotten shows as a gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from gutbrain.model.axis import Axis
from gutbrain.model.compartment import Compartment, Ledger, Rate

CLOSED = 1e-6  # share of the inflow that may be missing: rounding and the last digits of quasi-steady balances


def gap(reading: Any, part: Compartment, ledger: Ledger) -> np.ndarray:
    """Return what is missing as a share of what enters, array [people].

    Parameters
    ----------
    reading : axis read at states, array [rows, people]
    part : the compartment of the ledger
    """
    view = reading.views[part.name]
    rates = {rate.of: name for name, rate in part.members(Rate).items()}
    kept: Any = 0.0
    for state, content in ledger.stored.items():
        change = np.asarray(getattr(view, rates[state]))
        held = np.asarray(getattr(view, content)) if isinstance(content, str) else content
        kept = kept + held * (change.sum(axis=0) if change.ndim > 1 else change)
    enters = np.asarray(getattr(view, ledger.enters))
    return (enters - np.asarray(getattr(view, ledger.leaves)) - kept) / enters


def audit(
    axis: Axis, y: np.ndarray, parameters: Mapping[str, np.ndarray], levers: Mapping[str, np.ndarray]
) -> Iterator[tuple[Literal["error", "note"], str, str, str]]:
    """Hold every ledger of an axis to its quantity; yield severity, place, what was found and its mend.

    Parameters
    ----------
    y : states, array [rows, people], declared units
    parameters : coherent values
    levers : offsets, array [people]
    """
    if not any(part.ledgers for part in axis.compartments):
        return
    reading = axis.read(jnp.asarray(y), parameters, levers)
    for part in axis.compartments:
        for ledger in part.ledgers:
            missing = np.abs(gap(reading, part, ledger))
            worst = float(missing.max())
            what = f"{ledger.name}: at most {worst:.2g} of the inflow is missing at {missing.size} random states"
            if not worst <= CLOSED:
                yield "error", part.name, what, f"find what makes or loses {ledger.name}"
            else:
                yield "note", part.name, what, ""
            for name in ledger.never_negative:
                least = float(np.min(np.asarray(getattr(reading.views[part.name], name))))
                if not least >= -1e-9:
                    told = f"{ledger.name}: `{name}`, what the named products leave over, falls to {least:.3g}"
                    yield "error", f"{part.name}.{name}", told, "name fewer products of what is eaten"
