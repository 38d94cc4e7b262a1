"""A selection as a table for a terminal: one line per point."""

from ..axes import axis_words
from ..quantities import interval, quantity
from .selection import Selection


def _rows(selection, part):
    for point in part.points:
        yield [axis_words(selection.x, point.x), axis_words(selection.by, point.by), quantity(point.found.value, selection.counter.units),
               interval(point.found, selection.counter.units) or "-", str(point.found.count),
               " ".join(flag for flag in ("oversubscribed", "saturated", "noisy") if point.row.has_flag(flag))]


def lines_of(selection: Selection):
    """The table of each part under its title. Medians, with 95 % intervals over repetitions."""
    head = [selection.x, selection.by, selection.counter.name, "95 % interval", "n", "flags"]
    for number, part in enumerate(selection.parts):
        rows = [head, *_rows(selection, part)]
        widths = [max(len(row[place]) for row in rows) for place in range(len(head))]
        if number:
            yield ""
        if part.title:
            yield f"{part.title}:"
        for row in rows:
            yield "  ".join(text.ljust(width) if place in (1, 5) else text.rjust(width)
                            for place, (text, width) in enumerate(zip(row, widths))).rstrip()
    if selection.without:
        yield f"{selection.without} more without {selection.counter.name}."
