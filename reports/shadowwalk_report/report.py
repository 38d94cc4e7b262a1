"""From a run directory to a report directory."""

import csv
import dataclasses

from .answers import answers
from .brief import brief_of
from .cells import cell_lines, raw_table
from .claims import judge_claims
from .figures import all_plots, peers, simulated
from .figures.plot import unique_names
from .figures.render import render_all
from .markdown import render_markdown
from .page import render_page
from .publish import MARKER, replacing
from .model import trusting_perturbed
from .rows import Table
from .run_directory import load
from .sections.layout import RUN_SECTIONS, sections_of
from .trust import trust_items
from .verdicts import Verdicts
from .workloads import WorkloadPage, workload_pages

FORMATS = ("html", "png", "csv", "md", "json")
DEFAULT_FORMATS = ("html", "png", "csv", "json")
INDEX = "index.html"
MARKDOWN = "report.md"
CELLS = "cells"  # of the CSV with every raw figure; no figure is called so


@dataclasses.dataclass(frozen=True)
class Figure:
    """A plot that has been drawn: `svg` and `png` are None where no format needs them."""

    plot: object
    svg: str | None
    png: bytes | None


@dataclasses.dataclass(frozen=True)
class Report:
    """All that the formats are written from."""

    run: object
    table: Table
    verdicts: Verdicts
    claims: list
    answers: list
    trust: list
    sections: list  # of the run: (Section, Content, [Figure])
    pages: list[WorkloadPage]
    figures: list[Figure]
    cells: list
    formats: tuple[str, ...]


def _write_csv(path, columns, records):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(["" if value is None else value for value in record] for record in records)


def _make(run, table, verdicts, formats):
    plots = unique_names([*all_plots(table, verdicts), *peers.plots(run.bench), *simulated.plots(Table(run.simulated))])
    figures = [Figure(plot, *drawn) for plot, drawn in zip(plots, render_all(plots, formats))]
    cells = cell_lines(run)
    return Report(run, table, verdicts, judge_claims(run, table), answers(table, verdicts), trust_items(run, table),
                  sections_of(RUN_SECTIONS, run, table, figures), workload_pages(run, table, verdicts, figures, cells), figures,
                  cells, formats)


def _write(report, folder):
    for figure in report.figures:
        if "png" in report.formats:
            (folder / f"{figure.plot.name}.png").write_bytes(figure.png)
        if "csv" in report.formats:
            _write_csv(folder / f"{figure.plot.name}.csv", figure.plot.columns, figure.plot.records)
    if "csv" in report.formats:
        _write_csv(folder / f"{CELLS}.csv", *raw_table(report.run))
    if "html" in report.formats:
        (folder / INDEX).write_text(render_page(report), encoding="utf-8")
    if "md" in report.formats:
        (folder / MARKDOWN).write_text(render_markdown(report), encoding="utf-8")
    (folder / MARKER).write_text(brief_of(report, whole="json" in report.formats), encoding="utf-8")


def write_report(directory, out, baseline=None, formats=DEFAULT_FORMATS, with_perturbed=False):
    """Writes the report of the run in `directory` to `out`; returns the path of its page, or of what there is instead.
    `baseline`: the variant that others are held against. `with_perturbed`: verdicts rest on cells that tools looked into, too. Raises InputError."""
    run = load(directory)
    if with_perturbed:
        run = dataclasses.replace(run, results=trusting_perturbed(run.results))
    table = Table(run.results)
    verdicts = Verdicts(table, baseline)
    with replacing(out) as fresh:
        _write(_make(run, table, verdicts, formats), fresh)
    return out / next((name for wanted, name in (("html", INDEX), ("md", MARKDOWN)) if wanted in formats), MARKER)
