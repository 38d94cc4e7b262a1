"""A cell's configuration in two parts: the setting (the conditions) and the scheme (the contestant)."""

import dataclasses

from .grouping import grouped
from .kernels import KERNEL, KERNEL_VM, USER, is_emulated
from .quantities import NANOSECONDS, count_of, quantity
from .untrusted_json import is_number

# The axes that most runs hold constant, and the words for each where a run does not.
PLATFORM_AXES = {"placement": "placement {}", "mmu_lock": "{} mmu_lock", "working_set_pages": "{:,} pages",
                 "walks_per_exit": "{:,} walks per exit", "duration_s": "{:g} s",
                 "locality": "locality {}", "write_percent": "{} % stores",
                 "speed": "speed {}", "instrumentation": "instrumentation {}", "events": "events {}", "think_ns": "think time {:,} ns",
                 "walk_mode": "walk mode {}"}
# The values of absent fields, which no title names. -1: the workload's own share of stores.
_DEFAULTS = {"instrumentation": "full", "events": "", "locality": "", "write_percent": -1, "speed": "", "think_ns": 0,
             "walk_mode": "throughput", "machine": USER, "kernel": "", "platform": ""}
_PLACES = ("machine", "kernel", "platform")  # where cells run, which makes none of them a special one
_STANDING = (KERNEL, KERNEL_VM, USER)  # what runs in a kernel answers for one; user space stands in for it
LATENCY = "latency"  # the walk mode in which each walk depends on the one before
HOST, LIBURCU = "host", "liburcu"  # whose grace period ends a wait of RCU
HOST_INTERVAL, OWN_INTERVAL = "the host's grace period", "its kernel's grace period"


@dataclasses.dataclass(frozen=True, order=True)
class Setting:
    """The conditions under which schemes are compared. Without zappers the zap rate means nothing, and is 0.

    Clocking, sampling and counting all perturb the measurement: cells that differ in these are never grouped.
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
    think_ns: int  # that a vCPU spins between bursts
    walk_mode: str
    machine: str  # user, kernel, or kernel-vm
    kernel: str  # that a virtual machine booted; empty: the one that ran there
    platform: str  # the kernel's release and whether it was emulated (kernels.platform_of); empty: user space

    @property
    def where(self):
        """What the vCPUs were: the guest, or the platform of kernel threads."""
        return self.platform or self.guest

    @property
    def place(self):
        """What has a figure of its own: the workload, and where it ran."""
        return self.workload, self.where

    @property
    def is_kernel(self):
        """It ran as threads of a kernel, with that kernel's own grace periods."""
        return self.machine != USER

    @property
    def is_emulated(self):
        return is_emulated(self.platform)

    @property
    def standing(self):
        """The order in which platforms answer: kernels, user space, and last what was emulated, which answers nothing."""
        return self.is_emulated, _STANDING.index(self.machine) if self.machine in _STANDING else len(_STANDING), self.platform

    @property
    def in_user_space(self):
        """The same conditions there."""
        return dataclasses.replace(self, **{axis: _DEFAULTS[axis] for axis in _PLACES})

    @property
    def with_default_pace(self):
        """The same with walks that follow each other as they do by default."""
        return dataclasses.replace(self, **{axis: _DEFAULTS[axis] for axis in ("think_ns", "walk_mode")})

    @property
    def is_plain(self):
        """With the default instrumentation, without counted events, the guest as its workload defines it."""
        return all(getattr(self, axis) == value for axis, value in _DEFAULTS.items() if axis not in _PLACES)


@dataclasses.dataclass(frozen=True, order=True)
class Scheme:
    """A variant and its own knobs: two of these in one setting are two rows."""

    variant: str
    rcu_interval_ns: int  # 0 where the grace period is the host's
    checks: str
    read_delay: str
    grace_period: str = LIBURCU  # or HOST: each also waits for one of the running kernel

    @property
    def interval_words(self):
        """`4 ms`, or that the host's grace period is the interval."""
        return HOST_INTERVAL if self.grace_period == HOST else quantity(self.rcu_interval_ns, NANOSECONDS)

    @property
    def knobs(self):
        """The knobs that are not at their default, in words."""
        knobs = ((self.rcu_interval_ns != 0 or self.grace_period == HOST, f"RCU interval {self.interval_words}"),
                 (self.checks != "off", f"checks {self.checks}"), (self.read_delay != "off", f"read delay {self.read_delay}"))
        return [words for is_set, words in knobs if is_set]

    @property
    def words(self):
        return ", ".join([self.variant, *self.knobs])


