"""Karin 2020, Milo 2025 in the language of the package: fixed points are algebra, and ACTH undershoots."""

from __future__ import annotations

from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest
from held import held
from stiff_runs import course

from gutbrain.body.verification.milo_2025 import Milo2025
from gutbrain.model.axis import Axis
from gutbrain.model.stability import growth, jacobians

AXIS = Axis(Milo2025(), name="stress axis of Milo 2025")
DRIVE = "protocol.stress_drive"
# Drive, cortisol and adrenal mass, pituitary mass, as printed; CRH and ACTH are 1.
FIXED = ((1, 0.9853, 1.0149), (5, 3.252, 1.537))
DAYS = np.linspace(0, 600, 1201)


def fixed_point(drive: float) -> np.ndarray:
    """Return the exact rest of a drive without ceilings: cortisol x solves x (1 + (x/4)^3) = drive."""
    roots = np.roots([1 / 64, 0, 0, 1, -drive])
    cortisol = float(roots[(abs(roots.imag) < 1e-12) & (roots.real > 0)].real[0])
    return np.array([1, 1, cortisol, 1 + (cortisol / 4) ** 3, cortisol])


@held("rest at drives of 1 and 5: cortisol 0.9853 and 3.252, pituitary 1.0149 and 1.537", source="Karin2020 Milo2025",
      tolerance="printed digits", status="by construction")  # fmt: skip
@pytest.mark.parametrize(("drive", "cortisol", "pituitary"), FIXED)
def test_fixed_points(drive, cortisol, pituitary):
    np.testing.assert_allclose(fixed_point(drive), [1, 1, cortisol, pituitary, cortisol], atol=5e-4)
    endless = AXIS.defaults() | {f"milo2025.{gland}_ceiling": np.array([1e30]) for gland in ("pituitary", "adrenal")}
    reading = AXIS.read(jnp.asarray(fixed_point(drive)[:, None]), AXIS.coherent(endless), {DRIVE: drive - 1.0})
    np.testing.assert_allclose(np.asarray(reading.vector()), 0, atol=1e-10)


@pytest.mark.parametrize("drive", [1, 5])
def test_it_comes_back(drive):
    found = jacobians(AXIS, fixed_point(drive)[:, None], AXIS.coherent(AXIS.defaults()), {DRIVE: drive - 1.0})[0]
    assert np.linalg.eigvals(found).real.max() < 0
    assert growth(AXIS, y=fixed_point(1)) < 0


@cache
def three_parts() -> list[np.ndarray]:
    """Run the drive at 1, 5 and 1 again, 600 days each; states, array [times, rows]."""
    parts, y = [], None
    for drive in (1, 5, 1):
        parts.append(course(AXIS, DAYS, start=y, levers={DRIVE: drive - 1.0}, rtol=1e-9, atol=1e-12))
        y = parts[-1][-1]
    return parts


@held("ACTH rises, returns under the drive, and undershoots after it", source="Karin2020 Milo2025", tolerance="signs",
      status="by construction")  # fmt: skip
def test_acth_rises_returns_and_undershoots():
    before, loaded, after = (part[:, AXIS.rows.index("stress.acth")] for part in three_parts())
    assert before[-1] == pytest.approx(1, abs=1e-4)
    assert loaded[DAYS > 1][0] > 1.5 and loaded[-1] == pytest.approx(1, abs=1e-3)
    assert np.all(after[(DAYS > 3) & (DAYS < 60)] < 1) and after[-1] == pytest.approx(1, abs=1e-3)


@held("ACTH below baseline for over two months after chronic stress ends", source="Karin2020 Milo2025",
      tolerance="above 60 days", status="by construction")  # fmt: skip
def test_acth_stays_below_baseline_for_over_two_months():
    """For 231 days after a drive of 5; lowest 0.59 after a month, 0.61 at two months."""
    after = three_parts()[2][:, AXIS.rows.index("stress.acth")]
    ended = DAYS > 1  # ACTH itself falls within hours
    back = DAYS[ended][np.argmax(after[ended] >= 1)]
    assert 60 < back == pytest.approx(231.5, abs=3)
    assert np.interp(60, DAYS, after) == pytest.approx(0.615, abs=0.005)


@held("cortisol stays up as long as the drive, and for weeks after it", source="Karin2020 Milo2025", tolerance="0.1 %",
      status="by construction")  # fmt: skip
def test_cortisol_stays_up_as_long_as_the_drive():
    """What adapts is ACTH: cortisol of a drive of 5 ends at 3.25 and not at 1."""
    _, loaded, after = (part[:, AXIS.rows.index("stress.cortisol")] for part in three_parts())
    assert loaded[-1] == pytest.approx(3.252, rel=1e-3)
    assert np.all(after[(DAYS > 3) & (DAYS < 60)] > 1)


def test_glands_are_those_of_the_fixed_points():
    for part, drive in zip(three_parts(), (1, 5, 1), strict=True):
        np.testing.assert_allclose(part[-1], fixed_point(drive), rtol=2e-3)
