"""From a run directory to a report directory."""

import csv
import dataclasses
import json

from .claims import judge_claims
from .figures import all_plots
from .figures.plot import unique_names
from .figures.render import render_all
from .page import render_page
from .publish import MARKER, replacing
from .rows import Table
from .run_directory import load
from .sections.layout import page_sections
from .summary import summary_groups
from .trust import trust_items

FORMAT = "shadowwalk-report-1"
INDEX = "index.html"


def _write_csv(path, plot):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(plot.columns)
        writer.writerows(["" if value is None else value for value in record] for record in plot.records)


def _marker(run, claims, plots):
    """The report in brief, for scripts; also what tells a report from any other directory."""
    return {"format": FORMAT, "title": run.title, "started": run.started,
            "results": run.measured, "planned": run.planned,
            "claims": [{"name": claim.name, "sentence": claim.sentence,
                        "verdicts": {finding.rival: finding.outcome.value for finding in claim.headline}}
                       for claim in claims],
            "figures": [{"name": plot.name, "title": plot.title} for plot in plots]}


@dataclasses.dataclass(frozen=True)
class Figure:
    """A plot that has been drawn."""

    plot: object
    svg: str


def write_report(directory, out):
    """Writes the report of the run in `directory` to `out`; returns the page's path. Raises InputError."""
    run = load(directory)
    table = Table(run.results)
    claims = judge_claims(run, table)
    plots = unique_names(all_plots(table))
    with replacing(out) as fresh:
        figures = []
        for plot, (svg, png) in zip(plots, render_all(plots)):
            figures.append(Figure(plot, svg))
            (fresh / f"{plot.name}.png").write_bytes(png)
            _write_csv(fresh / f"{plot.name}.csv", plot)
        page = render_page(run, claims, trust_items(run, table), summary_groups(table),
                           page_sections(run, table, figures))
        (fresh / INDEX).write_text(page, encoding="utf-8")
        (fresh / MARKER).write_text(json.dumps(_marker(run, claims, plots), indent=1) + "\n", encoding="utf-8")
    return out / INDEX
