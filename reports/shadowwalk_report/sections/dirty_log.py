"""Dirty logging: how much of its memory the guest had dirtied again when a round of pre-copy came by."""

from ..figures.plot import by_place
from ..quantities import ABSENT, PER_SECOND, significant
from ..setting import describe, guest_words, varying_axes
from ..sheet import Cell, Line, Sheet
from . import Column, Content, metric_cell

NOTE = ("A round is one pass over the guest's memory that takes W from each page that was written to since the round "
        "before. Rounds converge where ever fewer pages are dirty; where the last one found as many as the first, "
        "pre-copy would go on for ever. Each page that is written to after its round is made writable again without "
        "mmu_lock. No page is freed.")
SHARE = ("of memory", "dirty_pages_last_round over the working set")
COLUMNS = (
    Column("dirty, last round", "pages that the last complete round found", "dirty_pages_last_round"),
    Column("rounds", "complete ones, in the cell's whole life", "dirty_rounds_total"),
    Column("write-protected", "dirty pages found in the cell's whole life", "leaves_write_protected_total"),
    Column("made writable", "by walkers, without mmu_lock, in the cell's whole life", "made_writable_total"),
    Column("walks", "completed walks of all vCPUs", "walks_per_second", PER_SECOND))


def _logged(rows):
    """Those in which a round was completed."""
    return [row for row in rows if row.happened("dirty_rounds_total")]


def _share(row):
    found = row.estimate("dirty_pages_last_round")
    if found is None:
        return Cell(ABSENT, hint=row.why_absent("dirty_pages_last_round") or "not measured")
    return Cell(f"{significant(100 * found.value / row.setting.working_set_pages)} %")


def _line(row, axes):
    cells = [metric_cell(row, column) for column in COLUMNS]
    return Line(row.variant, [describe(row.setting, axes), *row.scheme.knobs], [cells[0], _share(row), *cells[1:]])


def _sheet(table, place, settings):
    workload, guest = place
    axes = varying_axes(settings)
    columns = [(column.title, column.meaning) for column in COLUMNS]
    lines = [_line(row, axes) for setting in settings for row in _logged(table.rows(setting))]
    return Sheet(f"{workload}, {guest_words(guest)}", [columns[0], SHARE, *columns[1:]], lines)


def content(_run, table):
    settings = [setting for setting in table.settings if _logged(table.rows(setting))]
    if not settings:
        return None
    return Content([NOTE], [_sheet(table, place, members) for place, members in by_place(settings)])
