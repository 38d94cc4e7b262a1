"""What workloads are about beside zaps, shrinks, rounds and stalls, which have sections of their own: counts a cell."""

from ..figures.plot import by_place
from ..setting import describe, guest_words, varying_axes
from ..sheet import Line, Sheet
from . import Column, Content, metric_cell

NOTE = ("Counts over the whole life of a cell, medians over repetitions. A cell in which what its workload is about "
        "did not happen has failed.")
COLUMNS = (
    Column("leaves zapped", "cleared by invalidations", "leaves_zapped_total"),
    Column("page-table writes", "by the guest, to tables that had a shadow", "page_table_writes_total"),
    Column("flood zaps", "of these writes, those that zapped a whole shadow", "flood_zaps_total"),
    Column("quota zaps", "faults that recycled pages for the quota", "quota_zaps_total"))


def _sheet(place, rows):
    workload, guest = place
    axes = varying_axes(row.setting for row in rows)
    columns = [column for column in COLUMNS if any(row.happened(column.counter) for row in rows)]
    lines = [Line(row.variant, [describe(row.setting, axes), *row.scheme.knobs],
                  [metric_cell(row, column) for column in columns]) for row in rows]
    return Sheet(f"{workload}, {guest_words(guest)}", [(column.title, column.meaning) for column in columns], lines)


def content(_run, table):
    sheets = []
    for place, settings in by_place(table.settings):
        rows = [row for setting in settings for row in table.rows(setting)
                if any(row.happened(column.counter) for column in COLUMNS)]
        if rows:
            sheets.append(_sheet(place, rows))
    return Content([NOTE], sheets) if sheets else None
