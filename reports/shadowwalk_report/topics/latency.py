"""Every latency of one setting of a workload: small multiples by percentile, one panel per latency, and a table."""

from ..counters import distribution
from ..drawing.percentiles import percentile_curve, percentile_panel
from ..drawing.plot import is_large, note_absence, place_plot
from ..quantities import ABSENT, NANOSECONDS, count_of, quantity
from ..rows import PREFERRED_WORKLOAD
from ..setting import ROW_FIELDS, describe, full_title, row_fields, varying_axes
from ..sheet import Cell, Content, Line, Sheet, heads

CORRECTED, UNCORRECTED = distribution("zap_ns"), distribution("zap_service_ns")
LATENCIES = (*map(distribution, ("walk_ns", "section_ns", "fault_ns", "exit_ns")), CORRECTED, UNCORRECTED,
             *map(distribution, ("prepare_zap_ns", "commit_zap_ns", "ipi_ns", "grace_period_ns", "free_ns")))
KIND = "latency"
LARGE_RUN = "so large a run shows the first workload's only; the others' percentiles are in their tables"
CAPTION = ("By percentile on a 1/(1-p) axis, all repetitions together, drawn from the saved histograms. In the panel "
           "of zaps, dotted lines are not corrected for coordinated omission: they start when the zap really began.")
NOTE = ("All repetitions together, from the saved histograms (buckets at most 1 % wide): the median, and p99, "
        "p99.9 and the maximum below it. A percentile needs a sample beyond it. Every cell, at the end of the page, has its own "
        "percentiles. Free: pages that only the drain freed count as slower than all others.")
COORDINATED_OMISSION = (
    "The latency of a zap starts at its intended start, so that a slow zap counts against those that it delayed; the "
    "uncorrected latency starts when the zap really began, which leaves the delay out (coordinated omission), as a "
    "closed loop does.")
COLUMNS = (*ROW_FIELDS, "latency", "percentile", "ns", "samples", "censored")
MOST_COLUMNS = 9  # variants: past these, the few latencies are the columns
PERCENTILES = ((0.5, "p50"), (0.99, "p99"), (0.999, "p99.9"))


def _censored(row, latency):
    """The number of samples that are known only to be longer than all recorded ones."""
    return row.freed_by_drain if latency.name == "free_ns" else 0


def why_no_samples(row, histogram):
    """Why a row has no sample of a histogram."""
    recorded = next(filter(None, (row.why_absent(f"{histogram}{suffix}") for suffix in ("", "_p50", "_p99"))), "")
    if not recorded and histogram == "free_ns" and row.freed_by_drain:
        return "frees no page within the window"
    return recorded or "no samples"


def _why_absent(row, latency):
    """Why a row's latency is not shown; empty when it is."""
    if row.histogram(latency.name).total == 0:
        return why_no_samples(row, latency.name)
    return row.saturation(latency)


def _shown_setting(table):
    """The setting to show: clean, with zappers, the patch's own workload, as many schemes and latencies as any. None when no
    setting has a histogram."""
    def preference(setting):
        rows = table.plain_rows(setting)
        recorded = {latency for latency in LATENCIES for row in rows if row.histogram(latency.name).total}
        return (not recorded, not setting.is_plain, setting.zappers == 0,
                any(row.has_flag("oversubscribed") for row in rows), any(row.has_flag("saturated") for row in rows),
                setting.standing, setting.workload != PREFERRED_WORKLOAD, -len(rows), -len(recorded), setting.guest != "kvm", -setting.vcpus,
                -setting.zap_rate, setting)
    best = min(table.settings, key=preference, default=None)
    return None if best is None or preference(best)[0] else best


def _curves(table, setting, latency, absent):
    """Rows without a curve go to `absent`; as one entry where the reason is the same for all."""
    reasons = [(row, _why_absent(row, latency)) for row in table.plain_rows(setting)]
    alike = len({reason for _, reason in reasons}) == 1
    curves = []
    for row, reason in reasons:
        if reason:
            note_absence(absent, reason, latency.title if alike else f"{latency.title} of {row.variant}")
        else:
            curves.append(percentile_curve(row, row.histogram(latency.name), _censored(row, latency)))
    return curves


def _records(latency, curves):
    for curve in curves:
        for point in curve.points:
            yield (*row_fields(curve.row), latency.name, *point, curve.samples, curve.censored)


def _plot(table, left_out):
    """The plot of one workload's table; None where it has no histogram. `left_out`: {reason: [what]} that is not drawn."""
    setting = _shown_setting(table)
    if setting is None:
        return None
    absent = dict(left_out)
    drawn = {latency: _curves(table, setting, latency, absent) for latency in LATENCIES}
    panels = [percentile_panel(table, f"{latency.title}: {latency.name}", curves,
                               drawn[UNCORRECTED] if latency is CORRECTED else (), most_ticks=4)
              for latency, curves in drawn.items() if curves and (latency is not UNCORRECTED or not drawn[CORRECTED])]
    if not panels:
        return None
    records = [record for latency, curves in drawn.items() for record in _records(latency, curves)]
    return place_plot(KIND, setting.place, "Latencies",
                      f"{describe(setting, varying_axes(table.settings))}. {CAPTION}", panels, COLUMNS, records, absent,
                      panel_inches=2.4)


def plots(material):
    """One plot per workload; of a large run, the first workload's only."""
    table = material.table
    shown = table.workloads[:1] if is_large(table.settings) else table.workloads
    rest = len(table.workloads) - len(shown)
    left_out = {LARGE_RUN: [count_of(rest, "more workload")]} if rest else {}
    yield from filter(None, (_plot(table.part(workload), left_out) for workload in shown))


def _percentile(histogram, share, beyond):
    """In words: a dash where too few samples leave none beyond it, and a lower bound where it lies among the censored."""
    everything = histogram.total + beyond
    if everything * (1 - share) < 1 - 1e-9:
        return ABSENT
    if share * everything > histogram.total:
        return f"> {quantity(histogram.greatest, NANOSECONDS)}"
    return quantity(histogram.percentile(share * everything / histogram.total), NANOSECONDS)


def _cell(row, latency):
    reason = _why_absent(row, latency)
    if reason:
        return Cell(ABSENT, hint=reason)
    histogram, beyond = row.histogram(latency.name), _censored(row, latency)
    median, *tail = (f"{name} {_percentile(histogram, share, beyond)}" for share, name in PERCENTILES)
    hint = count_of(int(histogram.total), "sample") + (f" and {beyond:,} censored" if beyond else "")
    return Cell(median.removeprefix("p50 "), hint=hint,
                more=(*tail, f"max {quantity(histogram.greatest, NANOSECONDS)}{' +' if beyond else ''}"))


def _sheet(title, rows, latencies):
    if len(rows) > MOST_COLUMNS:
        lines = [Line(row.variant, row.scheme.knobs, [_cell(row, latency) for latency in latencies]) for row in rows]
        return Sheet(title, heads(latencies), lines)
    columns = [(row.variant, "; ".join(row.scheme.knobs) or "p50, with further percentiles below it") for row in rows]
    lines = [Line(latency.title, [latency.meaning], [_cell(row, latency) for row in rows]) for latency in latencies]
    return Sheet(title, columns, lines, corner="latency")


def content(material):
    table = material.table
    setting = _shown_setting(table)
    if setting is None:
        return None
    rows = table.plain_rows(setting)
    latencies = [latency for latency in LATENCIES if any(row.histogram(latency.name).total for row in rows)]
    return Content([NOTE, COORDINATED_OMISSION], [_sheet(full_title(setting, varying_axes(table.settings)), rows, latencies)])
