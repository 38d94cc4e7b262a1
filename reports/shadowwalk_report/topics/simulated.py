"""Cells of the simulated machine, with more vCPUs than this host has: one plot per workload and topology, marked as a model's, and
tables beside the model's error. They are compared with no measured cell."""

import dataclasses

from matplotlib import ticker

from ..counters import counters
from ..drawing.plot import METRIC_COLUMNS, Panel, Plot, file_name, metric_records, note_absence
from ..drawing.scales import (draw_ideal, line_style, line_width, printable, set_byte_axis, set_ticks, set_time_axis,
                              set_units)
from ..drawing.svg import MUTED, hover, hover_points
from ..grouping import grouped
from ..quantities import BYTES, NANOSECONDS, PER_SECOND, count_of, quantity
from ..rows import Table
from ..setting import describe, varying_axes
from ..sheet import Cell, Content, Line, Sheet, first_and_folded, setting_sheet

KIND = "simulated"
MARK = "SIMULATED"
CAPTION = ("SIMULATED, not measured: figures of a model of caches, interrupts and clocks. {summary}. One run per point: the model "
           "has no noise, and its error is in the table above.")
METRICS = counters("walks_per_second", "line_transfers_per_walk", "commit_zap_ns_p50", "retired_bytes_peak")
COLUMNS = counters("walks_per_second", "walk_ns_mean", "line_transfers_per_walk", "commit_zap_ns_p50", "free_ns_p99",
                   "retired_bytes_peak")
NOTE = ("Figures of a model of caches, interrupts and clocks (docs/project.md), not of a machine. They are in no verdict and no "
        "claim of this page.")
NOT_COMPARED = "The model was not compared with a host (--rounds 0): the error of these figures is unknown."


def _scale(axes, metric, values):
    if metric.units is BYTES:
        set_byte_axis(axes, max(values))
    elif metric.units is NANOSECONDS:
        axes.set_yscale("log")
        set_time_axis(axes.yaxis)
    elif metric.units is PER_SECOND:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(ticker.LogLocator(numticks=8))
        axes.yaxis.set_minor_locator(ticker.NullLocator())
        set_units(axes.yaxis, metric.units)
    else:  # linear near zero, as a scheme may move no line at all; logarithmic above
        least = max(1e-4, min((value for value in values if value > 0), default=1))
        axes.set_yscale("symlog", linthresh=least)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_locator(ticker.SymmetricalLogLocator(base=10, linthresh=least))
        set_units(axes.yaxis, metric.units)


def _lines(rows, metric):
    """{variant: [(vCPUs, value)]}."""
    return grouped((row.variant, (row.setting.vcpus, found.value)) for row in rows if (found := row.estimate(metric.name)))


def _panel(table, settings, metric, lines, where):
    counts = sorted({setting.vcpus for setting in settings})

    def draw(axes):
        values = [value for points in lines.values() for _, value in points]
        if metric.units is PER_SECOND and len(counts) > 1:
            draw_ideal(axes, {variant: dict(points) for variant, points in lines.items()}, counts)
        for variant, points in lines.items():
            line, = axes.plot(*zip(*points), label=printable(variant), linewidth=line_width(variant, len(lines)),
                              **line_style(table.styles[variant]))
            hover(line, f"SIMULATED: {variant}")
        _scale(axes, metric, values)
        axes.set_xscale("log", base=2)
        set_ticks(axes.xaxis, counts)
        axes.set_xlim(counts[0] / 1.12, counts[-1] * 1.12)
        axes.set_xlabel("vCPUs (simulated)")
        hover_points(axes, [(vcpus, value, f"SIMULATED: {variant}, {vcpus} vCPUs: {quantity(value, metric.units)}")
                            for variant, points in lines.items() for vcpus, value in points])
        axes.text(0.99, 1.02, MARK, transform=axes.transAxes, ha="right", va="bottom", fontsize=8, weight="bold", color=MUTED)
    return Panel(f"{metric.title}: {metric.name}{where}", draw)


def _series(settings):
    """{(workload, topology): {setting without vCPUs: settings}}: the settings of one list differ only in vCPUs."""
    places = {}
    for setting in settings:
        rest = dataclasses.replace(setting, vcpus=0)
        places.setdefault((setting.workload, setting.placement), {}).setdefault(rest, []).append(setting)
    return places


def plots(material):
    table = Table(material.run.simulated)
    summaries = {result.setting.placement: result.simulated.summary for row in table.all_rows for result in row.results}
    for (workload, topology), series in _series(table.settings).items():
        axes = varying_axes(setting for settings in series.values() for setting in settings)
        panels, absent, records = [], {}, []
        for settings in series.values():
            where = f", {describe(settings[0], axes, vcpus=False)}" if len(series) > 1 else ""
            rows = [row for setting in settings for row in table.plain_rows(setting)]
            for metric in METRICS:
                lines = _lines(rows, metric)
                records += metric_records(rows, [metric.name])
                for row in rows:
                    if row.estimate(metric.name) is None:
                        note_absence(absent, row.why_absent(metric.name) or "not simulated", f"{metric.title} of {row.variant}")
                if lines:
                    panels.append(_panel(table, settings, metric, lines, where))
        if panels:
            yield Plot(file_name(KIND, workload, topology), KIND, f"SIMULATED on {topology}: {workload}",
                       CAPTION.format(summary=summaries.get(topology) or topology), panels, METRIC_COLUMNS, records, absent,
                       most_columns=2)


def _error_sheet(compared):
    columns = [("simulated", "by the model, of this host's topology"), ("measured", "on this host"),
               ("error", "of the simulated ratio, relative to the measured one")]
    lines = [Line(count_of(int(vcpus), "vCPU"), [],
                  [Cell(f"{simulated:.2f}x"), Cell(f"{measured:.2f}x"), Cell(f"{(simulated / measured - 1) * 100:+.0f} %")])
             for vcpus, simulated, measured in compared if measured]
    return Sheet("The model's error: read side of rcu-counter over that of irq-ipi", columns, lines, corner="")


def content(material):
    run = material.run
    if not run.simulated:
        return None
    table = Table(run.simulated)
    axes = varying_axes(table.settings)
    settings = sorted(table.settings, key=lambda setting: (-setting.vcpus, setting))  # the settings that no host here can measure come first
    models = list(dict.fromkeys(result.simulated for result in run.simulated))
    notes = [NOTE, *(f"{one.topology}: {one.summary}. Figures: {one.source}." for one in models)]
    errors = [_error_sheet(one.compared) for one in models if one.compared][:1]
    cells = first_and_folded([setting_sheet(setting, table.rows(setting), COLUMNS, axes) for setting in settings],
                             "Simulated figures")
    return Content(notes + ([] if errors else [NOT_COMPARED]), errors + cells.sheets, cells.details)
