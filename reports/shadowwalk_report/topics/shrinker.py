"""Claim 1 end to end: the time until memory that the host requested back is really free. One line per row, with its knobs, as
grace periods decide it."""

from ..counters import counters
from ..drawing.plot import METRIC_COLUMNS, Panel, metric_records, note_absence, place_plot
from ..drawing.scales import draw_names, printable, set_time_axis
from ..drawing.svg import INK, hover
from ..quantities import NANOSECONDS, quantity, with_interval
from ..setting import by_place, describe, varying_axes
from ..sheet import chosen_rows

KIND = "shrink"
CAPTION = ("From a shrink's start until its last page is free: the median of shrink_ns (filled) and its p99 (hollow), "
           "medians over repetitions with 95 % intervals. Shrinks that were given up after 100 ms are in neither.")
MEDIAN, TAIL = "shrink_ns_p50", "shrink_ns_p99"
LONGEST_NAME = 40
NOTE = ("A shrink requests a number of shadow pages back, zaps oldest-first with one commit per page, and ends when the "
        "last of them is free. A shrink that has not ended after 100 ms is given up: it is in no latency, but is counted beside"
        " them. A scheme that frees in commit has finished when it has zapped; a scheme that defers has finished when its last "
        "grace period or scan has.")
COLUMNS = counters(MEDIAN, TAIL, "shrinks_total", "shrinks_unfinished_total", "retired_bytes_peak", "walks_per_second")


def _shrunk(rows):
    """The rows in which the host shrank at all."""
    return [row for row in rows if row.happened("shrinks_total")]


def _draw_dot(axes, y, found, colour, filled, name):
    if found is None:
        return
    dot, = axes.plot([found.value], [y], linestyle="none", marker="o", color=colour,
                     markerfacecolor=colour if filled else "#ffffff", zorder=5)
    hover(dot, f"{name}, {'median' if filled else 'p99'}: {with_interval(found, NANOSECONDS)}")
    if found.low is not None:
        axes.plot([found.low, found.high], [y, y], color=INK, linewidth=1.2, zorder=4)
    axes.annotate(quantity(found.value, NANOSECONDS), (found.value, y), (0, 5), textcoords="offset points", ha="center",
                  fontsize=7)


def _panel(table, rows, title):
    def draw(axes):
        axes.set_xscale("log")
        for y, row in enumerate(reversed(rows)):
            colour = table.styles[row.variant].colour
            median, tail = row.estimate(MEDIAN), row.estimate(TAIL)
            if median and tail:
                axes.plot([median.value, tail.value], [y, y], color=colour, linewidth=1, alpha=0.5)
            _draw_dot(axes, y, tail, colour, False, row.variant)
            _draw_dot(axes, y, median, colour, True, row.variant)
        draw_names(axes, [printable(row.scheme.words, LONGEST_NAME) for row in reversed(rows)])
        axes.set_ylim(-0.6, len(rows) - 0.2)
        axes.grid(True, axis="x")
        axes.margins(x=0.08)
        set_time_axis(axes.xaxis)
    return Panel(title, draw)


def plots(material):
    table = material.table
    settings = [setting for setting in table.settings if _shrunk(table.rows(setting))]
    for place, members in by_place(settings):
        axes = varying_axes(members)
        absent, records, panels = {}, [], []
        for setting in members:
            shrunk = _shrunk(table.rows(setting))
            rows = [row for row in shrunk if row.estimate(MEDIAN)]
            for row in shrunk:
                if row not in rows:
                    note_absence(absent, row.why_absent(MEDIAN) or "not measured", f"{row.scheme.words}, {describe(setting, axes)}")
            records += metric_records(rows, (MEDIAN, TAIL))
            if rows:
                panels.append(_panel(table, rows, describe(setting, axes)))
        if panels:
            most = max(len(_shrunk(table.rows(setting))) for setting in members)
            yield place_plot(KIND, place, "Time until memory is free", CAPTION, panels, METRIC_COLUMNS, records, absent,
                             most_columns=2, panel_inches=0.9 + 0.36 * most)


def content(material):
    return chosen_rows(material.table, _shrunk, COLUMNS, NOTE, "Shrinks")
