"""What the workers of a test's cluster are told, those that come later as well."""

from __future__ import annotations

import crowd
from distributed import WorkerPlugin


class Know(WorkerPlugin):
    """Let every worker know the axis of the tests."""

    name = "crowd"

    def setup(self, worker: object) -> None:
        """Called on each worker when it starts."""
        crowd.know()
