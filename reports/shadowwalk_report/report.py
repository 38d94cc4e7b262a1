"""`shadowwalk report`: from a run directory to a report directory."""

import argparse
import csv
import dataclasses
import itertools
import pathlib
import sys

from .answers import answers
from .boundary import run_command, say
from .cells import cell_lines, raw_table
from .claims import judge_claims
from .commands import OneLineParser
from .drawing.canvas import render_all
from .drawing.plot import unique_names
from .exports import brief_of, render_markdown
from .model import trusting_perturbed
from .page import render_page
from .publish import MARKER, replacing
from .rows import SPEED_LIMIT, Table
from .run_directory import load
from .topics import RUN_TOPICS, Material, all_plots, sections_of
from .trust import trust_items
from .untrusted_text import spreadsheet_cell
from .verdicts import DEFAULT_BASELINE, Verdicts
from .workloads import WorkloadPage, workload_pages

FORMATS = ("html", "png", "csv", "md", "json")
DEFAULT_FORMATS = ("html", "png", "csv", "json")
INDEX = "index.html"
MARKDOWN = "report.md"
CELLS = "cells"  # the CSV with every raw number; no figure has this name


@dataclasses.dataclass(frozen=True)
class Figure:
    """A plot that is drawn: `svg` and `png` are None where no format needs them."""

    plot: object
    svg: str | None
    png: bytes | None


@dataclasses.dataclass(frozen=True)
class Report:
    """The input of all formats."""

    run: object
    table: Table
    verdicts: Verdicts
    claims: list
    answers: list
    trust: list
    sections: list  # of the run: (Topic, Content, [Figure])
    pages: list[WorkloadPage]
    figures: list[Figure]
    cells: list
    formats: tuple[str, ...]


def _write_csv(path, columns, records):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows(map(spreadsheet_cell, record) for record in itertools.chain([columns], records))


def _make(run, table, verdicts, formats):
    material = Material(run, table, verdicts)
    plots = unique_names(all_plots(material))
    figures = [Figure(plot, *drawn) for plot, drawn in zip(plots, render_all(plots, formats))]
    cells = cell_lines(run)
    return Report(run, table, verdicts, judge_claims(run, table), answers(table, verdicts), trust_items(run, table),
                  sections_of(RUN_TOPICS, material, figures), workload_pages(run, table, verdicts, figures, cells), figures,
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
    """Writes the report of the run in `directory` to `out`; returns the path of its page or, without a page, of its main file.
    `baseline`: the variant that all others are compared with. `with_perturbed`: verdicts also use cells that a tool was attached
    to. Raises InputError."""
    run = load(directory)
    if with_perturbed:
        run = dataclasses.replace(run, results=trusting_perturbed(run.results))
    table = Table(run.results)
    verdicts = Verdicts(table, baseline)
    with replacing(out) as fresh:
        _write(_make(run, table, verdicts, formats), fresh)
    return out / next((name for wanted, name in (("html", INDEX), ("md", MARKDOWN)) if wanted in formats), MARKER)


def _formats(text):
    chosen = tuple(word.strip() for word in text.split(","))
    unknown = [word for word in chosen if word not in FORMATS]
    if unknown:
        raise argparse.ArgumentTypeError(f"'{unknown[0]}' is not a format: give any of {','.join(FORMATS)}, separated by commas")
    return tuple(dict.fromkeys(chosen))


def _parse(arguments):
    parser = OneLineParser(
        prog="shadowwalk report",
        description="Write an HTML report, with figures as PNG and CSV, about a run directory of `shadowwalk run`.",
        epilog="A run that is unfinished, or has failed cells, is reported as far as it goes. The last line on stdout is the path of "
               "the report. Exit codes: 0 the report is written, 2 bad input. docs/reports.md says how to read a report.")
    parser.add_argument("directory", metavar="DIR", type=pathlib.Path, help="the run's directory, which holds run.json")
    parser.add_argument("--out", metavar="DIR", type=pathlib.Path,
                        help="where the report goes; a report that is there is replaced (default: DIR/report)")
    parser.add_argument("--baseline", metavar="VARIANT",
                        help=f"the variant that all others are compared with (default: {DEFAULT_BASELINE}, or {SPEED_LIMIT} where "
                             f"{DEFAULT_BASELINE} was not measured)")
    parser.add_argument("--format", metavar="LIST", type=_formats, default=DEFAULT_FORMATS, dest="formats",
                        help=f"what to write, any of {','.join(FORMATS)} (default: {','.join(DEFAULT_FORMATS)}); report.json is "
                             "always written")
    parser.add_argument("--with-perturbed", action="store_true",
                        help="let verdicts also use cells that a tool was attached to (docs/attach.md)")
    return parser.parse_args(arguments)


def _run(arguments):
    options = _parse(arguments)
    out = options.out if options.out is not None else options.directory / "report"
    say(write_report(options.directory, out, options.baseline, options.formats, options.with_perturbed), most=sys.maxsize)
    return 0


def main(arguments=None):
    """Returns the exit code: 0 when the report is written, 2 (with one line on stderr) when the input is bad."""
    return run_command("shadowwalk: report", _run, arguments)
