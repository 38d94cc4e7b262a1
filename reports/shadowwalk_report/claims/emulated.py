"""The answer of emulated kernels to a claim: NOT TESTED, as they have no times, with what their cells checked."""

import dataclasses

from ..kernels import WHY_EMULATED
from ..model import NEGATIVE_CONTROL
from ..quantities import count_of, listing
from .claim import RIVALS, Badge, line_of, untested

PLATFORM = "emulated kernels"


def checks_words(rows):
    """`28 cells checked, 0 violations, unsafe caught in 3 of 3 results`."""
    results = [result for row in rows for result in row.results]
    safe = sum(row.violations for row in rows if not row.is_negative_control)
    controls = [result for row in rows if row.variant == NEGATIVE_CONTROL and row.setting.zappers for result in row.results]
    caught = sum(result.counters.get("violations", 0) > 0 for result in controls)
    return ", ".join([f"{count_of(len({result.cell_id for result in results}), 'cell')} checked", count_of(safe, "violation"),
                      f"{NEGATIVE_CONTROL} caught {caught} of {len(controls)}" if controls else f"{NEGATIVE_CONTROL} not run"])


def untested_in_emulation(claim, table):
    """The claim for emulated cells, with the words of how it is judged elsewhere."""
    checked = checks_words(table.all_rows)
    return dataclasses.replace(
        claim, platform=PLATFORM, headline=untested(WHY_EMULATED), badge=Badge.NOT_TESTED, line=line_of(checked),
        sentence=f"NOT TESTED against {listing(RIVALS)} in {listing(table.platforms)}: {WHY_EMULATED}. {checked}.",
        remarks=[], findings=[])
