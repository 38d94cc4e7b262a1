"""One side of a comparison: a run directory, a result of a cell, or any Google Benchmark JSON."""

import dataclasses
import pathlib

from ..google_benchmark import named_entries, time_or_error
from ..model import PlannedCell, trusting_perturbed
from ..result_file import parse_entry
from ..rows import Table
from ..run_directory import load
from ..untrusted_json import InputError, one_line, read_json, strings_of

# The context values that say where and with what something was measured, and their names in print.
PROVENANCE = (
    ("host_name", "host"), ("host_id", "host id"), ("cpu_model", "CPU"), ("num_cpus", "CPUs"), ("kernel", "kernel"),
    ("clock", "clock"), ("shadowwalk_version", "shadowwalk"), ("shadowwalk_build", "build"),
    ("shadowwalk_compiler", "compiler"), ("library_version", "benchmark library"), ("library_build_type", "library build"))
HOST_KEYS = ("host_name", "host_id", "num_cpus")


@dataclasses.dataclass(frozen=True)
class Side:
    """`times`: {name: [ns of each repetition]} of entries that the lab did not write. `failed`: {name: reason}."""

    path: str
    table: Table
    times: dict[str, list[float]]
    failed: dict[str, str]
    contexts: list[dict[str, str]]
    is_simulated: bool = False

    def recorded(self, key):
        """The distinct values of a context field, in their order."""
        return list(dict.fromkeys(context[key] for context in self.contexts if context.get(key)))


def _read_file(path, chosen):
    document = read_json(path)
    results, times, failed = [], {}, {}
    entries = named_entries(document)
    context = strings_of(document.get("context"))
    for number, (name, entry) in enumerate(entries):
        ns, error = time_or_error(entry)
        if isinstance(entry.get("shadowwalk"), dict) and not entry.get("error_occurred"):
            index = entry.get("repetition_index")
            repetition = index if isinstance(index, int) else number
            results.append(parse_entry(entry, PlannedCell(number, name, {}), repetition, context))
        elif ns is not None:
            times.setdefault(name, []).append(ns)
        else:
            failed[name] = error
    simulated = {result.simulated is not None for result in results}
    if len(simulated) > 1:
        raise ValueError("it contains measured and simulated results, which cannot be compared")
    return Side(str(path), Table(chosen(results)), times, failed, [context], simulated == {True})


def read_side(path, with_perturbed=False):
    """`with_perturbed`: cells that a tool was attached to count, too. Raises InputError with one line."""
    path = pathlib.Path(path)
    chosen = trusting_perturbed if with_perturbed else list
    if path.is_dir():
        run = load(path)
        contexts = list({tuple(sorted(r.context.items())): r.context for r in run.results}.values())
        failed = {lost.name: f"{lost.status}: {lost.reason}" for lost in run.left_out}
        return Side(str(path), Table(chosen(run.results)), {}, failed, contexts)
    try:
        return _read_file(path, chosen)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file or directory") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {one_line(error)}") from None


def differences(base, new):
    """[(key, name, values of base, values of new)] of the context values that are not known to be equal."""
    found = [(key, words, base.recorded(key), new.recorded(key)) for key, words in PROVENANCE]
    return [row for row in found if set(row[2]) != set(row[3]) or len(row[2]) > 1]


def host_differences(base, new):
    """The same for the values that identify a host. A host that is not recorded differs from none."""
    return [row for row in differences(base, new)
            if row[0] in HOST_KEYS and len({*row[2], *row[3]}) > 1]
