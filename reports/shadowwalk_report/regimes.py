"""Regimes of a host: a virtual machine whose CPUs are moved has times in which a cache line takes several times as long from one of
its CPUs to the other. Figures of contention of different regimes are of different machines."""

import dataclasses
import math
import statistics

from .grouping import grouped
from .quantities import NANOSECONDS, quantity

TRANSFER = "line_transfer_ns"
APART = 2.0  # the medians of two regimes differ by this factor or more


@dataclasses.dataclass(frozen=True)
class Regime:
    """The repetitions in which a line's transfer took between `low` and `high` ns; `repetitions` is None for all of them."""

    low: float
    high: float
    repetitions: frozenset | None = None

    @property
    def words(self):
        return f"a line takes {quantity(self.low, NANOSECONDS)} to {quantity(self.high, NANOSECONDS)}"

    def part(self, values):
        """Those of {repetition: value} that were measured in this regime."""
        return values if self.repetitions is None else {r: value for r, value in values.items() if r in self.repetitions}


def _border(transfers):
    """The least value of the slower of two regimes: where the logarithms fall best into two groups (Otsu 1979), if the medians of these
    are far apart; else None."""
    ordered = sorted(transfers)
    logs = list(map(math.log, ordered))

    def apart(place):
        return place * (len(logs) - place) * (statistics.fmean(logs[place:]) - statistics.fmean(logs[:place])) ** 2

    place = max(range(1, len(logs)), key=apart, default=None)
    if place is None:
        return None
    low, high = (statistics.median(part) for part in (ordered[:place], ordered[place:]))
    return ordered[place] if high >= APART * low else None


def regimes_by_setting(table):
    """{setting: its regimes} of the settings that were measured in two. Other settings have other CPUs, and other transfers."""
    return {setting: found for setting in table.settings if (found := regimes_of(table.rows(setting)))}


def _transfers(rows):
    return [(result.repetition, value) for row in rows for result in row.results if (value := result.counters.get(TRANSFER, 0)) > 0]


def regimes_of(rows):
    """[Regime] of these rows, the faster first; empty where there are not two. A repetition of both belongs to none."""
    transfers = _transfers(rows)
    border = _border([value for _, value in transfers])
    if border is None:
        return []
    sides = grouped((value >= border, value) for _, value in transfers)
    by_repetition = grouped((repetition, value >= border) for repetition, value in transfers)
    return [Regime(min(sides[slow]), max(sides[slow]), frozenset(r for r, found in by_repetition.items() if set(found) == {slow}))
            for slow in (False, True)]
