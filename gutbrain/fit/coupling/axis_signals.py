"""What people measure, and the signal of the axis that it shows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gutbrain.people.taxa import GROUPS


@dataclass(frozen=True)
class Shows:
    """A signal of the axis that names of processes or indicators stand for; `sign` is -1 where high means low."""

    signal: str
    names: tuple[str, ...]
    why: str
    sign: int = 1


def _both(group: str) -> tuple[str, ...]:
    """Return a name in the plural, and in the singular where that is another word."""
    return tuple(dict.fromkeys((group, group.removesuffix("s"))))


TABLE = (
    Shows("colon.genus_shannon", ("shannon", "genus shannon", "diversity", "alpha diversity", "simpson"),
          "entropy of genera; other indices of diversity rise with it"),
    Shows("colon.richness", ("richness", "observed", "chao1", "faith pd"), "richness within groups"),
    *(Shows(f"colon.relative_abundance[{group}]", _both(group.replace("_", " ")),
            "share of the group; its log-ratios rise and fall with it") for group in GROUPS),
    Shows("colon.relative_abundance[butyrate_producers]", ("faecalibacterium", "roseburia", "butyrate formers"),
          "main genera of the group"),
    Shows("colon.relative_abundance[lactate_producers]", ("bifidobacterium", "lactobacillus"),
          "main genera of the group"),
    Shows("colon.relative_abundance[akkermansia]", ("akkermansia muciniphila", "verrucomicrobia"),
          "the group is one genus"),
    Shows("colon.relative_abundance[bacteroidetes]", ("bacteroides", "bacteroidota"), "main genus, and the phylum"),
    Shows("colon.butyrate", ("butyrate", "stool butyrate"), "stool shows what the lumen keeps"),
    Shows("colon.acetate", ("acetate", "stool acetate"), "stool shows what the lumen keeps"),
    Shows("colon.propionate", ("propionate", "stool propionate"), "stool shows what the lumen keeps"),
    Shows("colon.scfa_total", ("scfa", "short chain fatty acids", "total scfa"), "sum of the three acids"),
    Shows("barrier.permeability", ("permeability", "lactulose mannitol", "urine lactulose mannitol", "leaky gut"),
          "the two-sugar test reads permeability"),
    Shows("blood.lps", ("lps", "endotoxin", "lps binding protein", "lbp", "blood lps binding protein"),
          "binding protein follows the endotoxin that crosses (recalled)"),
    Shows("immune.mucosal_activity", ("calprotectin", "stool calprotectin"), "mucosal inflammation"),
    Shows("blood.il6", ("il 6", "il6", "interleukin 6"), "interleukin-6 in plasma"),
    Shows("blood.crp", ("crp", "c reactive protein"), "C-reactive protein in plasma"),
    Shows("blood.tryptophan", ("tryptophan",), "in plasma"),
    Shows("blood.kynurenine", ("kynurenine",), "in plasma"),
    Shows("blood.serotonin", ("serotonin",), "in platelet-poor plasma"),
    Shows("enteric.pain", ("pain", "abdominal pain", "stomach pain", "gut symptoms", "gut complaints", "ibs sss total"),
          "abdominal pain, the core of gut symptoms"),
    Shows("enteric.stool_form", ("stool form", "bristol", "bristol type", "stool consistency"),
          "expected Bristol type"),
    Shows("enteric.stools_per_week", ("stool frequency", "stools"), "expected number of stools"),
    Shows("enteric.transit_hours", ("transit", "transit time", "gut transit"), "whole-gut transit time"),
    Shows("mind.negative_affect", ("negative affect", "na", "low mood", "sad", "sadness", "down", "distress"),
          "momentary negative affect"),
    Shows("mind.negative_affect", ("mood", "valence"), "good mood is little negative affect", -1),
    Shows("mind.negative_affect", ("anxiety", "anxious", "depression", "depressed", "depressive symptoms"),
          "the axis knows one momentary low mood, not its kinds"),
    Shows("mind.positive_affect", ("positive affect", "pa", "happy", "happiness", "joy", "cheerful", "wellbeing"),
          "momentary positive affect"),
    Shows("mind.rumination", ("rumination", "worry", "worrying", "brooding"), "momentary rumination"),
    Shows("mind.appraised_stress", ("stress", "perceived stress", "stressed", "stressor", "event stress", "tension"),
          "stress as felt"),
    Shows("hpa.cortisol_salivary", ("cortisol", "saliva cortisol", "salivary cortisol", "blood cortisol"),
          "free cortisol as saliva shows it"),
    Shows("vagus.efferent", ("rmssd", "hrv", "heart rmssd", "heart hf", "hf", "vagal tone", "heart rate variability"),
          "vagal outflow makes the fast changes of the heart's intervals"),
    Shows("vagus.efferent", ("heart rate", "heart rate resting"), "vagal outflow slows the heart", -1),
    Shows("sleep.efficiency", ("sleep", "sleep quality", "sleep efficiency"), "share of the night that is slept"),
    Shows("sleep.efficiency", ("insomnia", "sleep problems", "sleep disturbance"), "share of the night not slept", -1),
    Shows("sleep.duration", ("sleep duration", "hours of sleep", "sleep hours"), "hours slept a night"),
)  # fmt: skip
BY_NAME = {name: one for one in TABLE for name in one.names}


def plain(name: str) -> str:
    """Return a name in small letters and words, without what was computed of it (`clr:`, `log:`)."""
    return re.sub(r"[\W_]+", " ", name.rpartition(":")[2].lower()).strip()


def shown_by(names: Iterable[str]) -> Shows | None:
    """Return what the first name with a place in the table shows, also by a signal's own name; None without one."""
    signals = {plain(one.signal): one for one in reversed(TABLE) if one.sign > 0}
    for name in names:
        if found := BY_NAME.get(plain(name)) or signals.get(plain(name)):
            return found
    return None
