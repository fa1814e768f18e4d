"""A fitted model on disk: `fit.json` for people and programs, `fit.npz` for arrays, both exact.

The series themselves are not written, only a fingerprint of them: whoever has them can put them back.
"""

from __future__ import annotations

import hashlib
import json
import math
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from gutbrain.errors import InputError
from gutbrain.fit.coupling.fitted import METHODS, Fitted
from gutbrain.fit.coupling.model import CouplingModel, Indicator, Process
from gutbrain.fit.coupling.panel import Panel
from gutbrain.fit.coupling.prior import Prior

FORM = 1  # of the file; a later one that older programs cannot read gets a higher number
ARRAYS = ("free", "covariance", "by_person", "gradient", "effects", "effects_covariance")
SERIES = ("person", "time", "values", "known_variance", "offset", "impulses", "levels")
COLUMNS = ("indicators", "impulse_names", "level_names", "predictor_names")
NUMBERS = ("log_likelihood", "decrement")


def fingerprint(panel: Panel) -> str:
    """Return a name [64 hexadecimal digits] that two panels share only if they are the same."""
    made = hashlib.sha256()
    made.update(json.dumps([panel.people, *(getattr(panel, name) for name in COLUMNS)]).encode())
    for name in (*SERIES, "predictors"):
        array = np.array(getattr(panel, name), "<i8" if name == "person" else "<f8", order="C")
        if name != "person":
            array[np.isnan(array)] = np.nan  # one NaN, whatever its bits
            array = array + 0.0  # and one zero
        made.update(f"{name}{array.shape}".encode())
        made.update(array.tobytes())
    return made.hexdigest()


def write_fit(fitted: Fitted, folder: Path | str, *, series: bool = False) -> None:
    """Write a fit into a folder that exists.

    Parameters
    ----------
    series : whether the panel is written too, for those who may keep the data
    """
    folder, prior = Path(folder), fitted.prior
    arrays: dict[str, np.ndarray] = {name: getattr(fitted, name) for name in ARRAYS}
    arrays["predictors"] = fitted.panel.predictors
    if fitted.draws is not None:
        arrays["draws"] = fitted.draws
    if prior is not None:
        arrays |= {"prior_mean": prior.mean, "prior_sd": prior.sd}
        if prior.precision is not None:
            arrays["prior_precision"] = prior.precision
    if series:
        arrays |= {f"panel_{name}": getattr(fitted.panel, name) for name in SERIES}
    with np.errstate(over="ignore"):
        values = {name: _number(value) for name, value in zip(fitted.model.free_names, fitted.natural(), strict=True)}
    content = {
        "form": FORM, "method": fitted.method, "converged": bool(fitted.converged), "said": list(fitted.said),
        "estimates": values, **{name: _number(getattr(fitted, name)) for name in NUMBERS},
        "diagnostics": {name: _number(value) for name, value in fitted.diagnostics.items()},
        "seconds": {name: _number(value) for name, value in fitted.seconds.items()},
        "prior_about": None if prior is None else list(prior.about),
        "panel": {"fingerprint": fingerprint(fitted.panel), "occasions": len(fitted.panel.time),
                  "people": list(fitted.panel.people), **{name: list(getattr(fitted.panel, name)) for name in COLUMNS}},
        "model": _written(fitted.model),
    }  # fmt: skip
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / "fit.json").write_text(text + "\n", encoding="utf-8")
    np.savez(folder / "fit.npz", allow_pickle=False, **arrays)


def read_fit(folder: Path | str, panel: Panel | None = None) -> Fitted:
    """Return the fit of a folder.

    Parameters
    ----------
    panel : the series that were fitted; without them, and where they were not written, the fit has people and
        predictors but no occasions: enough for a prior, not for residuals or forecasts

    Raises
    ------
    InputError
        If there is no fit, it is damaged or of a later form, or `panel` is not the one that was fitted.
    """
    folder = Path(folder)
    file = folder / "fit.json"
    if not file.is_file() or not (folder / "fit.npz").is_file():
        raise InputError("there is no fitted model", file=folder, mend="Name the folder that `gutbrain couple` wrote")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        form = content["form"]
        if form != FORM:
            raise InputError(f"the fit has form {form!r}, this program reads {FORM}", file=file, mend="Update gutbrain")
        # A damaged file would be left open by NumPy.
        with (folder / "fit.npz").open("rb") as stream, np.load(stream, allow_pickle=False) as held:
            arrays = dict(held)
        return _read(content, arrays, panel, file)
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"the fit cannot be read ({error})", file=file, mend="Run the fit again") from error


