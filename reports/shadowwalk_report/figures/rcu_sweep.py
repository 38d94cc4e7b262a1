"""Claim 1 over the interval of the RCU reclaimer: retired peak and free p99 of every row that was swept."""

import matplotlib.transforms as transforms

from ..claims.claim import RIVALS
from ..quantities import BYTES, NANOSECONDS, quantity, with_interval
from ..setting import describe, varying_axes
from .canvas import line_style, printable, set_byte_axis, set_time_axis
from .hover import hover_points
from .plot import METRIC_COLUMNS, Panel, by_place, metric_records, place_plot

KIND = "rcu_sweep"
CAPTION = ("Retired peak and free p99 over the RCU interval, the time that the reclaimer waits between grace periods: "
           "medians with 95 % intervals. Horizontal lines are the rows that do not use RCU.")
METRICS = (("retired_bytes_peak", "retired peak", BYTES), ("free_ns_p99", "free p99", NANOSECONDS))


def _sweeps(table, setting):
    """{variant: rows by interval} of variants that ran at more than one."""
    rows = {}
    for row in table.rows(setting):
        if row.scheme.checks == "off" and row.scheme.read_delay == "off":
            rows.setdefault(row.variant, []).append(row)
    return {variant: sorted(found, key=lambda row: row.scheme.rcu_interval_ns)
            for variant, found in rows.items() if len(found) > 1}


def _draw_rival(axes, row, style, metric):
    found = row.estimate(metric)
    across = transforms.blended_transform_factory(axes.transAxes, axes.transData)
    axes.plot([0, 1], [found.value] * 2, transform=across, color=style.colour, linestyle=style.line, linewidth=1.3,
              label=printable(row.variant))
    if found.low is not None and found.high > found.low:
        axes.fill_between([0, 1], found.low, found.high, transform=across, color=style.colour, alpha=0.15, linewidth=0)


def _draw_sweep(axes, rows, style, metric, units, places):
    rows = [row for row in rows if row.estimate(metric)]
    if not rows:
        return
    points = [(places[row.scheme.rcu_interval_ns], row.estimate(metric)) for row in rows]
    errors = [[e.value - (e.low if e.low is not None else e.value) for _, e in points],
              [(e.high if e.high is not None else e.value) - e.value for _, e in points]]
    axes.errorbar([x for x, _ in points], [e.value for _, e in points], yerr=errors, label=printable(rows[0].variant),
                  **line_style(style))
    hover_points(axes, [(x, e.value, f"{row.variant}, RCU interval {quantity(row.scheme.rcu_interval_ns, NANOSECONDS)}: "
                         f"{with_interval(e, units)}") for (x, e), row in zip(points, rows)])


def _panel(table, sweeps, rivals, metric, units, title):
    intervals = sorted({row.scheme.rcu_interval_ns for rows in sweeps.values() for row in rows})
    places = {interval: place for place, interval in enumerate(intervals)}
    shown = [row for row in rivals if row.estimate(metric)]

    def draw(axes):
        if metric != "retired_bytes_peak":
            axes.set_yscale("log")
        for variant, rows in sweeps.items():
            _draw_sweep(axes, rows, table.styles[variant], metric, units, places)
        for row in shown:
            _draw_rival(axes, row, table.styles[row.variant], metric)
        found = [row.estimate(metric) for rows in (*sweeps.values(), shown) for row in rows if row.estimate(metric)]
        if metric == "retired_bytes_peak":
            set_byte_axis(axes, max(e.high if e.high is not None else e.value for e in found))
        else:
            set_time_axis(axes.yaxis)
        axes.set_xticks(range(len(intervals)), [quantity(i, NANOSECONDS) for i in intervals])
        axes.set_xlim(-0.3, len(intervals) - 0.7)
        axes.set_xlabel("RCU interval")
    return Panel(title, draw)


def plots(table):
    swept = [setting for setting in table.settings if setting.zappers > 0 and _sweeps(table, setting)]
    for place, settings in by_place(swept):
        axes = varying_axes(settings)
        panels, records = [], []
        for setting in settings:
            sweeps = _sweeps(table, setting)
            rivals = [row for row in table.plain_rows(setting) if row.variant in RIVALS and row.variant not in sweeps]
            swept_rows = [row for rows in sweeps.values() for row in rows]
            records += metric_records([*swept_rows, *rivals], [metric for metric, _, _ in METRICS])
            for metric, words, units in METRICS:
                if any(row.estimate(metric) for rows in sweeps.values() for row in rows):
                    panels.append(_panel(table, sweeps, rivals, metric, units,
                                         f"{words}: {describe(setting, axes)}"))
        if panels:
            yield place_plot(KIND, place, "Claim 1 over the RCU interval", CAPTION, panels, METRIC_COLUMNS, records,
                             most_columns=2)
