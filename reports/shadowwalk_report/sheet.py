"""Tables of the page before they are markup, and the content of a section beside figures."""

import dataclasses

from .quantities import ABSENT, count_of, interval, quantity
from .setting import full_title, varying_axes


@dataclasses.dataclass(frozen=True)
class Cell:
    """A value with its interval, and further small lines, below it. `hint` says why there is no value, or why to doubt it;
    `verdict` is also its style."""

    value: str
    interval: str = ""
    hint: str = ""
    verdict: str = ""
    more: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Line:
    """`notes` stand below the head in small letters."""

    head: str
    notes: list[str]
    cells: list[Cell]


@dataclasses.dataclass(frozen=True)
class Sheet:
    """`columns`: (title, meaning). `corner` is the title above the lines' heads."""

    title: str
    columns: list[tuple[str, str]]
    lines: list[Line]
    remark: str = ""
    corner: str = "variant"


@dataclasses.dataclass(frozen=True)
class Details:
    """Tables that are folded away under their summary."""

    summary: str
    sheets: list[Sheet]


@dataclasses.dataclass(frozen=True)
class Content:
    """The content of a section beside its figures."""

    notes: list[str] = dataclasses.field(default_factory=list)
    sheets: list[Sheet] = dataclasses.field(default_factory=list)
    details: list[Details] = dataclasses.field(default_factory=list)


def estimate_cell(found, units, reason=""):
    """An Estimate as a cell; without one, a dash with the reason."""
    return Cell(ABSENT, hint=reason or "not measured") if found is None else Cell(quantity(found.value, units), interval(found, units))


def counter_cell(row, counter):
    """The counter's median and interval; where it was not measured, the reason."""
    return estimate_cell(row.estimate(counter.name), counter.units, row.why_absent(counter.name))


def heads(counters):
    """The columns of these counters."""
    return [(counter.title, counter.meaning) for counter in counters]


def setting_sheet(setting, rows, counters, axes):
    """The rows of one setting, one line each."""
    lines = [Line(row.variant, row.scheme.knobs, [counter_cell(row, counter) for counter in counters]) for row in rows]
    return Sheet(full_title(setting, axes), heads(counters), lines)


def first_and_folded(sheets, what, notes=()):
    """The first table open and those of the other settings folded away. `what` names their content."""
    rest = sheets[1:]
    words = f"{what} in {count_of(len(rest), 'more setting')}"
    return Content(list(notes), sheets[:1], [Details(words, rest)] if rest else [])


def chosen_rows(table, choose, counters, note, what):
    """One sheet per setting with the rows that `choose` keeps; None where it keeps none at all."""
    chosen = [(setting, rows) for setting in table.settings if (rows := choose(table.rows(setting)))]
    if not chosen:
        return None
    axes = varying_axes(setting for setting, _ in chosen)
    return first_and_folded([setting_sheet(setting, rows, counters, axes) for setting, rows in chosen], what, [note])
