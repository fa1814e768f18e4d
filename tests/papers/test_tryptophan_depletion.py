"""Depletion and the brain: synthesis must fall further when a drink brings competing amino acids."""

from held import held

from benchmarks.figures import row


@held("TRP-7")
def test_competing_amino_acids_deepen_depletion():
    assert row("TRP-7").reached() < 0.99
