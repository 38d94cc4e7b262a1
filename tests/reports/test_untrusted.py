"""Files, names and numbers from anywhere: what is read at all, what reaches a terminal or a table, and a few thousand damaged inputs."""

import contextlib
import csv
import dataclasses
import json
import os
import random
import re
import socket
import time

import pytest
from mutations import TIMES, mutations
from run_factory import HOST, RunFactory, grace_periods, pmu, spread
from test_host_kernel import add_reference

from shadowwalk_report import untrusted_file
from shadowwalk_report.answers import answers
from shadowwalk_report.bench.program import read_measurements
from shadowwalk_report.boundary import run_command, say
from shadowwalk_report.claims import judge_claims
from shadowwalk_report.claims.claim import LINE_WIDTH
from shadowwalk_report.compare.cli import main as compare
from shadowwalk_report.model import PlannedCell
from shadowwalk_report.report import main as report
from shadowwalk_report.report import write_report
from shadowwalk_report.result_file import read_failure, read_result, read_simulated
from shadowwalk_report.rows import Table
from shadowwalk_report.run_directory import load
from shadowwalk_report.untrusted_json import InputError, read_json
from shadowwalk_report.untrusted_text import MOST_SHOWN, shortened, spreadsheet_cell, visible
from shadowwalk_report.verdicts import QUESTIONS, Verdicts

HOSTILE = "a\x1b[2Jb\u009b2J\b\x85c\nd\te\r\u202ef\u2028g\ud800h\x7f"
ACTING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e]")  # but the end of a line


# Text

def test_what_would_act_is_shown_as_its_escape():
    assert visible(HOSTILE) == r"a\x1b[2Jb\x9b2J\x08\x85c\nd\te\r\u202ef\u2028g\ud800h\x7f"
    assert visible("größe µs ≥ 1 \u4e2d\U0001f600") == "größe µs ≥ 1 \u4e2d\U0001f600"
    assert visible("a\x01") != visible("a\x02")


def test_a_long_text_keeps_its_ends():
    assert shortened("x" * 600) == "x" * 600
    text = shortened("a" + "x" * 5000 + "b")
    assert len(text) == MOST_SHOWN and text.startswith("axx") and text.endswith("xxb") and "..." in text


@pytest.mark.parametrize("value, cell", [
    (None, ""), (-2.5, -2.5), ("-2.5", "-2.5"), ("+1e3", "+1e3"), ("=1+1", "'=1+1"), ("-2+3", "'-2+3"), ("@SUM(A1)", "'@SUM(A1)"),
    ("+a", "'+a"), ("\t=1", r"'\t=1"), ("\r=1", r"'\r=1"), ("a=1", "a=1"), ("", "")])
def test_no_cell_of_a_table_is_a_formula(value, cell):
    assert spreadsheet_cell(value) == cell


def test_what_is_printed_is_one_line_each(capsys):
    say(HOSTILE, "n" * 5000)
    run_command("name", load, HOSTILE)
    out, err = capsys.readouterr()
    assert [len(line) for line in out.splitlines()] == [len(visible(HOSTILE)), MOST_SHOWN] and not ACTING.search(out)
    assert err == f"name: {visible(HOSTILE)}: no such directory\n"


