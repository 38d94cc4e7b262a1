"""What a result contains beside its counters: noise, memory, the kernel's own statistics, PMU counts.

All of it is optional: what a kernel does not report, or an older result does not contain, is absent. A part that is present but
malformed makes the result unreadable; the error names the part.
"""

import dataclasses

from .untrusted_json import are_numbers, is_number, text_of


@dataclasses.dataclass(frozen=True)
class Simulated:
    """The machine that a result was simulated on. `compared`: (vCPUs, simulated ratio, measured ratio) of the model and the host."""

    topology: str
    summary: str
    source: str
    compared: tuple[tuple[float, float, float], ...]


@dataclasses.dataclass(frozen=True)
class Noise:
    """Other activity of the host during the window. None: not recorded. `core_speed`: dependent multiplications per ns of vCPU 0's
    core."""

    steal_ns: float | None = None
    other_load_cpus: float | None = None
    core_speed_change: float | None = None
    core_speed: float | None = None
    reasons: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Bytes before and after the window, and at the greatest of samples within it. None: not sampled."""

    before: float
    after: float
    peak: float | None = None


@dataclasses.dataclass(frozen=True)
class GracePeriods:
    """RCU grace periods over the window's intervals: how many began in each interval, and for how many ns of it one was under way.
    `each`: begin and end of every grace period, ns since the window's start; None where there were too many to be kept."""

    interval_ns: float
    began: list[float]
    under_way_ns: list[float]
    each: list[tuple[float, float]] | None


@dataclasses.dataclass(frozen=True)
class KernelStat:
    """A statistic of KVM: `delta` of a cumulative one, `before` and `after` of any other."""

    kind: str
    delta: float | None
    before: float | None
    after: float | None


@dataclasses.dataclass(frozen=True)
class PmuCount:
    """One event as counted for one role. `set`: the set of events that includes it; empty if it was requested by name.
    `scope`: only the walks or zaps, or the thread's whole window. `unit` is empty for a plain count."""

    event: str
    set: str
    encoded: str
    role: str
    scope: str
    unit: str
    count: float
    enabled_ns: float
    running_ns: float
    multiplexed: float


def _numbers(kind, data, required=(), optional=()):
    """{name: number}; None for an optional one that is absent."""
    values = {}
    for name in (*required, *optional):
        value = data.get(name)
        if value is None and name in required:
            raise ValueError(f"{kind}.{name} is missing")
        if value is not None and not is_number(value):
            raise ValueError(f"{kind}.{name} is not a number")
        values[name] = None if value is None else float(value)
    return values


def _entries(kind, data):
    """The members of an optional object, all of which must be objects."""
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ValueError(f"{kind} is not an object")
    for name, item in data.items():
        if not isinstance(item, dict):
            raise ValueError(f"{kind}.{name} is not an object")
    return data


def parse_noise(data):
    if not isinstance(data, dict):
        return Noise()
    reasons = data.get("reasons")
    return Noise(**_numbers("noise", data, optional=("steal_ns", "other_load_cpus", "core_speed_change", "core_speed")),
                 reasons=tuple(filter(None, map(text_of, reasons))) if isinstance(reasons, list) else ())


def parse_memory(data):
    """{name: Sizes}."""
    return {name: Sizes(**_numbers(f"memory.{name}", item, ("before", "after"), ("peak",)))
            for name, item in _entries("memory", data).items()}


def parse_grace_periods(data):
    """None where the scheme waits for no grace period, or a result is older."""
    if data is None:
        return None
    began, under_way, each = (data.get(name) if isinstance(data, dict) else None for name in ("began", "under_way_ns", "each"))
    lists = isinstance(began, list) and isinstance(under_way, list) and len(began) == len(under_way)
    if not lists or not are_numbers(began) or not are_numbers(under_way) or not is_number(data.get("interval_ns")):
        raise ValueError("grace_period_times: interval_ns, began and under_way_ns are not numbers of one length")
    if each is not None and not (isinstance(each, list) and all(isinstance(pair, list) and len(pair) == 2 and are_numbers(pair)
                                                                for pair in each)):
        raise ValueError("grace_period_times.each is not a list of [begin, end]")
    return GracePeriods(float(data["interval_ns"]), [float(count) for count in began], [float(ns) for ns in under_way],
                        None if each is None else [(float(begin), float(end)) for begin, end in each])


def parse_reference(data):
    """What the host did to the kernel's own MMU, in words; empty for a result of the lab's MMU."""
    if data is None:
        return ""
    if not isinstance(data, dict) or not text_of(data.get("host_action")):
        raise ValueError("reference.host_action is missing")
    return text_of(data["host_action"])


def parse_simulated(data):
    """The machine that a result was simulated on, and the model's error; None for a measured result."""
    if data is None:
        return None
    if not isinstance(data, dict) or not text_of(data.get("topology")):
        raise ValueError("simulated.topology is missing")
    compared = data.get("held_against_host")
    rows = []
    for row in compared if isinstance(compared, list) else ():
        numbers = [row.get(key) if isinstance(row, dict) else None for key in ("vcpus", "simulated_ratio", "measured_ratio")]
        if not are_numbers(numbers):
            raise ValueError("simulated.held_against_host is not numbers")
        rows.append(tuple(numbers))
    return Simulated(text_of(data["topology"]), text_of(data.get("summary")), text_of(data.get("source")), tuple(rows))


def parse_kvm_stats(data):
    """{name: KernelStat}."""
    return {name: KernelStat(text_of(item.get("kind")),
                             **_numbers(f"kvm_stats.{name}", item, optional=("delta", "before", "after")))
            for name, item in _entries("kvm_stats", data).items()}


def parse_pmu(data):
    """The PmuCounts, in the order of the result."""
    if data is None:
        return ()
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise ValueError("pmu is not a list of objects")
    counts = []
    for place, item in enumerate(data):
        words = {name: text_of(item.get(name)) for name in ("event", "set", "encoded", "role", "scope", "unit")}
        if not words["event"]:
            raise ValueError(f"pmu[{place}].event is missing")
        counts.append(PmuCount(**words, **_numbers(f"pmu[{place}]", item,
                                                   ("count", "enabled_ns", "running_ns", "multiplexed"))))
    return tuple(counts)
