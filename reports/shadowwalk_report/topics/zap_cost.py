"""What a zap costs, in parts: preparing the batch, waiting for IPIs, the rest of its commit, and what it leaves for later."""

import dataclasses

from ..drawing.plot import Panel, note_absence, place_plot, shown_places
from ..drawing.scales import LONGEST_NAME, draw_names, printable, set_units
from ..drawing.svg import INK, MUTED, hover
from ..quantities import NANOSECONDS, quantity, with_interval
from ..setting import ROW_FIELDS, by_place, describe, row_fields, varying_axes
from ..statistics import Estimate, estimate

KIND = "zap_cost"
TITLE = "The cost of a zap"
CAPTION = ("Mean time per zap, stacked: prepare (unlink and collect, under mmu_lock), IPI (from the first one to the last "
           "acknowledgement, within the commit), free and the rest of the commit. The whisker is the 95 % interval of the sum. Hatched: "
           "deferred, the time from unlink to free of pages that were not free when their commit returned, shared out over all "
           "zaps; nobody waits for it, and an arrow says that it goes beyond the panel.")
COLUMNS = (*ROW_FIELDS, "prepare_ns", "ipi_ns", "rest_of_commit_ns", "deferred_ns", "low", "high", "zaps")
PARTS = (("prepare", 1.0), ("IPI", 0.62), ("free, rest of commit", 0.3))  # with the strength of the colour
DEFERRED = "deferred"
ROOM = 1.45  # the panel over the longest sum
ROW_INCHES = 0.26


@dataclasses.dataclass(frozen=True)
class Cost:
    """Means per zap, ns: `parts` as in PARTS, and `deferred`, which is 0 where nothing was. `total`: the sum of the parts over
    repetitions."""

    row: object
    parts: tuple[float, ...]
    deferred: float
    total: Estimate
    zaps: int


def _per_zap(histograms, name, zaps):
    found = histograms.get(name)
    return found.sum / zaps if found is not None else 0.0


def _whole(histograms):
    prepare, commit = (histograms.get(name) for name in ("prepare_zap_ns", "commit_zap_ns"))
    return prepare and commit and prepare.total and commit.total and prepare.sum / prepare.total + commit.sum / commit.total


def cost_of(row):
    """The Cost of a row; None where its zaps were not clocked."""
    totals = [total for result in row.results if (total := _whole(result.histograms))]
    if not totals:
        return None
    merged = {name: row.histogram(name) for name in ("prepare_zap_ns", "commit_zap_ns", "ipi_ns", "deferred_free_ns")}
    zaps = merged["commit_zap_ns"].total
    prepare = merged["prepare_zap_ns"].sum / merged["prepare_zap_ns"].total
    commit = merged["commit_zap_ns"].sum / zaps
    # Faults send IPIs, too, where they recycle pages: no more than the commits of zaps is theirs.
    ipi = min(commit, _per_zap(merged, "ipi_ns", zaps))
    return Cost(row, (prepare, ipi, commit - ipi), _per_zap(merged, "deferred_free_ns", zaps), estimate(totals), int(zaps))


def _words(cost):
    parts = ", ".join(f"{name} {quantity(value, NANOSECONDS)}" for (name, _), value in zip(PARTS, cost.parts))
    later = f", {DEFERRED} {quantity(cost.deferred, NANOSECONDS)}" if cost.deferred else ""
    return f"{cost.row.scheme.words}: {with_interval(cost.total, NANOSECONDS)} ({parts}{later})"


def _draw_deferred(axes, y, cost, begin, end):
    """Hatched, up to the end of the panel, with its figure where it goes on."""
    fits = begin + cost.deferred <= end
    axes.barh([y], [min(cost.deferred, end - begin)], left=begin, height=0.62, facecolor="none", edgecolor=MUTED, hatch="////",
              linewidth=0.5)
    text = quantity(cost.deferred, NANOSECONDS)
    axes.annotate(text if fits else f"{text} \u2192", (max(begin + cost.deferred, cost.total.greatest) if fits else end, y), (4, 0) if fits else (-3, 0),
                  textcoords="offset points", ha="left" if fits else "right", va="center", fontsize=7.5,
                  bbox={"boxstyle": "round,pad=0.1", "facecolor": "#ffffff", "edgecolor": "none"})


def panel(table, costs, title, end=None):
    """One bar per cost. `end`: of the scale that panels share, ns."""
    end = end or scale_end(costs)

    def draw(axes):
        for y, cost in enumerate(reversed(costs)):
            colour, begin = table.styles[cost.row.variant].colour, 0.0
            for (_, strength), value in zip(PARTS, cost.parts):
                [bar] = axes.barh([y], [value], left=begin, height=0.62, color=colour, alpha=strength, linewidth=0)
                hover(bar, _words(cost))
                begin += value
            if cost.total.low is not None:
                axes.plot([cost.total.low, cost.total.high], [y, y], color=INK, linewidth=1.1, marker="|", markersize=5, zorder=5)
            if cost.deferred:
                _draw_deferred(axes, y, cost, begin, end)
        for name, strength in PARTS:
            axes.barh([0], [0], color=MUTED, alpha=strength, label=name)
        if any(cost.deferred for cost in costs):
            axes.barh([0], [0], facecolor="none", edgecolor=MUTED, hatch="////", linewidth=0.5, label=DEFERRED)
        axes.grid(False, axis="y")
        axes.grid(True, axis="x")
        draw_names(axes, [printable(cost.row.variant, LONGEST_NAME) for cost in reversed(costs)])
        axes.set_xlim(0, end)
        axes.set_ylim(-0.6, len(costs) - 0.4)
        axes.xaxis.get_major_locator().set_params(nbins=5)
        set_units(axes.xaxis, NANOSECONDS)
    return Panel(title, draw)


def scale_end(costs):
    """The end of a scale for these costs, ns. What is deferred is longer by orders of magnitude, and may be cut."""
    return max(max(sum(cost.parts), cost.total.greatest) for cost in costs) * ROOM


def costs_of(table, setting):
    """(costs, rows without one) of a setting's schemes."""
    found = [(row, cost_of(row)) for row in table.plain_rows(setting)]
    return [cost for _, cost in found if cost], [row for row, cost in found if cost is None]


def record_of(cost):
    return (*row_fields(cost.row), *cost.parts, cost.deferred, cost.total.low, cost.total.high, cost.zaps)


def plots(material):
    table = material.table
    places, left_out = shown_places(table, by_place([setting for setting in table.settings if setting.zappers > 0]))
    for place, settings in places:
        axes, absent, drawn = varying_axes(settings), dict(left_out), []
        for setting in settings:
            costs, without = costs_of(table, setting)
            for row in without:
                note_absence(absent, row.why_absent("commit_zap_ns_p50") or "its zaps were not clocked",
                             f"{row.variant} at {describe(setting, axes)}")
            drawn += [(setting, costs)] if costs else []
        if drawn:
            end = scale_end([cost for _, costs in drawn for cost in costs])
            panels = [panel(table, costs, describe(setting, axes), end) for setting, costs in drawn]
            records = [record_of(cost) for _, costs in drawn for cost in costs]
            yield place_plot(KIND, place, TITLE, CAPTION, panels, COLUMNS, records, absent, most_columns=2,
                             panel_inches=0.8 + ROW_INCHES * max(len(costs) for _, costs in drawn))
