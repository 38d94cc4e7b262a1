"""What a stalled walker costs each scheme: memory that grows behind it, or a zapper that waits for it."""

from ..quantities import BYTES, NANOSECONDS
from ..setting import describe, varying_axes
from .bars import bar_panel
from .plot import METRIC_COLUMNS, by_place, metric_records, place_plot

KIND = "stalled"
CAPTION = ("Behind a walker that stands still: the greatest amount of memory unlinked and not yet freed, and how long "
           "zaps take from their intended start. Medians with 95 % intervals; paler bars and hollow dots are oversubscribed.")
METRICS = (("retired_bytes_peak", "retired peak", BYTES, 4096), ("zap_ns_p99", "zap p99", NANOSECONDS, 1000))


def stalled(rows):
    """Those whose workload stalls a walker; the stalls of --read-delay are there to catch use after free."""
    return [row for row in rows if row.scheme.read_delay == "off" and row.happened("walker_stalls_total")]


def _panels(table, settings, axes, metric, words, units, linear_to):
    """One row a variant: bars of one would lie upon each other."""
    groups = {}
    for setting in settings:
        rows = stalled(table.plain_rows(setting))
        bars = [(row, found) for row in rows if (found := row.estimate(metric))]
        if bars:
            groups.setdefault(describe(setting, axes, vcpus=False), []).append((setting.vcpus, bars))
    return [bar_panel(table, found, f"{words}, {title}", units, linear_to) for title, found in groups.items()]


def plots(table):
    settings = [setting for setting in table.settings if stalled(table.rows(setting))]
    for place, members in by_place(settings):
        axes = varying_axes(members)
        panels = [panel for metric in METRICS for panel in _panels(table, members, axes, *metric)]
        rows = [row for setting in members for row in stalled(table.rows(setting))]
        if panels:
            yield place_plot(KIND, place, "Behind a stalled walker", CAPTION, panels, METRIC_COLUMNS,
                             metric_records(rows, [metric[0] for metric in METRICS]), most_columns=2)
