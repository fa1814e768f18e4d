"""What the columns of an unknown table seem to mean, with the evidence of each guess."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

import polars as pl

from gutbrain.study.mapped.guess_forms import Block, blocks
from gutbrain.study.mapped.guess_look import Look, plain, synonyms
from gutbrain.study.quantities import quantities

FEW = 12  # most texts that name visits, and most codes of groups
VISITS = 30  # most numbers that name visits
CONFIRM = "please confirm"
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "µ": "u"})
BRACKETS = re.compile(r"[\[(].*?[\])]")
TALLEST = 3.0  # metre; a height above it is in centimetres
LEVELS = 7  # most words that one item offers
ITEMS = 4  # least columns that make a form
LONGEST = 60  # signs of a name that is made of a question
TOTAL = re.compile(r"(total|sum|score|_ts)$")


@dataclass
class Draft:
    """Lines of a drafted `[[file]]` for one table.

    Parameters
    ----------
    lines : column or pattern -> meaning and evidence
    keys : key -> its column
    notes : further keys of the file, each a line of TOML with its comment
    sets : what is the same for all rows -> value and evidence
    codings : form -> codes of its answers
    """

    lines: dict[str, tuple[str, str]] = field(default_factory=dict)
    keys: dict[str, Look] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    sets: dict[str, tuple[str, str]] = field(default_factory=dict)
    codings: dict[str, str] = field(default_factory=dict)


def draft(looks: Sequence[Look], header: Sequence[str]) -> Draft:
    """Draft the meaning of columns.

    Parameters
    ----------
    looks : the columns in question
    header : all columns of the file, so that a pattern takes no other
    """
    made = Draft()
    left = [look for look in looks if look.count]
    for look in looks:
        if not look.count:
            made.lines[look.name] = ("skip", "empty")
    found = blocks(left)
    inside = {look.name for block in found for look in block.looks}
    left = [look for look in left if look.name not in inside]
    left = _texts(made, _long(made, left, _keys(made, left)))
    for block in found:
        _items(made, block, header)
    for look in left:
        made.lines[look.name] = _other(made, look)
    order = {name: k for k, name in enumerate(header)}
    under = {key: next((n for n in header if _under(key, n)), "") for key in made.lines if key not in order}
    places = {key: order.get(key, order.get(under.get(key, ""), 0)) for key in made.lines}
    made.lines = {key: made.lines[key] for key in sorted(made.lines, key=lambda key: (places[key], key))}
    return made


def _under(pattern: str, name: str) -> bool:
    before, _, after = pattern.partition("{n}")
    return re.fullmatch(re.escape(before) + r"\d+" + re.escape(after), name) is not None


def _keys(made: Draft, looks: list[Look]) -> list[Look]:
    """Take the columns that say who and when, and return the others."""
    for key, names in synonyms()["keys"].items():
        named = (look for name in names for look in looks if plain(look.stem) == plain(name))
        found = next((look for look in named if _can_be(key, look, made)), None)
        if found is not None and not (key == "date" and "time" in made.keys):
            made.keys[key] = found
    alone = [look for look in looks if look.dated in ("date", "time") and look not in made.keys.values()]
    if not {"time", "date"} & made.keys.keys() and len(alone) == 1:
        made.keys[alone[0].dated] = alone[0]
    if {"time", "date"} & made.keys.keys():
        made.keys.pop("day", None)  # days are counted from the dates
    if "clock" in made.keys and not {"date", "day"} & made.keys.keys():
        del made.keys["clock"]
    for key, look in made.keys.items():
        made.lines[look.name] = (key, f"{_key_evidence(key, look)}; {CONFIRM}")
    taken = {look.name for look in made.keys.values()}
    return [look for look in looks if look.name not in taken]


def _can_be(key: str, look: Look, made: Draft) -> bool:
    if look in made.keys.values():
        return False
    if key in ("time", "date", "clock"):
        return look.dated == key or (key == "time" and look.dated == "date" and plain(look.stem) != "day")
    if key == "until":
        return look.dated == "time" and "time" in made.keys
    if key == "day":
        return len(look.numbers) > 0 and not look.dated
    if key == "visit":
        few = look.distinct <= (VISITS if look.whole and look.count > 2 * look.distinct else FEW)
        named = plain(look.stem) in ("visit", "visitname", "obsn", "redcapeventname")
        return named or (few and (look.whole or not len(look.numbers)) and not look.dated)
    if key == "sample":
        return look.distinct == look.count
    return not look.dated


def _key_evidence(key: str, look: Look) -> str:
    if key in ("person", "sample", "visit", "recording", "material"):
        told = f"{look.distinct} different in {look.count} rows"
        return told if key != "visit" or look.distinct > FEW else f"{told}: {', '.join(_few(look))}"
    return look.says() + (": counted from when?" if key == "day" else "")


def _few(look: Look) -> list[str]:
    shown = look.column.text.drop_nulls().unique(maintain_order=True).to_list()
    return [text[:20] for text in shown[:6]] + (["..."] if len(shown) > 6 else [])


def _long(made: Draft, looks: list[Look], left: list[Look]) -> list[Look]:
    """Tell a table with one row a value from a wide one; only the former has these columns."""
    taken: dict[str, Look] = {}
    for key, names in synonyms()["long"].items():
        for look in left:
            if key not in taken and look not in taken.values() and plain(look.stem) in map(plain, names):
                taken[key] = look
    names = taken.get("item") or taken.get("quantity")
    if "value" not in taken or names is None or not len(taken["value"].numbers):
        return left
    if len(names.numbers) and not names.whole:
        return left
    if "item" in taken:
        taken.pop("quantity", None)
    else:
        taken.pop("form", None)
    for key, look in taken.items():
        made.lines[look.name] = (key, f"{look.says()}: long, one row a value; {CONFIRM}")
    if "quantity" in taken:
        swap = {}
        for text in taken["quantity"].column.text.drop_nulls().unique(maintain_order=True).to_list():
            name = _quantity(text)
            if name and name != text:
                swap[text] = name
        if swap:
            told = ", ".join(f"{quote(old)} = {quote(new)}" for old, new in swap.items())
            made.notes.append(f"values = {{ {quote(taken['quantity'].name)} = {{ {told} }} }} # {CONFIRM}")
        if "unit" not in taken:
            made.notes.append('# set = { unit = "..." } # no column says the unit of the values: give it')
    elif "form" not in taken:
        made.notes.append('# set = { form = "..." } # no column says the form of the items: give it')
    return [look for look in left if look not in taken.values()]


def _texts(made: Draft, looks: list[Look]) -> list[Look]:
    """Take columns that answer in the same few words, such as never to very often: items whose form nobody says."""
    groups: list[tuple[set[str], list[Look]]] = []
    for look in looks:
        words = set(look.column.text.drop_nulls())
        if len(look.numbers) or look.dated or len(words) > LEVELS:
            continue
        fits = next((group for group in groups if group[0] & words and len(group[0] | words) <= LEVELS), None)
        if fits:
            fits[0].update(words)
            fits[1].append(look)
        else:
            groups.append((words, [look]))
    for words, group in groups:
        if len(group) < ITEMS or len(words) < 3:
            continue
        alike = takewhile(lambda signs: len(set(signs)) == 1, zip(*(look.name for look in group), strict=False))
        begin = "".join(signs[0] for signs in alike)
        codes = ", ".join(f"{quote(word)} = ?" for word in sorted(words))
        told = "give each word the number that the form prints, and name the form at its items"
        made.notes.append(f"# values = {{ {quote(f'{begin}*')} = {{ {codes} }} }} # {told}")
        for k, look in enumerate(group, 1):
            why = f"{len(group)} columns of the same {len(words)} words: which form? {CONFIRM}" if k == 1 else ""
            made.lines[look.name] = (f"answers.?.{k}", why)
    return [look for look in looks if look.name not in made.lines]


def _items(made: Draft, block: Block, header: Sequence[str]) -> None:
    lines = dict(block.lines(header))
    for k, (name, text) in enumerate(lines.items()):
        made.lines[name] = (text, f"{block.why}; {CONFIRM}" if k == 0 else "")
    if block.coding:
        made.codings[block.form] = block.coding


def _other(made: Draft, look: Look) -> tuple[str, str]:
    """Tell what is no key and no item: a covariate, a reading, a total, or nothing that is known."""
    name = plain(look.stem)
    for covariate, entry in synonyms()["covariates"].items():
        if {name, plain(BRACKETS.sub("", look.stem))} & set(map(plain, entry["names"])):
            return _covariate(made, look, covariate, entry.get("unit", ""))
    for key, names in (synonyms()["keys"] | synonyms()["long"]).items():
        if name in map(plain, names) and (key in made.keys or look.dated):
            beside = f", beside {made.keys[key].name!r}" if key in made.keys else ""
            return "skip", f"{look.says()}: may be a {key}{beside}; {CONFIRM}"
    if name in map(plain, synonyms()["private"]):
        return "skip", f"{look.says()}: may name a person, so it is left out; {CONFIRM}"
    if name.startswith("redcaprepeat"):
        return "skip", f"{look.says()}: how REDCap counts repeated forms; `visit`, if they are visits; {CONFIRM}"
    if look.stem.lower().endswith("_complete") and look.whole and look.range[1] <= 2:
        return "skip", f"{look.says()}: whether a form of REDCap is complete; {CONFIRM}"
    if TOTAL.search(look.stem.lower()) and any(name.startswith(alias) for alias in synonyms()["forms"]):
        return "skip", f"{look.says()}: a total of a form? Totals are computed from the items; {CONFIRM}"
    if len(look.numbers) and (quantity := _quantity(look.stem)):
        unit, why = _unit(look.stem)
        if not unit and quantity in quantities() and quantities()[quantity].unit in ("count", "1"):
            unit, why = quantities()[quantity].unit, "it has no other unit"
        return f"readings.{quantity} [{unit or 'unit?'}]", f"{look.says()}; {why or 'write the unit'}; {CONFIRM}"
    return _unknown(made, look)


def _unknown(made: Draft, look: Look) -> tuple[str, str]:
    tidy = _tidy(look.stem)
    place = _finer(made, look)
    if look.dated or not tidy:
        return "skip", f"{look.says()}: not known; {CONFIRM}"
    if not len(look.numbers):
        alike = "; every value is another" if look.distinct == look.count > 1 else ""
        if alike or look.distinct > 4 * FEW or not place:
            return "skip", f"{look.says()}{alike}: free text or a name? {CONFIRM}"
        return f"{place}.{tidy}", f"{look.says()}: not known; {CONFIRM}"
    unit, why = _unit(look.stem)
    if place == "people":
        ask = f"{why}; {CONFIRM}" if unit else f"{CONFIRM}, and write its unit in brackets"
        return f"people.{tidy}{f' [{unit}]' * bool(unit)}", f"{look.says()}: not known; {ask}"
    if look.whole and look.range[1] - look.range[0] <= 100 and made.keys.keys() & {"time", "date", "day", "visit"}:
        return f"answers.diary.{tidy}", f"{look.says()}: an answer, if it is one; {CONFIRM}"
    return f"readings.{tidy} [{unit or 'unit?'}]", f"{look.says()}: not known; {why or 'write the unit'}, or skip it"


def _covariate(made: Draft, look: Look, name: str, unit: str) -> tuple[str, str]:
    place = _finer(made, look)
    known, why = _unit(look.stem)
    codes = bool(unit) and look.whole and look.range[1] <= FEW < look.count
    if unit == "cm" and len(look.numbers) and look.range[1] < TALLEST:
        unit = "m"
    unit = f" [{known or unit}]" if (known or unit) and len(look.numbers) and not codes else ""
    if look.odd:
        unit = " [text]"
    told = f"; unit to be confirmed{f' ({why})' if why else ''}" if unit and unit != " [text]" else ""
    told += f"; only {look.distinct} different: codes of groups?" if codes else ""
    where = {"people": "the same on all rows of a person", "": "differs between rows"}.get(place)
    where = where or f"differs between {place}"
    alone = "person" not in made.keys
    return f"{place or 'people'}.{name}{unit}", f"{look.says()}{'' if alone else f', {where}'}{told}; {CONFIRM}"


def _finer(made: Draft, look: Look) -> str:
    """Return the coarsest table within whose rows a column does not change, or nothing."""
    if look.stem != look.name:
        return "visits"  # its name says the visit
    text = look.column.text
    asked = {key: each.column.text for key, each in made.keys.items()}
    person, visit, sample = asked.get("person"), asked.get("visit"), asked.get("sample")
    if person is None and sample is None and made.keys.keys() & {"time", "date", "day"}:
        return "people" if look.distinct == 1 else ""
    if person is None:
        return "samples" if sample is not None else "people"
    tries = [("people", [person])] + ([("visits", [person, visit])] if visit is not None else [])
    tries += [("samples", [sample])] if sample is not None else []
    for table, keys in tries:
        frame = pl.DataFrame({str(k): series for k, series in enumerate(keys)} | {"value": text}).drop_nulls()
        counts = frame.group_by(pl.exclude("value")).agg(pl.col("value").n_unique())
        if not (counts["value"] > 1).any():
            return table
    return ""


def _quantity(text: str) -> str:
    """Return the quantity that a name means, or nothing."""
    bare = BRACKETS.sub("", text)
    forms = {plain(bare)}
    for ending in synonyms()["units"]:
        if plain(bare).endswith(plain(ending)) and re.search(rf"[\W_]{ending.replace('_', '[^a-z0-9]?')}$", bare, re.I):
            forms.add(plain(bare)[: -len(plain(ending))])
    for quantity, names in synonyms()["readings"].items():
        if forms & {plain(name) for name in names} or plain(quantity) in forms:
            return str(quantity)
    return ""


def _unit(name: str) -> tuple[str, str]:
    """Return the unit that the name of a column says."""
    if inside := re.search(r"[\[(]([^\])]+)[\])]", name):
        return inside[1].strip(), "unit from the name of the column"
    for ending, unit in synonyms()["units"].items():
        if re.search(rf"[\W_]{ending.replace('_', '[^a-z0-9]?')}$", name, re.I):
            return str(unit), "unit from the name of the column"
    return "", ""


def _tidy(name: str) -> str:
    bare = BRACKETS.sub("", name).lower().translate(UMLAUTS)
    bare = unicodedata.normalize("NFKD", bare).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", bare).strip("_")[:LONGEST].strip("_")


def quote(text: str) -> str:
    """Return a text as TOML writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
