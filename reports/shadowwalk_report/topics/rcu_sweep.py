"""Claim 1 over the interval of the RCU reclaimer: retired peak and free p99 of every variant that ran at several intervals."""

import matplotlib.transforms as transforms

from ..claims.claim import RIVALS
from ..counters import counters
from ..drawing.plot import METRIC_COLUMNS, Panel, metric_records, place_plot
from ..drawing.scales import error_bars, line_style, printable, set_byte_axis, set_time_axis
from ..drawing.svg import hover_points
from ..grouping import grouped
from ..quantities import BYTES, NANOSECONDS, quantity, with_interval
from ..setting import by_place, describe, varying_axes

KIND = "rcu_sweep"
CAPTION = ("Retired peak and free p99 over the RCU interval, the time that the reclaimer waits between grace periods: "
           "medians with 95 % intervals. Horizontal lines are the schemes that do not use RCU.")
METRICS = counters("retired_bytes_peak", "free_ns_p99")


def _sweeps(table, setting):
    """{variant: rows by interval} of the variants that ran at more than one."""
    rows = grouped((row.variant, row) for row in table.rows(setting)
                   if row.scheme.checks == "off" and row.scheme.read_delay == "off")
    return {variant: sorted(found, key=lambda row: row.scheme.rcu_interval_ns)
            for variant, found in rows.items() if len(found) > 1}


def _draw_rival(axes, row, style, metric):
    found = row.estimate(metric)
    across = transforms.blended_transform_factory(axes.transAxes, axes.transData)
    axes.plot([0, 1], [found.value] * 2, transform=across, color=style.colour, linestyle=style.line, linewidth=1.3,
              label=printable(row.variant))
    if found.low is not None and found.high > found.low:
        axes.fill_between([0, 1], found.low, found.high, transform=across, color=style.colour, alpha=0.15, linewidth=0)


def _draw_sweep(axes, rows, style, metric, places):
    rows = [row for row in rows if row.estimate(metric.name)]
    if not rows:
        return
    points = [(places[row.scheme.rcu_interval_ns], row.estimate(metric.name)) for row in rows]
    axes.errorbar([x for x, _ in points], [e.value for _, e in points], yerr=error_bars([e for _, e in points]),
                  label=printable(rows[0].variant), **line_style(style))
    hover_points(axes, [(x, e.value, f"{row.variant}, RCU interval {quantity(row.scheme.rcu_interval_ns, NANOSECONDS)}: "
                         f"{with_interval(e, metric.units)}") for (x, e), row in zip(points, rows)])


def _panel(table, sweeps, rivals, metric, title):
    intervals = sorted({row.scheme.rcu_interval_ns for rows in sweeps.values() for row in rows})
    places = {interval: place for place, interval in enumerate(intervals)}
    shown = [row for row in rivals if row.estimate(metric.name)]

    def draw(axes):
        if metric.units is not BYTES:
            axes.set_yscale("log")
        for variant, rows in sweeps.items():
            _draw_sweep(axes, rows, table.styles[variant], metric, places)
        for row in shown:
            _draw_rival(axes, row, table.styles[row.variant], metric.name)
        found = [e for rows in (*sweeps.values(), shown) for row in rows if (e := row.estimate(metric.name))]
        if metric.units is BYTES:
            set_byte_axis(axes, max(e.greatest for e in found))
        else:
            set_time_axis(axes.yaxis)
        axes.set_xticks(range(len(intervals)), [quantity(i, NANOSECONDS) for i in intervals])
        axes.set_xlim(-0.3, len(intervals) - 0.7)
        axes.set_xlabel("RCU interval")
    return Panel(title, draw)


def plots(material):
    table = material.table
    swept = [setting for setting in table.settings if setting.zappers > 0 and _sweeps(table, setting)]
    for place, settings in by_place(swept):
        axes = varying_axes(settings)
        panels, records = [], []
        for setting in settings:
            sweeps = _sweeps(table, setting)
            rivals = [row for row in table.plain_rows(setting) if row.variant in RIVALS and row.variant not in sweeps]
            swept_rows = [row for rows in sweeps.values() for row in rows]
            records += metric_records([*swept_rows, *rivals], [metric.name for metric in METRICS])
            for metric in METRICS:
                if any(row.estimate(metric.name) for row in swept_rows):
                    panels.append(_panel(table, sweeps, rivals, metric, f"{metric.title}: {describe(setting, axes)}"))
        if panels:
            yield place_plot(KIND, place, "Claim 1 over the RCU interval", CAPTION, panels, METRIC_COLUMNS, records,
                             most_columns=2)
