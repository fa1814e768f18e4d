"""Stub for the time of a move."""

import sys

from gutbrain.analyse.models import mmrm_covariances as moved

sys.modules[__name__] = moved
