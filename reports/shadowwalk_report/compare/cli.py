"""`shadowwalk compare`: options, the gate, exit codes."""

import argparse
import dataclasses
import signal
import sys

from ..bench.options import OneLineParser, percent, result_file, write_json
from ..errors import InputError
from ..statistics import MINIMUM_EFFECT, Verdict
from .judge import METRICS, TIME, judge
from .output import document, provenance_lines, table_lines
from .side import host_differences, read_side

EXIT_GATE = 1
EXIT_BAD_INPUT = 2


@dataclasses.dataclass(frozen=True)
class Gate:
    """`slower`: the smallest change that fails, a share; None for no such rule. `missing`: what base has, new must have."""

    slower: float | None = None
    missing: bool = False


def _gate(text):
    slower, missing = None, False
    for rule in text.split(","):
        kind, _, amount = rule.strip().partition(":")
        if kind == "slower" and amount:
            slower = percent(amount)
        elif kind == "missing" and not amount:
            missing = True
        else:
            raise argparse.ArgumentTypeError(f"'{rule}' is no rule: give slower:5%, missing, or both parted by a comma")
    return Gate(slower, missing)


def _metrics(text):
    chosen = [word.strip() for word in text.split(",")]
    unknown = [word for word in chosen if word not in METRICS and word != TIME]
    if unknown:
        raise argparse.ArgumentTypeError(f"'{unknown[0]}' is not compared: give any of {', '.join((*METRICS, TIME))}")
    return chosen


def _parse(arguments):
    parser = OneLineParser(
        prog="shadowwalk compare",
        description="Holds what was measured once against what was measured another time, cell by cell. BASE and NEW: run "
                    "directories, results of single cells, or any Google Benchmark JSON.",
        epilog="SLOWER (worse in what is compared: more time, fewer walks, more memory) and FASTER: the Mann-Whitney test, "
               "corrected over all cells by Holm's method, says that the samples differ, and the 95 % interval of the ratio "
               "of medians lies wholly beyond the threshold. SAME: it lies within. AMBIGUOUS otherwise, with the reason. Exit "
               "codes: 0, 1 the gate failed (its cells are named), 2 bad input.")
    parser.add_argument("base", metavar="BASE", help="what was")
    parser.add_argument("new", metavar="NEW", help="what is")
    parser.add_argument("--fail-on", metavar="RULES", type=_gate, default=Gate(), dest="gate",
                        help="slower:P%%: exit with 1 if a cell is SLOWER by more than P %%, or has violations that base has "
                             "not; missing: also if a cell of BASE is not in NEW. Both: slower:5%%,missing")
    parser.add_argument("--threshold", metavar="P%", type=percent,
                        help=f"the smallest change that counts (default: that of the gate, else {MINIMUM_EFFECT:.0%})"
                        .replace("%)", "%%)"))
    parser.add_argument("--metrics", metavar="LIST", type=_metrics,
                        help=f"any of {','.join((*METRICS, TIME))} (default: all that there are)")
    parser.add_argument("--across-hosts", action="store_true", help="compare although the hosts are not the same one")
    parser.add_argument("--with-perturbed", action="store_true",
                        help="compare also cells that perf or bpftrace looked into")
    parser.add_argument("--all", action="store_true", dest="everything", help="show also what is SAME or AMBIGUOUS")
    parser.add_argument("--json", metavar="FILE", type=result_file, help="write all of it, values included")
    options = parser.parse_args(arguments)
    if options.gate.slower is not None and options.threshold not in (None, options.gate.slower):
        raise InputError("--threshold and --fail-on slower give different thresholds: leave one out")
    return options


def _check_hosts(base, new, across_hosts):
    found = host_differences(base, new)
    if found and not across_hosts:
        told = "; ".join(f"{words} {' / '.join(old) or 'not recorded'} against {' / '.join(other) or 'not recorded'}"
                         for _, words, old, other in found)
        raise InputError(f"BASE and NEW are not from one host ({told}): give --across-hosts to compare them all the same")


def _failures(findings, gate):
    """[line]: what fails the gate."""
    if gate == Gate():
        return []
    found = [f"violations: {name}" for name in findings.broken]
    if gate.slower is not None:
        found += [f"{row.metric} {row.comparison.ratio.value:.3f}x: {row.name}" for row in findings.of(Verdict.SLOWER)]
    if gate.missing:
        found += [f"missing: {row.name} ({row.reason})" for row in findings.without if row.lost]
    return found


def _run(arguments):
    options = _parse(arguments)
    base, new = (read_side(path, options.with_perturbed) for path in (options.base, options.new))
    if base.is_simulated != new.is_simulated:
        raise InputError("one of BASE and NEW is SIMULATED and the other measured: compare like with like")
    _check_hosts(base, new, options.across_hosts)
    effect = options.threshold or options.gate.slower or MINIMUM_EFFECT
    findings = judge(base, new, effect, options.metrics)
    if not findings.compared and not (findings.broken or findings.without and options.gate.missing):
        why = findings.without[0] if findings.without else None
        raise InputError(f"{options.base} and {options.new} share nothing that can be compared"
                         + (f" ({why.name}: {why.reason})" if why else ""))
    failures = _failures(findings, options.gate)
    if options.json:
        write_json(options.json, document(base, new, findings, effect, failures))
    print("\n".join([*provenance_lines(base, new), *table_lines(findings, options.everything)]))
    undecided = len(findings.of(Verdict.AMBIGUOUS))
    if options.gate != Gate() and undecided:
        print(f"{undecided} of {len(findings.compared)} comparisons have no verdict, and do not fail the gate")
    for line in failures:
        print(f"FAILED {line}")
    return EXIT_GATE if failures else 0


def main(arguments=None):
    """Returns the exit code."""
    try:
        return _run(arguments)
    except InputError as error:
        print(f"shadowwalk: compare: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        sys.stdout = None
        return 128 + signal.SIGPIPE
