"""A diet exchange as two tables in a folder: counts, and who gave which sample when."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.people.counts import GroupShares, group_shares, read_counts
from gutbrain.people.delimited import TextTable, read_text, repeated, require_columns, shorten
from gutbrain.people.taxa import GROUPS

COLUMNS = ("sample_id", "subject", "nationality", "group", "timepoint")
# Own diet at home twice, then the end of the exchanged diet; 2 against 3 is the null.
TIMEPOINTS = (2, 3, 5)


@dataclass(frozen=True)
class Exchange:
    """Group shares of people before and after they exchanged diets.

    Attributes
    ----------
    shares : DataFrame, `subject`, `arm` (the nationality as read), `group` (setting of the sample),
        `timepoint`, `sample`, and the nine groups (sum 1); one row a person and timepoint
    groups : how the names mapped, for every sample of the counts
    timepoints : the timepoints that were kept
    """

    shares: pl.DataFrame
    groups: GroupShares
    timepoints: tuple[int, ...] = TIMEPOINTS

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms, sorted."""
        return tuple(sorted(self.shares["arm"].unique()))

    def at(self, timepoint: int) -> pl.DataFrame:
        """Return the rows of one timepoint, by subject."""
        return self.shares.filter(pl.col("timepoint") == timepoint).sort("subject")

    def pairs(self, before: int, after: int, arm: str | None = None) -> tuple[pl.DataFrame, np.ndarray, np.ndarray]:
        """Return the people seen at both timepoints.

        Parameters
        ----------
        before, after : timepoints
        arm : only this arm; both when left out

        Returns
        -------
        tuple : DataFrame [people] of `subject` and `arm`, and the shares before and after (arrays [people, 9])

        Raises
        ------
        InputError : an arm or timepoint that the study lacks
        """
        for name, given, known in (
            ("arm", arm, self.arms),
            *(("timepoint", t, self.timepoints) for t in (before, after)),
        ):
            if given is not None and given not in known:
                raise InputError(
                    f"{given!r} is none of {', '.join(map(str, known))}", field=name, mend="Give one of them."
                )
        chosen = self.shares if arm is None else self.shares.filter(pl.col("arm") == arm)
        first, second = (chosen.filter(pl.col("timepoint") == time).sort("subject") for time in (before, after))
        both = set(first["subject"]) & set(second["subject"])
        first, second = (rows.filter(pl.col("subject").is_in(list(both))) for rows in (first, second))
        return first.select("subject", "arm"), first.select(GROUPS).to_numpy(), second.select(GROUPS).to_numpy()


def read_exchange(folder: str | Path) -> Exchange:
    """Read a diet exchange.

    Parameters
    ----------
    folder : holds one `*_counts.tsv` and one `*_metadata.tsv` with columns sample_id, subject, nationality,
        group and timepoint

    Returns
    -------
    Exchange : group shares of each person at timepoints 2, 3 and 5; a missing sample is a missing row

    Raises
    ------
    InputError : no such folder or files, several of them, a missing column (with the nearest name), a sample
        that stands twice or in one table only, a person in two arms or twice at a timepoint
    """
    place = Path(folder)
    if not place.is_dir():
        raise InputError("there is no such folder", file=place, mend="Give the folder that holds *_counts.tsv.")
    counts_file, metadata_file = (_only(place, pattern) for pattern in ("*_counts.tsv", "*_metadata.tsv"))
    text = read_text(metadata_file)
    require_columns(text, COLUMNS)
    metadata = _samples(text)
    counts = read_counts(counts_file)
    without = [name for name in counts.samples if name not in set(metadata["sample"])]
    if without:
        what = f"{len(without)} samples of {counts_file.name} are missing: {shorten(without)}"
        raise InputError(what, file=metadata_file, field="sample_id", mend="Add a row for each.")
    kept = metadata.filter(pl.col("timepoint").is_in(TIMEPOINTS))
    uncounted = [name for name in kept["sample"] if name not in set(counts.samples)]
    if uncounted:
        what = f"{len(uncounted)} samples of {metadata_file.name} have no counts: {shorten(uncounted)}"
        raise InputError(what, file=counts_file, mend="Add their counts, or take their rows out.")
    if kept.is_empty():
        what = f"no sample is of timepoint {', '.join(map(str, TIMEPOINTS))}"
        raise InputError(what, file=metadata_file, field="timepoint", mend="Number the visits as in the README.")
    groups = group_shares(counts)
    shares = kept.join(groups.table, on="sample", how="left").sort("subject", "timepoint")
    return Exchange(shares.select("subject", "arm", "group", "timepoint", "sample", *GROUPS), groups)


def _only(folder: Path, pattern: str) -> Path:
    """Return the one file of a pattern."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        what = f"the folder holds no {pattern}" if not found else f"the folder holds several {pattern}"
        listed = shorten([file.name for file in found] or sorted(file.name for file in folder.iterdir()) or ["nothing"])
        raise InputError(what, file=folder, mend=f"It holds {listed}; keep one file of that name.")
    return found[0]


def _samples(text: TextTable) -> pl.DataFrame:
    """Check the metadata and return sample, subject, arm, group and timepoint."""
    frame = text.frame().select(COLUMNS)
    for name in COLUMNS:
        column = frame[name]
        bad = column.is_null() if name != "timepoint" else column.cast(pl.Int64, strict=False).is_null()
        if bad.any():
            row = int(bad.arg_true()[0])
            what = "an empty cell" if column[row] is None else f"{column[row]!r} is not a whole number"
            raise InputError(what, file=text.source, row=text.lines[row], field=name, mend="Fill it in.")
    for name in repeated(frame["sample_id"]):
        raise InputError(
            "this sample stands twice", file=text.source, row=name, field="sample_id", mend="Keep one row."
        )
    samples = frame.rename({"sample_id": "sample", "nationality": "arm"}).cast({"timepoint": pl.Int64})
    visits = samples.filter(pl.struct("subject", "timepoint").is_duplicated())
    if visits.height:
        who, when = visits["subject"][0], visits["timepoint"][0]
        held = shorten(visits.filter((pl.col("subject") == who) & (pl.col("timepoint") == when))["sample"].to_list())
        what = f"person {who!r} has several samples at timepoint {when}: {held}"
        raise InputError(what, file=text.source, field="timepoint", mend="Keep one.")
    arms = samples.group_by("subject").agg(pl.col("arm").n_unique()).filter(pl.col("arm") > 1).sort("subject")
    if arms.height:
        what = f"person {arms['subject'][0]!r} is in several arms"
        raise InputError(what, file=text.source, field="nationality", mend="Give each person one.")
    return samples
