"""How long unlinked pages wait for their free, as the share that still waits; and how long a zap takes, by percentile."""

import numpy as np
from matplotlib import ticker

from ..drawing.percentiles import percentile_curve, percentile_panel, thin
from ..drawing.plot import Panel, chosen_by_place, note_absence, place_plot
from ..drawing.scales import line_width, printable, set_time_axis
from ..drawing.svg import hover, hover_points
from ..quantities import NANOSECONDS, quantity
from ..setting import ROW_FIELDS, describe, row_fields, varying_axes
from .latency import why_no_samples

FREE_CAPTION = ("The share of pages that are not free yet (1 - CDF), over the time since their unlink, all repetitions together, both axes "
                "logarithmic: a few late pages are at the bottom right. Pages that only the drain at the end freed are censored: they "
                "count as slower than all others, so that a curve may end above the bottom.")
DEFERRED_CAPTION = ("As above, of those pages alone that were not free when their commit returned. A scheme that frees in commit has "
                    "none.")
ZAP_CAPTION = ("From a zap's intended start (open loop) to the end of its commit, all repetitions together, by percentile "
               "on a 1/(1-p) axis. A curve ends where one sample is left.")
FREE_COLUMNS = (*ROW_FIELDS, "free_ns", "share_not_free", "pages", "censored_pages")
ZAP_COLUMNS = (*ROW_FIELDS, "percentile", "zap_ns", "zaps")
SHOWN = (0.5, 0.1, 0.01, 0.001)  # shares of pages whose latency shows when pointed at


def _survival(histogram, censored):
    """(times, shares of pages that were not free by then). The last page's share, 0, has no place on a logarithmic axis."""
    values, shares = np.maximum(histogram.upper, 1), 1 - histogram.cumulative(censored)
    kept = shares > 0.1 / (histogram.total + censored)  # less than a page is a rounding error
    return thin(values[kept], shares[kept]) if kept.any() else (values[-1:], shares[-1:] * 0 + 1)


def _survival_panel(table, chosen, title):
    """`chosen`: [(row, histogram, censored pages)]."""
    def draw(axes):
        axes.set_xscale("log")
        axes.set_yscale("log")
        for row, histogram, censored in chosen:
            style = table.styles[row.variant]
            values, shares = _survival(histogram, censored)
            line, = axes.step(np.concatenate([values[:1], values]), np.concatenate([[1], shares]), where="post",
                              label=printable(row.variant), color=style.colour, linestyle=style.line,
                              linewidth=line_width(row.variant, len(chosen)))
            hover(line, row.variant)
            hover_points(axes, [(float(values[place]), float(shares[place]),
                                 f"{row.variant}, p{100 * (1 - share):g}: {quantity(float(values[place]), NANOSECONDS)}")
                                for share in SHOWN if (place := int((shares > share).sum())) < len(values)])
            axes.plot(values[-1:], shares[-1:], marker=style.marker, color=style.colour)
        late = [f"{censored:,} of {printable(row.variant)}" for row, _, censored in chosen if censored]
        if late:
            axes.set_xlabel("censored pages: " + "\n".join(late), fontsize=8)
        set_time_axis(axes.xaxis)
        axes.set_ylim(top=1.3)
        axes.yaxis.set_major_locator(ticker.LogLocator(numticks=8))
        axes.yaxis.set_minor_locator(ticker.NullLocator())
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
    return Panel(title, draw)


def _survival_records(row, histogram, censored):
    return [(*row_fields(row), value, share, int(histogram.total), censored)
            for value, share in zip(*_survival(histogram, censored))]


def _with_drain(row, histogram):
    return row, histogram, row.freed_by_drain


def _free_panel(table, chosen, title):
    return _survival_panel(table, [_with_drain(*pair) for pair in chosen], title)


def _free_records(row, histogram):
    return _survival_records(*_with_drain(row, histogram))


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
            yield place_plot(kind, place, title, caption, panels, columns, records, absent, one_scale=True)


def plots(material):
    table = material.table
    yield from _plots(table, "free_latency", "free_ns", "Free latency", FREE_CAPTION, FREE_COLUMNS, _free_panel, _free_records)
    yield from _plots(table, "deferred_free", "deferred_free_ns", "Deferred frees", DEFERRED_CAPTION, FREE_COLUMNS, _free_panel,
                      _free_records)
    yield from _plots(table, "zap_latency", "zap_ns", "Zap latency", ZAP_CAPTION, ZAP_COLUMNS, _zap_panel, _zap_records)
