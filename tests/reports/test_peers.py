"""What shadowwalk-bench measured beside a run: ours and other libraries' schemes in one table and figure."""

import csv
import json

import pytest
from run_factory import material_of

from shadowwalk_report.report import FORMATS, write_report
from shadowwalk_report.run_directory import load
from shadowwalk_report.topics import peers
from shadowwalk_report.untrusted_json import InputError

NS = {"walk/leak": 3.0, "walk/hazard": 9.0, "peer/ck/hp": 12.0, "peer/std/shared_mutex": 15.0}
ABSENT = "libcds-dev was not there when this was built"


def walk(name, ns, repetition, threads):
    return {"name": f"{name}/threads:{threads}", "run_type": "iteration", "repetition_index": repetition, "threads": threads,
            "real_time": 99.0, "cpu_time": ns, "time_unit": "ns"}


def reclaim(name, repetition, **counters):
    return {"name": f"{name}/walker:steady/iterations:1/manual_time", "run_type": "iteration", "repetition_index": repetition,
            "real_time": 5.0, "cpu_time": 5.0, "time_unit": "ns", **counters}


def document(repetitions=5):
    entries = []
    for repetition in range(repetitions):
        slower = 1 + repetition / 10  # a host that drifts: ratios within repetitions do not
        entries += [walk(name, ns * threads * slower, repetition, threads) for name, ns in NS.items() for threads in (1, 2)]
        entries += [reclaim("reclaim/hazard", repetition, free_ns_p50=600.0, free_ns_p99=1200.0, retired_pages_peak=64.0, violations=0.0),
                    reclaim("reclaim/leak", repetition, retired_pages_peak=10_000.0, violations=0.0),
                    reclaim("peer-reclaim/ck/hp", repetition, free_ns_p50=700.0, free_ns_p99=1300.0, retired_pages_peak=63.0, violations=0.0)]
    entries += [{"name": "peer/libcds/hp/threads:1", "run_type": "iteration", "error_occurred": True, "error_message": ABSENT},
                {"name": "walk/leak/pages:1000/iterations:9", "run_type": "iteration", "real_time": 1, "cpu_time": 1, "time_unit": "ns"},
                {"name": "walk/leak/threads:1_mean", "run_type": "aggregate", "real_time": 1, "cpu_time": 1, "time_unit": "ns"}]
    return {"context": {}, "benchmarks": entries}


@pytest.fixture
def run(factory):
    factory.cell({"walks_per_second": 1e8, "walk_ns_mean": 10.0}, variant="irq-ipi")
    directory = factory.write()
    (directory / "bench").mkdir()
    (directory / "bench" / "peers.json").write_text(json.dumps(document()))
    return directory


def lines_of(sheet):
    return {line.head: dict(zip((title for title, _ in sheet.columns), line.cells)) for line in sheet.lines}


def test_walks_are_held_against_leak_within_repetitions(run):
    found = peers.content(material_of(load(run)))
    one, two, steady = found.sheets
    assert [line.head for line in one.lines] == ["leak", "hazard", "peer/ck/hp", "peer/std/shared_mutex"]
    lines = lines_of(one)
    assert lines["peer/ck/hp"]["over leak"].value == "4x" or lines["peer/ck/hp"]["over leak"].value == "4.00x"
    assert lines["hazard"]["walk"].value.startswith("10.8")  # the median of 9.0 .. 12.6
    assert "2 threads" in two.title and "50,000" in steady.title
    assert any(ABSENT in note and "peer/libcds/hp" in note for note in found.notes)


def test_a_scheme_that_frees_nothing_has_no_latency(run):
    lines = lines_of(peers.content(material_of(load(run))).sheets[-1])
    assert lines["peer/ck/hp"]["retired peak"].value == "63"
    assert lines["leak"]["free p50"].hint == "no page was freed in the window"
    assert lines["hazard"]["free p99"].value.startswith("1.2")


def test_the_figure_and_its_data(run, tmp_path):
    write_report(run, tmp_path / "out", None, FORMATS)
    with (tmp_path / "out" / "peers.csv").open(encoding="utf-8") as file:
        rows = {(row["scheme"], row["threads"]): row for row in csv.DictReader(file)}
    assert float(rows["peer/std/shared_mutex", "2"]["over_leak"]) == pytest.approx(5)
    assert len(rows) == 2 * len(NS)
    page = (tmp_path / "out" / "index.html").read_text()
    assert "Beside other libraries" in page and "peer/ck/hp" in page and ABSENT in page
    assert (tmp_path / "out" / "peers.png").read_bytes().startswith(b"\x89PNG")


def test_without_the_speed_limit_there_are_times_and_no_figure(run):
    path = run / "bench" / "peers.json"
    whole = json.loads(path.read_text())
    whole["benchmarks"] = [entry for entry in whole["benchmarks"] if not entry["name"].startswith("walk/leak")]
    path.write_text(json.dumps(whole))
    loaded = load(run)
    assert list(peers.plots(material_of(loaded))) == []
    assert lines_of(peers.content(material_of(loaded)).sheets[0])["hazard"]["over leak"].hint == "leak was not measured"


def test_a_run_without_it_has_no_section(factory):
    factory.cell({"walks_per_second": 1e8, "walk_ns_mean": 10.0}, variant="irq-ipi")
    loaded = load(factory.write())
    assert peers.content(material_of(loaded)) is None and list(peers.plots(material_of(loaded))) == []


def test_several_files_are_one(run):
    for name in ("peers", "others"):
        (run / "bench" / f"{name}.json").write_text(json.dumps(document(2)))
    assert len(load(run).bench.walks["leak", 1]) == 4


@pytest.mark.parametrize("text", ["{", "[]", '{"benchmarks": 3}', '{"benchmarks": [{"name": 3}]}'])
def test_what_is_no_result_is_refused_by_name(run, text):
    (run / "bench" / "other.json").write_text(text)
    with pytest.raises(InputError, match=r"other\.json: .*shadowwalk-bench"):
        load(run)
