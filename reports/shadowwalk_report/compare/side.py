"""One side of a comparison: a run directory, a result of a cell, or any Google Benchmark JSON."""

import dataclasses
import functools
import json
import pathlib

from ..google_benchmark import all_entries, failure_of, full_name, stem
from ..model import PlannedCell, trusting_noisy, trusting_perturbed
from ..other_formats import refusal_of, refusal_of_text
from ..result_file import parse_entry
from ..rows import Table
from ..run_directory import load
from ..untrusted_json import InputError, is_whole, one_line, read_json, strings_of
from .benchmarks import Benchmark, Failure, benchmarks_of, is_cell

# The context values that say where and with what something was measured, and their names in print.
PROVENANCE = (
    ("host_name", "host"), ("host_id", "host id"), ("cpu_model", "CPU"), ("num_cpus", "CPUs"), ("kernel", "kernel"),
    ("clock", "clock"), ("shadowwalk_version", "shadowwalk"), ("shadowwalk_build", "build"),
    ("shadowwalk_compiler", "compiler"), ("library_version", "benchmark library"), ("library_build_type", "library build"))
HOST_KEYS = ("host_name", "host_id", "num_cpus")
_ERRORS = ("failed", "crashed", "watchdog")  # of a cell; one that was refused, or whose file is damaged, did not go wrong


@dataclasses.dataclass(frozen=True)
class Side:
    """`benchmarks`: {name: Benchmark} of entries that the lab did not write. `failed`: {name: Failure}, of cells and benchmarks."""

    path: str
    table: Table
    benchmarks: dict[str, Benchmark]
    failed: dict[str, Failure]
    contexts: list[dict[str, str]]
    is_simulated: bool = False
    noisy: int = 0  # results that are

    def recorded(self, key):
        """The distinct values of a context field, in their order."""
        return list(dict.fromkeys(context[key] for context in self.contexts if context.get(key)))

    @functools.cached_property
    def measured(self):
        """The names of all that has values."""
        return {row.results[0].name for row in self.table.all_rows} | {name for name, found in self.benchmarks.items()
                                                                       if found.times or found.median}


def _failures_of_cells(entries):
    failed = {}
    for entry in entries:
        if failure := failure_of(entry):
            failed.setdefault(stem(full_name(entry)), Failure(f"{failure[0]}: {failure[1]}", failure[0] == "error"))
    return failed


def _noisy(results):
    return sum(result.is_noisy for result in results)


def _read_file(path, chosen):
    document = read_json(path, may_be_pipe=True)
    if refusal := refusal_of(document):
        raise ValueError(refusal)
    context = strings_of(document.get("context")) if isinstance(document, dict) else {}
    entries = all_entries(document)
    cells, results = list(filter(is_cell, entries)), []
    for number, entry in enumerate(cells):
        if not failure_of(entry):
            index = entry.get("repetition_index")
            results.append(parse_entry(entry, PlannedCell(number, stem(full_name(entry)), {}),
                                       index if is_whole(index, 0, 1 << 31) else number, context))
    simulated = {result.simulated is not None for result in results}
    if len(simulated) > 1:
        raise ValueError("it contains measured and simulated results, which cannot be compared")
    benchmarks = benchmarks_of(entries)
    failed = _failures_of_cells(cells) | {name: found.failure for name, found in benchmarks.items() if found.failure}
    return Side(str(path), Table(chosen(results)), benchmarks, failed, [context], simulated == {True}, _noisy(results))


def _read_run(path, chosen):
    run = load(path)
    contexts = list({tuple(sorted(r.context.items())): r.context for r in run.on_the_host}.values())
    failed = {}
    for lost in run.left_out:
        if lost.cell_id in run.plan:
            failed.setdefault(lost.name, Failure(f"{lost.status}: {lost.reason}", lost.status in _ERRORS))
    return Side(str(path), Table(chosen(run.results)), {}, failed, contexts, noisy=_noisy(run.results))


def _wherever(results):
    """The results without the kernel that each cell ran in, so that a cell is compared with itself in another kernel; with it, where this
    side ran one cell in several."""
    bare = [dataclasses.replace(result, setting=dataclasses.replace(result.setting, platform="")) for result in results]
    cells, bare_cells = ({(result.setting, result.scheme) for result in some} for some in (results, bare))
    return bare if len(bare_cells) == len(cells) else results


def read_side(path, with_perturbed=False, with_noisy=False):
    """`with_perturbed`: cells that a tool was attached to count, too; `with_noisy`: noisy results do. Raises InputError with one
    line."""
    path = pathlib.Path(path)

    def chosen(results):
        results = trusting_perturbed(results) if with_perturbed else results
        return _wherever(trusting_noisy(results) if with_noisy else results)

    try:
        return _read_run(path, chosen) if path.is_dir() else _read_file(path, chosen)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file or directory") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: {refusal_of_text(error.doc) or one_line(error)}") from None
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