def test_names_reach_no_output_as_they_are(tmp_path, capsys):
    factory = RunFactory(tmp_path / "a\x1b[2J\nrun", 5, title=HOSTILE)
    for variant in ("irq-ipi", HOSTILE, "=cmd|x", "n" * 5000):
        factory.cell({"walk_ns_mean": spread(10), "walks_per_second": spread(1e6), HOSTILE: 1, "@f": 2}, variant=variant, zappers=0,
                     workload=HOSTILE, context={"kernel": HOSTILE},
                     extra={"command": HOSTILE, "flags": [HOSTILE], "unavailable": {"ipis": HOSTILE}})
    factory.fail(factory.plan(variant="hazard"), 0, status=HOSTILE, reason=HOSTILE, command=HOSTILE)
    run = factory.write()
    assert report([str(run), "--format", "html,md,csv,json"]) == 0
    assert compare([str(run), str(run), "--all"]) == 0
    assert report([str(run), "--out", str(run / "run.json" / HOSTILE[:50].replace("\ud800", ""))]) == 2
    out, err = capsys.readouterr()
    written = {path.name: path.read_text(encoding="utf-8") for path in (run / "report").iterdir()}
    assert {"index.html", "report.md", "cells.csv", "report.json"} < written.keys()
    for name, text in {**written, "stdout": out, "stderr": err}.items():
        assert not ACTING.search(text), name
    assert max(map(len, (out + err).splitlines())) <= MOST_SHOWN and err.count("\n") == 1
    with (run / "report" / "cells.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 1 + 20 and "'@f" in rows[0] and "'=cmd|x" in {cell for row in rows for cell in row}


# Files

def test_only_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    socket.socket(socket.AF_UNIX).bind(str(tmp_path / "socket"))
    begin = time.monotonic()
    for path, words in ((tmp_path / "fifo", "a pipe"), (tmp_path / "socket", ""), (tmp_path, "a directory"), ("/dev/zero", "a device"),
                        ("/dev/null", "a device")):
        with pytest.raises((ValueError, OSError), match=words):
            read_json(path)
    assert time.monotonic() - begin < 5


def test_a_pipe_that_the_user_named_is_read_with_patience(tmp_path, monkeypatch):
    read, write = os.pipe()
    os.write(write, b'{"a": 1}')
    os.close(write)
    assert read_json(f"/dev/fd/{read}", may_be_pipe=True) == {"a": 1}
    monkeypatch.setattr(untrusted_file, "PATIENCE_S", 0.05)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ValueError, match="nothing was written for 0.05 s"):
        read_json(tmp_path / "fifo", may_be_pipe=True)


def test_what_is_too_long_is_not_read(tmp_path, monkeypatch):
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ValueError, match="more than 64 MiB"):
        read_json(tmp_path / "sparse")
    monkeypatch.setattr(untrusted_file, "MOST_BYTES", 100)  # a file of /proc has the size 0
    with pytest.raises(ValueError, match="more than 0 MiB"):
        read_json("/proc/self/maps")


def test_cells_that_are_no_files_are_left_out(factory):
    cell = factory.cell({"walk_ns_mean": 20.0})
    for repetition, place in ((0, "fifo"), (1, "/dev/zero"), (2, "/nowhere")):
        factory.path(cell, repetition).unlink()
        if place == "fifo":
            os.mkfifo(factory.path(cell, repetition))
        else:
            factory.path(cell, repetition).symlink_to(place)
    run = load(factory.write())
    assert [lost.status for lost in run.left_out] == ["unreadable"] * 3 and len(run.results) == 2


# Numbers of a plan

@pytest.mark.parametrize("text", ["1e999", "-1e999", "NaN", "1" + "0" * 400, "9" * 5000, "2.5", "-1", "true", '"7"', "null", "[1]"])
@pytest.mark.parametrize("place", ["id", "repetitions", "order"])
def test_numbers_of_a_plan_that_are_none(factory, text, place):
    factory.cell({"walk_ns_mean": 20.0})
    path = factory.write() / "run.json"
    plan = {**json.loads(path.read_text()), "order": [["order", 0]], "repetitions": "repetitions"}
    plan["cells"][0]["id"] = "id"
    good = {"id": "0", "repetitions": "5", "order": "0"}
    text = re.sub('"(id|repetitions|order)"(?!:)', lambda m: {**good, place: text}[m[1]], json.dumps(plan))
    path.write_text(text)
    with pytest.raises(InputError) as error:
        load(factory.directory)
    assert str(path) in str(error.value) and "\n" not in str(error.value) and len(str(error.value)) < MOST_SHOWN


# Damaged inputs

MORE = {"pmu": [pmu("cycles")], "memory": {"rss_bytes": {"before": 1, "after": 2, "peak": 3}},
        "kvm_stats": {"exits": {"kind": "cumulative", "delta": 3}}, "grace_period_times": grace_periods([[1.0, 2.0]], 4)}


