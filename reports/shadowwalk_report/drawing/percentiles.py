"""Distributions: latency over percentiles, on a 1/(1-p) axis that gives the tail its room."""

import numpy as np
from matplotlib import ticker

from ..quantities import NANOSECONDS, quantity
from .scales import line_width, printable, set_time_axis
from .svg import hover, hover_points

MOST_POINTS = 160  # about as many as a panel has pixels


def thin(*columns):
    """Every n-th point, with the first and the last one."""
    count = len(columns[0])
    if count <= MOST_POINTS:
        return columns
    keep = np.unique(np.linspace(0, count - 1, MOST_POINTS).round().astype(int))
    return tuple(column[keep] for column in columns)


def percentile_curve(histogram, censored=0):
    """(1/(1-p), ns): p is the share of samples below each bucket. Censored samples are larger than all others."""
    below = np.concatenate([[0], np.cumsum(histogram.counts)[:-1]]) / (histogram.total + censored)
    return thin(1 / (1 - below), np.maximum(histogram.upper, 1))


def _percentile_words(value, _):
    share = 100 * (1 - 1 / value)
    return f"{share:.10g} %" if value > 1.5 else "0 %"


def _hover_percentiles(axes, name, places, values):
    """The value of a curve at p50, p90, p99 and so on, to point at"""
    points = []
    for place in (2, *(10**i for i in range(1, 7))):
        if place > places[-1]:
            break
        value = float(values[np.searchsorted(places, place, side="right") - 1])
        points.append((place, value, f"{name}, p{100 * (1 - 1 / place):.10g}: {quantity(value, NANOSECONDS)}"))
    hover_points(axes, points)


def draw_percentiles(axes, style, name, curve, count):
    """One of `count` variants' curves: (places, values), with a mark at its end."""
    places, values = curve
    line, = axes.step(places, values, where="post", label=printable(name), color=style.colour, linestyle=style.line,
                      linewidth=line_width(name, count))
    hover(line, name)
    axes.plot(places[-1:], values[-1:], marker=style.marker, color=style.colour)
    _hover_percentiles(axes, name, places, values)


def set_percentile_axes(axes, furthest, most_ticks=5):
    """Both axes; `furthest` is the greatest 1/(1-p) of any curve. Call it after plotting."""
    decades = int(np.log10(max(furthest, 10.0)))
    spacing = -(-decades // most_ticks)
    axes.xaxis.set_major_locator(ticker.FixedLocator([1, *(10.0**i for i in range(1, decades + 1, spacing))]))
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(_percentile_words))
    set_time_axis(axes.yaxis)
    axes.set_xlim(left=1)
