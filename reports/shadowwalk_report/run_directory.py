"""Reads the directory of a `shadowwalk run`: the plan first, then all results that exist (docs/result-format.md).

A result that cannot be read is excluded with its reason; only a directory that is not a run is an error.
"""

import gc
import itertools
import pathlib
import re

from .bench_file import bench_results
from .clock_share import without_clocks_own
from .google_benchmark import named_entries
from .host_facts import parse_host
from .model import LeftOut, PlannedCell, Run
from .processes import on_all_cpus
from .result_file import read_failure, read_result, read_simulated
from .untrusted_json import InputError, is_whole, one_line, read_json, text_of
from .untrusted_text import visible

FORMAT = "shadowwalk-run-1"
PLAN = "run.json"
SIMULATED = "simulated"  # a folder beside the cells: results of `shadowwalk project --json`
BENCH = "bench"  # another: results of `shadowwalk-bench --benchmark_out`
MOST = 1_000_000_000  # cells, repetitions
FEW_FILES = 200  # below, starting processes costs more than it saves

_RESULT_NAME = re.compile(r"(\d+)-r(\d+)(\.failed)?\.json")


def _read_plan(path):
    try:
        data = read_json(path)
    except FileNotFoundError:
        raise InputError(f"{path.parent} contains no {PLAN}: give a directory that `shadowwalk run --out` wrote") \
            from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {one_line(error)}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise InputError(f"{path}: not the plan of a run: its format is not {FORMAT}")
    return data


def _planned_cell(cell):
    if not is_whole(cell["id"], 0, MOST):
        raise ValueError(f"a cell whose id is not a whole number up to {MOST}")
    if not isinstance(cell["name"], str):
        raise ValueError(f"cell {cell['id']} has a name that is not a text")
    options = cell.get("options")
    return PlannedCell(cell["id"], cell["name"], options if isinstance(options, dict) else {})


def _planned_place(place):
    cell_id, repetition = place
    if not is_whole(cell_id, 0, MOST) or not is_whole(repetition, 0, MOST):
        raise ValueError(f"order has a place that is not [cell, repetition], whole numbers up to {MOST}")
    return cell_id, repetition


def _rounds(data, most):
    """The begins of added rounds; none where they are damaged, as no figure depends on them."""
    rounds = data.get("rounds")
    if not isinstance(rounds, list) or not all(is_whole(place, 0, most) for place in rounds) or rounds != sorted(rounds):
        return ()
    return tuple(rounds)


def _parse_plan(path, data):
    """({id: PlannedCell}, repetitions, order)."""
    try:
        plan = {cell.id: cell for cell in map(_planned_cell, data["cells"])}
        if not is_whole(data["repetitions"], 0, MOST):
            raise ValueError(f"repetitions is not a whole number up to {MOST}")
        return plan, data["repetitions"], [_planned_place(place) for place in data["order"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: the plan is damaged: {type(error).__name__} {one_line(error)}") from None


def _read_file(job):
    """(results, LeftOut or None) of one file: a result, or the note of a failure."""
    file, cell, repetition, is_failure = job
    return ([], read_failure(file, cell, repetition)) if is_failure else read_result(file, cell, repetition)


def _read_all(jobs):
    """_read_file of each job, in their order. Parsing takes most of a large run's time."""
    gc.disable()  # JSON makes no cycles, and millions of lists that the collector would look through
    try:
        return on_all_cpus(_read_file, jobs, FEW_FILES, chunk=32)
    finally:
        gc.enable()


def _read_cells(directory, plan):
    """(results, left out, the set of (cell id, repetition) that have a file)."""
    left_out, jobs = [], []
    for file in sorted(directory.glob("*.json")):
        match = _RESULT_NAME.fullmatch(file.name)
        if not match:
            continue
        cell_id, repetition = int(match[1]), int(match[2])
        cell = plan.get(cell_id)
        if cell is None:
            left_out.append(LeftOut(cell_id, repetition, visible(file.name), "not in the plan",
                                    f"{PLAN} has no such cell"))
        else:
            jobs.append((file, cell, repetition, bool(match[3])))
    results, failures, seen = [], {}, set()
    for (_, cell, repetition, is_failure), (found, lost) in zip(jobs, _read_all(jobs)):
        if is_failure:
            failures[cell.id, repetition] = lost
        else:
            seen.add((cell.id, repetition))
            results += found
            left_out += [lost] if lost else []
    # A cell that failed and was then measured in a retry may have both files: the measurement counts.
    left_out += [failure for key, failure in failures.items() if key not in seen]
    return results, sorted(left_out, key=lambda lost: (lost.cell_id, lost.repetition)), seen | failures.keys()


def _read_folder(directory, read, origin):
    """[read(file)] of a folder that may stand beside the cells. `origin`: the command that writes such files."""
    found = []
    for file in sorted(directory.glob("*.json")):
        try:
            found.append(read(file))
        except (OSError, ValueError) as error:
            raise InputError(f"{file}: {one_line(error)}; this directory is for results of `{origin}`") from None
    return found


def load(directory):
    """Reads a run. Raises InputError when the directory is not a run."""
    directory = pathlib.Path(directory)
    if not directory.is_dir():
        raise InputError(f"{directory}: no such directory")
    path = directory / PLAN
    data = _read_plan(path)
    plan, repetitions, order = _parse_plan(path, data)
    results, left_out, done = _read_cells(directory / "cells", plan)
    measured = without_clocks_own([result for result in results if result.simulated is None])
    simulated = [result for result in results if result.simulated is not None]
    simulated += itertools.chain.from_iterable(_read_folder(directory / SIMULATED, read_simulated, "shadowwalk project --json"))
    bench = _read_folder(directory / BENCH, lambda file: named_entries(read_json(file)), "shadowwalk-bench --benchmark_out")
    seed, matrix = data.get("seed"), data.get("matrix")
    return Run(title=text_of(data.get("title")) or "shadowwalk run", seed=seed if isinstance(seed, (int, str)) else None,
               repetitions=repetitions, version=text_of(data.get("shadowwalk_version"), "unknown"),
               started=text_of(data.get("started")), plan=plan, order=order, results=measured, left_out=left_out,
               missing=[key for key in order if key not in done], simulated=simulated, bench=bench_results(bench),
               host=parse_host(data.get("host")), rounds=_rounds(data, len(order)),
               matrix=text_of(matrix.get("file")) if isinstance(matrix, dict) else "",
               names_machines=isinstance(matrix, dict) and "machine" in text_of(matrix.get("text")), filter=text_of(data.get("filter")),
               build_id=text_of(data.get("shadowwalk_build_id")))
