"""Scores of questionnaires: one row a sheet and scale, with its rule, or with the reason why it is withheld."""

from __future__ import annotations

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.observe import psqi
from gutbrain.observe.answers import Sheets, as_matrix, describe_missing, ends_of, read_sheets, rows_of
from gutbrain.observe.forms import Band, Questionnaire, Scale, find, questionnaires

__all__ = ["Band", "Questionnaire", "Scale", "decided", "find", "item_values", "questionnaires", "safety", "score",
           "short_form"]  # fmt: skip
MISSING = ("withhold", "prorate")
SAFETY = "answered above 0: tell the study team now"
UNANSWERED = "left empty: ask the person"


def score(
    answers: pl.DataFrame,
    form: str | Questionnaire,
    *,
    choice: str | None = None,
    coding: str | None = None,
    missing: str = "withhold",
) -> pl.DataFrame:
    """Score one questionnaire.

    Parameters
    ----------
    answers : table with person, visit, item (as the form prints it) and value; other columns are kept as keys,
        and a column `form` picks the rows. FFMQ-15 also needs `item_of_39`
    form : name, such as "PSS-10"
    choice : what the form asks to be decided first (severity bands, total, range); see `Questionnaire.choices`
    coding : codes of the lowest and highest answer where they are not those of the form, such as "1 to 5"
    missing : "withhold" a score that lacks an item, or "prorate" where the form has a rule for it

    Returns
    -------
    table with the keys, `form`, `scale`, `score` (null if withheld), `band`, `answered`, `missing` (items), `rule`
    and `withheld` (the reason); sorted by keys, scales in the order of the form

    Raises
    ------
    InputError : unknown form or item, a value outside the form, codes in doubt, an answer given twice, a decision
        that is lacking
    """
    if missing not in MISSING:
        raise InputError(f"missing={missing!r} is not known", mend=f"Give {' or '.join(map(repr, MISSING))}.")
    ready = decided(answers, form, choice)
    sheets = read_sheets(answers, ready, coding)
    if ready.name == "psqi":
        found = psqi.scores(sheets, ready)
    else:
        found = {name: _score(sheets, ready, scale, missing) for name, scale in ready.scales.items()}
    tables = [
        _table(sheets, ready, ready.scales[name], values, withheld, missing)
        for name, (values, withheld) in found.items()
    ]
    order = {name: rank for rank, name in enumerate(ready.scales)}
    keys = sheets.keys.columns
    ranked = pl.concat(tables).with_columns(pl.col("scale").replace_strict(order).alias("rank"))
    return ranked.sort([*keys, "rank"]).drop("rank")


def decided(answers: pl.DataFrame, form: str | Questionnaire, choice: str | None = None) -> Questionnaire:
    """Return the questionnaire with its choice made; IBS-SSS may tell its range by the answers.

    Raises
    ------
    InputError : a decision is lacking, unknown or refused, or sheets of two ranges are mixed
    """
    asked = find(form) if isinstance(form, str) else form
    if choice is None and asked.choice is None and asked.name == "ibs-sss":
        choice = _range_of_ibs(answers, asked)
    return asked.decide(choice)


def _range_of_ibs(answers: pl.DataFrame, form: Questionnaire) -> str:
    """Return the range that the sheets tell: one above 10 runs to 100, and a sheet of zeros tells nothing."""
    sheets = as_matrix(rows_of(answers, form), form)
    scales = sheets.of(tuple(item for item in form.items if item != "pain_days"))
    largest = np.nanmax(np.where(np.isnan(scales), 0, scales), axis=1)
    wide, narrow = (largest > 10).sum(), ((largest > 0) & (largest <= 10)).sum()
    seen = f"{wide} sheets reach above 10, {narrow} stay at 10 or below"
    if wide and narrow:
        raise InputError(f"{form.name}: sheets of two ranges may be mixed: {seen}",
                         mend="Split them, or give choice='0 to 100' if all were filled in so.")  # fmt: skip
    if not wide:
        raise InputError(f"{form.name}: answers do not tell {form.ask}: {seen}",
                         mend="Give choice='0 to 100' or choice='0 to 10'.")  # fmt: skip
    return "0 to 100"


def item_values(sheets: Sheets, form: Questionnaire, scale: Scale) -> np.ndarray:
    """Return the answers of a scale as they are added up: mirrored and multiplied (array [sheets, items])."""
    values = sheets.of(scale.items).copy()
    for place, item in enumerate(scale.items):
        if item in form.reverse:
            values[:, place] = sum(form.ranges[item]) - values[:, place]
        values[:, place] *= form.multiply.get(item, 1)
    return values


