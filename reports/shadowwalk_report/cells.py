"""Every cell: its line in the table of all cells, and every counter of every repetition for the CSV."""

import dataclasses
import statistics

from .counters import counters
from .grouping import grouped
from .quantities import ABSENT, PER_SECOND, quantity
from .setting import ROW_FIELDS, row_fields

# The numbers of an entry that tables leave out: Google Benchmark's own bookkeeping.
BOOKKEEPING = {"real_time", "cpu_time", "iterations", "repetitions", "repetition_index", "threads", "family_index",
               "per_family_instance_index"}
# The counters that have a column of their own. The CSV and each cell's details have the others.
COUNTERS = counters("walks_per_second", "walk_ns_mean", "walk_ns_p99", "zap_ns_p99", "free_ns_p99", "retired_bytes_peak", "violations")
# A page with the details of more cells than this takes minutes to scroll and megabytes to send.
MOST_DETAILS = 100


@dataclasses.dataclass(frozen=True)
class Value:
    """`order` is the sort key: a number or a text; None where nothing was measured, which sorts last."""

    words: str
    order: float | str | None
    hint: str = ""


@dataclasses.dataclass(frozen=True)
class CellLine:
    """A cell's medians over repetitions. `names` and `repetitions` are its raw counters. `anchor` is the id of its line on the
    page."""

    anchor: str
    workload: str
    name: str
    command: str
    values: list[Value]
    names: list[str]
    repetitions: list[tuple]  # (repetition, its counters in words, flags)
    reasons: dict[str, str]
    violation: str


HEADS = ("variant", "workload", "where", "vCPUs", "zappers", "zap rate", "results", *(counter.title for counter in COUNTERS),
         "flags")


def _by_cell(run):
    cells = grouped((result.cell_id, result) for result in run.results)
    return [sorted(results, key=lambda r: r.repetition) for _, results in sorted(cells.items())]


def _median(results, counter):
    name = counter.name
    values = [r.counters[name] for r in results if name in r.counters]
    if not values:
        return Value(ABSENT, None, next((r.unavailable[name] for r in results if name in r.unavailable), "not measured"))
    median = float(statistics.median(values))
    return Value(quantity(median, counter.units), median)


def _line(results):
    first = results[0]
    setting, scheme = first.setting, first.scheme
    flags = sorted({flag for r in results for flag in r.flags})
    variant = scheme.words
    rate = quantity(setting.zap_rate, PER_SECOND) if setting.zappers else ABSENT
    values = [Value(variant, variant), Value(setting.workload, setting.workload), Value(setting.where, setting.where),
              Value(str(setting.vcpus), setting.vcpus), Value(str(setting.zappers), setting.zappers),
              Value(rate, setting.zap_rate), Value(str(len(results)), len(results)),
              *(_median(results, counter) for counter in COUNTERS),
              Value(" ".join(flags), " ".join(flags))]
    names = sorted({name for r in results for name in r.counters} - BOOKKEEPING)
    repetitions = [(r.repetition, [f"{r.counters[n]:.6g}" if n in r.counters else "" for n in names], r.flags)
                   for r in results]
    return CellLine(f"cell-{first.cell_id}", setting.workload, first.name, first.command, values, names, repetitions,
                    {name: why for r in results for name, why in r.unavailable.items()},
                    next(filter(None, (r.violation for r in results)), ""))


def cell_lines(run):
    """One CellLine per cell, in the order of the plan."""
    return [_line(results) for results in _by_cell(run)]


def raw_table(run):
    """(columns, records) of cells.csv: one record per result, with every counter that any result has."""
    names = sorted({name for result in run.results for name in result.counters} - BOOKKEEPING)
    # duration_s is requested as well as measured: no two columns share a name.
    heads = [f"{name}_measured" if name in ROW_FIELDS else name for name in names]
    columns = ("cell", "repetition", "name", *ROW_FIELDS, "flags", *heads, "command")
    records = [(r.cell_id, r.repetition, r.name, *row_fields(r), " ".join(r.flags), *(r.counters.get(name) for name in names), r.command)
               for results in _by_cell(run) for r in results]
    return columns, records
