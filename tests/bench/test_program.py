"""Running a benchmark program and reading its result."""

import json

import pytest

from shadowwalk_report.bench.program import Measurement, Program, ProgramFailed, measure_rounds, read_measurements
from shadowwalk_report.google_benchmark import measured_time, stem
from shadowwalk_report.untrusted_json import InputError


@pytest.mark.parametrize("name, expected", [
    ("walk/leak/threads:2", "walk/leak/threads:2"),
    ("zap_all/irq-ipi/pages:1000/iterations:100000/manual_time", "zap_all/irq-ipi/pages:1000"),
    ("exit/doorbell/burst:2/real_time", "exit/doorbell/burst:2"),
    ("walk/leak/real_time/threads:2", "walk/leak/threads:2"),
    ("real_timer/x", "real_timer/x")])
def test_stem(name, expected):
    assert stem(name) == expected


@pytest.mark.parametrize("name, ns", [("walk/leak/threads:2", 3000), ("commit/leak/iterations:9/manual_time", 5000),
                                      ("exit/mmio/real_time", 5000)])
def test_time_is_the_one_that_the_benchmark_goes_by(name, ns):
    assert measured_time({"name": name, "real_time": 5, "cpu_time": 3, "time_unit": "us"}) == ns


@pytest.mark.parametrize("entry", [{"cpu_time": 0, "time_unit": "ns"}, {"cpu_time": "3", "time_unit": "ns"}, {},
                                   {"cpu_time": 3, "time_unit": "fortnight"}, {"cpu_time": -1, "time_unit": "ns"}])
def test_no_time(entry):
    assert measured_time({"name": "x", **entry}) is None


def write(tmp_path, document):
    path = tmp_path / "out.json"
    path.write_text(json.dumps(document))
    return path


def test_reads_times_errors_and_counters_and_leaves_aggregates_out(tmp_path):
    found = read_measurements(write(tmp_path, {"benchmarks": [
        {"name": "a/manual_time", "run_type": "iteration", "real_time": 2, "cpu_time": 9, "time_unit": "ns", "c": 7.5},
        {"name": "b", "run_type": "iteration", "error_occurred": True, "error_message": "no such device"},
        {"name": "a/manual_time_mean", "run_type": "aggregate", "real_time": 2, "cpu_time": 9, "time_unit": "ns"}]}))
    assert set(found) == {"a", "b"}
    assert found["a"].ns == 2 and found["a"].counters["c"] == 7.5
    assert found["b"] == Measurement(None, "no such device")


def test_two_benchmarks_with_one_stem_keep_what_distinguishes_them(tmp_path):
    found = read_measurements(write(tmp_path, {"benchmarks": [
        {"name": name, "real_time": 2, "cpu_time": 9, "time_unit": "ns"} for name in ("a", "a/real_time", "b/real_time")]}))
    assert {name: measured.ns for name, measured in found.items()} == {"a": 9, "a/real_time": 2, "b": 2}


def test_what_was_skipped_says_so(tmp_path):
    found = read_measurements(write(tmp_path, {"benchmarks": [{"name": "a", "skipped": True, "skip_message": "no second node"}]}))
    assert found["a"] == Measurement(None, "skipped: no second node")


@pytest.mark.parametrize("document", [[], {}, {"benchmarks": 3}, {"benchmarks": [3]}, {"benchmarks": [{"name": 3}]}])
def test_what_is_no_result(tmp_path, document):
    with pytest.raises(ValueError):
        read_measurements(write(tmp_path, document))


def test_rounds_alternate_their_order(stand_in, tmp_path):
    programs = [Program(stand_in(name, {"x": [1.0, 2.0, 3.0]})) for name in ("a", "b")]
    results = measure_rounds(programs, ".", 3, 0.01)
    assert (tmp_path / "log").read_text().split() == ["a", "b", "b", "a", "a", "b"]
    assert [m.ns for m in results[0]["x"]] == [1, 2, 3]


@pytest.mark.parametrize("how, said", [("signal 11", "died of SIGSEGV"), ("exit 7", "exited with 7: it went wrong"),
                                       ("exit 1", "exited with 1: it went wrong"), ("cut", "its result: "),
                                       ("late-exit 1", "exited with 1"), ("late-exit 7", "exited with 7")])
def test_program_that_fails(stand_in, how, said):
    program = Program(stand_in("a", {"x": [1.0]}, ends={"0": how}))
    with pytest.raises(ProgramFailed) as failure:
        program.measure(".", 0.01)
    assert said in str(failure.value) and "\n" not in str(failure.value)


def test_a_benchmark_that_failed_is_an_entry_like_others(stand_in):
    program = Program(stand_in("a", {"x": "the pool is exhausted", "y": [2.0]}, ends={"0": "late-exit 1"}))
    found = program.measure(".", 0.01)
    assert found["x"].error == "the pool is exhausted" and found["y"].ns == 2


def test_program_that_is_none(tmp_path):
    with pytest.raises(InputError, match="no such program"):
        Program(tmp_path / "nothing")
    file = tmp_path / "file"
    file.write_text("text")
    with pytest.raises(InputError, match="not executable"):
        Program(file)
    file.chmod(0o755)
    with pytest.raises(InputError, match="cannot be run"):
        Program(file).names()
