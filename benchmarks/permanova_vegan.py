"""PERMANOVA beside vegan's adonis2: the same F, and time for 9999 permutations.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/permanova_vegan.py [rows ...]

Rscript with the package vegan must be installed; it is no dependency of the package. Times are those of the processor,
on one thread. R is timed on fewer permutations where 9999 would take hours, and its time for each is what counts.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from scipy.spatial.distance import pdist, squareform

from gutbrain.analyse.communities.permanova import permanova

PERMUTATIONS = 9999
FORMULAS = ("arm", "arm * visit")
# Each line of the answer: F of the terms, seconds of the first and of the second run.
SCRIPT = """
suppressMessages(library(vegan))
args <- commandArgs(trailingOnly = TRUE)
values <- as.matrix(read.csv(args[1], header = FALSE))
table <- read.csv(args[2], stringsAsFactors = TRUE)
distances <- as.dist(values)
timed <- function(number) system.time(
  made <<- adonis2(as.formula(paste("distances ~", args[3])), table, permutations = number, by = "terms"))[1:2]
short <- timed(as.integer(args[4])); long <- timed(as.integer(args[5]))
f <- format(made$F[!is.na(made$F)], digits = 12)
cat(as.character(packageVersion("vegan")), sum(short), sum(long), f, sep = " ")
"""


def main() -> None:
    """Print F and time of both, for each number of rows and each formula."""
    if shutil.which("Rscript") is None:
        sys.exit("Rscript is not installed")
    for rows in map(int, sys.argv[1:] or ("20", "200", "2000")):
        values, table = made(rows)
        permanova(values[:20, :20], table[:20], "arm", permutations=99)  # what is imported at the first call
        for formula in FORMULAS:
            start = time.process_time()
            found = permanova(values, table, formula, permutations=PERMUTATIONS)
            own = time.process_time() - start
            version, seconds, f, scaled = of_vegan(values, table, formula)
            np.testing.assert_allclose(found["f"].drop_nulls(), f, rtol=1e-9)
            print(
                f"{rows:5} rows, {formula:11}: {own:7.3f} s, vegan {version} {seconds:8.2f} s{scaled}, "
                f"{seconds / own:5.1f} times as long; F {', '.join(f'{one:.9g}' for one in f)}",
                flush=True,
            )


def made(rows: int) -> tuple[np.ndarray, pl.DataFrame]:
    """Return Bray-Curtis distances of counts of 60 taxa, and two factors."""
    generator = np.random.default_rng(rows)
    shares = generator.dirichlet(np.full(60, 0.3), size=rows)
    counts = np.array([generator.multinomial(5000, share) for share in shares])
    table = pl.DataFrame(
        {"arm": ["a", "b", "c", "d"] * (rows // 4), "visit": ["1"] * (rows // 2) + ["2"] * (rows // 2)}
    )
    return squareform(pdist(counts, "braycurtis")), table


def of_vegan(values: np.ndarray, table: pl.DataFrame, formula: str) -> tuple[str, float, list[float], str]:
    """Return version, seconds of 9999 permutations, F, and what was timed where it was fewer."""
    short, long = (0, PERMUTATIONS) if len(values) <= 200 else (9, 59)
    with tempfile.TemporaryDirectory() as folder:
        script, distances, factors = (Path(folder) / name for name in ("script.R", "distances.csv", "table.csv"))
        script.write_text(SCRIPT, encoding="utf-8")
        np.savetxt(distances, values, delimiter=",", fmt="%.17g")
        table.write_csv(factors)
        command = ["Rscript", str(script), str(distances), str(factors), formula, str(short), str(long)]
        words = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    first, second = float(words[1]), float(words[2])
    if long == PERMUTATIONS:
        return words[0], second, [float(word) for word in words[3:]], ""
    each = (second - first) / (long - short)
    return words[0], first + each * (PERMUTATIONS - short), [float(word) for word in words[3:]], f" ({each:.3f} s each)"


if __name__ == "__main__":
    main()
