"""What panels share: names that fit, lines in a variant's style, and axes with units."""

import math

from matplotlib import ticker

from ..axes import axis_words, number_of
from ..quantities import BYTES, NANOSECONDS, quantity
from ..rows import FLOOR, SPEED_LIMIT
from ..variants import is_of_the_mission
from .svg import MUTED

LONGEST_LABEL = 44
LONGEST_NAME = 22  # of a variant, where names stand in a column
MANY = 12  # lines in one panel: with more, the mission's own variants stand out
THIN = 0.9
DECADE = 10
MOST_TICKS = 8


def printable(text, longest=LONGEST_LABEL):
    """On one line, cut to this length, and never one of matplotlib's hidden labels (they begin with _)."""
    text = " ".join(text.split())
    if len(text) > longest:
        text = text[:longest - 1] + "…"
    return "\u200b" + text if text.startswith("_") else text


def line_style(style):
    return {"color": style.colour, "linestyle": style.line, "marker": style.marker}


def line_width(variant, count):
    """The width of a variant's line in a panel with this many lines; None: matplotlib's default."""
    return THIN if count > MANY and not is_of_the_mission(variant) else None


def set_units(axis, units):
    """Values of the axis in these units."""
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: quantity(value, units)))


def error_bars(estimates):
    """Distances to the ends of the intervals, as matplotlib's errorbar takes them."""
    return [[e.value - e.least for e in estimates], [e.greatest - e.value for e in estimates]]


def draw_names(axes, names, **style):
    """Names beside the y axis, one per line, the last one at the top."""
    axes.set_yticks(range(len(names)), names, **style)
    axes.tick_params(axis="y", length=0)


def set_time_axis(axis):
    """A logarithmic axis of nanoseconds, with ticks that read 10 µs and not 10^4. Call it after plotting."""
    low, high = sorted(axis.axes.get_xlim() if axis.axis_name == "x" else axis.axes.get_ylim())
    subdivisions = (1,) if high > 300 * low else (1, 2, 5) if high > 5 * low else range(1, 10)
    axis.set_major_locator(ticker.LogLocator(base=10, subs=subdivisions, numticks=12))
    axis.set_minor_locator(ticker.NullLocator())
    set_units(axis, NANOSECONDS)


def set_number_axis(axes, field, values):
    """The x axis of these sorted values of a run's axis, with a tick for each where there are few; logarithmic where they span a
    decade."""
    numbers = [number_of(value) for value in values]
    positive = [number for number in numbers if number > 0]
    if len(positive) > 1 and positive[-1] >= DECADE * positive[0]:
        axes.set_xscale("log") if positive == numbers else axes.set_xscale("symlog", linthresh=positive[0])
    if len(values) <= MOST_TICKS:
        axes.set_xticks(numbers, [axis_words(field, value) for value in values])
    else:
        axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: axis_words(field, value)))
    axes.minorticks_off()


def set_byte_axis(axes, greatest):
    """The y axis from 0 to `greatest` bytes: linear where the span is small, else linear to a page and logarithmic
    above."""
    top = max(greatest, 4096.0)
    if top <= 16 * 4096:
        step = max(4096, 2 ** math.ceil(math.log2(top / 5)))
        ticks = [step * i for i in range(int(top // step) + 2)]
        axes.set_ylim(0, top * 1.12)
    else:
        decades = math.log2(top / 4096)
        step = 2.0 ** max(1, math.ceil(decades / 6))
        ticks = [0] + [4096 * step**i for i in range(int(decades / math.log2(step)) + 2)]
        axes.set_yscale("symlog", linthresh=4096, linscale=0.7, base=step)
        axes.set_ylim(0, top * 2)
    axes.yaxis.set_major_locator(ticker.FixedLocator(ticks))
    axes.yaxis.set_minor_locator(ticker.NullLocator())
    set_units(axes.yaxis, BYTES)


def set_ticks(axis, values):
    """Ticks at these values only, written as plain numbers."""
    axis.set_major_locator(ticker.FixedLocator(values))
    axis.set_minor_locator(ticker.NullLocator())
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))


def draw_ideal(axes, lines, counts):
    """The line that walks per second would follow if vCPUs cost each other nothing: that of the speed limit, or of the first
    variant that ran on the fewest vCPUs. `lines`: {variant: {vCPUs: walks per second}}."""
    for variant in (SPEED_LIMIT, FLOOR, *lines):
        points = lines.get(variant, {})
        if counts[0] in points:
            per_vcpu = points[counts[0]] / counts[0]
            axes.plot(counts, [per_vcpu * n for n in counts], color=MUTED, linestyle=(0, (2, 2)), linewidth=1,
                      label=f"ideal ({printable(variant)} at {counts[0]} vCPU)", zorder=1)
            return
