"""scripts/bench-compare: whether one build of shadowwalk-bench is faster than another, with one verdict per benchmark."""

import collections
import dataclasses

from ..boundary import end_progress, run_command, say, show_progress
from ..commands import OneLineParser, count, percent, regex, result_file, seconds, write_json
from ..compare.judge import TIME, NotCompared, judge_metric
from ..quantities import NANOSECONDS, low_to_high
from ..statistics import CONFIDENCE, Verdict
from ..untrusted_json import InputError
from .program import Program, measure_rounds, why_unusable

EXIT_SLOWER = 1


def compare(base, new, minimum_effect):
    """base, new: {name: [Measurement of each round]}. Returns ([Compared], [NotCompared]), in the order of `base`."""
    samples, without = [], []
    for name in [*base, *(name for name in new if name not in base)]:
        why = next((f"{side}: {why}" for side, runs in (("base", base), ("new", new))
                    if (why := why_unusable(runs.get(name)))), None)
        if why is None:
            samples.append((name, *([m.ns for m in runs[name]] for runs in (base, new))))
        else:
            without.append(NotCompared(name, why))
    return judge_metric(TIME, NANOSECONDS, True, samples, minimum_effect), without


def _parse(arguments):
    parser = OneLineParser(
        prog="bench-compare",
        description="Run two builds of shadowwalk-bench interleaved (ABBA, one process per round and build, random "
                    "order within) and print for each benchmark whether NEW is FASTER, SLOWER or the SAME.",
        epilog="SLOWER and FASTER: the interval of the ratio that holds for all benchmarks at once lies wholly beyond the threshold. "
               "SAME: an equivalence test (TOST), corrected in the same way, says that the ratio is within. AMBIGUOUS otherwise, with the "
               "reason. The printed interval is that of 95 % of the one benchmark. Exit codes: 0, 1 something is SLOWER, 2 bad input, 3 a "
               "program crashed.")
    parser.add_argument("base", metavar="BASE", help="the shadowwalk-bench of one build")
    parser.add_argument("new", metavar="NEW", help="the shadowwalk-bench of the other build")
    parser.add_argument("--filter", metavar="RE", type=regex, default=".",
                        help="only benchmarks whose name contains a match (default: all, which takes long)")
    parser.add_argument("--repetitions", metavar="N", type=count, default=15, help="rounds (default: 15)")
    parser.add_argument("--min-time", metavar="SECONDS", type=seconds, default=0.1,
                        help="for each benchmark in each round, unless its iterations are fixed (default: 0.1)")
    parser.add_argument("--threshold", metavar="P%", type=percent, default=0.02,
                        help="the smallest change that counts (default: 2%%)")
    parser.add_argument("--json", metavar="FILE", type=result_file, help="write all results, times included")
    return parser.parse_args(arguments)


def _table(compared, without):
    yield (f"{'verdict':<9} {'new/base':>8} {'interval':>17} {'delta':>6} {'p':>8} {'base ns':>10} {'new ns':>10}  "
           "benchmark")
    for row in compared:
        found, ratio = row.comparison, row.comparison.ratio
        base, new = (sorted(times)[len(times) // 2] for times in (row.base, row.new))
        yield (f"{row.verdict.value:<9} {ratio.value:>8.3f} {low_to_high(ratio):>17} {row.delta:>+6.2f} "
               f"{row.p_words:>8} {base:>10.4g} {new:>10.4g}  {row.name}"
               + (f" ({found.reason.value})" if found.reason else ""))
    for row in without:
        yield f"{'-':<9} {row.name}: not compared: {row.reason}"


def _document(options, compared, without):
    def as_dict(row):
        found = row.comparison
        return {"name": row.name, "base": row.base, "new": row.new, "verdict": row.verdict.value,
                "ratio": dataclasses.asdict(found.ratio), "delta": row.delta, "p": found.p, "p_corrected": found.p_corrected,
                "reason": found.reason.value if found.reason else None}
    return {"format": "shadowwalk-bench-compare-1", "base": options.base, "new": options.new,
            "repetitions": options.repetitions, "threshold": options.threshold, "confidence": CONFIDENCE,
            "benchmarks": [as_dict(row) for row in compared],
            "not_compared": [{"name": row.name, "reason": row.reason} for row in without]}


def _run(arguments):
    options = _parse(arguments)
    programs = [Program(options.base), Program(options.new)]
    names = [program.names(options.filter) for program in programs]
    if not set(names[0]) & set(names[1]):
        raise InputError(f"{options.base} and {options.new} have no benchmark in common that matches "
                         f"'{options.filter}'")
    base, new = measure_rounds(programs, options.filter, options.repetitions, options.min_time, show_progress)
    end_progress()
    base = {name: base[name] for name in names[0] if name in base}  # measured in random order, shown in the programs' order
    compared, without = compare(base, new, options.threshold)
    if not compared:
        raise InputError(f"no benchmark was measured by both programs ({without[0].name}: {without[0].reason})")
    say(*_table(compared, without))
    verdicts = collections.Counter(row.verdict for row in compared)
    say(", ".join(f"{verdicts[verdict]} {verdict.value}" for verdict in Verdict) + f", {len(without)} not compared")
    if options.json:
        write_json(options.json, _document(options, compared, without))
    return EXIT_SLOWER if verdicts[Verdict.SLOWER] else 0


def main(arguments=None):
    return run_command("bench-compare", _run, arguments)
