"""Dirty logging: how much of its memory the guest had dirtied again when a round of pre-copy came by."""

from ..counters import counters
from ..quantities import ABSENT, significant
from ..setting import describe, place_title, varying_axes
from ..sheet import Cell, Content, Line, Sheet, counter_cell, heads

NOTE = ("A round is one pass over the guest's memory that takes W from each page that was written to since the round "
        "before. Rounds converge where each finds fewer dirty pages; where the last one found as many as the first, "
        "pre-copy would never end. Each page that is written to after its round is made writable again without "
        "mmu_lock. No page is freed. Rounds and pages are those of the cell's whole life.")
SHARE = ("of memory", "dirty_pages_last_round over the working set")
COLUMNS = counters("dirty_pages_last_round", "dirty_rounds_total", "leaves_write_protected_total", "made_writable_total",
                   "walks_per_second")


def _share(row):
    found = row.estimate("dirty_pages_last_round")
    if found is None:
        return Cell(ABSENT, hint=row.why_absent("dirty_pages_last_round") or "not measured")
    return Cell(f"{significant(100 * found.value / row.setting.working_set_pages)} %")


def _sheet(place, rows):
    axes = varying_axes(row.setting for row in rows)
    lines = []
    for row in rows:
        first, *rest = (counter_cell(row, counter) for counter in COLUMNS)
        lines.append(Line(row.variant, [describe(row.setting, axes), *row.scheme.knobs], [first, _share(row), *rest]))
    first, *rest = heads(COLUMNS)
    return Sheet(place_title(*place), [first, SHARE, *rest], lines)


def content(material):
    """The rows in which a round was completed."""
    logged = material.table.rows_by_place(lambda row: row.happened("dirty_rounds_total"))
    return Content([NOTE], [_sheet(*found) for found in logged]) if logged else None
