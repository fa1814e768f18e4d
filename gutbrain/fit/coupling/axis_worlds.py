"""The typical person's axis in many worlds of belief, as linear systems: drawn once and kept beside this file.

Drawing takes half a minute of compilation; the file answers at once and is left aside where the equations or
parameters of the body have changed since. `python -m gutbrain.fit.coupling.axis_worlds` writes it anew.
"""

from __future__ import annotations

import tokenize
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from gutbrain import body
from gutbrain.body.whole import standard
from gutbrain.fit.coupling.axis_signals import TABLE
from gutbrain.model.axis import Axis
from gutbrain.model.linear import Linear, linear_systems
from gutbrain.people.cohort import Cohort
from gutbrain.run.settle import settle

WORLDS = 32
SEED = 30
FILE = Path(__file__).with_name("axis_worlds.npz")
INPUTS = ("diet.fibre", "diet.resistant_starch", "diet.protein", "protocol.event_rate")
NUMBERS = ("drift", "noise", "outputs", "input_effects", "direct", "rest", "habits")
NAMES = ("states", "units", "signals", "signal_units", "inputs", "input_units")


def drawn(axis: Axis, worlds: int, signals: tuple[str, ...], seed: int = SEED) -> tuple[Linear, ...]:
    """Return the typical person in worlds of belief, settled and linearised around life as he lives it.

    Edges of unknown strength are open: what nobody knows must widen the belief. Worlds in which the linear system
    does not come back to rest are left out.
    """
    closed = [name for name, param in axis.parameters.items() if param.closed]
    cohort = settle(Cohort.draw(axis, 1, worlds, seed, closed), labels=axis.rows[:1])
    inputs = tuple(name for name in INPUTS if name in axis.levers)
    assert cohort.start is not None
    made = linear_systems(
        axis, cohort.parameters, cohort.start, signals=signals, inputs=inputs, around="life", seed=seed
    )
    return tuple(one for one in made if np.isfinite(one.drift).all() and one.growth < 0)


@cache
def worlds_of(axis: Axis, worlds: int, signals: tuple[str, ...]) -> tuple[Linear, ...]:
    """Return `drawn`, once a session."""
    return drawn(axis, worlds, signals)


@cache
def standard_worlds() -> tuple[Linear, ...]:
    """Return the kept worlds of the standard axis; they are drawn anew if the file is not of this body."""
    if FILE.exists():
        kept = np.load(FILE)
        if str(kept["fingerprint"]) == fingerprint():
            names: dict[str, Any] = {key: tuple(str(name) for name in kept[key]) for key in NAMES}
            numbers = {key: kept[key] for key in NUMBERS}
            each = [{key: value[one] for key, value in numbers.items()} for one in range(len(numbers["drift"]))]
            return tuple(Linear(**(names | one)) for one in each)
    return drawn(standard(), WORLDS, tuple(dict.fromkeys(one.signal for one in TABLE)))


def fingerprint() -> str:
    """Return a number that changes with the equations and parameters of the body, not with its comments."""
    found = sha256()
    left_out = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING)
    for file in sorted(Path(str(body.__file__)).parent.glob("*.py")):
        with file.open("rb") as read:
            for token in tokenize.tokenize(read.readline):
                if token.type not in left_out and not token.string.startswith('"""'):
                    found.update(token.string.encode())
    return found.hexdigest()


def keep() -> None:
    """Draw the worlds and write the file."""
    made = drawn(standard(), WORLDS, tuple(dict.fromkeys(one.signal for one in TABLE)))
    kept: dict[str, Any] = {key: np.array(getattr(made[0], key)) for key in NAMES}
    kept |= {key: np.array([getattr(one, key) for one in made]) for key in NUMBERS}
    np.savez_compressed(FILE, fingerprint=np.array(fingerprint()), **kept)
    print(f"{len(made)} of {WORLDS} worlds kept in {FILE.name}")


if __name__ == "__main__":
    keep()
