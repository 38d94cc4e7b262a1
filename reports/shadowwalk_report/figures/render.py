"""Draws all plots, on all CPUs: drawing is most of a report's time."""

import concurrent.futures
import multiprocessing
import os

from ..processes import leave_signals_to_the_parent
from . import canvas

# Below this, starting processes costs more than it saves.
FEW = 4

_plots = []
_formats = ()


def _draw(place):
    return canvas.draw(_plots[place], _formats)


def render_all(plots, formats=("html", "png")):
    """[(SVG markup, PNG bytes)] in the order of the plots; None for what `formats` have no use for."""
    global _plots, _formats
    if not {"html", "png"} & set(formats):
        return [(None, None)] * len(plots)
    workers = min(len(os.sched_getaffinity(0)), len(plots))
    if workers < 2 or len(plots) < FEW:
        return [canvas.draw(plot, formats) for plot in plots]
    # Plots hold closures, which cannot be sent to a process: children get them by fork and only numbers are sent.
    _plots, _formats = plots, formats
    try:
        with concurrent.futures.ProcessPoolExecutor(workers, multiprocessing.get_context("fork"),
                                                    initializer=leave_signals_to_the_parent) as pool:
            return list(pool.map(_draw, range(len(plots))))
    finally:
        _plots, _formats = [], ()
