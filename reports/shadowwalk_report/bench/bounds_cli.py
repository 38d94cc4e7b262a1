"""scripts/bench-bounds: options and output."""

import collections
import dataclasses
import pathlib
import re

from ..errors import InputError
from .bounds import Outcome, judge
from .bounds_table import bounds
from .options import (OneLineParser, count, end_progress, regex, result_file, run_command, seconds, show_progress,
                      write_json)
from .program import Program, measure_rounds

DEFAULT_PROGRAM = pathlib.Path(__file__).resolve().parents[3] / "build" / "release" / "shadowwalk-bench"


def _parse(arguments):
    parser = OneLineParser(
        prog="bench-bounds",
        description="Measures what the project's bounds are about, subjects and floors side by side in each round, and "
                    "tells which bounds hold on this host.",
        epilog="HELD, NOT HELD: the 95 % interval of the ratio's median lies wholly on one side of the limit. Exit "
               "codes: 0 whatever the outcome, since timing decides no test; 2 bad input, 3 the program crashed.")
    parser.add_argument("program", metavar="BINARY", nargs="?", default=DEFAULT_PROGRAM,
                        help="a shadowwalk-bench (default: build/release/shadowwalk-bench)")
    parser.add_argument("--filter", metavar="RE", type=regex, default="",
                        help="only bounds whose text holds a match, e.g. '^section'")
    parser.add_argument("--rounds", metavar="N", type=count, default=41, help="(default: 41)")
    parser.add_argument("--min-time", metavar="SECONDS", type=seconds, default=0.04,
                        help="for each benchmark in each round, unless its iterations are fixed (default: 0.04)")
    parser.add_argument("--long-rounds", metavar="N", type=count, default=9,
                        help="rounds of the benchmarks whose iterations are fixed (default: 9)")
    parser.add_argument("--json", metavar="FILE", type=result_file, help="write the findings")
    return parser.parse_args(arguments)


def _variants(names):
    return list(dict.fromkeys(name.split("/")[1] for name in names if name.startswith("zap_all/")))


def exact_pattern(stems):
    """A filter for these benchmarks and no other, whatever Google Benchmark appends."""
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
    """{stem: [Measurement of each round]} of what the bounds are about. Benchmarks whose iterations are fixed take
    seconds each: they have rounds of their own, and fewer."""
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
