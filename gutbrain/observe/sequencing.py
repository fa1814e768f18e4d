"""16S reads of simulated stool: group shares, a bias of the protocol, genera inside groups, overdispersed reads."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from gutbrain.people import taxa

if TYPE_CHECKING:
    from gutbrain.observe.measure import Measure
    from gutbrain.observe.simulated import Moments, Simulated

PLATFORM = "claesson2012 eldermet"  # entropies belong to a platform: this one is 16S summed to genus
UNASSIGNED = "Unassigned"
ARCHAEA = ("Methanobrevibacter", "Methanosphaera")
# Names of the chip whose first word is not the genus that sequencing shows.
RENAMED = {
    "Allistipes et rel.": "Alistipes", "Clostridium (sensu stricto)": "Clostridium sensu stricto",
    "Clostridium difficile et rel.": "Clostridioides", "Ruminococcus obeum et rel.": "Blautia",
    "Bryantella formatexigens et rel.": "Marvinbryantia", "Eubacterium hallii et rel.": "Anaerobutyricum",
    "Eubacterium rectale et rel.": "Agathobacter", "Eubacterium biforme et rel.": "Holdemanella",
}  # fmt: skip
RARE = 0.002  # share of its group's signal for a genus that the chip does not show (assumed)
FLATTEST, STEEPEST, TURNS = -4.0, 4.0, 45


@cache
def genera() -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Return genera of each group and their reference shares there, which sum to 1.

    The shares are mean signals of the HITChip atlas by genus; the order matters, not the sizes, as
    they are bent to the entropy of the person.
    """
    rows = taxa.table("genus_to_group")
    home = dict(rows.select("genus", "group").iter_rows())
    signal = dict.fromkeys(home, 0.0)
    for name, percent in taxa.table("hitchip_taxon_to_group").select("taxon", "atlas1006_mean_percent").iter_rows():
        genus = RENAMED.get(name, name.split()[0])
        if genus in signal:
            signal[genus] += percent
    found = {}
    for group in taxa.GROUPS:
        names = tuple(genus for genus, place in home.items() if place == group)
        shown = np.array([signal[genus] for genus in names])
        shares = np.maximum(shown / max(shown.sum(), 1e-12), RARE)
        found[group] = names, shares / shares.sum()
    return found


@cache
def entropies() -> dict[str, tuple[float, float]]:
    """Return mean and standard deviation of the entropy inside each group, nat, on the platform."""
    rows = taxa.table("reference_quantiles").filter(pl.col("data") == PLATFORM)
    listed = rows.select("quantity", "within_entropy_mean", "within_entropy_sd").iter_rows()
    return {name: (mean, sd) for name, mean, sd in listed if name in taxa.GROUPS}


def bent(shares: np.ndarray, entropy: np.ndarray) -> np.ndarray:
    """Return shares raised to the power at which they have an entropy, and normalised.

    Parameters
    ----------
    shares : array [..., genera], above 0, sum to 1
    entropy : array [...], nat
    """
    logs = np.log(shares)
    low, high = np.full(entropy.shape, FLATTEST), np.full(entropy.shape, STEEPEST)
    for _ in range(TURNS):
        middle = (low + high) / 2
        steep = entropy_of(_power(logs, middle)) < entropy
        high, low = np.where(steep, middle, high), np.where(steep, low, middle)
    return _power(logs, (low + high) / 2)


