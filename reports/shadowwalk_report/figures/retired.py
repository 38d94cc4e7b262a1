"""Retired memory over time: what is unlinked and not yet freed."""

from ..quantities import NANOSECONDS, quantity
from ..setting import describe, varying_axes
from .canvas import printable, set_byte_axis
from .plot import SCHEME_COLUMNS, SETTING_COLUMNS, Panel, Plot, by_place, file_name, note_absence, place_title

KIND = "retired"
SERIES = "retired_bytes"
CAPTION = ("Bytes unlinked and not yet freed: the peak within each interval of the window, exact. One repetition a "
           "variant, the one with the median peak.")
COLUMNS = SETTING_COLUMNS + SCHEME_COLUMNS + ("repetition", "interval_end_ns", "retired_bytes_peak")


def _lines(table, setting, absent, axes):
    """[(variant, result)] of the representative repetitions."""
    lines = []
    for row in table.plain_rows(setting):
        result = row.representative("retired_bytes_peak")
        if result is None or not result.series.get(SERIES) or not result.series[SERIES].peak:
            note_absence(absent, row.why_absent("retired_bytes_peak") or "no series recorded",
                         f"{row.variant} at {describe(setting, axes)}")
        else:
            lines.append((row.variant, result))
    return lines


def _marker_places(line, lines, points):
    """A few markers a line, each line's elsewhere: lines that lie on each other can still be told."""
    stride = max(lines, points // 4)
    return range(int(stride * (line + 0.5) / lines), points, stride)


def _panel(table, lines, title):
    def draw(axes):
        for place, (variant, result) in enumerate(lines):
            series, style = result.series[SERIES], table.styles[variant]
            times = [series.interval_ns * i for i in range(len(series.peak) + 1)]
            axes.step(times, [series.peak[0], *series.peak], where="pre", label=printable(variant), color=style.colour,
                      linestyle=style.line, linewidth=1.3, marker=style.marker,
                      markevery=_marker_places(place, len(lines), len(times)))
        set_byte_axis(axes, max(max(result.series[SERIES].peak) for _, result in lines))
        axes.xaxis.set_major_formatter(lambda value, _: quantity(value, NANOSECONDS))
        axes.xaxis.get_major_locator().set_params(nbins=5)
        axes.set_xlim(left=0)
    return Panel(title, draw)


def _records(setting, result):
    series = result.series[SERIES]
    return [(*vars(setting).values(), *vars(result.scheme).values(), result.repetition,
             round(series.interval_ns * (i + 1)), peak) for i, peak in enumerate(series.peak)]


def plots(table):
    zapped = [setting for setting in table.settings if setting.zappers > 0]
    for place, settings in by_place(zapped):
        axes = varying_axes(settings)
        absent, records, panels = {}, [], []
        for setting in settings:
            lines = _lines(table, setting, absent, axes)
            for _, result in lines:
                records += _records(setting, result)
            if lines:
                panels.append(_panel(table, lines, describe(setting, axes)))
        if panels:
            yield Plot(file_name(KIND, *place), KIND, f"Retired memory over time: {place_title(place)}", CAPTION,
                       panels, COLUMNS, records, absent)
