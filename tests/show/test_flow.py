"""The flow map: boxes do not overlap, widths follow what is carried, dashes mark what is assumed."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree

import polars as pl
import pytest

from gutbrain.body.whole import standard
from gutbrain.run.explain import REST, Explanation
from gutbrain.run.pathways import Game, pair_table, share_table
from gutbrain.show.explain_page import explain_report, shares_figure
from gutbrain.show.explain_words import explained
from gutbrain.show.flow import flow_map
from gutbrain.show.flow_layout import Arrow, Node, arrange
from gutbrain.show.page import page_text

EDGES = (
    ("mind.skill -> affect", -0.1, "fitted"),
    ("mind.anxiety_z -> enteric", -0.2, "assumed"),
    ("enteric.colonic_transit_hours -> colon", -0.25, "structure"),
    ("colon.endotoxin_load -> barrier", -0.28, "assumed"),
    ("barrier.translocation -> immune", -0.4, "assumed"),
    ("colon.butyrate -> immune", -0.46, "published-model (mouse)"),
    ("immune.mucosal_activity -> barrier", -0.47, "assumed"),
    ("sleep.debt -> hpa", -0.4999, "fitted"),
)


def made(edges: tuple[tuple[str, float, str], ...] = EDGES, effect: float = -0.5) -> Explanation:
    """An effect of -0.5 pg/mL with what is left of it without each arrow."""
    rows = [(edge, left, (effect - left) / effect, grade, "neural", "side") for edge, left, grade in edges]
    names = ["edge", "effect_without", "share_lost", "grade", "pathway", "direction"]
    paths = [
        ("protocol.practice_assigned -> practice -> mind.skill -> affect", -0.4, 0.8, "assumed", [EDGES[0][0]]),
        (REST, -0.1, 0.2, "", []),
    ]  # fmt: skip
    columns = ["path", "effect", "share", "weakest_grade", "edges"]
    groups = {"neural": [("mind.skill", "affect")], "immune": [("barrier.translocation", "immune")]}
    game = Game(("neural", "immune"), pl.Series([0.0, -0.1, 0.0, effect]).to_numpy())
    shares = share_table(game, groups, {("mind.skill", "affect"): "fitted"}, clear=effect != 0)
    return Explanation(
        "blood.il6", "pg/mL", "MBSR", "wait list", 56, effect, pl.DataFrame(paths, schema=columns, orient="row"),
        pl.DataFrame(rows, schema=names, orient="row"), 0.9, ("protocol.practice_assigned",), 1e-6, -0.05, shares,
        shares, pair_table(game), game.interaction, 0.0,
    )  # fmt: skip


def boxes(svg: str) -> list[tuple[float, float, float, float]]:
    found = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}rect")
    return [tuple(float(box.get(k)) for k in ("x", "y", "width", "height")) for box in found if box.get("rx") == "10"]


def test_boxes_do_not_overlap_and_stay_inside():
    svg = flow_map(made(), standard())
    placed = boxes(svg)
    assert len(placed) == 8 - 2 + 3 - 1  # compartments that carry, levers, outcome; sleep and HPA are too thin
    for (ax, ay, aw, ah), (bx, by, bw, bh) in combinations(placed, 2):
        assert ax + aw <= bx or bx + bw <= ax or ay + ah <= by or by + bh <= ay
    assert all(x >= 0 and x + width <= 1180 for x, _, width, _ in placed)


def test_brain_stands_above_gut_and_levers_left_of_the_outcome():
    svg = flow_map(made(), standard())
    at = {
        words: (float(x), float(y)) for x, y, words in re.findall(r'<text x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]+)<', svg)
    }
    assert at["Affect"][1] < at["Immune"][1] < at["Colon"][1]
    assert at["practice assigned"][0] < at["Practice"][0] < at["Affect"][0] < at["Immune"][0] < at["−0.500 pg/mL"][0]


def test_key_tells_what_is_lost_in_units_and_how_surely():
    svg = flow_map(made(), standard())
    said = re.findall(r"<text[^>]*>([^<]+)</text>", svg)
    first = said.index("Mindfulness skill → Affect")
    assert said[first + 1 : first + 4] == ["−0.400 pg/mL", "80 %", "fitted to published findings"]
    assert "from a published model" in said and "Sleep debt → HPA axis" not in said


def test_width_follows_what_is_carried_and_dashes_what_is_assumed():
    svg = flow_map(made(), standard())
    flows = dict(re.findall(r'<g class="flow"><title>([^<]+)</title>(.*?)</g>', svg))
    width = {title: float(re.search(r'stroke-width="([\d.]+)"', body)[1]) for title, body in flows.items()}
    strong, weak = (
        "Mindfulness skill → Affect; fitted to published findings",
        "Butyrate in the colon → Immune; from a published model",
    )
    assert width[strong] / width[weak] == pytest.approx(10, rel=0.01)
    dashed = {title for title, body in flows.items() if "stroke-dasharray" in body}
    assert dashed == {title for title in flows if title.endswith("assumed, no source")} and len(dashed) == 4


def test_an_arrow_that_passes_a_column_gets_a_lane_between_the_boxes():
    nodes = {name: Node(name, (name,), column, 0) for column, name in enumerate("abcd")}
    arrows = [
        Arrow(one, other, "", -1.0, 1.0, "fitted", n) for n, (one, other) in enumerate(("ab", "bc", "cd", "ad"), 1)
    ]
    arrange(nodes, arrows)
    assert arrows[3].stops == ("a", "lane a d 1", "lane a d 2", "d")
    for name in "bc":
        way = [point for curve in arrows[3].curves for point in curve if abs(point[0] - nodes[name].x) < 40]
        assert all(abs(y - nodes[name].y) > nodes[name].height / 2 for _, y in way)
    spots = [arrow.spot for arrow in arrows]
    assert len(set(spots)) == 4


def test_an_effect_that_nothing_carried_is_drawn_without_arrows():
    svg = flow_map(made(edges=(), effect=0.0), standard())
    assert "No arrow carried anything." in svg and "no effect above rounding" in svg and "nan" not in svg


def test_every_figure_and_table_of_the_page_says_the_lowest_certainty(certainties):
    content = explain_report(made(), standard(), "a run <b>", {"gutbrain": "0"})
    page = page_text(content)
    captions = re.findall(r"<(?:caption|figcaption|summary)>(.*?)</(?:caption|figcaption|summary)>", page)
    assert len(captions) >= 6
    assert set(certainties(page)) == {"assumed, no source"}
    assert "<b>" not in page.partition("</header>")[0].partition("<h1>")[2] and "no medical advice" in page.lower()


def test_bars_are_coloured_by_certainty():
    chart = shares_figure(made()).to_dict()
    colour = next(layer["encoding"]["color"] for layer in chart["layer"] if "color" in layer["encoding"])
    assert set(colour["scale"]["domain"]) == {"fitted to published findings", "carried next to nothing"}


def test_words_give_interaction_and_certainty_and_shares_sum():
    said = explained(made())
    assert "beyond the sum of each alone: −0.400 pg/mL" in said and "−0.050 pg/mL is left (10 % of the effect)" in said
    assert "90 % of the summed path effects" in said
    rows = [line.split() for line in said.splitlines() if line.startswith(("neural", "immune"))]
    assert [row[1:4] for row in rows[:2]] == [["−0.300", "60", "%"], ["−0.200", "40", "%"]]
