"""A selection as a figure."""

from ..axes import axis_words
from ..drawing.canvas import draw_file
from ..drawing.plot import Panel, Plot
from ..drawing.scales import error_bars, line_style, line_width, printable, set_byte_axis, set_time_axis, set_units
from ..quantities import BYTES, NANOSECONDS
from ..variants import styles

DECADE = 10


def _scale_x(axes, field, values):
    """Words have places in their order; numbers are placed by value, logarithmic where they span a decade."""
    if any(isinstance(value, str) for value in values):
        axes.set_xticks(range(len(values)), [printable(value or "none", 16) for value in values])
        return
    positive = [value for value in values if value > 0]
    if len(positive) > 1 and positive[-1] >= DECADE * positive[0]:
        axes.set_xscale("log") if positive == values else axes.set_xscale("symlog", linthresh=positive[0])
    axes.set_xticks(values, [axis_words(field, value) for value in values])
    axes.minorticks_off()


def _scale_y(axes, counter, greatest, least):
    if counter.units is BYTES:
        set_byte_axis(axes, greatest)
    elif least > 0 and greatest >= DECADE * least:
        axes.set_yscale("log")
        if counter.units is NANOSECONDS:
            set_time_axis(axes.yaxis)
    else:
        axes.set_ylim(bottom=0)
    set_units(axes.yaxis, counter.units)


def _panel(selection, part, line_styles, values):
    places = {value: place for place, value in enumerate(values)} if any(isinstance(value, str) for value in values) else None
    greatest = max(point.found.greatest for point in selection.points)
    least = min(point.found.least for point in selection.points)

    def draw(axes):
        lines = {}
        for point in part.points:
            lines.setdefault(point.by, []).append(point)
        for by, points in lines.items():
            axes.errorbar([places[point.x] if places else point.x for point in points], [point.found.value for point in points],
                          yerr=error_bars([point.found for point in points]), label=printable(axis_words(selection.by, by)),
                          linewidth=line_width(str(by), len(lines)), **line_style(line_styles[str(by)]))
        _scale_x(axes, selection.x, values)
        _scale_y(axes, selection.counter, greatest, least)
        axes.set_xlabel(selection.x)
        axes.set_ylabel(selection.counter.name)
    return Panel(part.title, draw)


def draw_selection(selection, kind):
    """The bytes of a figure of this kind: svg, png or pdf."""
    names = list(dict.fromkeys(str(point.by) for point in selection.points))
    line_styles = styles(names)
    values = sorted({point.x for point in selection.points})
    panels = [_panel(selection, part, line_styles, values) for part in selection.parts]
    title = f"{selection.counter.name} over {selection.x}, by {selection.by}"
    return draw_file(Plot("plot", "plot", title, "", panels, (), [], panel_inches=3.4, one_scale=True), kind)
