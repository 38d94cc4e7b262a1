"""What is plotted: a counter over an axis, one line per value of another, one panel per combination of whatever else varies."""

import dataclasses
import re

from ..axes import FIELDS, REPETITIONS, axis_words, field_named, nearest, order_of, other_values
from ..counters import Counter, counter, counters_known
from ..grouping import grouped
from ..quantities import PLAIN, count_of, listing
from ..rows import Row, Table
from ..setting import ROW_FIELDS, row_fields
from ..statistics import Estimate
from ..untrusted_json import InputError

MOST_PANELS = 12


@dataclasses.dataclass(frozen=True)
class Point:
    """`x` and `by` are values of the two fields."""

    x: object
    by: object
    found: Estimate
    row: Row


@dataclasses.dataclass(frozen=True)
class Part:
    """The points of one combination of the other fields that vary, and its words; empty where none varies."""

    title: str
    points: list[Point]


@dataclasses.dataclass(frozen=True)
class Selection:
    x: str
    by: str
    counter: Counter
    varying: list[str]  # the other fields that do
    parts: list[Part]
    without: int  # rows without the counter

    @property
    def points(self):
        return [point for part in self.parts for point in part.points]


def _field(name, fields, varying):
    try:
        return field_named(name, fields, varying)
    except ValueError as error:
        raise InputError(str(error)) from None


def _counter(name, run):
    """The Counter of this name. Raises InputError with the nearest name."""
    measured = {known for result in run.results for known in result.counters}
    wanted = name.replace("-", "_")
    if wanted in counters_known():
        return counter(wanted)
    if wanted in measured:  # of events: <event>_per_walk
        return Counter(wanted, wanted, "", PLAIN, lower_is_better=True, grows_with_run=False, has_clock_read=False)
    raise InputError(f"'{name}' is no counter{nearest(wanted, [*counters_known(), *measured])}; `shadowwalk list figures` lists them")


def _results(run, pattern):
    if not run.results:
        raise InputError("the run has no result yet")
    chosen = [result for result in run.results if pattern is None or re.search(pattern, result.name)]
    if not chosen:
        raise InputError(f"--filter '{pattern}' matches none of {count_of(len(run.plan), 'cell')}; one is {run.results[0].name}")
    return chosen


def _why_nothing(rows, wanted):
    reason = next(filter(None, (row.why_absent(wanted.name) for row in rows)), "")
    some = sorted({name for row in rows for result in row.results for name in result.counters if name in counters_known()})
    return f"{wanted.name} was not measured{f' ({reason})' if reason else ''}; measured were e.g. {', '.join(some[:6])}"


def _rows_of(results):
    """[(row, {axis: its value})]. Results that differ in any option are in different rows."""
    others = other_values(results)
    groups = grouped(zip(zip(*others.values()), results)) if others else {(): results}
    for key, members in groups.items():
        table = Table(members)
        for row in table.all_rows + table.references:
            yield row, {**dict(zip(ROW_FIELDS, row_fields(row))), **dict(zip(others, key)),
                        REPETITIONS: len({result.repetition for result in row.results})}


def _varying(rows):
    """The axes that have several values, those of FIELDS first."""
    axes = rows[0][1]
    return [axis for axis in (*FIELDS, *(axis for axis in axes if axis not in FIELDS)) if len({values[axis] for _, values in rows}) > 1]


def select(run, x, y, by="variant", pattern=None):
    """The Selection. `x` and `by` name axes, `y` a counter, `pattern` is a regular expression that names of cells must match. Raises
    InputError."""
    rows, wanted = list(_rows_of(_results(run, pattern))), _counter(y, run)
    x, by = (_field(name, sorted(rows[0][1]), _varying(rows)) for name in (x, by))
    if x == by:
        raise InputError(f"--x and --by are both {x}: choose two axes")
    measured = [(row, values) for row, values in rows if row.estimate(wanted.name)]
    if not measured:
        raise InputError(_why_nothing([row for row, _ in rows], wanted))
    # A failed or an added repetition makes no cell another one.
    varying = [axis for axis in _varying(measured) if axis not in (x, by, REPETITIONS)]
    groups = grouped((tuple((axis, values[axis]) for axis in varying),
                      Point(values[x], values[by], row.estimate(wanted.name), row)) for row, values in measured)
    parts = [Part(", ".join(f"{axis} {axis_words(axis, value)}" for axis, value in key),
                  sorted(points, key=lambda point: (order_of(point.x), order_of(point.by)))) for key, points in groups.items()]
    return Selection(x, by, wanted, varying, parts, len(rows) - len(measured))


def check_panels(selection):
    """Raises InputError where a figure would have more panels than anyone looks at."""
    if len(selection.parts) > MOST_PANELS:
        raise InputError(f"the figure would have {len(selection.parts)} panels, as {listing(selection.varying)} vary, too: choose some "
                         f"of the cells by --filter, e.g. --filter '{selection.points[0].row.results[0].name.split('/')[1]}'")
