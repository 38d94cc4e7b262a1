"""Cacheline contention: what a PMU counted; where no PMU did, an estimate from the growth of a walk.

An estimate is never passed off as a count: each figure names its source, and the two share neither a column nor a panel.
"""

import dataclasses

from ..drawing.bars import bar_panel
from ..drawing.plot import note_absence, place_plot, shown_places
from ..grouping import grouped
from ..quantities import ABSENT, NANOSECONDS, PLAIN, count_of, interval, listing, quantity
from ..rows import Row
from ..setting import ROW_FIELDS, Setting, describe, full_title, row_fields, varying_axes
from ..sheet import Cell, Content, Line, Sheet
from ..statistics import Estimate, differences, estimate, quotient
from ..trust import context_values
from ..variants import rank

# The set of events that count contention.
EVENT_SET = "contention"
SCOPE_WORDS = {"walks": "walks alone", "zaps": "zaps alone", "thread": "whole thread"}
KIND = "contention"
CAPTION = ("Cells without zappers; medians with 95 % intervals. A panel named by an event holds PMU counts of the "
           "scope in its title; one that says estimate holds the growth of a walk from 1 vCPU, or that growth over the "
           "cost of one line transfer. Paler bars and hollow dots are oversubscribed.")
COLUMNS = (*ROW_FIELDS, "quantity", "source", "value", "low", "high", "repetitions", "multiplexed", "oversubscribed")
EXPLANATION = (
    "From cells without zappers. The title of a PMU figure names its event, and says whether only the walks were counted or "
    "all that the thread did. Where no event of the set contention was counted, the growth of a walk from 1 to N vCPUs "
    "replaces it: an estimate, which includes everything else that grows with N, with its 95 % interval. Past two vCPUs the "
    "wait grows with the queue and says nothing about the number of transfers.")


@dataclasses.dataclass(frozen=True)
class Quantity:
    """What a figure measures. `scope` says what was counted; it is empty for an estimate."""

    name: str
    units: tuple
    scope: str = ""
    title: str = ""  # of an estimate
    meaning: str = "scaled count of the walkers over their walks"

    @property
    def is_estimate(self):
        return not self.scope

    @property
    def source(self):
        if self.is_estimate:
            return "estimate"
        bound = ": an upper bound" if self.scope == "thread" else ""
        return f"PMU, {SCOPE_WORDS.get(self.scope, self.scope)}{bound}"


WAIT = Quantity("line_wait_ns_per_walk", NANOSECONDS, title="estimate: wait per walk, against 1 vCPU",
                meaning="walk_ns_mean at this number of vCPUs less that at 1, paired by repetition")
TRANSFERS = Quantity(
    "line_transfers_per_walk_est", PLAIN, title="estimate: line transfers per walk",
    meaning="the wait over line_transfer_ns, the cost of one transfer of a line between both CPUs; at 2 vCPUs only")


@dataclasses.dataclass(frozen=True)
class Figure:
    """One quantity of one row. `multiplexed` is the greatest share of the time in which an event was not counted."""

    quantity: Quantity
    row: Row
    found: Estimate
    multiplexed: float = 0


@dataclasses.dataclass
class Group:
    """The figures of one setting at any number of vCPUs. `absent`: {reason: [what]}."""

    setting: Setting
    figures: list[Figure]
    absent: dict[str, list[str]]


def line_wait(row, table):
    """{repetition: ns that a walk takes longer than at 1 vCPU}, or the reason (a string) why there is none."""
    alone = table.row(dataclasses.replace(row.setting, vcpus=1), row.scheme)
    if alone is None:
        return "not measured at 1 vCPU"
    growth = differences(row.values("walk_ns_mean"), alone.values("walk_ns_mean"))
    return growth or next(filter(None, (r.why_absent("walk_ns_mean") for r in (row, alone))),
                          "walk_ns_mean was not measured at both numbers of vCPUs in one repetition")


def _counted(row):
    """The figures of those events of the set that were counted in walks."""
    counts = grouped(((count.event, count.scope or "scope not recorded"), count.multiplexed) for result in row.results
                     for count in result.pmu if count.role == "walkers" and count.set == EVENT_SET)
    return [Figure(Quantity(event, PLAIN, scope), row, found, max(multiplexed))
            for (event, scope), multiplexed in counts.items() if (found := row.estimate(f"{event}_per_walk"))]


def _estimated(row, table):
    """(figures, {quantity: reason})."""
    wait = line_wait(row, table)
    if isinstance(wait, str):
        return [], {WAIT: wait}
    figures = [Figure(WAIT, row, estimate(wait.values()))]
    if row.setting.vcpus != 2:
        return figures, {TRANSFERS: "past two vCPUs waiting grows with the queue, and transfers do not"}
    transfers = quotient(wait.values(), row.values("line_transfer_ns").values())
    if transfers is None:
        return figures, {TRANSFERS: row.why_absent("line_transfer_ns") or "line_transfer_ns was not measured"}
    return figures + [Figure(TRANSFERS, row, transfers)], {}


