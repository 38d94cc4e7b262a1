"""Cacheline contention: what a PMU counted, and where none did, what the growth of a walk lets one estimate.

An estimate is never passed off as a count: each figure carries its source, and the two are not put into one column.
"""

import dataclasses

from .quantities import NANOSECONDS, PLAIN
from .rows import Row
from .setting import Setting
from .statistics import Estimate, differences, estimate, quotient
from .variants import rank

# The set of events that this is about. Others count too, but something else.
EVENT_SET = "contention"
SCOPE_WORDS = {"walks": "walks alone", "zaps": "zaps alone", "thread": "whole thread"}


@dataclasses.dataclass(frozen=True)
class Quantity:
    """What a figure is of. `scope` says what was counted, and is empty for an estimate."""

    name: str
    units: tuple
    scope: str = ""

    @property
    def is_estimate(self):
        return not self.scope

    @property
    def source(self):
        if self.is_estimate:
            return "estimate"
        bound = ": an upper bound" if self.scope == "thread" else ""
        return f"PMU, {SCOPE_WORDS.get(self.scope, self.scope)}{bound}"


WAIT = Quantity("line_wait_ns_per_walk", NANOSECONDS)
TRANSFERS = Quantity("line_transfers_per_walk_est", PLAIN)


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
    """{repetition: ns that a walk takes longer than at 1 vCPU}, or the reason (a string) for which there is none."""
    alone = table.row(dataclasses.replace(row.setting, vcpus=1), row.scheme)
    if alone is None:
        return "not measured at 1 vCPU"
    growth = differences(row.values("walk_ns_mean"), alone.values("walk_ns_mean"))
    return growth or next(filter(None, (r.why_absent("walk_ns_mean") for r in (row, alone))),
                          "walk_ns_mean was not measured at both numbers of vCPUs in one repetition")


def line_transfers(row, wait):
    """Estimate of the transfers of a line that the wait amounts to, or the reason for which there is none."""
    if row.setting.vcpus != 2:
        return "past two vCPUs waiting grows with the queue, and transfers do not"
    costs = row.values("line_transfer_ns")
    found = quotient(wait.values(), costs.values())
    if found is None:
        return row.why_absent("line_transfer_ns") or "line_transfer_ns was not measured"
    return found


def _counted(row):
    """The figures of the events of the set that were counted in walks."""
    counts = {}
    for count in (count for result in row.results for count in result.pmu
                  if count.role == "walkers" and count.set == EVENT_SET):
        counts.setdefault((count.event, count.scope or "scope not recorded"), []).append(count.multiplexed)
    return [Figure(Quantity(event, PLAIN, scope), row, found, max(multiplexed))
            for (event, scope), multiplexed in counts.items() if (found := row.estimate(f"{event}_per_walk"))]


def _estimated(row, table):
    """(figures, {quantity: reason})."""
    wait = line_wait(row, table)
    if isinstance(wait, str):
        return [], {WAIT: wait}
    figures = [Figure(WAIT, row, estimate(wait.values()))]
    transfers = line_transfers(row, wait)
    if isinstance(transfers, str):
        return figures, {TRANSFERS: transfers}
    return figures + [Figure(TRANSFERS, row, transfers)], {}


def _of_scheme(rows, table):
    """The figures of one scheme at one number of vCPUs from its rows, which differ in the counted events alone."""
    counted = [figure for row in rows for figure in _counted(row)]
    if counted or rows[0].setting.vcpus == 1:
        return counted, {}
    attempts = [_estimated(row, table) for row in rows]
    return max(attempts, key=lambda attempt: len(attempt[0]))


def contention_groups(table):
    """[Group]: one a workload, guest and setting without zappers, whatever the number of vCPUs and the events."""
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
            for quantity, reason in reasons.items():
                group.absent.setdefault(reason, []).append(f"{quantity.name} of {variant} at {vcpus} vCPUs")
        groups.append(group)
    return groups
