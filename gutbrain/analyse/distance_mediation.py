"""Stub for the time of a move."""

import sys

from gutbrain.analyse.paths import distance_mediation as moved

sys.modules[__name__] = moved
