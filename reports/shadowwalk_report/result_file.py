"""Reads the files of single cells: results, and the notes of failed cells."""

from .google_benchmark import entries_of, time_or_error
from .histogram import Histogram
from .kernels import parse_kernel, platform_of
from .model import EMULATED, NEGATIVE_CONTROL, LeftOut, PlannedCell, Result, Series
from .observations import (parse_grace_periods, parse_kvm_stats, parse_memory, parse_noise, parse_pmu, parse_reference,
                           parse_simulated)
from .setting import machine_of, other_options, parse_cell
from .untrusted_json import are_numbers, is_number, one_line, read_json, strings_of, text_of


def _parse_series(data):
    peak = data.get("peak") if isinstance(data, dict) else None
    if not isinstance(peak, list) or not are_numbers(peak) or not is_number(data.get("interval_ns")):
        raise ValueError("peak and interval_ns are not numbers")
    return Series(float(data["interval_ns"]), [float(value) for value in peak])


def _parse_all(kind, data, parse):
    """Histograms or series by name."""
    parsed = {}
    for name, item in (data.items() if isinstance(data, dict) else ()):
        try:
            parsed[str(name)] = parse(item)
        except ValueError as error:
            raise ValueError(f"{kind} {name}: {error}") from error
    return parsed


def _texts_of(value):
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def parse_entry(entry, cell, repetition, context):
    """The Result of an entry of `benchmarks`. Raises ValueError with the reason when the entry is not one."""
    extra = entry.get("shadowwalk")
    if not isinstance(extra, dict):
        raise ValueError("the entry has no object shadowwalk")
    flags, kernel = _texts_of(extra.get("flags")), parse_kernel(extra.get("kernel"))
    setting, scheme = parse_cell(extra.get("cell"), platform_of(machine_of(extra.get("cell")), kernel, EMULATED in flags))
    planned = cell.options.get("variant")
    if planned is not None and planned != scheme.variant:
        raise ValueError(f"it is of variant {scheme.variant}, the plan says {planned}")
    counters = {name: float(value) for name, value in entry.items() if is_number(value)}
    flags += tuple(flag for flag in ("saturated", "oversubscribed") if counters.get(flag) and flag not in flags)
    drained = extra.get("freed_by_drain")
    return Result(
        cell_id=cell.id, repetition=repetition, name=cell.name, setting=setting, scheme=scheme, counters=counters,
        flags=flags, unavailable=strings_of(extra.get("unavailable")),
        histograms=_parse_all("histogram", extra.get("histograms"), Histogram.parse),
        series=_parse_all("series", extra.get("series"), _parse_series),
        noise=parse_noise(extra.get("noise")), memory=parse_memory(extra.get("memory")),
        kvm_stats=parse_kvm_stats(extra.get("kvm_stats")), pmu=parse_pmu(extra.get("pmu")),
        events_refused=_texts_of(extra.get("events_refused")),
        freed_by_drain=int(drained) if is_number(drained) else 0, violation=text_of(extra.get("violation")),
        command=text_of(extra.get("command")), context=context, host_action=parse_reference(extra.get("reference")),
        perturbed=text_of(extra.get("perturbed")), simulated=parse_simulated(extra.get("simulated")),
        workload_summary=text_of(extra.get("workload_summary")),
        others=other_options(extra["cell"]), grace_periods=parse_grace_periods(extra.get("grace_period_times")),
        kernel=kernel, is_negative_control=scheme.variant == NEGATIVE_CONTROL or extra.get("negative_control") is True)


def _parse_result(data, cell, repetition):
    """(results, error message or None). A file contains one entry per repetition of its own, and aggregates."""
    measured = entries_of(data)
    if not measured:
        raise ValueError("no entry of a repetition among its benchmarks")
    for entry in measured:
        if entry.get("error_occurred"):
            return [], time_or_error(entry)[1]
    context = strings_of(data.get("context"))
    return [parse_entry(entry, cell, repetition, context) for entry in measured], None


def read_result(path, cell, repetition):
    """(results, LeftOut or None)."""
    try:
        results, failure = _parse_result(read_json(path), cell, repetition)
    except (OSError, ValueError) as error:
        return [], LeftOut(cell.id, repetition, cell.name, "unreadable", f"{path.name}: {one_line(error)}")
    return results, LeftOut(cell.id, repetition, cell.name, "failed", failure) if failure else None


def read_simulated(path):
    """The results of a document of `shadowwalk project`. Raises ValueError, OSError."""
    data = read_json(path)
    entries = entries_of(data)
    context = strings_of(data.get("context"))
    results = [parse_entry(entry, PlannedCell(number, text_of(entry.get("name")), {}), 1, context)
               for number, entry in enumerate(entries)]
    if any(result.simulated is None for result in results):
        raise ValueError("it contains results that are not simulated")
    return results


def read_failure(path, cell, repetition):
    """LeftOut from a `*.failed.json`, readable or not."""
    try:
        data = read_json(path)
        if not isinstance(data, dict):
            raise ValueError("not an object")
    except (OSError, ValueError) as error:
        return LeftOut(cell.id, repetition, cell.name, "failed", f"{path.name}: {one_line(error)}")
    reason = text_of(data.get("reason")) or "no reason recorded"
    for key, words in (("signal", "signal {}"), ("exit_code", "exit code {}")):
        if isinstance(data.get(key), (int, str)):
            reason += f" ({words.format(data[key])})"
            break
    command = data.get("command")
    command = " ".join(_texts_of(command)) if isinstance(command, list) else text_of(command)
    return LeftOut(cell.id, repetition, cell.name, text_of(data.get("status")) or "failed", reason, command)
