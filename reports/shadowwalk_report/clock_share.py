"""Hides what the clock itself took: a percentile of single walks or sections contains one clock read, and where that is over half of it,
the figure is the clock's and not the scheme's."""

import dataclasses
import statistics

from .counters import distributions_with_a_clock_read
from .grouping import grouped
from .untrusted_json import LARGEST

MOST = 0.5  # of a percentile may be the clock
_TAIL = "_p99"  # a distribution whose tail is the clock's has nothing to draw


def _read_cost(result):
    """What one clock read costs, ns, as a result's context tells it in text; 0 where it does not, or nothing was clocked."""
    try:
        cost = float(result.context.get("clock_read_ns", ""))
    except ValueError:
        return 0.0
    return cost if 0 < cost < LARGEST and result.simulated is None else 0.0


def _hidden(results):
    """{counter: reason} of the results of one scheme in one setting: by their median, so that no repetition is picked by its value."""
    clocked = tuple(f"{kind}_p" for kind in distributions_with_a_clock_read())
    cost, reasons = statistics.median(map(_read_cost, results)), {}
    for name in dict.fromkeys(name for result in results for name in result.counters):
        if name.startswith(clocked):
            value = statistics.median(result.counters[name] for result in results if name in result.counters)
            if cost > MOST * value:
                reasons[name] = f"the clock itself takes over half of it: {cost:g} of {value:g} ns"
    return reasons


def _without(result, reasons):
    gone = {kind for kind in distributions_with_a_clock_read() if kind + _TAIL in reasons}
    return dataclasses.replace(result, counters={name: value for name, value in result.counters.items() if name not in reasons},
                               histograms={name: found for name, found in result.histograms.items() if name not in gone},
                               unavailable={**result.unavailable, **reasons})


def without_clocks_own(results):
    """The results without the percentiles that a clock read makes up over half of: those are unavailable, with the reason."""
    hidden = {key: _hidden(found) for key, found in grouped(((result.setting, result.scheme), result) for result in results).items()}
    return [_without(result, reasons) if (reasons := hidden[result.setting, result.scheme]) else result for result in results]
