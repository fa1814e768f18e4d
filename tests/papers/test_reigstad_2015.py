"""Reigstad 2015 (mouse): mucosal serotonin without microbes (by construction)."""

from held import held

from benchmarks.figures import row


@held("TRP-2")
def test_half_the_mucosal_serotonin_without_microbial_acids():
    assert 0.39 <= row("TRP-2").reached() <= 0.59
