"""Every latency of one setting by percentile: small multiples, one panel a latency."""

from ..latencies import CORRECTED, LATENCIES, UNCORRECTED, censored, profiled_setting, why_absent
from ..setting import describe, varying_axes
from .canvas import printable
from .percentile import percentile_curve, set_percentile_axes
from .plot import SCHEME_COLUMNS, SETTING_COLUMNS, Panel, Plot, file_name, note_absence, place_title
from .svg import MUTED

KIND = "latency"
CAPTION = ("By percentile on a 1/(1-p) axis, all repetitions together, redrawn from the saved histograms. In the panel "
           "of zaps, dotted lines are uncorrected for coordinated omission: they start when the zap really began.")
COLUMNS = SETTING_COLUMNS + SCHEME_COLUMNS + ("latency", "percentile", "ns", "samples", "censored")
DOTTED = (0, (1, 1.5))


def _drawable(table, setting, latency, absent):
    """[(row, merged histogram)]; the others go to `absent`, as one where they are all for the same reason."""
    reasons = [(row, why_absent(row, latency)) for row in table.plain_rows(setting)]
    alike = len({reason for _, reason in reasons}) == 1
    for row, reason in reasons:
        if reason:
            note_absence(absent, reason, latency.title if alike else f"{latency.title} of {row.variant}")
    return [(row, row.histogram(latency.histogram)) for row, reason in reasons if not reason]


def _panel(table, latency, chosen, uncorrected):
    def draw(axes):
        axes.set_xscale("log")
        axes.set_yscale("log")
        furthest = 1.0
        for row, histogram in chosen:
            style = table.styles[row.variant]
            places, values = percentile_curve(histogram, censored(row, latency))
            furthest = max(furthest, places[-1])
            axes.step(places, values, where="post", label=printable(row.variant), color=style.colour,
                      linestyle=style.line)
            axes.plot(places[-1:], values[-1:], marker=style.marker, color=style.colour)
        for row, histogram in uncorrected:
            axes.step(*percentile_curve(histogram), where="post", color=table.styles[row.variant].colour,
                      linestyle=DOTTED, linewidth=1.2)
        if uncorrected:
            axes.plot([], [], color=MUTED, linestyle=DOTTED, linewidth=1.2, label="uncorrected")
        set_percentile_axes(axes, furthest, most_ticks=4)
    return Panel(f"{latency.title}: {latency.histogram}", draw)


def _records(setting, latency, chosen):
    for row, histogram in chosen:
        beyond = censored(row, latency)
        head = (*vars(setting).values(), *vars(row.scheme).values(), latency.histogram)
        for place, value in zip(*percentile_curve(histogram, beyond)):
            yield (*head, 100 * (1 - 1 / place), value, int(histogram.total), beyond)


def plots(table):
    setting = profiled_setting(table)
    if setting is None:
        return
    absent = {}
    chosen = {latency: _drawable(table, setting, latency, absent) for latency in LATENCIES}
    panels = [_panel(table, latency, rows, chosen[UNCORRECTED] if latency is CORRECTED else [])
              for latency, rows in chosen.items() if rows and (latency is not UNCORRECTED or not chosen[CORRECTED])]
    if not panels:
        return
    place = (setting.workload, setting.guest)
    yield Plot(file_name(KIND, *place), KIND,
               f"Latencies: {place_title(place)}, {describe(setting, varying_axes(table.settings))}", CAPTION, panels,
               COLUMNS, [record for latency, rows in chosen.items() for record in _records(setting, latency, rows)],
               absent, panel_inches=2.4)
