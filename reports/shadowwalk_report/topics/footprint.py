"""Memory: over time as lanes, and in tables; shadow pages and retired ones, the process, and the kernel's own statistics of KVM
cells."""

from ..counters import counters
from ..drawing.lanes import Footprint, lane_plot
from ..drawing.plot import chosen_by_place
from ..quantities import ABSENT, BYTES, count_of, quantity
from ..setting import describe, varying_axes
from ..sheet import Cell, Content, Details, Line, Sheet, first_and_folded, setting_sheet
from .stalled_walker import stalled_rows

_HOW = ("the peak within each interval of the window, exact. All lanes share one scale, which is logarithmic above a "
        "page. One repetition per variant, the one with the median peak.")
FOOTPRINTS = (
    Footprint(
        "deferred", "Deferred memory over time",
        f"Bytes whose commit has returned and which are not free, nothing where commit() itself frees: {_HOW}",
        "deferred_bytes", "deferred_bytes_peak"),
    Footprint(
        "retired", "Retired memory over time",
        f"Bytes unlinked and not yet freed: {_HOW} The strip above a lane is filled while an RCU grace period was under way, each from "
        "its begin to its end; where there were too many, its height is their share of each interval.",
        "retired_bytes", "retired_bytes_peak", marks_grace_periods=True),
    Footprint(
        "shadow", "Shadow memory over time",
        f"Shadow pages allocated and not yet freed, retired ones included: {_HOW}",
        "shadow_bytes", "shadow_bytes_peak"))
COLUMNS = counters("shadow_bytes_mean", "shadow_bytes_peak", "deferred_bytes_mean", "deferred_bytes_peak", "deferred_bytes_predicted",
                   "retired_bytes_mean", "retired_bytes_peak", "rss_bytes")
IN_SUMMARY = ("retired_bytes_mean", "retired_bytes_peak")


def plots(material):
    table = material.table
    # Behind a stalled walker the course over time is the result: that section draws it, for every workload that stalls.
    zapped = [setting for setting in table.settings if setting.zappers > 0 and not stalled_rows(table.rows(setting))]
    for place, settings, absent in chosen_by_place(table, zapped):
        yield from filter(None, (lane_plot(footprint, table, place, settings, absent) for footprint in FOOTPRINTS))


def _measured(rows):
    """The columns that have a value in any row."""
    return [counter for counter in COLUMNS if any(row.estimate(counter.name) for row in rows)]


def _sheet(table, setting, columns, axes):
    """None where the rows have only the retired bytes, which are in the summary."""
    rows = table.rows(setting)
    if all(counter.name in IN_SUMMARY for counter in _measured(rows)):
        return None
    return setting_sheet(setting, rows, columns, axes)


def _memory_cell(sizes):
    if sizes is None:
        return Cell(ABSENT)
    change = sizes.after - sizes.before
    return Cell(f"{'+' if change > 0 else '-' if change < 0 else ''}{quantity(abs(change), BYTES)}",
                more=(f"{quantity(sizes.before, BYTES)} to {quantity(sizes.after, BYTES)}",))


def _stat_cell(stat):
    if stat is None:
        return Cell(ABSENT)
    if stat.delta is not None:
        return Cell(f"{stat.delta:,.0f}")
    return Cell(" to ".join(ABSENT if value is None else f"{value:,.0f}" for value in (stat.before, stat.after)))


def kernel_sheet(row, axes):
    """The kernel's statistics of one cell, one column per repetition; None when there are none."""
    memory = sorted({name for result in row.results for name in result.memory})
    names = sorted({name for result in row.results for name in result.kvm_stats})
    if not memory and not names:
        return None
    found = {name: [r.kvm_stats[name] for r in row.results if name in r.kvm_stats] for name in names}
    busy = {name: stats for name, stats in found.items() if any(stat.delta or stat.before or stat.after for stat in stats)}
    lines = [Line(name, ["change over the window"], [_memory_cell(r.memory.get(name)) for r in row.results])
             for name in memory]
    lines += [Line(name, [stats[0].kind] if stats[0].kind else [], [_stat_cell(r.kvm_stats.get(name)) for r in row.results])
              for name, stats in busy.items()]
    title = f"{row.scheme.words}, {row.setting.workload}, {describe(row.setting, axes)}"
    idle = len(names) - len(busy)
    remark = f"{count_of(idle, 'statistic')} {'was' if idle == 1 else 'were'} 0 throughout." if idle else ""
    columns = [(f"repetition {r.repetition}", "") for r in row.results]
    return Sheet(title, columns, lines, remark, corner="statistic")


def content(material):
    table = material.table
    axes = varying_axes(table.settings)
    zapped = [setting for setting in table.settings if setting.zappers > 0]
    columns = _measured(table.all_rows)
    found = first_and_folded([s for setting in zapped if (s := _sheet(table, setting, columns, axes))], "Footprint")
    kernel = [sheet for row in table.all_rows if row.setting.guest == "kvm" and (sheet := kernel_sheet(row, axes))]
    details = list(found.details)
    if kernel:
        details.append(Details(f"The kernel's statistics of {count_of(len(kernel), 'KVM cell')}: memory of the process "
                               "and of page tables, and KVM's statistics of the VM and its vCPUs", kernel))
    return Content(sheets=found.sheets, details=details) if found.sheets or details else None
