"""LinDA's inner loop, one mixed model a taxon: all taxa at once here, against lmerTest in R called taxon by taxon.

The size is that of a report of 191 s for 209 taxa and 132 samples. Both fit y ~ arm * visit + (1 | person) by REML to
the same numbers and return estimates, standard errors and Satterthwaite's degrees of freedom; R loads its packages
before its clock starts, and reading and writing count for neither. Needs Rscript with lmerTest.
Run: python benchmarks/linda_mixed.py
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from gutbrain.analyse.models.mixed_many import mixed_many

TAXA, PEOPLE, VISITS = 209, 44, 3
REPEATS = 5
LEAST = 20.0
SCRIPT = """
suppressPackageStartupMessages(library(lmerTest))
y <- as.matrix(read.csv("y.csv", header = FALSE)); d <- read.csv("d.csv")
started <- proc.time()[3]
found <- suppressMessages(suppressWarnings(lapply(seq_len(ncol(y)), function(i) {
  d$y <- y[, i]
  coef(summary(lmerTest::lmer(y ~ arm * visit + (1 | person), data = d)))[, 1:3]
})))
cat(proc.time()[3] - started, "\\n")
write.table(do.call(rbind, found), "found.csv", sep = ",", row.names = FALSE, col.names = FALSE)
cat(as.character(packageVersion("lmerTest")), "\\n")
"""


def main() -> int:
    """Time both, compare what they found, print the ratio."""
    if shutil.which("Rscript") is None:
        print("Rscript is not installed")
        return 1
    draws = np.random.default_rng(1)
    person = np.repeat(np.arange(PEOPLE), VISITS)
    visit = np.tile(np.arange(VISITS, dtype=float), PEOPLE)
    arm = (person % 2).astype(float)
    own = draws.normal(size=(PEOPLE, TAXA)) * draws.uniform(0, 2, TAXA)
    y = own[person] + draws.normal(size=(len(person), TAXA)) + np.outer(arm * visit, draws.normal(size=TAXA) * 0.2)
    x = np.column_stack([np.ones(len(person)), arm, visit, arm * visit])
    mixed_many(y[:, :2], x, person)
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        fits = mixed_many(y, x, person)
        times.append(time.perf_counter() - started)
    ours = float(np.median(times))
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        np.savetxt(at / "y.csv", y, delimiter=",", fmt="%.17g")
        table = np.column_stack([arm, visit, person])
        np.savetxt(at / "d.csv", table, delimiter=",", header="arm,visit,person", comments="", fmt="%g")
        said = subprocess.run(["Rscript", "-e", SCRIPT], cwd=at, capture_output=True, text=True, check=True).stdout
        theirs, version = float(said.split()[0]), said.split()[1]
        found = np.loadtxt(at / "found.csv", delimiter=",").reshape(TAXA, 4, 3)
    error = found[:, :, 1].T
    apart = float(np.abs(fits.estimate - found[:, :, 0].T).max() / error.min())
    wide = float(np.abs(fits.standard_error / error - 1).max())
    print(f"{TAXA} taxa, {len(person)} samples of {PEOPLE} people; {int(fits.singular.sum())} with variance 0")
    print(f"here           {ours:8.3f} s (median of {REPEATS})")
    print(f"lmerTest {version} {theirs:8.3f} s (one run, one process)")
    print(f"ratio          {theirs / ours:8.0f}")
    print(f"apart: estimates {apart:.1e} standard errors, standard errors {wide:.1e} relative")
    return 0 if theirs / ours >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
