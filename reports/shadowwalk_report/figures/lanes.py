"""Bytes over time: one lane a variant, all lanes of a plot on one scale."""

import dataclasses
import math

from matplotlib.colors import to_rgb

from ..quantities import BYTES, NANOSECONDS, quantity
from ..setting import describe, varying_axes
from .canvas import printable
from .grace_periods import COLUMNS as GRACE_PERIOD_COLUMNS
from .grace_periods import draw_grace_periods, grace_period_fields
from .hover import hover
from .plot import SCHEME_COLUMNS, SETTING_COLUMNS, Panel, note_absence, place_plot
from .svg import MUTED

PAGE_BYTES = 4096
LANE_INCHES = 0.48
LANE_FILL = 0.78
MOST_TICKS = 3
LONGEST_NAME = 22


@dataclasses.dataclass(frozen=True)
class Footprint:
    """What is drawn: a series, and the counter whose median picks the repetition."""

    kind: str
    title: str
    caption: str
    series: str
    counter: str
    marks_grace_periods: bool = False


def _lines(footprint, table, setting, absent, axes):
    """[(variant, result)] of the representative repetitions."""
    lines = []
    for row in table.plain_rows(setting):
        result = row.representative(footprint.counter)
        if result is None or not result.series.get(footprint.series) or not result.series[footprint.series].peak:
            note_absence(absent, row.why_absent(footprint.counter) or "no series recorded",
                         f"{row.variant} at {describe(setting, axes)}")
            continue
        lines.append((row.variant, result))
        if footprint.marks_grace_periods and result.grace_periods is None:
            note_absence(absent, row.why_absent("grace_period_times") or "not recorded", f"grace periods of {row.variant}")
    return lines


class _Scale:
    """Bytes to heights within a lane: 0 to LANE_FILL, a page well above nothing, logarithmic from there."""

    def __init__(self, greatest):
        self._top = self._raw(max(greatest, PAGE_BYTES))
        steps = math.log2(max(greatest, PAGE_BYTES) / PAGE_BYTES)
        step = max(1, math.ceil(steps / (MOST_TICKS - 1)))
        self.ticks = [PAGE_BYTES * 2**i for i in range(0, int(steps) + 1, step)]

    @staticmethod
    def _raw(value):
        return value / PAGE_BYTES if value <= PAGE_BYTES else 1 + math.log2(value / PAGE_BYTES)

    def height(self, value):
        return LANE_FILL * self._raw(value) / self._top


def _corners(values):
    """(places, values) without those in the middle of a level stretch: the steps drawn through them are the same."""
    last = len(values) - 1
    kept = [i for i, value in enumerate(values) if i in (0, last) or not values[i - 1] == value == values[i + 1]]
    return kept, [values[i] for i in kept]


def _words(name, series):
    greatest = max(series.peak)
    at = series.interval_ns * series.peak.index(greatest)
    empty = sum(peak == 0 for peak in series.peak) / len(series.peak)
    return f"{name}: peak {quantity(greatest, BYTES)}, at {quantity(at, NANOSECONDS)}; nothing in {empty:.0%} of the intervals"


def _draw_lane(axes, series, style, base, scale, name):
    places, peaks = _corners((series.peak[0], *series.peak))
    times = [series.interval_ns * place for place in places]
    heights = [base + scale.height(peak) for peak in peaks]
    hover(axes.stairs(heights[1:], times, baseline=base, fill=True, facecolor=(*to_rgb(style.colour), 0.25),
                      edgecolor=style.colour, linewidth=1), _words(name, series))
    for tick in scale.ticks:
        axes.plot([0, times[-1]], [base + scale.height(tick)] * 2, color=MUTED, linewidth=0.4, linestyle=(0, (1, 3)))
        axes.annotate(quantity(tick, BYTES), (times[-1], base + scale.height(tick)), (4, 0), color=MUTED,
                      textcoords="offset points", va="center", fontsize=6.5)


def _panel(footprint, table, lines, most_lanes, scale, title):
    series = footprint.series

    def draw(axes):
        for lane, (variant, result) in enumerate(reversed(lines)):
            _draw_lane(axes, result.series[series], table.styles[variant], lane, scale, variant)
            if footprint.marks_grace_periods:
                draw_grace_periods(axes, variant, result, lane, table.styles[variant].colour)
        axes.grid(False)
        names = [printable(variant, LONGEST_NAME) for variant, _ in reversed(lines)]
        axes.set_yticks(range(len(lines)), names, va="bottom")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        for lane in range(1, len(lines)):
            axes.axhline(lane, color=MUTED, linewidth=0.6)
        axes.set_ylim(len(lines) - most_lanes, len(lines))  # lanes of all panels are equally high
        axes.xaxis.set_major_formatter(lambda value, _: quantity(value, NANOSECONDS))
        axes.xaxis.get_major_locator().set_params(nbins=5)
        axes.set_xlim(0, max(s.interval_ns * len(s.peak) for s in (result.series[series] for _, result in lines)))
    return Panel(title, draw)


def _records(footprint, setting, result):
    series = result.series[footprint.series]
    return [(*vars(setting).values(), *vars(result.scheme).values(), result.repetition,
             round(series.interval_ns * (i + 1)), peak,
             *(grace_period_fields(result, i) if footprint.marks_grace_periods else ())) for i, peak in enumerate(series.peak)]


def lane_plot(footprint, table, place, settings, left_out):
    """The plot of a workload and guest; None when there is nothing to draw. `left_out`: what is not to be drawn."""
    axes = varying_axes(settings)
    absent, records, drawn = dict(left_out), [], []
    for setting in settings:
        lines = _lines(footprint, table, setting, absent, axes)
        for _, result in lines:
            records += _records(footprint, setting, result)
        if lines:
            drawn.append((setting, lines))
    if not drawn:
        return None
    scale = _Scale(max(max(result.series[footprint.series].peak) for _, lines in drawn for _, result in lines))
    most_lanes = max(len(lines) for _, lines in drawn)
    panels = [_panel(footprint, table, lines, most_lanes, scale, describe(setting, axes))
              for setting, lines in drawn]
    return place_plot(
        footprint.kind, place, footprint.title, footprint.caption, panels,
        SETTING_COLUMNS + SCHEME_COLUMNS + ("repetition", "interval_end_ns", footprint.counter)
        + (GRACE_PERIOD_COLUMNS if footprint.marks_grace_periods else ()),
        records, absent, most_columns=2, panel_inches=0.7 + LANE_INCHES * most_lanes)
