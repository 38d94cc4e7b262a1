"""Memory: shadow pages and retired ones, the process, and what the kernel says of itself in KVM cells."""

from ..quantities import ABSENT, BYTES, count_of, quantity
from ..setting import describe, varying_axes
from ..sheet import Cell, Line, Sheet
from . import Column, Content, Details, first_and_folded, setting_sheet

COLUMNS = (
    Column("shadow mean", "shadow pages allocated and not freed, over time: exact", "shadow_bytes_mean", BYTES),
    Column("shadow peak", "shadow pages allocated and not freed, greatest: exact", "shadow_bytes_peak", BYTES),
    Column("retired mean", "unlinked and not yet freed, over time: exact", "retired_bytes_mean", BYTES),
    Column("retired peak", "unlinked and not yet freed, greatest: exact", "retired_bytes_peak", BYTES),
    Column("RSS", "resident memory of the process at the end of the window, the lab itself included", "rss_bytes",
           BYTES))

IN_SUMMARY = ("retired_bytes_mean", "retired_bytes_peak")


def _sheet(table, setting, axes):
    """None where no row tells more than retired bytes, which the summary has."""
    rows = table.rows(setting)
    told = [column.counter for column in COLUMNS if column.counter not in IN_SUMMARY]
    if not any(row.estimate(counter) for row in rows for counter in told):
        return None
    return setting_sheet(setting, rows, COLUMNS, axes)


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
    """What the kernel told of one cell, a column a repetition; None when it told nothing."""
    memory = sorted({name for result in row.results for name in result.memory})
    names = sorted({name for result in row.results for name in result.kvm_stats})
    if not memory and not names:
        return None
    busy = [name for name in names
            if not all(result.kvm_stats[name].is_idle for result in row.results if name in result.kvm_stats)]
    lines = [Line(name, ["change over the window"], [_memory_cell(r.memory.get(name)) for r in row.results])
             for name in memory]
    for name in busy:
        kind = next((r.kvm_stats[name].kind for r in row.results if name in r.kvm_stats), "")
        lines.append(Line(name, [kind] if kind else [], [_stat_cell(r.kvm_stats.get(name)) for r in row.results]))
    setting = row.setting
    title = ", ".join([row.variant, *row.scheme.knobs, setting.workload, describe(setting, axes)])
    idle = len(names) - len(busy)
    remark = f"{count_of(idle, 'statistic')} {'was' if idle == 1 else 'were'} 0 throughout." if idle else ""
    columns = [(f"repetition {r.repetition}", "") for r in row.results]
    return Sheet(title, columns, lines, remark, corner="statistic")


def content(_run, table):
    axes = varying_axes(table.settings)
    zapped = [setting for setting in table.settings if setting.zappers > 0]
    found = first_and_folded([s for setting in zapped if (s := _sheet(table, setting, axes))],
                             "Footprint")
    kernel = [sheet for row in table.all_rows if row.setting.guest == "kvm" and (sheet := kernel_sheet(row, axes))]
    details = list(found.details)
    if kernel:
        details.append(Details(f"What the kernel tells of {count_of(len(kernel), 'KVM cell')}: memory of the process "
                               "and of page tables, and KVM's statistics of the VM and its vCPUs", kernel))
    return Content(sheets=found.sheets, details=details) if found.sheets or details else None
