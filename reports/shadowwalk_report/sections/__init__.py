"""The sections of the page between the summary and what was left out: figures, tables, and remarks on both."""

import dataclasses

from ..quantities import count_of
from ..sheet import Sheet


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


def first_and_folded(sheets, what):
    """The first table in the open and those of the other settings folded away; `what` is what they tell."""
    rest = sheets[1:]
    words = f"{what} in {count_of(len(rest), 'more setting')}"
    return Content(sheets=sheets[:1], details=[Details(words, rest)] if rest else [])
