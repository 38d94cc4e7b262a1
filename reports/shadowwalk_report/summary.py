"""The summary tables: one group per workload and guest, one sheet per setting, one line per row."""

import dataclasses

from .counters import counter, counters
from .held import held_by
from .quantities import ABSENT, NANOSECONDS, RATIO, interval, quantity, with_interval
from .rows import FLOOR, SPEED_LIMIT, noise_decided, read_side
from .setting import by_place, describe, place_title, varying_axes
from .sheet import Cell, Line, Sheet, counter_cell, estimate_cell, heads
from .statistics import estimate, ratios
from .verdicts import WALKS


@dataclasses.dataclass(frozen=True)
class Group:
    title: str
    sheets: list[Sheet]


_WALKS = counters("walks_per_second", "walk_ns_mean")
_QUIET = counters("walk_ns_p50", "walk_ns_p99", "sections_preempted")
_VIOLATIONS = dataclasses.replace(counter("violations"), meaning=counter("violations").meaning + ", over all repetitions")
# Of emulated cells, whose clock means nothing.
COUNTS = counters("zaps_total", "pages_freed_total", "walks_restarted", "ipis_total")
_ZAPPED = (*counters("free_ns_p50", "free_ns_p99", "zap_ns_p99", "mmu_lock_hold_ns_p99",
                     "ipis"), _VIOLATIONS)


def _cell(row, shown):
    if shown is _VIOLATIONS:
        return Cell(f"{row.violations:,}", hint="a negative control, which must be caught" if row.is_negative_control else "",
                    verdict="bad" if row.broken else "")
    cell = counter_cell(row, shown)
    if row.saturation(shown) and cell.value != ABSENT:
        return dataclasses.replace(cell, hint="saturated: it grows with the length of the run", verdict="doubtful")
    return cell


def _read_side_cell(row, limit):
    if limit is None:
        return Cell(ABSENT, hint=f"{SPEED_LIMIT} was not measured in this setting")
    if row is limit:
        return Cell("0", hint="by definition: the other costs are relative to it")
    return estimate_cell(estimate(read_side(row, limit).values()), NANOSECONDS,
                         row.why_absent("walk_ns_mean") or f"no repetition with {SPEED_LIMIT}")


def noisy_ratio(rows, metric, reason):
    """A ratio over all results, where too few are quiet for a verdict."""
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
        return noisy_ratio((row, baseline), WALKS.counter.name, ruling.reason)
    if found.ratio is None:
        return Cell(ABSENT, hint=ruling.reason)
    if ruling.doubt:
        return Cell(quantity(found.ratio.value, RATIO), interval(found.ratio), f"no verdict: {ruling.doubt}", "doubtful")
    hint = found.verdict.value + (f": {ruling.reason}" if ruling.reason else "")
    return Cell(quantity(found.ratio.value, RATIO), interval(found.ratio), hint, found.verdict.value.lower())


def _floor_remark(table, setting):
    """How near the speed limit is to the bare access stream."""
    limit, floor = table.plain_row(setting, SPEED_LIMIT), table.plain_row(setting, FLOOR)
    if limit is None or floor is None:
        return ""
    found = estimate(ratios(limit.values("walk_ns_mean"), floor.values("walk_ns_mean")).values())
    return f"{SPEED_LIMIT} walks at {with_interval(found, RATIO)} the {FLOOR}." if found else ""


def _counted_sheet(table, setting, axes):
    shown = (*COUNTS, _VIOLATIONS)
    lines = [Line(row.variant, row.scheme.knobs, [_cell(row, each) for each in shown]) for row in table.rows(setting)]
    return Sheet(describe(setting, axes), heads(shown), lines)


def _sheet(table, setting, axes, verdicts):
    if setting.is_emulated:
        return _counted_sheet(table, setting, axes)
    rows = table.rows(setting)
    limit = table.plain_row(setting, SPEED_LIMIT)
    quiet = setting.zappers == 0
    held = held_by(rows)
    counters_shown = _WALKS + (_QUIET if quiet else (held.peak, held.mean, *_ZAPPED))
    columns = heads(counters_shown)
    columns.insert(1, (f"walks vs {verdicts.baseline}", "ratio of walks per second, paired by repetition"))
    if quiet:
        columns.insert(3, ("read side", f"what the scheme adds to a walk: its mean less that of {SPEED_LIMIT}, paired by repetition"))
    lines = []
    for row in rows:
        cells = [_cell(row, shown) for shown in counters_shown]
        cells.insert(1, _versus_cell(row, verdicts))
        if quiet:
            cells.insert(3, _read_side_cell(row, limit))
        lines.append(Line(row.variant, row.scheme.knobs, cells))
    return Sheet(describe(setting, axes), columns, lines, _floor_remark(table, setting))


def summary_groups(table, verdicts):
    return [Group(place_title(*place), [_sheet(table, setting, varying_axes(settings), verdicts) for setting in settings])
            for place, settings in by_place(table.settings)]
