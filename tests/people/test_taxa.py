"""Names of taxa go to the groups that the specification says, and nowhere silently."""

import polars as pl
import pytest

from gutbrain.people import taxa


def group_of(name: str, lineage: str | None = None) -> str | None:
    return taxa.assign([name], {name: lineage} if lineage else None, "sequencing")["group"][0]


def level_of(name: str) -> str:
    return taxa.assign([name], None, "sequencing")["level"][0]


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("Bacteroides", "bacteroidetes"),
        ("g__Bacteroides", "bacteroidetes"),
        ("g_Bacteroides", "bacteroidetes"),
        ("D_5__Bacteroides", "bacteroidetes"),
        ("Alistipes", "bacteroidetes"),
        ("Prevotella_9", "bacteroidetes"),
        ("Blautia", "hydrogen_users"),
        ("Methanobrevibacter", "hydrogen_users"),
        ("Fusobacterium", "pathobionts"),
        ("Klebsiella", "pathobionts"),
        ("Enterococcus", "pathobionts"),
        ("Escherichia-Shigella", "pathobionts"),
        ("Escherichia/Shigella", "pathobionts"),
        ("Clostridium_sensu_stricto_1", "protein_fermenters"),
        ("p__Firmicutes;c__Clostridia;o__Clostridiales;f__Clostridiaceae;g__Clostridium", "protein_fermenters"),
        ("p__Firmicutes;c__Clostridia;o__Clostridiales;f__Lachnospiraceae;g__Clostridium", "polymer_degraders"),
        ("Clostridium", "polymer_degraders"),
        ("Firmicutes|Lachnospiraceae|f_Lachnospiraceae_unclassified", "polymer_degraders"),
        ("Lachnospiraceae_NK4A136_group", "polymer_degraders"),
        ("[Eubacterium]_hallii_group", "lactate_users"),
        ("s__Eubacterium_rectale", "butyrate_producers"),
        ("f__Lachnospiraceae;g__Ruminococcus;s__obeum", "hydrogen_users"),
        ("Bacteroides fragilis", "bacteroidetes"),
        ("d__Bacteria;p__Firmicutes_A;c__Clostridia;o__Nowhere;f__;g__Unheard", "polymer_degraders"),
        ("d__Bacteria;p__Bacteroidota", "bacteroidetes"),
        ("Bacteria(100);Firmicutes(100);Clostridiales(99);Lachnospiraceae(98);Roseburia(97);", "butyrate_producers"),
        ("k__Bacteria;p__Bacteroidetes;c__F;o__Flavobacteriales;f__Flavobacteriaceae;g__Chryseobacterium", None),
        ("Muribaculum", None),
        ("k__Bacteria", None),
        ("", None),
    ],
)  # fmt: skip
def test_a_name_finds_its_group(name, group):
    assert group_of(name) == group


def test_patterns_do_not_swallow_longer_names():
    assert level_of("Lachnospiraceae") == "family"
    assert level_of("Lachnospira") == "genus"
    assert group_of("Bacteroidesia") is None


def test_levels_and_guesses():
    rows = taxa.assign(["Blautia", "Ruminococcus", "f__Prevotellaceae", "o__Clostridiales", "Slackia", "k__Bacteria"])
    assert rows["level"].to_list() == ["genus", "genus", "family", "order or phylum", "other", "other"]
    assert rows["ambiguous"].to_list() == [False, True, True, True, False, True]


def test_lineage_of_a_sequence_variant():
    assert group_of("ASV_1", "k__Bacteria; p__Firmicutes; f__Veillonellaceae; g__Dialister; s__") == "lactate_users"


def test_every_listed_genus_maps_to_its_own_group():
    rows = taxa.table("genus_to_group")
    assert rows.height == 126
    assert taxa.assign(rows["genus"], None, "sequencing")["group"].to_list() == rows["group"].to_list()


def test_groups_are_nine_and_all_tables_know_no_others():
    assert len(set(taxa.GROUPS)) == 9
    for name in (
        "genus_to_group",
        "family_to_group",
        "species_to_group",
        "hitchip_taxon_to_group",
        "hitchip_class_to_group",
    ):
        assert set(taxa.table(name)["group"]) <= set(taxa.GROUPS)


def test_hitchip_names_are_taken_exactly():
    rows = taxa.table("hitchip_taxon_to_group")
    assert taxa.detect_platform(rows["taxon"]) == "hitchip taxa"
    assert taxa.assign(rows["taxon"])["group"].to_list() == rows["group"].to_list()
    on_chip = taxa.assign(["Enterococcus", "bifidobacterium"], platform="hitchip taxa")
    assert on_chip["group"].to_list() == ["lactate_producers", None]


def test_hitchip_classes_are_split_wholly():
    classes = taxa.table("hitchip_class_to_group")["hitchip_class"].unique(maintain_order=True)
    assert taxa.detect_platform(classes) == "hitchip classes"
    split = taxa.assign(classes).group_by("taxon").agg(pl.col("weight").sum())
    assert split["weight"].to_list() == pytest.approx([1] * len(classes))


def test_phyla_of_a_sequencing_table_are_no_hitchip_classes():
    assert taxa.detect_platform(["Bacteroidetes", "Firmicutes", "Proteobacteria", "Actinobacteria"]) == "sequencing"


def test_an_unknown_platform_is_refused():
    with pytest.raises(ValueError, match="none of sequencing"):
        taxa.assign(["Blautia"], platform="chip")
