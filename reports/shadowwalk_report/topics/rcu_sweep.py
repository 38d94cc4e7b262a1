"""Claim 1 over the grace period: held memory and free p99 of every variant that ran at several RCU intervals."""

import dataclasses

import matplotlib.transforms as transforms

from ..claims.claim import RIVALS
from ..counters import counter
from ..drawing.plot import METRIC_COLUMNS, Panel, metric_records, place_plot
from ..drawing.scales import error_bars, line_style, line_width, printable, set_byte_axis, set_time_axis
from ..drawing.svg import INK, MUTED, hover_points
from ..grouping import grouped
from ..held import held_by
from ..quantities import NANOSECONDS, quantity, with_interval
from ..setting import by_place, describe, varying_axes
from .held_memory import draw_held

KIND = "rcu_sweep"
TITLE = "Held memory over the grace period"
CAPTION = ("Held memory (peak; mean dotted, with small marks) and free p99, medians with 95 % intervals, over the time that a page "
           "waits for: half of the RCU interval and a grace period, as clocked. {held} The upright line is a grace period of the "
           "kernel that ran this (membarrier GLOBAL, median). Level lines are schemes that do not use RCU.")
FREE = counter("free_ns_p99")
GRACE_PERIOD = "grace_period_ns_p50"
THIS_KERNEL = "this kernel"


@dataclasses.dataclass(frozen=True)
class Sweep:
    """The rows of one setting: {variant: rows by RCU interval} of those with several, and the rivals, which have one."""

    setting: object
    lines: dict
    rivals: list

    @property
    def rows(self):
        return [row for rows in self.lines.values() for row in rows] + self.rivals

    @property
    def is_clocked(self):
        return all(row.estimate(GRACE_PERIOD) for rows in self.lines.values() for row in rows)

    def place(self, row):
        """The expected wait of a page, ns; where grace periods are not clocked, the interval alone."""
        return row.scheme.rcu_interval_ns / 2 + row.estimate(GRACE_PERIOD).value if self.is_clocked else row.scheme.rcu_interval_ns

    @property
    def x_label(self):
        return "grace period, with half the RCU interval" if self.is_clocked else "RCU interval"


def sweep_of(table, setting):
    """The Sweep of a setting; None where no variant ran at several intervals."""
    rows = grouped((row.variant, row) for row in table.rows(setting) if row.scheme.checks == "off" and row.scheme.read_delay == "off")
    lines = {variant: found for variant, found in rows.items() if len(found) > 1}
    rivals = [row for row in table.plain_rows(setting) if row.variant in RIVALS and row.variant not in lines]
    return Sweep(setting, lines, rivals) if lines else None


def _draw_rival(axes, row, style, metric):
    found = row.estimate(metric.name)
    if found is None:
        return
    across = transforms.blended_transform_factory(axes.transAxes, axes.transData)
    line, = axes.plot([0, 1], [found.value] * 2, transform=across, color=style.colour, linestyle=style.line, linewidth=1.3,
                      label=printable(row.variant))
    line.set_clip_on(False)  # a line at 0 lies on the edge of the panel
    if found.low is not None and found.high > found.low:
        axes.fill_between([0, 1], found.low, found.high, transform=across, color=style.colour, alpha=0.15, linewidth=0)


def _mark_kernel(axes, grace_period):
    axes.axvline(grace_period, color=INK, linewidth=0.9, linestyle=(0, (4, 2)))
    axes.annotate(f"{THIS_KERNEL}: {quantity(grace_period, NANOSECONDS)}", (grace_period, 1), (-3, -2), xycoords=("data", "axes fraction"),
                  textcoords="offset points", ha="right", va="top", fontsize=7.5, color=MUTED)


def _scale_x(axes, sweep, grace_period):
    places = sorted({sweep.place(row) for rows in sweep.lines.values() for row in rows} | ({grace_period} if grace_period else set()))
    positive = [place for place in places if place > 0]
    if positive and positive == places:
        axes.set_xscale("log")
        axes.set_xlim(places[0] / 1.5, places[-1] * 1.5)
        set_time_axis(axes.xaxis)
    else:
        if positive:
            axes.set_xscale("symlog", linthresh=positive[0])
        axes.set_xticks(places, [quantity(place, NANOSECONDS) for place in places])
        axes.minorticks_off()
    axes.set_xlabel(sweep.x_label)


def _points(sweep, rows):
    return sorted(((sweep.place(row), row) for row in rows), key=lambda point: point[0])


def held_panel(table, sweep, held, grace_period, title, greatest=None):
    """`grace_period`: of the running kernel, ns, or None. `greatest`: the end of the scale that panels share."""
    def draw(axes):
        for variant, rows in sweep.lines.items():
            draw_held(axes, _points(sweep, rows), held, table.styles[variant], line_width(variant, len(sweep.lines)))
        for row in sweep.rivals:
            _draw_rival(axes, row, table.styles[row.variant], held.peak)
        set_byte_axis(axes, greatest or held.greatest(sweep.rows))
        _scale_x(axes, sweep, grace_period)
        if grace_period:
            _mark_kernel(axes, grace_period)
    return Panel(title, draw)


def _draw_frees(axes, sweep, variant, rows, style):
    points = [(x, row, found) for x, row in _points(sweep, rows) if (found := row.estimate(FREE.name))]
    if points:
        axes.errorbar([x for x, _, _ in points], [e.value for _, _, e in points], yerr=error_bars([e for _, _, e in points]),
                      label=printable(variant), **line_style(style))
        hover_points(axes, [(x, e.value, f"{row.scheme.words}: {with_interval(e, FREE.units)}") for x, row, e in points])


def _free_panel(table, sweep, grace_period, title):
    def draw(axes):
        axes.set_yscale("log")
        for variant, rows in sweep.lines.items():
            _draw_frees(axes, sweep, variant, rows, table.styles[variant])
        for row in sweep.rivals:
            _draw_rival(axes, row, table.styles[row.variant], FREE)
        set_time_axis(axes.yaxis)
        _scale_x(axes, sweep, grace_period)
        if grace_period:
            _mark_kernel(axes, grace_period)
    return Panel(title, draw)


def _panels(table, sweeps, held, grace_period, axes):
    measured = [sweep for sweep in sweeps if any(row.estimate(held.peak.name) for rows in sweep.lines.values() for row in rows)]
    greatest = held.greatest(row for sweep in measured for row in sweep.rows) if measured else None
    for sweep in sweeps:
        words = describe(sweep.setting, axes)
        if sweep in measured:
            yield held_panel(table, sweep, held, grace_period, f"{held.peak.title} and mean: {words}", greatest)
        if any(row.estimate(FREE.name) for rows in sweep.lines.values() for row in rows):
            yield _free_panel(table, sweep, grace_period, f"{FREE.title}: {words}")


def plots(material):
    table = material.table
    sweeps = [sweep for setting in table.settings if setting.zappers > 0 and (sweep := sweep_of(table, setting))]
    by_setting = {sweep.setting: sweep for sweep in sweeps}
    for place, settings in by_place(by_setting):
        members = [by_setting[setting] for setting in settings]
        rows = [row for sweep in members for row in sweep.rows]
        held = held_by(rows)
        panels = list(_panels(table, members, held, material.run.host.grace_period_ns, varying_axes(settings)))
        if panels:
            yield place_plot(KIND, place, TITLE, CAPTION.format(held=held.meaning), panels, METRIC_COLUMNS,
                             metric_records(rows, [*(metric.name for metric in held.both), FREE.name, GRACE_PERIOD]), most_columns=2)
