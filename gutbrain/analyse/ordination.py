"""Stub for the time of a move."""

import sys

from gutbrain.analyse.communities import ordination as moved

sys.modules[__name__] = moved
