"""The lab's schemes beside those of other libraries, as `shadowwalk-bench` measured both in one run."""

from ..counters import counter
from ..drawing.plot import Panel, Plot
from ..drawing.scales import draw_names, printable
from ..drawing.svg import INK, hover
from ..grouping import grouped
from ..quantities import ABSENT, NANOSECONDS, PLAIN, count_of, interval, significant, with_interval
from ..rows import SPEED_LIMIT
from ..sheet import Cell, Content, Line, Sheet, estimate_cell
from ..statistics import estimate, ratios

KIND = "peers"
OURS, THEIRS = "#0072b2", "#d55e00"
COLUMNS = ("scheme", "threads", "walk_ns", "low", "high", f"over_{SPEED_LIMIT}", "over_low", "over_high", "repetitions")
CAPTION = (f"shadowwalk-bench: time of one walk of the same tree with the same accesses, over that under {SPEED_LIMIT} in the same "
           "repetition; medians with 95 % intervals. Blue: the lab's own schemes; orange: those of other libraries.")
NOTE = ("shadowwalk-bench, not cells of this run: each scheme walks the same tree with the same tests and accesses, and retires "
        "the same pages (docs/bench.md). Names that begin with peer/ are schemes of other libraries.")
_CELLS = [(c.title, c.meaning, c.name, c.units) for c in map(counter, ("free_ns_p50", "free_ns_p99"))]
RECLAIM_COLUMNS = (*_CELLS, ("retired peak", "pages unlinked and not yet freed, the greatest number", "retired_pages_peak", PLAIN),
                   ("retired mean", "pages unlinked and not yet freed, averaged over time", "retired_pages_mean", PLAIN),
                   ("zaps", "per second; 50,000 were requested", "zaps_per_second", PLAIN),
                   ("violations", "walks that used a freed page", "violations", PLAIN))
WALKERS = {"steady": "a walker that never stops", "stalled": "a walker that stops for 10 ms inside a walk, every 40 ms"}


def is_peer(scheme):
    return scheme.startswith("peer/")


def walk_rows(bench, threads):
    """[(scheme, Estimate of ns, Estimate over the speed limit or None)] at this number of threads, the fastest first."""
    limit = bench.walks.get((SPEED_LIMIT, threads), {})
    rows = [(scheme, estimate(ns.values()), estimate(ratios(ns, limit).values()))
            for (scheme, of_threads), ns in bench.walks.items() if of_threads == threads]
    return sorted(rows, key=lambda row: (row[1].value, row[0]))


def _panel(rows, threads):
    def draw(axes):
        axes.set_xscale("log")
        axes.grid(True, axis="x")
        axes.grid(False, axis="y")
        for place, (scheme, ns, over) in enumerate(reversed(rows)):
            [bar] = axes.barh(place, over.value - 0.8, left=0.8, height=0.72, color=THEIRS if is_peer(scheme) else OURS,
                              label="other libraries" if is_peer(scheme) else "shadowwalk")
            hover(bar, f"{scheme}, {count_of(threads, 'thread')}: {significant(over.value)}x {SPEED_LIMIT}, "
                       f"{with_interval(ns, NANOSECONDS)}")
            if over.low is not None:
                axes.plot([over.low, over.high], [place, place], color=INK, linewidth=1.2, marker="|", markersize=5)
            axes.annotate(f"{significant(over.value)}x", (over.greatest, place), (4, 0),
                          textcoords="offset points", va="center", fontsize=7.5)
        axes.set_xlim(0.8, 2.4 * max(over.greatest for _, _, over in rows))
        draw_names(axes, [printable(scheme) for scheme, _, _ in reversed(rows)])
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}x")
    return Panel(count_of(threads, "thread"), draw)


def plots(material):
    """The figure, if walks under other libraries' schemes were measured beside the speed limit."""
    bench = material.run.bench
    every = {threads: walk_rows(bench, threads) for threads in sorted({threads for _, threads in bench.walks})}
    shown = {threads: [row for row in rows if row[2] is not None] for threads, rows in every.items()}
    shown = {threads: rows for threads, rows in shown.items() if any(is_peer(scheme) for scheme, _, _ in rows)}
    if not shown:
        return
    absent = grouped((why, scheme) for scheme, why in bench.absent.items())
    records = [(scheme, threads, ns.value, ns.low, ns.high, *((over.value, over.low, over.high) if over else (None,) * 3), ns.count)
               for threads, rows in every.items() for scheme, ns, over in rows]
    most = max(map(len, shown.values()))
    yield Plot(KIND, KIND, "Walks beside those of other libraries", CAPTION, [_panel(rows, threads) for threads, rows in shown.items()],
               COLUMNS, records, absent, most_columns=2, panel_inches=0.8 + 0.2 * most)


def _walk_sheet(bench, threads):
    columns = [("walk", "time of one walk, of one thread"), (f"over {SPEED_LIMIT}", "in the same repetition")]
    lines = []
    for scheme, ns, over in walk_rows(bench, threads):
        ratio = Cell(f"{significant(over.value)}x", interval(over)) if over else Cell(ABSENT, hint=f"{SPEED_LIMIT} was not measured")
        lines.append(Line(scheme, [], [estimate_cell(ns, NANOSECONDS), ratio]))
    return Sheet(f"A walk, {count_of(threads, 'thread')}, without zaps", columns, lines, corner="scheme")


def _reclaim_cell(values, name, units):
    reason = "no page was freed in the window" if name.startswith("free") else ""
    return estimate_cell(estimate(values.get(name, {}).values()), units, reason)


def _reclaim_sheet(bench, walker):
    lines = [Line(scheme, [], [_reclaim_cell(values, name, units) for _, _, name, units in RECLAIM_COLUMNS])
             for (scheme, of_walker), values in sorted(bench.reclaims.items()) if of_walker == walker]
    return Sheet(f"One zapper, 50,000 zaps a second, and {WALKERS.get(walker, walker)}",
                 [(title, meaning) for title, meaning, _, _ in RECLAIM_COLUMNS], lines, corner="scheme")


def content(material):
    bench = material.run.bench
    if not bench:
        return None
    sheets = [_walk_sheet(bench, threads) for threads in sorted({threads for _, threads in bench.walks})]
    sheets += [_reclaim_sheet(bench, walker) for walker in sorted({walker for _, walker in bench.reclaims}, reverse=True)]
    return Content([NOTE, *(f"{scheme}: absent: {why}." for scheme, why in sorted(bench.absent.items()))], sheets)
