"""Which sections there are, in the order of the page."""

import dataclasses
from collections.abc import Callable

from ..figures import contention as contention_figure
from ..figures import footprint as footprint_figure
from ..figures import free_latency, heatmap, latency_profile
from ..figures import peers as peers_figure
from ..figures import rcu_sweep, read_side, shrink
from ..figures import simulated as simulated_figure
from ..figures import stalled, throughput, tradeoff, zap_latency
from . import (Content, contention, dirty_log, footprint, host_kernel, instrumentation, latency, peers, pmu, shrinker, simulated,
               stalled_walker, workload_events)


@dataclasses.dataclass(frozen=True)
class Section:
    """`kinds`: the figures it shows. `content` makes the rest from (run, table): None where there is nothing to say."""

    slug: str
    title: str
    kinds: tuple[str, ...] = ()
    content: Callable = lambda run, table: None


# Of the run as a whole.
RUN_SECTIONS = (
    Section("heatmap", "Every setting against the baseline", (heatmap.KIND,)),
    Section("trade-off", "The trade-off", (tradeoff.KIND,)),
    Section("peers", "Beside other libraries", (peers_figure.KIND,), peers.content),
    Section("host_kernel", "The host's own kernel (reference)", (), host_kernel.content),
    Section("simulated", "SIMULATED: machines that are not here", (simulated_figure.KIND,), simulated.content),
    Section("instrumentation", "Instrumentation cost", (), instrumentation.content))
# Of each workload, on its own page.
WORKLOAD_SECTIONS = (
    Section("throughput", "Throughput", (throughput.KIND,)),
    Section("read_side", "Read-side cost", (read_side.KIND,)),
    Section("contention", "Cacheline contention", (contention_figure.KIND,), contention.content),
    Section("pmu", "PMU counts", (), pmu.content),
    Section("latency", "Latency", (latency_profile.KIND,), latency.content),
    Section("free_latency", "Free latency", (free_latency.KIND,)),
    Section("zap_latency", "Zap latency", (zap_latency.KIND,)),
    Section("footprint", "Footprint", footprint_figure.KINDS, footprint.content),
    Section("rcu_sweep", "Claim 1 over the RCU interval", (rcu_sweep.KIND,)),
    Section("shrinker", "Time until memory is really free", (shrink.KIND,), shrinker.content),
    Section("stalled_walker", "Behind a stalled walker", (stalled.KIND,), stalled_walker.content),
    Section("dirty_log", "Dirty logging", (), dirty_log.content),
    Section("workload_events", "What it caused", (), workload_events.content))


def sections_of(sections, run, table, figures):
    """[(Section, Content, its figures)] of those that have anything to show."""
    shown = []
    for section in sections:
        drawn = [figure for figure in figures if figure.plot.kind in section.kinds]
        content = section.content(run, table)
        if drawn or content:
            shown.append((section, content or Content(), drawn))
    return shown
