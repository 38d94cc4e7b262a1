"""Memory over time: what is unlinked and not yet freed, and beside it all that is allocated."""

from .choice import chosen_by_place
from .lanes import Footprint, lane_plot

_HOW = ("the peak within each interval of the window, exact. All lanes share one scale, which is logarithmic above a "
        "page. One repetition a variant, the one with the median peak.")
FOOTPRINTS = (
    Footprint(
        "retired", "Retired memory over time",
        f"Bytes unlinked and not yet freed: {_HOW} The strip above a lane: a grace period of RCU was under way, each from its begin to "
        "its end; where they were too many, the height is the share of each interval.",
        "retired_bytes", "retired_bytes_peak", marks_grace_periods=True),
    Footprint(
        "shadow", "Shadow memory over time",
        f"Shadow pages allocated and not yet freed, retired ones among them: {_HOW}",
        "shadow_bytes", "shadow_bytes_peak"))
KINDS = tuple(footprint.kind for footprint in FOOTPRINTS)


def plots(table):
    zapped = [setting for setting in table.settings if setting.zappers > 0]
    for place, settings, absent in chosen_by_place(table, zapped):
        yield from filter(None, (lane_plot(footprint, table, place, settings, absent) for footprint in FOOTPRINTS))
