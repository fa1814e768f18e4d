import pytest
from hypothesis import given
from hypothesis import strategies as st

from gutbrain.study.microbiome.lineage import SOURCES, looks_like_lineage, ranks
from gutbrain.study.schema import RANKS

CASES = {
    # Greengenes 13_8: epithets alone, contested genera in brackets
    "k__Bacteria; p__Firmicutes; c__Clostridia; o__Clostridiales; f__Lachnospiraceae; g__[Ruminococcus]; s__gnavus": (
        "species", "[Ruminococcus] gnavus",
        ("Bacteria", "Firmicutes", "Clostridia", "Clostridiales", "Lachnospiraceae", "[Ruminococcus]",
         "[Ruminococcus] gnavus"),
    ),
    "k__Bacteria;p__Firmicutes;c__;o__;f__;g__;s__": ("phylum", "Firmicutes", ("Bacteria", "Firmicutes", *[None] * 5)),
    # SILVA 132 and 138
    "D_0__Bacteria;D_1__Bacteroidetes;D_2__Bacteroidia;D_3__Bacteroidales;D_4__Prevotellaceae;D_5__Prevotella 9;"
    "D_6__uncultured bacterium": (
        "genus", "Prevotella_9",
        ("Bacteria", "Bacteroidetes", "Bacteroidia", "Bacteroidales", "Prevotellaceae", "Prevotella_9", None),
    ),
    "d__Bacteria; p__Firmicutes; c__Clostridia; o__Oscillospirales; f__Ruminococcaceae; g__Incertae_Sedis": (
        "family", "Ruminococcaceae",
        ("Bacteria", "Firmicutes", "Clostridia", "Oscillospirales", "Ruminococcaceae", None, None),
    ),
    "Bacteria;Firmicutes;Clostridia;Clostridiales;Family_XIII;Family_XIII_Incertae_Sedis;": (
        "family", "Family XIII",
        ("Bacteria", "Firmicutes", "Clostridia", "Clostridiales", "Family XIII", None, None),
    ),
    "Bacteria;Bacteroidota;Bacteroidia;Bacteroidales;Bacteroidaceae;Bacteroides;uniformis/vulgatus": (
        "species", "Bacteroides uniformis/vulgatus",
        ("Bacteria", "Bacteroidota", "Bacteroidia", "Bacteroidales", "Bacteroidaceae", "Bacteroides",
         "Bacteroides uniformis/vulgatus"),
    ),
    # GTDB and Greengenes2 keep the pieces of split taxa apart
    "d__Bacteria;p__Bacillota_A;c__Clostridia;o__Lachnospirales;f__Lachnospiraceae;g__Blautia_A;"
    "s__Blautia_A wexlerae": (
        "species", "Blautia_A wexlerae",
        ("Bacteria", "Bacillota_A", "Clostridia", "Lachnospirales", "Lachnospiraceae", "Blautia_A",
         "Blautia_A wexlerae"),
    ),
    "d__Bacteria; p__Bacteroidota; c__Bacteroidia; o__Bacteroidales; f__Bacteroidaceae; g__Bacteroides_H_857956; "
    "s__Bacteroides_H_857956 uniformis": (
        "species", "Bacteroides_H_857956 uniformis",
        ("Bacteria", "Bacteroidota", "Bacteroidia", "Bacteroidales", "Bacteroidaceae", "Bacteroides_H_857956",
         "Bacteroides_H_857956 uniformis"),
    ),
    # mothur and RDP: confidence in brackets, the family said once more
    'Bacteria(100);"Firmicutes"(98);Clostridia(98);Clostridiales(97);Lachnospiraceae(90);'
    "Lachnospiraceae_unclassified(90);": (
        "family", "Lachnospiraceae",
        ("Bacteria", "Firmicutes", "Clostridia", "Clostridiales", "Lachnospiraceae", None, None),
    ),
    # UNITE
    "Candida_albicans|AF455524|SH1504212.08FU|reps|k__Fungi;p__Ascomycota;c__Saccharomycetes;o__Saccharomycetales;"
    "f__Saccharomycetales_fam_Incertae_sedis;g__Candida;s__Candida_albicans": (
        "species", "Candida albicans",
        ("Fungi", "Ascomycota", "Saccharomycetes", "Saccharomycetales", None, "Candida", "Candida albicans"),
    ),
    "k__Fungi;p__Ascomycota;c__unidentified;o__unidentified;f__unidentified;g__unidentified;s__Ascomycota_sp": (
        "phylum", "Ascomycota", ("Fungi", "Ascomycota", *[None] * 5)
    ),
    # MetaPhlAn and Kraken
    "k__Bacteria|p__Firmicutes|c__Clostridia|o__Eubacteriales|f__Lachnospiraceae|g__GGB9512|s__GGB9512_SGB14909|"
    "t__SGB14909": (
        "strain", "SGB14909",
        ("Bacteria", "Firmicutes", "Clostridia", "Eubacteriales", "Lachnospiraceae", "GGB9512", "GGB9512_SGB14909"),
    ),
    "d__Eukaryota|k__Fungi|p__Ascomycota": ("phylum", "Ascomycota", ("Eukaryota", "Ascomycota", *[None] * 5)),
    "s__Bacteroides_uniformis": ("species", "Bacteroides uniformis", (*[None] * 6, "Bacteroides uniformis")),
    # names without letters, ranks skipped
    "Actinobacteria (phylum)|Coriobacteriaceae|g_Olsenella": (
        "genus", "Olsenella", (None, "Actinobacteria", None, None, "Coriobacteriaceae", "Olsenella", None)
    ),
    "Firmicutes|Lachnospiraceae|f_Lachnospiraceae_unclassified": (
        "family", "Lachnospiraceae", (None, "Firmicutes", None, None, "Lachnospiraceae", None, None)
    ),
    "Eukaryota;Opisthokonta;Nucletmycea;Fungi;Dikarya;Ascomycota;Saccharomycotina;Saccharomycetes;Saccharomycetales": (
        "order", "Saccharomycetales", ("Eukaryota", "Ascomycota", None, "Saccharomycetales", None, None, None)
    ),
    "Lachnospiraceae": ("family", "Lachnospiraceae", (*[None] * 4, "Lachnospiraceae", None, None)),
    "Bacteroides": (None, "Bacteroides", (None,) * 7),
    "Unassigned;__;__;__": (None, None, (None,) * 7),
    "uncultured bacterium": (None, None, (None,) * 7),
    "g__Clostridium_sensu_stricto_1": (
        "genus", "Clostridium sensu stricto 1", (*[None] * 5, "Clostridium sensu stricto 1", None)
    ),
    "": (None, None, (None,) * 7),
}  # fmt: skip


