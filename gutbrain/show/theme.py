"""How every figure looks: one Altair configuration, one scale of arm colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from gutbrain.show.words import ARM_COLOURS, INK, LINES, PAPER, QUIET

FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"
WIDTH, HEIGHT = 380, 240

# A chart takes 5000 rows by default; a figure here never needs more, so the limit stays as a guard.
CONFIG: dict[str, Any] = {
    "background": PAPER,
    "font": FONT,
    "padding": 8,
    "view": {"stroke": None},
    "title": {
        "fontSize": 15, "fontWeight": 600, "color": INK, "anchor": "start", "subtitleFontSize": 12.5,
        "subtitleColor": QUIET, "subtitleLineHeight": 17, "offset": 10, "subtitlePadding": 5,
    },
    "axis": {
        "labelFontSize": 12, "titleFontSize": 12.5, "titleFontWeight": 500, "titleColor": INK, "labelColor": INK,
        "gridColor": "#eceff1", "domainColor": LINES, "tickColor": LINES, "titlePadding": 8, "labelLimit": 420,
    },
    "legend": {
        "labelFontSize": 12.5, "titleFontSize": 12.5, "titleFontWeight": 500, "labelColor": INK, "titleColor": INK,
        "symbolStrokeWidth": 3, "orient": "bottom", "labelLimit": 420, "columnPadding": 18, "titleLimit": 420,
    },
    "header": {"labelFontSize": 13, "labelFontWeight": 600, "labelColor": INK, "titleFontSize": 12.5},
}  # fmt: skip


def dress(chart: Any) -> Any:
    """Return a chart with the common look."""
    return chart.configure(**CONFIG)


def arm_colour(arms: Sequence[str], title: str | None = None) -> alt.Color:
    """Return the colour channel of arms: the same arm has the same colour in every figure of a report."""
    colours = [ARM_COLOURS[number % len(ARM_COLOURS)] for number in range(len(arms))]
    legend = alt.Legend(title=title, direction="horizontal", symbolType="stroke", symbolOpacity=1)
    return alt.Color("arm:N", scale=alt.Scale(domain=list(arms), range=colours), legend=legend)
