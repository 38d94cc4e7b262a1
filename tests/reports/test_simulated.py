"""Simulated results: shown in a section of their own with what the model is worth, and held against no measured one."""

import json
import xml.etree.ElementTree as xml

import pytest

from shadowwalk_report.claims import judge_claims
from shadowwalk_report.compare.cli import main as compare
from shadowwalk_report.drawing import canvas
from shadowwalk_report.report import FORMATS, write_report
from shadowwalk_report.rows import Table
from shadowwalk_report.run_directory import load
from shadowwalk_report.topics import simulated
from shadowwalk_report.untrusted_json import InputError
from run_factory import RunFactory, material_of

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
    found = simulated.content(material_of(loaded))
    held, cells = found.sheets
    assert [(line.head, *(cell.value for cell in line.cells)) for line in held.lines] == [
        ("1 vCPU", "2.50x", "5.00x", "-50 %"), ("2 vCPUs", "33.00x", "30.00x", "+10 %")]
    assert cells.title.startswith("mmio-poll, SIMULATED, 64 vCPUs")
    lines = {line.head: dict(zip((title for title, _ in cells.columns), line.cells)) for line in cells.lines}
    assert lines["rcu-counter"]["lines per walk"].value == "1.9" and lines["irq-ipi"]["lines per walk"].value == "0.01"
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
    assert simulated.NOT_COMPARED in simulated.content(material_of(loaded)).notes


def test_the_page_marks_them(run, tmp_path):
    write_report(run, tmp_path / "out", formats=["html"])
    page = (tmp_path / "out" / "index.html").read_text()
    assert "SIMULATED: machines that are not here" in page and "spr-2s" in page


def test_a_measured_result_among_them_is_refused(run, tmp_path):
    (run / "simulated" / "spr.json").write_text(json.dumps(document(tmp_path / "other", None)))
    with pytest.raises(InputError, match="spr.json: it contains results that are not simulated"):
        load(run)


def test_compare_does_not_mix_them(tmp_path, capsys):
    paths = []
    for name, marks in (("simulated", SIMULATED), ("measured", None)):
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(json.dumps(document(tmp_path / name, marks)))
    assert compare([str(path) for path in paths]) == 2
    assert "one of BASE and NEW is SIMULATED" in capsys.readouterr().err


# Figures over vCPUs

def simulated_cells(tmp_path, counts=(1, 16, 256), topologies=("spr-2s",)):
    """Two schemes at each number of vCPUs of each topology: {topology: its document}."""
    documents = {}
    for topology in topologies:
        factory = RunFactory(tmp_path / f"source-{topology}", repetitions=1)
        entries = []
        for variant, growth in (("leak", 0.0), ("rcu-counter", 1.0)):
            for vcpus in counts:
                cell = factory.plan(variant=variant, guest="simulated", placement=topology, vcpus=vcpus)
                counters = {"walks_per_second": 1e8 * vcpus / (1 + growth * vcpus), "walk_ns_mean": 10.0 * (1 + growth * vcpus),
                            "line_transfers_per_walk": growth * (vcpus > 1), "commit_zap_ns_p50": 100.0 * vcpus}
                if variant != "leak":
                    counters["retired_bytes_peak"] = 4096.0 * vcpus
                result = factory.result(cell, 0, counters, simulated={**SIMULATED, "topology": topology},
                                        unavailable={"retired_bytes_peak": "it is never freed"} if variant == "leak" else {})
                entries += result["benchmarks"]
        documents[topology] = {"context": result["context"], "benchmarks": entries}
    return documents


@pytest.fixture
def many_vcpus(factory, tmp_path):
    """Makes a run with such cells; returns its directory."""
    def make(**options):
        factory.cell({"walks_per_second": 1e8, "walk_ns_mean": 10.0}, variant="irq-ipi")
        directory = factory.write()
        (directory / "simulated").mkdir(exist_ok=True)
        for topology, found in simulated_cells(tmp_path, **options).items():
            (directory / "simulated" / f"{topology}.json").write_text(json.dumps(found))
        return directory
    return make