@pytest.mark.parametrize("text", CASES)
def test_lineages_of_each_database(text):
    rank, name, expected = CASES[text]
    row = ranks([text]).row(0)
    assert row == (rank, name, *expected)


def test_order_is_kept_and_nothing_is_nothing():
    frame = ranks(["g__Blautia", None, "p__Firmicutes"])
    assert frame.columns == ["rank", "name", *RANKS]
    assert frame["name"].to_list() == ["Blautia", None, "Firmicutes"]


def test_a_declared_rank_places_single_names_and_endings_still_hold():
    frame = ranks(["Bacteroides", "Lachnospiraceae", "Alcaligenes faecalis et rel."], alone="genus")
    assert frame["rank"].to_list() == ["genus", "family", "genus"]
    species = ranks(["Bacteroides uniformis"], alone="species")
    assert species.select("genus", "species").row(0) == ("Bacteroides", "Bacteroides uniformis")


def test_a_declared_database_reads_positions_whatever_the_first_name_is():
    text = "Thermotogati;Thermotogota;Thermotogae"
    assert ranks([text])["class"][0] is None
    assert ranks([text], source="silva")["class"][0] == "Thermotogae"


def test_wrong_options_are_refused():
    with pytest.raises(ValueError, match="'greengene' is none of silva"):
        ranks(["a"], source="greengene")
    with pytest.raises(ValueError, match="'kingdoms' is none of"):
        ranks(["a"], alone="kingdoms")


def test_lineages_are_told_from_names():
    assert looks_like_lineage("k__Bacteria;p__Firmicutes") and looks_like_lineage("Bacteria;Firmicutes")
    assert not looks_like_lineage("Bacteroides") and not looks_like_lineage("sample;1")


@given(st.lists(st.text(max_size=60) | st.from_regex(r"([dkpcofgst]__[A-Za-z_ ]{0,8}[;|] ?){0,8}"), max_size=8),
       st.sampled_from([None, *SOURCES]), st.sampled_from([None, *RANKS]))  # fmt: skip
def test_any_text_gives_one_row(strings, source, alone):
    frame = ranks(strings, source, alone)
    assert len(frame) == len(strings)
    named = frame.filter(frame["rank"].is_not_null())
    assert named["name"].null_count() == 0
