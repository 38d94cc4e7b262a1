"""What the simulated machine says of more vCPUs than this host has: one plot a workload and topology, marked as a model's."""

import dataclasses
from collections.abc import Callable

from matplotlib import ticker

from ..quantities import BYTES, NANOSECONDS, PER_SECOND, PLAIN, quantity
from ..setting import describe, varying_axes
from .canvas import line_style, line_width, printable, set_byte_axis, set_time_axis
from .hover import hover, hover_points
from .ideal import draw_ideal
from .plot import METRIC_COLUMNS, Panel, Plot, file_name, metric_records, note_absence
from .svg import MUTED

KIND = "simulated"
MARK = "SIMULATED"
CAPTION = ("SIMULATED, not measured: figures of a model of caches, interrupts and clocks. {summary}. One run a point: the model has "
           "no noise, and its error is told above.")


def _log(axes, units):
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(ticker.LogLocator(numticks=8))
    axes.yaxis.set_minor_locator(ticker.NullLocator())
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: quantity(value, units)))


def _from_zero(axes, values):
    """Linear near zero, as a scheme may move no line at all; logarithmic above."""
    positive = [value for value in values if value > 0]
    axes.set_yscale("symlog", linthresh=max(1e-4, min(positive, default=1)))
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(ticker.SymmetricalLogLocator(base=10, linthresh=max(1e-4, min(positive, default=1))))
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: quantity(value, PLAIN)))


@dataclasses.dataclass(frozen=True)
class Metric:
    """`scale` sets the y axis from (axes, values)."""

    counter: str
    title: str
    units: tuple
    scale: Callable


METRICS = (
    Metric("walks_per_second", "walks per second, all vCPUs", PER_SECOND, lambda axes, _: _log(axes, PER_SECOND)),
    Metric("line_transfers_per_walk", "cache lines moved per walk", PLAIN, _from_zero),
    Metric("commit_zap_ns_p50", "commit latency, p50", NANOSECONDS, lambda axes, _: (axes.set_yscale("log"), set_time_axis(axes.yaxis))),
    Metric("retired_bytes_peak", "retired and not freed, peak", BYTES, lambda axes, values: set_byte_axis(axes, max(values))))


def _lines(table, settings, metric):
    """{variant: [(vCPUs, value)]}."""
    lines = {}
    for setting in settings:
        for row in table.plain_rows(setting):
            if found := row.estimate(metric.counter):
                lines.setdefault(row.variant, []).append((setting.vcpus, found.value))
    return lines


def _vcpu_axis(axes, counts):
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(ticker.FixedLocator(counts))
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlim(counts[0] / 1.12, counts[-1] * 1.12)
    axes.set_xlabel("vCPUs (simulated)")


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
        metric.scale(axes, values)
        _vcpu_axis(axes, counts)
        hover_points(axes, [(vcpus, value, f"SIMULATED: {variant}, {vcpus} vCPUs: {quantity(value, metric.units)}")
                            for variant, points in lines.items() for vcpus, value in points])
        axes.text(0.99, 1.02, MARK, transform=axes.transAxes, ha="right", va="bottom", fontsize=8, weight="bold", color=MUTED)
    return Panel(f"{metric.title}{where}", draw)


def _series(settings):
    """{(workload, topology): {what else holds: settings}}: those of one list differ in vCPUs alone."""
    places = {}
    for setting in settings:
        rest = dataclasses.replace(setting, vcpus=0)
        places.setdefault((setting.workload, setting.placement), {}).setdefault(rest, []).append(setting)
    return places


def _summaries(table):
    """{topology: what it is}."""
    return {row.setting.placement: result.simulated.summary for row in table.all_rows for result in row.results if result.simulated}


def plots(table):
    """Of simulated results alone."""
    summaries = _summaries(table)
    for (workload, topology), series in _series(table.settings).items():
        axes = varying_axes(setting for settings in series.values() for setting in settings)
        panels, absent, records = [], {}, []
        for settings in series.values():
            where = f", {describe(settings[0], axes, vcpus=False)}" if len(series) > 1 else ""
            for metric in METRICS:
                lines = _lines(table, settings, metric)
                records += metric_records([row for s in settings for row in table.plain_rows(s)], [metric.counter])
                for row in (row for s in settings for row in table.plain_rows(s)):
                    if row.estimate(metric.counter) is None:
                        note_absence(absent, row.why_absent(metric.counter) or "not simulated", f"{metric.title} of {row.variant}")
                if lines:
                    panels.append(_panel(table, settings, metric, lines, where))
        if panels:
            yield Plot(file_name(KIND, workload, topology), KIND, f"SIMULATED on {topology}: {workload}",
                       CAPTION.format(summary=summaries.get(topology) or topology), panels, METRIC_COLUMNS, records, absent,
                       most_columns=2)
