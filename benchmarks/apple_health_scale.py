"""Time and memory of reading an Apple Health export: `python benchmarks/apple_health_scale.py 2000` for 2,000 MB."""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

HEART, STEPS = "QuantityTypeIdentifierHeartRate", "QuantityTypeIdentifierStepCount"
HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE HealthData [
<!-- HealthKit Export Version: 14 -->
<!ELEMENT HealthData (ExportDate,Me,(Record|Correlation|Workout|ActivitySummary)*)>
<!ATTLIST HealthData locale CDATA #REQUIRED>
]>
<HealthData locale="en_US">
 <ExportDate value="2026-01-01 12:00:00 +0100"/>
"""
RECORD = (
    ' <Record type="HK{kind}" sourceName="{source}" sourceVersion="11.1" device="&lt;&lt;HKDevice: 0x302d8eda0&gt;, '
    "name:Apple Watch, manufacturer:Apple Inc., model:Watch, hardware:Watch7,2, software:11.1&gt;\"{unit} "
    'creationDate="{begin} +0100" startDate="{begin} +0100" endDate="{end} +0100" value="{value}"/>\n'
)


def _record(kind: str, begin: datetime, minutes: float, value: object, unit: str = "", source: str = "Watch") -> str:
    end = begin + timedelta(minutes=minutes)
    return RECORD.format(kind=kind, source=source, begin=begin, end=end, value=value, unit=unit and f' unit="{unit}"')


def day(begin: datetime, pulse: int) -> str:
    """Return one day of records: pulse every few seconds, steps of two devices, six SDNN with beats, a night."""
    parts = [
        _record(HEART, begin + timedelta(seconds=86400 * k / pulse), 0, 60 + k % 40, "count/min")
        for k in range(pulse)
    ]
    for source in ("Watch", "Phone"):
        parts += [
            _record(STEPS, begin + timedelta(hours=7, minutes=6 * k), 5, 40 + k, "count", source)
            for k in range(150)
        ]
    for k in range(6):
        at = begin + timedelta(hours=4 * k)
        inside = "".join(
            f'   <InstantaneousBeatsPerMinute bpm="{60 + j % 3}" time="{at + timedelta(seconds=j):%H:%M:%S}.00"/>\n'
            for j in range(60)
        )
        record = _record("QuantityTypeIdentifierHeartRateVariabilitySDNN", at, 1, 40.5 + k, "ms").replace("/>\n", ">\n")
        close = "  </HeartRateVariabilityMetadataList>\n </Record>\n"
        parts.append(f"{record}  <HeartRateVariabilityMetadataList>\n{inside}{close}")
    night = begin + timedelta(hours=23)
    for k in range(30):
        stage = ("AsleepCore", "AsleepDeep", "AsleepREM", "Awake")[k % 4]
        at = night + timedelta(minutes=15 * k)
        parts.append(_record("CategoryTypeIdentifierSleepAnalysis", at, 15, f"HKCategoryValueSleepAnalysis{stage}"))
    return "".join(parts)


def make(path: Path, megabytes: float, pulse: int = 4000) -> int:
    """Write an export of about that size; return its days."""
    begin, days = datetime(2012, 1, 1), 0
    with path.open("w", encoding="utf-8") as file:
        file.write(HEAD)
        while file.tell() < megabytes * 1e6:
            file.write(day(begin + timedelta(days=days), pulse))
            days += 1
        file.write("</HealthData>\n")
    return days


def measure(path: Path) -> None:
    """Read the export in this process and print time and peak memory."""
    from gutbrain.study.signals.read_apple_health import read_apple_health

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    part = read_apple_health(path)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = path.stat().st_size / 1e6
    rows = ", ".join(f"{len(frame):,} {name}" for name, frame in part.tables.items())
    print(f"{size:,.0f} MB in {seconds:.1f} s ({size / seconds:.0f} MB/s): {rows}")
    print(f"peak memory {peak:.0f} MB, of which {before:.0f} MB before reading")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("megabytes", type=float, nargs="?", default=200.0)
    parser.add_argument("--pulse", type=int, default=4000, help="heart rate records a day")
    parser.add_argument("--read", type=Path, help="an export to read instead of making one")
    given = parser.parse_args()
    if given.read:
        measure(given.read)
        sys.exit()
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder) / "export.xml"
        made = make(export, given.megabytes, given.pulse)
        print(f"made {made} days")
        # Another process, so that what made the file does not count.
        subprocess.run([sys.executable, __file__, "--read", str(export)], check=True)
