"""Held memory, unlinked and not yet freed, of each scheme over every axis of the run that varies numerically."""

import dataclasses

from ..counters import counters
from ..drawing.plot import METRIC_COLUMNS, MOST_PLACES, Panel, is_large, metric_records, note_absence, place_plot
from ..drawing.scales import error_bars, line_style, line_width, printable, set_byte_axis
from ..drawing.svg import hover_points
from ..quantities import BYTES, NANOSECONDS, PER_SECOND, PLAIN, SECONDS, count_of, quantity, with_interval
from ..setting import ROW_FIELDS, by_place, describe, row_fields, varying_axes

KIND = "held_memory"
MEAN, PEAK = counters("retired_bytes_mean", "retired_bytes_peak")
CAPTION = ("One panel per axis that varies; its title says what is constant. Each variant has two lines: retired peak (large marks) and "
           "retired mean (dotted, small marks), medians with 95 % intervals. The axis is logarithmic where it spans a decade; hollow "
           "marks are oversubscribed.")
LARGE_RUN = "so large a run shows the first workloads only; cells.csv has the others"
DOTTED = (0, (1, 1.5))
DECADE = 10
MOST_TICKS = 8
UNITS = {"_rate": PER_SECOND, "_ns": NANOSECONDS, "_s": SECONDS}  # by the end of an axis' name; else plain


@dataclasses.dataclass(frozen=True)
class _Sweep:
    """Rows that differ in one axis and in the variant only: {variant: {value of the axis: row}}."""

    axis: str
    lines: dict

    @property
    def values(self):
        return sorted({value for line in self.lines.values() for value in line})

    @property
    def rows(self):
        return [row for line in self.lines.values() for row in line.values()]

    @property
    def merit(self):
        """The most values and variants first, then the cleanest, then the most vCPUs and zaps."""
        setting = self.rows[0].setting
        return (len(self.values), sum(len(line) > 1 for line in self.lines.values()), setting.is_plain,
                -sum(row.has_flag("oversubscribed") or row.has_flag("saturated") for row in self.rows), setting.vcpus,
                setting.zap_rate)


def _number(value):
    """The place of a value on an axis; None where it has none: words, and the -1 of what the workload decides."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if number >= 0 else None


def _sweeps(rows, axis):
    """The sweeps over an axis in which at least one variant has several values."""
    place, groups = ROW_FIELDS.index(axis), {}
    for row in rows:
        fields = row_fields(row)
        value = _number(fields[place])
        if value is not None and row.estimate(PEAK.name):
            rest = tuple(field for name, field in zip(ROW_FIELDS, fields) if name not in (axis, "variant"))
            groups.setdefault(rest, {}).setdefault(row.variant, {})[value] = row
    return [_Sweep(axis, lines) for lines in groups.values() if any(len(line) > 1 for line in lines.values())]


def _scale(axes, sweep):
    values = sweep.values
    units = next((units for ending, units in UNITS.items() if sweep.axis.endswith(ending)), PLAIN)
    positive = [value for value in values if value > 0]
    if len(positive) > 1 and positive[-1] >= DECADE * positive[0]:
        axes.set_xscale("log") if positive == values else axes.set_xscale("symlog", linthresh=positive[0])
    if len(values) <= MOST_TICKS:
        axes.set_xticks(values, [f"{value:,.10g}" if units is PLAIN else quantity(value, units) for value in values])
    axes.minorticks_off()
    axes.set_xlabel(sweep.axis)


def _draw_line(axes, line, metric, style, width):
    points = [(value, row, found) for value, row in sorted(line.items()) if (found := row.estimate(metric.name))]
    places, estimates = [value for value, _, _ in points], [found for _, _, found in points]
    look = {**line_style(style), "linewidth": width}
    variant = points[0][1].variant if points else ""
    if metric is MEAN:
        look |= {"linestyle": DOTTED, "markersize": 3}
    axes.errorbar(places, [found.value for found in estimates], yerr=error_bars(estimates),
                  label=printable(variant) if metric is PEAK else None, **look)
    for value, row, found in points:
        if row.has_flag("oversubscribed"):
            axes.plot([value], [found.value], **{**look, "linestyle": "none"}, markerfacecolor="#ffffff", zorder=5)
    hover_points(axes, [(value, found.value, f"{variant}, {metric.title}, {describe(row.setting)}: {with_interval(found, BYTES)}")
                        for value, row, found in points])


def _panel(table, sweep, title):
    def draw(axes):
        for variant, line in sweep.lines.items():
            for metric in (MEAN, PEAK):
                _draw_line(axes, line, metric, table.styles[variant], line_width(variant, len(sweep.lines)))
        _scale(axes, sweep)
        set_byte_axis(axes, max(found.greatest for row in sweep.rows for metric in (MEAN, PEAK) if (found := row.estimate(metric.name))))
    return Panel(title, draw)


def _title(sweep, settings):
    """The axis, and what does not vary."""
    setting = sweep.rows[0].setting
    words = describe(setting, [axis for axis in varying_axes(settings) if axis != sweep.axis], vcpus=sweep.axis != "vcpus",
                     zaps=sweep.axis not in ("zappers", "zap_rate"))
    knobs = [] if sweep.axis == "rcu_interval_ns" else sweep.rows[0].scheme.knobs
    return ", ".join([f"over {sweep.axis}", *filter(None, [words]), *knobs])


def plots(material):
    table = material.table
    places = by_place([setting for setting in table.settings if setting.zappers > 0])
    shown = places[:MOST_PLACES] if is_large(table.settings) else places
    for place, settings in shown:
        rows = [row for setting in settings for row in table.rows(setting) if row.estimate(PEAK.name)]
        panels = []
        absent = {LARGE_RUN: [count_of(len(places) - len(shown), "more place")]} if len(shown) < len(places) else {}
        for axis in (name for name in ROW_FIELDS if name != "variant"):
            sweeps = _sweeps(rows, axis)
            if sweeps:
                panels.append(_panel(table, best := max(sweeps, key=lambda sweep: sweep.merit), _title(best, settings)))
            if len(sweeps) > 1:
                note_absence(absent, "only the one with the most values and variants is drawn; the CSV has all",
                             f"{count_of(len(sweeps) - 1, 'more sweep')} over {axis}")
        if panels:
            yield place_plot(KIND, place, "Held memory over the run's axes", CAPTION, panels, METRIC_COLUMNS,
                             metric_records(rows, (PEAK.name, MEAN.name)), absent, most_columns=2)
