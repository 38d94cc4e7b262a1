"""How much memory a scheme holds back, and since when: from the return of the commit where that was recorded, else from the unlink."""

from .counters import counters

# 0 by construction where commit() itself frees: what the first of the patch's claims is about.
DEFERRED = counters("deferred_bytes_mean", "deferred_bytes_peak")
RETIRED = counters("retired_bytes_mean", "retired_bytes_peak")


def held_counters(rows):
    """(mean, peak) of these rows: DEFERRED if any row has it, so that all rows are compared by the same level."""
    return DEFERRED if any(row.estimate(DEFERRED[1].name) for row in rows) else RETIRED
