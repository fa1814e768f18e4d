"""Printed equations broken into lines that fit a page; wide parts that stand twice get a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields

from gutbrain.export.formula import (
    NAMES,
    Bracket,
    Cases,
    Fraction,
    Gap,
    Node,
    Nodes,
    Root,
    Scripted,
    Sign,
    Word,
    bare,
)

BREAKS = ("+", "-", ">", "<", "=", "≥", "≤", "∧", "∨")
REPEATED = 24.0  # least width of what is named when it stands twice
CROWDED = 200.0  # width above which repeated parts are named


def width(nodes: Nodes) -> float:
    """Return about how many letters wide something prints."""
    return sum(map(_width, nodes))


def _width(node: Node) -> float:
    if isinstance(node, Word):
        return len(node.text)
    if isinstance(node, Sign):
        return len(node.text) + (2.0 if node.text in BREAKS else 0.5 if len(node.text) > 1 else 0.0)
    if isinstance(node, Scripted):
        return _width(node.base) + 0.75 * max(width(node.below), width(node.above))
    if isinstance(node, Fraction):
        return max(width(node.over), width(node.under)) + 0.6
    if isinstance(node, Cases):
        value, condition = (max(width(row[i]) for row in node.rows) for i in (0, 1))
        return value + condition + 6
    if isinstance(node, Bracket | Root):
        return width(node.inner) + 2
    return 1.3 if node.times else 0.4


def named_parts(nodes: Nodes) -> tuple[Nodes, list[tuple[Node, Nodes]]]:
    """Give a name to wide parts that stand more than once; return the rest and the names with what they stand for."""
    parts: list[tuple[Node, Nodes]] = []
    while width(nodes) + sum(width(part) for _, part in parts) > CROWDED:
        counts = Counter(part for whole in (nodes, *(p for _, p in parts)) for node in whole for part in _inside(node))
        gain = {node: (count - 1) * _width(node) for node, count in counts.items()
                if count > 1 and _width(node) > REPEATED and _nameable(node)}  # fmt: skip
        if not gain:
            break
        most = max(gain, key=lambda node: (gain[node], repr(node)))
        name = Scripted(Sign("x"), (Sign(str(len(parts) + 1)),))
        new = most.inner if isinstance(most, Bracket) else (most,)
        nodes = _swapped(nodes, most, name)
        parts = [(known, _swapped(part, most, name)) for known, part in parts]
        parts.append((name, new))
    return nodes, parts


def _nameable(node: Node) -> bool:
    """Say whether a part has a value of its own; the arguments of a function have none."""
    return isinstance(node, Fraction | Cases) or (isinstance(node, Bracket) and Sign(",") not in node.inner)


def _inside(node: Node) -> Iterator[Node]:
    yield node
    for nodes in _below(node):
        for inner in nodes:
            yield from _inside(inner)


def _below(node: Node) -> Iterator[Nodes]:
    if isinstance(node, Cases):
        for row in node.rows:
            yield from row
    elif isinstance(node, Scripted):
        yield from ((node.base,), node.below, node.above)
    elif isinstance(node, Fraction | Root | Bracket):
        yield from (getattr(node, one.name) for one in fields(node))


def _swapped(nodes: Nodes, old: Node, new: Node) -> Nodes:
    return tuple(_swapped_one(node, old, new) for node in nodes)


def _swapped_one(node: Node, old: Node, new: Node) -> Node:
    if node == old:
        return new
    if isinstance(node, Cases):
        return Cases(tuple((_swapped(value, old, new), _swapped(when, old, new)) for value, when in node.rows))
    if isinstance(node, Scripted):
        return Scripted(_swapped_one(node.base, old, new), *(_swapped(n, old, new) for n in (node.below, node.above)))
    if isinstance(node, Fraction | Root | Bracket):
        changed = type(node)(*(_swapped(nodes, old, new) for nodes in _below(node)))
        return new if changed == Bracket((new,)) else changed
    return node


def lines(nodes: Nodes, room: float) -> list[Nodes]:
    """Break something into lines of at most `room` letters: before signs, then between factors, then in brackets."""
    found: list[Nodes] = []
    for piece in _pieces(nodes, room):
        if found and width(found[-1]) + width(piece) <= room:
            found[-1] = (*found[-1], *piece)
        else:
            found.append(piece)
    return [line if number and isinstance(line[0], Gap) and line[0].times else bare(line)
            for number, line in enumerate(found)]  # fmt: skip


def _pieces(nodes: Nodes, room: float) -> Iterator[Nodes]:
    for summand in _split(nodes, signs=True):
        if width(summand) <= room:
            yield summand
            continue
        for factor in _split(summand, signs=False):
            if width(factor) <= room:
                yield factor
            else:
                yield from _opened(factor, room)


def _split(nodes: Nodes, signs: bool) -> Iterator[Nodes]:
    """Split before signs and after commas, or before the spaces between factors."""
    piece: list[Node] = []
    for node in nodes:
        starts = isinstance(node, Sign) and node.text in BREAKS if signs else isinstance(node, Gap)
        if starts and any(not isinstance(one, Sign) for one in piece):
            yield tuple(piece)
            piece = []
        piece.append(node)
        if signs and node == Sign(","):
            yield tuple(piece)
            piece = []
    if piece:
        yield tuple(piece)


def _opened(nodes: Nodes, room: float) -> Iterator[Nodes]:
    """Break into what is too wide as a whole; its brackets become signs of fixed size."""
    for node in nodes:
        if width((node,)) <= room or isinstance(node, Word | Sign | Gap):
            yield (node,)
        elif isinstance(node, Bracket):
            yield from _between(Sign("(", r"\bigl("), node.inner, Sign(")", r"\bigr)"), room)
        elif isinstance(node, Root):
            yield from _opened((Scripted(Bracket(node.inner), (), (Sign("0.5"),)),), room)
        elif isinstance(node, Fraction):
            yield from _opened(_whole(node.over), room)
            yield (Sign("/"),)
            yield from _opened(_whole(node.under), room)
        elif isinstance(node, Cases):
            rows: list[Node] = []
            for value, when in node.rows:
                said: Nodes = when if when == (Word("otherwise"),) else (Word("if"), Gap(), *when)
                before: Nodes = (Sign(";"), Gap()) if rows else ()
                rows += [*before, *value, Gap(), *said]
            yield from _between(Sign("{", r"\bigl\{"), tuple(rows), Sign("}", r"\bigr\}"), room)
        elif isinstance(node.base, Bracket):
            end = Scripted(Sign(")", r"\bigr)"), node.below, node.above)
            yield from _between(Sign("(", r"\bigl("), node.base.inner, end, room)
        else:
            yield (node,)


def _whole(nodes: Nodes) -> Nodes:
    """Bracket what a slash would tear apart."""
    call = len(nodes) == 2 and isinstance(nodes[0], Sign) and nodes[0].text in NAMES
    return nodes if len(nodes) == 1 or call else (Bracket(nodes),)


def _between(start: Node, inner: Nodes, end: Node, room: float) -> Iterator[Nodes]:
    pieces = list(_pieces(inner, room))
    pieces[0], pieces[-1] = (start, *pieces[0]), (*pieces[-1], end) if len(pieces) > 1 else (start, *pieces[0], end)
    yield from pieces
