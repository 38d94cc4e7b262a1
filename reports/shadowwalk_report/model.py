"""The parts of a run that has been read. docs/result-format.md says what each field means."""

import dataclasses
import functools

from .bench_file import BenchResults
from .histogram import Histogram
from .host_facts import HostFacts
from .kernels import KERNEL_VM, CellKernel
from .observations import GracePeriods, KernelStat, Noise, PmuCount, Sizes, Simulated
from .setting import Scheme, Setting

NEGATIVE_CONTROL = "unsafe"
NOISY = "noisy"
EMULATED = "emulated"  # its kernel ran under an emulator: it has counts and checks, and no times


@dataclasses.dataclass(frozen=True)
class PlannedCell:
    id: int
    name: str
    options: dict


@dataclasses.dataclass(frozen=True)
class LeftOut:
    """A cell of one repetition that is not in the figures."""

    cell_id: int
    repetition: int
    name: str
    status: str
    reason: str
    command: str = ""


@dataclasses.dataclass(frozen=True)
class Series:
    interval_ns: float
    peak: list[float]


@dataclasses.dataclass(frozen=True)
class Result:
    """One entry of one result file: a measured cell in one repetition."""

    cell_id: int
    repetition: int
    name: str
    setting: Setting
    scheme: Scheme
    counters: dict[str, float]
    flags: tuple[str, ...]
    unavailable: dict[str, str]
    histograms: dict[str, Histogram]
    series: dict[str, Series]
    noise: Noise
    memory: dict[str, Sizes]
    kvm_stats: dict[str, KernelStat]
    pmu: tuple[PmuCount, ...]
    events_refused: tuple[str, ...]
    freed_by_drain: int
    violation: str
    command: str
    context: dict[str, str]
    host_action: str = ""
    perturbed: str = ""  # the tools that were attached to the cell while it ran
    is_perturbed_trusted: bool = False  # --with-perturbed
    is_noisy_trusted: bool = False  # --with-noisy
    simulated: Simulated | None = None  # None: it was measured
    grace_periods: GracePeriods | None = None
    workload_summary: str = ""  # the practical case that the workload stands for
    others: dict[str, float | str] = dataclasses.field(default_factory=dict)  # the cell's options beside setting and scheme
    kernel: CellKernel | None = None  # that it ran in; None: user space
    is_negative_control: bool = False  # the scheme is known to be broken: violations are expected

    @property
    def is_reference(self):
        """It is a result of another implementation than the lab's MMU (`host_action` says what the host did to it): it is not
        compared."""
        return self.host_action != ""

    @property
    def is_noisy(self):
        """The host was busy with something else: the result is shown but excluded from verdicts."""
        return NOISY in self.flags

    @property
    def is_left_out(self):
        """It is shown but excluded from verdicts: it is noisy, a tool perturbed it, or it was emulated."""
        return (EMULATED in self.flags or self.is_noisy and not self.is_noisy_trusted
                or self.perturbed != "" and not self.is_perturbed_trusted)


def trusting_perturbed(results):
    """The results, with those that tools were attached to included in verdicts."""
    return [dataclasses.replace(result, is_perturbed_trusted=True) for result in results]


def trusting_noisy(results):
    """The results, with the noisy ones included in verdicts."""
    return [dataclasses.replace(result, is_noisy_trusted=True) for result in results]


@dataclasses.dataclass(frozen=True)
class Run:
    """`order` and `missing` are (cell id, repetition). `rounds`: the places in `order` at which rounds begin that were added to those of
    the plan, for precision."""

    title: str
    seed: object
    repetitions: int
    version: str
    started: str
    plan: dict[int, PlannedCell]
    order: list[tuple[int, int]]
    results: list[Result]
    left_out: list[LeftOut]
    missing: list[tuple[int, int]]
    simulated: list[Result] = dataclasses.field(default_factory=list)  # not compared with the measured ones
    bench: BenchResults = dataclasses.field(default_factory=BenchResults)  # results of shadowwalk-bench
    host: HostFacts = HostFacts()
    matrix: str = ""  # its path where the run was started; empty where the plan has none
    names_machines: bool = False  # the matrix has `machine` itself
    filter: str = ""  # of `shadowwalk run --filter`
    build_id: str = ""  # of the binary that measured
    rounds: tuple[int, ...] = ()

    @functools.cached_property
    def on_the_host(self):
        """The results that tell of the host: not those of virtual machines that the lab booted, unless there are no others."""
        return [result for result in self.results if result.setting.machine != KERNEL_VM] or self.results

    def on(self, platforms):
        """The run with the results of these platforms only."""
        return dataclasses.replace(self, results=[result for result in self.results if result.setting.platform in platforms])

    @functools.cached_property
    def hosts(self):
        """The ids of the hosts that the results come from; a virtual machine that the lab booted is one of its own."""
        return {result.context.get("host_id") for result in self.results}

    @property
    def planned(self):
        """The number of results that there should be, those of added rounds included."""
        return len(self.plan) * self.repetitions + (len(self.order) - self.rounds[0] if self.rounds else 0)

    @property
    def planned_order(self):
        """The order of the plan's own repetitions."""
        return self.order[:self.rounds[0]] if self.rounds else self.order

    @property
    def measured(self):
        """The number of results: cells times repetitions."""
        return len({(result.cell_id, result.repetition) for result in self.results})
