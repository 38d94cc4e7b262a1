"""What the latency figures share: which rows may be drawn, and merged histograms of bearable size."""

import numpy as np

from ..setting import describe
from .plot import note_absence

# More points than a panel has pixels say nothing.
MOST_POINTS = 160


def drawable(table, setting, name, absent, axes):
    """[(row, merged histogram)]; rows without samples, and saturated ones, go to `absent` with the reason."""
    chosen = []
    for row in table.plain_rows(setting):
        histogram = row.histogram(name)
        what = f"{row.variant} at {describe(setting, axes)}"
        if histogram.total == 0:
            note_absence(absent, _why_empty(row, name), what)
        elif row.has_flag("saturated"):
            note_absence(absent, "saturated, so that latency grows with the length of the run", what)
        else:
            chosen.append((row, histogram))
    return chosen


def _why_empty(row, name):
    recorded = next(filter(None, (row.why_absent(f"{name}{suffix}") for suffix in ("", "_p50", "_p99"))), "")
    if not recorded and name == "free_ns" and row.freed_by_drain:
        return "frees no page within the window"
    return recorded or "no samples"


def thin(*columns):
    """Every n-th point, the first and the last ones kept."""
    count = len(columns[0])
    if count <= MOST_POINTS:
        return columns
    keep = np.unique(np.linspace(0, count - 1, MOST_POINTS).round().astype(int))
    return tuple(column[keep] for column in columns)
