"""scripts/bench-bounds: the project's bounds, and whether they hold on this host.

A bound says what may cost how much more than what. Each is judged within one run, in which subject and floor were measured side
by side. Names are stems (program.stem).
"""

import collections
import dataclasses
import enum
import pathlib
import re
from collections.abc import Callable

from ..boundary import end_progress, run_command, say, show_progress
from ..commands import OneLineParser, count, regex, result_file, seconds, write_json
from ..quantities import low_to_high
from ..statistics import MEDIAN_REPETITIONS, Estimate, estimate
from ..untrusted_json import InputError
from .program import Program, measure_rounds, why_unusable

DEFAULT_PROGRAM = pathlib.Path(__file__).resolve().parents[3] / "build" / "release" / "shadowwalk-bench"
THREADS = (1, 2)
PEERS = (("hazard", "ck/hp", 1.0), ("ebr", "ck/epoch", 1.0), ("rcu", "urcu/memb", 1.05))
PAGES = (1_000, 10_000, 100_000, 1_000_000)


@dataclasses.dataclass(frozen=True)
class Bound:
    """In each round, the quantity of the measurements of these benchmarks <= limit. With a `counter`, it is counted, not timed."""

    names: tuple[str, ...]
    limit: float
    words: str
    quantity: Callable
    counter: str = ""


def ratio(subject, floor, limit):
    """subject / floor <= limit"""
    return Bound((subject, floor), limit, f"{subject} <= {limit:g} x {floor}", lambda above, below: above.ns / below.ns)


def growth(names, limit):
    """The greatest of several times <= limit x the least."""
    family = names[0].rpartition(":")[0]
    first, last = (name.rpartition(":")[2] for name in (names[0], names[-1]))
    return Bound(names, limit, f"{family}:{first}..{last} flat within {limit:g} x",
                 lambda *found: max(one.ns for one in found) / min(one.ns for one in found))


def counted(name, counter, limit):
    """A benchmark's counter <= limit."""
    return Bound((name,), limit, f"{name} {counter} <= {limit:g}", lambda found: found.counters[counter], counter)


def bounds(variants):
    """All bounds for these variants, in the order of the table."""
    return (
        # The engine's walk costs what the floor's walk costs; a scheme's section costs what the scheme must do.
        *(ratio(f"walk/leak/threads:{n}", f"floor/pointer_chase/threads:{n}", 1.05) for n in THREADS),
        *(ratio(f"section/irq-ipi/threads:{n}", f"floor/xchg/threads:{n}", 1.25) for n in THREADS),
        *(ratio(f"section/rcu-counter/threads:{n}", f"floor/rcu_counter_by_hand/threads:{n}", 1.1) for n in THREADS),
        # What a scheme adds to a walk: almost nothing where the freer pays, one barrier, or one store and one load per level.
        *(ratio(f"walk/{scheme}/threads:{n}", f"walk/leak/threads:{n}", limit) for n in THREADS
          for scheme, limit in (("qsbr", 1.2), ("mode-membarrier", 1.2), ("irq-ipi", 2.3), ("hazard-asym", 2.5))),
        # At most the cost of the same scheme of another library, on the same walk. NOT MEASURED where a build has no such library.
        *(ratio(f"walk/{ours}/threads:{n}", f"peer/{theirs}/threads:{n}", limit) for ours, theirs, limit in PEERS for n in THREADS),
        # Full instrumentation keeps 0.97 of the walks.
        *(ratio(f"cell/{variant}/instrumentation:full", f"cell/{variant}/instrumentation:none", round(1 / 0.97, 3))
          for variant in variants),
        # An exit costs what KVM's own exit costs.
        ratio("exit/mmio", "floor/kvm_run/mmio", 1.05),
        *(ratio(f"exit/doorbell/burst:{n}", f"floor/kvm_run/doorbell/burst:{n}", 1.05) for n in (2, 1024)),
        # Only the caches decide a walk's cost: the plain tree has the same caches.
        *(ratio(f"walk/leak/pages:{n}", f"floor/pointer_chase/pages:{n}", 1.05) for n in PAGES),
        # Zap-everything costs the same per page, however many there are.
        *(growth(tuple(f"zap_all/{variant}/pages:{n}" for n in PAGES), 1.5) for variant in variants),
        # Shadow pages take little more than their tables.
        *(counted(f"memory/{variant}/pages:{PAGES[-1]}", "bytes_over_tables", 1.1) for variant in variants),
    )


class Outcome(enum.Enum):
    HELD = "HELD"
    NOT_HELD = "NOT HELD"
    UNDECIDED = "UNDECIDED"
    NOT_MEASURED = "NOT MEASURED"


@dataclasses.dataclass(frozen=True)
class Finding:
    """A bound and its outcome. `value`: the ratio, or the counter. `reason` is empty if HELD or NOT_HELD."""

    bound: Bound
    outcome: Outcome
    value: Estimate | None
    reason: str = ""


def _unmeasured(bound, results):
    """Why the bound has no value in some round; None if it has one in each."""
    for name in bound.names:
        why = why_unusable(results.get(name))
        if not why and bound.counter and not all(bound.counter in measurement.counters for measurement in results[name]):
            why = f"has no counter {bound.counter}"
        if why:
            return f"{name}: {why}"
    return None


