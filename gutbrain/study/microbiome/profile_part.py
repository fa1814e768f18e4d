"""What readers of sequencing profiles say and return: findings, names of samples, the tables of a part."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from gutbrain.errors import InputError
from gutbrain.people.delimited import repeated, shorten
from gutbrain.study.part import Finding, Part
from gutbrain.study.schema import ABUNDANCE_UNITS, TABLES, conform

LEVELS = "species|genus|family|order|class|phylum|domain|[SGFOCPDK]"
# What tools and pipelines put behind the name of a sample.
_ENDINGS = re.compile(
    r"(?:[._-](?:txt|tsv|csv|tab|gz|bz2|out|output|profile|profiled|metagenome|taxonomic|metaphlan\d?|mpa\d?|bugs|list|"
    r"kraken\d?|k\d?report\d?|breport|report|genefamilies|pathabundance|pathcoverage|"
    rf"bracken(?:[._-](?:{LEVELS}))?|(?:{LEVELS})(?=[._-]k?\d?(?:bracken|b?report))))+$"
)


@dataclass
class Notes:
    """Findings on one file, collected while it is read."""

    file: str
    kept: list[Finding] = field(default_factory=list)

    def note(self, what: str, where: str = "", mend: str = "") -> None:
        """Keep what is worth knowing."""
        self.kept.append(Finding("note", self.file, where, what, mend))

    def empty_cells(self, number: int) -> None:
        """Say that cells without a number count as 0."""
        if number:
            self.warning(f"{number} cells hold no number and count as 0", mend="Write 0 where nothing was found")

    def warning(self, what: str, where: str = "", mend: str = "") -> None:
        """Keep what should be looked at."""
        self.kept.append(Finding("warning", self.file, where, what, mend))


def name_of_file(source: Path, sample: str | None, notes: Notes) -> str:
    """Return the name of the only sample of a file: the declared one, or the file's without what tools add."""
    if sample is not None:
        if not isinstance(sample, str) or not sample.strip():
            raise InputError(f"option sample: {sample!r} is no name", file=source, mend="Give a text")
        return sample.strip()
    name = _ENDINGS.sub("", source.name) or source.name
    what = f"the file does not name its sample; it is called {name!r} after the file"
    notes.note(what, mend="Option `sample` names it")
    return name


def names_of_columns(source: Path, names: Sequence[str], suffix: str | None, notes: Notes) -> list[str]:
    """Return names of samples: the columns' without what tools add, or without the declared suffix.

    Raises
    ------
    InputError
        For a column without a name, or two that come to the same name.
    """
    plain = [name.strip() for name in names]
    if "" in plain:
        raise InputError("a column has no name", file=source, field=f"{plain.index('') + 1}", mend="Name it")
    if suffix is None:
        made = [_ENDINGS.sub("", name) or name for name in plain]
        cut = {name[len(short) :] for name, short in zip(plain, made, strict=True)}
        if cut == {""} or len(cut) > 1 or repeated(made):
            made = plain
        else:
            what = f"samples are the columns without {cut.pop()!r}"
            notes.note(what, mend='Option `suffix` says what is cut; `suffix = ""` cuts nothing')
    else:
        made = [name.removesuffix(str(suffix)) or name for name in plain]
    if twice := repeated(made):
        raise InputError("this sample stands twice", file=source, field=twice[0], mend="Keep one of the columns")
    return made


def check_unit(source: Path, unit: str | None) -> None:
    """See that a declared unit is one.

    Raises
    ------
    InputError
        For another text.
    """
    if unit is not None and unit not in ABUNDANCE_UNITS:
        known = ", ".join(ABUNDANCE_UNITS)
        raise InputError(f"option unit: {unit!r} is no unit of abundance", file=source, mend=f"It is one of {known}")


def assemble(
    source: Path, samples: Sequence[str], features: pl.DataFrame, abundances: pl.DataFrame, notes: Notes, reader: str
) -> Part:
    """Put the tables of a profile together; features that no sample holds are left out.

    Raises
    ------
    InputError
        For shares above 1 or percentages above 100.
    """
    for unit, most in (("share", 1.005), ("percent", 100.5)):
        above = abundances.filter((pl.col("unit") == unit) & (pl.col("value") > most))
        if len(above):
            what = f"{above[0, 'value']:g} is more than a {unit} can be ({above[0, 'feature']})"
            raise InputError(what, file=source, field=str(above[0, "sample"]), mend="Option `unit` says what it is")
    occurs = features.filter(pl.col("feature").is_in(abundances["feature"].unique().implode()))
    if absent := len(features) - len(occurs):
        notes.note(f"{absent} features occur in no sample and were left out")
    full = set(abundances["sample"].unique())
    if bare := [sample for sample in samples if sample not in full]:
        notes.warning("these samples hold nothing", where=shorten(bare), mend="Look at their reads, or leave them out")
    tables = {
        "samples": pl.DataFrame({"sample": list(samples)}, schema={"sample": pl.String}),
        "features": conform("features", occurs, source.name),
        "abundances": conform("abundances", abundances.select(list(TABLES["abundances"].columns)), source.name),
    }
    return Part(tables, findings=tuple(notes.kept), reader=reader)
