"""Results of `shadowwalk-bench` for the lab's schemes and those of other libraries: a folder beside the cells of a run."""

import dataclasses

from .bench.program import measured_time, stem
from .untrusted_json import clean, is_number, read_json, text_of

FOLDER = "bench"  # beside the cells: results of shadowwalk-bench --benchmark_out
WALKS = {"walk": "", "peer": "peer/"}  # family -> the prefix of its schemes in a report
RECLAIMS = {"reclaim": "", "peer-reclaim": "peer/"}
COUNTERS = ("free_ns_p50", "free_ns_p99", "retired_pages_peak", "retired_pages_mean", "zaps_per_second", "violations")


@dataclasses.dataclass
class BenchResults:
    """`walks`: {(scheme, threads): {repetition: ns}}. `reclaims`: {(scheme, walker): {counter: {repetition: value}}}.
    `absent`: {scheme: why}. Schemes of other libraries begin with peer/."""

    walks: dict = dataclasses.field(default_factory=dict)
    reclaims: dict = dataclasses.field(default_factory=dict)
    absent: dict = dataclasses.field(default_factory=dict)

    def __bool__(self):
        return bool(self.walks or self.reclaims)


def _scheme(name, families):
    """(scheme, the name's last part) of a benchmark of these families; None for others."""
    family, _, rest = name.partition("/")
    scheme, _, last = rest.rpartition("/")
    if family not in families or not scheme or scheme.count("/") != (1 if families[family] else 0):
        return None
    return families[family] + scheme, last


def _add(results, entry, repetition):
    name = clean(stem(entry["name"]))
    for families, prefix in ((WALKS, "threads:"), (RECLAIMS, "walker:")):
        found = _scheme(name, families)
        if found is None or not found[1].startswith(prefix):
            continue
        scheme, last = found[0], found[1].removeprefix(prefix)
        if entry.get("error_occurred"):
            results.absent[scheme] = text_of(entry.get("error_message")) or "it reported no reason"
        elif families is WALKS and last.isdigit():
            ns = measured_time(entry)
            if ns is not None:
                results.walks.setdefault((scheme, int(last)), {})[repetition] = ns
        elif families is RECLAIMS:
            counters = results.reclaims.setdefault((scheme, last), {})
            for counter in COUNTERS:
                if is_number(entry.get(counter)):
                    counters.setdefault(counter, {})[repetition] = entry[counter]


def read_bench(folder):
    """All result files of the folder together; empty if there is none. Raises ValueError that names the file."""
    results = BenchResults()
    for number, path in enumerate(sorted(folder.glob("*.json"))):
        try:
            document = read_json(path)
            entries = document.get("benchmarks") if isinstance(document, dict) else None
            if not isinstance(entries, list):
                raise ValueError("it contains no list `benchmarks`")
            for entry in entries:
                if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
                    raise ValueError("a benchmark without a name")
                if entry.get("run_type", "iteration") == "iteration":
                    _add(results, entry, (number, entry.get("repetition_index", 0)))
        except (OSError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from error
    return results
