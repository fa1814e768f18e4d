"""Small models, sound and broken, and one reading of the standard axis for the whole session."""

import numpy as np
import pytest

from gutbrain.body.barrier import Barrier
from gutbrain.body.whole import standard
from gutbrain.model.axis import Axis


@pytest.fixture(scope="session")
def barrier():
    """The barrier alone: every input is a lever."""
    return Axis(Barrier(), name="barrier")


@pytest.fixture(scope="session")
def whole():
    """The standard axis."""
    return standard()


@pytest.fixture(scope="session")
def random_case():
    """Make random states and lever offsets of an axis, five people."""

    def make(axis, seed=0, people=5):
        rng = np.random.default_rng(seed)
        start, (low, high) = axis.start(axis.defaults()), axis.bounds
        y = start * np.exp(0.3 * rng.normal(size=(len(start), people))) + 0.01
        levers = {}
        for lever in axis.levers.values():
            for label in lever.over or ("",):
                name = f"{lever.signal}[{label}]" if label else lever.signal
                levers[name] = rng.uniform(0, 0.5 * (lever.high or 1.0), people)
        return np.clip(y, low[:, None], high[:, None]), axis.coherent(axis.defaults()), levers

    return make
