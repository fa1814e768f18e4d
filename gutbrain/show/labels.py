"""Labels of points that do not collide: each is set as near to its point as there is room, or left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, sin

import numpy as np

LETTER, LINE = 6.0, 13.0  # width of a letter and height of a line at 11 px, pixels
RADII = (11.0, 20.0, 32.0, 48.0, 66.0)
TURNS = 16
POINT = 4.0  # half the size of a drawn point, pixels


@dataclass(frozen=True)
class Label:
    """Where a label stands.

    Attributes
    ----------
    place : number of its point
    x, y : middle of the text, pixels from the lower left corner
    anchor_x, anchor_y : its point
    """

    place: int
    text: str
    x: float
    y: float
    anchor_x: float
    anchor_y: float

    @property
    def edge(self) -> tuple[float, float]:
        """The spot of its frame that is nearest to the point, from which a line leads there."""
        half = LETTER * len(self.text) / 2 + 1.5
        x = min(max(self.anchor_x, self.x - half), self.x + half)
        return x, min(max(self.anchor_y, self.y - LINE / 2), self.y + LINE / 2)

    @property
    def far(self) -> bool:
        """Whether a line must lead from the label to its point."""
        return hypot(self.edge[0] - self.anchor_x, self.edge[1] - self.anchor_y) > RADII[0] + 1


def place_labels(
    x: np.ndarray, y: np.ndarray, texts: Sequence[str], wanted: Sequence[int], width: float, height: float
) -> list[Label]:
    """Set labels beside points.

    Parameters
    ----------
    x, y : all points, array [point], pixels from the lower left corner of the frame
    texts : label of each point
    wanted : points to label, the most important first; a label without room is left out
    width, height : of the frame, pixels

    Returns
    -------
    list of Label: no two overlap, none covers a point or leaves the frame
    """
    boxes: list[tuple[float, float, float, float]] = []
    made: list[Label] = []
    for place in wanted:
        half = LETTER * len(texts[place]) / 2 + 1.5
        spot = _free(float(x[place]), float(y[place]), half, x, y, boxes, width, height)
        if spot is not None:
            boxes.append((spot[0] - half, spot[0] + half, spot[1] - LINE / 2, spot[1] + LINE / 2))
            made.append(Label(place, texts[place], *spot, float(x[place]), float(y[place])))
    return made


def _free(
    at_x: float, at_y: float, half: float, x: np.ndarray, y: np.ndarray,
    boxes: list[tuple[float, float, float, float]], width: float, height: float,
) -> tuple[float, float] | None:  # fmt: skip
    for radius in RADII:
        for turn in sorted(range(TURNS), key=lambda t: abs(sin(2 * pi * t / TURNS))):
            angle = 2 * pi * turn / TURNS
            middle_x = at_x + cos(angle) * (radius + half) if abs(cos(angle)) > 0.3 else at_x + cos(angle) * radius
            middle_y = at_y + sin(angle) * radius
            left, right, low, high = middle_x - half, middle_x + half, middle_y - LINE / 2, middle_y + LINE / 2
            if left < 0 or right > width or low < 0 or high > height:
                continue
            if any(left < b[1] and b[0] < right and low < b[3] and b[2] < high for b in boxes):
                continue
            covered = (x > left - POINT) & (x < right + POINT) & (y > low - POINT) & (y < high + POINT)
            if not covered.any():
                return middle_x, middle_y
    return None
