"""scripts/bench-bounds: the project's bounds, and whether they hold on this host.

A bound says what may cost how much more than what. Each is judged within one run, in which subject and floor were measured side
by side. Names are stems (program.stem).
"""

import collections
import dataclasses
import enum
import pathlib
import re

from .. import statistics
from ..commands import (OneLineParser, count, end_progress, regex, result_file, run_command, seconds, show_progress,
                        write_json)
from ..statistics import MINIMUM_REPETITIONS, Estimate
from ..untrusted_json import InputError
from .program import Program, measure_rounds

DEFAULT_PROGRAM = pathlib.Path(__file__).resolve().parents[3] / "build" / "release" / "shadowwalk-bench"
THREADS = (1, 2)
PEERS = (("hazard", "ck/hp", 1.0), ("ebr", "ck/epoch", 1.0), ("rcu", "urcu/memb", 1.05))
PAGES = (1_000, 10_000, 100_000, 1_000_000)


@dataclasses.dataclass(frozen=True)
class Ratio:
    """subject / floor <= limit"""

    subject: str
    floor: str
    limit: float

    @property
    def names(self):
        return (self.subject, self.floor)

    def __str__(self):
        return f"{self.subject} <= {self.limit:g} x {self.floor}"


@dataclasses.dataclass(frozen=True)
class Growth:
    """The greatest of several times <= limit x the least."""

    names: tuple
    limit: float

    def __str__(self):
        family = self.names[0].rpartition(":")[0]
        first, last = (name.rpartition(":")[2] for name in (self.names[0], self.names[-1]))
        return f"{family}:{first}..{last} flat within {self.limit:g} x"


@dataclasses.dataclass(frozen=True)
class Counter:
    """A benchmark's counter <= limit. Counted, not timed."""

    name: str
    counter: str
    limit: float

    @property
    def names(self):
        return (self.name,)

    def __str__(self):
        return f"{self.name} {self.counter} <= {self.limit:g}"


def bounds(variants):
    """All bounds for these variants, in the order of the table."""
    return (
        # The engine's walk costs what the floor's walk costs; a scheme's section costs what the scheme must do.
        *(Ratio(f"walk/leak/threads:{n}", f"floor/pointer_chase/threads:{n}", 1.05) for n in THREADS),
        *(Ratio(f"section/irq-ipi/threads:{n}", f"floor/xchg/threads:{n}", 1.25) for n in THREADS),
        *(Ratio(f"section/rcu-counter/threads:{n}", f"floor/rcu_counter_by_hand/threads:{n}", 1.1) for n in THREADS),
        # What a scheme adds to a walk: almost nothing where the freer pays, one barrier, or one store and one load per level.
        *(Ratio(f"walk/{scheme}/threads:{n}", f"walk/leak/threads:{n}", limit) for n in THREADS
          for scheme, limit in (("qsbr", 1.2), ("mode-membarrier", 1.2), ("irq-ipi", 2.3), ("hazard-asym", 2.5))),
        # At most the cost of the same scheme of another library, on the same walk. NOT MEASURED where a build has no such library.
        *(Ratio(f"walk/{ours}/threads:{n}", f"peer/{theirs}/threads:{n}", limit) for ours, theirs, limit in PEERS for n in THREADS),
        # Full instrumentation keeps 0.97 of the walks.
        *(Ratio(f"cell/{variant}/instrumentation:full", f"cell/{variant}/instrumentation:none", round(1 / 0.97, 3))
          for variant in variants),
        # An exit costs what KVM's own exit costs.
        Ratio("exit/mmio", "floor/kvm_run/mmio", 1.05),
        *(Ratio(f"exit/doorbell/burst:{n}", f"floor/kvm_run/doorbell/burst:{n}", 1.05) for n in (2, 1024)),
        # Only the caches decide a walk's cost: the plain tree has the same caches.
        *(Ratio(f"walk/leak/pages:{n}", f"floor/pointer_chase/pages:{n}", 1.05) for n in PAGES),
        # Zap-everything costs the same per page, however many there are.
        *(Growth(tuple(f"zap_all/{variant}/pages:{n}" for n in PAGES), 1.5) for variant in variants),
        # Shadow pages take little more than their tables.
        *(Counter(f"memory/{variant}/pages:{PAGES[-1]}", "bytes_over_tables", 1.1) for variant in variants),
    )


