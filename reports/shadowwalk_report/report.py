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
from .mail import render_claims, render_text
from .model import trusting_perturbed
from .page import render_page
from .overview import Overview, overview_of
from .publish import MARKER, replacing
from .rows import SPEED_LIMIT, Table
from .run_directory import load
from .topics import FIRST_SCREEN, RUN_TOPICS, Material, all_plots, sections_of
from .trust import trust_items
from .untrusted_text import spreadsheet_cell
from .verdicts import DEFAULT_BASELINE, Verdicts
from .workloads import WorkloadPage, workload_pages

FORMATS = ("html", "png", "csv", "md", "txt", "json")
DEFAULT_FORMATS = ("html", "csv", "json")  # png takes as long as the page: every figure is drawn once more
INDEX = "index.html"
MARKDOWN = "report.md"
TEXT = "report.txt"
STDOUT = "-"
_ON_STDOUT = {"md": render_markdown, "txt": render_text}  # formats that are one text
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
    overview: Overview
    not_drawn: list[str]  # of the first screen's pictures, with the reasons


def _write_csv(path, columns, records):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows(map(spreadsheet_cell, record) for record in itertools.chain([columns], records))


def _make(run, table, verdicts, formats):
    claims, trust = judge_claims(run, table), trust_items(run, table)
    material = Material(run, table, verdicts, tuple(claims))
    plots = unique_names(all_plots(material))
    figures = [Figure(plot, *drawn) for plot, drawn in zip(plots, render_all(plots, formats))]
    cells = cell_lines(run)
    missing = FIRST_SCREEN.content(material)
    return Report(run, table, verdicts, claims, answers(table, verdicts), trust, sections_of(RUN_TOPICS, material, figures),
                  workload_pages(run, table, verdicts, figures, cells), figures, cells, formats,
                  overview_of(material, trust), missing.notes if missing else [])


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
    if "txt" in report.formats:
        (folder / TEXT).write_text(render_text(report), encoding="utf-8")
    (folder / MARKER).write_text(brief_of(report, whole="json" in report.formats), encoding="utf-8")


def _read(directory, baseline, with_perturbed):
    """(Run, Table, Verdicts). Raises InputError."""
    run = load(directory)
    if with_perturbed:
        run = dataclasses.replace(run, results=trusting_perturbed(run.results))
    table = Table(run.results)
    return run, table, Verdicts(table, baseline)


def write_report(directory, out, baseline=None, formats=DEFAULT_FORMATS, with_perturbed=False):
    """Writes the report of the run in `directory` to `out`; returns the path of its page or, without a page, of its main file.
    `baseline`: the variant that all others are compared with. `with_perturbed`: verdicts also use cells that a tool was attached
    to. Raises InputError."""
    read = _read(directory, baseline, with_perturbed)
    with replacing(out) as fresh:
        _write(_make(*read, formats), fresh)
    return out / next((name for wanted, name in (("html", INDEX), ("md", MARKDOWN), ("txt", TEXT)) if wanted in formats), MARKER)


def print_report(directory, baseline, one_format, with_perturbed):
    """Prints the report in a format that is one text. Raises InputError."""
    report = _make(*_read(directory, baseline, with_perturbed), (one_format,))
    say(*_ON_STDOUT[one_format](report).splitlines(), most=sys.maxsize)


def print_claims(directory, baseline, with_perturbed):
    """Prints the claims alone. Raises InputError."""
    run, table, _ = _read(directory, baseline, with_perturbed)
    say(*render_claims(judge_claims(run, table)).splitlines(), most=sys.maxsize)


def _formats(text):
    chosen = tuple(word.strip() for word in text.split(","))
    unknown = [word for word in chosen if word not in FORMATS]
    if unknown:
        raise argparse.ArgumentTypeError(f"'{unknown[0]}' is not a format: give any of {','.join(FORMATS)}, separated by commas")
    return tuple(dict.fromkeys(chosen))


def _parse(arguments):
    parser = OneLineParser(
        prog="shadowwalk report",
        description="Write an HTML report, with the figures' data as CSV, about a run directory of `shadowwalk run`.",
        epilog="A run that is unfinished, or has failed cells, is reported as far as it goes. The last line on stdout is the path of "
               "the report. Exit codes: 0 the report is written, 2 bad input. docs/reports.md says how to read a report.")
    parser.add_argument("directory", metavar="DIR", type=pathlib.Path, help="the run's directory, which holds run.json")
    parser.add_argument("--out", metavar="DIR", type=pathlib.Path,
                        help="where the report goes; a report that is there is replaced (default: DIR/report). With one of --format "
                             "txt or md, - prints it")
    parser.add_argument("--baseline", metavar="VARIANT",
                        help=f"the variant that all others are compared with (default: {DEFAULT_BASELINE}, or {SPEED_LIMIT} where "
                             f"{DEFAULT_BASELINE} was not measured)")
    parser.add_argument("--format", metavar="LIST", type=_formats, dest="formats",
                        help=f"what to write, any of {','.join(FORMATS)} (default: {','.join(DEFAULT_FORMATS)}); report.json is "
                             "always written, with every verdict by json; txt is for a mail: 72 columns, 25 lines")
    parser.add_argument("--claims-only", action="store_true",
                        help="print the answers to the two claims of the 2012 patch, and write nothing")
    parser.add_argument("--with-perturbed", action="store_true",
                        help="let verdicts also use cells that a tool was attached to (docs/attach.md)")
    options = parser.parse_args(arguments)
    if options.claims_only and (options.formats or options.out):
        parser.error("--claims-only prints the claims and writes nothing: leave out --format and --out")
    options.formats = options.formats or DEFAULT_FORMATS
    if str(options.out) == STDOUT and (len(options.formats) != 1 or options.formats[0] not in _ON_STDOUT):
        parser.error(f"--out - prints one text: give --format {' or '.join(_ON_STDOUT)}")
    return options


def _run(arguments):
    options = _parse(arguments)
    if options.claims_only:
        print_claims(options.directory, options.baseline, options.with_perturbed)
    elif str(options.out) == STDOUT:
        print_report(options.directory, options.baseline, options.formats[0], options.with_perturbed)
    else:
        out = options.out if options.out is not None else options.directory / "report"
        say(write_report(options.directory, out, options.baseline, options.formats, options.with_perturbed), most=sys.maxsize)
    return 0


def main(arguments=None):
    """Returns the exit code: 0 when the report is written, 2 (with one line on stderr) when the input is bad."""
    return run_command("shadowwalk: report", _run, arguments)
