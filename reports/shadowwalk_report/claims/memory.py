"""Claim 1: RCU can increase the memory in use. The claim says `can`: one realistic setting in which it does bears it out, and a setting
in which no page could wait for a reader refutes nothing."""

import dataclasses

from ..counters import counter
from ..grouping import grouped
from ..quantities import BYTES, NANOSECONDS, listing, quantity
from ..rows import PREFERRED_WORKLOAD, Row, figure_words
from ..setting import HOST, telling_axes, within
from ..statistics import MINIMUM_EFFECT, Shift, differences, estimate, judge
from .claim import (RIVALS, SUBJECT, Badge, Claim, Finding, Outcome, badge_of, blocker, line_of, noise_remarks,
                    reasons_words, remarks_elsewhere, unclear_brief, unclear_words, untested, values_of, verdict_words)

QUOTE = "RCU can increase the amount of memory in use by the system, since RCU grace periods are unpredictable"
MOST_REALISTIC_NS = 10_000_000  # of waiting between grace periods
# A peak counts whole pages: half a page is less than any real growth.
HALF_A_PAGE = 2048
PEAK, MEAN, PREDICTED = "deferred_bytes_peak", "deferred_bytes_mean", "deferred_bytes_predicted"
MEMORY = ((PEAK, "peak", HALF_A_PAGE), (MEAN, "mean", 0))
# Those first in which vCPUs poll devices while RAM's shadow pages are recycled: there is a reader whatever is zapped.
HEADLINE_WORKLOADS = ("mmio-beside-reclaim", "mmio-beside-teardown", "mmio-beside-quota", "mmio-beside-shrinker", PREFERRED_WORKLOAD)
CRITERION = (
    "Registered before the run. Judged where both schemes ran in the same setting and retired pages, by the deferred bytes: pages whose commit "
    "has returned and which are not free, which is 0 for a scheme that frees in commit. Borne out: in one realistic setting, peak (by more "
    "than half a page) and mean of rcu-counter are certainly larger, by differences within each repetition and intervals that hold for all "
    "settings at once. Realistic: a shipped workload, neither oversubscribed nor saturated, and a kernel's own grace period or an RCU "
    f"interval of at most {quantity(MOST_REALISTIC_NS, NANOSECONDS)}. A setting in which no commit found a reader inside a walk cannot show "
    "the effect and does not deny it: it is not tested. Noisy results are excluded. Each kernel, and user "
    "space, is judged alone. The headline is chosen before any figure is looked at: "
    f"a kernel's own grace period first, then the workloads {listing(HEADLINE_WORKLOADS)} in this order, the shortest interval, a KVM guest, "
    "the most vCPUs and zaps.")
TOO_OLD = "measured by a version that tells no deferred memory: measure again"
NO_READER = "no commit found a reader inside a walk"


def _rival_row(table, subject, rival):
    """The rival's row to compare with the subject's: other knobs equal, and the nearest RCU interval (which it does not use)."""
    fitting = [row for row in table.rows(subject.setting)
               if row.variant == rival and row.scheme.checks == subject.scheme.checks
               and row.scheme.read_delay == subject.scheme.read_delay]
    return min(fitting, default=None, key=lambda row: (row.scheme.grace_period != subject.scheme.grace_period,
                                                       abs(row.scheme.rcu_interval_ns - subject.scheme.rcu_interval_ns)))


def _words(row, metric, units=BYTES):
    return figure_words(row.estimate(metric, without_noise=True), row.estimate(metric), units)


def _missing(subject, rival):
    """Why the two have no deferred memory to compare; empty when they have."""
    for row in (subject, rival):
        for metric, _, _ in MEMORY:
            if row.estimate(metric) is None:
                why = row.why_absent(metric)
                return f"no {metric} of {row.variant}: {why}" if why else TOO_OLD
    return ""


def _waits_for_a_kernel(row):
    """Its grace periods are those of a kernel: it ran in one, or waited for the host's."""
    return row.setting.is_kernel or row.scheme.grace_period == HOST


def _why_not_realistic(row):
    """Why a setting says nothing about the practice; empty when it does."""
    workload = row.setting.workload
    if "/" in workload or workload.endswith(".toml") or workload.startswith("trace:"):
        return "the workload is not one of those that ship"
    if not _waits_for_a_kernel(row) and row.scheme.rcu_interval_ns > MOST_REALISTIC_NS:
        return f"the RCU interval is longer than {quantity(MOST_REALISTIC_NS, NANOSECONDS)}"
    return ""


def _cannot_show(subject):
    """Whether no page of the subject was deferred, in any repetition, noisy or not."""
    return not any(subject.happened(metric) for metric in ("pages_deferred", "commits_deferred", PEAK))


