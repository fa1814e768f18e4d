"""AnomAuth, the example of ctsem: 2722 people in five waves, with the likelihood, drift and errors that ctsem tells."""

from pathlib import Path

import numpy as np
import pytest

from gutbrain.fit.coupling.maximum import fit
from gutbrain.fit.coupling.model import CouplingModel, Indicator, Process
from gutbrain.fit.coupling.panel import Panel

TABLE = Path(__file__).parents[3] / "shared" / "data" / "peers" / "ctsem" / "AnomAuth.csv"


def test_anomauth_as_ctsem_has_it():
    if not TABLE.exists():
        pytest.skip("AnomAuth needs ../shared")
    wide = np.genfromtxt(TABLE, delimiter=",", skip_header=1, missing_values="NA", filling_values=np.nan)
    people, none = len(wide), np.zeros((5 * len(wide), 0))
    values = wide[:, :10].reshape(-1, 2)
    time = np.concatenate([np.zeros((people, 1)), np.cumsum(wide[:, 10:], 1)], 1)
    panel = Panel(
        tuple(map(str, range(people))), np.repeat(np.arange(people), 5), time.ravel(), values, np.zeros_like(values),
        np.zeros_like(values), none, none, np.zeros((people, 0)), ("Y1", "Y2"),
    )  # fmt: skip
    names = ("Y1", "Y2")
    shown = tuple(Indicator(name, {name: 1.0}, error=False) for name in names)
    fitted = fit(CouplingModel(tuple(map(Process, names)), shown, initial="free"), panel)
    assert fitted.converged
    assert -2 * fitted.log_likelihood == pytest.approx(23415.929, abs=0.005)
    table = {row["parameter"]: row for row in fitted.table().iter_rows(named=True)}
    drift = [table[f"drift[{to}, {by}]"] for to in names for by in names]
    np.testing.assert_allclose([row["estimate"] for row in drift], [-0.44728, 0.23250, 0.04329, -0.11747], atol=1e-4)
    np.testing.assert_allclose([row["standard_error"] for row in drift], [0.0199, 0.0181, 0.0096, 0.0087], atol=1e-4)
