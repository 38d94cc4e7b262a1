"""What workloads cause beside zaps, shrinks, rounds and stalls, which have sections of their own."""

from ..counters import counters
from ..setting import describe, place_title, varying_axes
from ..sheet import Content, Line, Sheet, counter_cell, heads

NOTE = ("Counts over the whole life of a cell, medians over repetitions. A cell in which an event that its workload requires "
        "did not happen has failed.")
COLUMNS = counters("leaves_zapped_total", "page_table_writes_total", "flood_zaps_total", "quota_zaps_total")


def _sheet(place, rows):
    axes = varying_axes(row.setting for row in rows)
    columns = [counter for counter in COLUMNS if any(row.happened(counter.name) for row in rows)]
    lines = [Line(row.variant, [describe(row.setting, axes), *row.scheme.knobs],
                  [counter_cell(row, counter) for counter in columns]) for row in rows]
    return Sheet(place_title(*place), heads(columns), lines)


def content(material):
    caused = material.table.rows_by_place(lambda row: any(row.happened(counter.name) for counter in COLUMNS))
    return Content([NOTE], [_sheet(*found) for found in caused]) if caused else None
