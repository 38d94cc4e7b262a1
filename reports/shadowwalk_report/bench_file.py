"""Results of `shadowwalk-bench` for the lab's schemes and those of other libraries: a folder beside the cells of a run."""

import dataclasses
import re

from .google_benchmark import time_or_error
from .untrusted_json import is_number, is_whole

THREADS, WALKER = "threads:", "walker:"  # how the last part of a name begins: a walk, a reclaim
FAMILIES = {"walk": ("", THREADS), "peer": ("peer/", THREADS), "reclaim": ("", WALKER), "peer-reclaim": ("peer/", WALKER)}
COUNTERS = ("free_ns_p50", "free_ns_p99", "retired_pages_peak", "retired_pages_mean", "zaps_per_second", "violations")
_NUMBER = re.compile("[1-9][0-9]{0,8}")  # of threads


@dataclasses.dataclass
class BenchResults:
    """`walks`: {(scheme, threads): {repetition: ns}}. `reclaims`: {(scheme, walker): {counter: {repetition: value}}}.
    `absent`: {scheme: why}. Schemes of other libraries begin with peer/."""

    walks: dict = dataclasses.field(default_factory=dict)
    reclaims: dict = dataclasses.field(default_factory=dict)
    absent: dict = dataclasses.field(default_factory=dict)

    def __bool__(self):
        return bool(self.walks or self.reclaims)


def _add(results, name, entry, repetition):
    family, _, rest = name.partition("/")
    scheme, _, last = rest.rpartition("/")
    prefix, part = FAMILIES.get(family, ("", ""))
    if not part or not last.startswith(part) or not scheme or scheme.count("/") != (1 if prefix else 0):
        return
    scheme, last = prefix + scheme, last.removeprefix(part)
    ns, error = time_or_error(entry)
    if entry.get("error_occurred"):
        results.absent[scheme] = error
    elif part == WALKER:
        counters = results.reclaims.setdefault((scheme, last), {})
        for counter in COUNTERS:
            if is_number(entry.get(counter)):
                counters.setdefault(counter, {})[repetition] = entry[counter]
    elif _NUMBER.fullmatch(last) and ns is not None:
        results.walks.setdefault((scheme, int(last)), {})[repetition] = ns


def bench_results(files):
    """BenchResults of all result files together: the named entries of each."""
    results = BenchResults()
    for number, entries in enumerate(files):
        for place, (name, entry) in enumerate(entries):
            index = entry.get("repetition_index")
            _add(results, name, entry, (number, index if is_whole(index, 0, len(entries)) else place))
    return results
