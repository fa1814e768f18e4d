"""Work for tests that workers find by name, without a simulator."""

from __future__ import annotations

import os
from pathlib import Path

from gutbrain.run.threads import allowed


def square(task, told):
    """Return the square, and how many threads an engine may use here."""
    return task**2, allowed()


def fragile(flag: Path, task, told):
    """Do the same, but the process of task 3 dies the first time."""
    if task == 3 and not flag.exists():
        flag.touch()
        os.kill(os.getpid(), 9)
    return square(task, told)
