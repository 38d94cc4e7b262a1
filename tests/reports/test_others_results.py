"""`compare` on files of other programs: which entries are one benchmark, all libraries since 1.4, aggregates, failures, other formats."""

import json

import pytest
from run_factory import spread

from shadowwalk_report.compare.cli import main
from shadowwalk_report.compare.judge import judge
from shadowwalk_report.compare.side import read_side
from shadowwalk_report.statistics import Verdict

GATE = ("--fail-on", "slower:5%")


@pytest.fixture
def file(tmp_path):
    """file(name, entries) -> the path of a result of Google Benchmark."""
    def make(name, entries, context=None):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({"context": {"host_name": "bench1", "num_cpus": 8, "library_build_type": "release", **(context or {})},
                                    "benchmarks": entries}))
        return path
    return make


def measured(name, ns, count=8, wall=None, **more):
    """The entries of a benchmark as libraries since 1.6 write them; `ns` of CPU time, `wall` if that differs."""
    return [{"name": name, "family_index": 0, "per_family_instance_index": 0, "run_name": name, "run_type": "iteration",
             "repetitions": count, "repetition_index": place, "threads": 1, "iterations": 1000, "real_time": wall_ns, "cpu_time": cpu_ns,
             "time_unit": "ns", **more} for place, (cpu_ns, wall_ns) in enumerate(zip(spread(ns, count), spread(wall or ns, count)))]


