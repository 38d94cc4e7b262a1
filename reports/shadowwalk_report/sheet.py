"""A table of the page before it is markup."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Cell:
    """A value with its interval, and further small lines, below it. `hint` says why there is none, or what to think of
    it; `verdict` is also its style."""

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
    """`columns`: (title, what it means). `corner` is the title above the lines' heads."""

    title: str
    columns: list[tuple[str, str]]
    lines: list[Line]
    remark: str = ""
    corner: str = "variant"
