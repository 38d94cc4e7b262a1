"""`shadowwalk compare`: options, the gate, what is printed and written, exit codes."""

import argparse
import collections
import dataclasses
import statistics

from ..boundary import run_command, say
from ..commands import OneLineParser, percent, result_file, write_json
from ..grouping import grouped
from ..quantities import low_to_high, quantity
from ..statistics import ALPHA, CONFIDENCE, MINIMUM_EFFECT, Verdict
from ..untrusted_json import InputError
from .judge import METRICS, TIME, judge
from .side import PROVENANCE, differences, host_differences, read_side

EXIT_GATE = 1
EXIT_UNJUDGED = 3
ORDER = (Verdict.SLOWER, Verdict.FASTER, Verdict.AMBIGUOUS, Verdict.SAME)
CHANGED = (Verdict.SLOWER, Verdict.FASTER)
DRIFT = "BASE and NEW were not interleaved: every ratio includes what the host changed between them."


@dataclasses.dataclass(frozen=True)
class Gate:
    """`slower`: the smallest change that fails, as a share; None for no such rule. `missing`: new must have every cell of base."""

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
            raise argparse.ArgumentTypeError(f"'{rule}' is not a rule: give slower:5%, missing, or both separated by a comma")
    return Gate(slower, missing)


def _metrics(text):
    chosen = [word.strip() for word in text.split(",")]
    unknown = [word for word in chosen if word not in METRICS and word != TIME]
    if unknown:
        raise argparse.ArgumentTypeError(f"'{unknown[0]}' is not a metric of compare: give any of {', '.join((*METRICS, TIME))}")
    return chosen


def _parse(arguments):
    parser = OneLineParser(
        prog="shadowwalk compare",
        description="Compare two measurements cell by cell and print what became slower or faster; a gate for CI. BASE and NEW are run "
                    "directories, results of single cells, or any Google Benchmark JSON.",
        epilog="SLOWER (worse in what is compared: more time, fewer walks, more memory) and FASTER: the interval of the ratio "
               "that holds for all cells at once lies wholly beyond the threshold. SAME: an equivalence test (TOST), corrected "
               "in the same way, says that the ratio is within. AMBIGUOUS otherwise, with the reason. The printed interval is "
               "that of 95 % of the one cell. Exit codes: 0 done, and the gate, if any, passed; 1 the gate failed (what failed "
               "is named); 2 bad input, or, without a gate, nothing that can be compared; 3 the gate compared nothing, or has "
               "too few repetitions to judge (--allow-few: 0). docs/reports.md has the rules of the verdicts.")
    parser.add_argument("base", metavar="BASE", help="the earlier measurement")
    parser.add_argument("new", metavar="NEW", help="the later measurement")
    parser.add_argument("--fail-on", metavar="RULES", type=_gate, default=Gate(), dest="gate",
                        help="a gate for CI: slower:P%%: exit with 1 if a cell is SLOWER by more than P %%, or has violations in NEW only; "
                             "missing: if a cell of BASE is not in NEW; both: slower:5%%,missing. Either also fails if a cell "
                             "went wrong or was skipped in NEW and not in BASE")
    parser.add_argument("--allow-few", action="store_true",
                        help="let --fail-on pass although cells have too few repetitions to judge (else: exit with 3)")
    parser.add_argument("--threshold", metavar="P%", type=percent,
                        help=f"the smallest change that counts (default: that of --fail-on, else {MINIMUM_EFFECT:.0%})"
                        .replace("%)", "%%)"))
    parser.add_argument("--metrics", metavar="LIST", type=_metrics,
                        help=f"any of {', '.join((*METRICS, TIME))} (default: all)")
    parser.add_argument("--across-hosts", action="store_true", help="compare although the hosts, or their kernels, differ")
    parser.add_argument("--with-perturbed", action="store_true",
                        help="compare also cells that a tool was attached to (docs/attach.md)")
    parser.add_argument("--with-noisy", action="store_true",
                        help="compare noisy results, too, which verdicts exclude otherwise; the output is marked")
    parser.add_argument("--all", action="store_true", dest="everything", help="show also cells that are SAME or AMBIGUOUS")
    parser.add_argument("--json", metavar="FILE", type=result_file, help="write all results, values included")
    options = parser.parse_args(arguments)
    if options.gate.slower is not None and options.threshold not in (None, options.gate.slower):
        raise InputError("--threshold and --fail-on slower give different thresholds: leave one out")
    return options


