"""The figures: each module makes the plots of one kind, `canvas` draws any plot, `svg` fits it into a page."""

from . import free_latency, rcu_sweep, read_side, retired, throughput, zap_latency

KINDS = (throughput, read_side, retired, free_latency, zap_latency, rcu_sweep)


def all_plots(table):
    """Every plot that the run has data for, in the order of the page."""
    return [plot for kind in KINDS for plot in kind.plots(table)]
