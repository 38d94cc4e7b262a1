"""Holds a run's figures against the bounds."""

import dataclasses
import enum

from .. import statistics
from ..statistics import MINIMUM_REPETITIONS, Estimate
from .bounds_table import Counter, Growth, Ratio


class Outcome(enum.Enum):
    HELD = "HELD"
    NOT_HELD = "NOT HELD"
    UNDECIDED = "UNDECIDED"
    NOT_MEASURED = "NOT MEASURED"


@dataclasses.dataclass(frozen=True)
class Finding:
    """A bound, and what became of it. `value`: the ratio, or the counter. `reason` unless HELD or NOT_HELD."""

    bound: Ratio | Growth | Counter
    outcome: Outcome
    value: Estimate | None
    reason: str = ""


def _quantity(bound, measurements):
    """What the bound limits, in one round; `measurements` are those of the bound's names."""
    if isinstance(bound, Counter):
        return measurements[0].counters[bound.counter]
    if isinstance(bound, Ratio):
        return measurements[0].ns / measurements[1].ns
    times = [measurement.ns for measurement in measurements]
    return max(times) / min(times)


def _unmeasured(bound, results):
    """Why the bound has no figure in some round; None if it has one in each."""
    for name in bound.names:
        if not results.get(name):
            return f"{name}: not there"
        for measurement in results[name]:
            if measurement.ns is None:
                return f"{name}: {measurement.error}"
            if isinstance(bound, Counter) and bound.counter not in measurement.counters:
                return f"{name}: has no counter {bound.counter}"
    return None


def judge(bound, results):
    """results: {stem: [Measurement of each round]}. Quotients are taken within each round, as subject and floor ran
    close together there; the verdict is that of the interval of their median."""
    if reason := _unmeasured(bound, results):
        return Finding(bound, Outcome.NOT_MEASURED, None, reason)
    value = statistics.estimate(_quantity(bound, measurements)
                                for measurements in zip(*(results[name] for name in bound.names)))
    low, high = (value.value, value.value) if isinstance(bound, Counter) else (value.low, value.high)
    if value.count < MINIMUM_REPETITIONS and not isinstance(bound, Counter):
        return Finding(bound, Outcome.UNDECIDED, value, f"too few rounds (fewer than {MINIMUM_REPETITIONS})")
    if high <= bound.limit:
        return Finding(bound, Outcome.HELD, value)
    if low > bound.limit:
        return Finding(bound, Outcome.NOT_HELD, value)
    return Finding(bound, Outcome.UNDECIDED, value, "the interval reaches across the limit")
