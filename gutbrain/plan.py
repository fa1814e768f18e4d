"""A run written down: TOML to `Plan` and back, every default visible.

Checked with pydantic; a wrong key or value is refused with its place and the nearest right one.
"""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gutbrain.errors import InputError
from gutbrain.model.axis import nearest
from gutbrain.observe.instruments import DEFAULT
from gutbrain.protocols import exposure, practice
from gutbrain.protocols.protocol import Act, Protocol, Trial

READY: dict[str, Callable[..., Protocol]] = {
    name: function
    for module in (practice, exposure)
    for name, function in vars(module).items()
    if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
}


class Strict(BaseModel):
    """Base: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")


class ActPlan(BaseModel):
    """One act: `use` names a ready-made one with its arguments, or `lever` moves one lever."""

    model_config = ConfigDict(extra="allow")
    use: str | None = None
    lever: str | None = None

    def protocol(self, where: str) -> Protocol:
        """Return the acts that this line stands for."""
        given = dict(self.model_extra or {})
        if (self.use is None) == (self.lever is None):
            raise InputError(f'{where}: give either use = "..." or lever = "..."')
        if self.use is not None:
            if self.use not in READY:
                raise InputError(f"{where}: no ready-made act {self.use!r}{nearest(self.use, READY)}")
            known = inspect.signature(READY[self.use]).parameters
            _known_keys(given, known, f"{where}: {self.use}")
            for key, value in given.items():
                wanted = type(known[key].default)
                if isinstance(value, bool) is not (wanted is bool) or not isinstance(value, int | float | bool):
                    raise InputError(f"{where}: {self.use}.{key} must be a {_kind(wanted)}, not {value!r}")
            return READY[self.use](**given)
        numbers = ("dose", "start", "end", "relative", "effort", "kept_mean")
        _known_keys(given, numbers, f"{where}: lever {self.lever!r}")
        if not isinstance(given.get("dose"), int | float):
            raise InputError(f"{where}: lever {self.lever!r} needs dose = a number")
        return Protocol("", (Act(str(self.lever), **given),))

    def written(self) -> dict[str, Any]:
        """Return the act with every default filled in."""
        given = dict(self.model_extra or {})
        if self.use in READY:
            defaults = {key: p.default for key, p in inspect.signature(READY[str(self.use)]).parameters.items()}
            return {"use": self.use, **defaults, **given}
        return {"lever": self.lever, **given}


def _kind(wanted: type) -> str:
    return "truth value" if wanted is bool else "number"


def _known_keys(given: dict[str, Any], known: Any, where: str) -> None:
    for key in given:
        if key not in known:
            raise InputError(f"{where} has no key {key!r}{nearest(key, known)} (known: {', '.join(known) or 'none'})")


class ArmPlan(Strict):
    """One arm of a trial."""

    name: str
    acts: list[ActPlan] = []
    dropout: float | None = Field(default=None, ge=0, lt=1)


class PeoplePlan(Strict):
    """Who takes part."""

    per_arm: int = Field(default=40, ge=1)
    worlds: int = Field(default=10, ge=1)
    baseline: str = "atlas"
    sample: str = ""
    twins: bool = False
    posterior: str = ""
    open_edges: list[str] = []
    fixed: dict[str, float] = {}


class ReportPlan(Strict):
    """What the report is about."""

    primary: str = "mind.negative_affect"
    arm: str = ""
    comparator: str = ""
    outcomes: list[str] = [
        "mind.negative_affect", "mind.rumination", "hpa.cortisol", "vagus.tone", "barrier.permeability",
        "immune.mucosal_activity", "blood.il6", "blood.crp", "colon.butyrate", "enteric.colonic_transit_hours",
        "sleep.debt",
    ]  # fmt: skip
    explain: bool = True
    observe: list[str] = list(DEFAULT)


class DietPlan(Strict):
    """Grams a day reaching the colon before and during an exchange, for one arm of a study."""

    arm: str
    habit: dict[str, float]
    given: dict[str, float]


class ExchangePlan(Strict):
    """Time points and diets of a diet-exchange study."""

    before: int = 3
    after: int = 5
    null_before: int = 2
    diets: list[DietPlan] = []


class Plan(Strict):
    """A whole run."""

    title: str
    about: str = ""
    kind: Literal["trial", "exchange"] = "trial"
    axis: str = "standard"
    cut: list[str] = []
    days: int = Field(default=85, ge=2, le=3650)
    visits: list[int] = [0, 28, 56, 84]
    course_days: int = Field(default=56, ge=1)
    step_minutes: float = Field(default=15.0, gt=0, le=60)
    engine: Literal["auto", "lanes", "lanes32", "fixed", "adaptive"] = "auto"
    noise: bool = False
    seed: int = Field(default=1, ge=0)
    people: PeoplePlan = PeoplePlan()
    report: ReportPlan = ReportPlan()
    everyone: list[ActPlan] = []
    arm: list[ArmPlan] = []
    exchange: ExchangePlan = ExchangePlan()

    def trial(self) -> Trial:
        """Return the arms as a trial.

        Raises
        ------
        InputError
            For an unknown act, a wrong argument, no arm, or a visit after the last day.
        """
        late = [visit for visit in self.visits if not 0 <= visit < self.days]
        if late:
            raise InputError(
                f"visits: day {late[0]} is not within the {self.days} days of the run (0 to {self.days - 1})"
            )
        if not self.arm:
            raise InputError("the plan has no [[arm]]: give at least one")
        names = [arm.name for arm in self.arm]
        if len(set(names)) < len(names):
            raise InputError(f"two arms share a name: {', '.join(names)}")
        arms = []
        for arm in self.arm:
            total = Protocol("")
            for number, act in enumerate(arm.acts, 1):
                total = total + act.protocol(f"arm {arm.name!r}, act {number}")
            dropout = total.dropout if arm.dropout is None else arm.dropout
            arms.append(Protocol(arm.name, total.acts, total.about, dropout))
        everyone = Protocol("")
        for number, act in enumerate(self.everyone, 1):
            everyone = everyone + act.protocol(f"everyone, act {number}")
        return Trial(tuple(arms), self.days, tuple(self.visits), everyone, self.people.twins, self.course_days)

    def text(self) -> str:
        """Return the plan as TOML with every default written out."""
        data = self.model_dump(mode="json", exclude={"everyone", "arm"})
        data["everyone"] = [act.written() for act in self.everyone]
        data["arm"] = [
            {"name": arm.name, "acts": [act.written() for act in arm.acts]}
            | ({} if arm.dropout is None else {"dropout": arm.dropout})
            for arm in self.arm
        ]
        return tomli_w.dumps({key: value for key, value in data.items() if value not in (None, [])})


def built_in() -> list[str]:
    """Return the names of the built-in plans."""
    return sorted(entry.name[:-5] for entry in files("gutbrain.plans").iterdir() if entry.name.endswith(".toml"))


def read_plan(name: str | Path) -> Plan:
    """Read a built-in plan by name or a plan file.

    Raises
    ------
    InputError
        With the file, the key and the mend.
    """
    if str(name) in built_in():
        text, source = files("gutbrain.plans").joinpath(f"{name}.toml").read_text(encoding="utf-8"), f"plan {name}"
    else:
        path = Path(name)
        if not path.is_file():
            raise InputError(
                f"no plan {str(name)!r}: neither a file nor built in ({', '.join(built_in())})"
                f"{nearest(str(name), built_in())}"
            )
        try:
            text, source = path.read_text(encoding="utf-8"), str(path)
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: cannot be read as text ({error})") from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{source}: not TOML: {error}") from error
    try:
        return Plan.model_validate(data)
    except ValidationError as error:
        raise InputError(_readable(source, error)) from error


def _readable(source: str, error: ValidationError) -> str:
    """Turn pydantic's findings into one line each, with the nearest key."""
    lines = []
    for issue in error.errors():
        place = ".".join(str(part) for part in issue["loc"])
        if issue["type"] == "extra_forbidden":
            model = _model_at(issue["loc"][:-1])
            key = str(issue["loc"][-1])
            lines.append(f"{place}: unknown key{nearest(key, model.model_fields)}")
        else:
            lines.append(f"{place}: {issue['msg'].lower()} (got {issue.get('input')!r})")
    return f"{source}: " + "; ".join(lines)


def _model_at(location: tuple[Any, ...]) -> type[BaseModel]:
    known: dict[str, type[BaseModel]] = {
        "people": PeoplePlan, "report": ReportPlan, "arm": ArmPlan, "exchange": ExchangePlan, "diets": DietPlan,
    }  # fmt: skip
    model: type[BaseModel] = Plan
    for part in location:
        model = known.get(str(part), model)
    return model
