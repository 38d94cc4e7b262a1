"""How long an unlinked page waits for its free: a cumulative distribution."""

import numpy as np

from ..quantities import NANOSECONDS, quantity
from ..setting import describe, varying_axes
from .canvas import line_width, printable, set_time_axis
from .choice import chosen_by_place
from .hover import hover, hover_points
from .latency import drawable, thin
from .plot import SCHEME_COLUMNS, SETTING_COLUMNS, Panel, place_plot

KIND = "free_latency"
HISTOGRAM = "free_ns"
TOLD = (0.5, 0.9, 0.99)  # shares of pages whose latency shows when pointed at
CAPTION = ("From unlink to free, all repetitions together. Pages that only the drain at the end freed are censored: "
           "they count as slower than all others, so that a curve may end below 100 %.")
COLUMNS = SETTING_COLUMNS + SCHEME_COLUMNS + ("free_ns", "share_of_pages", "pages", "censored_pages")


def _curve(row, histogram):
    return thin(np.maximum(histogram.upper, 1), histogram.cumulative(row.freed_by_drain))


def _panel(table, chosen, title):
    def draw(axes):
        axes.set_xscale("log")
        for row, histogram in chosen:
            style = table.styles[row.variant]
            values, shares = _curve(row, histogram)
            line, = axes.step(np.concatenate([values[:1], values]), np.concatenate([[0], shares]), where="post",
                              label=printable(row.variant), color=style.colour, linestyle=style.line, linewidth=line_width(row.variant, len(chosen)))
            hover(line, row.variant)
            hover_points(axes, [(float(values[place]), float(shares[place]),
                                 f"{row.variant}, p{100 * share:g}: {quantity(float(values[place]), NANOSECONDS)}")
                                for share in TOLD if (place := int(np.searchsorted(shares, share))) < len(values)])
            axes.plot(values[-1:], shares[-1:], marker=style.marker, color=style.colour)
        censored = [f"{row.freed_by_drain:,} of {printable(row.variant)}" for row, _ in chosen if row.freed_by_drain]
        if censored:
            axes.set_xlabel("censored pages: " + "\n".join(censored), fontsize=8)
        set_time_axis(axes.xaxis)
        axes.set_ylim(0, 1.03)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    return Panel(title, draw)


def _records(setting, row, histogram):
    head = (*vars(setting).values(), *vars(row.scheme).values())
    return [(*head, value, share, int(histogram.total), row.freed_by_drain)
            for value, share in zip(*_curve(row, histogram))]


def plots(table):
    zapped = [setting for setting in table.settings if setting.zappers > 0]
    for place, settings, absent in chosen_by_place(table, zapped):
        axes = varying_axes(settings)
        records, panels = [], []
        for setting in settings:
            chosen = drawable(table, setting, HISTOGRAM, absent, axes)
            for row, histogram in chosen:
                records += _records(setting, row, histogram)
            if chosen:
                panels.append(_panel(table, chosen, describe(setting, axes)))
        if panels:
            yield place_plot(KIND, place, "Free latency", CAPTION, panels, COLUMNS, records, absent)
