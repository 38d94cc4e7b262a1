"""Memory over time: one lane per variant, all lanes of a plot on one scale; above a lane, a strip that shows when a grace
period of RCU was under way."""

import dataclasses
import math

from matplotlib.colors import to_rgb

from ..quantities import BYTES, NANOSECONDS, count_of, quantity
from ..setting import ROW_FIELDS, describe, row_fields, varying_axes
from .plot import Panel, note_absence, place_plot
from .scales import LONGEST_NAME, draw_names, printable, set_units
from .svg import MUTED, hover

PAGE_BYTES = 4096
LANE_INCHES = 0.48
LANE_FILL = 0.78
MOST_TICKS = 3
STRIP = (0.82, 0.1)  # above a lane's own floor, and its height, in lanes
LABEL = "grace periods"
GRACE_PERIOD_COLUMNS = ("grace_periods_begun", "grace_period_under_way_ns")


def _by_each(pairs):
    """(times, heights) of a line that is 1 within each grace period and 0 between them."""
    times, heights = [], []
    for begin, end in pairs:
        times += [begin, begin, end, end]
        heights += [0, 1, 1, 0]
    return times, heights


def _by_interval(periods):
    """The same, with the share of each interval in which a grace period was under way."""
    shares = [min(1.0, ns / periods.interval_ns) for ns in periods.under_way_ns]
    times = [periods.interval_ns * place for number in range(len(shares)) for place in (number, number + 1)]
    return times, [share for share in shares for _ in range(2)]


def _strip_words(variant, result):
    periods, histogram = result.grace_periods, result.histograms.get("grace_period_ns")
    share = sum(periods.under_way_ns) / (periods.interval_ns * len(periods.under_way_ns))
    text = f"{variant}: {count_of(int(sum(periods.began)), 'grace period')}, one under way for {share:.1%} of the time"
    if histogram is not None and histogram.total:
        text += f"; median {quantity(histogram.percentile(0.5), NANOSECONDS)}, longest {quantity(histogram.greatest, NANOSECONDS)}"
    return text


def draw_grace_periods(axes, variant, result, lane, colour):
    """Draws nothing where the scheme waits for no grace period."""
    periods = result.grace_periods
    if periods is None or not any(periods.under_way_ns):
        return
    times, heights = _by_each(periods.each) if periods.each else _by_interval(periods)
    floor = lane + STRIP[0]
    # The edge keeps a grace period visible that is far shorter than a pixel.
    strip = axes.fill_between(times, floor, [floor + STRIP[1] * height for height in heights], facecolor=colour,
                              edgecolor=colour, linewidth=0.5)
    hover(strip, _strip_words(variant, result))
    axes.annotate(LABEL, (periods.interval_ns * len(periods.began), floor), (4, 4), color=MUTED, textcoords="offset points",
                  va="bottom", fontsize=6.5)


@dataclasses.dataclass(frozen=True)
class Footprint:
    """What is drawn: a series, and the counter whose median selects the repetition."""

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
    """Bytes to heights within a lane: 0 to LANE_FILL; linear up to one page, logarithmic above."""

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
    """(places, values) without the values inside a level stretch: the steps drawn through the rest are the same."""
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
        draw_names(axes, [printable(variant, LONGEST_NAME) for variant, _ in reversed(lines)], va="bottom")
        axes.spines["left"].set_visible(False)
        for lane in range(1, len(lines)):
            axes.axhline(lane, color=MUTED, linewidth=0.6)
        axes.set_ylim(len(lines) - most_lanes, len(lines))  # lanes of all panels are equally high
        set_units(axes.xaxis, NANOSECONDS)
        axes.xaxis.get_major_locator().set_params(nbins=5)
        axes.set_xlim(0, max(s.interval_ns * len(s.peak) for s in (result.series[series] for _, result in lines)))
    return Panel(title, draw)


def _records(footprint, result):
    series, periods, records = result.series[footprint.series], result.grace_periods, []
    for place, peak in enumerate(series.peak):
        record = (*row_fields(result), result.repetition, round(series.interval_ns * (place + 1)), peak)
        if footprint.marks_grace_periods:
            known = periods is not None and place < len(periods.began)
            record += (periods.began[place], periods.under_way_ns[place]) if known else (None, None)
        records.append(record)
    return records


def lane_plot(footprint, table, place, settings, left_out):
    """The plot of a workload and guest; None when there is nothing to draw. `left_out`: {reason: [what]} that is not drawn."""
    axes = varying_axes(settings)
    absent, records, drawn = dict(left_out), [], []
    for setting in settings:
        lines = _lines(footprint, table, setting, absent, axes)
        for _, result in lines:
            records += _records(footprint, result)
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
        (*ROW_FIELDS, "repetition", "interval_end_ns", footprint.counter,
         *(GRACE_PERIOD_COLUMNS if footprint.marks_grace_periods else ())),
        records, absent, most_columns=2, panel_inches=0.7 + LANE_INCHES * most_lanes)
