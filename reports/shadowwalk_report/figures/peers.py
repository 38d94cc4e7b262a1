"""Walks under schemes of other libraries beside walks under the lab's own, as `shadowwalk-bench` measured them."""

from ..quantities import NANOSECONDS, count_of, significant, with_interval
from ..rows import SPEED_LIMIT
from ..statistics import estimate, ratios
from .canvas import printable
from .hover import hover
from .plot import Panel, Plot
from .svg import INK

KIND = "peers"
OURS, THEIRS = "#0072b2", "#d55e00"
COLUMNS = ("scheme", "threads", "walk_ns", "low", "high", f"over_{SPEED_LIMIT}", "over_low", "over_high", "repetitions")
CAPTION = (f"shadowwalk-bench: time of one walk of the same tree with the same accesses, over that under {SPEED_LIMIT} in the same "
           "repetition; medians with 95 % intervals. Blue: the lab's own schemes; orange: those of other libraries.")


def is_peer(scheme):
    return scheme.startswith("peer/")


def walk_rows(bench, threads):
    """[(scheme, Estimate of ns, Estimate over the speed limit or None)] at so many threads, the fastest first."""
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
            axes.annotate(f"{significant(over.value)}x", (max(over.value, over.high or 0), place), (4, 0),
                          textcoords="offset points", va="center", fontsize=7.5)
        axes.set_xlim(0.8, 2.4 * max(max(over.value, over.high or 0) for _, _, over in rows))
        axes.set_yticks(range(len(rows)), [printable(scheme) for scheme, _, _ in reversed(rows)])
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}x")
    return Panel(count_of(threads, "thread"), draw)


def plots(bench):
    """The figure, if walks under other libraries' schemes were measured beside the speed limit."""
    every = {threads: walk_rows(bench, threads) for threads in sorted({threads for _, threads in bench.walks})}
    held = {threads: [row for row in rows if row[2] is not None] for threads, rows in every.items()}
    held = {threads: rows for threads, rows in held.items() if any(is_peer(scheme) for scheme, _, _ in rows)}
    if not held:
        return
    absent = {}
    for scheme, why in bench.absent.items():
        absent.setdefault(why, []).append(scheme)
    records = [(scheme, threads, ns.value, ns.low, ns.high, *((over.value, over.low, over.high) if over else (None,) * 3), ns.count)
               for threads, rows in every.items() for scheme, ns, over in rows]
    most = max(map(len, held.values()))
    yield Plot(KIND, KIND, "Walks beside those of other libraries", CAPTION, [_panel(rows, threads) for threads, rows in held.items()],
               COLUMNS, records, absent, most_columns=2, panel_inches=0.8 + 0.2 * most)