def _values(found):
    return " / ".join(found) or "not recorded"


def provenance_lines(base, new):
    """Hosts, builds and versions of both sides, where they differ."""
    rows = differences(base, new)
    if not rows:
        return ["Same host, build and lab version.", DRIFT]
    width = max(len(words) for _, words, _, _ in rows)
    return ["Not the same:", *(f"  {words:<{width}}  base {_values(old)}; new {_values(found)}"
                               for _, words, old, found in rows), DRIFT]


def _row(row):
    ratio, reason = row.comparison.ratio, row.comparison.reason
    value = "-" if ratio is None else f"{ratio.value:.3f}"
    base, new = (quantity(statistics.median(values), row.units) for values in (row.base, row.new))
    return (f"{row.verdict.value:<9} {value:>8} {low_to_high(ratio):>18} {row.p_words:>8} {base:>10} {new:>10}  {row.name}"
            + (f" ({reason.name})" if reason else ""))


def _counts(rows):
    """`2 SLOWER, 30 AMBIGUOUS (29 SPANS, 1 TOO_FEW)`."""
    for verdict in ORDER:
        found = [row for row in rows if row.verdict is verdict]
        codes = collections.Counter(row.comparison.reason.name for row in found if row.comparison.reason)
        if found:
            reasons = ", ".join(f"{count} {code}" for code, count in codes.most_common())
            yield f"{len(found)} {verdict.value}" + (f" ({reasons})" if reasons else "")


def table_lines(findings, everything=False):
    """One block per metric with what changed, or `everything`; then what was not compared, and the meaning of the reason codes."""
    for metric, rows in grouped((row.metric, row) for row in findings.compared).items():
        yield f"{metric}: {', '.join(_counts(rows))}"
        shown = [row for verdict in ORDER if everything or verdict in CHANGED for row in rows if row.verdict is verdict]
        if shown:
            yield f"{'verdict':<9} {'new/base':>8} {'95 % interval':>18} {'p':>8} {'base':>10} {'new':>10}  cell"
        yield from map(_row, shown)
    for words, rows in (("not compared", findings.without), ("only partly measured", findings.partly)):
        yield from (f"{words}: {row.name}: {row.reason}" for row in rows)
    for name in findings.broken:
        yield f"BROKEN: {name}: new hands out freed pages (violations), base does not"
    for reason in dict.fromkeys(row.comparison.reason for row in findings.compared if row.comparison.reason):
        yield f"{reason.name}: {reason.value}"


def _as_dict(row):
    found, ratio = row.comparison, row.comparison.ratio
    return {"metric": row.metric, "name": row.name, "verdict": row.verdict.value,
            "reason": found.reason.name if found.reason else None,
            "ratio": ratio and {"value": ratio.value, "low": ratio.low, "high": ratio.high}, "simultaneous": found.simultaneous,
            "delta": row.delta,
            "p": found.p, "p_corrected": found.p_corrected, "comparisons": found.family, "base": row.base, "new": row.new}


