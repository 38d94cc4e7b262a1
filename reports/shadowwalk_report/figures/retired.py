"""Retired memory over time: what is unlinked and not yet freed. One lane a variant, all lanes of a plot on one scale."""

import math

from ..quantities import BYTES, NANOSECONDS, quantity
from ..setting import describe, varying_axes
from .canvas import printable
from .plot import SCHEME_COLUMNS, SETTING_COLUMNS, Panel, Plot, by_place, file_name, note_absence, place_title
from .svg import MUTED

KIND = "retired"
SERIES = "retired_bytes"
CAPTION = ("Bytes unlinked and not yet freed: the peak within each interval of the window, exact. All lanes share one "
           "scale, which is logarithmic above a page. One repetition a variant, the one with the median peak.")
COLUMNS = SETTING_COLUMNS + SCHEME_COLUMNS + ("repetition", "interval_end_ns", "retired_bytes_peak")
PAGE_BYTES = 4096
LANE_INCHES = 0.48
LANE_FILL = 0.82
MOST_TICKS = 3
LONGEST_NAME = 22


def _lines(table, setting, absent, axes):
    """[(variant, result)] of the representative repetitions."""
    lines = []
    for row in table.plain_rows(setting):
        result = row.representative("retired_bytes_peak")
        if result is None or not result.series.get(SERIES) or not result.series[SERIES].peak:
            note_absence(absent, row.why_absent("retired_bytes_peak") or "no series recorded",
                         f"{row.variant} at {describe(setting, axes)}")
        else:
            lines.append((row.variant, result))
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


def _draw_lane(axes, series, style, base, scale):
    times = [series.interval_ns * i for i in range(len(series.peak) + 1)]
    heights = [base + scale.height(value) for value in (series.peak[0], *series.peak)]
    axes.fill_between(times, base, heights, step="pre", color=style.colour, alpha=0.25, linewidth=0)
    axes.step(times, heights, where="pre", color=style.colour, linewidth=1)
    for tick in scale.ticks:
        axes.plot([0, times[-1]], [base + scale.height(tick)] * 2, color=MUTED, linewidth=0.4, linestyle=(0, (1, 3)))
        axes.annotate(quantity(tick, BYTES), (times[-1], base + scale.height(tick)), (4, 0), color=MUTED,
                      textcoords="offset points", va="center", fontsize=6.5)


def _panel(table, lines, most_lanes, scale, title):
    def draw(axes):
        for lane, (variant, result) in enumerate(reversed(lines)):
            _draw_lane(axes, result.series[SERIES], table.styles[variant], lane, scale)
        axes.grid(False)
        axes.set_yticks(range(len(lines)), [printable(variant, LONGEST_NAME) for variant, _ in reversed(lines)], va="bottom")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        for lane in range(1, len(lines)):
            axes.axhline(lane, color=MUTED, linewidth=0.6)
        axes.set_ylim(len(lines) - most_lanes, len(lines))  # lanes of all panels are equally high
        axes.xaxis.set_major_formatter(lambda value, _: quantity(value, NANOSECONDS))
        axes.xaxis.get_major_locator().set_params(nbins=5)
        axes.set_xlim(0, max(s.interval_ns * len(s.peak) for s in (result.series[SERIES] for _, result in lines)))
    return Panel(title, draw)


def _records(setting, result):
    series = result.series[SERIES]
    return [(*vars(setting).values(), *vars(result.scheme).values(), result.repetition,
             round(series.interval_ns * (i + 1)), peak) for i, peak in enumerate(series.peak)]


def plots(table):
    for place, settings in by_place(setting for setting in table.settings if setting.zappers > 0):
        axes = varying_axes(settings)
        absent, records, drawn = {}, [], []
        for setting in settings:
            lines = _lines(table, setting, absent, axes)
            for _, result in lines:
                records += _records(setting, result)
            if lines:
                drawn.append((setting, lines))
        if drawn:
            scale = _Scale(max(max(result.series[SERIES].peak) for _, lines in drawn for _, result in lines))
            most_lanes = max(len(lines) for _, lines in drawn)
            panels = [_panel(table, lines, most_lanes, scale, describe(setting, axes)) for setting, lines in drawn]
            yield Plot(file_name(KIND, *place), KIND, f"Retired memory over time: {place_title(place)}", CAPTION,
                       panels, COLUMNS, records, absent, most_columns=2,
                       panel_inches=0.7 + LANE_INCHES * most_lanes)
