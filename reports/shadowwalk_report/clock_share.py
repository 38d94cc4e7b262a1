"""Hides what the clock itself took: a percentile of single walks or sections contains one clock read, and where that is over half of it,
the figure is the clock's and not the scheme's."""

from .untrusted_json import LARGEST

CLOCKED = ("walk_ns", "section_ns")  # each sample contains one clock read (docs/result-format.md)
MOST = 0.5  # of a percentile may be the clock
_TAIL = "_p99"  # a distribution whose tail is the clock's has nothing to draw


def clock_read_ns(context):
    """What one clock read costs, ns, as a result's context tells it in text; None where it does not."""
    try:
        cost = float(context.get("clock_read_ns", ""))
    except ValueError:
        return None
    return cost if 0 < cost < LARGEST else None


def without_clocks_own(counters, histograms, unavailable, cost):
    """(counters, histograms, unavailable) of a result, without the percentiles that a clock read of `cost` ns makes up over half of."""
    hidden = {name: value for name, value in counters.items()
              if any(name.startswith(f"{kind}_p") for kind in CLOCKED) and cost > MOST * value}
    if not hidden:
        return counters, histograms, unavailable
    reasons = {name: f"the clock itself takes over half of it: {cost:g} of {value:g} ns" for name, value in hidden.items()}
    gone = {kind for kind in CLOCKED if kind + _TAIL in hidden}
    return ({name: value for name, value in counters.items() if name not in hidden},
            {name: histogram for name, histogram in histograms.items() if name not in gone}, {**unavailable, **reasons})
