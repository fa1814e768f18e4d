"""Stub for the time of a move."""

import sys

from gutbrain.analyse.taxa import zeros as moved

sys.modules[__name__] = moved
