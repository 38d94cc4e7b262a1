"""Google Benchmark's JSON, as the lab, shadowwalk-bench and any other program write it."""

import collections
import re

from .untrusted_json import is_number, text_of

NS_PER_UNIT = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
_SHORTEST_NS, _LONGEST_NS = 1e-6, 1e18  # 30 years

# What Google Benchmark appends to a name: how the benchmark was run.
_SUFFIX = re.compile(r"/(iterations:\d+|repeats:\d+|manual_time|real_time|process_time)(?=/|$)")
_BY_WALL = re.compile(r"/(manual_time|real_time)(/|$)")
_STATISTICS = ("mean", "median", "stddev")  # libraries before 1.5 write these three for each repeated benchmark


def stem(name):
    """The project's own name: without what Google Benchmark appends."""
    return _SUFFIX.sub("", name)


def labels(names):
    """{full name: its stem}; where several names have one stem, each keeps what distinguishes it."""
    stems = {name: stem(name) for name in names}
    shared = collections.Counter(stems.values())
    return {name: found if shared[found] == 1 else name for name, found in stems.items()}


def full_name(entry):
    """The name of what was run, with all that Google Benchmark appends; of an aggregate, too. Empty where the entry has none."""
    if entry.get("run_type") == "aggregate":
        return text_of(entry.get("run_name")) or text_of(entry.get("name")).removesuffix(f"_{entry.get('aggregate_name')}")
    return text_of(entry.get("name")) or text_of(entry.get("run_name"))


def _with_run_types(entries):
    """The entries with the fields that libraries before 1.5 lack: there, only its name tells that an entry is an aggregate."""
    names = [text_of(entry.get("name")) for entry in entries if "run_type" not in entry]
    counts = collections.Counter(names)
    repeated = {name for name, count in counts.items() if count > 1}
    for entry in entries:
        name, _, statistic = text_of(entry.get("name")).rpartition("_")
        is_aggregate = "run_type" not in entry and name and not failure_of(entry) and (
            statistic == "BigO" and "big_o" in entry or statistic == "RMS" and "rms" in entry
            or counts[entry["name"]] == 1 and "/" not in statistic and (
                name in repeated or all(f"{name}_{word}" in counts for word in _STATISTICS)))
        yield {**entry, "run_type": "aggregate", "run_name": name, "aggregate_name": statistic} if is_aggregate else entry


def all_entries(document):
    """The entries of repetitions and aggregates. Raises ValueError when the document is not a result."""
    entries = document.get("benchmarks") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("not a result: it contains no list `benchmarks`")
    return list(_with_run_types(entries))


def entries_of(document):
    """The entries of repetitions, without aggregates. Raises ValueError when the document is not a result."""
    return [entry for entry in all_entries(document) if entry.get("run_type", "iteration") == "iteration"]


def named_entries(document):
    """[(label, entry)], otherwise as entries_of. Raises ValueError also for an entry without a name."""
    entries = entries_of(document)
    label_of = labels(map(full_name, entries))
    if not all(label_of.values()):
        raise ValueError("a benchmark without a name")
    return [(label_of[full_name(entry)], entry) for entry in entries]


def measured_time(entry):
    """Nanoseconds by the benchmark's clock: wall time where its name says so, else the CPU time of its threads, which excludes
    what other processes took. None where it has no time, or one that no clock gives."""
    value = entry.get("real_time" if _BY_WALL.search(full_name(entry)) else "cpu_time")
    unit = entry.get("time_unit")
    if not is_number(value) or not isinstance(unit, str) or unit not in NS_PER_UNIT:
        return None
    ns = value * NS_PER_UNIT[unit]
    return ns if _SHORTEST_NS <= ns <= _LONGEST_NS else None


def failure_of(entry):
    """What kept a benchmark from being measured, ("error" or "skipped", its own message), or None."""
    for flag, message, kind in (("error_occurred", "error_message", "error"), ("skipped", "skip_message", "skipped")):
        if entry.get(flag):
            return kind, text_of(entry.get(message)) or "it reported no reason"
    return None


def time_or_error(entry):
    """(ns, "") or (None, why there is no time)."""
    failure = failure_of(entry)
    if failure:
        kind, message = failure
        return None, message if kind == "error" else f"{kind}: {message}"
    ns = measured_time(entry)
    return ns, "" if ns else "it reported no time"