SETTING_FIELDS = tuple(field.name for field in dataclasses.fields(Setting))
SCHEME_FIELDS = tuple(field.name for field in dataclasses.fields(Scheme))
ROW_FIELDS = SETTING_FIELDS + SCHEME_FIELDS

_MOST = 1 << 53  # numbers that a figure can draw
_WORDS = {str: "text", int: "a whole number that is not negative", float: "a number that is not negative"}
_FIELDS = {field.name: field.type for part in (Setting, Scheme) for field in dataclasses.fields(part)}


def _fits(value, kind):
    if kind is str:
        return isinstance(value, str)
    return is_number(value) and value >= 0 and (kind is float or value == int(value) and value <= _MOST)


def machine_of(cell):
    """The machine of a result's `shadowwalk.cell`."""
    return cell.get("machine", USER) if isinstance(cell, dict) else USER


def parse_cell(cell, platform=""):
    """(Setting, Scheme) from a result's `shadowwalk.cell` and kernels.platform_of(). Raises ValueError that names the field."""
    if not isinstance(cell, dict):
        raise ValueError("no shadowwalk.cell")
    cell = {**cell, "grace_period": LIBURCU, "platform": platform}
    if cell.get("rcu_interval_ns") == HOST:
        cell |= {"rcu_interval_ns": 0, "grace_period": HOST}
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
    return Setting(*(values[name] for name in SETTING_FIELDS)), Scheme(*(values[name] for name in SCHEME_FIELDS))


def other_options(cell):
    """The members of `shadowwalk.cell` that tell apart neither settings nor schemes, such as its seed: numbers and texts."""
    return {name: value for name, value in cell.items() if name not in _FIELDS and (is_number(value) or isinstance(value, str))}


def varying_axes(settings):
    """The platform axes that have more than one value: titles name only these."""
    settings = list(settings)
    return tuple(axis for axis in PLATFORM_AXES if len({getattr(s, axis) for s in settings}) > 1)


def zap_words(setting):
    if setting.zappers == 0:
        return "no zapper"
    if setting.guest == "trace":
        return f"{count_of(setting.zappers, 'zapper')} at the trace's pace"
    return f"{count_of(setting.zappers, 'zapper')} at {setting.zap_rate:,.0f} zaps/s"


def where_words(where):
    """A guest or a platform."""
    guests = {"kvm": "KVM guest", "thread": "thread guest", "simulated": "SIMULATED"}
    return where if where.startswith("Linux") else guests.get(where, f"{where} guest")


def row_fields(row):
    """The values of ROW_FIELDS of a row or a result."""
    return (*vars(row.setting).values(), *vars(row.scheme).values())


def describe(setting, axes=(), vcpus=True, zaps=True):
    """The setting within its workload and guest, in words."""
    words = [count_of(setting.vcpus, "vCPU")] if vcpus else []
    words += [zap_words(setting)] if zaps else []
    values = [(axis, getattr(setting, axis)) for axis in axes]
    return ", ".join(words + [PLATFORM_AXES[axis].format(value) for axis, value in values if value != _DEFAULTS.get(axis)])


def place_title(workload, where):
    """`mmio-poll, thread guest`."""
    return f"{workload}, {where_words(where)}"


def full_title(setting, axes=(), vcpus=True):
    """`mmio-poll, thread guest, 1 vCPU, no zapper`."""
    return f"{place_title(*setting.place)}, {describe(setting, axes, vcpus)}"


def within(setting, axes=()):
    """`1 vCPU, no zapper (mmio-poll, thread guest)`."""
    return f"{describe(setting, axes)} ({place_title(*setting.place)})"


def telling_axes(setting, settings):
    """The platform axes that tell a setting from others which `describe` alone would give the same words, such as the duration."""
    return varying_axes(other for other in settings if within(other) == within(setting))


def by_place(settings):
    """[(its place, its settings)], in the order of the settings."""
    return list(grouped((setting.place, setting) for setting in settings).items())
