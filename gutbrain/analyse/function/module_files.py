"""Files of functional modules: which steps a pathway of microbes has, and which genes do each step.

Gut-brain and gut metabolic modules are published in the text format of Omixer-RPM. A module begins with a line of
its identifier and its name, holds one line a step, and ends with `///`. In a step, tabs stand between alternatives
and commas between genes that are needed together. No module file comes with the package: the user names one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gutbrain.errors import InputError

END = "///"
BYTE_ORDER_MARK = "\ufeff"

Step = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Module:
    """One functional module.

    Parameters
    ----------
    module : identifier, such as MGB037
    name : what it does, such as "S-Adenosylmethionine synthesis"
    steps : for each step its alternatives, for each alternative the genes that are needed together
    """

    module: str
    name: str
    steps: tuple[Step, ...]

    @property
    def genes(self) -> frozenset[str]:
        """All identifiers of genes that the module names."""
        return frozenset(gene for step in self.steps for alternative in step for gene in alternative)


@dataclass(frozen=True)
class ModuleFile:
    """The modules of one file, in its order, and what was noticed in it."""

    modules: tuple[Module, ...]
    source: str
    notes: tuple[str, ...] = ()

    @property
    def genes(self) -> frozenset[str]:
        """All identifiers of genes that any module names."""
        return frozenset().union(*(module.genes for module in self.modules))


def read_modules(path: str | Path, names: str | Path | None = None) -> ModuleFile:
    """Read a file of modules.

    Parameters
    ----------
    path : text file in the format of Omixer-RPM
    names : table of identifier, tab, name; overrides the names of the module file

    Raises
    ------
    InputError
        For a file that cannot be read, a module without steps, one that stands twice with different steps, a gene
        with a blank in it (the sign of a forgotten `///`), or an alternative that names nothing.

    Notes
    -----
    Format: Darzi, Falony, Vieira-Silva & Raes 2016, doi 10.1038/ismej.2015.188. Modules: gut metabolic,
    Vieira-Silva 2016, doi 10.1038/nmicrobiol.2016.88; gut-brain, Valles-Colomer 2019, doi 10.1038/s41564-018-0337-x.
    """
    source = Path(path)
    read: dict[str, Module] = {}
    repeated: list[str] = []
    head: tuple[str, str, int] | None = None
    steps: list[Step] = []

    def close() -> None:
        if head is None:
            return
        identifier, name, line = head
        if not steps:
            raise InputError(f"module {identifier} has no steps", file=source, row=line, mend="Give one line a step")
        made = Module(identifier, name, tuple(steps))
        if identifier in read and read[identifier].steps != made.steps:
            what = f"module {identifier} stands twice, with different steps"
            raise InputError(what, file=source, row=line, mend="Keep one of them")
        repeated.extend([identifier] if identifier in read else [])
        read.setdefault(identifier, made)

    for line, text in enumerate(_lines(source), start=1):
        if text.strip() == END:
            close()
            head, steps = None, []
        elif not text.strip() or text.startswith("#"):
            continue
        elif head is None:
            identifier, _, name = text.strip().partition("\t")
            head = (identifier.strip(), name.strip() or identifier.strip(), line)
        else:
            steps.append(_step(text, source, line))
    close()  # the last end mark may be missing
    if not read:
        raise InputError("the file holds no module", file=source, mend=f"A module is closed by {END}")
    known = {} if names is None else read_names(names)
    modules = tuple(Module(m.module, known.get(m.module, m.name), m.steps) for m in read.values())
    told = f"{', '.join(repeated)} stood twice with the same steps and was read once"
    return ModuleFile(modules, source.name, (told,) if repeated else ())


def read_names(path: str | Path) -> dict[str, str]:
    """Read a table of identifiers and names, separated by a tab.

    Raises
    ------
    InputError
        For a file that cannot be read, or a line without a tab.
    """
    source = Path(path)
    names: dict[str, str] = {}
    for line, text in enumerate(_lines(source), start=1):
        if not text.strip():
            continue
        identifier, tab, name = text.strip().partition("\t")
        if not tab:
            raise InputError("there is no tab between identifier and name", file=source, row=line, mend="Write both")
        names[identifier.strip()] = name.strip()
    return names


def _lines(source: Path) -> list[str]:
    try:
        text = source.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError("this is no text in UTF-8", file=source, mend="Give a plain text file") from error
    except OSError as error:
        what = f"the file cannot be read: {error.strerror or error}"
        raise InputError(what, file=source, mend="Check the path") from error
    return text.removeprefix(BYTE_ORDER_MARK).splitlines()


def _step(text: str, source: Path, line: int) -> Step:
    alternatives = [part.strip() for part in text.strip().split("\t") if part.strip()]
    made = []
    for alternative in alternatives:
        genes = tuple(gene.strip() for gene in alternative.split(","))
        # The published file of gut metabolic modules ends such a line with a tab, never with a comma.
        if "" in genes:
            raise InputError(f"{alternative!r} names nothing beside a comma", file=source, row=line, mend="Drop it")
        blank = next((gene for gene in genes if len(gene.split()) > 1), "")
        if blank:
            raise InputError(
                f"{blank!r} is no identifier of a gene", file=source, row=line,
                mend=f"Close the module before by {END}; put tabs between alternatives, commas between parts",
            )  # fmt: skip
        made.append(genes)
    return tuple(made)
