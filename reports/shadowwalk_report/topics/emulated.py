"""What was checked in emulated kernels: counts, violations and what was given back; no time, no rate, no memory over time."""

from ..claims.emulated import checks_words
from ..counters import counter
from ..grouping import grouped
from ..quantities import ABSENT, PLAIN, quantity
from ..sheet import Cell, Content, Line, Sheet, heads
from ..summary import COUNTS
from ..variants import rank

NOTE = ("QEMU emulated these kernels: what was counted and checked holds, and no time means anything. They are in no verdict and in no figure. "
        "An emulator also hides most missing barriers: that a broken scheme was not caught here says little.")


def _cell(rows, shown):
    """The sum over all results."""
    values = [result.counters[shown.name] for row in rows for result in row.results if shown.name in result.counters]
    return Cell(quantity(sum(values), PLAIN)) if values else Cell(ABSENT, hint=rows[0].why_absent(shown.name) or "not counted")


def _violations(rows):
    count = sum(row.violations for row in rows)
    if not rows[0].is_negative_control:
        return Cell(f"{count:,}", verdict="bad" if count else "")
    return Cell(f"{count:,}", hint="known to be broken", more=("caught" if count else "not caught",))


def _sheet(platform, rows):
    lines = [Line(variant, [], [Cell(str(len({result.cell_id for row in of for result in row.results}))),
                                Cell(str(sum(len(row.results) for row in of))), *(_cell(of, shown) for shown in COUNTS), _violations(of)])
             for variant, of in grouped((row.variant, row) for row in rows).items()]
    kernel = next((result.kernel for row in rows for result in row.results if result.kernel), None)
    columns = [("cells", ""), ("results", ""), *heads(COUNTS), ("violations", counter("violations").meaning)]
    return Sheet(f"{platform}: {checks_words(rows)}", columns, lines, kernel.details if kernel else "")


def sheets(rows):
    """One per kernel."""
    return [_sheet(*item) for item in sorted(grouped((row.setting.platform, row) for row in rows).items())]


def content(material):
    rows = sorted(material.table.emulated.all_rows, key=lambda row: rank(row.variant))
    first = 0 if material.table.timed.settings else 1  # which the first screen has
    return Content([NOTE], sheets(rows)[first:]) if rows else None