def judge(bound, results):
    """results: {stem: [Measurement of each round]}. Quotients are taken within each round, as subject and floor ran
    close together there; the interval of their median decides."""
    if reason := _unmeasured(bound, results):
        return Finding(bound, Outcome.NOT_MEASURED, None, reason)
    value = estimate(bound.quantity(*measurements) for measurements in zip(*(results[name] for name in bound.names)))
    low, high = (value.value, value.value) if bound.counter else (value.low, value.high)
    if value.count < MEDIAN_REPETITIONS and not bound.counter:
        return Finding(bound, Outcome.UNDECIDED, value, f"too few rounds (fewer than {MEDIAN_REPETITIONS})")
    if high <= bound.limit:
        return Finding(bound, Outcome.HELD, value)
    if low > bound.limit:
        return Finding(bound, Outcome.NOT_HELD, value)
    return Finding(bound, Outcome.UNDECIDED, value, "the interval reaches across the limit")


def _parse(arguments):
    parser = OneLineParser(
        prog="bench-bounds",
        description="Measure the subjects and floors of the project's bounds side by side in each round, and "
                    "print which bounds hold on this host.",
        epilog="HELD, NOT HELD: the 95 % interval of the ratio's median lies wholly on one side of the limit. Exit "
               "codes: 0 whatever the outcome, since timing decides no test; 2 bad input, 3 the program crashed.")
    parser.add_argument("program", metavar="BINARY", nargs="?", default=DEFAULT_PROGRAM,
                        help="a shadowwalk-bench (default: build/release/shadowwalk-bench)")
    parser.add_argument("--filter", metavar="RE", type=regex, default="",
                        help="only bounds whose text contains a match, e.g. '^section'")
    parser.add_argument("--rounds", metavar="N", type=count, default=41, help="how often each benchmark is measured (default: 41)")
    parser.add_argument("--min-time", metavar="SECONDS", type=seconds, default=0.04,
                        help="for each benchmark in each round, unless its iterations are fixed (default: 0.04)")
    parser.add_argument("--long-rounds", metavar="N", type=count, default=9,
                        help="rounds of the benchmarks whose iterations are fixed (default: 9)")
    parser.add_argument("--json", metavar="FILE", type=result_file, help="write the findings")
    return parser.parse_args(arguments)


def exact_pattern(stems):
    """A filter that matches only these benchmarks, whatever Google Benchmark appends to their names."""
    suffix = "(/(iterations:[0-9]+|manual_time|real_time))*"

    def of(stem):
        path, threads, number = stem.partition("/threads:")  # the last part of a full name
        return re.escape(path).replace("\\-", "-") + suffix + threads + number
    return "^(" + "|".join(of(stem) for stem in stems) + ")$"


def _row(finding):
    value = "" if finding.value is None else f"{finding.value.value:.3f}"
    return (f"{finding.outcome.value:<12} {value:>7} {low_to_high(finding.value, ''):>17}  {finding.bound.words}"
            + (f" ({finding.reason})" if finding.reason else ""))


def _measure(program, wanted, options):
    """{stem: [Measurement of each round]} of the bounds' subjects and floors. Benchmarks whose iterations are fixed take
    seconds each: they have their own rounds, and fewer of them."""
    there, fixed = set(program.names()), program.names_of_fixed_work()
    results = {}
    for is_long, rounds in ((False, options.rounds), (True, options.long_rounds)):
        stems = dict.fromkeys(name for bound in wanted if any(name in fixed for name in bound.names) == is_long
                              for name in bound.names if name in there)
        if stems:
            results |= measure_rounds([program], exact_pattern(stems), rounds, options.min_time, show_progress)[0]
    end_progress()
    return results


def _document(options, findings):
    return {"format": "shadowwalk-bench-bounds-1", "program": str(options.program), "rounds": options.rounds,
            "long_rounds": options.long_rounds,
            "bounds": [{"bound": finding.bound.words, "limit": finding.bound.limit, "outcome": finding.outcome.value,
                        "value": finding.value and dataclasses.asdict(finding.value), "reason": finding.reason or None}
                       for finding in findings]}


def _run(arguments):
    options = _parse(arguments)
    program = Program(options.program)
    names = program.names()
    if not names:
        raise InputError(f"{options.program}: lists no benchmark; name the shadowwalk-bench of a build")
    variants = dict.fromkeys(name.split("/")[1] for name in names if name.startswith("zap_all/"))
    wanted = [bound for bound in bounds(variants) if re.search(options.filter, bound.words)]
    if not wanted:
        raise InputError(f"no bound matches '{options.filter}'")
    results = _measure(program, wanted, options)
    findings = [judge(bound, results) for bound in wanted]
    say(f"{'outcome':<12} {'ratio':>7} {'95 % interval':>17}  bound")
    say(*map(_row, findings))
    outcomes = collections.Counter(finding.outcome for finding in findings)
    say(", ".join(f"{outcomes[outcome]} {outcome.value}" for outcome in Outcome))
    if options.json:
        write_json(options.json, _document(options, findings))
    return 0


def main(arguments=None):
    return run_command("bench-bounds", _run, arguments)