def called(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    return code, *capsys.readouterr()


def compared(base, new):
    return {row.name: row.verdict for row in judge(read_side(base), read_side(new), 0.05).compared}


# Which entries are one benchmark

@pytest.mark.parametrize("suffix", ["/real_time", "/process_time", "/manual_time", "/process_time/real_time", "/threads:2",
                                    "/iterations:100", "/repeats:8", "/min_time:0.500", "/min_warmup_time:1.000", "/8", "/8/64"])
def test_one_function_registered_twice_is_two_benchmarks(file, capsys, suffix):
    by_wall = suffix.endswith(("real_time", "manual_time"))
    both = [measured("BM_Map", 100) + measured(f"BM_Map{suffix}", 100 if by_wall else ns, wall=ns if by_wall else None)
            for ns in (1000, 1300)]
    base, new = file("base", both[0]), file("new", both[1])
    assert compared(base, new) == {"BM_Map": Verdict.SAME, f"BM_Map{suffix}": Verdict.SLOWER}
    code, out, _ = called(capsys, base, new, *GATE)
    assert code == 1 and f"FAILED time 1.300x: BM_Map{suffix}\n" in out


@pytest.mark.parametrize("field", ["family_index", "per_family_instance_index"])
def test_benchmarks_of_one_name_are_told_apart_by_their_place(file, capsys, field):
    base = file("base", measured("BM", 100, **{field: 0}) + measured("BM", 1000, **{field: 1}))
    new = file("new", measured("BM", 100, **{field: 3}) + measured("BM", 1300, **{field: 4}))  # with others in front
    assert compared(base, new) == {"BM (number 1 of 2 with this name)": Verdict.SAME, "BM (number 2 of 2 with this name)": Verdict.SLOWER}
    one = file("one", measured("BM", 100) + measured("BM_B", 10))
    code, out, _ = called(capsys, file("two", json.loads(base.read_text())["benchmarks"] + measured("BM_B", 10)), one, *GATE)
    assert code == 3 and "NOT JUDGED BM (base has 2 benchmarks with this name, new 1)" in out


def test_an_iteration_has_its_full_name_also_where_its_run_name_is_shorter(file):
    base, new = (file(name, measured("BM/real_time", 100, wall=wall, run_name="BM") + measured("BM", 100))
                 for name, wall in (("base", 100), ("new", 200)))
    assert compared(base, new) == {"BM/real_time": Verdict.SLOWER, "BM": Verdict.SAME}


def test_what_cannot_be_told_apart_is_not_merged_and_passes_no_gate(file, capsys):
    twice = measured("BM", 100) + measured("BM", 1000)
    for entry in twice:  # as 1.5 writes them
        del entry["family_index"], entry["per_family_instance_index"]
    base, new = file("base", twice + measured("BM_B", 10)), file("new", twice + measured("BM_B", 10))
    assert compared(base, new) == {"BM_B": Verdict.SAME}
    code, out, _ = called(capsys, base, new, *GATE)
    assert code == 3 and "NOT JUDGED BM (base: its repetition 0 is there more than once" in out
    assert called(capsys, file("base", twice), file("new", twice), *GATE)[0] == 3
    assert called(capsys, file("base", twice), file("new", twice))[0] == 2


# Libraries

def aggregate(name, statistic, ns, **more):
    return {"name": f"{name}_{statistic}", "run_name": name, "run_type": "aggregate", "aggregate_name": statistic, "real_time": ns,
            "cpu_time": ns, "time_unit": "ns", **more}


def as_1_4(entries):
    """Without run_name, run_type and repetition_index."""
    return [{key: entry[key] for key in ("name", "iterations", "real_time", "cpu_time", "time_unit", "big_o", "rms", "cpu_coefficient")
             if key in entry} for entry in entries]


def with_aggregates(ns):
    return [*measured("BM_A", ns), *(aggregate("BM_A", word, ns) for word in ("mean", "median", "stddev", "max")),
            *measured("BM_A_small", 10), *(aggregate("BM_A_small", word, 10) for word in ("mean", "median", "stddev")),
            {"name": "BM_A_BigO", "run_name": "BM_A", "run_type": "aggregate", "aggregate_name": "BigO", "cpu_coefficient": 3.0,
             "big_o": "N", "time_unit": "ns"},
            {"name": "BM_A_RMS", "run_name": "BM_A", "run_type": "aggregate", "aggregate_name": "RMS", "rms": 0.1}]


@pytest.mark.parametrize("library", ["1.4", "1.5", "1.9"])
def test_aggregates_beside_repetitions_are_no_benchmarks(file, library):
    def written(ns):
        entries = with_aggregates(ns)
        if library == "1.5":
            entries = [{key: value for key, value in entry.items() if "index" not in key or key == "repetition_index"} for entry in entries]
        return as_1_4(entries) if library == "1.4" else entries
    base, new = file("base", written(100)), file("new", written(150))
    assert compared(base, new) == {"BM_A": Verdict.SLOWER, "BM_A_small": Verdict.SAME}
    found = judge(read_side(base), read_side(new), 0.05)
    assert found.without == [] and found.failed == []


@pytest.mark.parametrize("library", ["1.4", "1.9"])
def test_aggregates_alone_are_compared_by_their_median_without_a_verdict(file, capsys, library):
    sides = [[aggregate("BM_A", word, ns * share) for word, share in (("mean", 1.1), ("median", 1), ("stddev", 0.1), ("cv", 0.01))
              if library != "1.4" or word != "cv"] for ns in (100, 150)]
    base, new = (file(name, as_1_4(side) if library == "1.4" else side) for name, side in zip(("base", "new"), sides))
    code, out, _ = called(capsys, base, new, "--all")
    assert code == 0 and "1.500" in out and "ONLY_AGGREGATES: only aggregates and no repetitions" in out
    code, out, _ = called(capsys, base, new, *GATE)
    assert code == 3 and "NOT JUDGED time 1.500x: BM_A (only aggregates" in out
    assert called(capsys, base, new, *GATE, "--allow-few")[0] == 0
    code, out, _ = called(capsys, file("all", measured("BM_A", 100)), new, "--all")
    assert code == 0 and "1.500" in out


def test_what_failed_is_no_aggregate_of_a_shorter_name(file, capsys):
    base, new = (file(name, as_1_4(measured("BM", 10) + measured("BM_x", 10)) if name == "base" else
                      as_1_4(measured("BM", 10)) + [{"name": "BM_x", "error_occurred": True, "error_message": "gone"}])
                 for name in ("base", "new"))
    code, out, _ = called(capsys, base, new, *GATE)
    assert code == 1 and "FAILED error: gone: BM_x\n" in out


def test_units_and_times_that_no_clock_gives(file):
    [row] = judge(read_side(file("base", measured("BM", 1.5, time_unit="us"))), read_side(file("new", measured("BM", 1500))), 0.05).compared
    assert row.verdict is Verdict.SAME
    for time in (0, -1, float("nan"), float("inf"), 1e200, 1e-200, 10**400, "5", None):
        bad = read_side(file("bad", [{**entry, "cpu_time": time} for entry in measured("BM", 1)]))
        assert bad.measured == set() and bad.failed["BM"].words == "error: it reported no time"


# Failures

ERROR = {"error_occurred": True, "error_message": "no second node", "real_time": 0.0, "cpu_time": 0.0}
SKIPPED = {"skipped": True, "skip_message": "needs two nodes", "real_time": 0.0, "cpu_time": 0.0}


@pytest.mark.parametrize("mark, words", [(ERROR, "error: no second node"), (SKIPPED, "skipped: needs two nodes"),
                                         ({"error_occurred": True}, "error: it reported no reason")])
def test_what_new_did_not_measure_fails_the_gate_with_its_own_message(file, capsys, mark, words):
    base = file("base", measured("BM_A", 10) + measured("BM_B", 10))
    new = file("new", measured("BM_A", 10) + measured("BM_B", 10, count=1, **mark))
    code, out, _ = called(capsys, base, new)
    assert code == 0 and f"not compared: BM_B: new: {words}\n" in out
    for rules in ("slower:5%", "missing"):
        code, out, _ = called(capsys, base, new, "--fail-on", rules)
        assert code == 1 and f"FAILED {words}: BM_B\n" in out
    assert called(capsys, new, base, *GATE)[0] == 0
    assert called(capsys, new, new, *GATE)[0] == 0  # what both cannot measure is a matter of the host
    assert called(capsys, file("a", measured("BM_A", 10)), new, *GATE)[0] == (0 if mark is SKIPPED else 1)
    assert words in called(capsys, file("b", measured("BM_B", 10)), file("n", measured("BM_B", 10, count=1, **mark)))[2]


def test_a_failure_in_some_repetitions_fails_the_gate_too(file, capsys):
    base, entries = file("base", measured("BM", 10)), measured("BM", 10)
    entries[3] |= ERROR
    code, out, _ = called(capsys, base, file("new", entries), *GATE)
    assert code == 1 and "FAILED error in 1 of 8 repetitions: no second node: BM\n" in out
    assert "only partly measured: BM: new: error in 1 of 8" in out and "1 SAME" in out
    entries[3] |= {"error_occurred": False, "cpu_time": float("nan")}
    assert "FAILED error in 1 of 8 repetitions: it reported no time: BM\n" in called(capsys, base, file("new", entries), *GATE)[1]


# Other formats

@pytest.mark.parametrize("tool, document", [
    ("hyperfine", {"results": [{"command": "sleep 0.1", "mean": 0.1, "times": [0.1, 0.2]}]}),
    ("nvbench", {"devices": [], "benchmarks": [{"name": "copy", "states": []}]}),
    ("pytest-benchmark", {"machine_info": {}, "benchmarks": [{"name": "t", "fullname": "t.py::t", "stats": {"mean": 0.1}}]}),
    ("pyperf", {"version": "1.0", "benchmarks": [{"metadata": {"name": "x"}, "runs": []}]}),
    ("JMH", [{"benchmark": "a.B.c", "primaryMetric": {"score": 1}}]),
    ("BenchmarkDotNet", {"HostEnvironmentInfo": {}, "Benchmarks": []}),
    ("criterion", {"mean": {}, "median": {}, "std_dev": {}}),
    ("nanobench", {"results": [{"title": "t", "name": "x", "measurements": []}]})])
def test_other_formats_are_refused_by_name(file, tmp_path, capsys, tool, document):
    path = tmp_path / "other.json"
    path.write_text(json.dumps(document))
    code, out, err = called(capsys, file("base", measured("BM", 10)), path)
    assert (code, out, err.count("\n")) == (2, "", 1) and f"JSON of {tool}: compare reads Google Benchmark's JSON" in err


@pytest.mark.parametrize("text, what", [
    ("name,iterations,real_time,cpu_time,time_unit,bytes_per_second\nBM,1,2,3,ns,\n", "Google Benchmark's CSV"),
    ("Running ./bm\nRun on (8 X 3000 MHz CPU s)\n-----\nBenchmark\n", "Google Benchmark's console output"),
    ("goos: linux\nBenchmarkX-8 \t 100 \t 12 ns/op\n", "Go's benchmark text")])
def test_texts_are_refused_by_name(file, tmp_path, capsys, text, what):
    path = tmp_path / "other.txt"
    path.write_text(text)
    code, _, err = called(capsys, path, file("new", measured("BM", 10)))
    assert code == 2 and f"it is {what}" in err and err.count("\n") == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_file_that_powershell_wrote_is_read(file, tmp_path, encoding):
    base = file("base", measured("BM_größe", 10))
    (tmp_path / "new.json").write_bytes(base.read_text().encode(encoding))
    assert compared(base, tmp_path / "new.json") == {"BM_größe": Verdict.SAME}
