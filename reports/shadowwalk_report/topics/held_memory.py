"""Held memory of each scheme over every axis of the run that varies numerically."""

import dataclasses

from ..axes import FIELDS, number_of
from ..drawing.plot import METRIC_COLUMNS, Panel, metric_records, note_absence, place_plot, shown_places
from ..drawing.scales import error_bars, line_style, line_width, printable, set_byte_axis, set_number_axis
from ..drawing.svg import hover_points
from ..held import held_by
from ..quantities import BYTES, count_of, with_interval
from ..setting import ROW_FIELDS, by_place, describe, row_fields, varying_axes

KIND = "held_memory"
CAPTION = ("One panel per axis that varies; its title says what is constant. Each variant has two lines: the peak of held memory (large "
           "marks) and its mean (dotted, small marks), medians with 95 % intervals. {held} The x axis is logarithmic where it spans a "
           "decade, the scale of memory is the same in all panels; hollow marks are oversubscribed.")
DOTTED = (0, (1, 1.5))


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


def _sweeps(rows, axis, peak):
    """The sweeps over an axis in which at least one variant has several values."""
    place, groups = ROW_FIELDS.index(axis), {}
    for row in rows:
        fields = row_fields(row)
        value = number_of(fields[place])
        if value is not None and row.estimate(peak.name):
            rest = tuple(field for name, field in zip(ROW_FIELDS, fields) if name not in (axis, "variant"))
            groups.setdefault(rest, {}).setdefault(row.variant, {})[value] = row
    return [_Sweep(axis, lines) for lines in groups.values() if any(len(line) > 1 for line in lines.values())]


def draw_held(axes, points, held, style, width):
    """The lines of one variant's mean and peak. `points`: [(x, row)]."""
    for metric in held.both:
        found = [(x, row, estimate) for x, row in points if (estimate := row.estimate(metric.name))]
        if not found:
            continue
        is_mean = metric is held.mean
        look = {**line_style(style), "linewidth": width, **({"linestyle": DOTTED, "markersize": 3} if is_mean else {})}
        variant = found[0][1].variant
        axes.errorbar([x for x, _, _ in found], [e.value for _, _, e in found], yerr=error_bars([e for _, _, e in found]),
                      label=None if is_mean else printable(variant), **look)
        hollow = [(x, e.value) for x, row, e in found if row.has_flag("oversubscribed")]
        if hollow:
            axes.plot(*zip(*hollow), **{**look, "linestyle": "none"}, markerfacecolor="#ffffff", zorder=5)
        hover_points(axes, [(x, e.value, f"{row.scheme.words}, {metric.title}, {describe(row.setting)}: {with_interval(e, BYTES)}")
                            for x, row, e in found])


def _panel(table, sweep, title, held, greatest):
    def draw(axes):
        for variant, line in sweep.lines.items():
            draw_held(axes, sorted(line.items()), held, table.styles[variant], line_width(variant, len(sweep.lines)))
        set_number_axis(axes, sweep.axis, sweep.values)
        axes.set_xlabel(sweep.axis)
        set_byte_axis(axes, greatest)
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
    places, left_out = shown_places(table, by_place([setting for setting in table.settings if setting.zappers > 0]))
    for place, settings in places:
        rows = [row for setting in settings for row in table.rows(setting)]
        held = held_by(rows)
        best, absent = [], dict(left_out)
        for axis in (field for field in FIELDS if field != "variant"):
            sweeps = _sweeps(rows, axis, held.peak)
            if sweeps:
                best.append(max(sweeps, key=lambda sweep: sweep.merit))
            if len(sweeps) > 1:
                note_absence(absent, "only the one with the most values and variants is drawn; the CSV has all",
                             f"{count_of(len(sweeps) - 1, 'more sweep')} over {axis}")
        if best:
            greatest = held.greatest(row for sweep in best for row in sweep.rows)
            panels = [_panel(table, sweep, _title(sweep, settings), held, greatest) for sweep in best]
            yield place_plot(KIND, place, "Held memory over the run's axes", CAPTION.format(held=held.meaning), panels, METRIC_COLUMNS,
                             metric_records(rows, (held.peak.name, held.mean.name)), absent, most_columns=2)
