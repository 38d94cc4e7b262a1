"""A walker that stops inside a walk: whose memory grows behind it, and who makes the zapper wait instead."""

from ..figures.stalled import stalled
from ..quantities import BYTES, NANOSECONDS, PER_SECOND
from . import Column, chosen_rows

NOTE = ("While one vCPU stands still inside a walk nothing that it might still read may be freed. A scheme either "
        "keeps what is zapped meanwhile (retired peak: it grows with the length of the stall times the zap rate, "
        "unless the scheme bounds it) or has the zapper wait for the walker (zap p99, and the zaps that were not "
        "made). The course over time is under Footprint.")
COLUMNS = (
    Column("retired peak", "unlinked and not yet freed, greatest", "retired_bytes_peak", BYTES),
    Column("retired mean", "unlinked and not yet freed, over time", "retired_bytes_mean", BYTES),
    Column("free p99", "from unlink to free", "free_ns_p99", NANOSECONDS),
    Column("free max", "from unlink to free", "free_ns_max", NANOSECONDS),
    Column("zap p99", "from the intended start to the end of commit", "zap_ns_p99", NANOSECONDS),
    Column("zaps", "that found something", "zaps_per_second", PER_SECOND),
    Column("lock wait p99", "mmu_lock, by zaps and faults", "mmu_lock_wait_ns_p99", NANOSECONDS),
    Column("stalls", "in the cell's whole life", "walker_stalls_total"))


def content(_run, table):
    return chosen_rows(table, stalled, COLUMNS, NOTE, "Stalls")
