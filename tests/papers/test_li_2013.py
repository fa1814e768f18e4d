"""Li 2013, six weeks of combat training: leak, interleukin-6 and cortisol rise.

Signs only; the subgroup by symptoms is not modelled.

Varanoske 2022 found the opposite for LPS-binding protein in marines, which the model does not have.
"""

from held import held

from benchmarks.figures import row


@held("BAR-8, sugars")
def test_strain_raises_the_sugar_ratio():
    assert row("BAR-8, sugars").reached() > 0


@held("BAR-8, IL-6")
def test_strain_raises_interleukin_6():
    assert row("BAR-8, IL-6").reached() > 0


@held("BAR-8, cortisol")
def test_strain_raises_cortisol():
    assert row("BAR-8, cortisol").reached() > 0