class Outcome(enum.Enum):
    HELD = "HELD"
    NOT_HELD = "NOT HELD"
    UNDECIDED = "UNDECIDED"
    NOT_MEASURED = "NOT MEASURED"


@dataclasses.dataclass(frozen=True)
class Finding:
    """A bound and its outcome. `value`: the ratio, or the counter. `reason` is empty if HELD or NOT_HELD."""

    bound: Ratio | Growth | Counter
    outcome: Outcome
    value: Estimate | None
    reason: str = ""


def _quantity(bound, measurements):
    """The quantity that the bound limits, in one round; `measurements` are those of the bound's names."""
    if isinstance(bound, Counter):
        return measurements[0].counters[bound.counter]
    if isinstance(bound, Ratio):
        return measurements[0].ns / measurements[1].ns
    times = [measurement.ns for measurement in measurements]
    return max(times) / min(times)


def _unmeasured(bound, results):
    """Why the bound has no value in some round; None if it has one in each."""
    for name in bound.names:
        if not results.get(name):
            return f"{name}: absent"
        for measurement in results[name]:
            if measurement.ns is None:
                return f"{name}: {measurement.error}"
            if isinstance(bound, Counter) and bound.counter not in measurement.counters:
                return f"{name}: has no counter {bound.counter}"
    return None


def judge(bound, results):
    """results: {stem: [Measurement of each round]}. Quotients are taken within each round, as subject and floor ran
    close together there; the interval of their median decides."""
    if reason := _unmeasured(bound, results):
        return Finding(bound, Outcome.NOT_MEASURED, None, reason)
    value = statistics.estimate(_quantity(bound, measurements)
                                for measurements in zip(*(results[name] for name in bound.names)))
    low, high = (value.value, value.value) if isinstance(bound, Counter) else (value.low, value.high)
    if value.count < MINIMUM_REPETITIONS and not isinstance(bound, Counter):
        return Finding(bound, Outcome.UNDECIDED, value, f"too few rounds (fewer than {MINIMUM_REPETITIONS})")
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


def _variants(names):
    return list(dict.fromkeys(name.split("/")[1] for name in names if name.startswith("zap_all/")))


def exact_pattern(stems):
    """A filter that matches only these benchmarks, whatever Google Benchmark appends to their names."""
    suffix = "(/(iterations:[0-9]+|manual_time|real_time))*"

    def of(stem):
        path, threads, number = stem.partition("/threads:")  # the last part of a full name
        return re.escape(path).replace("\\-", "-") + suffix + threads + number
    return "^(" + "|".join(of(stem) for stem in stems) + ")$"


def _row(finding):
    value = "" if finding.value is None else f"{finding.value.value:.3f}"
    known = finding.value is not None and finding.value.low is not None
    interval = f"{finding.value.low:.3f} .. {finding.value.high:.3f}" if known else ""
    return (f"{finding.outcome.value:<12} {value:>7} {interval:>17}  {finding.bound}"
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
            "bounds": [{"bound": str(finding.bound), "limit": finding.bound.limit, "outcome": finding.outcome.value,
                        "value": finding.value and dataclasses.asdict(finding.value), "reason": finding.reason or None}
                       for finding in findings]}


def _run(arguments):
    options = _parse(arguments)
    program = Program(options.program)
    wanted = [bound for bound in bounds(_variants(program.names())) if re.search(options.filter, str(bound))]
    if not wanted:
        raise InputError(f"no bound matches '{options.filter}'")
    results = _measure(program, wanted, options)
    findings = [judge(bound, results) for bound in wanted]
    print(f"{'outcome':<12} {'ratio':>7} {'95 % interval':>17}  bound")
    for finding in findings:
        print(_row(finding))
    outcomes = collections.Counter(finding.outcome for finding in findings)
    print(", ".join(f"{outcomes[outcome]} {outcome.value}" for outcome in Outcome))
    if options.json:
        write_json(options.json, _document(options, findings))
    return 0


def main(arguments=None):
    return run_command("bench-bounds", _run, arguments)
