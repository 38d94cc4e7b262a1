"""Reads what `shadowwalk run` left: the plan first, then whatever results are there (docs/result-format.md).

Nothing in a result is trusted: it may be cut off, or come from another program. A result that cannot be read is left
out with its reason; only a directory that is no run at all is an error.
"""

import dataclasses
import json
import math
import pathlib
import re

from .errors import InputError
from .histogram import Histogram
from .setting import Scheme, Setting, parse_cell

FORMAT = "shadowwalk-run-1"
NEGATIVE_CONTROL = "unsafe"

_RESULT_NAME = re.compile(r"(\d+)-r(\d+)(\.failed)?\.json")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


@dataclasses.dataclass(frozen=True)
class PlannedCell:
    id: int
    group: str
    name: str
    options: dict


@dataclasses.dataclass(frozen=True)
class LeftOut:
    """A cell of one repetition that is not in the figures."""

    cell_id: int
    repetition: int
    name: str
    status: str
    reason: str
    command: str = ""


@dataclasses.dataclass(frozen=True)
class Series:
    interval_ns: float
    peak: list[float]


@dataclasses.dataclass(frozen=True)
class Result:
    """One entry of one result file: a measured cell in one repetition."""

    cell_id: int
    repetition: int
    name: str
    setting: Setting
    scheme: Scheme
    counters: dict[str, float]
    flags: tuple[str, ...]
    unavailable: dict[str, str]
    histograms: dict[str, Histogram]
    series: dict[str, Series]
    freed_by_drain: int
    violation: str
    command: str
    context: dict


@dataclasses.dataclass(frozen=True)
class Run:
    path: pathlib.Path
    title: str
    seed: object
    repetitions: int
    version: str
    started: str
    plan: dict[int, PlannedCell]
    order: list[tuple[int, int]]
    results: list[Result]
    left_out: list[LeftOut]
    missing: list[tuple[int, int]]

    @property
    def planned(self):
        return len(self.plan) * self.repetitions


def _clean(value):
    """Without control characters and lone surrogates, which neither HTML nor UTF-8 can hold."""
    if isinstance(value, str):
        return _UNPRINTABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, list) else value


def _read_json(path):
    """Raises ValueError with the place when it is not JSON."""
    text = path.read_text(encoding="utf-8")
    try:
        data = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    # Such characters can only come from escapes (JSON forbids them raw) or from bidirectional overrides.
    return _clean(data) if "\\u" in text or _UNPRINTABLE.search(text) else data


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _text(value, default=""):
    return value if isinstance(value, str) else default


def _strings(value):
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, dict) else {}


def _parse_series(data):
    peak = data.get("peak") if isinstance(data, dict) else None
    if not isinstance(peak, list) or not all(map(_is_number, peak)) or not _is_number(data.get("interval_ns")):
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


def _parse_entry(entry, cell, repetition, context):
    extra = entry.get("shadowwalk")
    if not isinstance(extra, dict):
        raise ValueError("the entry has no object shadowwalk")
    setting, scheme = parse_cell(extra.get("cell"))
    planned = cell.options.get("variant")
    if planned is not None and planned != scheme.variant:
        raise ValueError(f"it holds variant {scheme.variant}, the plan says {planned}")
    counters = {name: float(value) for name, value in entry.items() if _is_number(value)}
    flags = [flag for flag in extra.get("flags") or [] if isinstance(flag, str)]
    for flag in ("saturated", "oversubscribed"):
        if counters.get(flag) and flag not in flags:
            flags.append(flag)
    drained = extra.get("freed_by_drain")
    return Result(
        cell_id=cell.id, repetition=repetition, name=cell.name, setting=setting, scheme=scheme, counters=counters,
        flags=tuple(flags), unavailable=_strings(extra.get("unavailable")),
        histograms=_parse_all("histogram", extra.get("histograms"), Histogram.parse),
        series=_parse_all("series", extra.get("series"), _parse_series),
        freed_by_drain=int(drained) if _is_number(drained) else 0, violation=_text(extra.get("violation")),
        command=_text(extra.get("command")), context=context)


