"""Own heart rate variability beside that of NeuroKit2: values, artefacts found, and time.

    python -m pip install neurokit2
    python benchmarks/heartbeat_peers.py [file.csv ...]

Files have one interval a line in ms, or a column `rr_ms`. Without any, two simulated records are compared, with a
missed beat, an extra beat and an early one put into them. NeuroKit2 is no dependency of the package.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gutbrain.observe.artefacts import correct
from gutbrain.observe.heartbeat import Breathing, heartbeats
from gutbrain.observe.hrv import hrv

WIDTH = 34


def main() -> None:
    """Print every comparison."""
    try:
        import neurokit2
    except ImportError:
        sys.exit("NeuroKit2 is not installed: python -m pip install neurokit2")
    warnings.simplefilter("ignore")
    print(f"NeuroKit2 {neurokit2.__version__}")
    for name, rr in series().items():
        print(f"\n{name}: {rr.size} beats, {rr.sum() / 1000:.0f} s")
        values(neurokit2, rr)
        artefacts(neurokit2, rr)
    speed(neurokit2)


def series() -> dict[str, np.ndarray]:
    """Return the intervals of the files that were named, or two simulated records."""
    if len(sys.argv) > 1:
        return {Path(name).name: read(Path(name)) for name in sys.argv[1:]}
    made = heartbeats(Breathing([15, 6], [0.5, 1.025]), seed=1)
    return {"simulated, 15 breaths a minute": made.rr[0], "simulated, 6 breaths a minute": made.rr[1]}


def read(file: Path) -> np.ndarray:
    """Read one column of intervals."""
    lines = file.read_text(encoding="utf-8").split()
    header = lines[0].split(",")
    if "rr_ms" in header:
        return np.array([float(line.split(",")[header.index("rr_ms")]) for line in lines[1:]])
    return np.array([float(line) for line in lines])


def peaks_of(rr: np.ndarray) -> np.ndarray:
    """Return beats in whole milliseconds, as NeuroKit2 takes them."""
    return np.rint(np.concatenate([[0.0], np.cumsum(rr)])).astype(int)


def values(neurokit2: Any, rr: np.ndarray) -> None:
    """Compare values without any correction."""
    ours = {method: hrv(rr, method=method, correct=False) for method in ("Welch", "autoregressive", "Lomb")}
    peaks = peaks_of(rr)
    of_time = neurokit2.hrv_time(peaks, sampling_rate=1000).iloc[0]
    own = ours["Welch"]
    print(f"  {'':{WIDTH}} {'SDNN':>8} {'RMSSD':>8}   ms")
    print(f"  {'own':{WIDTH}} {own['sdnn'].raw:8.2f} {own['rmssd'].raw:8.2f}")
    print(f"  {'NeuroKit2':{WIDTH}} {of_time['HRV_SDNN']:8.2f} {of_time['HRV_RMSSD']:8.2f}")
    print(f"  {'':{WIDTH}} {'LF':>8} {'HF':>8} {'LF/HF':>8}   ms2")
    for method, found in ours.items():
        row("own, " + method, found["lf_power"].raw, found["hf_power"].raw)
    for label, options in (
        ("NeuroKit2, default", {}),
        ("NeuroKit2, normalize=False", {"normalize": False}),
        ("NeuroKit2, Lomb, normalize=False", {"normalize": False, "psd_method": "lomb"}),
    ):
        try:
            found = neurokit2.hrv_frequency(peaks, sampling_rate=1000, **options).iloc[0]
        except ImportError:
            print(f"  {label:{WIDTH}} needs astropy: python -m pip install astropy")
            continue
        row(label, float(found["HRV_LF"]), float(found["HRV_HF"]))


def row(label: str, low: float, high: float) -> None:
    """Print one pair of powers."""
    print(f"  {label:{WIDTH}} {low:8.5g} {high:8.5g} {low / high:8.2f}")


def spoiled(rr: np.ndarray) -> np.ndarray:
    """Return the series with one missed beat, one extra and one early by a third."""
    beats = np.concatenate([[0.0], np.cumsum(rr)])
    third = rr.size // 4
    beats[3 * third] -= rr[3 * third] / 3
    kept = np.delete(beats, third)
    return np.diff(np.sort(np.append(kept, beats[2 * third] + rr[2 * third] / 3)))


def artefacts(neurokit2: Any, rr: np.ndarray) -> None:
    """Compare what correction makes of a spoiled series."""
    bad = spoiled(rr)
    found = correct(bad)
    _, peaks = neurokit2.signal_fixpeaks(peaks_of(bad), sampling_rate=1000, iterative=True, method="kubios")
    print(f"  RMSSD as it was {rmssd(rr):.2f}, spoiled {rmssd(bad):.2f}, corrected: own {rmssd(found.rr):.2f}, "
          f"NeuroKit2 {rmssd(np.diff(peaks)):.2f} ms")  # fmt: skip
    print(f"  own found {', '.join(f'{count} {name}' for name, count in found.counts.items() if name != 'normal')}")


def rmssd(rr: np.ndarray) -> float:
    """Return the root mean square of successive differences."""
    return float(np.sqrt(np.mean(np.diff(rr) ** 2)))


def speed(neurokit2: Any) -> None:
    """Time a day of beats."""
    rr = np.tile(heartbeats(seconds=3000, seed=2).rr[0], 32)[:100_000]
    rr[::997] *= 0.7
    peaks = peaks_of(rr)
    print("\nArtefacts of 100 000 beats:")
    print(f"  own       {timed(lambda: correct(rr)):6.2f} s")
    fix = neurokit2.signal_fixpeaks
    print(f"  NeuroKit2 {timed(lambda: fix(peaks, sampling_rate=1000, iterative=True, method='kubios')):6.2f} s")


def timed(work: Callable[[], Any]) -> float:
    """Return the wall time of `work` in seconds."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