def _read(content: dict[str, Any], arrays: dict[str, np.ndarray], panel: Panel | None, file: Path) -> Fitted:
    """Return the fit of what stands in the files."""
    try:
        model, about = _model(content["model"]), content["panel"]
    except InputError as error:
        raise InputError(f"the fit cannot be read ({error})", file=file, mend="Run the fit again") from error
    prior = None
    if "prior_mean" in arrays:
        prior = Prior(
            arrays["prior_mean"], arrays["prior_sd"], tuple(content["prior_about"]), arrays.get("prior_precision")
        )
    if panel is None:
        panel = _panel(about, arrays)
        whole = "panel_time" in arrays
    else:
        whole = True
    if whole and fingerprint(panel) != about["fingerprint"]:
        raise InputError("these are not the series that were fitted", file=file, mend="Give the same study and columns")
    size = len(model.free)
    if content["method"] not in METHODS:
        raise InputError(f"method {content['method']!r} is not known", file=file, mend="Run the fit again")
    draws = arrays.get("draws")
    if arrays["free"].shape != (size,) or arrays["covariance"].shape != (size, size) or (
        draws is not None and draws.shape[2:] != (size,)
    ):  # fmt: skip
        raise InputError(
            f"the arrays do not belong to a model of {size} parameters", file=file, mend="Run the fit again"
        )
    parts: dict[str, Any] = {name: arrays[name] for name in ARRAYS}
    parts |= {name: float(content[name]) for name in NUMBERS}
    parts |= {name: {key: float(one) for key, one in content[name].items()} for name in ("diagnostics", "seconds")}
    return Fitted(
        model, panel, content["method"], converged=bool(content["converged"]), said=tuple(content["said"]),
        prior=prior, draws=draws, **parts,
    )  # fmt: skip


def _number(value: float) -> float | str:
    """Return a number as JSON can hold it."""
    return float(value) if math.isfinite(value) else repr(float(value))


def _written(model: CouplingModel) -> dict[str, Any]:
    """Return a model as JSON can hold it."""
    made: dict[str, Any] = {name: getattr(model, name) for name in CouplingModel.__dataclass_fields__}
    made["processes"] = [asdict(one) for one in model.processes]
    made["indicators"] = [asdict(one) | {"loadings": dict(one.loadings)} for one in model.indicators]
    made["held"] = {name: _number(value) for name, value in model.held.items()}
    return made


def _model(written: dict[str, Any]) -> CouplingModel:
    """Return the model that was written."""
    made: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in written.items()}
    made["processes"] = tuple(Process(**one) for one in written["processes"])
    made["indicators"] = tuple(Indicator(**one) for one in written["indicators"])
    made["held"] = {name: float(value) for name, value in written["held"].items()}
    return CouplingModel(**made)


def _panel(about: dict[str, Any], arrays: dict[str, np.ndarray]) -> Panel:
    """Return the panel that was written, or one of the same people without occasions."""
    columns: dict[str, Any] = {name: tuple(about[name]) for name in COLUMNS}
    if "panel_time" in arrays:
        series: dict[str, Any] = {name: arrays[f"panel_{name}"] for name in SERIES}
    else:
        width = {"impulses": len(columns["impulse_names"]), "levels": len(columns["level_names"])}
        series = {name: np.zeros((0, width.get(name, len(columns["indicators"])))) for name in SERIES}
        series |= {"person": np.zeros(0, int), "time": np.zeros(0)}
    return Panel(people=tuple(about["people"]), predictors=arrays["predictors"], **series, **columns)
