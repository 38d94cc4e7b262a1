"""Walks per second over the number of vCPUs."""

import dataclasses

from matplotlib import ticker

from ..drawing.plot import Panel, is_large, note_absence, place_plot, shown_places
from ..drawing.scales import draw_ideal, error_bars, line_style, line_width, printable, set_ticks, set_units
from ..drawing.svg import hover_points
from ..grouping import grouped
from ..quantities import PER_SECOND, count_of, with_interval
from ..setting import ROW_FIELDS, by_place, describe, row_fields, varying_axes

KIND = "throughput"
CAPTION = ("Walks per second of all vCPUs: medians with 95 % intervals over repetitions. The dotted line is ideal "
           "scaling of the value that the legend names; hollow points are oversubscribed.")
METRIC = "walks_per_second"
COLUMNS = (*ROW_FIELDS, METRIC, "low", "high", "repetitions", "oversubscribed")
LOGARITHMIC_FROM_VCPUS = 16
LINEAR_UP_TO_SPREAD = 8
WIDEST_OFFSET = 0.1
MOST_PANELS = 2  # per workload and guest of a large run


def _draw_line(axes, points, style, variant, offset, count):
    found = [row.estimate(METRIC) for _, row in points]
    places = [vcpus * (1 + offset) for vcpus, _ in points]
    axes.errorbar(places, [e.value for e in found], yerr=error_bars(found), label=printable(variant),
                  linewidth=line_width(variant, count), **line_style(style))
    hover_points(axes, [(x, e.value, f"{variant}, {describe(row.setting)}: {with_interval(e, PER_SECOND)}")
                        for x, e, (_, row) in zip(places, found, points)])
    hollow = [(x, e.value) for x, e, (_, row) in zip(places, found, points) if row.has_flag("oversubscribed")]
    if hollow:
        axes.plot(*zip(*hollow), linestyle="none", marker=style.marker, color=style.colour, markerfacecolor="#ffffff",
                  zorder=5)


def _lines(table, settings):
    """{variant: [(vCPUs, row)]} of the rows that were measured."""
    return grouped((row.variant, (setting.vcpus, row)) for setting in settings for row in table.plain_rows(setting)
                   if row.estimate(METRIC) is not None)


def span_of(lines):
    values = [row.estimate(METRIC).value for points in lines.values() for _, row in points]
    return min(values), max(values)


def panel(table, settings, title, span=None, variants=None):
    """`settings` differ in vCPUs only. `span`: the least and the greatest value of panels that share a scale; `variants`: None for all."""
    lines = {variant: points for variant, points in _lines(table, settings).items() if variants is None or variant in variants}
    counts = sorted({setting.vcpus for setting in settings})

    def draw(axes):
        if len(counts) > 1:
            draw_ideal(axes, {variant: {vcpus: row.estimate(METRIC).value for vcpus, row in points}
                              for variant, points in lines.items()}, counts)
        step = min(0.012, WIDEST_OFFSET / len(lines))  # moves marks that would overlap, by a share of the number of vCPUs
        for place, (variant, points) in enumerate(lines.items()):
            _draw_line(axes, points, table.styles[variant], variant, step * (place - (len(lines) - 1) / 2), len(lines))
        least, greatest = span or span_of(lines)
        if counts[-1] >= LOGARITHMIC_FROM_VCPUS or greatest > LINEAR_UP_TO_SPREAD * max(least, 1):
            axes.set_xscale("log", base=2)
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5), numticks=12))
            axes.yaxis.set_minor_locator(ticker.NullLocator())
            axes.set_xlim(counts[0] / 1.12, counts[-1] * 1.12)
        else:
            axes.set_ylim(bottom=0)
            axes.set_xlim(counts[0] - 0.15 * counts[-1], counts[-1] * 1.15)
        set_ticks(axes.xaxis, counts)
        set_units(axes.yaxis, PER_SECOND)
        axes.set_xlabel("vCPUs")
    return Panel(title, draw)


def plots(material):
    table = material.table
    places, left_out = shown_places(table, by_place(table.settings))
    for place, settings in places:
        axes = varying_axes(settings)
        series = grouped((dataclasses.replace(setting, vcpus=0), setting) for setting in settings)
        absent, records = dict(left_out), []
        for setting in settings:
            for row in table.plain_rows(setting):
                if row.estimate(METRIC) is None:
                    note_absence(absent, row.why_absent(METRIC) or "not measured",
                                 f"{row.variant} at {describe(setting, axes)}")
                else:
                    records.append((*row_fields(row), *row.estimate(METRIC).fields, int(row.has_flag("oversubscribed"))))
        if records:
            groups = [group for group in series.values() if _lines(table, group)]
            plain = [group for group in groups if group[0].is_plain]
            if plain and len(plain) < len(groups):
                note_absence(absent, "shown under Instrumentation cost and PMU counts; the CSV has them",
                             f"{count_of(len(groups) - len(plain), 'setting')} instrumented otherwise")
                groups = plain
            if is_large(table.settings) and len(groups) > MOST_PANELS:
                note_absence(absent, "so large a run shows its first and last settings; the CSV has all",
                             count_of(len(groups) - MOST_PANELS, "more setting"))
                groups = [groups[0], *groups[1 - MOST_PANELS:]]
            span = span_of(_lines(table, [setting for group in groups for setting in group]))
            panels = [panel(table, group, describe(group[0], axes, vcpus=False), span) for group in groups]
            yield place_plot(KIND, place, "Throughput over vCPUs", CAPTION, panels, COLUMNS, records, absent, one_scale=True)
