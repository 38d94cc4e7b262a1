"""Cells of a heat map. There are thousands: one artist draws them all, without matplotlib's objects and layout of text for each."""

import dataclasses

from matplotlib.artist import Artist
from matplotlib.colors import to_rgba
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.transforms import Bbox, BboxTransformTo

from .svg import HOVER

WIDE, HIGH = 0.96, 0.92  # of a cell, in columns and lines
HATCH, HATCH_COLOUR = "////", "#8c8c8c"
_FONT = FontProperties(family=["DejaVu Sans"], size=7.5)
_PLATE_MARGIN = 0.3  # around a number on hatching, in heights of the number


@dataclasses.dataclass(frozen=True)
class HeatCell:
    """`x` and `y`: the lower left corner, in columns and lines. `words` show when it is pointed at."""

    x: float
    y: float
    colour: str
    text: str
    text_colour: str
    is_hatched: bool
    words: str


class HeatCells(Artist):
    """All cells of a panel."""

    def __init__(self, cells):
        super().__init__()
        self._cells = cells
        self._sizes = {}  # of texts: few differ
        self.set_in_layout(False)  # none goes beyond the axes

    def _size(self, renderer, text):
        if text not in self._sizes:
            self._sizes[text] = renderer.get_text_width_height_descent(text, _FONT, False)
        return self._sizes[text]

    def _fill(self, renderer, bounds, colour, is_hatched=False):
        gc = renderer.new_gc()
        gc.set_linewidth(0)
        gc.set_foreground(colour)
        if is_hatched:
            gc.set_hatch(HATCH)
            gc.set_hatch_color(to_rgba(HATCH_COLOUR))
        renderer.draw_path(gc, Path.unit_rectangle(), BboxTransformTo(Bbox.from_bounds(*bounds)), colour)
        gc.restore()

    def _draw_cell(self, renderer, cell, canvas_height):
        left, bottom, right, top = self.axes.transData.transform([(cell.x, cell.y), (cell.x + WIDE, cell.y + HIGH)]).flat
        self._fill(renderer, (left, bottom, right - left, top - bottom), to_rgba(cell.colour), cell.is_hatched)
        width, height, descent = self._size(renderer, cell.text)
        x, y = (left + right - width) / 2, (bottom + top - height) / 2
        if cell.is_hatched:  # a plate keeps the number readable
            margin = _PLATE_MARGIN * height
            self._fill(renderer, (x - margin, y - margin, width + 2 * margin, height + 2 * margin), to_rgba(cell.colour))
        gc = renderer.new_gc()
        gc.set_foreground(cell.text_colour)
        baseline = y + descent
        renderer.draw_text(gc, x, canvas_height - baseline if renderer.flipy() else baseline, cell.text, _FONT, 0)
        gc.restore()

    def draw(self, renderer):
        _, canvas_height = renderer.get_canvas_width_height()
        for cell in self._cells:
            renderer.open_group("cell", HOVER + " ".join(cell.words.split()))
            self._draw_cell(renderer, cell, canvas_height)
            renderer.close_group("cell")
