"""The arguments of a kernel and its working memory, as LLVM instructions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from gutbrain.run.lanes.layout import ARGUMENTS

WHOLE, PLACE = ir.IntType(64), ir.IntType(32)


class Memory:
    """A function with the arguments of a kernel; `bits` and `width` are of a number and of a vector."""

    def __init__(self, bits: int, width: int) -> None:
        self.bits, self.width = bits, width
        self.number_type = ir.DoubleType() if bits == 64 else ir.FloatType()
        vector = ir.VectorType(self.number_type, width)
        self.floats = ir.VectorType(ir.FloatType(), width)
        kinds = {
            "count": WHOLE, "double": ir.DoubleType(), "vectors": vector.as_pointer(), "places": PLACE.as_pointer(),
            "numbers": self.number_type.as_pointer(), "floats": self.floats.as_pointer(),
        }  # fmt: skip
        self.module = ir.Module("lanes")
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [kinds[k] for _, k in ARGUMENTS]), "live")
        self.given = {name: argument for (name, _), argument in zip(ARGUMENTS, function.args, strict=True)}
        self.function = function
        self.builder = ir.IRBuilder(function.append_basic_block("begin"))
        self.room = self.numbers = 0
        self._passing: list[int] = []

    def reserve(self, count: int) -> int:
        """Return where `count` vectors of scratch begin."""
        self.room += count
        return self.room - count

    def number(self) -> int:
        """Return a place for a single number."""
        self.numbers += 1
        return self.numbers - 1

    def passing(self, place: int) -> int:
        """Return a vector of scratch that is used by one part of the code after another."""
        while len(self._passing) <= place:
            self._passing.append(self.reserve(1))
        return self._passing[place]

    def whole(self, value: int) -> Any:
        """Return a whole constant."""
        return ir.Constant(WHOLE, value)

    def narrow(self, value: Any) -> Any:
        """Return a double as a number of the kernel."""
        return value if self.bits == 64 else self.builder.fptrunc(value, ir.FloatType())

    def single(self, value: Any) -> Any:
        """Return a vector in single precision, as readings are kept."""
        return self.builder.fptrunc(value, self.floats) if self.bits == 64 else value

    def load(self, name: str, *places: Any) -> Any:
        """Load one entry of an argument."""
        loaded = self.builder.load(self._at(name, *places))
        loaded.align = self._alignment(name)
        return loaded

    def store(self, value: Any, name: str, *places: Any) -> None:
        """Store one entry of an argument; a single number goes into all lanes."""
        kind = self.given[name].type.pointee
        if isinstance(kind, ir.VectorType) and not isinstance(value.type, ir.VectorType):
            value = self._spread(value, kind)
        self.builder.store(value, self._at(name, *places)).align = self._alignment(name)

    def floor(self) -> Any:
        """Return the function that rounds a double down."""
        known = self.module.globals.get("llvm.floor.f64")
        kind = ir.FunctionType(ir.DoubleType(), [ir.DoubleType()])
        return known or ir.Function(self.module, kind, "llvm.floor.f64")

    def table(self, name: str, values: tuple[float, ...]) -> Any:
        """Return a constant table of doubles."""
        if name not in self.module.globals:
            kind = ir.ArrayType(ir.DoubleType(), len(values))
            table = ir.GlobalVariable(self.module, kind, name)
            table.initializer, table.global_constant, table.linkage = ir.Constant(kind, list(values)), True, "internal"
        return self.module.globals[name]

    @contextmanager
    def loop(self, count: Any, name: str) -> Iterator[Any]:
        """Repeat what is written inside `count` times; gives the index."""
        builder, before = self.builder, self.builder.block
        head, body, after = (self.function.append_basic_block(f"{name} {part}") for part in ("head", "body", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        index = builder.phi(WHOLE)
        index.add_incoming(self.whole(0), before)
        builder.cbranch(builder.icmp_signed("<", index, count), body, after)
        builder.position_at_end(body)
        yield index
        index.add_incoming(builder.add(index, self.whole(1)), builder.block)
        builder.branch(head)
        builder.position_at_end(after)

    def _spread(self, value: Any, kind: Any) -> Any:
        if isinstance(value, ir.Constant):
            return ir.Constant(kind, [value.constant] * self.width)
        empty = ir.Constant(kind, ir.Undefined)
        first = self.builder.insert_element(empty, value, ir.Constant(PLACE, 0))
        places = ir.Constant(ir.VectorType(PLACE, self.width), [0] * self.width)
        return self.builder.shuffle_vector(first, empty, places)

    def _alignment(self, name: str) -> int:
        kind = self.given[name].type.pointee
        if isinstance(kind, ir.VectorType):
            return self.width * (4 if kind.element == ir.FloatType() else 8)
        return self.bits // 8 if kind == self.number_type else 4

    def _at(self, name: str, *places: Any) -> Any:
        fixed = sum(part for part in places if isinstance(part, int))
        place = self.whole(fixed)
        for part in places:
            place = place if isinstance(part, int) else self.builder.add(place, part)
        return self.builder.gep(self.given[name], [place])
