"""Which unknowns an outcome hangs on: Morris screening, Sobol indices, and what a measurement would tell."""

FEWEST = 4  # trajectories: below, mu* has no spread of its own
