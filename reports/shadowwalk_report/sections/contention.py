"""Cacheline contention: a table of counts where a PMU gave any, else of estimates, else the reasons."""

from ..contention import TRANSFERS, WAIT, contention_groups
from ..quantities import ABSENT, count_of, interval, listing, quantity
from ..setting import describe, guest_words, varying_axes
from ..sheet import Cell, Line, Sheet
from ..trust import context_values
from . import Content

MEANINGS = {
    WAIT: "walk_ns_mean at this number of vCPUs less that at 1, paired by repetition",
    TRANSFERS: "the wait over line_transfer_ns, the cost of one transfer of a line between both CPUs; at 2 vCPUs only"}
EXPLANATION = (
    "From cells without zappers. A PMU figure is named by its event, and by whether the walks alone were counted or "
    "all that the thread did. Where no event of the set contention was counted, the growth of a walk from 1 to N vCPUs "
    "stands in: an estimate, which holds whatever else grows with N, with its 95 % interval. Past two vCPUs the wait "
    "grows with the queue and says nothing about the number of transfers.")


def _title(quantity_):
    return f"{quantity_.name} ({quantity_.source})"


def _meaning(quantity_):
    return MEANINGS.get(quantity_, "scaled count of the walkers over their walks")


def _cell(figure):
    found, units = figure.found, figure.quantity.units
    doubts = ["oversubscribed: waiting for a CPU is in it"] if figure.row.has_flag("oversubscribed") else []
    if figure.row.noise_words:
        doubts.append(f"noisy results are in it ({figure.row.noise_words})")
    if figure.multiplexed > 0:
        doubts.append(f"multiplexed: not counted for up to {figure.multiplexed:.0%} of the time, and scaled")
    if figure.quantity.is_estimate and found.low is not None and found.low <= 0 <= found.high:
        doubts.append("the interval holds 0: no growth beyond the doubt")
    return Cell(quantity(found.value, units), interval(found, units) or "no interval: 1 repetition", "; ".join(doubts),
                "doubtful" if doubts else "")


def _sheet(group, axes):
    quantities = list(dict.fromkeys(figure.quantity for figure in group.figures))
    by_line = {}
    for figure in group.figures:
        by_line.setdefault((figure.row.setting.vcpus, figure.row.variant), {})[figure.quantity] = figure
    lines = [Line(variant, [count_of(vcpus, "vCPU")],
                  [_cell(figures[q]) if q in figures else Cell(ABSENT, hint="not there, or the other source is used")
                   for q in quantities])
             for (vcpus, variant), figures in by_line.items()]
    setting = group.setting
    title = f"{setting.workload}, {guest_words(setting.guest)}, {describe(setting, axes, vcpus=False)}"
    absent = "; ".join(f"{listing(what)}: {reason}" for reason, what in group.absent.items())
    columns = [(_title(q), _meaning(q)) for q in quantities]
    return Sheet(title, columns, lines, f"Not there: {absent}." if absent else "")


def _why_no_counts(run):
    states = context_values(run, "pmu")
    return f"PMU: {'; '.join(states) or 'not recorded'}."


def _why_nothing(groups):
    reasons = dict.fromkeys(reason for group in groups for reason in group.absent)
    return "No figure: " + ("; ".join(reasons) if reasons else
                            "no cell without zappers ran at 2 vCPUs or more, and no event of the set was counted") + "."


def content(run, table):
    groups = contention_groups(table)
    if not groups:  # it needs cells without zappers
        return None
    shown = [group for group in groups if group.figures]
    counted = any(not figure.quantity.is_estimate for group in shown for figure in group.figures)
    notes = [EXPLANATION] + ([] if counted else [_why_no_counts(run)]) + ([] if shown else [_why_nothing(groups)])
    axes = varying_axes(group.setting for group in shown)
    return Content(notes, [_sheet(group, axes) for group in shown])
