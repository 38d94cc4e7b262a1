"""What run.json tells of the host: its kernel, its CPU, and the floors that every figure of the run stands on."""

import dataclasses

from .untrusted_json import is_number, is_whole, strings_of, text_of

MOST_CPUS = 1 << 20


@dataclasses.dataclass(frozen=True)
class Kernel:
    """None or empty: not known. `preemption`: the kernel's preemption model, such as `voluntary`."""

    release: str = ""
    hz: int | None = None
    preemption: str = ""
    rcu_expedited: bool | None = None
    rcu_normal: bool | None = None  # overrides rcu_expedited


@dataclasses.dataclass(frozen=True)
class HostFacts:
    """None or empty: not known; `unavailable` may say why. `floors`: {name: ns} of what no scheme of this host can beat, such as
    `xchg_ns` or `membarrier_global_ns_p50`."""

    floors: dict[str, float] = dataclasses.field(default_factory=dict)
    kernel: Kernel = Kernel()
    cpu: str = ""
    cpus: int | None = None
    virtual_machine: bool | None = None
    unavailable: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def grace_period_ns(self):
        """The median grace period of the running kernel; None where it was not measured."""
        return self.floors.get("membarrier_global_ns_p50")


def _object(value):
    return value if isinstance(value, dict) else {}


def _yes_or_no(value):
    return value if isinstance(value, bool) else None


def _whole(value, most):
    return value if is_whole(value, 1, most) else None


def parse_host(data):
    """HostFacts of `host` in a plan. An older plan has none; what is malformed is left out, as no figure depends on it."""
    data = _object(data)
    kernel = _object(data.get("kernel"))
    floors = {str(name): float(value) for name, value in _object(data.get("floors")).items() if is_number(value) and value >= 0}
    return HostFacts(floors, Kernel(text_of(kernel.get("release")), _whole(kernel.get("hz"), 1_000_000),
                                    text_of(kernel.get("preemption")), _yes_or_no(kernel.get("rcu_expedited")),
                                    _yes_or_no(kernel.get("rcu_normal"))),
                     text_of(data.get("cpu")), _whole(data.get("cpus"), MOST_CPUS), _yes_or_no(data.get("virtual_machine")),
                     strings_of(data.get("unavailable")))
