"""Kettle 2022: ten groups in three tanks, against microPop, an independent re-run, and the paper.

Each transit time runs once, 28 days; figures are means of days 7 to 28.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from held import held
from stiff_runs import course

from gutbrain.body.verification.kettle_2022 import Distal, Proximal, Transverse, Vessel
from gutbrain.body.verification.kettle_pathways import GROUPS, LABELS, MOLAR_MASS, RESOURCES
from gutbrain.model.axis import Axis
from gutbrain.model.stability import jacobians, safe_step

TANKS = ("proximal", "transverse", "distal")
COLON = Axis(Proximal(), Transverse(), Distal(), name="colon of Kettle 2022")
VESSEL = Axis(Vessel(), name="vessel")
ACIDS = ("acetate", "butyrate", "propionate")
FIRST, LAST = 7, 28

# Total acids of three tanks, distal acetate, butyrate, propionate (mM), pH of three tanks, cells out (g/d), water kept.
NAMES = (*(f"acids {tank}" for tank in TANKS), *ACIDS, *(f"pH {tank}" for tank in TANKS), "cells out", "water out")
PAPER = {
    1: (124.4, 75.5, 89.5, 56, 27, 7, 5.9, 6.7, 6.5, 20.0, 0.14),
    2: (123.5, 96.1, 62.0, 38, 18, 6, 5.9, 6.4, 6.9, 20.1, 0.04),
    3: (122.1, 111.1, 83.3, 59, 17, 7, 5.9, 6.1, 6.6, 20.0, 0.02),
}
AGAIN = {
    1: (124.3, 76.2, 86.0, 51.0, 27.5, 7.5, 5.86, 6.69, 6.52, 19.99, 0.139),
    2: (123.4, 94.7, 58.8, 32.4, 20.8, 5.7, 5.87, 6.37, 7.00, 20.02, 0.044),
    3: (121.9, 107.8, 77.5, 49.6, 20.7, 7.1, 5.90, 6.14, 6.67, 19.99, 0.020),
}
# Distal cells of the re-run, g, in the order of GROUPS.
CELLS = {
    1: (1.996, 2.430, 0.000, 0.000, 1.379, 4.684, 0.117, 0.083, 0.060, 0.042),
    2: (4.263, 6.283, 0.004, 0.028, 2.175, 8.062, 0.278, 0.260, 0.185, 0.072),
    3: (7.043, 11.243, 0.047, 0.173, 2.707, 9.973, 0.372, 0.354, 0.344, 0.112),
}


@cache
def states(transit: int) -> tuple[np.ndarray, np.ndarray]:
    """Return days and states from day 7 on at one transit time, array [times, rows]."""
    times = np.concatenate([[0.0], np.arange(FIRST, LAST + 1e-6, 0.05)])
    slower = {f"{tank}.transit_time": np.array([float(transit)]) for tank in TANKS}
    return times[1:], course(COLON, times, parameters=slower)[1:]


def signals(transit: int, labels: tuple[str, ...]) -> dict[str, float]:
    """Return means of signals from day 7 to 28."""
    days, y = states(transit)
    values = COLON.coherent(
        COLON.defaults() | {f"{tank}.transit_time": np.array([float(transit)]) for tank in TANKS}
    )  # fmt: skip
    seen = np.asarray(COLON.read(y.T, values, {}).outputs(labels))
    return dict(zip(labels, np.trapezoid(seen, days, axis=1) / (LAST - FIRST), strict=True))


@cache
def reached(transit: int) -> dict[str, float]:
    """Return the figures of one transit time by name."""
    days, y = states(transit)
    asked = (*(f"{tank}.{what}" for what in ("total_acids", "acidity") for tank in TANKS),
             *(f"distal.cells_out[{group}]" for group in GROUPS), "distal.resources_out[water]")  # fmt: skip
    found = signals(transit, asked)
    rows = COLON.rows
    water = y[:, rows.index("distal.resources[water]")] / 1000
    acids = [
        1000 * y[:, rows.index(f"distal.resources[{acid}]")] / MOLAR_MASS[RESOURCES.index(acid)] / water
        for acid in ACIDS
    ]  # fmt: skip
    means = [float(np.trapezoid(acid, days) / (LAST - FIRST)) for acid in acids]
    cells = sum(found[f"distal.cells_out[{group}]"] for group in GROUPS)
    values = (*(found[f"{tank}.total_acids"] for tank in TANKS), *means, *(found[f"{tank}.acidity"] for tank in TANKS),
              cells, found["distal.resources_out[water]"] / 1100)  # fmt: skip
    return dict(zip(NAMES, values, strict=True))


def band(name: str, value: float, of_paper: bool) -> float:
    """Return the printed tolerance of a figure."""
    if name.startswith("pH"):
        return 0.15 if of_paper else 0.02
    if name == "cells out":
        return 0.5 if of_paper else 0.1
    if name == "water out":
        return 0.005 if of_paper else 0.002
    share = {"acetate": 0.17, "butyrate": 0.22, "propionate": 0.15}.get(name, 0.08) if of_paper else 0.01
    return share * value


@held("three tanks at 1, 2, 3 d: acids, pH, cells, water, 33 values of a re-run", source="Kettle2022",
      tolerance="1 %, pH 0.02, cells 0.1 g/d, water 0.002", status="by construction")  # fmt: skip
@pytest.mark.parametrize("transit", [1, 2, 3])
def test_three_tanks_against_the_re_run(transit):
    for name, value in zip(NAMES, AGAIN[transit], strict=True):
        assert reached(transit)[name] == pytest.approx(value, abs=band(name, value, of_paper=False)), name


@held(
    "total acids by segment and 23 further values as printed",
    source="Kettle2022",
    status="by construction",
    tolerance="8 % (acids), 17, 22, 15 % (distal acetate, butyrate, propionate), pH 0.15, cells 0.5 g/d, water 0.005",
)
@pytest.mark.parametrize("transit", [1, 2, 3])
def test_three_tanks_against_the_paper(transit):
    for name, value in zip(NAMES, PAPER[transit], strict=True):
        if (transit, name) == (3, "butyrate"):
            continue  # a miss of its own, below
        assert reached(transit)[name] == pytest.approx(value, abs=band(name, value, of_paper=True)), name


@held("distal cells of ten groups at 1, 2, 3 d, 30 values of a re-run", source="Kettle2022",
      tolerance="3 % above 0.05 g", status="by construction")  # fmt: skip
@pytest.mark.parametrize("transit", [1, 2, 3])
def test_distal_cells_against_the_re_run(transit):
    days, y = states(transit)
    rows = slice(*(COLON.rows.index(f"distal.cells[{group}]") for group in (GROUPS[0], GROUPS[-1])))
    cells = np.trapezoid(y[:, rows.start : rows.stop + 1], days, axis=0) / (LAST - FIRST)
    printed = np.array(CELLS[transit])
    assert np.all(np.abs(cells - printed)[printed > 0.05] <= 0.03 * printed[printed > 0.05])
    assert np.all(np.abs(cells - printed)[printed <= 0.05] <= 0.002)


@held("distal butyrate at 3 d, 17 mM", source="Kettle2022", tolerance="22 %", status="by construction")
@pytest.mark.xfail(reason="distal butyrate at 3 d is 20.75 mM; the paper prints 17, and 22 % allow 20.74", strict=True)
def test_distal_butyrate_at_three_days_against_the_paper():
    assert reached(3)["butyrate"] == pytest.approx(17, abs=band("butyrate", 17, of_paper=True))


def test_distal_acetate_lies_below_the_paper_at_every_transit():
    """By 9 to 16 %: inside the 17 % that are allowed, always on one side, and without a known reason."""
    short = [1 - reached(t)["acetate"] / PAPER[t][3] for t in (1, 2, 3)]
    assert min(short) > 0.08 and max(short) < 0.165


def test_lactate_producers_and_fibre_degraders_are_excluded():
    """What the model cannot do stands beside its figures: rare groups vanish at fast transit."""
    _, y = states(1)
    for group in ("lactate_producers", "fibre_degraders"):
        assert y[-1, COLON.rows.index(f"distal.cells[{group}]")] < 1e-3


# -- one stirred vessel, output of microPop 1.6 -----------------------------------------------------

B1 = {"cells[bacteroides]": 3.4425, "cells[starch_degraders]": 0.0627, "cells[acetogens]": 0.0327,
      "resources[acetate]": 3.2032, "resources[propionate]": 1.5148, "resources[succinate]": 2.3953,
      "resources[other]": 2.1664, "resources[carbon_dioxide]": 10.010, "resources[water]": 10.340}  # fmt: skip
B2 = {"cells[bacteroides]": 2.8073, "cells[starch_degraders]": 0.4083, "cells[fibre_degraders]": 0.01175,
      "cells[lactate_producers]": 0.00162, "cells[butyrate_producers_1]": 0.0854,
      "cells[butyrate_producers_2]": 0.1782, "cells[propionate_producers]": 0.00614,
      "cells[butyrate_producers_3]": 0.00641, "cells[acetogens]": 0.0405, "cells[methanogens]": 0.00375,
      "resources[acetate]": 3.1400, "resources[propionate]": 1.2451, "resources[butyrate]": 0.3801,
      "resources[succinate]": 1.9714, "resources[methane]": 0.0444}  # fmt: skip


def as_in_micropop() -> dict[str, np.ndarray]:
    """Return the two values of lactate producers that differ in the program."""
    changed = {name: VESSEL.defaults()[f"vessel.{name}"]
               for name in ("maximum_growth", "ph_none_below", "ph_best_from")}  # fmt: skip
    producers = GROUPS.index("lactate_producers")
    changed["maximum_growth"][LABELS.index("lactate_producers_1"), RESOURCES.index("resistant_starch")] = 6
    changed["ph_none_below"][producers], changed["ph_best_from"][producers] = 4.95, 5.7
    return {f"vessel.{name}": value for name, value in changed.items()}


def agrees(y: np.ndarray, printed: dict[str, float]) -> None:
    """Hold what is reached to the printed digits: 0.1 %, 1 % for groups below 0.01, half a last digit at least."""
    for name, value in printed.items():
        digit = 0.5 * 10.0 ** -len(str(value).partition(".")[2])
        share = 0.01 if name.startswith("cells") and value < 0.01 else 0.001
        assert y[VESSEL.rows.index(f"vessel.{name}")] == pytest.approx(value, abs=max(share * value, digit)), name


@held("one vessel, three groups, day 4, 9 values of microPop 1.6", source="Kettle2018", tolerance="0.1 %",
      status="by construction")  # fmt: skip
def test_three_groups_without_ph_against_micropop():
    """B-1, day 4."""
    start = VESSEL.start(VESSEL.defaults())[:, 0]
    kept = ("bacteroides", "starch_degraders", "acetogens")
    for group in GROUPS:
        start[VESSEL.rows.index(f"vessel.cells[{group}]")] *= group in kept
    # Corners far outside leave every group at its best.
    wide = {"ph_none_below": -9.0, "ph_best_from": -8.0, "ph_best_to": 20.0, "ph_none_above": 21.0}
    changed = as_in_micropop() | {f"vessel.{name}": np.full((len(GROUPS), 1), ph) for name, ph in wide.items()}
    agrees(course(VESSEL, np.array([0.0, 4.0]), start=start, parameters=changed)[-1], B1)


@held("one vessel, ten groups, day 10, 15 values of microPop 1.6", source="Kettle2018",
      tolerance="0.1 %, rare groups 1 %", status="by construction")  # fmt: skip
def test_ten_groups_at_ph_six_against_micropop():
    """B-2, day 10."""
    agrees(course(VESSEL, np.array([0.0, 10.0]), parameters=as_in_micropop())[-1], B2)


# -- what the equations must keep -------------------------------------------------------------------


def test_mass_is_conserved():
    """What enters, less what is absorbed and what leaves, is what changes; nothing else makes or loses mass."""
    _, y = states(1)
    reading = COLON.read(y[::40].T, COLON.coherent(COLON.defaults()), {})
    for tank in TANKS:
        view = reading.views[tank]
        made = np.asarray(view.grown).sum(0) + np.asarray(view.turned_over).sum(0)
        assert np.abs(made).max() < 1e-9 * np.abs(np.asarray(view.turned_over)).sum(0).max()


def test_no_explicit_step_of_the_package_follows_it():
    """Once food is scarce its resources turn over within seconds."""
    y = course(VESSEL, np.array([0.0, 4.0]), parameters=as_in_micropop())[-1]
    found = jacobians(VESSEL, y[:, None], VESSEL.coherent(VESSEL.defaults()), {})[0]
    fastest = float(np.abs(np.linalg.eigvals(found)).max())
    assert fastest > 1e4
    assert safe_step(fastest) == 0
