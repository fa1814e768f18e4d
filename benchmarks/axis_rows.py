"""Rows that need the colon coupled to everything else, and a fibre trial in drawn colons."""

from __future__ import annotations

from math import inf, log

from benchmarks.axis_runs import courses, share
from benchmarks.colon_runs import butyrate_share_with_total, gained
from benchmarks.row import Row

LOG_SD = {"blood.il6": 0.6, "blood.crp": 1.05}  # between people, natural logarithm (immune)
END = 56


def _percent(scenario: str, signal: str, day: int = END) -> float:
    return 100 * courses().change(scenario, signal, day)


def _group(scenario: str, group: str, day: int = END) -> float:
    return 100 * share(scenario, group, day)


def _sd(scenario: str, signal: str, against: str = "rest", day: int = END) -> float:
    """Difference of the logarithms at the end, in SD between people."""
    seen = courses()
    return log(seen.day(scenario, signal, day) / seen.day(against, signal, day)) / LOG_SD[signal]


def _shannon(day: int) -> float:
    return 100 * courses().change("antibiotic", "colon.genus_shannon", day)


ROWS = (
    Row("MIN-8, IL-6", "course less attention control, interleukin-6, SD: -0.11 (-0.23, 0.00)", "IJMS2023", -0.23, 0.0,
        lambda: _sd("course", "blood.il6", "attention"), "fitted"),
    Row("MIN-8, CRP", "the same, CRP, SD", "IJMS2023", -0.23, 0.0, lambda: _sd("course", "blood.crp", "attention"),
        "fitted"),
    Row("MIN-8, under stress", "course less none, both under chronic stress, interleukin-6, SD", "IJMS2023", -0.23, 0.0,
        lambda: _sd("course under stress", "blood.il6", "stress"), "fitted"),
    Row("CPL, mucosal activity", "mucosal activity after the course, per cent: not raised", "IJMS2023", -inf, 0,
        lambda: _percent("course", "immune.mucosal_activity"), "fitted"),
    Row("SLP, IL-6", "five half nights, interleukin-6, SD: not significant", "Irwin2016", -0.1, 0.2,
        lambda: _sd("half nights", "blood.il6", day=6)),
    Row("SLP, mindfulness", "sleep against an active control: insufficient or none (debt, nights)", "Goyal2014",
        -0.1, 0.1,
        lambda: courses().day("course", "sleep.debt", END)),
    Row("CO-10, onset", "genus diversity 3 days into an antibiotic, per cent: falling", "Dethlefsen2011", -inf, -5,
        lambda: _shannon(4), "fitted"),
    Row("CO-10, later", "two weeks after its end, per cent: not yet back", "Dethlefsen2011", -inf, -2,
        lambda: _shannon(22), "fitted"),
    Row("CO-22", "fibre, Bifidobacterium (here all lactate producers), SD: 0.64 (0.42-0.86)", "So2018", 0.42, 0.86,
        lambda: gained("colon.biomass[lactate_producers]", True)),
    Row("CO-23, Lactobacillus", "fibre, Lactobacillus (here all lactate producers), SD: 0.22 (0.03-0.41)", "So2018",
        0.03, 0.41, lambda: gained("colon.biomass[lactate_producers]", True)),
    Row("CO-23, butyrate", "fibre, butyrate, SD: 0.24 (0-0.47)", "So2018", 0.0, 0.47,
        lambda: gained("colon.butyrate", False)),
    Row("CO-24", "total acids with butyrate share, r between people: above 0", "LaBouyer", 0, inf,
        butyrate_share_with_total),
    Row("CO-25, diversity", "fermented food, genus diversity, per cent: up", "Wastyk2021", 0, inf,
        lambda: _percent("fermented food", "colon.genus_shannon")),
    Row("CO-25, IL-6", "fermented food, interleukin-6, per cent: down", "Wastyk2021", -inf, 0,
        lambda: _percent("fermented food", "blood.il6")),
    Row("CO-26", "fibre, interleukin-6, SD: no average effect", "Wastyk2021", -0.2, 0.2,
        lambda: _sd("fibre", "blood.il6")),
    Row("CO-27, butyrate up", "fibre and starch doubled, butyrate, per cent: up", "OKeefe2015", 0, inf,
        lambda: _percent("fibre and starch doubled", "colon.butyrate", 15)),
    Row("CO-27, bile acids down", "the same, secondary bile acids, per cent: down", "OKeefe2015", -inf, 0,
        lambda: _percent("fibre and starch doubled", "colon.secondary_bile_acids", 15)),
    Row("CO-27, butyrate down", "little fibre and starch, butyrate, per cent: down", "OKeefe2015", -inf, 0,
        lambda: _percent("fibre and starch times 0.4", "colon.butyrate", 15)),
    Row("CO-27, bile acids up", "the same, secondary bile acids, per cent: up", "OKeefe2015", 0, inf,
        lambda: _percent("fibre and starch times 0.4", "colon.secondary_bile_acids", 15)),
    Row("CO-28, hydrogen users", "fibre doubled, two weeks, share of hydrogen users: down", "OKeefe2015", -inf, 0,
        lambda: _group("fibre and starch doubled", "hydrogen_users", 15)),
    Row("CO-28, lactate users", "the same, lactate users: down", "OKeefe2015", -inf, 0,
        lambda: _group("fibre and starch doubled", "lactate_users", 15)),
    Row("CO-28, Akkermansia", "the same, Akkermansia: up", "OKeefe2015", 0, inf,
        lambda: _group("fibre and starch doubled", "akkermansia", 15)),
    Row("CO-28, polymer degraders", "little fibre, two weeks, polymer degraders: up", "OKeefe2015", 0, inf,
        lambda: _group("fibre and starch times 0.4", "polymer_degraders", 15)),
    Row("CO-28, protein fermenters", "the same, protein fermenters: up", "OKeefe2015", 0, inf,
        lambda: _group("fibre and starch times 0.4", "protein_fermenters", 15)),
    Row("CO-29, diversity", "slow transit, genus diversity: up", "Vandeputte2016", 0, inf,
        lambda: _percent("slow", "colon.genus_shannon")),
    Row("CO-29, Akkermansia", "fast transit, Akkermansia: down", "Vandeputte2016", -inf, 0,
        lambda: _group("fast", "akkermansia")),
    Row("CO-29, Bacteroidetes", "fast transit, Bacteroidetes: up", "Vandeputte2016", 0, inf,
        lambda: _group("fast", "bacteroidetes")),
    Row("CO-30, Akkermansia", "slow transit, Akkermansia: up", "Asnicar2021", 0, inf,
        lambda: _group("slow", "akkermansia")),
    Row("CO-30, Bacteroides", "slow transit, Bacteroidetes: up", "Asnicar2021", 0, inf,
        lambda: _group("slow", "bacteroidetes")),
    Row("CO-31, acids", "longer passage, total acids: down", "Prochazkova2024", -inf, 0,
        lambda: _percent("slow", "colon.scfa_total")),
    Row("CO-31, proteolysis", "longer passage, protein fermentation: up", "Prochazkova2024", 0, inf,
        lambda: _percent("slow", "colon.proteolysis")),
    Row("CO-31, methane", "longer passage, methane: up", "Prochazkova2024", 0, inf,
        lambda: _percent("slow", "colon.methane")),
    Row("CO-32", "examination week, lactate producers: down", "Knowles2008", -inf, 0,
        lambda: _group("exam", "lactate_producers", 14)),
    Row("CO-34, mucus", "little fibre, mucus (mouse): thinner", "Desai2016", -inf, 0,
        lambda: _percent("fibre and starch times 0.4", "barrier.mucus_thickness")),
    Row("CO-34, Akkermansia", "little fibre, Akkermansia (mouse): up", "Desai2016", 0, inf,
        lambda: _group("fibre and starch times 0.4", "akkermansia")),
)  # fmt: skip
