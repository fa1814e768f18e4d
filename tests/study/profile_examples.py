"""Small examples of what sequencing tools write, and what tests ask of every part."""

from pathlib import Path

from gutbrain.study.part import Part
from gutbrain.study.schema import conform

METAPHLAN_4 = """\
#mpa_vJan21_CHOCOPhlAnSGB_202103
#/usr/bin/metaphlan a.fastq.gz --input_type fastq -o a.txt
#1000 reads processed
#SampleID\tMetaphlan_Analysis
#clade_name\tNCBI_tax_id\trelative_abundance\tadditional_species
UNCLASSIFIED\t-1\t20.0\t
k__Bacteria\t2\t80.0\t
k__Bacteria|p__Bacteroidetes\t2|976\t50.0\t
k__Bacteria|p__Firmicutes\t2|1239\t30.0\t
k__Bacteria|p__Bacteroidetes|c__B|o__B|f__Bacteroidaceae|g__Bacteroides\t2|976\t50.0\t
k__Bacteria|p__Firmicutes|c__CFGB1|o__OFGB1|f__FGB1|g__GGB1511\t2|1239\t30.0\t
k__Bacteria|p__Bacteroidetes|c__B|o__B|f__Bacteroidaceae|g__Bacteroides|s__Bacteroides_ovatus\t2|976\t50.0\tA,B
k__Bacteria|p__Firmicutes|c__CFGB1|o__OFGB1|f__FGB1|g__GGB1511|s__GGB1511_SGB2091\t2|1239\t30.0\t
k__Bacteria|p__Bacteroidetes|c__B|o__B|f__Bacteroidaceae|g__Bacteroides|s__Bacteroides_ovatus|t__SGB1871\t2\t50.0\t
k__Bacteria|p__Firmicutes|c__CFGB1|o__OFGB1|f__FGB1|g__GGB1511|s__GGB1511_SGB2091|t__SGB2091\t2|1239\t30.0
"""

READ_STATS = """\
#mpa_v30_CHOCOPhlAn_201901
#SampleID\tdonor7
#clade_name\tclade_taxid\trelative_abundance\tcoverage\testimated_number_of_reads_from_the_clade
UNKNOWN\t-1\t25.0\t-\t250
k__Bacteria\t2\t75.0\t0.3\t750
k__Bacteria|p__Firmicutes\t2|1239\t75.0\t0.3\t750
k__Bacteria|p__Firmicutes|s__Dorea_longicatena\t2|1239|88431\t45.0\t0.2\t450
k__Bacteria|p__Firmicutes|s__Blautia_obeum\t2|1239|40520\t30.0\t0.1\t300
"""

MERGED = """\
#mpa_v30_CHOCOPhlAn_201901
clade_name\tNCBI_tax_id\tA_profile\tB_profile
k__Bacteria\t2\t100.0\t100.0
k__Bacteria|p__Firmicutes\t2|1239\t100.0\t60.0
k__Bacteria|p__Bacteroidetes\t2|976\t0\t40.0
k__Bacteria|p__Firmicutes|s__Dorea_longicatena\t2|1239|88431\t100.0\t60.0
k__Bacteria|p__Bacteroidetes|s__Bacteroides_ovatus\t2|976|28116\t0\t40.0
"""

REPORT = """\
 10.00\t100\t100\tU\t0\tunclassified
 90.00\t900\t5\tR\t1\troot
 89.50\t895\t5\tR1\t131567\t  cellular organisms
 89.00\t890\t10\tD\t2\t    Bacteria
 60.00\t600\t0\tP\t1239\t      Bacillota
 60.00\t600\t50\tG\t853000\t        Faecalibacterium
 55.00\t550\t400\tS\t853\t          Faecalibacterium prausnitzii
 15.00\t150\t150\tS1\t411483\t            Faecalibacterium prausnitzii A2-165
 28.00\t280\t0\tP\t976\t      Bacteroidota
 28.00\t280\t0\tF\t815\t        Bacteroidaceae
 28.00\t280\t80\tG\t816\t          Bacteroides
 20.00\t200\t200\tS\t817\t            Bacteroides fragilis
"""

CLADE_STYLE = """\
d__Bacteria\t890
d__Bacteria|p__Bacillota\t600
d__Bacteria|p__Bacillota|g__Faecalibacterium\t600
d__Bacteria|p__Bacillota|g__Faecalibacterium|s__Faecalibacterium prausnitzii\t550
d__Eukaryota\t20
d__Eukaryota|k__Fungi\t20
d__Eukaryota|k__Fungi|p__Ascomycota\t20
"""

