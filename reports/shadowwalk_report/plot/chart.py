"""A selection as a figure."""

from ..axes import axis_words, number_of, order_of
from ..drawing.canvas import draw_file
from ..drawing.plot import Panel, Plot
from ..drawing.scales import DECADE, error_bars, line_style, line_width, printable, set_byte_axis, set_number_axis, set_time_axis, set_units
from ..quantities import BYTES, NANOSECONDS
from ..variants import styles

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
    are_numbers = all(number_of(value) is not None for value in values)
    places = {value: number_of(value) if are_numbers else place for place, value in enumerate(values)}
    greatest = max(point.found.greatest for point in selection.points)
    least = min(point.found.least for point in selection.points)

    def draw(axes):
        lines = {}
        for point in part.points:
            lines.setdefault(point.by, []).append(point)
        for by, points in lines.items():
            axes.errorbar([places[point.x] for point in points], [point.found.value for point in points],
                          yerr=error_bars([point.found for point in points]), label=printable(axis_words(selection.by, by)),
                          linewidth=line_width(str(by), len(lines)), **line_style(line_styles[str(by)]))
        if are_numbers:
            set_number_axis(axes, selection.x, values)
        else:
            axes.set_xticks(range(len(values)), [printable(axis_words(selection.x, value), 16) for value in values])
        _scale_y(axes, selection.counter, greatest, least)
        axes.set_xlabel(selection.x)
        axes.set_ylabel(selection.counter.name)
    return Panel(part.title, draw)


def draw_selection(selection, kind):
    """The bytes of a figure of this kind: svg, png or pdf."""
    names = list(dict.fromkeys(str(point.by) for point in selection.points))
    line_styles = styles(names)
    values = sorted({point.x for point in selection.points}, key=order_of)
    panels = [_panel(selection, part, line_styles, values) for part in selection.parts]
    title = f"{selection.counter.name} over {selection.x}, by {selection.by}"
    return draw_file(Plot("plot", "plot", title, "", panels, (), [], panel_inches=3.4, one_scale=True), kind)
