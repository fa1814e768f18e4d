"""Arithmetic on SIMD vectors as LLVM instructions: the four operations, and functions that no processor has.

Functions are reduced to a short interval and summed as Taylor series, to a few units in the last place; a
library call would leave the lanes and take each person by himself. Sine and cosine are for angles of some
thousand turns at most; exponentials stop growing before they are infinite.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from gutbrain.run.lanes.values import Operation

FLAGS = ("contract",)  # a product may be fused into a sum; nothing else is rearranged
TINIEST = {64: 2.3e-308, 32: 1.2e-38}  # smallest normal numbers: logarithms start here
EXPONENTS = {64: (52, 1023, 708.0), 32: (23, 127, 87.0)}  # bits of the fraction, bias, largest argument of exp
SHORT = 128  # bits of a vector that the processor divides about as fast
GUESS = {64: 0x7FDE6238502484BA, 32: 0x7EF311C3}  # minus the bits of y: a reciprocal to one part in eight
CURRENT_ROUNDING = 4
TERMS = {64: {"exp": 12, "log": 9, "sin": 8}, 32: {"exp": 7, "log": 4, "sin": 5}}


class Arithmetic:
    """Instructions on vectors of `width` numbers of `bits` bits, and on single numbers of the same kind.

    Parameters
    ----------
    builder : where instructions are written
    bits : 64 or 32
    width : numbers in a vector
    wide : the processor has the instructions of AVX-512, and a vector is one register of them
    """

    def __init__(self, builder: Any, bits: int, width: int, wide: bool = False) -> None:
        self.builder, self.bits, self.width = builder, bits, width
        self.wide = wide and bits * width == 512
        self.number = ir.DoubleType() if bits == 64 else ir.FloatType()
        self.integer = ir.IntType(bits)
        self.vector = ir.VectorType(self.number, width)

    # -- plain --------------------------------------------------------------------------------

    def constant(self, value: float, like: Any = None) -> Any:
        """Return a constant, of the type of `like` or a single number."""
        kind = self.number if like is None else like.type
        return ir.Constant(kind, [value] * self.width if isinstance(kind, ir.VectorType) else value)

    def spread(self, value: Any) -> Any:
        """Return a single number in all lanes."""
        if isinstance(value.type, ir.VectorType):
            return value
        if isinstance(value, ir.Constant):
            return ir.Constant(self.vector, [value.constant] * self.width)
        empty = ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(empty, value, ir.Constant(ir.IntType(32), 0))
        places = ir.Constant(ir.VectorType(ir.IntType(32), self.width), [0] * self.width)
        return self.builder.shuffle_vector(first, empty, places)

    def apply(self, operation: Operation, arguments: Sequence[Any]) -> Any:
        """Write one operation; arguments of different width are spread first."""
        if any(isinstance(argument.type, ir.VectorType) for argument in arguments):
            arguments = [self.spread(argument) if argument.type == self.number else argument for argument in arguments]
        return getattr(self, "do_" + operation.code.replace(" ", "_"))(*arguments)

    def do_add(self, x: Any, y: Any) -> Any:
        return self.builder.fadd(x, y, flags=FLAGS)

    def do_sub(self, x: Any, y: Any) -> Any:
        return self.builder.fsub(x, y, flags=FLAGS)

    def do_mul(self, x: Any, y: Any) -> Any:
        return self.builder.fmul(x, y, flags=FLAGS)

    def do_div(self, x: Any, y: Any) -> Any:
        """Multiply by a reciprocal: a guess, mended by Newton's method to all places.

        A vector division keeps the processor for sixteen cycles, these instructions for four; the last bit may
        differ. A divisor of 0, infinite or not normal gives what is not finite.
        """
        if not isinstance(x.type, ir.VectorType) or self.bits * self.width <= SHORT:
            return self.builder.fdiv(x, y)
        one, guess = self.constant(1.0, y), self._reciprocal(y)
        # To third order from a part in eight, to second from 14 bits.
        for order in ((2, 2) if self.wide else (3, 3, 2))[: 3 if self.bits == 64 else 1 if self.wide else 2]:
            miss = self.do_sub(one, self.do_mul(y, guess))
            move = self.do_add(self.do_mul(miss, miss), miss) if order == 3 else miss
            guess = self.do_add(self.do_mul(guess, move), guess)
        return self.do_mul(x, guess)

    def _reciprocal(self, y: Any) -> Any:
        """Guess 1 / y: to 14 bits where the processor offers that, else to a part in eight from the exponent."""
        if not self.wide:
            bits = self.builder.bitcast(y, self._integers(y))
            return self.builder.bitcast(self.builder.sub(self._whole(GUESS[self.bits], y), bits), y.type)
        mask = ir.IntType(self.width)
        kind = ir.FunctionType(y.type, [y.type, y.type, mask])
        function = self._declared(f"llvm.x86.avx512.rcp14.p{'d' if self.bits == 64 else 's'}.512", kind)
        return self.builder.call(function, [y, ir.Constant(y.type, ir.Undefined), ir.Constant(mask, -1)])

    def do_greater(self, x: Any, y: Any) -> Any:
        return self.builder.fcmp_ordered(">", x, y)

    def do_less(self, x: Any, y: Any) -> Any:
        return self.builder.fcmp_ordered("<", x, y)

    def do_not_less(self, x: Any, y: Any) -> Any:
        return self.builder.fcmp_ordered(">=", x, y)

    def do_not_greater(self, x: Any, y: Any) -> Any:
        return self.builder.fcmp_ordered("<=", x, y)

    def do_choose(self, test: Any, x: Any, y: Any) -> Any:
        return self.builder.select(test, x, y)

    def do_max(self, x: Any, y: Any) -> Any:
        return self.builder.select(self.do_greater(y, x), y, x)

    def do_min(self, x: Any, y: Any) -> Any:
        return self.builder.select(self.do_less(y, x), y, x)

    def do_sqrt(self, x: Any) -> Any:
        return self._intrinsic("llvm.sqrt", x)

    def do_floor(self, x: Any) -> Any:
        return self._intrinsic("llvm.floor", x)

    # -- functions ----------------------------------------------------------------------------

    def do_exp(self, x: Any) -> Any:
        """2**n times the series of what is left, |rest| below ln 2 / 2."""
        fraction, bias, most = EXPONENTS[self.bits]
        held = self.do_max(self.do_min(x, self.constant(most, x)), self.constant(-most, x))
        turns = self._intrinsic("llvm.rint", self.do_mul(held, self.constant(1 / math.log(2), x)))
        # ln 2 in two parts: the first has so few digits that its product with a whole number is exact.
        high = float.fromhex("0x1.62e42fee00000p-1") if self.bits == 64 else 0.693359375
        rest = self.do_sub(held, self.do_mul(turns, self.constant(high, x)))
        rest = self.do_sub(rest, self.do_mul(turns, self.constant(math.log(2) - high, x)))
        value = self._series([1 / math.factorial(k) for k in range(TERMS[self.bits]["exp"] + 1)], rest)
        if self._scales(x):
            kind = ir.FunctionType(x.type, [x.type, x.type, x.type, ir.IntType(self.width), ir.IntType(32)])
            letter = "d" if self.bits == 64 else "s"
            scale = self._declared(f"llvm.x86.avx512.mask.scalef.p{letter}.512", kind)
            given = [value, turns, ir.Constant(x.type, ir.Undefined), ir.Constant(ir.IntType(self.width), -1)]
            return self.builder.call(scale, [*given, ir.Constant(ir.IntType(32), CURRENT_ROUNDING)])
        whole = self.builder.fptosi(turns, self._integers(x))
        power = self.builder.shl(self.builder.add(whole, self._whole(bias, x)), self._whole(fraction, x))
        return self.do_mul(value, self.builder.bitcast(power, x.type))

    def _scales(self, x: Any) -> bool:
        """Whether the processor multiplies by powers of two in one instruction."""
        return self.wide and isinstance(x.type, ir.VectorType)

    def do_log(self, x: Any) -> Any:
        """Exponent times ln 2 plus the series of the fraction between sqrt(1/2) and sqrt(2); positive arguments."""
        fraction = EXPONENTS[self.bits][0]
        held = self.do_max(x, self.constant(TINIEST[self.bits], x))
        raw = self.builder.bitcast(held, self._integers(x))
        root = self.builder.bitcast(self.constant(math.sqrt(0.5), x), self._integers(x))
        above = self.builder.sub(raw, root)
        turns = self.builder.ashr(above, self._whole(fraction, x))
        scaled = self.builder.sub(raw, self.builder.shl(turns, self._whole(fraction, x)))
        m = self.builder.bitcast(scaled, x.type)
        one = self.constant(1.0, x)
        s = self.do_div(self.do_sub(m, one), self.do_add(m, one))
        square = self.do_mul(s, s)
        series = self._series([2 / (2 * k + 1) for k in range(TERMS[self.bits]["log"] + 1)], square)
        exponent = self.builder.sitofp(turns, x.type)
        found = self.do_add(self.do_mul(exponent, self.constant(math.log(2), x)), self.do_mul(s, series))
        # What is negative or no number has no logarithm; 0 has that of the smallest number.
        return self.builder.select(self.do_not_less(x, self.constant(0.0, x)), found, self.constant(math.nan, x))

    def do_tanh(self, x: Any) -> Any:
        """1 - 2 / (exp(2 x) + 1)."""
        one, two = self.constant(1.0, x), self.constant(2.0, x)
        grown = self.do_exp(self.do_mul(two, x))
        return self.do_sub(one, self.do_div(two, self.do_add(grown, one)))

    def do_sin(self, x: Any) -> Any:
        return self._wave(x, 0)

    def do_cos(self, x: Any) -> Any:
        return self._wave(x, 1)

    def _wave(self, x: Any, ahead: int) -> Any:
        """Sine, `ahead` quarter turns further on: series on an eighth of a turn either way."""
        quarters = self._intrinsic("llvm.rint", self.do_mul(x, self.constant(2 / math.pi, x)))
        high = float.fromhex("0x1.921fb54400000p+0") if self.bits == 64 else 1.5703125
        rest = self.do_sub(x, self.do_mul(quarters, self.constant(high, x)))
        rest = self.do_sub(rest, self.do_mul(quarters, self.constant(math.pi / 2 - high, x)))
        square = self.do_mul(rest, rest)
        count = TERMS[self.bits]["sin"]
        sine = self._series([(-1) ** k / math.factorial(2 * k + 1) for k in range(count)], square)
        sine = self.do_mul(rest, sine)
        cosine = self._series([(-1) ** k / math.factorial(2 * k) for k in range(count + 1)], square)
        turn = self.builder.add(self.builder.fptosi(quarters, self._integers(x)), self._whole(ahead, x))
        odd = self.builder.icmp_signed("!=", self.builder.and_(turn, self._whole(1, x)), self._whole(0, x))
        back = self.builder.icmp_signed("!=", self.builder.and_(turn, self._whole(2, x)), self._whole(0, x))
        value = self.builder.select(odd, cosine, sine)
        return self.builder.select(back, self.do_sub(self.constant(0.0, x), value), value)

    # -- inside -------------------------------------------------------------------------------

    def _series(self, weights: list[float], x: Any) -> Any:
        """Sum weights[k] x**k, even and odd terms apart so that two chains run side by side."""
        square = self.do_mul(x, x)

        def chain(terms: list[float]) -> Any:
            total = self.constant(terms[-1], x)
            for term in reversed(terms[:-1]):
                total = self.do_add(self.do_mul(total, square), self.constant(term, x))
            return total

        return self.do_add(chain(weights[::2]), self.do_mul(chain(weights[1::2]), x))

    def _integers(self, like: Any) -> Any:
        return ir.VectorType(self.integer, self.width) if isinstance(like.type, ir.VectorType) else self.integer

    def _whole(self, value: int, like: Any) -> Any:
        kind = self._integers(like)
        return ir.Constant(kind, [value] * self.width if isinstance(kind, ir.VectorType) else value)

    def _intrinsic(self, name: str, x: Any) -> Any:
        lanes = f"v{self.width}" if isinstance(x.type, ir.VectorType) else ""
        full = f"{name}.{lanes}f{self.bits}"
        return self.builder.call(self._declared(full, ir.FunctionType(x.type, [x.type])), [x])

    def _declared(self, name: str, kind: Any) -> Any:
        """Return a function of LLVM, declared once a module."""
        module = self.builder.module
        return module.globals.get(name) or ir.Function(module, kind, name)