def _parse_result(data, cell, repetition):
    """(results, reason for leaving the file out or "", status). A file holds one entry a repetition of its own."""
    entries = data.get("benchmarks") if isinstance(data, dict) else None
    if not isinstance(entries, list):
        raise ValueError("no list of benchmarks")
    measured = [e for e in entries if isinstance(e, dict) and e.get("run_type", "iteration") == "iteration"]
    if not measured:
        raise ValueError("no entry of a repetition among its benchmarks")
    context = _strings(data.get("context"))
    for entry in measured:
        if entry.get("error_occurred"):
            return [], _text(entry.get("error_message")) or "no message", "failed"
    return [_parse_entry(entry, cell, repetition, context) for entry in measured], "", ""


def _read_result(path, cell, repetition):
    """(results, LeftOut or None)."""
    try:
        results, reason, status = _parse_result(_read_json(path), cell, repetition)
    except (OSError, ValueError) as error:
        results, reason, status = [], f"{path.name}: {_one_line(error)}", "unreadable"
    return results, LeftOut(cell.id, repetition, cell.name, status, reason) if status else None


def _read_failure(path, cell, repetition):
    try:
        data = _read_json(path)
        if not isinstance(data, dict):
            raise ValueError("not an object")
    except (OSError, ValueError) as error:
        return LeftOut(cell.id, repetition, cell.name, "failed", f"{path.name}: {_one_line(error)}")
    reason = _text(data.get("reason")) or "no reason recorded"
    for key, words in (("signal", "signal {}"), ("exit_code", "exit code {}")):
        if isinstance(data.get(key), (int, str)):
            reason += f" ({words.format(data[key])})"
            break
    command = data.get("command")
    command = " ".join(map(str, command)) if isinstance(command, list) else _text(command)
    return LeftOut(cell.id, repetition, cell.name, _text(data.get("status")) or "failed", reason, command)


def _one_line(error):
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return " ".join(str(error).split())


def _read_plan(path):
    try:
        data = _read_json(path)
    except FileNotFoundError:
        raise InputError(f"report: {path.parent} holds no run.json: give a directory that `shadowwalk run --out` wrote") \
            from None
    except (OSError, ValueError) as error:
        raise InputError(f"report: {path}: {_one_line(error)}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise InputError(f"report: {path}: not the plan of a run: its format is not {FORMAT}")
    return data


def _parse_plan(path, data):
    """({id: PlannedCell}, repetitions, order)."""
    try:
        plan = {cell["id"]: PlannedCell(cell["id"], _text(cell.get("group")), str(cell["name"]),
                                        cell["options"] if isinstance(cell.get("options"), dict) else {})
                for cell in data["cells"]}
        if not all(isinstance(cell_id, int) for cell_id in plan):
            raise TypeError("an id that is no integer")
        repetitions = int(data["repetitions"])
        order = [(int(cell_id), int(repetition)) for cell_id, repetition in data["order"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"report: {path}: the plan is damaged: {type(error).__name__} {_one_line(error)}") from None
    return plan, repetitions, order


def load(directory):
    """Reads a run. Raises InputError when the directory is no run."""
    directory = pathlib.Path(directory)
    if not directory.is_dir():
        raise InputError(f"report: {directory}: no such directory")
    path = directory / "run.json"
    data = _read_plan(path)
    plan, repetitions, order = _parse_plan(path, data)

    failures, results, left_out = {}, [], []
    seen = set()
    for file in sorted((directory / "cells").glob("*.json")):
        match = _RESULT_NAME.fullmatch(file.name)
        if not match:
            continue
        cell_id, repetition = int(match[1]), int(match[2])
        cell = plan.get(cell_id)
        if cell is None:
            left_out.append(LeftOut(cell_id, repetition, _UNPRINTABLE.sub("?", file.name), "not in the plan",
                                    "run.json has no such cell"))
        elif match[3]:
            failures[cell_id, repetition] = _read_failure(file, cell, repetition)
        else:
            seen.add((cell_id, repetition))
            found, lost = _read_result(file, cell, repetition)
            results += found
            left_out += [lost] if lost else []
    # A cell that failed first and was measured in a retry has both files: the measurement counts.
    left_out += [failure for key, failure in failures.items() if key not in seen]
    done = seen | failures.keys()
    return Run(path=directory, title=_text(data.get("title")) or "shadowwalk run", seed=data.get("seed"),
               repetitions=repetitions, version=_text(data.get("shadowwalk_version"), "unknown"),
               started=_text(data.get("started")), plan=plan, order=order, results=results,
               left_out=sorted(left_out, key=lambda lost: (lost.cell_id, lost.repetition)),
               missing=[key for key in order if key not in done])
