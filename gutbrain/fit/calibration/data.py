"""The data of a calibration: sizes of the findings marked `calibrate`, never of those marked `predict`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gutbrain.evidence.findings import finding, findings
from gutbrain.validation.designs import Design, designs
from gutbrain.validation.score import on_scale, printed_error

# What no model of this kind can be better than, on the scale of the estimate (ours).
FLOOR = {"SMD": 0.1, "change SMD": 0.1, "ratio": 0.1, "per cent": 3.0, "share": 2.0}
PEOPLE = 100  # persons of a finding that states none


@dataclass(frozen=True)
class Data:
    """What the worlds are moved towards.

    Attributes
    ----------
    findings : ids
    pathways : of each
    observed, error : arrays [findings]; standard deviations hold the printed error, a floor, and shared virtual trials
    left_out : findings marked for calibration that give no number to fit, by reason
    """

    findings: tuple[str, ...]
    pathways: tuple[str, ...]
    observed: np.ndarray
    error: np.ndarray
    left_out: Mapping[str, str]


def simulated(*uses: str) -> dict[str, Design]:
    """Return the designs of the findings with one of these uses (all by default)."""
    use = dict(findings().select("id", "use").iter_rows())
    return {name: one for name, one in designs().items() if not uses or use.get(name) in uses}


def data() -> Data:
    """Return what is fitted.

    A null enters as 0 with the error of its size of trial. Findings that one virtual trial answers share its weight.
    """
    kept: list[tuple[str, float, float]] = []
    left: dict[str, str] = {}
    chosen = simulated("calibrate")
    for name, design in chosen.items():
        found = finding(name)
        centre = on_scale(found, design)[0]
        if design.estimate not in FLOOR:
            left[name] = f"a {design.estimate} hangs on which few people live in a world"
        elif centre is None:
            left[name] = "only a direction is published"
        else:
            error = printed_error(found, design) or _chance(design, found.n)
            kept.append((name, centre, float(np.hypot(error, FLOOR[design.estimate]))))
    alike = Counter(_trial(chosen[name]) for name, _, _ in kept)
    share = np.array([alike[_trial(chosen[name])] for name, _, _ in kept])
    return Data(
        tuple(name for name, _, _ in kept), tuple(finding(name).pathway for name, _, _ in kept),
        np.array([centre for _, centre, _ in kept]), np.array([error for _, _, error in kept]) * np.sqrt(share), left,
    )  # fmt: skip


def _trial(design: Design) -> tuple[object, ...]:
    return design.arm, design.against, design.outcome, design.estimate


def _chance(design: Design, people: int | None) -> float:
    """Return the sampling error of a standardised difference at its size of trial."""
    count = design.people or people or PEOPLE
    return float(np.sqrt((2.0 if design.paired else 4.0) / count))
