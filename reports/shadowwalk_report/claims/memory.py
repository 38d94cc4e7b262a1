"""Claim 1: RCU makes memory use grow, since grace periods are unpredictable."""

from ..grouping import grouped
from ..quantities import BYTES, NANOSECONDS, listing, quantity
from ..rows import PREFERRED_WORKLOAD, Row, reason_words
from ..setting import within
from ..statistics import MINIMUM_EFFECT, Shift, differences, judge
from .claim import (RIVALS, SUBJECT, Claim, Finding, Outcome, blocker, figure_words, reasons_words,
                    remarks_elsewhere, unclear_words, untested, verdict_words)

QUOTE = "RCU makes memory use grow, since grace periods are unpredictable"
CRITERION = (
    "Judged where both schemes ran in the same setting with zappers and pages were retired, at the same RCU interval, "
    "by differences within each repetition. Borne out: the retired bytes of rcu-counter (unlinked, not yet freed) are "
    "larger at their peak, by more than half a page, and on average, and its free p99 (unlink to free) is longer, each "
    f"by more than {MINIMUM_EFFECT:.0%} with the whole interval. Not borne out: neither peak nor mean is larger. "
    "Everything else is ambiguous. Saturated or oversubscribed cells get no verdict, and noisy results are excluded. "
    "The headline is the cleanest setting: not oversubscribed, not saturated, mmio-poll and a KVM guest where there is "
    "one, then the most vCPUs and zaps.")

# A peak counts whole pages: half a page is less than any real growth.
HALF_A_PAGE = 2048
MEMORY = (("retired_bytes_peak", "peak", HALF_A_PAGE), ("retired_bytes_mean", "mean", 0))
TAIL = "free_ns_p99"
FIGURES = (("retired peak", "retired_bytes_peak", BYTES), ("mean", "retired_bytes_mean", BYTES), ("free p99", TAIL, NANOSECONDS))


def _rival_row(table, subject, rival):
    """The rival's row to compare with the subject's: other knobs equal, and the nearest RCU interval (which most schemes do not
    use)."""
    fitting = [row for row in table.rows(subject.setting)
               if row.variant == rival and row.scheme.checks == subject.scheme.checks
               and row.scheme.read_delay == subject.scheme.read_delay]
    return min(fitting, default=None,
               key=lambda row: abs(row.scheme.rcu_interval_ns - subject.scheme.rcu_interval_ns))


def _words(row, metric, units):
    return figure_words(row.estimate(metric, without_noise=True), row.estimate(metric), units)


def _shift(metric, tolerance, subject: Row, rival: Row):
    base = rival.estimate(metric, without_noise=True)
    changes = differences(*(row.values(metric, without_noise=True) for row in (subject, rival)))
    return judge(changes.values(), max(tolerance, MINIMUM_EFFECT * base.value if base else 0))


def _tail_shift(subject, rival):
    if subject.estimate(TAIL) is None and rival.estimate(TAIL) is not None and subject.freed_by_drain:
        return Shift.MORE, "no page of rcu-counter was freed within the window"
    if subject.estimate(TAIL) is None or rival.estimate(TAIL) is None:
        return Shift.AMBIGUOUS, "free p99 was not measured"
    found = _shift(TAIL, 0, subject, rival)
    return found.shift, f"free p99: {reason_words(found.reason, (subject, rival))}" if found.reason else ""


def _outcome(rows, peak, mean, tail, tail_note):
    shifts = (peak.shift, mean.shift)
    unclear = unclear_words((("peak", peak), ("mean", mean)), rows)
    if unclear:
        return Outcome.AMBIGUOUS, unclear
    if Shift.MORE not in shifts:
        return Outcome.NOT_BORNE_OUT, "neither peak nor mean of the retired bytes is larger"
    if shifts != (Shift.MORE, Shift.MORE):
        larger, not_larger = ("peak", "mean") if peak.shift is Shift.MORE else ("mean", "peak")
        return Outcome.AMBIGUOUS, f"the {larger} of the retired bytes is larger, the {not_larger} is not"
    if tail is Shift.MORE:
        return Outcome.BORNE_OUT, tail_note or "peak, mean and free p99 are all larger"
    return Outcome.AMBIGUOUS, tail_note or "memory grows, but free p99 is not longer"


def _judge_pair(run, subject, rival):
    """(outcome, why, figures)."""
    missing = [f"{metric} of {row.variant}" for metric, _, _ in MEMORY for row in (subject, rival)
               if row.estimate(metric) is None]
    if missing:
        return Outcome.NOT_TESTED, f"not measured: {listing(missing)}", ""
    figures = ", ".join(f"{what} {' against '.join(_words(row, metric, units) for row in (subject, rival))}"
                        for what, metric, units in FIGURES)
    obstacle = blocker(run, (subject, rival))
    saturated = [row.variant for row in (subject, rival) if row.has_flag("saturated")]
    if obstacle or saturated:
        return Outcome.AMBIGUOUS, obstacle or f"{listing(saturated)} saturated: zaps fell short of the requested rate", figures
    peak, mean = (_shift(metric, tolerance, subject, rival) for metric, _, tolerance in MEMORY)
    outcome, why = _outcome((subject, rival), peak, mean, *_tail_shift(subject, rival))
    return outcome, why, figures


