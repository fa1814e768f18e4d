"""How near the lanes come to what one core can do: operations of the right-hand side times steps, over measured peak.

    python -m benchmarks.peak

The peak is measured by multiply-adds that depend on nothing but themselves, in vectors of the host's width. Steps are
quarter hours and the guard is off, so that their number is known. An operation counts once a lane; a division, a root,
and functions count as the multiply-adds that they are written in.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from functools import partial
from statistics import median

from gutbrain.bench.case import PER_DAY, build, cpu
from gutbrain.body.whole import standard

STAGES = 4
PEOPLE, DAYS = 400, 28
CHAINS = 16  # multiply-adds under way at once: their latency is hidden
TURNS = 20_000_000
# Multiply-adds that one operation stands for; 1 for what is not listed.
WORTH = {"div": 8, "sqrt": 8, "exp": 18, "log": 22, "tanh": 28, "sin": 20, "cos": 20}

KERNEL = """
declare <{width} x {kind}> @llvm.fma.v{width}{short}(<{width} x {kind}>, <{width} x {kind}>, <{width} x {kind}>)
define {kind} @turn(i64 %count, {kind} %seed) {{
entry:
  %one = insertelement <{width} x {kind}> undef, {kind} %seed, i32 0
  %factor = shufflevector <{width} x {kind}> %one, <{width} x {kind}> undef, <{width} x i32> zeroinitializer
  br label %loop
loop:
  %turn = phi i64 [ 0, %entry ], [ %next, %loop ]
{carried}
{work}
  %next = add i64 %turn, 1
  %more = icmp slt i64 %next, %count
  br i1 %more, label %loop, label %done
done:
{sums}
  %out = extractelement <{width} x {kind}> %s{last}, i32 0
  ret {kind} %out
}}
"""


def main() -> None:
    """Print the peak, the operations and the share that is reached."""
    axis = standard()
    case = build(axis, people=PEOPLE, compared=1, days=DAYS)
    try:
        from gutbrain.run.lanes.engine import integrate
        from gutbrain.run.lanes.reader import operations
    except ImportError as error:
        raise SystemExit(f"the lanes are not installed: {error}") from error
    counts = operations(axis)
    plain, worth = sum(counts.values()), weighed(counts)
    print("Operations of one right-hand side, common subexpressions once:")
    print("  " + ", ".join(f"{count} {code}" for code, count in sorted(counts.items(), key=lambda pair: -pair[1])))
    print(f"  {plain} operations, worth {worth} multiply-adds; {STAGES} stages a step, {PER_DAY} steps a day")
    for bits, kind in ((64, "double"), (32, "single")):
        assert case.cohort.start is not None
        given = (axis, case.cohort.start, case.cohort.parameters, case.drive)
        # Without the guard every step is a quarter hour, so that their number is known.
        run = partial(integrate, *given, days=DAYS, labels=("hpa.cortisol",), precision=kind, tolerance=None, threads=1)
        run()
        spent = median(cpu(run)[0] for _ in range(3)) / PEOPLE
        limit = peak(bits)
        least = worth * STAGES * PER_DAY * 84 / limit
        print(f"float{bits}: peak {limit / 1e9:.1f} thousand million multiply-adds a second on one core; "
              f"84 days need at least {1e3 * least:.3g} ms, the lanes take {1e3 * spent * 84 / DAYS:.3g} ms: "
              f"{100 * least * DAYS / 84 / spent:.0f} % of the peak")  # fmt: skip


def weighed(counts: Mapping[str, int]) -> int:
    """Return the multiply-adds that operations stand for."""
    return sum(count * WORTH.get(code, 1) for code, count in counts.items())


def peak(bits: int) -> float:
    """Return the multiply-adds a second of one core, lanes counted each."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    width = (512 if features.get("avx512f") else 256 if features.get("avx") else 128) // bits
    target = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features.flatten(), opt=3
    )
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(kernel(bits, width)), target)
    engine.finalize_object()
    number = {64: ctypes.c_double, 32: ctypes.c_float}[bits]
    turn = ctypes.CFUNCTYPE(number, ctypes.c_int64, number)(engine.get_function_address("turn"))
    turn(1000, 0.5)
    spent = min(cpu(lambda: turn(TURNS, 0.5))[0] for _ in range(3))
    return TURNS * CHAINS * width / spent


def kernel(bits: int, width: int) -> str:
    """Return the text of a loop with independent multiply-adds."""
    kind, short = {64: ("double", "f64"), 32: ("float", "f32")}[bits]
    vector = f"<{width} x {kind}>"
    carried = "\n".join(f"  %a{n} = phi {vector} [ %factor, %entry ], [ %b{n}, %loop ]" for n in range(CHAINS))
    call = f"call {vector} @llvm.fma.v{width}{short}"
    work = "\n".join(f"  %b{n} = {call}({vector} %a{n}, {vector} %factor, {vector} %factor)" for n in range(CHAINS))
    sums = "\n".join(
        f"  %s{n} = fadd {vector} {f'%s{n - 1}' if n else '%factor'}, %b{n}" for n in range(CHAINS)
    )  # fmt: skip
    return KERNEL.format(width=width, kind=kind, short=short, carried=carried, work=work, sums=sums, last=CHAINS - 1)


if __name__ == "__main__":
    main()
