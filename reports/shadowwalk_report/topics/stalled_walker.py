"""A walker that stops inside a walk: with some schemes memory grows behind it, with others the zapper waits for it."""

from ..counters import counter, counters
from ..drawing.bars import bar_panel
from ..drawing.lanes import Footprint, lane_plot
from ..drawing.plot import METRIC_COLUMNS, chosen_by_place, metric_records, place_plot
from ..setting import by_place, describe, varying_axes
from ..sheet import chosen_rows

KIND = "stalled"
CAPTION = ("Behind a walker that stands still: the greatest amount of memory unlinked and not yet freed, and how long "
           "zaps take from their intended start. Medians with 95 % intervals; paler bars and hollow dots are oversubscribed.")
OVER_TIME = Footprint(
    "stalled_over_time", "Memory over time behind a stalled walker",
    "Bytes unlinked and not yet freed: the peak within each interval of the window, exact. With a scheme that waits for the walker, or "
    "keeps what it might read, they grow during each stall. All lanes share one scale, which is logarithmic above a page. One "
    "repetition per variant, the one with the median peak. The strip above a lane is filled while a grace period was under way.",
    "retired_bytes", "retired_bytes_peak", marks_grace_periods=True)
METRICS = ((counter("retired_bytes_peak"), 4096), (counter("zap_ns_p99"), 1000))
NOTE = ("While one vCPU stands still inside a walk, nothing that it might still read may be freed. A scheme either "
        "keeps what is zapped meanwhile (retired peak: it grows with the length of the stall times the zap rate, "
        "unless the scheme bounds it) or makes the zapper wait for the walker (zap p99, and the zaps that were not "
        "made).")
COLUMNS = counters("retired_bytes_peak", "retired_bytes_mean", "free_ns_p99", "free_ns_max", "zap_ns_p99", "zaps_per_second",
                   "mmu_lock_wait_ns_p99", "walker_stalls_total")


def stalled_rows(rows):
    """The rows whose workload stalls a walker. --read-delay stalls walkers too, but only to catch use after free."""
    return [row for row in rows if row.scheme.read_delay == "off" and row.happened("walker_stalls_total")]


def _panels(table, settings, axes, metric, linear_to):
    """Bars of one row per variant: bars of one variant would overlap."""
    groups = {}
    for setting in settings:
        bars = [(row, found) for row in stalled_rows(table.plain_rows(setting)) if (found := row.estimate(metric.name))]
        if bars:
            groups.setdefault(describe(setting, axes, vcpus=False), []).append((setting.vcpus, bars))
    return [bar_panel(table, found, f"{metric.title}, {title}", metric.units, linear_to) for title, found in groups.items()]


def plots(material):
    table = material.table
    settings = [setting for setting in table.settings if stalled_rows(table.rows(setting))]
    for place, members in by_place(settings):
        axes = varying_axes(members)
        panels = [panel for metric, linear_to in METRICS for panel in _panels(table, members, axes, metric, linear_to)]
        rows = [row for setting in members for row in stalled_rows(table.rows(setting))]
        if panels:
            yield place_plot(KIND, place, "Behind a stalled walker", CAPTION, panels, METRIC_COLUMNS,
                             metric_records(rows, [metric.name for metric, _ in METRICS]), most_columns=2)
    for place, members, absent in chosen_by_place(table, [setting for setting in settings if setting.zappers > 0]):
        yield from filter(None, [lane_plot(OVER_TIME, table, place, members, absent)])


def content(material):
    return chosen_rows(material.table, stalled_rows, COLUMNS, NOTE, "Stalls")
