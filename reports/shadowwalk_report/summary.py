"""The summary tables: one a workload and guest, one sheet a setting, one line a row."""

import dataclasses
import itertools

from .quantities import ABSENT, BYTES, NANOSECONDS, PER_SECOND, PLAIN, RATIO, interval, quantity, with_interval
from .rows import FLOOR, SPEED_LIMIT, noise_decided, read_side
from .setting import describe, guest_words, varying_axes
from .sheet import Cell, Line, Sheet
from .statistics import estimate, ratios
from .verdicts import WALKS, Verdicts

@dataclasses.dataclass(frozen=True)
class Group:
    title: str
    slug: str
    sheets: list[Sheet]


@dataclasses.dataclass(frozen=True)
class _Metric:
    title: str
    meaning: str
    counter: str
    units: tuple
    is_latency: bool = False


_WALKS = (
    _Metric("walks", "completed walks of all vCPUs", "walks_per_second", PER_SECOND),
    _Metric("walk mean", "walk_ns_mean: whole bursts over their walks", "walk_ns_mean", NANOSECONDS))
_QUIET = (
    _Metric("walk p50", "single walks, sampled; each contains one clock read", "walk_ns_p50", NANOSECONDS),
    _Metric("walk p99", "single walks, sampled; each contains one clock read", "walk_ns_p99", NANOSECONDS),
    _Metric("preempted", "an upper bound on read sections that lost their CPU", "sections_preempted", PLAIN))
_ZAPPED = (
    _Metric("retired peak", "unlinked and not yet freed, greatest", "retired_bytes_peak", BYTES),
    _Metric("retired mean", "unlinked and not yet freed, over time", "retired_bytes_mean", BYTES),
    _Metric("free p50", "from unlink to free", "free_ns_p50", NANOSECONDS, True),
    _Metric("free p99", "from unlink to free", "free_ns_p99", NANOSECONDS, True),
    _Metric("zap p99", "from the intended start to the end of commit", "zap_ns_p99", NANOSECONDS, True),
    _Metric("lock hold p99", "mmu_lock, by zaps and faults", "mmu_lock_hold_ns_p99", NANOSECONDS),
    _Metric("IPIs", "sent by flushes in the window", "ipis", PLAIN),
    _Metric("violations", "used results that came from a freed page, over all repetitions", "violations", PLAIN))


def _metric_cell(row, metric):
    if metric.counter == "violations":
        return Cell(f"{row.violations:,}", hint="a negative control: it is there to be caught" if row.is_negative_control
                    else "", verdict="bad" if row.broken else "")
    found = row.estimate(metric.counter)
    if found is None:
        return Cell(ABSENT, hint=row.why_absent(metric.counter) or "not measured")
    if metric.is_latency and row.has_flag("saturated"):
        return Cell(quantity(found.value, metric.units), interval(found, metric.units),
                    "saturated: it grows with the length of the run", "doubtful")
    return Cell(quantity(found.value, metric.units), interval(found, metric.units))


def _read_side_cell(row, limit):
    if limit is None:
        return Cell(ABSENT, hint=f"{SPEED_LIMIT} was not measured in this setting")
    if row is limit:
        return Cell("0", hint="by definition: the others' costs are counted from here")
    found = estimate(read_side(row, limit).values())
    if found is None:
        return Cell(ABSENT, hint=row.why_absent("walk_ns_mean") or f"no repetition with {SPEED_LIMIT}")
    return Cell(quantity(found.value, NANOSECONDS), interval(found, NANOSECONDS))


def noisy_ratio(rows, metric, reason):
    """A ratio of all results, where too few are quiet for a verdict."""
    found = estimate(ratios(*(row.values(metric) for row in rows)).values())
    if found is None:
        return Cell(ABSENT, hint=reason)
    return Cell(quantity(found.value, RATIO), interval(found, RATIO), f"no verdict: {reason}", "doubtful", ("noisy",))


def _versus_cell(row, verdicts):
    baseline = verdicts.baseline_row(row.setting)
    if baseline is None:
        return Cell(ABSENT, hint=f"{verdicts.baseline} was not measured in this setting")
    if row is baseline:
        return Cell("1x", hint="the baseline")
    ruling = verdicts.ruling(WALKS, row)
    found = ruling.comparison
    if noise_decided(found.reason, (row, baseline)):
        return noisy_ratio((row, baseline), WALKS.counter, ruling.reason)
    if found.ratio is None:
        return Cell(ABSENT, hint=ruling.reason)
    if ruling.doubt:
        return Cell(quantity(found.ratio.value, RATIO), interval(found.ratio), f"no verdict: {ruling.doubt}", "doubtful")
    hint = found.verdict.value + (f": {ruling.reason}" if ruling.reason else "")
    return Cell(quantity(found.ratio.value, RATIO), interval(found.ratio), hint, found.verdict.value.lower())


def _floor_remark(table, setting):
    """How near the speed limit comes to the bare access stream."""
    limit, floor = table.plain_row(setting, SPEED_LIMIT), table.plain_row(setting, FLOOR)
    if limit is None or floor is None:
        return ""
    found = estimate(ratios(limit.values("walk_ns_mean"), floor.values("walk_ns_mean")).values())
    return f"{SPEED_LIMIT} walks at {with_interval(found, RATIO)} the {FLOOR}." if found else ""


def _sheet(table, setting, axes, verdicts):
    rows = table.rows(setting)
    limit = table.plain_row(setting, SPEED_LIMIT)
    quiet = setting.zappers == 0
    metrics = _WALKS + (_QUIET if quiet else _ZAPPED)
    columns = [(metric.title, metric.meaning) for metric in metrics]
    columns.insert(1, (f"walks vs {verdicts.baseline}", "ratio of walks per second, paired by repetition"))
    if quiet:
        columns.insert(3, ("read side", f"what the scheme adds to a walk: its mean less that of {SPEED_LIMIT}, paired"))
    lines = []
    for row in rows:
        cells = [_metric_cell(row, metric) for metric in metrics]
        cells.insert(1, _versus_cell(row, verdicts))
        if quiet:
            cells.insert(3, _read_side_cell(row, limit))
        lines.append(Line(row.variant, row.scheme.knobs, cells))
    return Sheet(describe(setting, axes), columns, lines, _floor_remark(table, setting))


def summary_groups(table, verdicts=None):
    """Verdicts: against the usual baseline, unless given."""
    verdicts = verdicts or Verdicts(table)
    groups = []
    for (workload, guest), members in itertools.groupby(table.settings, key=lambda s: (s.workload, s.guest)):
        settings = list(members)
        axes = varying_axes(settings)
        title = f"{workload}, {guest_words(guest)}"
        groups.append(Group(title, f"summary-{len(groups) + 1}", [_sheet(table, s, axes, verdicts) for s in settings]))
    return groups
