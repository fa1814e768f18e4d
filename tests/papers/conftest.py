"""Papers share runs: scenarios of `benchmarks` are computed once a session."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))


def pytest_configure(config):
    """Name the marker of tests that take more than ten seconds."""
    config.addinivalue_line("markers", "calibration: targets that take more than ten seconds to compute")
