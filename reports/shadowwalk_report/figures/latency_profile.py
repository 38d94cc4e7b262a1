"""Every latency of one setting of a workload by percentile: small multiples, one panel a latency."""

import dataclasses

import numpy as np

from ..latencies import CORRECTED, LATENCIES, UNCORRECTED, censored, profiled_setting, why_absent
from ..quantities import count_of
from ..rows import Row
from ..setting import describe, varying_axes
from .choice import is_large
from .percentile import draw_percentiles, percentile_curve, set_percentile_axes
from .plot import SCHEME_COLUMNS, SETTING_COLUMNS, Panel, note_absence, place_plot
from .svg import MUTED

KIND = "latency"
REASON = "so large a run shows the first workload's alone; the others' percentiles are in their tables"
CAPTION = ("By percentile on a 1/(1-p) axis, all repetitions together, redrawn from the saved histograms. In the panel "
           "of zaps, dotted lines are uncorrected for coordinated omission: they start when the zap really began.")
COLUMNS = SETTING_COLUMNS + SCHEME_COLUMNS + ("latency", "percentile", "ns", "samples", "censored")
DOTTED = (0, (1, 1.5))


@dataclasses.dataclass(frozen=True)
class _Curve:
    """The percentiles of one row: 1/(1-p) and ns."""

    row: Row
    places: np.ndarray
    values: np.ndarray
    samples: int
    censored: int


def _curve(row, latency):
    histogram, beyond = row.histogram(latency.histogram), censored(row, latency)
    return _Curve(row, *percentile_curve(histogram, beyond), int(histogram.total), beyond)


def _curves(table, setting, latency, absent):
    """Rows without a curve go to `absent`, as one where they are all for the same reason."""
    reasons = [(row, why_absent(row, latency)) for row in table.plain_rows(setting)]
    alike = len({reason for _, reason in reasons}) == 1
    for row, reason in reasons:
        if reason:
            note_absence(absent, reason, latency.title if alike else f"{latency.title} of {row.variant}")
    return [_curve(row, latency) for row, reason in reasons if not reason]


def _panel(table, latency, curves, uncorrected):
    def draw(axes):
        axes.set_xscale("log")
        axes.set_yscale("log")
        for curve in curves:
            draw_percentiles(axes, table.styles[curve.row.variant], curve.row.variant, (curve.places, curve.values),
                             len(curves))
        for curve in uncorrected:
            axes.step(curve.places, curve.values, where="post", color=table.styles[curve.row.variant].colour,
                      linestyle=DOTTED, linewidth=1.2)
        if uncorrected:
            axes.plot([], [], color=MUTED, linestyle=DOTTED, linewidth=1.2, label="uncorrected")
        set_percentile_axes(axes, max(curve.places[-1] for curve in (*curves, *uncorrected)), most_ticks=4)
    return Panel(f"{latency.title}: {latency.histogram}", draw)


def _records(setting, latency, curves):
    for curve in curves:
        head = (*vars(setting).values(), *vars(curve.row.scheme).values(), latency.histogram)
        for place, value in zip(curve.places, curve.values):
            yield (*head, 100 * (1 - 1 / place), value, curve.samples, curve.censored)


def _plot(table, left_out):
    """Of one workload's table; None where it has no histogram. `left_out`: what is not to be drawn."""
    setting = profiled_setting(table)
    if setting is None:
        return None
    absent = dict(left_out)
    drawn = {latency: _curves(table, setting, latency, absent) for latency in LATENCIES}
    panels = [_panel(table, latency, curves, drawn[UNCORRECTED] if latency is CORRECTED else [])
              for latency, curves in drawn.items() if curves and (latency is not UNCORRECTED or not drawn[CORRECTED])]
    if not panels:
        return None
    records = [record for latency, curves in drawn.items() for record in _records(setting, latency, curves)]
    return place_plot(KIND, (setting.workload, setting.guest), "Latencies",
                      f"{describe(setting, varying_axes(table.settings))}. {CAPTION}", panels, COLUMNS, records, absent,
                      panel_inches=2.4)


def plots(table):
    """One a workload; of a large run, the first workload's alone."""
    shown = table.workloads[:1] if is_large(table.settings) else table.workloads
    rest = len(table.workloads) - len(shown)
    left_out = {REASON: [count_of(rest, "more workload")]} if rest else {}
    yield from filter(None, (_plot(table.of_workload(workload), left_out) for workload in shown))
