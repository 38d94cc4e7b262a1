"""Google Benchmark's JSON, as the lab, shadowwalk-bench and any other program write it."""

import re

from .untrusted_json import is_number, text_of

NS_PER_UNIT = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}

# What Google Benchmark appends to a name: how the benchmark was run.
_SUFFIX = re.compile(r"/(iterations:\d+|repeats:\d+|manual_time|real_time|process_time)(?=/|$)")


def stem(name):
    """The project's own name: without what Google Benchmark appends."""
    return _SUFFIX.sub("", name)


def entries_of(document):
    """The entries of repetitions, without aggregates. Raises ValueError when the document is not a result."""
    entries = document.get("benchmarks") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("not a result: it contains no list `benchmarks`")
    return [entry for entry in entries if entry.get("run_type", "iteration") == "iteration"]


def named_entries(document):
    """[(stem, entry)], otherwise as entries_of. Raises ValueError also for an entry without a name."""
    named = [(stem(text_of(entry.get("run_name")) or text_of(entry.get("name"))), entry) for entry in entries_of(document)]
    if not all(name for name, _ in named):
        raise ValueError("a benchmark without a name")
    return named


def measured_time(entry):
    """Nanoseconds by the benchmark's clock: wall time where its name says so, else the CPU time of its threads, which excludes
    what other processes took."""
    by_wall = re.search(r"/(manual_time|real_time)(/|$)", text_of(entry.get("name")))
    value = entry.get("real_time" if by_wall else "cpu_time")
    if not is_number(value) or value <= 0 or entry.get("time_unit") not in NS_PER_UNIT:
        return None
    return value * NS_PER_UNIT[entry["time_unit"]]


def time_or_error(entry):
    """(ns, "") or (None, why there is no time)."""
    if entry.get("error_occurred"):
        return None, text_of(entry.get("error_message")) or "it reported no reason"
    ns = measured_time(entry)
    return ns, "" if ns else "it reported no time"