@pytest.fixture
def small_run(factory):
    for variant in ("irq-ipi", "leak"):
        factory.cell({"walk_ns_mean": [4.0, 5.0, 4.0, 4.1, 4.2], "violations": 0}, {"free_ns": [1, 2, 3]}, [4096, 8192],
                     variant=variant, extra=MORE)
    factory.fail(factory.plan(variant="hazard"), 0)
    factory.host, factory.rounds = HOST, [15]
    return factory.write()


def test_damaged_plans(small_run):
    path = small_run / "run.json"
    loaded = 0
    for content in mutations(json.loads(path.read_text()), 600, seed=1):
        path.write_bytes(content)
        try:
            loaded += load(small_run) is not None
        except InputError as error:
            assert "\n" not in str(error)
    assert 60 * TIMES < loaded < 540 * TIMES  # some are still plans


def test_damaged_results(small_run, tmp_path):
    path, read = tmp_path / "result.json", 0
    cell = PlannedCell(0, "cell", {"variant": "irq-ipi"})
    for content in mutations(json.loads((small_run / "cells" / "0000-r0.json").read_text()), 1200, seed=2):
        path.write_bytes(content)
        results, lost = read_result(path, cell, 0)
        read += bool(results)
        assert bool(results) != bool(lost) and read_failure(path, cell, 0).status
        with contextlib.suppress(ValueError):
            read_simulated(path)
    assert 120 * TIMES < read < 1080 * TIMES


def _peers(repetitions):
    """What `shadowwalk-bench --benchmark_out` writes."""
    return {"benchmarks": [{"name": name, "run_type": "iteration", "repetition_index": place, "cpu_time": 9.0, "time_unit": "ns",
                            "free_ns_p50": 3.0} for name in ("walk/leak/threads:1", "peer-reclaim/ck/hp/walker:idle")
                           for place in range(repetitions)]}


@pytest.mark.parametrize("kind, seed", [("cell", 5), ("host-kvm", 6)])
def test_damaged_results_are_reported(factory, kind, seed):
    add_reference(factory)
    measured = factory.cell({"walk_ns_mean": [4.0, 5.0, 4.0, 4.1, 4.2], "violations": 0}, {"free_ns": [1, 2, 3]}, [4096, 8192], extra=MORE)
    path = factory.path({"cell": measured, "host-kvm": 0}[kind], 0)
    run, reported = factory.write(), 0
    for content in mutations(json.loads(path.read_text()), 25, seed):
        path.write_bytes(content)
        reported += write_report(run, factory.directory / "report", None, ("md", "csv", "json")) is not None
    assert reported == 25 * TIMES


def test_damaged_files_beside_the_cells(factory):
    cell = factory.cell({"walk_ns_mean": 4.0})
    failure = factory.plan(variant="hazard")
    factory.fail(failure, 0, command=["shadowwalk", "cell"])
    simulated = factory.result(cell, 0, {"walk_ns_mean": 4.0}, simulated={
        "topology": "t", "held_against_host": [{"vcpus": 1, "simulated_ratio": 2.0, "measured_ratio": 3.0}]})
    run = factory.write()
    note = factory.path(failure, 0, failed=True)
    for path, document in ((run / "bench" / "x.json", _peers(2)), (run / "simulated" / "x.json", simulated), (note, json.loads(note.read_text()))):
        path.parent.mkdir(exist_ok=True)
        for content in mutations(document, 200, seed=4):
            path.write_bytes(content)
            with contextlib.suppress(InputError):
                assert path != note or load(run).left_out
                load(run)
        path.write_text(json.dumps(document))


