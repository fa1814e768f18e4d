"""Command `gutbrain channel`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gutbrain.errors import InputError
from gutbrain.folder import refuse_existing

if TYPE_CHECKING:
    from collections.abc import Callable

    from gutbrain.run.channel_people import Channel

PEOPLE = {"both": ("healthy", "stressed"), "healthy": ("healthy",), "stressed": ("stressed",)}
LEAST_WORLDS = 10


def add_channel(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the parser of `gutbrain channel`."""
    channel = commands.add_parser("channel", help="show the axis as a two-way channel: gain, delay, bandwidth")
    channel.add_argument("--down", action="append", default=[], metavar="PAIR",
                         help='from brain to gut, as "protocol.chronic_load -> barrier.permeability"')  # fmt: skip
    channel.add_argument("--up", action="append", default=[], metavar="PAIR",
                         help='from gut to brain, as "colon.butyrate -> mind.negative_affect"')  # fmt: skip
    channel.add_argument("--person", choices=tuple(PEOPLE), default="both", help="whose day (both)")
    channel.add_argument("--weeks", type=float, default=8, help="weeks of stress of the stressed person")
    channel.add_argument("--worlds", type=int, default=0, help="draws of belief, for ranges with closed arrows opened")
    channel.add_argument("--open", nargs="+", metavar="PARAM", help="closed strengths that are opened (those from gut "
                         "to brain); needs --worlds")  # fmt: skip
    channel.add_argument("--seed", type=int, default=1, help="seed of all draws")
    channel.add_argument("--axis", default="standard", help="name of the axis")
    channel.add_argument("--out", type=Path, help="folder to write: report, tables, figures")
    channel.add_argument("--force", action="store_true", help="replace the folder if it exists")
    channel.add_argument("--quiet", action="store_true", help="no progress bar")
    return channel


def channel(options: argparse.Namespace, command: str, progress: Callable[[str, int, int], None] | None = None) -> int:
    """Run `gutbrain channel`."""
    _refuse(options)
    from gutbrain.body.whole import AXES
    from gutbrain.model.axis import nearest
    from gutbrain.run.channel import pairs_of
    from gutbrain.run.channel_people import channel as read_as_channel
    from gutbrain.run.channel_people import refuse_unopenable

    if options.axis not in AXES:
        raise InputError(f"--axis: no axis {options.axis!r}{nearest(options.axis, AXES)}")
    axis = AXES[options.axis]()
    pairs = pairs_of(axis, options.down, options.up)
    refuse_unopenable(axis, options.open or ())
    found = read_as_channel(
        axis, pairs, PEOPLE[options.person], weeks=options.weeks, worlds=options.worlds, opened=options.open,
        seed=options.seed, progress=progress,
    )  # fmt: skip
    print("\n".join(told(found)))
    if options.out is not None:
        from gutbrain.show.channel_folder import write_channel

        write_channel(found, options.out, options.force, command)
        print(f"\n{options.out / 'report.html'}")
    return 0


def _refuse(options: argparse.Namespace) -> None:
    """Refuse what cannot be before anything is computed."""
    if options.out is not None:
        refuse_existing(options.out, options.force)
    if not 1 <= options.weeks <= 104:
        raise InputError(f"--weeks must be from 1 to 104, not {options.weeks:g}")
    if options.worlds and options.worlds < LEAST_WORLDS:
        raise InputError(f"--worlds must be 0 or at least {LEAST_WORLDS}, not {options.worlds}",
                         mend="Fewer give no 90 % range")  # fmt: skip
    if options.open and not options.worlds:
        raise InputError("--open draws strengths from their prior, so it needs worlds", mend="Give --worlds 20")
    if options.seed < 0:
        raise InputError(f"--seed must be 0 or more, not {options.seed}")


def told(found: Channel) -> list[str]:
    """Return what is printed: the short answer, then a line an answer."""
    from gutbrain.show.channel_page import verdict
    from gutbrain.show.channel_words import certainty_said, percent_said, push_said, time_said, way_said
    from gutbrain.show.listing import columns

    rows = []
    for person, answers in found.answers.items():
        for one in answers:
            speed = (time_said(one.half_time), time_said(one.bandwidth)) if one.gain else ("–", "–")
            moved = percent_said(one.usual_percent) if one.grade else "–"
            rows.append((way_said(one), person, push_said(one), moved, *speed, certainty_said(one.grade)))
    heads = ("way", "person", "usual push", "answer", "half after", "bandwidth", "lowest certainty on any way")
    notes = "Answers in % of where the output stands, to a lasting push; linear, so for small pushes."
    return [*verdict(found), "", columns(sorted(rows, key=lambda row: 0), heads), notes]
