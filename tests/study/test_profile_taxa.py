"""Taxa of MetaPhlAn, Kraken 2 and Bracken: each read counted once."""

import pytest
from profile_examples import (
    BRACKEN,
    CLADE_STYLE,
    COMBINED_BRACKEN,
    COMBINED_REPORTS,
    MERGED,
    METAPHLAN_4,
    READ_STATS,
    REPORT,
    numbers,
    said,
    whole,
    write,
)

from gutbrain.errors import InputError
from gutbrain.study.microbiome.read_profiles import read_bracken, read_kraken, read_metaphlan, sniff

# MetaPhlAn


def test_genome_bins_of_metaphlan_4_are_counted_once(tmp_path):
    part = read_metaphlan(write(tmp_path, METAPHLAN_4, "donor1_metaphlan_profile.txt"))
    whole(part)
    assert numbers(part, "percent") == {
        ("donor1", "reads of no known clade"): 20,
        ("donor1", "Bacteroides ovatus SGB1871"): 50,
        ("donor1", "GGB1511_SGB2091"): 30,
    }
    features = part.tables["features"]
    assert features["rank"].to_list() == ["SGB", "SGB", None]
    assert features["kind"].to_list() == ["taxon", "taxon", "other"]
    assert features[0, "genus"] == "Bacteroides" and features[0, "species"] == "Bacteroides ovatus"
    assert part.reader == "MetaPhlAn 4 (mpa_vJan21_CHOCOPhlAnSGB_202103)"
    assert "left out 1 domain, 2 phylum, 2 genus, 2 species" in said(part)
    assert "called 'donor1' after the file" in said(part)
    assert "1 clades stand for several species" in said(part)


def test_a_declared_rank_keeps_what_ends_above_it(tmp_path):
    text = METAPHLAN_4 + "k__Archaea\t2157\t5.0\t\n"
    text = text.replace("UNCLASSIFIED\t-1\t20.0", "UNCLASSIFIED\t-1\t15.0")
    part = read_metaphlan(write(tmp_path, text), rank="genus", sample="X")
    assert sum(numbers(part).values()) == 100
    assert set(part.tables["features"]["rank"]) == {"genus", "domain", None}
    assert sum(numbers(read_metaphlan(write(tmp_path, text), rank="species")).values()) == 100


def test_percentages_or_estimated_reads(tmp_path):
    path = write(tmp_path, READ_STATS)
    part = read_metaphlan(path)
    assert numbers(part, "percent")["donor7", "Dorea longicatena"] == 45
    assert "estimated reads of the file were left out" in said(part)
    counted = read_metaphlan(path, values="count")
    assert numbers(counted, "count")["donor7", "Blautia obeum"] == 300
    assert part.reader.startswith("MetaPhlAn 3")
    with pytest.raises(InputError, match="estimated_number_of_reads_from_the_clade.*rel_ab_w_read_stats"):
        read_metaphlan(write(tmp_path, METAPHLAN_4), values="count")


def test_merged_table(tmp_path):
    part = read_metaphlan(write(tmp_path, MERGED))
    whole(part)
    assert part.tables["samples"]["sample"].to_list() == ["A", "B"]
    assert numbers(part, "percent") == {
        ("A", "Dorea longicatena"): 100, ("B", "Dorea longicatena"): 60, ("B", "Bacteroides ovatus"): 40,
    }  # fmt: skip
    assert "columns without '_profile'" in said(part)
    kept = read_metaphlan(write(tmp_path, MERGED), suffix="")
    assert kept.tables["samples"]["sample"].to_list() == ["A_profile", "B_profile"]


def test_metaphlan_2_and_gtdb_styles(tmp_path):
    two = "#SampleID\tMetaphlan2_Analysis\nk__Bacteria\t100.0\nk__Bacteria|p__Firmicutes\t100.0\n"
    assert read_metaphlan(write(tmp_path, two, "x.txt")).tables["samples"]["sample"].to_list() == ["x"]
    assert sniff(write(tmp_path, two)) == "metaphlan"
    merged = "ID\tA\tB\n#SampleID\tMetaphlan2_Analysis\tMetaphlan2_Analysis\nk__Bacteria\t100\t100\n"
    assert read_metaphlan(write(tmp_path, merged)).tables["abundances"].height == 2
    gtdb = "#mpa_vJan21_CHOCOPhlAnSGB_202103\n#clade_name\trelative_abundance\nd__Bacteria\t100.0\n"
    gtdb += "d__Bacteria;p__Bacillota_A\t100.0\n"
    part = read_metaphlan(write(tmp_path, gtdb))
    assert part.tables["features"]["phylum"].to_list() == ["Bacillota_A"]


def test_a_clade_whose_identifier_changed_has_two_rows(tmp_path):
    clade = "k__Bacteria|p__Firmicutes|s__Dorea_longicatena"
    text = MERGED.replace(f"{clade}\t2|1239|88431\t100.0\t60.0", f"{clade}\t2|1\t100.0\t0\n{clade}\t2|2\t0\t60.0")
    assert numbers(read_metaphlan(write(tmp_path, text)))["B", "Dorea longicatena"] == 60
    with pytest.raises(InputError, match="stands twice for sample 'A'"):
        read_metaphlan(write(tmp_path, text.replace("2|2\t0\t60.0", "2|2\t1\t60.0")))


def test_sums_that_are_off_are_said(tmp_path):
    part = read_metaphlan(write(tmp_path, MERGED.replace("28116\t0\t40.0", "28116\t0\t4.0")))
    assert "warning" in said(part) and "should sum to 100 in each sample" in said(part) and "B 64" in said(part)


