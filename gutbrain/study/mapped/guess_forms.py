"""Which columns of an unknown table look like the items of a form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gutbrain.observe.forms import Questionnaire, find, questionnaires
from gutbrain.study.mapped.guess_look import Look, plain, synonyms

ENOUGH = 3  # columns that make a block
NUMBERED = re.compile(r"^(?P<before>.*?)(?P<number>\d+)$")


@dataclass(frozen=True)
class Block:
    """Columns that are the items of one form.

    Parameters
    ----------
    items : column -> number of its item
    begin : what their names have in common, as compared
    meaning : such as `answers.PHQ-9.{n}`; `{n}` is the number
    why : the evidence
    coding : codes of the lowest and highest answer, where they are not those of the form
    """

    looks: tuple[Look, ...]
    items: dict[str, int]
    meaning: str
    why: str
    form: str = ""
    coding: str = ""

    def lines(self, header: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Return names or one pattern of names, each with its meaning."""
        patterns = {self._pattern(look) for look in self.looks}
        if len(patterns) == 1 and len(pattern := patterns.pop()) > 0:
            before, after = pattern.split("{n}")
            taken = [name for name in header if re.fullmatch(re.escape(before) + r"\d+" + re.escape(after), name)]
            padded = any(re.search(r"(?<!\d)0\d", name[len(before) :]) for name in taken)
            if len(taken) == len(self.looks) and not padded:
                yield pattern, self.meaning
                return
        for look in self.looks:
            yield look.name, self.meaning.replace("{n}", str(self.items[look.name]))

    def _pattern(self, look: Look) -> str:
        number = str(self.items[look.name])
        at = look.stem.rfind(number)
        return f"{look.stem[:at]}{{n}}{look.name[at + len(number) :]}" if "{" not in look.name and at >= 0 else ""


def blocks(looks: Sequence[Look]) -> list[Block]:
    """Return the forms whose items stand in a table, in the order of its columns."""
    left = [look for look in looks if look.whole]
    found: list[Block] = []
    for alias, forms in sorted(synonyms()["forms"].items(), key=lambda entry: (-len(entry[0]), entry[0])):
        named = {look.name: number for look in left if (number := _number(look, alias)) is not None}
        chosen = [look for look in left if look.name in named]
        if len(chosen) >= ENOUGH and len(set(named.values())) == len(chosen):
            found.append(_named(chosen, named, forms))
            left = [look for look in left if look.name not in named]
    groups: dict[str, list[Look]] = {}
    for look in left:
        if fits := NUMBERED.match(look.stem):
            groups.setdefault(fits["before"], []).append(look)
    series = {before: group for before, group in groups.items() if _series(group)}
    found += _lettered(series)
    order = {look.name: k for k, look in enumerate(looks)}
    return sorted(found, key=lambda block: order[block.looks[0].name])


def _number(look: Look, alias: str) -> int | None:
    name = plain(look.stem)
    rest = re.fullmatch(r"(?:item|q|i)?(\d+)", name[len(alias) :]) if name.startswith(alias) else None
    return int(rest[1]) if rest else None


def _series(group: Sequence[Look]) -> bool:
    found = sorted(int(NUMBERED.match(look.stem)["number"]) for look in group)  # type: ignore[index]
    return len(group) > ENOUGH and found == list(range(1, len(group) + 1))


def _span(looks: Sequence[Look]) -> tuple[float, float]:
    return min(look.range[0] for look in looks), max(look.range[1] for look in looks)


def _told(looks: Sequence[Look]) -> str:
    low, high = _span(looks)
    return f"{len(looks)} columns of whole numbers {low:g} to {high:g}"


def _named(looks: list[Look], items: dict[str, int], forms: list[str]) -> Block:
    """Make the block of a form that the names of its columns say."""
    whole = [name for name in forms if len(find(name).items) >= max(items.values())]
    name = min(whole or forms, key=lambda each: len(find(each).items))
    count = len(find(name).items)
    coding, doubt = _coding(find(name), looks)
    lacks = f"; {count - len(looks)} of its {count} items are not here" if len(looks) < count else ""
    if len(looks) > count:
        lacks = f"; but it has {count} items"
    why = f"{_told(looks)}: named like {name}{lacks}{doubt}"
    return Block(tuple(looks), items, f"answers.{name}.{{n}}", why, name, coding)


def _coding(form: Questionnaire, looks: Sequence[Look]) -> tuple[str, str]:
    """Compare the values with those that the form prints."""
    (low, high), (first, last) = form.ranges[form.items[0]], _span(looks)
    if low <= first and last <= high:
        return "", ""
    width = high - low
    if first >= low + 1 and last == low + 1 + width:
        return f"{low + 1:g} to {high + 1:g}", f"; it prints {low:g} to {high:g}, so the codes seem moved by one"
    return "", f"; but it prints {low:g} to {high:g}: see which values mean no answer"


def _lettered(series: dict[str, list[Look]]) -> Iterator[Block]:
    """Tell blocks of numbered columns apart by their letters, number of items and values."""
    seen = {plain(before): group for before, group in series.items()}
    known: dict[str, tuple[str, str]] = {}
    for entry in synonyms()["letters"]:
        if all(len(seen.get(letter, ())) in counts for letter, counts in entry["blocks"].items()):
            names = {letter: letter.upper() for letter in entry["blocks"]}
            beside = " and ".join(f"{name}1 to {name}{len(seen[letter])}" for letter, name in names.items())
            for letter in entry["blocks"]:
                if "sorted_by_scale" in entry:
                    form = entry["sorted_by_scale"]
                    known[letter] = (f"answers.{form}.?{{n}}", f"with {beside} it looks like {form} sorted by scale: "
                                     "write the official item number of each")  # fmt: skip
                else:
                    form = entry["forms"][letter]
                    known[letter] = (f"answers.{form}.{{n}}", f"with {beside} it looks like {form}")
            break
    for before, group in series.items():
        items = {look.name: int(NUMBERED.match(look.stem)["number"]) for look in group}  # type: ignore[index]
        letter = plain(before)
        if letter in known:
            meaning, why = known[letter]
            name = meaning.split(".")[1] if "?" not in meaning else ""
            coding, doubt = _coding(find(name), group) if name else ("", "")
            yield Block(tuple(group), items, meaning, f"{_told(group)}: {why}{doubt}", name, coding)
            continue
        fits = [name for name in _numbered_forms() if _fits(find(name), group)]
        if len(letter) <= 4 and len(fits) == 1:
            name = fits[0].upper()
            why = f"{_told(group)}: by number and range alone it could be {name}"
            yield Block(tuple(group), items, f"answers.{name}.{{n}}", why, name)
        else:
            could = ", ".join(name.upper() for name in fits)
            some = f": it could be {could}" if fits else ": no form that is known here"
            form = re.sub(r"[^\w-]", "", before).strip("_-") or "form"
            yield Block(tuple(group), items, f"answers.{form}.{{n}}", _told(group) + some)


def _numbered_forms() -> list[str]:
    def numbered(form: Questionnaire) -> bool:
        return form.items == tuple(map(str, range(1, len(form.items) + 1)))

    return [name for name, form in sorted(questionnaires().items()) if numbered(form)]


def _fits(form: Questionnaire, looks: Sequence[Look]) -> bool:
    low, high = form.ranges[form.items[0]]
    first, last = _span(looks)
    return len(form.items) == len(looks) and first == low and last == high
