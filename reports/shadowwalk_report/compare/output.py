"""What was found, as lines for a terminal and as JSON for scripts."""

import collections
import statistics

from ..quantities import quantity
from ..statistics import ALPHA, CONFIDENCE, Verdict
from .side import PROVENANCE, differences

ORDER = (Verdict.SLOWER, Verdict.FASTER, Verdict.AMBIGUOUS, Verdict.SAME)
CHANGED = (Verdict.SLOWER, Verdict.FASTER)
DRIFT = "BASE and NEW were not interleaved: what the host changed between them is in every ratio."


def _values(found):
    return " / ".join(found) or "not recorded"


def provenance_lines(base, new):
    """What both sides were measured on, where that is not the same."""
    rows = differences(base, new)
    if not rows:
        return ["Same host, build and lab version.", DRIFT]
    width = max(len(words) for _, words, _, _ in rows)
    return ["Not the same:", *(f"  {words:<{width}}  base {_values(old)}; new {_values(found)}"
                               for _, words, old, found in rows), DRIFT]


def _row(row):
    ratio, found = row.comparison.ratio, row.comparison
    value = "-" if ratio is None else f"{ratio.value:.3f}"
    interval = "-" if ratio is None or ratio.low is None else f"{ratio.low:.3f} .. {ratio.high:.3f}"
    p = "-" if found.p_corrected is None else f"{found.p_corrected:.2g}"
    base, new = (quantity(statistics.median(values), row.units) for values in (row.base, row.new))
    reason = f" ({found.reason.name})" if found.reason else ""
    return f"{row.verdict.value:<9} {value:>8} {interval:>18} {p:>8} {base:>10} {new:>10}  {row.name}{reason}"


def _counts(rows):
    """`2 SLOWER, 30 AMBIGUOUS (29 SPANS, 1 TOO_FEW)`."""
    for verdict in ORDER:
        found = [row for row in rows if row.verdict is verdict]
        codes = collections.Counter(row.comparison.reason.name for row in found if row.comparison.reason)
        if found:
            told = ", ".join(f"{count} {code}" for code, count in codes.most_common())
            yield f"{len(found)} {verdict.value}" + (f" ({told})" if told else "")


def table_lines(findings, everything=False):
    """A block a metric: what changed, or `everything`; then what was not compared, and what the reason codes mean."""
    by_metric = {}
    for row in findings.compared:
        by_metric.setdefault(row.metric, []).append(row)
    for metric, rows in by_metric.items():
        yield f"{metric}: {', '.join(_counts(rows))}"
        shown = [row for verdict in ORDER if everything or verdict in CHANGED for row in rows if row.verdict is verdict]
        if shown:
            yield f"{'verdict':<9} {'new/base':>8} {'95 % interval':>18} {'p':>8} {'base':>10} {'new':>10}  cell"
        yield from map(_row, shown)
    for row in findings.without:
        yield f"not compared: {row.name}: {row.reason}"
    for name in findings.broken:
        yield f"BROKEN: {name}: new hands out freed pages (violations), base does not"
    for reason in dict.fromkeys(row.comparison.reason for row in findings.compared if row.comparison.reason):
        yield f"{reason.name}: {reason.value}"


def _as_dict(row):
    found, ratio = row.comparison, row.comparison.ratio
    return {"metric": row.metric, "name": row.name, "verdict": row.verdict.value,
            "reason": found.reason.name if found.reason else None,
            "ratio": ratio and {"value": ratio.value, "low": ratio.low, "high": ratio.high}, "delta": row.delta,
            "p": found.p, "p_corrected": found.p_corrected, "comparisons": found.family, "base": row.base, "new": row.new}


def document(base, new, findings, minimum_effect, failures):
    return {"format": "shadowwalk-compare-1", "base": base.path, "new": new.path, "minimum_effect": minimum_effect,
            "confidence": CONFIDENCE, "alpha": ALPHA,
            "provenance": {key: {"base": base.told(key), "new": new.told(key)} for key, _ in PROVENANCE},
            "compared": [_as_dict(row) for row in findings.compared],
            "not_compared": [{"name": row.name, "reason": row.reason} for row in findings.without],
            "broken": findings.broken, "failures": failures}