COMBINED_REPORTS = """\
#Number of Samples: 2
#Total Number of Reads: 300
#S1\t/data/first.kreport
#S2\t/data/second.kreport
#perc\ttot_all\ttot_lvl\t1_all\t1_lvl\t2_all\t2_lvl\tlvl_type\ttaxid\tname
10.0000\t30\t30\t10\t10\t20\t20\tU\t0\tunclassified
90.0000\t270\t0\t90\t0\t180\t0\tR\t1\troot
90.0000\t270\t30\t90\t10\t180\t20\tD\t2\t  Bacteria
80.0000\t240\t240\t80\t80\t160\t160\tS\t817\t    Bacteroides fragilis
"""

BRACKEN = """\
name\ttaxonomy_id\ttaxonomy_lvl\tkraken_assigned_reads\tadded_reads\tnew_est_reads\tfraction_total_reads
Bacteroides fragilis\t817\tS\t200\t100\t300\t0.30000
Faecalibacterium prausnitzii\t853\tS\t550\t140\t690\t0.69000
Bacteroides phage B40-8\t99179\tS\t10\t0\t10\t0.01000
"""

COMBINED_BRACKEN = """\
name\ttaxonomy_id\ttaxonomy_lvl\tA.bracken_num\tA.bracken_frac\tB.bracken_num\tB.bracken_frac
Bacteroides\t816\tG\t30\t0.30000\t0\t0.00000
Dorea\t189330\tG\t70\t0.70000\t5\t1.00000
"""

GENES = """\
# Gene Family\tA_Abundance-RPKs\tB_Abundance-RPKs
UNMAPPED\t100.0\t50
UniRef90_R5IH84\t37.5\t0
UniRef90_R5IH84|g__Bacteroides.s__Bacteroides_stercoris\t30.5\t0
UniRef90_R5IH84|unclassified\t7.0\t0
UniRef90_B6YQ01: 50S ribosomal protein L11\t10.25\t2
UniRef90_B6YQ01: 50S ribosomal protein L11|g__Bacteroides.s__Bacteroides_ovatus\t10.25\t2
"""

PATHWAYS = """\
# Pathway\tdemo_Abundance
UNMAPPED\t34.9
UNINTEGRATED\t778.4
UNINTEGRATED|g__Bacteroides.s__Bacteroides_ovatus\t440.0
PWY-3841: folate transformations II\t2.9
1CMET2-PWY: N10-formyl-tetrahydrofolate biosynthesis\t2.4
1CMET2-PWY: N10-formyl-tetrahydrofolate biosynthesis|g__Bacteroides.s__Bacteroides_ovatus\t1.1
"""

COVERAGE = "# Pathway\tdemo_Coverage\nUNMAPPED\t1.0\nPWY-3841: folate transformations II\t0.43\n"

HUMANN_4 = """\
# Gene Family HUMAnN v4.0.0.alpha.1 Adjusted CPMs\tdemo
READS_UNMAPPED\t302380430
UNGROUPED\t400000
K00001: alcohol dehydrogenase\t600000
K00001: alcohol dehydrogenase|s__Bacteroides_ovatus.t__SGB1871\t600000
"""

KO = "entry\tS1\tS2\nK00001\t47.5\t329.25\nK00002\t335.75\t0\nK00003\t277.5\t1.5\n"
COUNTS = "#OTU ID\tA\tB\nASV1\t10\t3\nASV2\t0\t5\n"

EXAMPLES = {
    "metaphlan": (METAPHLAN_4, READ_STATS, MERGED),
    "kraken": (REPORT, CLADE_STYLE, COMBINED_REPORTS),
    "bracken": (BRACKEN, COMBINED_BRACKEN),
    "humann": (GENES, PATHWAYS, COVERAGE, HUMANN_4, KO),
}
ALL = [(reader, text) for reader, texts in EXAMPLES.items() for text in texts]


def write(folder: Path, text: str, name: str = "profile.tsv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def numbers(part: Part, unit: str | None = None) -> dict[tuple[str, str], float]:
    frame = part.tables["abundances"].join(part.tables["features"].select("feature", "name"), on="feature")
    assert unit is None or set(frame["unit"]) == {unit}
    return {(sample, name): value for sample, name, value in frame.select("sample", "name", "value").iter_rows()}


def said(part: Part) -> str:
    return "\n".join(str(finding) for finding in part.findings)


def whole(part: Part) -> None:
    for name, table in part.tables.items():
        conform(name, table)
    for key, name in (("sample", "samples"), ("feature", "features")):
        assert set(part.tables["abundances"][key]) <= set(part.tables[name][key])
