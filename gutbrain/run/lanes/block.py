"""One call of a kernel: a vector of people through some days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gutbrain.model.axis import Axis
from gutbrain.run.drive import Drive
from gutbrain.run.lanes.compiled import Compiled
from gutbrain.run.lanes.forcing import QUARTERS, Forcing
from gutbrain.run.lanes.layout import ARGUMENTS, lever_names
from gutbrain.run.noise import Noise, channels

ALIGNED = 64  # bytes: vectors are loaded whole
SLACK = 1e-3  # share of its range by which a state may leave it


@dataclass(frozen=True)
class Setting:
    """What all blocks of a run share.

    Attributes
    ----------
    compiled : the kernel
    own : array [entries, columns], all parameters in coherent units
    drive : doses and who is there
    labels : array of places among the columns of the axis
    drawn : rows are random where True: they stop at their bounds and lose nobody
    first_day : number of the first day
    """

    axis: Axis
    compiled: Compiled
    own: np.ndarray
    drive: Drive
    labels: np.ndarray
    drawn: np.ndarray
    noise: Noise | None
    first_day: int

    @property
    def number(self) -> Any:
        """Type of the kernel's numbers."""
        return np.float64 if self.compiled.bits == 64 else np.float32


@dataclass(frozen=True)
class Lived:
    """What some columns did in some days.

    Attributes
    ----------
    mean, low, high : arrays [days, labels, columns] of float32
    end : array [rows, columns]
    marks : array [hours, rows, columns], states at the end of each hour, empty unless asked for
    left_day, left_row : day on which a column left its bounds (-1: never) and by which row, arrays [columns]
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    end: np.ndarray
    marks: np.ndarray
    left_day: np.ndarray
    left_row: np.ndarray


def aligned(shape: tuple[int, ...], number: Any) -> np.ndarray:
    """Return an empty array that begins where vectors are loaded whole."""
    size = int(np.prod(shape)) * np.dtype(number).itemsize
    raw = np.empty(size + ALIGNED, np.uint8)
    begin = -raw.ctypes.data % ALIGNED
    return raw[begin : begin + size].view(number).reshape(shape)


def live(setting: Setting, columns: np.ndarray, start: np.ndarray, forcing: Forcing, *, day: int = 0,
         marked: bool = False) -> Lived:  # fmt: skip
    """Take some columns through the days of `forcing`.

    Parameters
    ----------
    columns : numbers of the columns, of which all share what is not their own
    start : array [rows, columns], states at the begin
    day : day of the run on which this begins
    marked : keep the states at the end of each hour
    """
    axis, compiled, number = setting.axis, setting.compiled, setting.number
    width, count = compiled.width, len(columns)
    days, rows, labels = len(forcing.substeps) // QUARTERS, len(axis.rows), len(setting.labels)
    # Lanes that are left over repeat the last person.
    fill = np.minimum(np.arange(width), count - 1)
    take = columns[fill]

    def whole(values: np.ndarray) -> np.ndarray:
        room = aligned(values.shape, number)
        room[...] = values
        return room

    drive, places = setting.drive, {name: place for place, name in enumerate(lever_names(axis))}
    low, high = axis.bounds
    slack = np.where(setting.drawn, np.inf, SLACK * (high - low))
    state, left_day, left_row = whole(start[:, fill]), aligned((width,), number), aligned((width,), number)
    left_day[...], left_row[...] = -1.0, 0.0
    read = [aligned((days, labels, width), np.float32) for _ in range(3)]
    marks = aligned((days * 24 if marked else 0, rows, width), number)
    values: dict[str, Any] = {
        "days": days, "first_day": float(setting.first_day + day), "turns": forcing.turns,
        "substeps": np.ascontiguousarray(forcing.substeps, np.int32), "state": state,
        "unknown": whole(unknowns_at_first(axis, width)),
        "shared": whole(setting.own[:, columns[0]]), "own": whole(setting.own[:, take]), "acts": len(drive.levers),
        "act_lever": np.array([places[lever] for lever in drive.levers], np.int32), "dose": whole(drive.dose[:, take]),
        "effort": whole(drive.effort), "present": whole(drive.present[day : day + days, take]),
        "shape": whole(forcing.shape), "random": _random(setting, take, day, days), "labels": labels,
        "label": setting.labels.astype(np.int32), "mean": read[0], "low": read[1], "high": read[2],
        "marked": int(marked), "marks": marks, "left_day": left_day, "left_row": left_row, "floor": whole(low),
        "ceiling": whole(high), "slack": whole(slack),
        "doses": aligned((max(1, len(drive.levers)), width), number),
        "scratch": aligned((compiled.room, width), number),
        "scratch_numbers": aligned((max(1, compiled.numbers),), number),
    }  # fmt: skip
    given = (values[name] for name, _ in ARGUMENTS)
    compiled.call(*(value.ctypes.data if isinstance(value, np.ndarray) else value for value in given))
    mean, least, most = (one[..., :count] for one in read)
    who, row = left_day[:count].astype(int), left_row[:count].astype(int)
    return Lived(mean, least, most, state[:, :count].astype(float), marks[..., :count], who, row)


def random_rows(axis: Axis) -> np.ndarray:
    """Mark the rows of states that noise or events may move, array [rows]."""
    drawn = np.zeros(len(axis.rows), bool)
    for channel in channels(axis):
        rows = next(rows for rows in axis.slices.values() if rows.start <= channel.row < rows.stop)
        drawn[rows] = True
    return drawn


def unknowns_at_first(axis: Axis, columns: int) -> np.ndarray:
    """Return where the unknowns of balances are sought from, array [unknowns, columns], coherent."""
    from gutbrain.model import units

    found = [np.zeros(0)]
    for name, unknown in axis.unknowns().items():
        axes = type(axis.part(name.partition(".")[0])).axes
        length = len(axes[unknown.over]) if unknown.over else 1
        found.append(np.broadcast_to(np.asarray(unknown.start, float) * units.factor(unknown.unit), (length,)))
    return np.repeat(np.concatenate(found)[:, None], columns, axis=1)


def _random(setting: Setting, take: np.ndarray, day: int, days: int) -> np.ndarray:
    """Return the draws, array [days * 96, channels, width]."""
    drawn = channels(setting.axis)
    if setting.noise is None:
        return aligned((1, len(take)), setting.number)
    room = aligned((days * QUARTERS, len(drawn), len(take)), setting.number)
    for number in range(days):
        quarters = slice(number * QUARTERS, (number + 1) * QUARTERS)
        room[quarters] = setting.noise.day(drawn, take, setting.first_day + day + number)
    return room