def _power(logs: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    raised = logs * np.exp(exponent)[..., None]
    weights = np.exp(raised - raised.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def entropy_of(shares: np.ndarray) -> np.ndarray:
    """Return the Shannon entropy along the last axis, nat."""
    return np.asarray(-(shares * np.log(np.maximum(shares, 1e-300))).sum(axis=-1))


def composition(body: Simulated, measure: Measure, moments: Moments, figures: dict[str, float]
                ) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:  # fmt: skip
    """Return names of genera, the expected shares of reads [moments, people, genera], and the true group shares."""
    groups = body.entries(measure.signals[0])
    labels = [f"{measure.signals[0]}[{group}]" for group in groups]
    true = np.stack([body.at(label, moments.day) for label in labels], axis=-1)
    richness = body.at(measure.signals[1], moments.day)
    spread = body.generator(f"{measure.name}, bias").standard_normal(len(taxa.GROUPS))
    order = [taxa.GROUPS.index(group) for group in groups]
    biased = np.maximum(true, 0) * np.exp(figures["bias"] * spread[order])
    biased = biased / np.maximum(biased.sum(axis=-1, keepdims=True), 1e-300)
    other = figures["other"] * np.exp(
        figures["other_spread"] * body.generator(f"{measure.name}, other").standard_normal(body.people)
    )
    other = np.minimum(other, 0.5)
    names: list[str] = []
    parts = []
    for number, group in enumerate(groups):
        inside, base = genera()[group]
        generator = body.generator(f"{measure.name}, genera of {group}")
        leaning = generator.standard_normal((body.people, len(inside)))
        own = base * np.exp(figures["genus_spread"] * leaning)
        own = own / own.sum(axis=-1, keepdims=True)
        mean, sd = entropies()[group]
        most = np.log(len(inside))
        trait = np.clip(mean + sd * generator.standard_normal(body.people), 0.0, most)
        wanted = np.clip(trait + np.log(np.maximum(richness, 1e-6)), 0.01, max(most - 0.01, 0.01))
        shares = bent(np.broadcast_to(own, (*wanted.shape, len(inside))), wanted)
        names += inside
        parts.append(biased[..., number, None] * (1 - other)[:, None] * shares)
    rest = np.broadcast_to(other[:, None], (*true.shape[:2], 1))
    return (*names, UNASSIGNED), np.concatenate([*parts, rest], axis=-1), true


def reads(shares: np.ndarray, depth: np.ndarray, concentration: float, generator: np.random.Generator) -> np.ndarray:
    """Draw Dirichlet-multinomial counts.

    Parameters
    ----------
    shares : expected shares, array [samples, genera]
    depth : reads of each sample, array [samples]
    concentration : the smaller, the more two samples of one stool differ
    """
    weights = generator.standard_gamma(concentration * shares)
    # What a gamma of a tiny shape leaves may be nothing at all: the largest genus stays.
    weights[np.arange(len(weights)), shares.argmax(axis=-1)] += 1e-12
    drawn = weights / weights.sum(axis=-1, keepdims=True)
    return np.asarray(generator.multinomial(depth, drawn))


def sequenced(
    body: Simulated, measure: Measure, moments: Moments, given: np.ndarray, day: np.ndarray, figures: dict[str, float]
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """Sequence the stool of everybody who came; rows of samples, features and abundances, and group shares as truth."""
    names, shares, true = composition(body, measure, moments, figures)
    generator = body.generator(f"{measure.name}, reads")
    normal = generator.standard_normal(given.shape)
    depth = np.round(figures["depth"] * np.exp(figures["depth_spread"] * normal)).astype(int)
    person, moment = np.nonzero(given.T)
    at = moment, person
    visit, when = moments.visit[moment], day[at]
    counts = reads(shares[at], np.maximum(depth[at], 1), figures["concentration"], generator)
    samples = pl.DataFrame(body.keys(visit, person, when)).with_columns(
        pl.format("{}, {}", "person", "visit").alias("sample"), pl.lit("stool").alias("material")
    )
    sample, genus = np.nonzero(counts)
    abundances = pl.DataFrame(
        {
            "sample": samples["sample"].gather(sample.tolist()),
            "feature": pl.Series(names, dtype=pl.String).gather(genus.tolist()),
            "value": pl.Series(counts[sample, genus], dtype=pl.Float64),
            "unit": pl.repeat("count", len(sample), eager=True),
        }
    )
    groups = body.entries(measure.signals[0])
    labels = [f"{measure.signals[0]}[{group}]" for group in groups]
    rows = [
        body.readings(measure, visit, person, when, true[..., number][at], quantity=label, unit="1", true=True)
        for number, label in enumerate(labels)
    ]
    return {"samples": samples, "features": _features(names), "abundances": abundances}, pl.concat(rows)


def _features(names: tuple[str, ...]) -> pl.DataFrame:
    known = [name != UNASSIGNED for name in names]
    domains = [("Archaea" if name in ARCHAEA else "Bacteria") if is_known else None
               for name, is_known in zip(names, known, strict=True)]  # fmt: skip
    genus = [name if is_known else None for name, is_known in zip(names, known, strict=True)]
    return pl.DataFrame(
        {"feature": names, "kind": "taxon", "name": names, "rank": ["genus" if k else None for k in known],
         "domain": domains, "genus": genus},
        schema_overrides={"domain": pl.String, "genus": pl.String, "rank": pl.String},
    )  # fmt: skip
