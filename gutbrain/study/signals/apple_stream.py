"""Apple's export read element by element: no entities, no tree, memory that does not grow with the file."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO
from xml.parsers import expat

from gutbrain.errors import InputError

CHUNK = 1024 * 1024  # bytes
HEAD = 1024 * 1024  # bytes in which the document type and the root must stand
LARGEST = 4 * 1024**3  # bytes that an archive may unpack to
RATIO = 200  # unpacked over packed bytes; Apple's own exports lie near 20
TOKEN = 16 * 1024**2  # bytes of one element; Apple's have below 2 kB
ROOT = b"<HealthData"
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)
AGAIN = "Export again (Health, picture, Export All Health Data) and give the export.zip as it comes"


@contextmanager
def open_export(path: Path) -> Iterator[IO[bytes]]:
    """Open export.xml, alone or inside export.zip, whatever the language of its name.

    Raises
    ------
    InputError
        For a missing, empty or encrypted file, an archive without an export, or one that unpacks beyond all measure.
    """
    if not path.is_file():
        what = "this is a folder, not a file" if path.is_dir() else "there is no such file"
        raise InputError(what, file=path, mend="Give export.zip or export.xml")
    with path.open("rb") as file:
        packed = file.read(4) == b"PK\x03\x04"
        file.seek(0)
        if not packed:
            yield file
            return
        try:
            with zipfile.ZipFile(file) as archive, archive.open(_member(path, archive)) as member:
                yield member
        except InputError:
            raise
        except BROKEN as error:
            raise InputError(f"the archive is broken ({error})", file=path, mend=AGAIN) from error


def _member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    entries = archive.infolist()
    for entry in entries:
        place = PurePosixPath(entry.filename.replace("\\", "/"))
        if place.is_absolute() or ".." in place.parts:
            raise InputError(f"the archive names a place outside itself ({entry.filename!r})", file=path, mend=AGAIN)
    size = sum(entry.file_size for entry in entries)
    worst = max(entries, key=lambda entry: entry.file_size / max(entry.compress_size, 1), default=None)
    if size > LARGEST or (worst and worst.file_size > 10**6 and worst.file_size > RATIO * max(worst.compress_size, 1)):
        what = f"the archive unpacks to {size / 1e9:.1f} GB: a zip bomb?"
        raise InputError(what, file=path, mend="If it is Apple's, unpack it and give export.xml")
    for entry in sorted(entries, key=lambda entry: -entry.file_size):
        if entry.filename.lower().endswith(".xml") and not entry.is_dir():
            if entry.flag_bits & 1:
                raise InputError("the archive is encrypted", file=path, mend="Unpack it and give export.xml")
            with archive.open(entry) as member:
                if ROOT in member.read(HEAD):
                    return entry
    raise InputError("the archive holds no export of Apple Health", file=path, mend=AGAIN)


def stream(path: Path, element: Callable[[str, dict[str, str]], None], progress: Callable[[int], None] | None) -> None:
    """Call `element` for the begin of every element of an export, in order.

    Parameters
    ----------
    path : export.xml or export.zip
    element : called with the name and the attributes
    progress : called with the number of bytes read

    Raises
    ------
    InputError
        For XML that is broken or breaks off, that declares entities, or that is no export of Apple Health.
    """
    parser = expat.ParserCreate()
    parser.StartElementHandler = element
    parser.EntityDeclHandler = _refuse_entity
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    done = 0
    with open_export(path) as file:
        try:
            chunk = _without_doctype(path, file.read(HEAD))
            while chunk:
                done += len(chunk)
                if done > LARGEST:
                    raise InputError("this export has more than 4 GB", file=path, mend="Give an export of fewer years")
                parser.Parse(chunk, False)
                if done - max(parser.CurrentByteIndex, 0) > TOKEN:
                    raise InputError("one element has more than 16 MB", mend=AGAIN)
                if progress:
                    progress(done)
                chunk = file.read(CHUNK)
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            what = f"the XML is broken or breaks off ({expat.errors.messages.get(error.code, 'unknown')})"
            raise InputError(what, file=path, row=error.lineno, mend=AGAIN) from error
        except InputError as error:
            if error.file is not None:
                raise
            raise InputError(error.what, file=path, row=parser.CurrentLineNumber, mend=error.mend) from error
        finally:
            # The handlers hold the reader, which holds the parser: let go of them.
            parser.StartElementHandler = parser.EntityDeclHandler = None


def _without_doctype(path: Path, head: bytes) -> bytes:
    """Blank the document type: Apple's has no entities, and that of iOS 16 is not well-formed."""
    if not head:
        raise InputError("the file is empty", file=path, mend=AGAIN)
    root = head.find(ROOT)
    if root < 0 and b"\x00" not in head[:64]:
        raise InputError("this is no export of Apple Health (it has no <HealthData>)", file=path, mend=AGAIN)
    if re.search(rb"<!ENTITY", head[: max(root, 0)], re.IGNORECASE):
        _refuse_entity(path)
    begin = head.find(b"<!DOCTYPE", 0, max(root, 0))
    if begin < 0:
        return head
    return head[:begin] + b"\n" * head.count(b"\n", begin, root) + head[root:]


def _refuse_entity(*declared: object) -> None:
    file = declared[0] if isinstance(declared[0], Path) else None
    raise InputError("the XML declares entities, which Apple's export never does", file=file, mend=AGAIN)
