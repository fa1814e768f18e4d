"""The one error that a user of `gutbrain` is meant to read."""

from __future__ import annotations

from pathlib import Path


class InputError(ValueError):
    """Something a user gave cannot be used; the message names file, row, field and mend.

    Parameters
    ----------
    what : what is wrong, one clause
    file : file or folder that holds it
    row : line number, or the name of the row
    field : column or key
    mend : what to do about it
    """

    def __init__(
        self,
        what: str,
        *,
        file: str | Path | None = None,
        row: str | int | None = None,
        field: str | None = None,
        mend: str = "",
    ) -> None:
        self.what, self.file, self.row, self.field, self.mend = what, file, row, field, mend
        parts = [
            str(file) if file is not None else "",
            f"row {row}" if row is not None else "",
            f"column {field!r}" if field is not None else "",
        ]
        where = ", ".join(part for part in parts if part)
        stop = " " if what.endswith("?") else ". "
        super().__init__((f"{where}: " if where else "") + what + (f"{stop}{mend}" if mend else ""))
