"""Faults of the table of findings, told by row: what a size needs before anything may be compared with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import polars as pl

from gutbrain.evidence.claims import PATHWAYS, UNSOURCED, bibliography, claims
from gutbrain.evidence.findings import SCALES, SIGNS, USES, split_edges
from gutbrain.evidence.grade import START

CONTROLLED = ("meta-analysis of trials", "trial")
_RATIO = re.compile(r"\b(OR|RR|HR)\b|\b(odds|risk|hazard|rate) ratio\b|\bratio to\b", re.IGNORECASE)
_STANDARDISED = re.compile(r"\b(SMD|SMCD|Hedges g|Cohen d)\b", re.IGNORECASE)
_ALONE = re.compile(r"(own|none)\b")  # nobody else was compared with
_PRE_POST = re.compile(r"\bpre-post\b", re.IGNORECASE)


def lint(table: pl.DataFrame) -> list[str]:
    """Look for faults in findings.

    Parameters
    ----------
    table : as `read_findings` gives it

    Returns
    -------
    list of faults, one line each with the row, empty if all is well
    """
    known = {f"{signal} -> {listener}" for signal, listener in claims().select("signal", "listener").iter_rows()}
    faults = [
        f"row {place} ({row['id'] or 'no id'}): {fault}"
        for place, row in enumerate(table.iter_rows(named=True), start=2)
        for fault in (*_size(row), *_interval(row), *_metric(row), *_comparator(row), *_use(row), *_names(row, known))
    ]
    return faults + _between_rows(table)


def _size(row: dict[str, Any]) -> Iterator[str]:
    if row["centre"] is None and not row["sign"]:
        yield "neither effect nor sign; give `centre`, or `sign` + - 0 ?"
    if row["sign"] not in SIGNS:
        yield f"sign {row['sign']!r} is none of + - 0 ?"
    if row["centre"] and row["sign"] in ("+", "-") and (row["centre"] > 0) != (row["sign"] == "+"):
        yield f"sign {row['sign']} with an effect of {row['centre']:g}; leave `sign` empty beside an effect"
    keys = row["source"].split()
    if not keys or UNSOURCED in keys:
        yield "no source; name its key in sources.bib"
    for key in keys:
        if key not in bibliography() and key != UNSOURCED:
            yield f"no source {key!r}; add an entry to sources.bib"


def _interval(row: dict[str, Any]) -> Iterator[str]:
    for low, high, words in (("low", "high", "interval"), ("prediction_low", "prediction_high", "prediction interval"),
                             ("accept_low", "accept_high", "tolerance")):  # fmt: skip
        ends = (row[low], row[high])
        if (ends[0] is None) != (ends[1] is None):
            yield f"the {words} has one end only"
        elif ends[0] is not None and row["centre"] is None:
            yield f"the {words} has no effect within"
        elif ends[0] is not None and not ends[0] <= row["centre"] <= ends[1]:
            yield f"the {words} {ends[0]:g} to {ends[1]:g} does not contain the effect {row['centre']:g}"
    if row["se"] is not None and row["se"] <= 0:
        yield f"a standard error of {row['se']:g}"


def _metric(row: dict[str, Any]) -> Iterator[str]:
    ratio, standardised = _RATIO.search(row["metric"]), _STANDARDISED.search(row["metric"])
    if not row["metric"]:
        yield "no metric"
    if row["scale"] not in SCALES:
        yield f"scale {row['scale']!r} is none of {', '.join(SCALES)}"
    if ratio and standardised:
        yield f"{row['metric']!r} is a ratio and a standardised difference at once"
    elif ratio and row["scale"] == "natural":
        yield f"{row['metric']} on the natural scale, among SMDs; ratios are compared on the `log` scale"
    elif not ratio and row["scale"] == "log":
        yield f"{row['metric']} on the log scale; only ratios (OR, RR, HR, ratio to control) are"
    if ratio and any(row[name] is not None and row[name] <= 0 for name in ("centre", "low", "high")):
        yield "a ratio that is not above 0; give it as printed, not its logarithm"


def _comparator(row: dict[str, Any]) -> Iterator[str]:
    alone = bool(_ALONE.match(row["comparator"]))
    before_after = row["design"] == "single arm" or bool(_PRE_POST.search(row["metric"]))
    if row["comparator"] and not alone and (before_after or row["no_comparator"]):
        yield f"a pre-post effect with the comparator {row['comparator']!r}; write `own baseline` or `none (pre-post)`"
    elif not row["comparator"] and (row["design"] in CONTROLLED or before_after):
        kind = "pre-post" if before_after else "controlled"
        yield f"a {kind} effect without comparator; name it, or write `none (pre-post)`"
    elif alone and row["design"] in (*CONTROLLED, "experiment", "single arm") and not row["no_comparator"]:
        yield "nobody is compared with, and `no_comparator` is not yes"


def _use(row: dict[str, Any]) -> Iterator[str]:
    uses = re.split(r"[\s,;+/]+", row["use"])
    if {"calibrate", "predict"} <= set(uses):
        yield "marked both calibrate and predict; what is fitted predicts nothing"
    elif row["use"] not in USES:
        yield f"use {row['use']!r} is none of {', '.join(USES)}"
    if "predict" in uses and row["co_intervention"] and not row["note"]:
        yield "predict in a row where something else was done as well (confounded), and `note` does not say what"
    if row["use"] == "context" and not row["why_not"]:
        yield "context without `why_not`: say why it is not simulated"
    if row["use"] != "context" and row["why_not"]:
        yield "`why_not` stands only in rows of context"


def _names(row: dict[str, Any], known: set[str]) -> Iterator[str]:
    if not row["id"]:
        yield "no id"
    if row["design"] not in START:
        yield f"no design {row['design']!r}; use one of {', '.join(START)}"
    if not 0 <= (row["risk_of_bias"] or 0) <= 1:
        yield f"risk of bias {row['risk_of_bias']:g} is not from 0 to 1"
    if row["pathway"] not in PATHWAYS:
        yield f"no pathway {row['pathway']!r}; use one of {', '.join(PATHWAYS)}"
    arrows = [f"{signal} -> {listener}" for signal, listener in split_edges(row["edges"])]
    if not arrows:
        yield "no edges: name the arrows that it speaks about"
    for arrow in arrows:
        if arrow not in known:
            yield f"no claim for the edge {arrow!r}"


def _between_rows(table: pl.DataFrame) -> list[str]:
    faults, uses = [], table.filter(pl.col("use").is_in(("calibrate", "predict")))
    for (id,), rows in table.group_by(["id"], maintain_order=True):
        if len(rows) > 1:
            faults.append(f"{id}: the id stands {len(rows)} times")
    for (row,), rows in uses.drop_nulls("evidence_row").group_by(["evidence_row"], maintain_order=True):
        if rows["use"].n_unique() > 1:
            ids = " and ".join(rows["id"])
            faults.append(f"{ids}: one result ({row}) is marked both calibrate and predict")
    return faults
