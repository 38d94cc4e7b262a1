"""Draws plots: the grid of panels, one legend above them; as SVG and PNG, on all CPUs."""

import copy
import functools
import io
import math
import warnings

import matplotlib

matplotlib.use("svg")
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402

from ..processes import on_all_cpus  # noqa: E402
from .layout import lay_out  # noqa: E402
from .scales import LONGEST_LABEL, printable  # noqa: E402
from .svg import INK, PAPER, RULE, embed  # noqa: E402

WIDTH_INCHES = 12.2
WIDTH_OF_FEW = {1: 7.6, 2: 11.4}
LEGEND_ROW_INCHES = 0.2
PNG_DPI = 130
LONGEST_TITLE = {1: 80, 2: 60}
# Dates and versions, which would make two reports of one run differ.
_NO_METADATA = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None},
                "pdf": {"Creator": None, "Producer": None, "CreationDate": None}}
FEW = 4  # plots: below this, starting processes costs more than it saves

matplotlib.rcParams.update({
    "svg.fonttype": "none", "text.parse_math": False, "path.simplify_threshold": 0.2, "axes.unicode_minus": False,
    "font.family": ["DejaVu Sans"], "font.size": 9, "axes.titlesize": 9.5, "axes.labelsize": 9, "legend.fontsize": 9,
    "xtick.labelsize": 8.5, "ytick.labelsize": 8.5, "axes.titlelocation": "left", "axes.titlepad": 6,
    "axes.edgecolor": RULE, "axes.labelcolor": INK, "axes.titlecolor": INK, "text.color": INK, "xtick.color": INK,
    "ytick.color": INK, "xtick.major.size": 3, "ytick.major.size": 3, "grid.color": RULE, "grid.linewidth": 0.6,
    "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True, "figure.facecolor": PAPER,
    "axes.facecolor": "none", "lines.linewidth": 1.7, "lines.markersize": 5, "errorbar.capsize": 2.5})


def _legend_entries(panels_axes):
    """{label: its first handle}, in order of appearance."""
    entries = {}
    for axes in panels_axes:
        for handle, label in zip(*axes.get_legend_handles_labels()):
            entries.setdefault(label, handle)
    return entries


def _legend_grid(widths, width):
    """(rows, columns) of the flattest legend that fits: filled column by column, each as wide as its widest entry."""
    for rows in range(1, len(widths) + 1):
        columns = math.ceil(len(widths) / rows)
        # As matplotlib divides them: the first columns have one more where the division leaves a rest.
        few, longer = divmod(len(widths), columns)
        borders = [few * column + min(column, longer) for column in range(columns + 1)]
        if sum(max(widths[begin:end]) for begin, end in zip(borders, borders[1:])) <= width:
            break
    return max(few + (longer > 0), 1), columns


def _draw_legend(figure, entries, width, height):
    """Above the panels; returns its share of the height. A container of error bars becomes a line of its style."""
    rows, columns = _legend_grid([0.078 * len(label) + 0.62 for label in entries], width)
    handles = [handle if not hasattr(handle, "lines") else Line2D(
        [], [], color=handle.lines[0].get_color(), marker=handle.lines[0].get_marker(),
        linestyle=handle.lines[0].get_linestyle()) for handle in entries.values()]
    figure.legend(handles, list(entries), loc="upper left", ncol=columns, frameon=False, borderaxespad=0.2,
                  handlelength=2.6, columnspacing=1.4)
    return (rows * LEGEND_ROW_INCHES + 0.1) / height


def _share_scale(panels_axes):
    """Panels whose axes are of one kind get the limits that fit all of them, and the ticks of the tallest."""
    for kind in {axes.get_yscale() for axes in panels_axes}:
        alike = [axes for axes in panels_axes if axes.get_yscale() == kind]
        lows, highs = zip(*(axes.get_ylim() for axes in alike))
        tallest = alike[highs.index(max(highs))].yaxis
        for axes in alike:
            axes.set_ylim(min(lows), max(highs))
            if axes.yaxis is not tallest:
                axes.yaxis.set_major_locator(copy.copy(tallest.get_major_locator()))


def _figure_of(plot):
    """matplotlib's figure, drawn and laid out."""
    columns = min(len(plot.panels), plot.most_columns) if len(plot.panels) != 4 else 2
    rows = math.ceil(len(plot.panels) / columns)
    width = plot.width_inches or WIDTH_OF_FEW.get(columns, WIDTH_INCHES)
    height = rows * max([plot.panel_inches, *(panel.inches for panel in plot.panels)]) + 0.6
    figure = Figure(figsize=(width, height))
    grid = figure.subplots(rows, columns, squeeze=False)
    axes = list(grid.flat)
    used = axes[:len(plot.panels)]
    for spare in axes[len(plot.panels):]:
        spare.set_visible(False)
    for panel, panel_axes in zip(plot.panels, used):
        panel_axes.set_title(_title(panel.title, LONGEST_TITLE.get(columns, LONGEST_LABEL)))
        panel_axes.grid(True, axis="y")
        panel.draw(panel_axes)
    if plot.one_scale:
        _share_scale(used)
    entries = _legend_entries(used)
    legend = _draw_legend(figure, entries, width, height) if entries else 0
    lay_out(figure, grid, legend)
    return figure


def draw(plot, formats=("html", "png")):
    """(SVG markup to embed, PNG bytes); None for what no format needs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a glyph in a variant's name that the font lacks is drawn as a box
        figure = _figure_of(plot)
        return _svg(figure, plot) if "html" in formats else None, _saved(figure, plot, "png") if "png" in formats else None


def draw_file(plot, kind):
    """The bytes of a file on its own: svg, png or pdf."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _saved(_figure_of(plot), plot, kind)


def _saved(figure, plot, kind):
    file = io.BytesIO()
    matplotlib.rcParams["svg.hashsalt"] = plot.name
    figure.savefig(file, format=kind, dpi=PNG_DPI if kind == "png" else "figure", metadata=_NO_METADATA[kind])
    return file.getvalue()


def _svg(figure, plot):
    return embed(_saved(figure, plot, "svg"), plot.name, f"{plot.title}. {plot.caption}")


def _title(title, longest):
    """A title that is too long for one line is broken at the comma nearest to its middle."""
    commas = [place for place in range(len(title)) if title.startswith(", ", place)]
    if len(title) <= longest or not commas:
        return printable(title, longest)
    middle = min(commas, key=lambda place: abs(place - len(title) // 2))
    return f"{printable(title[:middle + 1], longest)}\n{printable(title[middle + 2:], longest)}"


def render_all(plots, formats=("html", "png")):
    """[(SVG markup, PNG bytes)] in the order of the plots; None for what no format needs. Drawing is most of a report's time."""
    if not {"html", "png"} & set(formats):
        return [(None, None)] * len(plots)
    return on_all_cpus(functools.partial(draw, formats=formats), plots, FEW)
