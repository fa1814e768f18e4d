"""How long a large BIOM table takes to read and summarise, and how much memory: 25 000 samples, 36 000 features.

    python -m benchmarks.biom_scale [samples] [features] [features seen in a sample]

Each step runs in a process of its own, so that its peak memory is its own. Nothing is asserted.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SAMPLES, FEATURES, SEEN = 25_000, 36_000, 300


def table(samples: int, features: int, seen: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return sample, feature and count of each entry; few features are common, most are rare."""
    random = np.random.default_rng(1)
    commonness = 1 / (np.arange(features) + 10.0)
    drawn = random.choice(features, size=(samples, seen), p=commonness / commonness.sum())
    cells = np.unique(np.arange(samples)[:, None] * features + drawn)
    return cells // features, cells % features, random.geometric(0.02, cells.size).astype(float)


def lineage(k: int) -> list[str]:
    """Return ranks as Greengenes writes them."""
    below = ("p__P", "c__C", "o__O", "f__F", "g__G", "s__s")
    sizes = (20, 50, 100, 300, 1500, 9000)
    return ["k__Bacteria", *(f"{part}{k % size}" for part, size in zip(below, sizes, strict=True))]


def write(folder: Path, samples: int, features: int, seen: int) -> None:
    """Write the table in both versions of the format."""
    import h5py

    sample_at, feature_at, values = table(samples, features, seen)
    names = [f"11546.{k:09d}" for k in range(samples)]
    ids = [f"{k:032x}" for k in range(features)]
    text = h5py.string_dtype()
    with h5py.File(folder / "table.biom", "w") as book:
        book.attrs.update({"format-version": (2, 1), "type": "OTU table", "nnz": values.size})
        book.attrs["shape"] = (features, samples)
        book.create_dataset("observation/ids", data=ids, dtype=text, compression="gzip")
        book.create_dataset("sample/ids", data=names, dtype=text, compression="gzip")
        lineages = np.array([lineage(k) for k in range(features)], dtype=object)
        book.create_dataset("observation/metadata/taxonomy", data=lineages, dtype=text, compression="gzip")
        order = np.lexsort((sample_at, feature_at))
        for axis, outer, inner, count in (
            ("sample", sample_at, feature_at, samples),
            ("observation", feature_at[order], sample_at[order], features),
        ):
            amounts = values if axis == "sample" else values[order]
            begins = np.concatenate([[0], np.cumsum(np.bincount(outer, minlength=count))])
            for key, array in (("indptr", begins), ("indices", inner), ("data", amounts)):
                kept = array if key == "data" else array.astype(np.int32)
                book.create_dataset(f"{axis}/matrix/{key}", data=kept, compression="gzip")
    with (folder / "table.json").open("w") as file:
        head = {
            "format": "Biological Observation Matrix 1.0.0", "type": "OTU table", "matrix_type": "sparse",
            "matrix_element_type": "float", "shape": [features, samples],
            "rows": [{"id": name, "metadata": {"taxonomy": lineage(k)}} for k, name in enumerate(ids)],
            "columns": [{"id": name, "metadata": None} for name in names],
        }  # fmt: skip
        file.write(json.dumps(head)[:-1] + ', "data": [')
        cells = zip(feature_at.tolist(), sample_at.tolist(), values.tolist(), strict=True)
        file.write(",".join(f"[{row},{column},{value}]" for row, column, value in cells) + "]}")


def measure(path: Path) -> None:
    """Read and summarise one file, and print seconds, entries and peak memory."""
    import polars as pl

    from gutbrain.study.microbiome.read_biom import read_biom
    from gutbrain.study.study import Study

    begin = time.perf_counter()
    part = read_biom(path)
    read = time.perf_counter()
    rows = part.tables["abundances"].lazy()
    samples = rows.group_by("sample").agg(pl.col("value").sum().alias("total"), pl.len().alias("features")).collect()
    spread = rows.group_by("feature").agg(pl.len().alias("samples"), pl.col("value").mean()).collect()
    summarised = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    study = Study.of(part.tables)
    checked = time.perf_counter()
    whole = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"{part.reader}: {path.stat().st_size / 1e6:.0f} MB, {len(study.abundances)} entries")
    print(f"  read {read - begin:.1f} s, summarise {summarised - read:.1f} s, peak {peak:.2f} GB")
    print(f"  checked as a study {checked - summarised:.1f} s, peak {whole:.2f} GB")
    print(f"  median {samples['total'].median():.0f} reads of {samples['features'].median():.0f} features a sample; "
          f"a feature in {spread['samples'].median():.0f} samples")  # fmt: skip


def main() -> None:
    """Make the files, then measure each; each in a process of its own."""
    if len(sys.argv) > 2 and sys.argv[1] == "--measure":
        measure(Path(sys.argv[2]))
        return
    if len(sys.argv) > 2 and sys.argv[1] == "--write":
        samples, features, seen = map(int, sys.argv[3:])
        write(Path(sys.argv[2]), samples, features, seen)
        return
    sizes = [*sys.argv[1:], *map(str, (SAMPLES, FEATURES, SEEN)[len(sys.argv) - 1 :])]
    own = [sys.executable, "-m", "benchmarks.biom_scale"]
    with tempfile.TemporaryDirectory() as folder:
        # A process takes the peak of its parent over: this one must stay small.
        subprocess.run([*own, "--write", folder, *sizes], check=True)
        for name in ("table.biom", "table.json"):
            subprocess.run([*own, "--measure", str(Path(folder) / name)], check=True)


if __name__ == "__main__":
    main()
