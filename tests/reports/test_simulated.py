"""Simulated results: shown in a section of their own with what the model is worth, and held against no measured one."""

import json

import pytest

from shadowwalk_report.claims import judge_claims
from shadowwalk_report.compare.cli import main as compare
from shadowwalk_report.errors import InputError
from shadowwalk_report.report import write_report
from shadowwalk_report.rows import Table
from shadowwalk_report.run_directory import load
from shadowwalk_report.sections import simulated
from run_factory import RunFactory

SIMULATED = {"topology": "spr-2s", "summary": "two sockets", "source": "a data sheet", "model": 1,
             "held_against_host": [{"vcpus": 1, "simulated_ratio": 2.5, "measured_ratio": 5.0},
                                   {"vcpus": 2, "simulated_ratio": 33.0, "measured_ratio": 30.0}]}


def document(tmp_path, marks=SIMULATED):
    """What `shadowwalk project --json` writes: one entry a cell, no repetitions."""
    factory = RunFactory(tmp_path / "source", repetitions=1)
    entries = []
    for variant, lines in (("rcu-counter", 1.9), ("irq-ipi", 0.01)):
        cell = factory.plan(variant=variant, guest="simulated", placement="spr-2s", vcpus=64)
        counters = {"walks_per_second": 2e7, "walk_ns_mean": 30.0, "line_transfers_per_walk": lines}
        result = factory.result(cell, 0, counters, **({"simulated": marks} if marks else {}))
        entries += result["benchmarks"]
    return {"context": result["context"], "benchmarks": entries}


@pytest.fixture
def run(factory, tmp_path):
    """A run that was measured, and its folder for what was simulated."""
    factory.cell({"walks_per_second": 1e8, "walk_ns_mean": 10.0}, variant="irq-ipi")
    directory = factory.write()
    (directory / "simulated").mkdir()
    (directory / "simulated" / "spr.json").write_text(json.dumps(document(tmp_path)))
    return directory


def test_the_model_is_told_with_what_it_is_worth(run):
    loaded = load(run)
    found = simulated.content(loaded, Table(loaded.results))
    held, cells = found.sheets
    assert [(line.head, *(cell.value for cell in line.cells)) for line in held.lines] == [
        ("1 vCPU", "2.50x", "5.00x", "-50 %"), ("2 vCPUs", "33.00x", "30.00x", "+10 %")]
    assert cells.title.startswith("mmio-poll, SIMULATED, 64 vCPUs")
    lines = {line.head: dict(zip((title for title, _ in cells.columns), line.cells)) for line in cells.lines}
    assert lines["rcu-counter"]["lines a walk"].value == "1.9" and lines["irq-ipi"]["lines a walk"].value == "0.01"
    assert any("spr-2s: two sockets. Figures: a data sheet." == note for note in found.notes)


def test_nothing_measured_changes_by_it(run):
    with_it = load(run)
    (run / "simulated" / "spr.json").unlink()
    without = load(run)
    assert [r.name for r in with_it.results] == [r.name for r in without.results]
    assert judge_claims(with_it, Table(with_it.results)) == judge_claims(without, Table(without.results))


def test_one_among_the_measured_cells_is_kept_apart(factory):
    factory.cell({"walks_per_second": 1e8, "walk_ns_mean": 10.0}, variant="irq-ipi")
    factory.cell({"walks_per_second": 5e8, "walk_ns_mean": 2.0}, variant="rcu-counter", extra={"simulated": SIMULATED})
    loaded = load(factory.write())
    assert {r.scheme.variant for r in loaded.results} == {"irq-ipi"}
    assert {r.scheme.variant for r in loaded.simulated} == {"rcu-counter"}


def test_a_model_that_was_not_held_against_a_host_says_so(run, tmp_path):
    marks = {key: value for key, value in SIMULATED.items() if key != "held_against_host"}
    (run / "simulated" / "spr.json").write_text(json.dumps(document(tmp_path / "other", marks)))
    loaded = load(run)
    assert simulated.NOT_HELD in simulated.content(loaded, None).notes


def test_the_page_marks_them(run, tmp_path):
    write_report(run, tmp_path / "out", formats=["html"])
    page = (tmp_path / "out" / "index.html").read_text()
    assert "SIMULATED: machines that are not here" in page and "spr-2s" in page


def test_a_measured_result_among_them_is_refused(run, tmp_path):
    (run / "simulated" / "spr.json").write_text(json.dumps(document(tmp_path / "other", None)))
    with pytest.raises(InputError, match="spr.json: it holds results that are not simulated"):
        load(run)


def test_compare_does_not_mix_them(tmp_path, capsys):
    paths = []
    for name, marks in (("simulated", SIMULATED), ("measured", None)):
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(json.dumps(document(tmp_path / name, marks)))
    assert compare([str(path) for path in paths]) == 2
    assert "one of BASE and NEW is SIMULATED" in capsys.readouterr().err
