"""Distributions: latency over percentiles, on a 1/(1-p) axis that gives the tail its room."""

import dataclasses

import numpy as np
from matplotlib import ticker

from ..quantities import NANOSECONDS, quantity
from ..rows import Row
from .plot import Panel
from .scales import line_width, printable, set_time_axis
from .svg import MUTED, hover, hover_points

MOST_POINTS = 160  # about as many as a panel has pixels
DOTTED = (0, (1, 1.5))


def thin(*columns):
    """Every n-th point, with the first and the last one."""
    count = len(columns[0])
    if count <= MOST_POINTS:
        return columns
    keep = np.unique(np.linspace(0, count - 1, MOST_POINTS).round().astype(int))
    return tuple(column[keep] for column in columns)


@dataclasses.dataclass(frozen=True)
class Curve:
    """The percentiles of one row: 1/(1-p) and ns."""

    row: Row
    places: np.ndarray
    values: np.ndarray
    samples: int
    censored: int

    @property
    def points(self):
        """(percentile, ns) of each."""
        return zip(100 * (1 - 1 / self.places), self.values)


def percentile_curve(row, histogram, censored=0):
    """p is the share of the row's samples below each bucket. Censored samples are larger than all others."""
    below = np.concatenate([[0], histogram.cumulative(censored)[:-1]])
    above = np.maximum(1 - below, np.finfo(float).eps)  # a few samples among very many
    return Curve(row, *thin(1 / above, np.maximum(histogram.upper, 1)), int(histogram.total), censored)


def _percentile_words(value, _):
    share = 100 * (1 - 1 / value)
    return f"{share:.10g} %" if value > 1.5 else "0 %"


def _draw_curve(axes, style, curve, count):
    """One of `count` curves, with a mark at its end, and its values at p50, p90, p99 and so on to point at."""
    name, places, values = curve.row.variant, curve.places, curve.values
    line, = axes.step(places, values, where="post", label=printable(name), color=style.colour, linestyle=style.line,
                      linewidth=line_width(name, count))
    hover(line, name)
    axes.plot(places[-1:], values[-1:], marker=style.marker, color=style.colour)
    pointed = [place for place in (2, *(10**i for i in range(1, 7))) if place <= places[-1]]
    shown = [float(values[np.searchsorted(places, place, side="right") - 1]) for place in pointed]
    hover_points(axes, [(place, value, f"{name}, p{100 * (1 - 1 / place):.10g}: {quantity(value, NANOSECONDS)}")
                        for place, value in zip(pointed, shown)])


def _set_axes(axes, furthest, most_ticks):
    """Both axes; `furthest` is the greatest 1/(1-p) of any curve. Call it after plotting."""
    decades = int(np.log10(max(furthest, 10.0)))
    spacing = -(-decades // most_ticks)
    axes.xaxis.set_major_locator(ticker.FixedLocator([1, *(10.0**i for i in range(1, decades + 1, spacing))]))
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(_percentile_words))
    set_time_axis(axes.yaxis)
    axes.set_xlim(left=1)


def percentile_panel(table, title, curves, uncorrected=(), most_ticks=5):
    """Curves that are not corrected for coordinated omission are dotted."""
    def draw(axes):
        axes.set_xscale("log")
        axes.set_yscale("log")
        for curve in curves:
            _draw_curve(axes, table.styles[curve.row.variant], curve, len(curves))
        for curve in uncorrected:
            axes.step(curve.places, curve.values, where="post", color=table.styles[curve.row.variant].colour,
                      linestyle=DOTTED, linewidth=1.2)
        if uncorrected:
            axes.plot([], [], color=MUTED, linestyle=DOTTED, linewidth=1.2, label="uncorrected")
        _set_axes(axes, max(curve.places[-1] for curve in (*curves, *uncorrected)), most_ticks)
    return Panel(title, draw)
