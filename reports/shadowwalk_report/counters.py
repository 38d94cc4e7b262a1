"""What the lab says about each of its counters and distributions. figures.json is the table that the lab itself writes from
(`shadowwalk list figures --json`): reports name a counter and read the rest here."""

import dataclasses
import functools
import importlib.resources
import json

from .quantities import BYTES, NANOSECONDS, PER_SECOND, PLAIN, SECONDS

_UNITS = {"ns": NANOSECONDS, "bytes": BYTES, "per_second": PER_SECOND, "count": PLAIN, "flag": PLAIN, "s": SECONDS}
_STEPS = {id(BYTES): 4096, id(PLAIN): 1}  # memory is counted in pages
_QUANTILES = {"p999": "p99.9"}  # the others are spelt as in the counter's name


@dataclasses.dataclass(frozen=True)
class Counter:
    """A counter or a distribution of results. `grows_with_run`: in a saturated cell it measures the length of the run and
    says nothing about the scheme. `has_clock_read`: each of its samples contains one."""

    name: str
    title: str
    meaning: str
    units: tuple
    lower_is_better: bool
    grows_with_run: bool
    has_clock_read: bool

    @property
    def step(self):
        """What its values are whole multiples of; 0 where they are fractions."""
        return step_of(self.units)


def step_of(units):
    """What a figure in these units is counted in; 0 where it is clocked or a rate."""
    return _STEPS.get(id(units), 0)


@functools.cache
def _table():
    """({counter: Counter}, {distribution: Counter})."""
    text = (importlib.resources.files(__package__) / "figures.json").read_text(encoding="utf-8")
    counters, distributions = {}, {}
    for row in json.loads(text)["figures"]:
        known = Counter(row["name"], row["title"], row["meaning"], _UNITS[row["unit"]], row["better"] == "lower",
                        row["grows_with_run"], row["has_clock_read"])
        if row["kind"] == "distribution":
            distributions[known.name] = known
        for name in row["counters"]:
            quantile = name.removeprefix(known.name).removeprefix("_")
            title = f"{known.title} {_QUANTILES.get(quantile, quantile)}".rstrip()
            counters[name] = dataclasses.replace(known, name=name, title=title)
    return counters, distributions


def counter(name):
    """The Counter of this name. Raises KeyError when the table has none."""
    return _table()[0][name]


def counters_known():
    """The names of all counters of the table. Patterns of names, such as `<event>_per_walk`, are no names."""
    return [name for name in _table()[0] if "<" not in name]


def counters(*names):
    return tuple(map(counter, names))


def distributions_with_a_clock_read():
    return tuple(name for name, row in _table()[1].items() if row.has_clock_read)


def distribution(name):
    """The Counter that describes a histogram, such as `free_ns`. Raises KeyError when the table has none."""
    return _table()[1][name]
