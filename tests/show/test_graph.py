import re
from xml.etree import ElementTree

import pytest

from gutbrain.body.whole import standard
from gutbrain.model.axis import Axis
from gutbrain.model.compartment import Compartment, Input, output
from gutbrain.show.graph import direction, signal_graph


@pytest.fixture(scope="module")
def picture():
    """The standard axis as SVG."""
    return signal_graph(standard())


def test_the_picture_is_xml_and_names_every_compartment_and_edge(picture):
    root = ElementTree.fromstring(picture)
    titles = "\n".join(title.text for title in root.iter("{http://www.w3.org/2000/svg}title"))
    assert all(str(wire) in titles for wire in standard().edges if wire.giver != wire.listener)
    assert all(name in picture for name in ("Gut wall", "HPA axis", "Colon", "Appraisal"))
    assert not re.search(r"\bnan\b|inf,", picture)


def test_parallel_edges_are_one_arrow(picture):
    axis = standard()
    pairs = {(wire.giver, wire.listener) for wire in axis.edges if wire.giver != wire.listener}
    assert picture.count('class="edge"') == len(pairs) < len(axis.edges)


def test_cut_edges_are_not_drawn():
    axis = standard()
    assert "mind.threat -&gt; barrier" in signal_graph(axis)
    assert "mind.threat -&gt; barrier" not in signal_graph(axis.without("mind.threat -> barrier"))


def test_zero_and_assumed_edges_are_dashed():
    axis = standard()
    edge = "hpa.cortisol_ratio -> tryptophan"
    dashes = signal_graph(axis).count("stroke-dasharray")
    assert signal_graph(axis, strengths={edge: 0.0}).count("stroke-dasharray") == dashes + 1
    assert signal_graph(axis, grades={edge: "assumed"}).count("stroke-dasharray") == dashes + 1
    assert signal_graph(axis, strengths={edge: 0.3}).count("stroke-dasharray") == dashes


def test_directions():
    assert direction("appraisal", "hpa") == "down"
    assert direction("vagus", "enteric") == "down"
    assert direction("enteric", "affect") == "up"
    assert direction("colon", "immune") == "side"


def test_unknown_compartments_stand_on_a_circle():
    def ring(name, reads):
        def value(self):
            """Constant."""
            return 1.0

        body = {"heard": Input("1", rest=1, signal=reads), "value": output("1")(value)}
        return type(name, (Compartment,), body)()

    picture = signal_graph(Axis(ring("One", "two.value"), ring("Two", "three.value"), ring("Three", "one.value")))
    ElementTree.fromstring(picture)
    assert picture.count('class="edge"') == 3
