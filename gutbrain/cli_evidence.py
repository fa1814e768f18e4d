"""Command `gutbrain evidence`."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from gutbrain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gutbrain.evidence.dossier import Dossier
    from gutbrain.show.evidence_listing import Parameters

USES = ("calibrate", "predict", "construction", "context")
ENDINGS = {"html": (".html", ".htm"), "graph": (".svg", ".png")}


def add_evidence(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the parser of `gutbrain evidence`."""
    evidence = commands.add_parser("evidence", help="say what is known about an arrow, and how well")
    evidence.add_argument("name", nargs="?", default="", help="signal, compartment, arrow, pathway, topic or finding; "
                          "an overview without it")  # fmt: skip
    evidence.add_argument("--arrow", default="", help='one arrow, as "blood.il6 -> affect"')
    evidence.add_argument("--use", choices=USES, default="", help="only findings of which the model makes this use")
    form = evidence.add_mutually_exclusive_group()
    form.add_argument("--html", action="store_true", help="one self-contained page (needs --out)")
    form.add_argument("--json", action="store_true", help="print data instead of text")
    form.add_argument("--graph", action="store_true", help="the axis by certainty, as SVG or PNG (needs --out)")
    evidence.add_argument("--out", type=Path, help="file to write")
    evidence.add_argument("--force", action="store_true", help="replace the file if it exists")
    return evidence


def evidence(options: argparse.Namespace, command: str, progress: Callable[[str, int, int], None] | None = None) -> int:
    """Run `gutbrain evidence`."""
    asked = _refuse_options(options)
    made = _made(options, asked, command)
    if options.out is None:
        print(made)
        return 0
    _write(options.out, made if isinstance(made, bytes) else made.rstrip("\n").encode() + b"\n", options.force)
    print(options.out)
    return 0


def _refuse_options(options: argparse.Namespace) -> str:
    """Refuse what cannot be before anything is read; return what is asked for."""
    if options.name and options.arrow:
        raise InputError("a name and --arrow ask for two things", mend="Leave one of them out")
    if options.arrow and "->" not in options.arrow:
        raise InputError(f"--arrow {options.arrow!r} is no arrow", mend='Write it as "blood.il6 -> affect"')
    asked = options.name or options.arrow
    if options.graph and (asked or options.use):
        raise InputError("--graph draws the whole axis", mend="Leave out the name, --arrow and --use")
    for form, endings in ENDINGS.items():
        if not getattr(options, form):
            continue
        if options.out is None:
            raise InputError(f"--{form} writes a file, and nothing says which", mend=f"Give --out FILE{endings[0]}")
        if options.out.suffix.lower() not in endings:
            given = options.out.suffix or "a file without ending"
            raise InputError(
                f"--{form} writes {' or '.join(endings)}, not {given}",
                mend=f"Give --out {options.out.stem}{endings[0]}",
            )
    if options.out is not None:
        ending = options.out.suffix.lower()
        for form, endings in ENDINGS.items():
            if ending in endings and not getattr(options, form):
                raise InputError(f"--out {options.out} ends like what --{form} writes, and that is not asked for",
                                 mend=f"Give --{form}, or end it in .txt")  # fmt: skip
        _refuse(options.out, options.force)
    return asked


def _made(options: argparse.Namespace, asked: str, command: str) -> str | bytes:
    """Return what is printed or written."""
    from gutbrain.evidence.dossier import dossier
    from gutbrain.show import evidence_listing

    if options.graph:
        from gutbrain.body.whole import standard
        from gutbrain.show.evidence_graph import evidence_graph

        picture = evidence_graph(standard())
        if options.out.suffix.lower() == ".svg":
            return picture
        import vl_convert

        return bytes(vl_convert.svg_to_png(picture, scale=2))
    found = dossier(asked, options.use) if asked else None
    if options.html:
        from gutbrain.show.evidence_page import dossier_page, overview_page

        return (
            dossier_page(found, _parameters(found), command, options.use)
            if found
            else overview_page(options.use, command)
        )
    if found is None and options.json:
        return json.dumps(evidence_listing.overview_data(options.use), indent=1, ensure_ascii=False)
    if found is None:
        return evidence_listing.overview(options.use)
    if options.json:
        return json.dumps(evidence_listing.evidence_data(found, _parameters(found)), indent=1, ensure_ascii=False)
    return evidence_listing.evidence_text(found, _parameters(found), options.use)


def _parameters(found: Dossier) -> Parameters:
    """Return the parameters of the standard axis, if any arrow needs one."""
    if not any(found.arrows["strength_parameter"]):
        return {}
    from gutbrain.body.whole import standard

    return standard().parameters


def _refuse(out: Path, force: bool) -> None:
    if out.is_dir():
        raise InputError("a folder stands there", file=out, mend="Choose another --out")
    if out.exists() and not force:
        raise InputError(f"{out} exists already; nothing was written", mend="Choose another --out, or give --force")


def _write(out: Path, content: bytes, force: bool) -> None:
    """Write a file whole or not at all."""
    work = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _refuse(out, force)
        handle, work = tempfile.mkstemp(prefix=f".{out.name}-", dir=out.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(work).chmod(0o644)
        Path(work).replace(out)
    except OSError as error:
        raise InputError(f"cannot write: {error.strerror or error}", file=out, mend="Choose another --out") from error
    finally:
        if work is not None:
            Path(work).unlink(missing_ok=True)
