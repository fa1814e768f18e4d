r"""Printed equations as trees: read from the printer's LaTeX, written as LaTeX or MathML.

The equations that `gutbrain.model.printed` prints use some twenty macros, so a small tree of our own writes both
forms from the one print; a converter would be a dependency that cannot break lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from math import pi

from gutbrain.errors import InputError

TOKEN = re.compile(
    r"\\begin\{cases\}|\\end\{cases\}|\\left[(\[|.]|\\right[)\]|.]|\\text\{[^{}]*\}|\\operatorname\{[^{}]*\}"
    r"|\\[a-zA-Z]+|\\.|[0-9]+(?:\.[0-9]+)?|\s+|."
)
# Macro -> the sign it draws.
SIGNS = {
    r"\cdot": "·", r"\geq": "≥", r"\leq": "≤", r"\ge": "≥", r"\le": "≤", r"\neq": "≠", r"\wedge": "∧", r"\vee": "∨",
    r"\sigma": "σ", r"\pi": "π", r"\infty": "∞", r"\sum": "∑", r"\times": "×",
}  # fmt: skip
NAMES = ("max", "min", "log", "exp", "cos", "sin", "tan", "tanh", "cosh", "sinh", "bmod", "for", "otherwise")
SPACES = (r"\,", r"\;", r"\:", r"\ ", r"\!", r"\quad")
TURN = f"{2 * pi:.15g}"  # as sympy prints it


@dataclass(frozen=True)
class Word:
    """A name in upright letters, as fields of compartments have."""

    text: str


@dataclass(frozen=True)
class Sign:
    """A number, letter, operator or bracket; `macro` is how LaTeX writes it."""

    text: str
    macro: str = ""


@dataclass(frozen=True)
class Gap:
    """A space; between factors it is a sign of multiplication, and a line may break before it."""

    times: bool = False


@dataclass(frozen=True)
class Scripted:
    """Something with an index below or a power above."""

    base: Node
    below: Nodes = ()
    above: Nodes = ()


@dataclass(frozen=True)
class Fraction:
    """One thing over another."""

    over: Nodes
    under: Nodes


@dataclass(frozen=True)
class Root:
    """A square root."""

    inner: Nodes


@dataclass(frozen=True)
class Bracket:
    """What stands between round brackets that grow with it."""

    inner: Nodes


@dataclass(frozen=True)
class Cases:
    """Values with the condition under which each holds; the last holds otherwise."""

    rows: tuple[tuple[Nodes, Nodes], ...]


SIDES = (("prefix", "("), ("postfix", ")"))
Node = Word | Sign | Gap | Scripted | Fraction | Root | Bracket | Cases
Nodes = tuple[Node, ...]


def parse(latex: str) -> Nodes:
    """Read a printed equation.

    Raises
    ------
    InputError
        For a bracket that stays open, or a macro that the printer does not use.
    """
    tokens = [token for token in TOKEN.findall(latex) if not token.isspace()]
    found, left = _sequence(tokens, ())
    if left:
        raise InputError(f"the printed equation has {left[0]!r} without its begin: {latex[:60]}")
    return found


def _sequence(tokens: list[str], ends: tuple[str, ...]) -> tuple[Nodes, list[str]]:
    """Read until one of `ends`, which stays the first of what is left."""
    found: list[Node] = []
    while tokens and tokens[0] not in ends:
        if tokens[0] in ("}", r"\end{cases}", "&", r"\\") or tokens[0].startswith(r"\right"):
            return tuple(found), tokens
        if tokens[0] in ("_", "^"):
            script, rest = _argument(tokens[1:])
            base = found.pop() if found else Word("")
            last = base if isinstance(base, Scripted) else Scripted(base)
            below, above = (script, last.above) if tokens[0] == "_" else (last.below, script)
            long_power = last.base == Sign("e") and any(not isinstance(node, Sign) for node in above)
            found += [Sign("exp", r"\exp"), Bracket(above)] if long_power else [Scripted(last.base, below, above)]
            tokens = rest
            continue
        nodes, tokens = _one(tokens)
        found += [Gap()] if nodes == (Gap(times=True),) and found[-1:] in ([Sign("d")], [Sign(",")]) else nodes
    return tuple(found), tokens


def _one(tokens: list[str]) -> tuple[Nodes, list[str]]:
    """Read one thing from the front."""
    token, rest = tokens[0], tokens[1:]
    if token == "{":
        return _argument(tokens)
    if token == r"\frac":
        over, rest = _argument(rest)
        under, rest = _argument(rest)
        return (Fraction(over, under),), rest
    if token == r"\sqrt":
        inner, rest = _argument(rest)
        return (Root(inner),), rest
    if token.startswith(r"\left"):
        inner, rest = _sequence(rest, (r"\right)", r"\right]", r"\right|", r"\right."))
        if token != r"\left(":
            end = rest[0][-1] if rest else ""
            return (Sign(token[-1]), *inner, Sign(end)), _closed(rest, r"\right" + end)
        return (Bracket(inner),), _closed(rest, r"\right)")
    if token == r"\begin{cases}":
        rows = []
        while True:
            value, rest = _sequence(rest, ("&",))
            condition, rest = _sequence(_closed(rest, "&"), (r"\\", r"\end{cases}"))
            rows.append((bare(value), bare(tuple(part for part in condition if part != Word("for")))))
            if not rest or rest[0] != r"\\":
                return (Cases(tuple(rows)),), _closed(rest, r"\end{cases}")
            rest = rest[1:]
    if token.startswith((r"\text{", r"\operatorname{")):
        return (Word(token[token.index("{") + 1 : -1].strip()),), rest
    if token in SPACES:
        return (Gap(times=token == r"\,"),), rest
    if token in SIGNS:
        return (Sign(SIGNS[token], token),), rest
    if token[1:] in NAMES and token[0] == "\\":
        return (Sign(token[1:].replace("bmod", "mod"), token),), rest
    if token[0] == "\\" and token not in (r"\{", r"\}", r"\%"):
        raise InputError(f"the printed equation uses {token!r}, which is not known here")
    if token == TURN:
        return (Sign("2"), Sign("π", r"\pi")), rest
    return (Sign(token.lstrip("\\"), token if token[0] == "\\" else ""),), rest


def bare(nodes: Nodes) -> Nodes:
    """Return nodes without the gaps at both ends."""
    while nodes and isinstance(nodes[0], Gap):
        nodes = nodes[1:]
    while nodes and isinstance(nodes[-1], Gap):
        nodes = nodes[:-1]
    return nodes


def _argument(tokens: list[str]) -> tuple[Nodes, list[str]]:
    """Read what stands in braces, or one thing without them."""
    if tokens and tokens[0] == "{":
        inner, rest = _sequence(tokens[1:], ("}",))
        return inner, _closed(rest, "}")
    return _one(tokens)


def _closed(tokens: list[str], end: str) -> list[str]:
    if not tokens or tokens[0] != end:
        raise InputError(f"the printed equation lacks {end!r}")
    return tokens[1:]


# -- the two forms ------------------------------------------------------------------------------


def to_latex(nodes: Nodes) -> str:
    """Write something as LaTeX."""
    return " ".join(map(_latex, nodes))


def _latex(node: Node) -> str:
    if isinstance(node, Word):
        return r"\text{" + node.text + "}"
    if isinstance(node, Sign):
        return node.macro or {"{": r"\{", "}": r"\}", "%": r"\%"}.get(node.text, node.text)
    if isinstance(node, Gap):
        return r"\cdot" if node.times else r"\,"
    if isinstance(node, Fraction):
        return r"\frac{" + to_latex(node.over) + "}{" + to_latex(node.under) + "}"
    if isinstance(node, Root):
        return r"\sqrt{" + to_latex(node.inner) + "}"
    if isinstance(node, Bracket):
        return r"\left(" + to_latex(node.inner) + r"\right)"
    if isinstance(node, Cases):
        rows = [to_latex(value) + " & " + _when(when) for value, when in node.rows]
        return r"\begin{cases}" + r" \\ ".join(rows) + r"\end{cases}"
    below = "_{" + to_latex(node.below) + "}" if node.below else ""
    above = "^{" + to_latex(node.above) + "}" if node.above else ""
    return _latex(node.base) + below + above


def _when(when: Nodes) -> str:
    return r"\text{otherwise}" if when == (Word("otherwise"),) else r"\text{if } " + to_latex(when)


def to_mathml(nodes: Nodes) -> str:
    """Write something as the inside of a MathML element."""
    return "".join(map(_mathml, nodes))


def _row(nodes: Nodes) -> str:
    return "<mrow>" + to_mathml(nodes) + "</mrow>"


def _mathml(node: Node) -> str:
    if isinstance(node, Word):
        return f"<mtext>{escape(node.text)}</mtext>"
    if isinstance(node, Sign):
        if node.text.replace(".", "").isdigit():
            return f"<mn>{node.text}</mn>"
        if node.text.isalpha() and node.text != "∑":
            upright = ' mathvariant="normal"' if len(node.text) == 1 and node.macro else ""
            return f"<mi{upright}>{node.text}</mi>"
        if node.text == "=":
            return '<mo form="infix">=</mo>'
        fixed = ' stretchy="false" lspace="0" rspace="0"' if node.text in "()[]{}|/" else ""
        return f"<mo{fixed}>{escape(node.text.replace('-', '−'))}</mo>"
    if isinstance(node, Gap):
        return "<mo>·</mo>" if node.times else '<mspace width="0.22em"/>'
    if isinstance(node, Fraction):
        return f"<mfrac>{_row(node.over)}{_row(node.under)}</mfrac>"
    if isinstance(node, Root):
        return f"<msqrt>{to_mathml(node.inner)}</msqrt>"
    if isinstance(node, Bracket):
        start, end = (f'<mo form="{form}" lspace="0" rspace="0">{sign}</mo>' for form, sign in SIDES)
        return f"<mrow>{start}{to_mathml(node.inner)}{end}</mrow>"
    if isinstance(node, Cases):
        rows = "".join(
            f"<mtr><mtd>{_row(value)}</mtd><mtd>{'' if when == (Word('otherwise'),) else '<mtext>if&#160;</mtext>'}"
            f"{_row(when)}</mtd></mtr>" for value, when in node.rows
        )  # fmt: skip
        return f"<mrow><mo>{{</mo><mtable>{rows}</mtable></mrow>"
    base, below, above = _mathml(node.base), _row(node.below), _row(node.above)
    if node.base == Sign("∑", r"\sum"):
        return f"<munder>{base}{below}</munder>"
    if node.below and node.above:
        return f"<msubsup>{base}{below}{above}</msubsup>"
    return f"<msub>{base}{below}</msub>" if node.below else f"<msup>{base}{above}</msup>"
