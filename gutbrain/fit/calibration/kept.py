"""A posterior on disk: the worlds, and beside them all that says where they come from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from gutbrain.errors import InputError
from gutbrain.evidence.findings import data_hash, split_hash
from gutbrain.fit.calibration.calibrate import Calibrated
from gutbrain.fit.calibration.unknowns import Unknowns
from gutbrain.model.axis import Axis

WORLDS, ACCOUNT = "posterior.npz", "posterior.json"


@dataclass(frozen=True)
class Kept:
    """A posterior that was read.

    Attributes
    ----------
    beliefs : standard-normal draws by parameter, arrays [worlds, ...], as `Cohort.draw` takes them
    account : date, seed, hashes, findings fitted
    """

    beliefs: dict[str, np.ndarray]
    account: dict[str, Any]

    @property
    def worlds(self) -> int:
        """Number of worlds."""
        return len(next(iter(self.beliefs.values())))

    def some(self, worlds: int) -> dict[str, np.ndarray]:
        """Return some of the worlds, evenly over all.

        Raises
        ------
        InputError
            If more are asked for than there are.
        """
        if worlds > self.worlds:
            raise InputError(f"the posterior holds {self.worlds} worlds, not {worlds}",
                             mend=f"Give --worlds {self.worlds} or fewer")  # fmt: skip
        take = np.linspace(0, self.worlds - 1, worlds).round().astype(int)
        return {name: values[take] for name, values in self.beliefs.items()}


def prior_hash(axis: Axis) -> str:
    """Return a digest of every centre and belief of an axis: worlds mean nothing with another prior."""
    lines = [f"{name} {param.value} {param.unit} {param.belief}" for name, param in sorted(axis.parameters.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def write_posterior(made: Calibrated, folder: Path, command: str) -> None:
    """Write the worlds and their account into a folder that exists."""
    np.savez_compressed(
        folder / WORLDS, labels=np.array(made.unknowns.labels), prior=made.prior, posterior=made.posterior
    )
    account = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"), "seed": made.seed, "command": command,
        "axis": made.unknowns.axis.name, "prior_hash": prior_hash(made.unknowns.axis), "data_hash": data_hash(),
        "split_hash": split_hash(), "worlds": len(made.posterior), "people": made.people, "engine": made.engine,
        "names": list(made.unknowns.names), "findings": list(made.data.findings),
        "not_fitted": dict(made.data.left_out), "pulled_back": made.pulled_back, "replaced": made.replaced,
        "method": "ensemble smoother, 4 assimilations, gains localised by correlation",
    }  # fmt: skip
    (folder / ACCOUNT).write_text(json.dumps(account, indent=2) + "\n", encoding="utf-8")


def read_posterior(folder: Path, axis: Axis) -> Kept:
    """Read a posterior.

    Raises
    ------
    InputError
        If the folder holds none, or one of another axis, another prior or another split of the findings.
    """
    try:
        account = json.loads((folder / ACCOUNT).read_text(encoding="utf-8"))
        with (folder / WORLDS).open("rb") as file, np.load(file) as stored:
            labels, numbers = [str(label) for label in stored["labels"]], stored["posterior"]
        names = [str(name) for name in account["names"]]
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise InputError(f"no posterior can be read here ({error})", file=folder,
                         mend="Give the folder that gutbrain calibrate wrote") from error  # fmt: skip
    if account.get("prior_hash") != prior_hash(axis):
        raise InputError("this posterior belongs to another axis or to other beliefs", file=folder,
                         mend="Calibrate again")  # fmt: skip
    if account.get("split_hash") != split_hash():
        raise InputError("this posterior was fitted to another split of the findings", file=folder,
                         mend="Calibrate again")  # fmt: skip
    doses = [name.removeprefix("act ") for name in names if name.startswith("act ")]
    whole = Unknowns.of(axis, doses)
    if set(names) < set(whole.names):
        whole = Unknowns.of(axis, doses, closed=False)
    if whole.labels != labels:
        raise InputError("the numbers of this posterior are not those of the axis", file=folder, mend="Calibrate again")
    return Kept(whole.beliefs(numbers), account)
