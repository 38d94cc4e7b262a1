"""The page: one HTML file with its style and figures inside. All text is escaped by the template engine."""

import dataclasses
import importlib.resources

import jinja2
import markupsafe

from .figures.svg import colour_rules
from .quantities import NANOSECONDS, quantity
from .setting import describe, guest_words, varying_axes
from .trust import context_values

# What the raw table leaves out of an entry's numbers: Google Benchmark's own bookkeeping.
_BOOKKEEPING = {"real_time", "cpu_time", "iterations", "repetitions", "repetition_index", "threads", "family_index",
                "per_family_instance_index"}
_ENVIRONMENT = (
    ("host_name", "Host"), ("cpu_model", "CPU"), ("num_cpus", "CPUs"), ("kernel", "Kernel"), ("kvm", "KVM"),
    ("pmu", "PMU"), ("clock", "Clock"), ("clock_read_ns", "Clock read, ns"), ("shadowwalk_version", "shadowwalk"),
    ("shadowwalk_build", "Build"), ("shadowwalk_compiler", "Compiler"), ("host_id", "Host id"))

@dataclasses.dataclass(frozen=True)
class LostGroup:
    """Repetitions of one cell that were left out for the same reason."""

    lost: object
    repetitions: list[int]


def _asset(name):
    return (importlib.resources.files(__package__) / "templates" / name).read_text(encoding="utf-8")


def _environment(run):
    """[(label, value, mixed)]; `mixed` when results disagree."""
    table = []
    for key, label in _ENVIRONMENT:
        values = context_values(run, key)
        table.append((label, " / ".join(values) or "not recorded", len(values) > 1))
    return table


def _lost_groups(run):
    groups = {}
    for lost in run.left_out:
        key = (lost.cell_id, lost.status, lost.reason)
        groups.setdefault(key, LostGroup(lost, [])).repetitions.append(lost.repetition)
    return list(groups.values())


def _missing(run):
    """[(cell, its repetitions without a result)]."""
    cells = {}
    for cell_id, repetition in run.missing:
        cells.setdefault(cell_id, []).append(repetition)
    return [(run.plan[cell_id].name if cell_id in run.plan else f"cell {cell_id}", sorted(repetitions))
            for cell_id, repetitions in sorted(cells.items())]


def _raw_cells(run):
    """Per cell: (name, command, column names, [(repetition, values)], reasons)."""
    by_cell = {}
    for result in run.results:
        by_cell.setdefault(result.cell_id, []).append(result)
    cells = []
    for _, results in sorted(by_cell.items()):
        names = sorted({name for r in results for name in r.counters} - _BOOKKEEPING)
        lines = [(r.repetition, [f"{r.counters[n]:.6g}" if n in r.counters else "" for n in names], r.flags)
                 for r in sorted(results, key=lambda r: r.repetition)]
        reasons = {name: why for r in results for name, why in r.unavailable.items()}
        violation = next(filter(None, (r.violation for r in results)), "")
        cells.append((results[0].name, results[0].command, names, lines, reasons, violation))
    return cells


def render_page(run, claims, trust, groups, sections):
    """The whole page as text. `sections` are those of `page_sections`."""
    engine = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
                                loader=jinja2.FunctionLoader(_asset))
    engine.filters["ns"] = lambda value: quantity(value, NANOSECONDS)
    axes = varying_axes({result.setting for result in run.results})
    engine.globals.update(describe=lambda setting: describe(setting, axes), guest_words=guest_words)
    style = (_asset("style.css").replace("/* light colours */", colour_rules(dark=False))
             .replace("/* dark colours */", colour_rules(dark=True)))
    return engine.get_template("index.html.j2").render(
        run=run, claims=claims, trust=trust, groups=groups, style=markupsafe.Markup(style),
        sections=[(section, content, [(f.plot, markupsafe.Markup(f.svg)) for f in found])
                  for section, content, found in sections],
        environment=_environment(run), hosts=context_values(run, "host_name"), lost=_lost_groups(run),
        missing=_missing(run), cells=_raw_cells(run))
