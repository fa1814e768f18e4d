"""Signals, units, groups and grades in words, and the colours that stand for them in every figure."""

from __future__ import annotations

from math import isnan

# Name, and for pure numbers what they count; units of the others come from the run.
SIGNALS: dict[str, tuple[str, str]] = {
    "mind.negative_affect": ("Negative affect", "points of 100"),
    "mind.positive_affect": ("Positive affect", "points of 100"),
    "mind.rumination": ("Rumination", "points of 100"),
    "mind.attention": ("Attention", "points of 100"),
    "mind.negative_affect_z": ("Negative affect, from own rest", ""),
    "mind.anxiety_z": ("Anxiety, from own rest", ""),
    "mind.depression_z": ("Depression, from own rest", ""),
    "mind.skill": ("Mindfulness skill", ""),
    "mind.habit": ("Habit of practice", "0 to 1"),
    "mind.practice_minutes": ("Practice done", ""),
    "mind.practice_kept": ("Share of practice kept", "0 to 1"),
    "mind.nonspecific_gain": ("Non-specific gain of a course", "points of 100"),
    "mind.threat": ("Threat", "1 = peak of a public speech"),
    "mind.chronic_load": ("Chronic load", "× ordinary life"),
    "mind.allostatic_load": ("Allostatic load", "relative"),
    "mind.appraised_stress": ("Appraised stress", "relative"),
    "hpa.cortisol": ("Cortisol in blood, mean of the day", ""),
    "hpa.cortisol_ratio": ("Cortisol", "÷ own undisturbed value"),
    "hpa.cortisol_salivary": ("Cortisol in saliva, mean of the day", ""),
    "hpa.acth": ("ACTH, mean of the day", ""),
    "vagus.tone": ("Vagal tone", "÷ own rest"),
    "vagus.afferent": ("Vagal signal to the brain", "÷ own rest"),
    "barrier.permeability": ("Permeability of the gut wall", "1 = healthy reference"),
    "barrier.integrity": ("Integrity of the gut wall", "1 = healthy reference"),
    "barrier.mast_activation": ("Mast cell activation", "0 to 1"),
    "barrier.translocation": ("Translocation across the gut wall", "1 = healthy reference"),
    "barrier.mucus_thickness": ("Thickness of mucus", ""),
    "barrier.lactulose_mannitol_ratio": ("Lactulose-mannitol ratio", "ratio, 0 to 2 h"),
    "immune.mucosal_activity": ("Mucosal immune activity", "1 = healthy reference"),
    "immune.regulatory_tone": ("Regulatory tone of the mucosa", "1 = healthy reference"),
    "blood.il6": ("Interleukin-6 in blood", ""),
    "blood.crp": ("C-reactive protein in blood", ""),
    "blood.lps": ("Endotoxin in blood (latent)", ""),
    "blood.tryptophan": ("Tryptophan in blood", ""),
    "blood.kynurenine": ("Kynurenine in blood", ""),
    "blood.serotonin": ("Serotonin in blood", ""),
    "tryptophan.kynurenine_ratio": ("Kynurenine-tryptophan ratio", ""),
    "tryptophan.mucosal_serotonin": ("Serotonin in the gut wall", "÷ reference"),
    "brain.serotonin_synthesis": ("Serotonin synthesis in the brain", "÷ reference"),
    "colon.butyrate": ("Butyrate in the colon", ""),
    "colon.acetate": ("Acetate in the colon", ""),
    "colon.propionate": ("Propionate in the colon", ""),
    "colon.scfa_total": ("Short-chain fatty acids in the colon", ""),
    "colon.ph": ("Acidity of the colon", "pH"),
    "colon.endotoxin_load": ("Endotoxin load of the colon", "÷ own rest"),
    "colon.mucin_degradation": ("Degradation of mucin", "÷ own rest"),
    "colon.group_shannon": ("Shannon diversity of groups", "nat"),
    "colon.genus_shannon": ("Shannon diversity of genera", "nat"),
    "enteric.colonic_transit_hours": ("Colonic transit", ""),
    "enteric.transit_hours": ("Whole-gut transit", ""),
    "enteric.stool_form": ("Stool form", "Bristol scale, 1 to 7"),
    "enteric.stools_per_week": ("Stools", ""),
    "enteric.pain": ("Abdominal pain", "points, 0 to 10"),
    "enteric.visceral_sensitivity": ("Visceral sensitivity", "÷ own rest"),
    "enteric.motor_activity": ("Motor activity of the gut", "÷ own rest"),
    "sleep.debt": ("Sleep debt", ""),
    "sleep.duration": ("Sleep a night", ""),
    "sleep.efficiency": ("Sleep efficiency", "share"),
    "activity.level": ("Physical activity", "÷ own habit"),
}

