"""Every cell: its line in the table of all cells, and every figure of every repetition for the CSV."""

import dataclasses
import statistics

from .quantities import ABSENT, BYTES, NANOSECONDS, PER_SECOND, PLAIN, quantity
from .setting import SETTING_FIELDS, SCHEME_FIELDS

# What tables leave out of an entry's numbers: Google Benchmark's own bookkeeping.
BOOKKEEPING = {"real_time", "cpu_time", "iterations", "repetitions", "repetition_index", "threads", "family_index",
               "per_family_instance_index"}
# The counters that have a column of their own: title, counter, units. The CSV and each cell's details have the others.
COUNTERS = (
    ("walks", "walks_per_second", PER_SECOND), ("walk mean", "walk_ns_mean", NANOSECONDS),
    ("walk p99", "walk_ns_p99", NANOSECONDS), ("zap p99", "zap_ns_p99", NANOSECONDS),
    ("free p99", "free_ns_p99", NANOSECONDS), ("retired peak", "retired_bytes_peak", BYTES),
    ("violations", "violations", PLAIN))
# A page with the details of more cells than this takes minutes to scroll and megabytes to send.
MOST_DETAILS = 100


@dataclasses.dataclass(frozen=True)
class Value:
    """`order` is what sorting goes by: a number or a text; None for what was not measured, which comes last."""

    words: str
    order: float | str | None
    hint: str = ""


@dataclasses.dataclass(frozen=True)
class CellLine:
    """A cell's medians over repetitions. `names`, `repetitions` and `figures` are its raw figures, a list a counter. `anchor` is
    the place of its line on the page."""

    anchor: str
    workload: str
    name: str
    command: str
    values: list[Value]
    flags: list[str]
    names: list[str]
    repetitions: list[tuple]  # (repetition, its figures in words, flags)
    reasons: dict[str, str]
    violation: str


HEADS = ("variant", "workload", "guest", "vCPUs", "zappers", "zap rate", "results", *(title for title, _, _ in COUNTERS),
         "flags")


def _by_cell(run):
    cells = {}
    for result in run.results:
        cells.setdefault(result.cell_id, []).append(result)
    return [sorted(results, key=lambda r: r.repetition) for _, results in sorted(cells.items())]


def _median(results, counter, units):
    values = [r.counters[counter] for r in results if counter in r.counters]
    if not values:
        return Value(ABSENT, None, next((r.unavailable[counter] for r in results if counter in r.unavailable), "not measured"))
    median = float(statistics.median(values))
    return Value(quantity(median, units), median)


def _line(results):
    first = results[0]
    setting, scheme = first.setting, first.scheme
    flags = sorted({flag for r in results for flag in r.flags})
    variant = ", ".join([scheme.variant, *scheme.knobs])
    rate = quantity(setting.zap_rate, PER_SECOND) if setting.zappers else ABSENT
    values = [Value(variant, variant), Value(setting.workload, setting.workload), Value(setting.guest, setting.guest),
              Value(str(setting.vcpus), setting.vcpus), Value(str(setting.zappers), setting.zappers),
              Value(rate, setting.zap_rate), Value(str(len(results)), len(results)),
              *(_median(results, counter, units) for _, counter, units in COUNTERS),
              Value(" ".join(flags), " ".join(flags))]
    names = sorted({name for r in results for name in r.counters} - BOOKKEEPING)
    repetitions = [(r.repetition, [f"{r.counters[n]:.6g}" if n in r.counters else "" for n in names], r.flags)
                   for r in results]
    return CellLine(f"cell-{first.cell_id}", setting.workload, first.name, first.command, values, flags, names, repetitions,
                    {name: why for r in results for name, why in r.unavailable.items()},
                    next(filter(None, (r.violation for r in results)), ""))


def cell_lines(run):
    """A CellLine a cell, in the order of the plan."""
    return [_line(results) for results in _by_cell(run)]


def raw_table(run):
    """(columns, records) of cells.csv: a record a result, with every counter that any result has."""
    counters = sorted({name for result in run.results for name in result.counters} - BOOKKEEPING)
    columns = ("cell", "repetition", "name", *SETTING_FIELDS, *SCHEME_FIELDS, "flags", *counters, "command")
    records = [(r.cell_id, r.repetition, r.name, *vars(r.setting).values(), *vars(r.scheme).values(), " ".join(r.flags),
                *(r.counters.get(name) for name in counters), r.command) for results in _by_cell(run) for r in results]
    return columns, records