def plots_of(directory):
    loaded = load(directory)
    return list(simulated.plots(material_of(loaded)))


def test_a_figure_holds_each_metric_over_vcpus(many_vcpus):
    [plot] = plots_of(many_vcpus())
    assert plot.kind == "simulated" and plot.title == "SIMULATED on spr-2s: mmio-poll" and "SIMULATED, not measured" in plot.caption
    assert "two sockets" in plot.caption
    assert [panel.title for panel in plot.panels] == [
        "walks: walks_per_second", "lines per walk: line_transfers_per_walk", "commit_zap p50: commit_zap_ns_p50",
        "retired peak: retired_bytes_peak"]
    names = ("variant", "vcpus", "metric", "value")
    places = [plot.columns.index(name) for name in names]
    data = {tuple(record[place] for place in places[:3]): record[places[3]] for record in plot.records}
    assert data["rcu-counter", 256, "retired_bytes_peak"] == 4096 * 256 and data["leak", 16, "commit_zap_ns_p50"] == 1600
    assert data["leak", 256, "line_transfers_per_walk"] == 0 and ("leak", 256, "retired_bytes_peak") not in data
    assert plot.absences == ["retired peak of leak: it is never freed"]


def test_every_panel_says_that_it_is_simulated(many_vcpus):
    [plot] = plots_of(many_vcpus())
    svg, png = canvas.draw(plot)
    assert svg.count(">SIMULATED</text>") == len(plot.panels) == 4 and png
    assert "ideal (leak at 1 vCPU)" in svg
    assert "<title>SIMULATED: rcu-counter, 256 vCPUs: 1 MiB</title>" in svg


def test_one_number_of_vcpus_is_drawn_too(many_vcpus):
    [plot] = plots_of(many_vcpus(counts=(64,)))
    assert "ideal" not in canvas.draw(plot, ("html",))[0]


def test_each_topology_has_its_own(many_vcpus):
    assert [plot.name for plot in plots_of(many_vcpus(topologies=("spr-2s", "epyc-9005")))] == [
        "simulated-mmio-poll-epyc-9005", "simulated-mmio-poll-spr-2s"]


def test_they_are_in_their_section_and_beside_no_measured_figure(many_vcpus, tmp_path):
    write_report(many_vcpus(), tmp_path / "out", None, FORMATS)
    page = (tmp_path / "out" / "index.html").read_text()
    begin = page.index('<section id="simulated"')
    assert '<figure id="simulated-mmio-poll-spr-2s">' in page[begin:page.index("</section>", begin)]
    assert page.count('<figure id="simulated-') == 1
    for kind in ("png", "csv"):
        assert (tmp_path / "out" / f"simulated-mmio-poll-spr-2s.{kind}").stat().st_size > 100
    assert "simulated" not in (tmp_path / "out" / "throughput-mmio-poll-thread.csv").read_text()


@pytest.mark.parametrize("name", ['"><script>alert(1)</script>', "$\\frac{$", "_x", "x" * 300])
def test_no_name_breaks_them(many_vcpus, name):
    directory = many_vcpus()
    path = directory / "simulated" / "spr-2s.json"
    found = json.loads(path.read_text())
    for entry in found["benchmarks"]:
        entry["shadowwalk"]["simulated"] |= {"topology": name, "summary": name}
        entry["shadowwalk"]["cell"] |= {"placement": name, "workload": name}
        if entry["shadowwalk"]["cell"]["variant"] == "leak":
            entry["shadowwalk"]["cell"]["variant"] = name
    path.write_text(json.dumps(found))
    [plot] = plots_of(directory)
    root = xml.fromstring(canvas.draw(plot, ("html",))[0])
    assert not [element for element in root.iter() if element.tag.endswith("script")]
