"""How long an unlinked page waits for its free, as a cumulative distribution; and how long a zap takes, by percentile."""

import numpy as np

from ..drawing.percentiles import percentile_curve, percentile_panel, thin
from ..drawing.plot import Panel, chosen_by_place, note_absence, place_plot
from ..drawing.scales import line_width, printable, set_time_axis
from ..drawing.svg import hover, hover_points
from ..quantities import NANOSECONDS, quantity
from ..setting import ROW_FIELDS, describe, row_fields, varying_axes
from .latency import why_no_samples

FREE_CAPTION = ("From unlink to free, all repetitions together. Pages that only the drain at the end freed are censored: "
                "they count as slower than all others, so that a curve may end below 100 %.")
ZAP_CAPTION = ("From a zap's intended start (open loop) to the end of its commit, all repetitions together, by percentile "
               "on a 1/(1-p) axis. A curve ends where one sample is left.")
FREE_COLUMNS = (*ROW_FIELDS, "free_ns", "share_of_pages", "pages", "censored_pages")
ZAP_COLUMNS = (*ROW_FIELDS, "percentile", "zap_ns", "zaps")
SHOWN = (0.5, 0.9, 0.99)  # shares of pages whose latency shows when pointed at


def _free_curve(row, histogram):
    return thin(np.maximum(histogram.upper, 1), histogram.cumulative(row.freed_by_drain))


def _free_panel(table, chosen, title):
    def draw(axes):
        axes.set_xscale("log")
        for row, histogram in chosen:
            style = table.styles[row.variant]
            values, shares = _free_curve(row, histogram)
            line, = axes.step(np.concatenate([values[:1], values]), np.concatenate([[0], shares]), where="post",
                              label=printable(row.variant), color=style.colour, linestyle=style.line,
                              linewidth=line_width(row.variant, len(chosen)))
            hover(line, row.variant)
            hover_points(axes, [(float(values[place]), float(shares[place]),
                                 f"{row.variant}, p{100 * share:g}: {quantity(float(values[place]), NANOSECONDS)}")
                                for share in SHOWN if (place := int(np.searchsorted(shares, share))) < len(values)])
            axes.plot(values[-1:], shares[-1:], marker=style.marker, color=style.colour)
        censored = [f"{row.freed_by_drain:,} of {printable(row.variant)}" for row, _ in chosen if row.freed_by_drain]
        if censored:
            axes.set_xlabel("censored pages: " + "\n".join(censored), fontsize=8)
        set_time_axis(axes.xaxis)
        axes.set_ylim(0, 1.03)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    return Panel(title, draw)


def _free_records(row, histogram):
    return [(*row_fields(row), value, share, int(histogram.total), row.freed_by_drain)
            for value, share in zip(*_free_curve(row, histogram))]


def _zap_panel(table, chosen, title):
    return percentile_panel(table, title, [percentile_curve(*row_and_histogram) for row_and_histogram in chosen])


def _zap_records(row, histogram):
    return [(*row_fields(row), *point, int(histogram.total)) for point in percentile_curve(row, histogram).points]


def _drawable(table, setting, name, absent, axes):
    """[(row, merged histogram)]; rows without samples, and saturated ones, go to `absent` with the reason."""
    chosen = []
    for row in table.plain_rows(setting):
        histogram = row.histogram(name)
        reason = "saturated, so that latency grows with the length of the run" if row.has_flag("saturated") else ""
        if histogram.total == 0:
            reason = why_no_samples(row, name)
        if reason:
            note_absence(absent, reason, f"{row.variant} at {describe(setting, axes)}")
        else:
            chosen.append((row, histogram))
    return chosen


def _plots(table, kind, histogram, title, caption, columns, panel, records_of):
    zapped = [setting for setting in table.settings if setting.zappers > 0]
    for place, settings, absent in chosen_by_place(table, zapped):
        axes = varying_axes(settings)
        records, panels = [], []
        for setting in settings:
            chosen = _drawable(table, setting, histogram, absent, axes)
            records += [record for row_and_histogram in chosen for record in records_of(*row_and_histogram)]
            if chosen:
                panels.append(panel(table, chosen, describe(setting, axes)))
        if panels:
            yield place_plot(kind, place, title, caption, panels, columns, records, absent)


def plots(material):
    table = material.table
    yield from _plots(table, "free_latency", "free_ns", "Free latency", FREE_CAPTION, FREE_COLUMNS, _free_panel, _free_records)
    yield from _plots(table, "zap_latency", "zap_ns", "Zap latency", ZAP_CAPTION, ZAP_COLUMNS, _zap_panel, _zap_records)
