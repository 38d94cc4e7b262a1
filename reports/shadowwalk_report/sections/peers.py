"""The lab's schemes beside those of other libraries, from what `shadowwalk-bench` measured in one run."""

from ..figures.peers import walk_rows
from ..quantities import ABSENT, NANOSECONDS, PLAIN, count_of, interval, quantity, significant
from ..rows import SPEED_LIMIT
from ..sheet import Cell, Line, Sheet
from ..statistics import estimate
from . import Content

NOTE = ("shadowwalk-bench, not cells of this run: each scheme walks the same tree with the same tests and accesses, and retires "
        "the same pages (docs/bench.md). Names that begin with peer/ are those of other libraries.")
RECLAIM_COLUMNS = (("free p50", "from unlink to free", "free_ns_p50", NANOSECONDS),
                   ("free p99", "from unlink to free", "free_ns_p99", NANOSECONDS),
                   ("retired, peak", "pages unlinked and not yet freed", "retired_pages_peak", PLAIN),
                   ("retired, mean", "the same over time", "retired_pages_mean", PLAIN),
                   ("zaps", "a second; 50,000 were asked for", "zaps_per_second", PLAIN),
                   ("violations", "walks that used a freed page", "violations", PLAIN))
WALKERS = {"steady": "a walker that never stops", "stalled": "a walker that stops for 10 ms inside a walk, every 40 ms"}


def _walk_sheet(bench, threads):
    columns = [("walk", "time of one walk, of one thread"), (f"over {SPEED_LIMIT}", "in the same repetition")]
    lines = []
    for scheme, ns, over in walk_rows(bench, threads):
        held = Cell(f"{significant(over.value)}x", interval(over)) if over else Cell(ABSENT, hint=f"{SPEED_LIMIT} was not measured")
        lines.append(Line(scheme, [], [Cell(quantity(ns.value, NANOSECONDS), interval(ns, NANOSECONDS)), held]))
    return Sheet(f"A walk, {count_of(threads, 'thread')}, nobody zapping", columns, lines, corner="scheme")


def _reclaim_cell(counters, counter, units):
    found = estimate(counters.get(counter, {}).values())
    if found is None:
        return Cell(ABSENT, hint="no page was freed in the window" if counter.startswith("free") else "not measured")
    return Cell(quantity(found.value, units), interval(found, units))


def _reclaim_sheet(bench, walker):
    lines = [Line(scheme, [], [_reclaim_cell(counters, counter, units) for _, _, counter, units in RECLAIM_COLUMNS])
             for (scheme, of_walker), counters in sorted(bench.reclaims.items()) if of_walker == walker]
    return Sheet(f"One zapper, 50,000 zaps a second, and {WALKERS.get(walker, walker)}",
                 [(title, meaning) for title, meaning, _, _ in RECLAIM_COLUMNS], lines, corner="scheme")


def content(run, _table):
    if run is None or not run.bench:
        return None
    bench = run.bench
    sheets = [_walk_sheet(bench, threads) for threads in sorted({threads for _, threads in bench.walks})]
    sheets += [_reclaim_sheet(bench, walker) for walker in sorted({walker for _, walker in bench.reclaims}, reverse=True)]
    return Content([NOTE, *(f"{scheme}: absent: {why}." for scheme, why in sorted(bench.absent.items()))], sheets)
