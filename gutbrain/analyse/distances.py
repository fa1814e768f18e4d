"""Stub for the time of a move."""

import sys

from gutbrain.analyse.communities import distances as moved

sys.modules[__name__] = moved
