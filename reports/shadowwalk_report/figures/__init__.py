"""The figures: most modules make the plots of one kind, `canvas` draws any plot, `svg` fits it into a page."""

from ..verdicts import Verdicts
from . import (contention, footprint, free_latency, heatmap, latency_profile, rcu_sweep, read_side, shrink, stalled,
               throughput, tradeoff, zap_latency)

MAKERS = (throughput, read_side, contention, latency_profile, free_latency, zap_latency, footprint, rcu_sweep, shrink,
          stalled)


def all_plots(table, verdicts=None):
    """Every plot that the run has data for, in the order of the page. Verdicts: against the usual baseline, unless given."""
    verdicts = verdicts or Verdicts(table)
    judged = [plot for maker in (heatmap, tradeoff) for plot in maker.plots(table, verdicts)]
    return judged + [plot for maker in MAKERS for plot in maker.plots(table)]
