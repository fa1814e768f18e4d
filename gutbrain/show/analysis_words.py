"""Names of an analysis as a reader writes them: outcomes, terms of a model, visits."""

from __future__ import annotations

import re
from textwrap import wrap

from gutbrain.show.study_plots import quantity_said, shorten

LEVEL = re.compile(r"([^:\[\]]+)\[([^\]]+)\]")
SHORT = {
    "hrv": "HRV",
    "rmssd": "RMSSD",
    "sdnn": "SDNN",
    "il6": "IL-6",
    "crp": "CRP",
    "rsa": "RSA",
    "lf": "LF",
    "hf": "HF",
}
FORMS = re.compile(r"^[a-z]+(-[a-z]*\d+)+[a-z]*\.")  # pss-10.total, but not mind.affect
AXIS = {"labelExpr": "split(datum.label, '\\n')", "labelLineHeight": 14}


def name_said(name: str) -> str:
    """Return an outcome, taxon or group in words: its description if known, else its name made readable."""
    known = quantity_said(name)
    if known != name:
        return known
    if FORMS.match(name):
        form, _, scale = name.partition(".")
        return form.upper() + ("" if scale == "total" else f", {scale.replace('_', ' ')}")
    plain = name.removesuffix("_log_ratio")
    if re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)+", plain):
        plain = plain.partition(".")[2].replace(".", ", ")
    if not re.fullmatch(r"[a-z0-9_ ,]+", plain):
        return plain.replace("diversity: ", "diversity, ")
    words = " ".join(SHORT.get(word, word) for word in plain.replace("_", " ").split())
    return words[:1].upper() + words[1:] + (", log ratio" if name != plain and name.endswith("_log_ratio") else "")


def term_said(term: str) -> str:
    """Return a term of a model in words: `arm[LGG]:visit[after]` becomes `arm LGG × visit after`."""
    return LEVEL.sub(lambda found: f"{found[1]} {found[2]}", term.replace("`", "")).replace(":", " × ", term.count(":"))


def wrapped(name: str, width: int = 15) -> str:
    """Return a name broken into lines for an axis; `AXIS` draws them."""
    return "\n".join(wrap(shorten(name, 4 * width), width, break_long_words=False) or [name])
