"""What the PMU counted, by role and event, and what it could not count."""

import numpy as np

from ..grouping import grouped
from ..quantities import ABSENT, NANOSECONDS, PLAIN, interval, listing, quantity
from ..setting import full_title, varying_axes
from ..sheet import Cell, Line, Sheet, first_and_folded
from .contention import SCOPE_WORDS

PER = {"walkers": "walk", "zappers": "zap"}
COLUMNS = [
    ("role", "the threads that were counted"), ("event", "as requested; below it, as this PMU encodes it"),
    ("per walk or zap", "the walkers' count over their walks, the zappers' count over their zaps"),
    ("scope", "what was counted: only the walks or zaps, or all that the thread did in the window"),
    ("count", "scaled by enabled over running; median over repetitions"),
    ("multiplexed", "greatest share of the time in which the event was not on the PMU"),
    ("enabled / running", "medians over repetitions")]
EXPLANATION = ("Counts are scaled by enabled over running time; multiplexed ones, in italics, are extrapolated. With "
               "the scope of a whole thread, a count per walk or zap is an upper bound on the cost of one. Roles whose "
               "threads did nothing in the window have no line.")


def _per_cell(row, event, role):
    if role not in PER:
        return Cell(ABSENT, hint="counted for the thread as a whole")
    what = PER[role]
    found = row.estimate(f"{event}_per_{what}")
    if found is None:
        return Cell(ABSENT, hint=row.why_absent(f"{event}_per_{what}") or "not recorded")
    return Cell(f"{quantity(found.value, PLAIN)} per {what}", interval(found, PLAIN))


def _line(row, key, counts):
    role, event, scope = key
    count, enabled, running = (float(np.median([getattr(c, name) for c in counts]))
                               for name in ("count", "enabled_ns", "running_ns"))
    multiplexed = max(c.multiplexed for c in counts)
    encodings = tuple(dict.fromkeys(c.encoded for c in counts if c.encoded and c.encoded != event))
    return Line(row.variant, row.scheme.knobs, [
        Cell(role or "not recorded"), Cell(event, more=encodings), _per_cell(row, event, role),
        Cell(SCOPE_WORDS.get(scope, scope) or "not recorded"),
        Cell(f"{quantity(count, PLAIN)} {counts[0].unit}".strip()),
        Cell(f"{multiplexed:.1%}", hint="extrapolated" if multiplexed > 0 else "",
             verdict="doubtful" if multiplexed > 0 else ""),
        Cell(f"{quantity(enabled, NANOSECONDS)} / {quantity(running, NANOSECONDS)}")])


def _sheet(table, setting, axes):
    """The counts of a setting; None when there are none."""
    lines = []
    for row in table.rows(setting):
        counts = grouped(((count.role, count.event, count.scope), count)
                         for result in row.results for count in result.pmu if count.enabled_ns > 0)
        lines += [_line(row, key, found) for key, found in counts.items()]
    return Sheet(full_title(setting, axes), COLUMNS, lines) if lines else None


def _not_counted(table):
    """[`events: reason`] for the events that cells could not count."""
    reasons = {}
    for result in (result for row in table.all_rows for result in row.results):
        for name in result.events_refused:
            reasons.setdefault(result.unavailable.get(name, "no reason recorded"), {})[name] = None
    return [f"{listing(names)}: {reason}" for reason, names in reasons.items()]


def content(material):
    table = material.table
    axes = varying_axes(table.settings)
    sheets = [sheet for setting in table.settings if (sheet := _sheet(table, setting, axes))]
    lost = _not_counted(table)
    if not sheets and not lost:
        return None
    notes = [EXPLANATION] if sheets else ["No event was counted."]
    return first_and_folded(sheets, "Counts", notes + [f"Not counted: {'; '.join(lost)}."] * bool(lost))