def _outcome(subject, rival, family, with_noisy=False):
    """(outcome, why, short)."""
    judged = []
    for metric, what, tolerance in MEMORY:
        values = [values_of(row, metric, with_noisy) for row in (subject, rival)]
        base = estimate(values[1].values())
        tolerance = max(tolerance, MINIMUM_EFFECT * base.value if base else 0)
        judged.append((what, judge(differences(*values).values(), tolerance, counter(PEAK).step if metric == PEAK else 0, family)))
    if unclear := unclear_words(judged, (subject, rival)):
        return Outcome.AMBIGUOUS, unclear, unclear_brief(judged, (subject, rival))
    larger = [what for what, found in judged if found.shift is Shift.MORE]
    if len(larger) == len(MEMORY):
        return Outcome.BORNE_OUT, "peak and mean of the deferred bytes are larger", ""
    if not larger:
        return Outcome.NOT_BORNE_OUT, "neither peak nor mean of the deferred bytes is larger", ""
    why = f"the {larger[0]} of the deferred bytes is larger, the {'mean' if larger == ['peak'] else 'peak'} is not"
    return Outcome.AMBIGUOUS, why, why


def _finding(run, table, subject, name, family):
    def found(outcome, why, figures="", short="", with_noisy=None):
        return Finding(name, outcome, why, figures, subject.setting, subject.scheme.rcu_interval_ns, subject.scheme.grace_period,
                       short or why, with_noisy)

    rival = _rival_row(table, subject, name)
    if rival is None:
        return found(Outcome.NOT_TESTED, f"{name} was not measured in this setting")
    if missing := _missing(subject, rival):
        return found(Outcome.NOT_TESTED, missing)
    figures = ", ".join([f"deferred {what} {_words(subject, metric)} against {_words(rival, metric)}" for metric, what, _ in MEMORY]
                        + ([f"Little's law predicts a mean of {_words(subject, PREDICTED)}"] if subject.estimate(PREDICTED) else []))
    if obstacle := _obstacle(run, (subject, rival)):
        return found(Outcome.AMBIGUOUS, obstacle, figures)
    if _cannot_show(subject):
        return found(Outcome.NOT_TESTED, NO_READER, figures)
    outcome, why, short = _outcome(subject, rival, family)
    noisy = _outcome(subject, rival, family, True)[0] if subject.has_noisy or rival.has_noisy else None
    return found(outcome, why, figures, short, noisy)


def _obstacle(run, rows):
    """What forbids a verdict; empty when nothing does."""
    saturated = [row.variant for row in rows if row.has_flag("saturated", without_noise=True)]
    return blocker(run, rows) or (f"{listing(saturated)} saturated: zaps fell short of the requested rate" if saturated else "")


@dataclasses.dataclass(frozen=True)
class _Case:
    """One row of rcu-counter with its findings. `aside`: why it is not realistic, or empty. `is_clean`: nothing forbids a verdict."""

    row: Row
    findings: list[Finding]
    aside: str
    is_clean: bool

    @property
    def is_borne_out(self):
        return not self.aside and any(finding.outcome is Outcome.BORNE_OUT for finding in self.findings)

    @property
    def is_judged(self):
        return self.is_clean and any(finding.outcome is not Outcome.NOT_TESTED for finding in self.findings)


def _subjects(table):
    """The rows of rcu-counter that retire pages, which dirty logging and balloons do not, and without special knobs. Whether a zapper
    or faults retire them (a page quota's) makes no difference."""
    def retires(row):
        peak = row.estimate("retired_bytes_peak")
        return row.setting.zappers > 0 if peak is None else peak.value > 0

    return [row for row in table.all_rows
            if row.variant == SUBJECT and row.scheme.checks == "off" and row.scheme.read_delay == "off" and retires(row)]


def _preference(table, row):
    """The order in which settings are asked, whatever their figures."""
    setting, scheme = row.setting, row.scheme
    rivals = [_rival_row(table, row, rival) for rival in RIVALS]
    cells = [row, *filter(None, rivals)]
    place = HEADLINE_WORKLOADS.index(setting.workload) if setting.workload in HEADLINE_WORKLOADS else len(HEADLINE_WORKLOADS)
    return (rivals.count(None), bool(_why_not_realistic(row)), any(cell.has_flag("oversubscribed", without_noise=True) for cell in cells),
            any(cell.has_flag("saturated", without_noise=True) for cell in cells), not setting.with_default_pace.is_plain,
            not _waits_for_a_kernel(row), place, scheme.rcu_interval_ns, setting.guest != "kvm", -setting.vcpus, -setting.zap_rate,
            -len(row.results), setting)


def _grace_words(run, row):
    """`host's grace period 5.8 ms`, `kernel's grace period 12 ms`, or `RCU interval 4 ms`."""
    if not _waits_for_a_kernel(row):
        return f"RCU interval {row.scheme.interval_words}"
    measured = row.estimate("grace_period_ns_p50")
    length = None if row.setting.is_kernel else run.host.grace_period_ns
    length = length or (measured.value if measured else None)
    return f"{'kernel' if row.setting.is_kernel else 'host'}'s grace period" + (f" {quantity(length, NANOSECONDS)}" if length else "")


def _place(run, table, row):
    return f"{within(row.setting, telling_axes(row.setting, table.settings))}, {_grace_words(run, row)}"


