"""Claim 1 end to end: how long until memory that the host asked back is really free."""

from ..figures.shrink import shrunk
from ..quantities import BYTES, NANOSECONDS, PER_SECOND
from . import Column, chosen_rows

NOTE = ("A shrink asks for so many shadow pages back, zaps oldest-first with one commit a page, and ends when the "
        "last of them is free. One that is not over after 100 ms is given up: it is in no latency, and counted beside"
        " them. A scheme that frees in commit is done when it has zapped; one that defers is done when its last grace"
        " period or scan is.")
COLUMNS = (
    Column("free p50", "shrink_ns: from the request until the last page is free", "shrink_ns_p50", NANOSECONDS),
    Column("free p99", "shrink_ns: from the request until the last page is free", "shrink_ns_p99", NANOSECONDS),
    Column("shrinks", "in the cell's whole life, those given up among them", "shrinks_total"),
    Column("given up", "some page was not free after 100 ms, or when the cell ended", "shrinks_unfinished_total"),
    Column("retired peak", "unlinked and not yet freed, greatest", "retired_bytes_peak", BYTES),
    Column("walks", "completed walks of all vCPUs", "walks_per_second", PER_SECOND))


def content(_run, table):
    return chosen_rows(table, shrunk, COLUMNS, NOTE, "Shrinks")