def _subjects(table):
    """The rows of rcu-counter that can test the claim: with zappers that free pages, which dirty logging and balloons do not, and
    without special knobs."""
    return [row for row in table.all_rows
            if row.variant == SUBJECT and row.setting.zappers > 0 and row.scheme.checks == "off"
            and row.scheme.read_delay == "off"
            and ((peak := row.estimate("retired_bytes_peak")) is None or peak.value > 0)]


def _headline_subject(table, subjects):
    def preference(row):
        setting = row.setting
        rivals = [_rival_row(table, row, rival) for rival in RIVALS]
        cells = [row, *filter(None, rivals)]
        return (rivals.count(None), any(cell.has_flag("oversubscribed") for cell in cells),
                any(cell.has_flag("saturated") for cell in cells), not setting.is_plain,
                setting.workload != PREFERRED_WORKLOAD, setting.guest != "kvm", -setting.vcpus, -setting.zap_rate,
                setting)
    return min(subjects, key=preference, default=None)


def _findings(run, table, subject):
    findings = []
    for name in RIVALS:
        rival = _rival_row(table, subject, name)
        judged = _judge_pair(run, subject, rival) if rival else (Outcome.NOT_TESTED, f"{name} was not measured in this setting", "")
        findings.append(Finding(name, *judged, subject.setting, subject.scheme.rcu_interval_ns))
    return findings


def _figures_sentence(table, subject, headline):
    """The subject's three figures, then each rival's."""
    def figures(row):
        return (f"{row.variant} retires {_words(row, 'retired_bytes_peak', BYTES)} at its peak and "
                f"{_words(row, 'retired_bytes_mean', BYTES)} on average, free p99 {_words(row, TAIL, NANOSECONDS)}")
    rows = [subject] + [_rival_row(table, subject, finding.rival) for finding in headline if finding.figures]
    return "; ".join(figures(row) for row in rows)


def _sweep_remark(run, table, headline_subject, subjects):
    """The claim over the intervals of the reclaimer, in one sentence."""
    def swept_in(setting):
        return sorted((row for row in subjects if row.setting == setting), key=lambda row: row.scheme.rcu_interval_ns)

    settings = sorted({row.setting for row in subjects},
                      key=lambda s: (s != headline_subject.setting, -len(swept_in(s)), s))
    sweep = next((rows for rows in map(swept_in, settings) if len(rows) > 1), None)
    if sweep is None:
        return "Sweep of the RCU interval: NOT TESTED, as no setting was run with more than one interval."
    intervals = [quantity(row.scheme.rcu_interval_ns, NANOSECONDS) for row in sweep]
    by_verdict = grouped((verdict_words(_findings(run, table, row)), interval) for row, interval in zip(sweep, intervals))
    verdicts = "; ".join(f"{verdict} at {listing(where)}" for verdict, where in by_verdict.items())
    peaks = ", ".join(_words(row, "retired_bytes_peak", BYTES) for row in sweep)
    tails = ", ".join(_words(row, TAIL, NANOSECONDS) for row in sweep)
    return (f"Over the sweep of the RCU interval ({listing(intervals)}; {within(sweep[0].setting)}): {verdicts}; "
            f"the retired peak of {SUBJECT} is {peaks}, and its free p99 {tails}.")


def judge_memory(run, table):
    subjects = _subjects(table)
    at_zero = [row for row in subjects if row.scheme.rcu_interval_ns == 0]
    subject = _headline_subject(table, at_zero)
    if subject is None:
        reason = (f"{SUBJECT} was not measured with zappers at RCU interval 0" if subjects
                  else f"{SUBJECT} was not measured with zappers that free pages")
        headline = untested(reason)
        sentence = f"NOT TESTED against {listing(RIVALS)}: {reason}."
        remarks = [_sweep_remark(run, table, subjects[0], subjects)] if subjects else []
    else:
        headline = _findings(run, table, subject)
        reasons = reasons_words(headline)
        sentence = (f"{verdict_words(headline)} at {within(subject.setting)}, RCU interval 0: "
                    f"{_figures_sentence(table, subject, headline)}{f' ({reasons})' if reasons else ''}.")
        remarks = [_sweep_remark(run, table, subject, subjects)]
    findings = [finding for row in subjects for finding in _findings(run, table, row)]
    others = [f for f in findings if subject and f.rcu_interval_ns == 0 and f.setting != subject.setting]
    remarks += remarks_elsewhere(others, " at interval 0")
    return Claim("memory", QUOTE, CRITERION, headline, sentence, remarks, findings)
