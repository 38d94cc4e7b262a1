"""What is written in which format: the same figures in all, and nothing that was not asked for."""

import csv
import json
import re
import subprocess
import sys

import pytest
from run_factory import PAGE, spread

from shadowwalk_report.report import FORMATS, write_report
from shadowwalk_report.report import main

HOSTILE = "<b>|`x`|</b> [a](http://b)"


@pytest.fixture
def run(factory):
    for variant, ns in (("irq-ipi", 10), ("hazard", 20), ("leak", 5)):
        factory.cell({"walk_ns_mean": spread(ns), "walks_per_second": spread(1e9 / ns)}, variant=variant, zappers=0)
        factory.cell({"retired_bytes_peak": PAGE * ns, "free_ns_p99": spread(1e3 * ns), "zap_ns_p99": spread(5e3)},
                     variant=variant)
    return factory.write()


@pytest.mark.parametrize("chosen", [("html",), ("png",), ("csv",), ("md",), ("json",), FORMATS])
def test_only_what_was_asked_for_is_written(run, chosen):
    out = run / "report"
    write_report(run, out, None, chosen)
    kinds = {path.suffix[1:] for path in out.iterdir()}
    assert kinds == set(chosen) | {"json"}  # report.json marks the directory as a report
    assert ("verdicts" in json.loads((out / "report.json").read_text())) == ("json" in chosen)


def test_links_of_the_page_lead_to_what_is_there(run):
    write_report(run, run / "report", None, ("html", "csv"))
    page = (run / "report" / "index.html").read_text()
    links = [link for link in re.findall(r'href="([^"#][^"]*)"', page)]
    assert links and all((run / "report" / link).is_file() for link in links) and "PNG" not in page


def test_page_markdown_and_json_say_the_same(run):
    write_report(run, run / "report", "leak", FORMATS)
    brief = json.loads((run / "report" / "report.json").read_text())
    assert brief["baseline"] == "leak" and len(brief["answers"]) == 4
    markdown = (run / "report" / "report.md").read_text()
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", (run / "report" / "index.html").read_text()))
    for answer in brief["answers"]:
        assert answer["sentence"] in markdown.replace("\\", "")
        assert answer["sentence"] in page.replace("&amp;", "&")
    assert "hazard walks 4x [3.98, 4.02] slower" in markdown.replace("\\", "")


def test_every_raw_figure_is_in_the_csv(run):
    write_report(run, run / "report", None, ("csv",))
    with (run / "report" / "cells.csv").open(newline="") as file:
        records = list(csv.DictReader(file))
    assert len(records) == 6 * 5
    first = records[0]
    assert (first["cell"], first["repetition"], first["variant"], first["zappers"]) == ("0", "0", "irq-ipi", "0")
    assert float(first["walk_ns_mean"]) == pytest.approx(9.8) and first["retired_bytes_peak"] == ""
    assert first["command"] == "shadowwalk cell --variant irq-ipi" and "iterations" not in first


def test_markdown_keeps_hostile_text_text(factory):
    factory.title = HOSTILE
    for variant in ("irq-ipi", HOSTILE):
        factory.cell({"walk_ns_mean": 10.0, "walks_per_second": 1e6}, variant=variant, zappers=0)
    write_report(factory.write(), factory.directory / "report", None, ("md",))
    text = (factory.directory / "report" / "report.md").read_text()
    assert not re.search(r"(?<!\\)[<`]", text) and not re.search(r"(?<!\\)\]\(", text)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1


def test_each_cell_has_its_line_with_its_command(run):
    write_report(run, run / "report", None, ("html",))
    page = (run / "report" / "index.html").read_text()
    table = page[page.index('id="cell-table"'):]
    table = table[:table.index("</table>")]
    assert table.count('<tr id="cell-') == 6 and table.count("<code") == 6
    assert 'data-order="20.0">20 ns</td>' in table
    assert 'data-order="" title="not measured">–</td>' in table


@pytest.mark.parametrize("arguments, words", [
    (("--format", "html,pdf"), "'pdf' is not a format"), (("--format", ""), "is not a format"),
    (("--baseline", "sheep"), "no result is of the variant 'sheep'")])
def test_bad_options_are_one_line(run, capsys, arguments, words):
    assert main([str(run), *arguments]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1 and words in told.err
    assert not (run / "report").exists()


def test_the_path_of_what_was_written_is_printed(run):
    done = subprocess.run([sys.executable, "-m", "shadowwalk_report", str(run), "--format", "md,csv"], capture_output=True,
                          text=True, timeout=120, check=True)
    assert done.stdout.strip() == str(run / "report" / "report.md")
