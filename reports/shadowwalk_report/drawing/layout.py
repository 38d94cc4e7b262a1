"""Margins around panels, from the texts that stand in them. matplotlib's own layout draws everything once to measure it, which takes a
third of a report's time."""

import math

import matplotlib

POINTS = 72.0  # per inch
CHARACTER = 0.62  # of the font's size: DejaVu Sans on average, a little generous
LINE = 1.25  # of the font's size
PAD = 6.0  # between panels and around the figure, in points
TICK = 7.0  # a tick and its pad


def _width(text):
    return max((len(line) for line in text.get_text().split("\n")), default=0) * CHARACTER * text.get_size()


def _height(text):
    return (text.get_text().count("\n") + 1) * LINE * text.get_size() if text.get_text() else 0.0


def _turned(text):
    """(width, height) of a tick's label, which may be turned."""
    angle = math.radians(text.get_rotation())
    width, height = _width(text), _height(text)
    return abs(width * math.cos(angle)) + abs(height * math.sin(angle)), abs(width * math.sin(angle)) + abs(height * math.cos(angle))


def _labels(axis):
    return [label for label in axis.get_majorticklabels() if label.get_text()]


def _margins(axes):
    """(left, bottom, right, top) that the texts of one panel need, in points."""
    beside, below = _labels(axes.yaxis), _labels(axes.xaxis)
    left = TICK + max((_width(label) for label in beside), default=0) + _height(axes.yaxis.label)
    sizes = [_turned(label) for label in below]
    bottom = TICK + max((height for _, height in sizes), default=0) + _height(axes.xaxis.label)
    # Half of the last label of the x axis, and what a panel writes beside itself.
    right = max(max((width for (width, _), label in zip(sizes, below) if not label.get_rotation()), default=0) / 2,
                *(_outside(axes, text) for text in axes.texts), 0)
    if below and below[0].get_rotation():  # such a label ends at its tick and begins to the left of it
        left = max(left, sizes[0][0])
    title = axes.get_title(loc="left")
    title_size, title_pad = matplotlib.rcParams["axes.titlesize"], matplotlib.rcParams["axes.titlepad"]
    return left, bottom, right, (title.count("\n") + 1) * LINE * title_size + title_pad if title else title_pad


def _outside(axes, text):
    """How far a text that begins at the right edge goes beyond it."""
    at = getattr(text, "xy", text.get_position())
    limit = axes.get_xlim()[1]
    return _width(text) + 6 if text.get_horizontalalignment() == "left" and at[0] >= limit else 0


def lay_out(figure, grid, legend):
    """Places the panels of a figure. `grid`: rows of axes; those that are not visible keep their room. `legend`: its share of the
    height."""
    width, height = (size * POINTS for size in figure.get_size_inches())
    margins = [[_margins(axes) if axes.get_visible() else (0, 0, 0, 0) for axes in row] for row in grid]
    rows, columns = len(grid), len(grid[0])
    lefts = [max(margins[row][column][0] for row in range(rows)) + PAD for column in range(columns)]
    rights = [max(margins[row][column][2] for row in range(rows)) + PAD for column in range(columns)]
    bottoms = [max(margin[1] for margin in row) + PAD for row in margins]
    tops = [max(margin[3] for margin in row) + PAD for row in margins]
    wide = max(20.0, (width - sum(lefts) - sum(rights)) / columns)
    high = max(20.0, (height * (1 - legend) - sum(bottoms) - sum(tops)) / rows)
    top = height * (1 - legend)
    for row in range(rows):
        top -= tops[row] + high
        left = 0.0
        for column in range(columns):
            left += lefts[column]
            grid[row][column].set_position((left / width, top / height, wide / width, high / height))
            left += wide + rights[column]
        top -= bottoms[row]