def test_damaged_google_benchmarks(tmp_path, capsys):
    entries = [{"name": name, "family_index": 0, "per_family_instance_index": 0, "run_name": name, "run_type": "iteration",
                "repetitions": 4, "repetition_index": place, "threads": 1, "real_time": 10.0 + place, "cpu_time": 9.0 + place,
                "time_unit": "ns"}
               for name in ("A", "B/real_time") for place in range(4)]
    entries += [{"name": "A_median", "run_name": "A", "run_type": "aggregate", "aggregate_name": "median", "cpu_time": 3,
                 "time_unit": "ns"}, {"name": "C", "run_type": "iteration", "error_occurred": True, "error_message": "gone"}]
    document = {"context": {"host_name": "h", "num_cpus": 2, "library_build_type": "release"}, "benchmarks": entries}
    good, bad, codes = tmp_path / "good.json", tmp_path / "bad.json", set()
    good.write_text(json.dumps(document))
    for content in mutations(document, 900, seed=3):
        bad.write_bytes(content)
        sides = (good, bad) if bad.stat().st_size % 2 else (bad, good)
        code = compare([*map(str, sides), "--fail-on", "slower:5%"])
        out, err = capsys.readouterr()
        assert (code == 2) == (out == "") and err.count("\n") == (code == 2) and "internal error" not in err, content
        codes.add(code)
    assert codes == {0, 1, 2, 3}


def test_damaged_results_of_programs_that_are_run(tmp_path):
    path, read = tmp_path / "round.json", 0
    for content in mutations(_peers(1), 300, seed=7):
        path.write_bytes(content)
        with contextlib.suppress(ValueError):
            read += bool(read_measurements(path))
    assert 30 * TIMES < read < 270 * TIMES


@pytest.mark.parametrize("threads", ["\u00b2", "\u0663", "9" * 5000, "-1", "", "1.5", "0"],
                         ids=lambda text: ascii(text[:9]))
def test_a_number_of_threads_that_is_none_is_left_out(factory, threads):
    factory.cell({"walk_ns_mean": 4.0})
    run = factory.write()
    (run / "bench").mkdir()
    document = json.dumps(_peers(1)).replace("threads:1", f"threads:{threads}")
    (run / "bench" / "x.json").write_text(document, encoding="utf-8")
    assert not load(run).bench.walks


def test_reports_of_absurd_numbers(factory):
    for number in (1e-320, 9e99, -9e99, 2**63):
        factory.cell({"walk_ns_mean": [4.0, number, 5.0, 4.0, 4.0], "walks_per_second": number, "free_ns_p99": number, "zap_ns_p99": 3.0,
                      "retired_bytes_peak": number, "violations": number}, variant=f"v{number}")
    write_report(factory.write(), factory.directory / "report", None, ("md", "csv", "json"))


ABSURD = (0.0, -1.0, 1e-320, 5e-324, 1e-9, 1.0, 3.5, 4096.0, 9e99, -9e99, 2.0**63)


def test_claims_and_verdicts_of_absurd_numbers(factory):
    dice = random.Random(11)
    for _ in range(40 * TIMES):
        factory.cells.clear()
        for zappers, vcpus, interval in ((1, 1, 0), (1, 1, "host"), (0, 1, 0), (0, 2, 0)):
            for variant in ("leak", "rcu-counter", "irq-ipi", "irq-ipi-2012"):
                names = (("deferred_bytes_peak", "deferred_bytes_mean", "deferred_bytes_predicted", "retired_bytes_peak", "free_ns_p99",
                          "grace_period_ns_p50") if zappers else ("walk_ns_mean", "walks_per_second", "line_transfer_ns"))
                extra = {"noise": {"core_speed": dice.choice(ABSURD), "reasons": []}}
                factory.cell({name: [dice.choice(ABSURD) for _ in range(5)] for name in names if dice.random() < 0.9}, variant=variant,
                             zappers=zappers, vcpus=vcpus, rcu_interval_ns=interval, extra=extra, noisy={dice.randrange(5): []},
                             walks_per_exit=dice.choice((1, 1024)), context={"num_cpus": dice.choice((2, 8))})
        run = load(factory.write())
        table = Table(run.results)
        verdicts = Verdicts(table)
        claims, told = judge_claims(run, table), answers(table, verdicts)
        json.dumps([[claim.line, claim.sentence, claim.remarks] for claim in claims] + [answer.sentence for answer in told], allow_nan=False)
        for question in QUESTIONS:
            for row in table.all_rows:
                if ruling := verdicts.ruling(question, row):
                    json.dumps(dataclasses.astuple(ruling.comparison)[1:2] + (ruling.comparison.p,), allow_nan=False)
        assert all(len(claim.line) <= LINE_WIDTH and "nan" not in claim.sentence for claim in claims)
