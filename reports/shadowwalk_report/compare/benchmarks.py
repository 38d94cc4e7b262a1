"""The benchmarks of a file of Google Benchmark: which entries are repetitions of one and the same."""

import collections
import dataclasses

from ..google_benchmark import failure_of, full_name, measured_time
from ..grouping import grouped
from ..quantities import count_of
from ..untrusted_json import is_whole

_MOST = 1 << 31
_OF_A_FAMILY = ("BigO", "RMS")  # aggregates over arguments, not over repetitions


@dataclasses.dataclass(frozen=True)
class Failure:
    """What was not measured: `words` say why, in the file's own message. `is_error`: it went wrong; else it was left out on purpose."""

    words: str
    is_error: bool


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """`title`: its name, which others may have. `times`: ns of each repetition. Without any, `median` is the aggregate of repetitions
    that the file does not have. `confused`: why its repetitions cannot be told from those of another benchmark."""

    title: str
    times: list[float]
    median: float | None = None
    failure: Failure | None = None
    confused: str = ""


def _is_repetition(entry):
    return entry.get("run_type", "iteration") == "iteration"


def _identity(entry):
    """What differs between two benchmarks that were registered under one name; -1 where the library does not write it."""
    return tuple(entry[key] if is_whole(entry.get(key), 0, _MOST) else -1
                 for key in ("family_index", "per_family_instance_index", "threads"))


def _failure(repetitions):
    found = (failure_of(entry) or (None if measured_time(entry) else ("error", "it reported no time")) for entry in repetitions)
    failed = list(filter(None, found))
    if not failed:
        return None
    kind, message = next((failure for failure in failed if failure[0] == "error"), failed[0])
    share = f" in {len(failed)} of {count_of(len(repetitions), 'repetition')}" if len(failed) < len(repetitions) else ""
    return Failure(f"{kind}{share}: {message}", kind == "error")


def _confused(repetitions):
    places = collections.Counter(entry["repetition_index"] for entry in repetitions if is_whole(entry.get("repetition_index"), 0, _MOST))
    twice = [place for place, count in places.items() if count > 1]
    return (f"its repetition {twice[0]} is there more than once: two benchmarks of one name, or several runs in one file; compare files of "
            "one run each") if twice else ""


def _benchmark(title, entries):
    repetitions = [entry for entry in entries if _is_repetition(entry)]
    times = [ns for entry in repetitions if failure_of(entry) is None and (ns := measured_time(entry))]
    medians = [ns for entry in entries if entry.get("aggregate_name") == "median" and (ns := measured_time(entry))]
    failure = _failure(repetitions)
    if not repetitions and not medians:
        failure = Failure("it has aggregates only, and no median among them", False)
    return Benchmark(title, times, medians[0] if medians and not repetitions else None, failure, _confused(repetitions))


def _without_needless(entries):
    """The repetitions, and the aggregates of what has none."""
    repeated = {name for entry in entries if _is_repetition(entry) for name in (entry.get("run_name"), entry.get("name"))
                if isinstance(name, str)}
    return [entry for entry in entries if _is_repetition(entry) or entry.get("run_type") == "aggregate"
            and full_name(entry) not in repeated and entry.get("aggregate_name") not in _OF_A_FAMILY]


def is_cell(entry):
    """Whether the lab wrote it about a cell, which is more than a benchmark."""
    return _is_repetition(entry) and isinstance(entry.get("shadowwalk"), dict)


def benchmarks_of(entries):
    """{name: Benchmark} of the benchmarks that are no cells, in the file's order. Benchmarks that share a name get a number behind it,
    by their places in the program: a program with one more in front still has the same numbers. Raises ValueError for an entry
    without a name."""
    if not all(map(full_name, entries)):
        raise ValueError("a benchmark without a name")
    found = {}
    shown = [entry for entry in _without_needless(entries) if not is_cell(entry)]
    for name, alike in grouped((full_name(entry), entry) for entry in shown).items():
        parts = sorted(grouped((_identity(entry), entry) for entry in alike).items())
        for number, (_, members) in enumerate(parts, 1):
            found[f"{name} (number {number} of {len(parts)} with this name)" if len(parts) > 1 else name] = _benchmark(name, members)
    return found
