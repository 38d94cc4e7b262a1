"""The host kernel's own MMU under the same guests: a reference beside the lab's schemes, compared with none of them."""

from ..counters import counters
from ..quantities import ABSENT, BYTES, quantity
from ..setting import full_title, varying_axes
from ..sheet import Cell, Content, Details, Line, Sheet, counter_cell, heads
from .footprint import kernel_sheet

LABEL = "kernel (reference)"
NOTE = ("Another implementation, in kernel space, end to end: a beat is the system calls that make the kernel zap, and its length is "
        "the uncorrected zap. The guest clocks each touch: it is a hit, or the vCPU's first touch of its page since a beat, which is "
        "not always a fault. No scheme's figure is the same quantity, so there is no ratio and no verdict; docs/host-kvm.md says what "
        "can be compared.")
COLUMNS = counters("touches_per_second", "touch_hit_ns_p50", "touch_first_ns_p50", "touch_first_ns_p99", "touch_ns_p99",
                   "touch_device_ns_p50", "zap_service_ns_p50", "zap_service_ns_p99")
PEAK = ("page tables, peak", "SecPageTables of the whole host, greatest sample of any repetition")


def _peak_cell(row):
    peaks = [r.memory["sec_page_tables_bytes"].peak for r in row.results if "sec_page_tables_bytes" in r.memory]
    known = [peak for peak in peaks if peak is not None]
    if not known:
        return Cell(ABSENT, hint=row.why_absent("sec_page_tables_bytes") or "not recorded")
    return Cell(quantity(max(known), BYTES))


def _sheet(row, axes):
    cells = [*(counter_cell(row, counter) for counter in COLUMNS), _peak_cell(row)]
    noisy = [f"noisy: {row.noise_words}"] if row.noise_words else []
    line = Line(f"{row.variant}: {LABEL}", [row.results[0].host_action, *noisy], cells)
    return Sheet(full_title(row.setting, axes), [*heads(COLUMNS), PEAK], [line])


def content(material):
    references = material.table.references
    if not references:
        return None
    axes = varying_axes(row.setting for row in references)
    kernel = [sheet for row in references if (sheet := kernel_sheet(row, axes))]
    return Content([NOTE], [_sheet(row, axes) for row in references],
                   [Details("What the kernel counted meanwhile", kernel)] if kernel else [])