def _of_scheme(rows, table):
    """The figures of one scheme at one number of vCPUs from its rows, which differ only in the counted events."""
    counted = [figure for row in rows for figure in _counted(row)]
    if counted or rows[0].setting.vcpus == 1:
        return counted, {}
    attempts = [_estimated(row, table) for row in rows]
    return max(attempts, key=lambda attempt: len(attempt[0]))


def contention_groups(table):
    """[Group]: one per workload, guest and setting without zappers, over all numbers of vCPUs and events."""
    members = {}
    for row in (row for setting in table.settings if setting.zappers == 0 for row in table.plain_rows(setting)):
        group = members.setdefault(dataclasses.replace(row.setting, vcpus=1, events=""), {})
        group.setdefault((row.setting.vcpus, row.variant), []).append(row)
    groups = []
    for setting, schemes in members.items():
        group = Group(setting, [], {})
        for (vcpus, variant), rows in sorted(schemes.items(), key=lambda item: (item[0][0], rank(item[0][1]))):
            figures, reasons = _of_scheme(rows, table)
            group.figures += figures
            for measured, reason in reasons.items():
                group.absent.setdefault(reason, []).append(f"{measured.name} of {variant} at {vcpus} vCPUs")
        groups.append(group)
    return groups


def _record(figure):
    row, measured = figure.row, figure.quantity
    return (*row_fields(row), measured.name, measured.source, *figure.found.fields, figure.multiplexed,
            int(row.has_flag("oversubscribed")))


def _panels(table, group, axes):
    by_quantity = {}
    for figure in group.figures:
        counts = by_quantity.setdefault(figure.quantity, {})
        counts.setdefault(figure.row.setting.vcpus, []).append((figure.row, figure.found))
    where = describe(group.setting, axes, vcpus=False, zaps=False)
    for measured, counts in by_quantity.items():
        title = measured.title or f"{measured.name} per walk ({measured.source})"
        yield bar_panel(table, sorted(counts.items()), f"{title}, {where}" if where else title, measured.units,
                        linear_to=10 if measured is WAIT else 1)


def plots(material):
    table = material.table
    places, left_out = shown_places(table, grouped((group.setting.place, group) for group in contention_groups(table)).items())
    for place, groups in places:
        axes = varying_axes(group.setting for group in groups)
        absent = dict(left_out)
        for reason, what in (item for group in groups for item in group.absent.items()):
            for item in what:
                note_absence(absent, reason, item)
        panels = [panel for group in groups for panel in _panels(table, group, axes)]
        if panels:
            records = [_record(figure) for group in groups for figure in group.figures]
            yield place_plot(KIND, place, "Cacheline contention", CAPTION, panels, COLUMNS, records, absent, most_columns=2)


def _cell(figure):
    found, units = figure.found, figure.quantity.units
    doubts = ["oversubscribed: waiting for a CPU is in it"] if figure.row.has_flag("oversubscribed") else []
    if figure.row.noise_words:
        doubts.append(f"noisy results are in it ({figure.row.noise_words})")
    if figure.multiplexed > 0:
        doubts.append(f"multiplexed: not counted for up to {figure.multiplexed:.0%} of the time, and scaled")
    if figure.quantity.is_estimate and found.low is not None and found.low <= 0 <= found.high:
        doubts.append("the interval includes 0: no certain growth")
    return Cell(quantity(found.value, units), interval(found, units) or "no interval: 1 repetition", "; ".join(doubts),
                "doubtful" if doubts else "")


def _sheet(group, axes):
    quantities = list(dict.fromkeys(figure.quantity for figure in group.figures))
    by_line = {}
    for figure in group.figures:
        by_line.setdefault((figure.row.setting.vcpus, figure.row.variant), {})[figure.quantity] = figure
    lines = [Line(variant, [count_of(vcpus, "vCPU")],
                  [_cell(figures[q]) if q in figures else Cell(ABSENT, hint="absent, or the other source is used")
                   for q in quantities])
             for (vcpus, variant), figures in by_line.items()]
    absent = "; ".join(f"{listing(what)}: {reason}" for reason, what in group.absent.items())
    columns = [(f"{q.name} ({q.source})", q.meaning) for q in quantities]
    return Sheet(full_title(group.setting, axes, vcpus=False), columns, lines, f"Absent: {absent}." if absent else "")


def content(material):
    groups = contention_groups(material.table)
    if not groups:  # there are no cells without zappers
        return None
    shown = [group for group in groups if group.figures]
    notes = [EXPLANATION]
    if all(figure.quantity.is_estimate for group in shown for figure in group.figures):
        notes.append(f"PMU: {'; '.join(context_values(material.run, 'pmu')) or 'not recorded'}.")
    if not shown:
        reasons = "; ".join(dict.fromkeys(reason for group in groups for reason in group.absent))
        notes.append(f"No figure: {reasons or 'no cell without zappers ran at 2 vCPUs or more, and no event of the set was counted'}.")
    axes = varying_axes(group.setting for group in shown)
    return Content(notes, [_sheet(group, axes) for group in shown])
