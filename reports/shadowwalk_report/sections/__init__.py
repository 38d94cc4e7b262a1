"""The sections of the page between the summary and what was left out: figures, tables, and remarks on both."""

import dataclasses

from ..quantities import ABSENT, PLAIN, count_of, interval, quantity
from ..setting import describe, guest_words, varying_axes
from ..sheet import Cell, Line, Sheet


@dataclasses.dataclass(frozen=True)
class Details:
    """Tables that are folded away under their summary."""

    summary: str
    sheets: list[Sheet]


@dataclasses.dataclass(frozen=True)
class Content:
    """What a section holds beside figures."""

    notes: list[str] = dataclasses.field(default_factory=list)
    sheets: list[Sheet] = dataclasses.field(default_factory=list)
    details: list[Details] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Column:
    """One counter of results as a column."""

    title: str
    meaning: str
    counter: str
    units: tuple = PLAIN


def metric_cell(row, column):
    """The counter's median and interval; where it was not measured, the reason."""
    found = row.estimate(column.counter)
    if found is None:
        return Cell(ABSENT, hint=row.why_absent(column.counter) or "not measured")
    return Cell(quantity(found.value, column.units), interval(found, column.units))


def setting_sheet(setting, rows, columns, axes):
    """The rows of one setting, a line each."""
    title = f"{setting.workload}, {guest_words(setting.guest)}, {describe(setting, axes)}"
    lines = [Line(row.variant, row.scheme.knobs, [metric_cell(row, column) for column in columns]) for row in rows]
    return Sheet(title, [(column.title, column.meaning) for column in columns], lines)


def first_and_folded(sheets, what):
    """The first table in the open and those of the other settings folded away; `what` is what they tell."""
    rest = sheets[1:]
    words = f"{what} in {count_of(len(rest), 'more setting')}"
    return Content(sheets=sheets[:1], details=[Details(words, rest)] if rest else [])


def chosen_rows(table, choose, columns, note, what):
    """A sheet for each setting of those of its rows that `choose` keeps; None where it keeps none at all."""
    chosen = [(setting, rows) for setting in table.settings if (rows := choose(table.rows(setting)))]
    if not chosen:
        return None
    axes = varying_axes(setting for setting, _ in chosen)
    found = first_and_folded([setting_sheet(setting, rows, columns, axes) for setting, rows in chosen], what)
    return Content([note], found.sheets, found.details)