def _figures_sentence(table, case):
    """The subject's figures, then each rival's."""
    def figures(row):
        law = f", which Little's law predicts as {_words(row, PREDICTED)}" if row is case.row and row.estimate(PREDICTED) else ""
        return f"{row.variant} defers {_words(row, PEAK)} at its peak and {_words(row, MEAN)} on average{law}"
    rows = [case.row] + [_rival_row(table, case.row, finding.rival) for finding in case.findings if finding.figures]
    return "; ".join(map(figures, rows)) if len(rows) > 1 else ""


def _sweep_remark(table, cases):
    """The claim over the grace periods of the first setting that was run with several, in one sentence."""
    by_setting = grouped((case.row.setting, case) for case in cases if case.row.estimate(PEAK))
    sweep = next((found for found in by_setting.values() if len(found) > 1), None)
    if sweep is None:
        why = "no setting was run with more than one interval"
        why = "a kernel has grace periods of its own" if cases[0].row.setting.is_kernel else why
        return f"Sweep of the RCU interval: NOT TESTED, as {why}."
    sweep.sort(key=lambda case: (case.row.scheme.grace_period == HOST, case.row.scheme.rcu_interval_ns))
    intervals = [case.row.scheme.interval_words for case in sweep]
    by_verdict = grouped((verdict_words(case.findings), interval) for case, interval in zip(sweep, intervals))
    verdicts = "; ".join(f"{verdict} at {listing(where)}" for verdict, where in by_verdict.items())
    peaks = ", ".join(_words(case.row, PEAK) for case in sweep)
    setting = sweep[0].row.setting
    return (f"Over the sweep of the RCU interval ({listing(intervals)}; {within(setting, telling_axes(setting, table.settings))}): "
            f"{verdicts}; the deferred peak of {SUBJECT} is {peaks}.")


def _largest_remark(run, table, borne_out):
    """[where most is held, over the settings that bear the claim out]."""
    if len(borne_out) < 2:
        return []
    row = max((case.row for case in borne_out), key=lambda row: row.estimate(PEAK, without_noise=True).value)
    return [f"Most is held at {_place(run, table, row)}: {_words(row, PEAK)} at the peak, {_words(row, MEAN)} on average."]


def _line(run, table, case, badge):
    if badge in (Badge.YES, Badge.NO):
        wanted = Outcome.BORNE_OUT if badge is Badge.YES else Outcome.NOT_BORNE_OUT
        rival = next(finding.rival for finding in case.findings if finding.outcome is wanted)
        held, other = (quantity((row.estimate(PEAK, without_noise=True) or row.estimate(PEAK)).value, BYTES)
                       for row in (case.row, _rival_row(table, case.row, rival)))
        return line_of(f"{held} held after commit, against {other} ({_grace_words(run, case.row)})")
    outcome = Outcome.AMBIGUOUS if badge is Badge.AMBIGUOUS else Outcome.NOT_TESTED
    return line_of(next(finding.short or finding.why for finding in case.findings if finding.outcome is outcome))


def _untested_claim(reason):
    return Claim("memory", QUOTE, CRITERION, untested(reason), f"NOT TESTED against {listing(RIVALS)}: {reason}.", [], [],
                 Badge.NOT_TESTED, line_of(reason))


def judge_memory(run, table):
    subjects = sorted(_subjects(table), key=lambda row: _preference(table, row))
    if not subjects:
        return _untested_claim(f"{SUBJECT} was not measured where pages are retired")
    family = max(1, sum(not _why_not_realistic(row) and not _cannot_show(row) for row in subjects))
    cases = [_Case(row, [_finding(run, table, row, name, family) for name in RIVALS], _why_not_realistic(row),
                   not any(_obstacle(run, [row, rival]) for name in RIVALS if (rival := _rival_row(table, row, name)))) for row in subjects]
    realistic = [case for case in cases if not case.aside]
    borne_out = [case for case in realistic if case.is_borne_out]
    if not realistic:
        return dataclasses.replace(_untested_claim(f"no realistic setting: {cases[0].aside}"),
                                   findings=[finding for case in cases for finding in case.findings])
    # The first in the registered order that bears the claim out, else the first that can test it: the claim says `can`.
    headline = next(iter(borne_out), None) or next((case for case in realistic if case.is_judged), realistic[0])
    badge = badge_of(headline.findings)
    reasons = reasons_words(headline.findings)
    figures = _figures_sentence(table, headline)
    sentence = (f"{verdict_words(headline.findings)} at {_place(run, table, headline.row)}" + (f": {figures}" if figures else "")
                + (f" ({reasons})" if reasons else "") + ".")
    first = realistic[0]
    remarks = [] if headline is first else [
        f"The first setting of the registered order, {_place(run, table, first.row)}, is {verdict_words(first.findings)}"
        f" ({reasons_words(first.findings) or first.findings[0].why})."]
    remarks += [*noise_remarks(headline.findings), *_largest_remark(run, table, borne_out), _sweep_remark(table, cases)]
    remarks += remarks_elsewhere([finding for case in cases if case is not headline for finding in case.findings])
    return Claim("memory", QUOTE, CRITERION, headline.findings, sentence, remarks,
                 [finding for case in cases for finding in case.findings], badge, _line(run, table, headline, badge))
