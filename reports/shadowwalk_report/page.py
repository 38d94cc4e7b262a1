"""The page: one HTML file with its style and figures inside. All text is escaped by the template engine."""

import base64
import hashlib
import importlib.resources

import jinja2
import markupsafe

from .cells import HEADS, MOST_DETAILS
from .drawing.svg import colour_rules, shared_styles
from .grouping import grouped
from .overview import command_words
from .setting import describe, place_title, varying_axes
from .topics import FIRST_SCREEN
from .trust import context_values
from .verdicts import QUESTIONS
from .workloads import tally_words

_ENVIRONMENT = (
    ("host_name", "Host"), ("cpu_model", "CPU"), ("num_cpus", "CPUs"), ("kernel", "Kernel"), ("kvm", "KVM"),
    ("kvm_paging", "KVM's paging"), ("pmu", "PMU"), ("clock", "Clock"), ("clock_read_ns", "Clock read, ns"),
    ("shadowwalk_version", "shadowwalk"), ("shadowwalk_build", "Build"), ("shadowwalk_compiler", "Compiler"), ("host_id", "Host id"))


def _asset(name):
    return (importlib.resources.files(__package__) / "templates" / name).read_text(encoding="utf-8")


def _number(text):
    """For sorting texts that should be numbers; others come first."""
    try:
        return float(text)
    except ValueError:
        return float("-inf")


def _environment(run):
    """[(label, value, mixed)]; `mixed` where results disagree."""
    table = []
    for key, label in _ENVIRONMENT:
        values = context_values(run, key)
        if key == "clock_read_ns" and len(values) > 1:  # each cell measures it again
            values = [f"{min(values, key=_number)} to {max(values, key=_number)}"]
        table.append((label, " / ".join(values) or "not recorded", len(values) > 1))
    for platform in dict.fromkeys(result.setting.platform for result in run.results if result.setting.platform):
        told = dict.fromkeys(result.kernel.details for result in run.on({platform}).results if result.kernel)
        table.append((f"Cells in {platform}", " / ".join(told) or "not recorded", len(told) > 1))
    return table


def _lost(run):
    """[(LeftOut, all repetitions of its cell that were excluded for the same reason)]."""
    groups = {}
    for lost in run.left_out:
        groups.setdefault((lost.cell_id, lost.status, lost.reason), (lost, []))[1].append(lost.repetition)
    return list(groups.values())


def _missing(run):
    """[(cell, its repetitions without a result)]."""
    return [(run.plan[cell_id].name if cell_id in run.plan else f"cell {cell_id}", sorted(repetitions))
            for cell_id, repetitions in sorted(grouped(run.missing).items())]


def _script():
    """The script, and the hash by which the policy of the page lets it run and nothing else."""
    text = _asset("table.js")
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return markupsafe.Markup(text), f"sha256-{digest}"


def render_page(report):
    """The whole page as text."""
    run = report.run
    engine = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
                                loader=jinja2.FunctionLoader(_asset))
    axes = varying_axes({result.setting for result in run.results})
    rules, markups = shared_styles([figure.svg for figure in report.figures])
    drawn = {figure.plot.name: markupsafe.Markup(markup) for figure, markup in zip(report.figures, markups)}

    def markup(figures):
        return [(figure.plot, drawn[figure.plot.name]) for figure in figures]

    style = (_asset("style.css").replace("/* styles of figures */", rules).replace("/* light colours */", colour_rules(dark=False))
             .replace("/* dark colours */", colour_rules(dark=True)))
    script, script_hash = _script()
    return engine.get_template("index.html.j2").render(
        run=run, claims=report.claims, answers=report.answers, baseline=report.verdicts.baseline, trust=report.trust,
        questions=QUESTIONS, pages=report.pages, style=markupsafe.Markup(style), script=script, script_hash=script_hash,
        overview=report.overview, command=" ".join(command_words(run)), not_drawn=report.not_drawn,
        first=markup(figure for figure in report.figures if figure.plot.topic == FIRST_SCREEN.slug),
        sections=report.sections, markup=markup, describe=lambda setting: describe(setting, axes), place_title=place_title,
        tally_words=tally_words, environment=_environment(run), lost=_lost(run), missing=_missing(run), cells=report.cells,
        cell_heads=HEADS, formats=report.formats,
        details=report.cells if len(report.cells) <= MOST_DETAILS else [])