UNITS = {
    "1": "relative", "um": "µm", "umol/L": "µmol/L", "ug/dL": "µg/dL", "umol/mmol": "µmol/mmol", "hour": "hours",
    "night": "nights lost", "point": "points", "minute": "minutes", "minute/day": "minutes a day", "mM": "mmol/L",
    "1/week": "a week", "nmol": "nmol per 10⁹ platelets", "g/day": "g a day", "mmol/day": "mmol a day",
}  # fmt: skip

GROUPS = {
    "bacteroidetes": "Bacteroidetes",
    "polymer_degraders": "polymer degraders",
    "butyrate_producers": "butyrate producers",
    "lactate_producers": "lactate producers",
    "lactate_users": "lactate users",
    "akkermansia": "Akkermansia",
    "pathobionts": "pathobionts",
    "protein_fermenters": "protein fermenters",
    "hydrogen_users": "hydrogen users",
}

INK, QUIET, LINES, PAPER = "#1f2933", "#52606d", "#d9dee3", "#ffffff"
ARM_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9", "#444444", "#e69f00")
GROUP_COLOURS = (
    "#332288", "#88ccee", "#117733", "#999933", "#ddcc77", "#44aa99", "#cc6677", "#882255", "#aa4499",
)  # fmt: skip
GRADES = {
    "measured": "#0b5d8a",
    "published-model": "#3b8fc0",
    "derived": "#4fa58b",
    "fitted": "#a58bbf",
    "recalled": "#e0a526",
    "assumed": "#c8553d",
}


def signal_name(signal: str) -> str:
    """Return what a signal is called in words; entries of a vector keep their group."""
    if signal in SIGNALS:
        return SIGNALS[signal][0]
    base, _, label = signal.partition("[")
    label = label.rstrip("]")
    if label:
        return f"{signal_name(base)}: {GROUPS.get(label, label.replace('_', ' '))}"
    place, _, quantity = base.partition(".")
    return f"{quantity.replace('_', ' ').capitalize()} ({place})" if quantity else base


def unit_name(signal: str, unit: str) -> str:
    """Return the unit of a signal as a reader would say it."""
    said = SIGNALS.get(signal, ("", ""))[1]
    return said or UNITS.get(unit, unit)


def difference_unit(signal: str, unit: str) -> str:
    """Return the unit of a difference of a signal: points of 100 stay points, a ratio stays relative."""
    return "relative" if unit == "1" else UNITS.get(unit, unit)


def grade_base(grade: str) -> str:
    """Return a grade without the species it was found in."""
    return grade.partition(" (")[0]


def number(value: float | None, digits: int = 2) -> str:
    """Return a number with significant digits and a true minus sign; a dash if there is none."""
    if value is None or isnan(value):
        return "–"
    text = f"{value:.{digits}g}"
    if "e" in text and 1e-4 < abs(value) < 1e6:
        text = f"{value:.0f}" if abs(value) >= 1 else f"{value:.6f}".rstrip("0").rstrip(".")
    return ("−" + text[1:]) if text.startswith("-") else text


def many(count: float) -> str:
    """Return a whole number with its thousands apart."""
    return f"{count:,.0f}".replace(",", "\u202f")
