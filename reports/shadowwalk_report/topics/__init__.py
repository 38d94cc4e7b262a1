"""The topics of a report, in the order of the page. To add one, write its module and add its row to one of the two lists below.

A module has one or both of two functions: `plots(material)` yields the Plots of the whole run; `content(material)` returns the
Content of the section, or None where there is none.
"""

import dataclasses
import functools
import types

from ..headline import headline_of
from ..model import Run
from ..rows import Table
from ..sheet import Content
from ..verdicts import Verdicts
from . import (beside, contention, dirty_log, emulated, first_screen, footprint, free_and_zap, heatmap, held_memory, host_kernel, instrumentation, latency,
               peers, pmu, rcu_sweep, read_side, shrinker, simulated, stalled_walker, throughput, tradeoff,
               workload_events, zap_cost)


@dataclasses.dataclass(frozen=True)
class Material:
    """The input of topics. `table`: the rows of the run or, for the sections of a workload's page, of that workload."""

    run: Run
    table: Table
    verdicts: Verdicts
    claims: tuple = ()  # of the run; only its own sections need them

    @functools.cached_property
    def headline(self):
        return headline_of(self.table, self.verdicts, self.claims)

    @functools.cached_property
    def timed(self):
        """Without emulated cells."""
        return dataclasses.replace(self, table=self.table.timed)


@dataclasses.dataclass(frozen=True)
class Topic:
    """`is_about_kernels`: it has a use for emulated cells, too; other topics would show memory and counts of a clock that means nothing."""

    slug: str
    title: str
    module: types.ModuleType
    is_about_kernels: bool = False

    def _call(self, name, material, otherwise):
        return getattr(self.module, name, lambda _: otherwise)(material if self.is_about_kernels else material.timed)

    def plots(self, material):
        for plot in self._call("plots", material, ()):
            plot.topic = self.slug
            yield plot

    def content(self, material):
        return self._call("content", material, None)


FIRST_SCREEN = Topic("first-screen", "At a glance", first_screen)
# Sections of the run as a whole.
RUN_TOPICS = (
    Topic("beside", "User space beside the kernel", beside, is_about_kernels=True),
    Topic("emulated", "Checked, not timed: emulated kernels", emulated, is_about_kernels=True),
    Topic("heatmap", "Every setting against the baseline", heatmap),
    Topic("trade-off", "The trade-off", tradeoff),
    Topic("peers", "Beside other libraries", peers),
    Topic("host_kernel", "The host's own kernel (reference)", host_kernel),
    Topic("simulated", "SIMULATED: machines that are not here", simulated),
    Topic("instrumentation", "Instrumentation cost", instrumentation))
# Sections of each workload's page.
WORKLOAD_TOPICS = (
    Topic("throughput", "Throughput", throughput),
    Topic("read_side", "Read-side cost", read_side),
    Topic("contention", "Cacheline contention", contention),
    Topic("pmu", "PMU counts", pmu),
    Topic("latency", "Latency", latency),
    Topic("free_and_zap", "Free and zap latency", free_and_zap),
    Topic("zap_cost", "The cost of a zap", zap_cost),
    Topic("footprint", "Footprint", footprint),
    Topic("held_memory", "Held memory over the run's axes", held_memory),
    Topic("rcu_sweep", "Claim 1 over the grace period", rcu_sweep),
    Topic("shrinker", "Time until memory is really free", shrinker),
    Topic("stalled_walker", "Behind a stalled walker", stalled_walker),
    Topic("dirty_log", "Dirty logging", dirty_log),
    Topic("workload_events", "Other events", workload_events))


def all_plots(material):
    """Every plot that the run has data for, in the order of the page."""
    return [plot for topic in (FIRST_SCREEN, *RUN_TOPICS, *WORKLOAD_TOPICS) for plot in topic.plots(material)]


def sections_of(topics, material, figures):
    """[(Topic, Content, its figures)] of the topics that have anything to show. `figures`: all of the run or of the workload."""
    shown = []
    for topic in topics:
        drawn = [figure for figure in figures if figure.plot.topic == topic.slug]
        content = topic.content(material)
        if drawn or content:
            shown.append((topic, content or Content(), drawn))
    return shown