def _score(sheets: Sheets, form: Questionnaire, scale: Scale, missing: str) -> tuple[np.ndarray, list[str | None]]:
    """Return the scores of one scale (array [sheets], NaN if withheld) and the reasons."""
    values = item_values(sheets, form, scale)
    gone = np.isnan(values).sum(axis=1)
    withheld = describe_missing(sheets, scale.items)
    # A sum of whole answers stays whole: it is scaled up only where items are missing.
    total, there = np.nansum(values, axis=1), np.maximum(len(scale.items) - gone, 1)
    scores = total / there if scale.rule == "mean" else np.where(gone, total / there * len(scale.items), total)
    scores = scores * scale.factor
    bridged = (gone <= scale.may_miss * len(scale.items)) & (missing == "prorate")
    for row in np.flatnonzero(gone):
        if bridged[row]:
            withheld[row] = None
        elif scale.rule == "table":
            withheld[row] = f"{withheld[row]}; the T table holds for complete forms only"
        elif missing == "prorate":
            limit = f"at most {scale.may_miss:.0%} may be" if scale.may_miss else "the form has no rule for prorating"
            withheld[row] = f"{withheld[row]}; {limit}"
    scores = np.where((gone == 0) | bridged, scores, np.nan)
    if scale.rule == "table":
        if not scale.table:
            return np.full(scores.shape, np.nan), ["the T table of this form is not known here"] * len(withheld)
        least = sum(form.ranges[item][0] for item in scale.items)
        places = np.where(np.isnan(scores), least, scores) - least
        scores = np.where(np.isnan(scores), np.nan, np.array(scale.table)[places.round().astype(int)])
    return scores, withheld


def _table(
    sheets: Sheets, form: Questionnaire, scale: Scale, scores: np.ndarray, withheld: list[str | None], missing: str
) -> pl.DataFrame:
    """Return the scores of one scale as rows."""
    shown = [None if np.isnan(value) else float(value) for value in scores]
    answered = (~np.isnan(sheets.of(scale.items))).sum(axis=1)
    text = pl.String
    return sheets.keys.with_columns(
        pl.lit(form.name).alias("form"),
        pl.lit(scale.name).alias("scale"),
        pl.Series("score", shown, dtype=pl.Float64),
        pl.Series("band", [None if value is None else scale.band(value) for value in shown], dtype=text),
        pl.Series("answered", answered, dtype=pl.Int64),
        pl.Series("missing", len(scale.items) - answered, dtype=pl.Int64),
        pl.lit(rule_of(form, scale, sheets.coding, missing)).alias("rule"),
        pl.Series("withheld", withheld, dtype=text),
    )


def rule_of(form: Questionnaire, scale: Scale, coding: str, missing: str) -> str:
    """Return the scoring rule in words, with its version and grade."""
    how = {"table": "T by table of the raw sum", "psqi": "bins of the scoring program"}.get(scale.rule, scale.rule)
    if scale.factor != 1:
        how += f" x {scale.factor:g}"
    mirrored = " ".join(item for item in scale.items if item in form.reverse)
    prorated = missing == "prorate" and scale.may_miss > 0
    bridged = f"prorated up to {scale.may_miss:.0%} (assumed)" if prorated else "withheld"
    parts = [f"{form.name} version {form.version}", how, f"reversed {mirrored}" if mirrored else "",
             *(f"{item} x {times:g}" for item, times in form.multiply.items() if item in scale.items),
             form.choice or "", f"codes {coding}" if scale.rule != "psqi" else "", f"missing {bridged}",
             scale.grade]  # fmt: skip
    return "; ".join(filter(None, parts))


def safety(answers: pl.DataFrame, form: str = "phq-9", *, coding: str | None = None) -> pl.DataFrame:
    """Return every answer that the study team must hear of: above 0 on the self-harm item, or that item left empty.

    Nothing is refused that could hide an answer: without `coding`, whatever lies above 0 is told.

    Returns
    -------
    table with the keys, `form`, `item`, `answer` and `message`; sorted by keys. It is for the study team only.

    Raises
    ------
    InputError : the form has no such item, or its columns cannot be read
    """
    asked = find(form)
    if asked.safety_item is None:
        raise InputError(f"{asked.name} has no item that is told to the study team", mend="Ask for 'phq-9'.")
    least, most = ends_of(coding, asked) if coding else (0, 1)
    sign = 1.0 if most > least else -1.0
    table = rows_of(answers, asked)
    keys = [name for name in table.columns if name not in ("item", "value")]
    # Of an answer given twice both stand, so that neither hides the other.
    given = table.filter(pl.col("item") == asked.safety_item)
    told = table.select(keys).unique().join(given, on=keys, how="left", nulls_equal=True)
    told = told.with_columns((sign * (pl.col("value") - least)).alias("answer"))
    told = told.filter(pl.col("answer").is_null() | (pl.col("answer") > 0)).sort([*keys, "answer"])
    message = pl.when(pl.col("answer").is_null()).then(pl.lit(UNANSWERED)).otherwise(pl.lit(SAFETY))
    return told.select(*keys, pl.lit(asked.name).alias("form"), pl.lit(asked.safety_item).alias("item"), "answer",
                       message.alias("message"))  # fmt: skip


def short_form(answers: pl.DataFrame, short: str, long: str) -> pl.DataFrame:
    """Return the answers of a short form out of those of the long form that holds it.

    Parameters
    ----------
    answers : see `score`; items of the long form
    short, long : names, such as "dass-21" and "dass-42"

    Returns
    -------
    table with the keys, item (of the short form) and value

    Raises
    ------
    InputError : no map between the two is known, or the answers cannot be read
    """
    target, source = find(short), find(long)
    if source.name not in target.inside:
        known = ", ".join(f"{form.name} in {name}" for form in questionnaires().values() for name in form.inside)
        raise InputError(f"no map of {target.name} in {source.name}", mend=f"Known are: {known}.")
    numbers = {held: item for item, held in target.inside[source.name].items()}
    rows = rows_of(answers, source).filter(pl.col("item").is_in(list(numbers)))
    return rows.with_columns(pl.col("item").replace_strict(numbers))