def document(base, new, findings, minimum_effect, failures, with_noisy=False):
    return {"format": "shadowwalk-compare-1", "base": base.path, "new": new.path, "minimum_effect": minimum_effect,
            "confidence": CONFIDENCE, "alpha": ALPHA, "with_noisy": with_noisy,
            "provenance": {key: {"base": base.recorded(key), "new": new.recorded(key)} for key, _ in PROVENANCE},
            "compared": [_as_dict(row) for row in findings.compared],
            "not_compared": [{"name": row.name, "reason": row.reason} for row in findings.without],
            "partly_measured": [{"name": row.name, "reason": row.reason} for row in findings.partly],
            "unjudged": [{"name": name, "reason": reason} for name, reason in findings.unjudged],
            "broken": findings.broken, "failures": failures}


def _failures(findings, gate):
    """[line]: the failures of the gate."""
    if gate == Gate():
        return []
    found = [f"violations: {name}" for name in findings.broken] + [f"{why}: {name}" for name, why in findings.failed]
    if gate.slower is not None:
        found += [f"{row.metric} {row.ratio_words}: {row.name}" for row in findings.of(Verdict.SLOWER)]
    if gate.missing:
        found += [f"missing: {row.name} ({row.reason})" for row in findings.without if row.lost]
    return found


def _noise_lines(base, new):
    """The mark of verdicts that noisy results are in."""
    yield (f"WITH NOISY RESULTS ({base.noisy} of base, {new.noisy} of new): the host was busy with something else while they were "
           "measured, and verdicts include them.")


def _nothing_words(findings, base, new):
    """Why nothing could be compared, in one line."""
    why = next(iter([*findings.without, *findings.compared]), None)
    reason = why and (why.reason if why in findings.without else why.comparison.reason.value)
    return f"{base} and {new} share nothing that can be compared" + (f" ({why.name}: {reason})" if why else "")


def _gate_lines(findings, gate, failures, unjudged):
    """What the gate made of the findings. `unjudged`: what makes it give no judgement."""
    undecided = len(findings.of(Verdict.AMBIGUOUS))
    if gate != Gate() and undecided:
        yield f"{undecided} of {len(findings.compared)} comparisons have no verdict and do not fail the gate"
    yield from (f"FAILED {line}" for line in failures)
    yield from (f"NOT JUDGED {name} ({why})" for name, why in unjudged)
    if unjudged and not failures:
        yield ("too few repetitions to judge: the gate neither failed nor passed; measure with more repetitions, or let it pass with "
               "--allow-few")


def _check_comparable(base, new, across_hosts):
    if base.is_simulated != new.is_simulated:
        raise InputError("one of BASE and NEW is SIMULATED and the other measured: compare like with like")
    hosts = "; ".join(f"{words} {_values(old)} against {_values(found)}" for _, words, old, found in host_differences(base, new))
    if hosts and not across_hosts:
        raise InputError(f"BASE and NEW are not from one host ({hosts}): give --across-hosts to compare them anyway")


def _run(arguments):
    options = _parse(arguments)
    base, new = (read_side(path, options.with_perturbed, options.with_noisy) for path in (options.base, options.new))
    _check_comparable(base, new, options.across_hosts)
    effect = options.threshold or options.gate.slower or MINIMUM_EFFECT
    findings = judge(base, new, effect, options.metrics)
    failures = _failures(findings, options.gate)
    nothing = _nothing_words(findings, options.base, options.new) if findings.is_empty and not failures else ""
    if nothing and options.gate == Gate():
        raise InputError(nothing)
    unjudged = findings.unjudged if options.gate.slower is not None and not options.allow_few else []
    if options.json:
        write_json(options.json, document(base, new, findings, effect, failures, options.with_noisy))
    say(*provenance_lines(base, new), *(_noise_lines(base, new) if options.with_noisy else ()), *table_lines(findings, options.everything),
        *([f"NOTHING COMPARED: {nothing}: the gate neither failed nor passed"] if nothing
          else _gate_lines(findings, options.gate, failures, unjudged)))
    return EXIT_GATE if failures else EXIT_UNJUDGED if unjudged or nothing else 0


def main(arguments=None):
    """Returns the exit code."""
    return run_command("shadowwalk: compare", _run, arguments)
