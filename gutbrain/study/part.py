"""What one file gives to a study: some of its tables, and what was noticed on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import polars as pl

__all__ = ["Finding", "Part"]


@dataclass(frozen=True)
class Finding:
    """One thing to know about the data.

    Parameters
    ----------
    severity : `error` spoils an analysis, `warning` should be looked at, `note` is worth knowing
    file : name of the file, or of the table for what concerns several files
    where : row, column, sample, person
    what : what was seen, one clause
    mend : what to do about it
    """

    severity: Literal["error", "warning", "note"]
    file: str
    where: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        place = ", ".join(part for part in (self.file, self.where) if part)
        return f"{self.severity}: {place}: {self.what}" + (f". {self.mend}" if self.mend else "")


@dataclass(frozen=True)
class Part:
    """Tables of one file.

    Parameters
    ----------
    tables : by name, with some of the columns of `gutbrain.study.schema.TABLES`; people, visits and
        samples may carry covariates as further columns
    units : unit of covariate columns, `table.column` -> unit
    findings : what was noticed
    reader : format and version that were seen, one line
    """

    tables: dict[str, pl.DataFrame]
    units: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    reader: str = ""
