"""Zap latency by percentile, on an axis that gives the tail its room."""

from ..setting import describe, varying_axes
from .choice import chosen_by_place
from .latency import drawable
from .percentile import draw_percentiles, percentile_curve, set_percentile_axes
from .plot import SCHEME_COLUMNS, SETTING_COLUMNS, Panel, place_plot

KIND = "zap_latency"
HISTOGRAM = "zap_ns"
CAPTION = ("From a zap's intended start (open loop) to the end of its commit, all repetitions together, by percentile "
           "on a 1/(1-p) axis. A curve ends where one sample is all that is left.")
COLUMNS = SETTING_COLUMNS + SCHEME_COLUMNS + ("percentile", "zap_ns", "zaps")


def _panel(table, chosen, title):
    def draw(axes):
        axes.set_xscale("log")
        axes.set_yscale("log")
        furthest = 10.0
        for row, histogram in chosen:
            curve = percentile_curve(histogram)
            furthest = max(furthest, curve[0][-1])
            draw_percentiles(axes, table.styles[row.variant], row.variant, curve, len(chosen))
        set_percentile_axes(axes, furthest)
    return Panel(title, draw)


def _records(setting, row, histogram):
    head = (*vars(setting).values(), *vars(row.scheme).values())
    return [(*head, 100 * (1 - 1 / place), value, int(histogram.total))
            for place, value in zip(*percentile_curve(histogram))]


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
            yield place_plot(KIND, place, "Zap latency", CAPTION, panels, COLUMNS, records, absent)
