"""The host kernel's own MMU under the same guests: a reference beside the lab's schemes, held against none of them."""

from ..quantities import ABSENT, BYTES, NANOSECONDS, PER_SECOND, quantity
from ..setting import describe, guest_words, varying_axes
from ..sheet import Cell, Line, Sheet
from . import Column, Content, Details, metric_cell
from .footprint import kernel_sheet

LABEL = "kernel (reference)"
NOTE = ("Another implementation, in kernel space, end to end: a beat is the system calls that have the kernel zap, a touch is clocked by "
        "the guest and is a hit, or the vCPU's first of its page since a beat, which need not be a fault. No scheme's figure is "
        "the same quantity, so there is no ratio and no verdict; docs/host-kvm.md says what can be compared.")
COLUMNS = (
    Column("touches", "loads and stores that the guests made, all vCPUs", "touches_per_second", PER_SECOND),
    Column("hit p50", "the vCPU had touched the page since the last beat", "touch_hit_ns_p50", NANOSECONDS),
    Column("first p50", "the vCPU's first touch of the page since a beat", "touch_first_ns_p50", NANOSECONDS),
    Column("first p99", "the vCPU's first touch of the page since a beat", "touch_first_ns_p99", NANOSECONDS),
    Column("touch p99", "all touches of memory", "touch_ns_p99", NANOSECONDS),
    Column("MMIO p50", "the exit to user space and back", "touch_device_ns_p50", NANOSECONDS),
    Column("beat p50", "zap_service_ns: the beat's system calls", "zap_service_ns_p50", NANOSECONDS),
    Column("beat p99", "zap_service_ns: the beat's system calls", "zap_service_ns_p99", NANOSECONDS))


def _peak_cell(row):
    peaks = [r.memory["sec_page_tables_bytes"].peak for r in row.results if "sec_page_tables_bytes" in r.memory]
    known = [peak for peak in peaks if peak is not None]
    if not known:
        return Cell(ABSENT, hint=row.why_absent("sec_page_tables_bytes") or "not recorded")
    return Cell(quantity(max(known), BYTES))


def _sheet(row, axes):
    setting = row.setting
    columns = [(column.title, column.meaning) for column in COLUMNS]
    columns.append(("page tables, peak", "SecPageTables of the whole host, greatest sample of any repetition"))
    cells = [metric_cell(row, column) for column in COLUMNS] + [_peak_cell(row)]
    title = f"{setting.workload}, {guest_words(setting.guest)}, {describe(setting, axes)}"
    noisy = [f"noisy: {row.noise_words}"] if row.noise_words else []
    line = Line(f"{row.variant}: {LABEL}", [row.results[0].host_action, *noisy], cells)
    return Sheet(title, columns, [line])


def content(_run, table):
    if not table.references:
        return None
    axes = varying_axes(row.setting for row in table.references)
    kernel = [sheet for row in table.references if (sheet := kernel_sheet(row, axes))]
    return Content([NOTE], [_sheet(row, axes) for row in table.references],
                   [Details("What the kernel counted meanwhile", kernel)] if kernel else [])