def test_shares_and_counts_in_place_of_percentages(tmp_path):
    shares = "clade_name\tA\nk__Bacteria\t1.0\nk__Bacteria|p__Firmicutes\t0.4\nk__Bacteria|p__Bacteroidetes\t0.6\n"
    part = read_metaphlan(write(tmp_path, shares))
    assert set(part.tables["abundances"]["unit"]) == {"share"} and "taken as shares" in said(part)
    counts = shares.replace("1.0", "1000").replace("0.4", "400").replace("0.6", "600")
    assert set(read_metaphlan(write(tmp_path, counts)).tables["abundances"]["unit"]) == {"count"}
    with pytest.raises(InputError, match="no percentages.*`unit`"):
        read_metaphlan(write(tmp_path, counts.replace("400", "400.5")))


# Kraken


def test_each_read_of_a_report_is_counted_once(tmp_path):
    part = read_kraken(write(tmp_path, REPORT, "donor1.kreport"))
    whole(part)
    assert numbers(part, "count") == {
        ("donor1", "Faecalibacterium prausnitzii"): 550,
        ("donor1", "Bacteroides fragilis"): 200,
        ("donor1", "reads of a taxon above species"): 150,
        ("donor1", "unclassified reads"): 100,
    }
    first = part.tables["features"].row(0, named=True)
    assert (first["feature"], first["phylum"], first["family"]) == ("taxid:853", "Bacillota", None)
    assert part.tables["features"][1, "family"] == "Bacteroidaceae"
    assert "donor1 15.0 % and 10.0 %" in said(part)
    genus = read_kraken(write(tmp_path, REPORT), rank="genus", sample="X")
    assert numbers(genus)["X", "Faecalibacterium"] == 600 and sum(numbers(genus).values()) == 1000


def test_reports_with_minimizers_and_of_bracken(tmp_path):
    rows = [row.split("\t") for row in REPORT.splitlines()]
    eight = "\n".join("\t".join([*row[:3], "70", "60", *row[3:]]) for row in rows)
    path = write(tmp_path, eight)
    assert sniff(path) == "kraken"
    assert read_kraken(path).reader == "Kraken 2 report with minimizers"
    assert numbers(read_kraken(path, sample="X")) == numbers(read_kraken(write(tmp_path, REPORT), sample="X"))
    estimated = write(tmp_path, "\n".join(REPORT.splitlines()[1:]))
    part = read_bracken(estimated, sample="X")
    assert "no row of unclassified reads" in said(part) and numbers(part)["X", "Bacteroides fragilis"] == 200


def test_lost_indentation_and_lost_rows_are_said(tmp_path):
    flat = "\n".join("\t".join(cell.strip() for cell in row.split("\t")) for row in REPORT.splitlines())
    part = read_kraken(write(tmp_path, flat), sample="X")
    assert "not indented" in said(part) and part.tables["features"][0, "phylum"] is None
    assert sum(numbers(part).values()) == 1000
    lost = "\n".join(row for row in REPORT.splitlines() if "A2-165" not in row)
    assert "profile 900 against 750" in said(read_kraken(write(tmp_path, lost)))


def test_clade_style(tmp_path):
    part = read_kraken(write(tmp_path, CLADE_STYLE, "x_kraken2_report.txt"))
    whole(part)
    assert numbers(part, "count") == {
        ("x", "Faecalibacterium prausnitzii"): 550, ("x", "reads of a taxon above species"): 360,
    }  # fmt: skip
    assert "does not hold unclassified reads" in said(part)
    several = "#Classification\tA\tB\n" + "".join(f"{row}\t1\n" for row in CLADE_STYLE.splitlines())
    path = write(tmp_path, several)
    assert sniff(path) == "kraken"
    with pytest.raises(InputError, match="no strain|no genome bins"):
        read_kraken(path, rank="SGB")
    assert numbers(read_kraken(path, rank="phylum"))["A", "Ascomycota"] == 20


def test_combined_reports(tmp_path):
    part = read_kraken(write(tmp_path, COMBINED_REPORTS))
    assert part.tables["samples"]["sample"].to_list() == ["first", "second"]
    found = numbers(part, "count")
    assert found["second", "Bacteroides fragilis"] == 160 and found["first", "unclassified reads"] == 10
    assert found["second", "reads of a taxon above species"] == 20
    named = COMBINED_REPORTS.replace("#S1\t", "#anna\t").replace("#S2\t", "#ben\t").replace("#perc", "perc")
    assert read_kraken(write(tmp_path, named)).tables["samples"]["sample"].to_list() == ["anna", "ben"]


# Bracken


def test_bracken_output(tmp_path):
    part = read_bracken(write(tmp_path, BRACKEN, "donor1_species.bracken"))
    whole(part)
    assert numbers(part, "count")["donor1", "Bacteroides fragilis"] == 300
    assert part.tables["features"]["genus"].to_list() == ["Bacteroides", "Faecalibacterium", None]
    assert "the genus is the first word" in said(part)
    assert "fractions" not in said(part)
    filtered = BRACKEN.replace("Faecalibacterium prausnitzii\t853\tS\t550\t140\t690\t0.69000\n", "")
    assert "fractions sum to 0.310" in said(read_bracken(write(tmp_path, filtered)))
    with pytest.raises(InputError, match="the file holds species"):
        read_bracken(write(tmp_path, BRACKEN), rank="genus")


def test_combined_bracken(tmp_path):
    part = read_bracken(write(tmp_path, COMBINED_BRACKEN))
    assert numbers(part, "count") == {("A", "Bacteroides"): 30, ("A", "Dorea"): 70, ("B", "Dorea"): 5}
    assert set(part.tables["features"]["rank"]) == {"genus"} and part.tables["features"][1, "genus"] == "Dorea"
