"""What a cell was asked for, parted into the setting (the conditions) and the scheme (the contestant)."""

import dataclasses

from . import quantities
from .untrusted_json import is_number

# The axes that most runs hold still, and how each is told where a run does not.
PLATFORM_AXES = {"placement": "placement {}", "mmu_lock": "{} mmu_lock", "working_set_pages": "{:,} pages",
                 "walks_per_exit": "{:,} walks an exit", "duration_s": "{:g} s",
                 "locality": "locality {}", "write_percent": "{} % stores",
                 "speed": "speed {}", "instrumentation": "instrumentation {}", "events": "events {}"}
# What holds where a field is absent, and goes without saying. The workload's own share of stores is told by no number.
_DEFAULTS = {"instrumentation": "full", "events": "", "locality": "", "write_percent": -1, "speed": ""}


@dataclasses.dataclass(frozen=True, order=True)
class Setting:
    """The conditions under which schemes are compared. Without zappers the zap rate means nothing, and is 0.

    Clocking, sampling and counting all perturb what they measure: cells that differ in these are never put together.
    """

    workload: str
    guest: str
    vcpus: int
    zappers: int
    zap_rate: float
    walks_per_exit: int
    placement: str
    mmu_lock: str
    working_set_pages: int
    duration_s: float
    instrumentation: str
    events: str
    locality: str
    write_percent: int
    speed: str  # of a trace's replay

    @property
    def is_plain(self):
        """With the instrumentation that cells have by default, without counted events, the guest as its workload is."""
        return all(getattr(self, axis) == value for axis, value in _DEFAULTS.items())


@dataclasses.dataclass(frozen=True, order=True)
class Scheme:
    """A variant and the knobs that are its own: two of these in one setting are two rows."""

    variant: str
    rcu_interval_ns: int
    checks: str
    read_delay: str

    @property
    def knobs(self):
        """Those of its knobs that are not at their default, in words."""
        knobs = []
        if self.rcu_interval_ns:
            knobs.append(f"RCU interval {quantities.quantity(self.rcu_interval_ns, quantities.NANOSECONDS)}")
        if self.checks != "off":
            knobs.append(f"checks {self.checks}")
        if self.read_delay != "off":
            knobs.append(f"read delay {self.read_delay}")
        return knobs


SETTING_FIELDS = tuple(field.name for field in dataclasses.fields(Setting))
SCHEME_FIELDS = tuple(field.name for field in dataclasses.fields(Scheme))

_WORDS = {str: "text", int: "a whole number that is not negative", float: "a number that is not negative"}
_FIELDS = {"workload": str, "guest": str, "vcpus": int, "zappers": int, "zap_rate": float, "walks_per_exit": int,
           "placement": str, "mmu_lock": str, "working_set_pages": int, "duration_s": float, "instrumentation": str,
           "events": str, "locality": str, "write_percent": int, "speed": str, "variant": str, "rcu_interval_ns": int, "checks": str,
           "read_delay": str}


def _fits(value, kind):
    if kind is str:
        return isinstance(value, str)
    return is_number(value) and value >= 0 and (kind is float or value == int(value))


def parse_cell(cell):
    """(Setting, Scheme) from a result's `shadowwalk.cell`. Raises ValueError that names the field."""
    if not isinstance(cell, dict):
        raise ValueError("no shadowwalk.cell")
    values = {}
    for name, kind in _FIELDS.items():
        if name not in cell and name in _DEFAULTS:
            values[name] = _DEFAULTS[name]
            continue
        value = cell.get(name)
        if not _fits(value, kind):
            raise ValueError(f"shadowwalk.cell.{name} is {'missing' if value is None else 'not ' + _WORDS[kind]}")
        values[name] = kind(value)
    if values["vcpus"] == 0:
        raise ValueError("shadowwalk.cell.vcpus is 0")
    if values["zappers"] == 0:
        values["zap_rate"] = 0.0
    setting = Setting(**{name: values[name] for name in SETTING_FIELDS})
    scheme = Scheme(**{name: values[name] for name in SCHEME_FIELDS})
    return setting, scheme


def varying_axes(settings):
    """Those of the platform axes that have more than one value: only they need to be told."""
    settings = list(settings)
    return tuple(axis for axis in PLATFORM_AXES if len({getattr(s, axis) for s in settings}) > 1)


def zap_words(setting):
    if setting.zappers == 0:
        return "no zapper"
    if setting.guest == "trace":
        return f"{quantities.count_of(setting.zappers, 'zapper')} at the trace's pace"
    return f"{quantities.count_of(setting.zappers, 'zapper')} at {setting.zap_rate:,.0f} zaps/s"


def guest_words(guest):
    return {"kvm": "KVM guest", "thread": "thread guest", "simulated": "SIMULATED"}.get(guest, f"{guest} guest")


def describe(setting, axes=(), vcpus=True, zaps=True):
    """The setting within its workload and guest, in words."""
    words = [quantities.count_of(setting.vcpus, "vCPU")] if vcpus else []
    words += [zap_words(setting)] if zaps else []
    told = [(axis, getattr(setting, axis)) for axis in axes]
    return ", ".join(words + [PLATFORM_AXES[axis].format(value) for axis, value in told
                              if value != _DEFAULTS.get(axis)])
