"""An analysis written down before it is run: design, families of tests, steps; TOML to `AnalysisPlan` and back."""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any, Literal, TypeVar

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError

from gutbrain.analyse.step import Design, Given, Step, suggested_design
from gutbrain.analyse.steps.all import KINDS
from gutbrain.errors import InputError
from gutbrain.study.study import Study

Model = TypeVar("Model", bound=BaseModel)
HASH_LENGTH = 12  # digits of a registered hash that are enough to know it by
MUST_BE = {
    "string_type": "text in quotes", "list_type": "a list in [ ]", "dict_type": "a table", "model_type": "a table",
    "model_attributes_type": "a table", "bool_type": "true or false", "bool_parsing": "true or false",
    "int_type": "a whole number", "int_parsing": "a whole number", "int_from_float": "a whole number",
    "float_type": "a number", "float_parsing": "a number", "finite_number": "a finite number",
}  # fmt: skip
BY_KIND = {kind.model_fields["kind"].default: kind for kind in KINDS}


class FamilyPlan(BaseModel):
    """Tests that are corrected together; a step says to which family it belongs."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, description="as the steps call it")
    correction: Literal["BH", "BY", "holm", "bonferroni", "none"] = Field(default="BH", description="within the family")


class AnalysisPlan(BaseModel):
    """What is analysed, and how."""

    model_config = ConfigDict(extra="forbid")
    title: str = Field(default="", description="of the report; the study's title by default")
    registration: str = Field(default="", description="where the plan was registered, in words")
    registered_hash: str = Field(default="", description="hash of the plan when it was registered")
    suggested: bool = Field(default=False, description="made from the study itself; then nothing is confirmatory")
    design: Design = Field(default=Design(), description="who, when, and what stands in every model")
    family: list[FamilyPlan] = Field(default=[], description="families with another correction than BH")
    folder: Path = Field(default=Path(), exclude=True, description="where the plan was read; its files stand there")
    step: list[SerializeAsAny[Step]] = Field(default=[], description="the analyses, in order")

    def corrections(self) -> dict[str, str]:
        """Return the correction of each family that is named."""
        return {family.name: family.correction for family in self.family}

    def text(self) -> str:
        """Return the plan as TOML with every default in sight."""
        return tomli_w.dumps(self.model_dump())

    @property
    def hash(self) -> str:
        """SHA-256 of all that decides what is computed; titles and words about the registration do not count."""
        decides = self.model_dump(exclude={"title", "registration", "registered_hash", "suggested"})
        return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()

    @property
    def deviates(self) -> bool:
        """Whether a hash was registered and this plan has another."""
        return bool(self.registered_hash) and not self.hash.startswith(self.registered_hash.lower())


def suggest(study: Study) -> AnalysisPlan:
    """Return the plan that suits a study: every step that its tables allow, nothing of it confirmatory."""
    given = Given(study, suggested_design(study))
    steps = [step for kind in KINDS for step in kind.suggested(given)]
    return AnalysisPlan(suggested=True, design=given.design, step=_named(steps))


def read_analysis_plan(path: str | Path) -> AnalysisPlan:
    """Read a plan from a TOML file.

    Raises
    ------
    InputError
        For a file that cannot be read, an unknown key or kind of step, or a value that does not fit.
    """
    try:
        given = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError("this is no text in UTF-8", file=path, row=line, mend="Save the plan as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"this is no TOML: {error}", file=path) from error
    if "folder" in given:
        raise InputError("no key 'folder'", file=path, mend="Files are named from where the plan lies")
    return plan_of(given, str(path)).model_copy(update={"folder": Path(path).parent})


def plan_of(given: dict[str, Any], source: str = "") -> AnalysisPlan:
    """Return a plan from plain values, as `read_analysis_plan` does from a file."""
    steps = given.get("step", [])
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise InputError("'step' must be a list of tables", file=source or None, mend="Write [[step]] above each step")
    made = [_step(step, number, source) for number, step in enumerate(steps, 1)]
    rest = {key: value for key, value in given.items() if key != "step"}
    plan = _checked(AnalysisPlan, rest, source, "").model_copy(update={"step": _named(made)})
    _refuse_contradictions(plan, source)
    mixed: dict[str, bool] = {}
    for step in plan.step:
        if mixed.setdefault(step.family or step.name, step.confirmatory) != step.confirmatory:
            raise InputError(
                f"family {step.family!r} mixes confirmatory and exploratory steps", file=source or None,
                field="family", mend="Give them families of their own: one correction must not borrow from the other",
            )  # fmt: skip
    lost = [family.name for family in plan.family if family.name not in mixed]
    if lost:
        near = nearest(lost[0], mixed)
        raise InputError(f"no step belongs to family {lost[0]!r}{near}", file=source or None, field="family")
    return plan


def _refuse_contradictions(plan: AnalysisPlan, source: str) -> None:
    """Refuse names that stand twice or cannot be printed, and a hash or a standing that cannot be."""
    file = source or None
    for what, names in (("steps are", [step.name for step in plan.step]),
                        ("families are", [family.name for family in plan.family])):  # fmt: skip
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise InputError(f"two {what} called {twice[0]!r}", file=file, mend="Give each its own name")
    for name in [*(step.name for step in plan.step), *(step.family for step in plan.step)]:
        if not name.isprintable() or name != name.strip():
            raise InputError(f"{name!r} is no name", file=file, field="name", mend="Write it on one line of text")
    digits = plan.registered_hash
    if digits and (len(digits) < HASH_LENGTH or set(digits.lower()) - set("0123456789abcdef")):
        raise InputError(
            f"registered_hash: {digits!r} is no hash of a plan", file=file, field="registered_hash",
            mend=f"Give the {HASH_LENGTH} digits or more that gutbrain analyse --draft prints",
        )  # fmt: skip
    sure = [step.name for step in plan.step if step.confirmatory]
    if plan.suggested and sure:
        raise InputError(
            f"step {sure[0]!r} cannot be confirmatory in a suggested plan", file=file, field="suggested",
            mend="Take out suggested = true if the plan was made before the data were seen",
        )  # fmt: skip


def nearest(name: str, known: Any) -> str:
    """Return a hint at the known name that is most alike, or nothing."""
    near = difflib.get_close_matches(name, list(known), 1, 0.5)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _step(given: dict[str, Any], number: int, source: str) -> Step:
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in BY_KIND:
        what = (
            f"step {number} has no kind"
            if kind is None
            else f"step {number}: no kind {kind!r}{nearest(str(kind), BY_KIND)}"
        )
        raise InputError(what, file=source or None, field="kind", mend=f"Kinds are {', '.join(BY_KIND)}")
    return _checked(BY_KIND[kind], given, source, f"step {number} ({kind}): ")


def _checked(kind: type[Model], given: dict[str, Any], source: str, where: str) -> Model:
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        place = [str(part) for part in first["loc"]]
        key = place[-1] if place else ""
        if first["type"] == "extra_forbidden":
            home: Any = kind if len(place) == 1 else Design if place[0] == "design" else FamilyPlan
            known = [name for name, field in home.model_fields.items() if not field.exclude]
            what = f"{where}no key {'.'.join(place)!r}{nearest(key, known)}"
            raise InputError(what, file=source or None, mend=f"Keys are {', '.join(known)}") from error
        raise InputError(f"{where}{'.'.join(place)}: {_wrong(first)}", file=source or None) from error


def _wrong(error: Any) -> str:
    """Say in words what pydantic found."""
    kind, given, limits = error["type"], error["input"], error.get("ctx", {})
    if kind == "missing":
        return "a value must be given"
    if kind == "value_error":
        return str(limits["error"])
    must = MUST_BE.get(kind) or error["msg"].removeprefix("Input should be ")
    return f"must be {must}, not {given!r}"


def _named(steps: list[Step]) -> list[Step]:
    """Give every step a name: its kind, and a number where the kind stands several times."""
    made: list[Step] = []
    taken = {step.name for step in steps if step.name}
    for step in steps:
        name, number = step.name or step.kind, 2
        while not step.name and name in taken:
            name, number = f"{step.kind} {number}", number + 1
        taken.add(name)
        made.append(step.model_copy(update={"name": name}))
    return made
