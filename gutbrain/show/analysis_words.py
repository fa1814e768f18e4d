"""Terms, outcomes, taxa and figures of an analysis in words, as a journal prints them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from math import floor, isfinite, log10

from gutbrain.errors import InputError
from gutbrain.observe.forms import find
from gutbrain.show.study_plots import unit_said
from gutbrain.show.words import GROUPS, SIGNALS, number
from gutbrain.study.quantities import quantities

INDICES = {
    "shannon": "Shannon diversity", "observed": "Observed richness", "rarefied": "Rarefied richness",
    "inverse simpson": "Inverse Simpson diversity", "simpson": "Simpson diversity", "pielou": "Pielou evenness",
    "chao1": "Chao1 richness", "ace": "ACE richness", "faith": "Faith's phylogenetic diversity",
}  # fmt: skip
LETTERS = {
    "hf": "HF", "lf": "LF", "vlf": "VLF", "rr": "RR", "sdnn": "SDNN", "rmssd": "RMSSD", "pnn50": "pNN50", "sd1": "SD1",
    "sd2": "SD2", "rsa": "RSA", "bmi": "BMI", "il6": "IL-6", "mna": "MNA", "crp": "CRP", "hrv": "HRV",
    "ratio": "ratio", "power": "power", "share": "share",
}  # fmt: skip
QUANTITY = re.compile(r"[A-Za-z][\w-]*\.[A-Za-z][\w-]*")
TERM = re.compile(r"[\w.]+\[[^\[\]]+\](?::[\w.]+(?:\[[^\[\]]+\])?)*")
RANK = re.compile(r"^[dkpcofgst]_{1,2}")
SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
ONE = (
    (r"\b1 people\b", "1 person"), (r"\b1 samples\b", "1 sample"), (r"\b1 tests\b", "1 test"),
    (r"\b1 pairs\b", "1 pair"), (r"\b1 visits\b", "1 visit"), (r"\b1 rows\b", "1 row"),
    (r"\b1 further indirect effects are\b", "1 further indirect effect is"),
)  # fmt: skip

UNITS = (
    (r"\bumol/L\b", "µmol/L"), (r"\bms2\b", "ms²"), (r"(?<=\d) 1/min\b", " per minute"), (r"(?<=\d) 1 (?=\()", " "),
    (r"(?<=\d) point\b(?=[ ,;.)])", " points"), (r"\bjacobson-truax\b", "Jacobson-Truax"),
    (r"\bbray-curtis\b", "Bray-Curtis"),
)  # fmt: skip


def term_said(term: str) -> str:
    """Return a term of a model in words: `arm[LGG]:visit[after]` is "arm LGG × visit after"."""
    parts = [""]
    depth = 0
    for place, sign in enumerate(term):
        depth += (sign == "[") - (sign == "]")
        if sign == ":" and depth == 0 and term[place + 1 : place + 2] != " ":
            parts.append("")
        else:
            parts[-1] += sign
    text = " × ".join(" ".join(part.split()) for part in parts)
    if "[" not in text:  # outcomes that stand in a term
        text = QUANTITY.sub(lambda found: outcome_said(found.group()), text)
    text = re.sub(r"\[T\.", "[", text).replace("`", "").replace("] - ", "] − ")
    return re.sub(r"\s*\[([^\[\]]*)\]", r" \1", text).strip()


def compared_said(term: str, arm: str, reference: str) -> str:
    """Return a term in words that name the reference arm: "LGG against Placebo × visit after".

    Parameters
    ----------
    arm, reference : column of the arms, and the arm that the others are compared with
    """
    text = term_said(term)
    if not arm or not reference:
        return text
    parts = [part.strip() for part in text.split(" × ")]
    said = [
        f"{part.removeprefix(f'{arm} ')} against {reference}" if part.startswith(f"{arm} ") else part for part in parts
    ]
    return " × ".join(said) if f"{arm}[" in term and "−" not in text else text


def first_capital(text: str) -> str:
    """Return a text that begins with a capital."""
    return text[:1].upper() + text[1:]


def outcome_said(name: str) -> str:
    """Return what was measured or tested in words; names of taxa stay as they are."""
    for sign, between in ((" -> ", " → "), (" with ", " with ")):
        if sign in name:
            return between.join(outcome_said(part) for part in name.split(sign))
    if re.search(r"[;|]", name):
        return taxon_said(name)
    base, comma, rest = name.partition(", ")
    base, bracket, kind = base.partition(" (")
    return f"{_plain(base)}{bracket}{kind}{comma}{rest}"


def _plain(name: str) -> str:
    known = quantities().get(name)
    if known is not None:
        return first_capital(known.about.partition(";")[0])
    if name in SIGNALS:
        return SIGNALS[name][0]
    if name.lower() in INDICES:
        return INDICES[name.lower()]
    kind, colon, rest = name.partition(": ")
    if colon:
        said = {"diversity": outcome_said(rest), "share": f"Share of {taxon_said(rest)}",
                "clr": f"{taxon_said(rest)}, centred log-ratio", "balance": f"Balance of {rest}",
                "group": group_said(rest)}  # fmt: skip
        return said.get(kind, name)
    if QUANTITY.fullmatch(name):
        place, _, part = name.partition(".")
        return f"{_form(place)}{' ' if part == 'total' else ': '}{_words(part)}"
    if name.endswith("_log_ratio"):
        return f"{group_said(name.removesuffix('_log_ratio'))}, log-ratio"
    if "_" in name and " " not in name:
        return first_capital(_words(RANK.sub("", name)))
    return first_capital(name) if name.islower() else name


def short_said(name: str) -> str:
    """Return an outcome as briefly as its field does: RMSSD instead of what it stands for."""
    base, bracket, kind = name.partition(" (")
    _, dot, part = base.partition(".")
    if dot and all(word in LETTERS for word in part.split("_")):
        return f"{_words(part)}{bracket}{kind}"
    return outcome_said(name)


def _form(name: str) -> str:
    try:
        return find(name).name.upper()
    except InputError:
        return first_capital(_words(name)) if name.islower() else name


def _words(name: str) -> str:
    return " ".join(LETTERS.get(word.lower(), word) for word in name.split("_"))


def group_said(name: str) -> str:
    """Return the name of a group of microbes in words."""
    return first_capital(GROUPS.get(name, name.replace("_", " ")))


def taxon_said(name: str) -> str:
    """Return a taxon without the ranks above it: the last part of a lineage that names something."""
    parts = [RANK.sub("", part.strip()) for part in re.split(r"[;|]", name)]
    named = [part for part in parts if part.split("_")[0].lower() not in ("", "none", "unclassified", "uncultured")]
    if not named:
        return name
    text = re.sub(r"[_ ]unclassified$", ", unclassified", named[-1]).replace("_", " ")
    return text if named[-1] == parts[-1] or text.endswith("unclassified") else f"{text}, unclassified"


def taxa_said(names: Iterable[str], most: int = 40) -> dict[str, str]:
    """Return a short name of each taxon; those that would be called the same get what is above them, or a number."""
    made: dict[str, str] = {}
    seen: dict[str, int] = {}
    plain = {name: taxon_said(name) for name in names}
    often = Counter(plain.values())
    for name, short in plain.items():
        short = f"{short}{_above(name, short)}" if often[short] > 1 else short
        short = short if len(short) <= most else short[: most - 1].rstrip() + "…"
        seen[short] = seen.get(short, 0) + 1
        made[name] = short if seen[short] == 1 else f"{short} ({seen[short]})"
    return made


def _above(name: str, short: str) -> str:
    """Return the rank above a taxon in brackets, where its name tells one."""
    parts = [RANK.sub("", part.strip()) for part in re.split(r"[;|]", name)][:-1]
    named = [part for part in parts if part and part not in ("none", short)]
    return f" ({named[-1].partition(' (')[0]})" if named else ""


def unit_told(unit: str | None) -> str:
    """Return a unit as a reader writes it; the base of a logarithm is no square."""
    return unit_said(unit).replace("log²", "log2")


def names_said(names: Iterable[str]) -> dict[str, str]:
    """Return the raw names that a sentence must not hold, each with its words."""
    wanted = {name for name in names if re.search(r"[._|;]|: ", name) and not name.endswith(".")}
    return {name: said for name in wanted if (said := outcome_said(name)) != name}


def sentence_said(text: str, names: Mapping[str, str]) -> str:
    """Return a sentence of a step with terms, outcomes, minus signs and large numbers as they are printed.

    Parameters
    ----------
    names : of `names_said`
    """
    if names:
        listed = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
        text = re.sub(rf"(?<![\w.:])(?:{listed})(?!\w|\.\w)", lambda found: names[found.group()], text)
    text = TERM.sub(lambda found: term_said(found.group()), text)
    text = re.sub(r"\bp(?: =)? (?:0\.000\d*|\d(?:\.\d+)?e-\d+)\b", "p < 0.001", text)
    text = re.sub(r"(?<![\w.])-(?=\d)", "−", text)
    text = re.sub(r"\b(\d(?:\.\d+)?)e([+-]?)(\d+)\b", _power, text)
    for wrong, right in (*ONE, *UNITS):
        text = re.sub(wrong, right, text)
    return first_capital(text)


def _power(found: re.Match[str]) -> str:
    digits, sign, power = found.groups()
    return f"{digits} × 10{('-' * (sign == '-') + str(int(power))).translate(SUPERSCRIPTS)}"


def p_said(value: object) -> str:
    """Return a p as a journal prints it."""
    if value is None:
        return "–"
    p = float(str(value))
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.1 else "> 0.99" if p > 0.99 else f"{p:.2f}"


def p_is(value: object) -> str:
    """Return a p with its letter and sign."""
    said = p_said(value)
    return f"p {said}" if said[0] in "<>" else f"p = {said}"


def estimate_said(estimate: float | None, low: float | None, high: float | None) -> str:
    """Return an estimate with its interval, to the digits that the interval warrants."""
    if estimate is None or not isfinite(estimate):
        return "–"
    if low is None or high is None or not (isfinite(low) and isfinite(high)):
        return number(estimate, 3)
    half = max((high - low) / 2, abs(estimate) * 1e-3)
    if half >= 1e5 or half < 1e-5:
        return f"{number(estimate, 3)} ({number(low, 3)} to {number(high, 3)})"
    digits = max(0, 1 - floor(log10(half)))
    return f"{fixed(estimate, digits)} ({fixed(low, digits)} to {fixed(high, digits)})"


def fixed(value: float, digits: int) -> str:
    """Return a number with so many digits after the point and a true minus sign; no minus zero."""
    text = f"{value:,.{digits}f}"
    bare = text.lstrip("-")
    return bare if not bare.strip("0.,") else text.replace("-", "−")
