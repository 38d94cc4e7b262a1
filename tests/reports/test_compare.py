"""`compare`: what is held against what, the gate and its exit codes, hosts, and whose JSON it reads."""

import json

import pytest
from run_factory import CONTEXT, PAGE, RunFactory, spread

from shadowwalk_report.compare.cli import main
from shadowwalk_report.compare.judge import judge
from shadowwalk_report.compare.side import read_side
from shadowwalk_report.statistics import Reason, Verdict


@pytest.fixture
def run(tmp_path):
    """run(name, {variant: ns of a walk}, ...) -> a run's directory."""
    def make(name, walks, repetitions=7, context=None, **options):
        factory = RunFactory(tmp_path / name, repetitions)
        for variant, ns in walks.items():
            factory.cell({"walk_ns_mean": spread(ns, repetitions), "walks_per_second": spread(1e9 / ns, repetitions)},
                         variant=variant, zappers=0, context=context, **options)
        return factory.write()
    return make


def verdicts(base, new, effect=0.05):
    found = judge(read_side(base), read_side(new), effect)
    return {(row.metric, row.name.split("/")[0]): row.verdict for row in found.compared}


def called(capsys, *arguments):
    """(exit code, stdout, stderr)."""
    code = main([str(argument) for argument in arguments])
    return code, *capsys.readouterr()


def refused(capsys, *arguments):
    code, out, err = called(capsys, *arguments)
    assert (code, out) == (2, "") and err.startswith("shadowwalk: compare: ") and err.count("\n") == 1
    return err


def test_a_run_is_the_same_as_itself(run):
    base = run("base", {"irq-ipi": 10, "hazard": 20})
    assert set(verdicts(base, base).values()) == {Verdict.SAME}


def test_slower_and_faster_by_times_and_by_rates(run):
    found = verdicts(run("base", {"irq-ipi": 10, "hazard": 20, "leak": 5}),
                     run("new", {"irq-ipi": 13, "hazard": 16, "leak": 5}))
    for metric in ("walk_ns_mean", "walks_per_second"):
        assert found[metric, "irq-ipi"] is Verdict.SLOWER
        assert found[metric, "hazard"] is Verdict.FASTER
        assert found[metric, "leak"] is Verdict.SAME


def test_the_gate_fails_and_names_the_cells(run, capsys):
    base, new = run("base", {"irq-ipi": 10, "hazard": 20}), run("new", {"irq-ipi": 12, "hazard": 20})
    code, out, _ = called(capsys, base, new, "--fail-on", "slower:5%")
    assert code == 1
    failed = [line for line in out.splitlines() if line.startswith("FAILED")]
    assert [line.split(":")[0] for line in failed] == ["FAILED walk_ns_mean 1.200x", "FAILED walks_per_second 0.833x"]
    assert all("irq-ipi/mmio-poll/vcpus:1" in line for line in failed)
    assert called(capsys, base, new)[0] == 0  # without a gate nothing fails
    assert called(capsys, base, new, "--fail-on", "slower:30%")[0] == 0
    assert called(capsys, new, base, "--fail-on", "slower:5%")[0] == 0  # faster is no failure
    assert called(capsys, base, new, "--fail-on", "slower:5%", "--metrics", "zap_ns_p99,walks_per_second")[0] == 1
    assert "--metrics" in refused(capsys, base, new, "--metrics", "sheep")


@pytest.mark.parametrize("repetitions, reason", [(1, Reason.TOO_FEW), (3, Reason.TOO_FEW)])
def test_a_gate_does_not_pass_with_too_few_repetitions_to_judge(run, capsys, repetitions, reason):
    base, new = (run(name, {"irq-ipi": ns, "hazard": ns}, repetitions) for name, ns in (("base", 10), ("new", 30)))
    code, out, _ = called(capsys, base, new, "--fail-on", "slower:5%")
    assert code == 3 and "4 of 4 comparisons have no verdict" in out and f"{reason.name}: {reason.value}" in out
    assert out.count("NOT JUDGED walk_ns_mean 3.000x: irq-ipi/") == 1 and "too few repetitions to judge" in out.splitlines()[-1]
    assert called(capsys, base, new, "--fail-on", "slower:5%", "--allow-few")[0] == 0
    assert called(capsys, base, new, "--fail-on", "missing")[0] == 0  # it asks for no verdict
    assert called(capsys, base, new)[0] == 0


def test_one_cell_that_cannot_be_judged_is_enough(run, tmp_path, capsys):
    base = run("base", {"irq-ipi": 10, "hazard": 10})
    factory = RunFactory(tmp_path / "new", 7)
    factory.cell({"walk_ns_mean": spread(10, 7)}, variant="irq-ipi", zappers=0)
    factory.cell({"walk_ns_mean": spread(10, 7)}, variant="hazard", zappers=0, noisy={r: ["other load"] for r in range(4)})
    code, out, _ = called(capsys, base, factory.write(), "--fail-on", "slower:5%")
    assert code == 3 and out.count("NOT JUDGED") == 1 and "NOT JUDGED walk_ns_mean 1.020x: hazard/" in out
    factory.cell({"walk_ns_mean": spread(10, 7)}, variant="leak", zappers=0, noisy={r: ["other load"] for r in range(7)})
    new = factory.write()
    assert "(walk_ns_mean of base: all results are noisy or perturbed)" in called(capsys, new, new, "--fail-on", "slower:5%")[1]


def test_four_repetitions_judge_what_is_clear_among_many(run, capsys):
    names = [f"scheme-{place}" for place in range(30)]
    base, new = (run(name, dict.fromkeys(names, ns), 4) for name, ns in (("base", 10), ("new", 30)))
    code, out, _ = called(capsys, base, new, "--fail-on", "slower:5%")
    assert code == 1 and out.count("FAILED") == 60


def nothing_compared(capsys, *arguments):
    code, out, err = called(capsys, *arguments)
    [line] = [line for line in out.splitlines() if line.startswith("NOTHING COMPARED: ")]
    assert (code, err) == (3, "") and line.endswith(": the gate neither failed nor passed")
    return line


def test_a_gate_that_compared_nothing_does_not_pass(run, tmp_path, capsys):
    base, new = run("base", {"irq-ipi": 10}), run("new", {"hazard": 10})
    assert "share nothing that can be compared" in nothing_compared(capsys, base, new, "--fail-on", "slower:5%")
    assert "share nothing" in refused(capsys, base, new)  # without a gate it is bad input
    assert called(capsys, base, new, "--fail-on", "missing")[0] == 1
    nothing_compared(capsys, base, base, "--metrics", "zap_ns_p99", "--fail-on", "missing")
    nothing_compared(capsys, base, new, "--fail-on", "slower:5%", "--allow-few")  # few repetitions are something, this is nothing
    empty = RunFactory(tmp_path / "empty", 7)
    empty.plan()
    empty = empty.write()
    nothing_compared(capsys, empty, empty, "--fail-on", "slower:5%,missing", "--json", tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text())["compared"] == []


def all_noisy(path, ns, repetitions=7):
    factory = RunFactory(path, repetitions)
    factory.cell({"walk_ns_mean": spread(ns, repetitions)}, variant="irq-ipi", zappers=0,
                 noisy={r: ["other load"] for r in range(repetitions)})
    return factory.write()


def test_a_gate_over_noise_alone_saw_nothing_unless_it_is_asked_to(tmp_path, capsys):
    base, new = all_noisy(tmp_path / "base", 10), all_noisy(tmp_path / "new", 12)
    assert "all results are noisy" in nothing_compared(capsys, base, new, "--fail-on", "slower:5%")
    out_file = tmp_path / "out.json"
    code, out, _ = called(capsys, base, new, "--fail-on", "slower:5%", "--with-noisy", "--json", out_file)
    assert code == 1 and "FAILED walk_ns_mean 1.200x" in out
    assert "WITH NOISY RESULTS (7 of base, 7 of new)" in out and json.loads(out_file.read_text())["with_noisy"] is True
    assert called(capsys, base, base, "--fail-on", "slower:5%", "--with-noisy")[0] == 0
    code, out, _ = called(capsys, base, new)
    assert code == 2 and "WITH NOISY" not in out


def test_a_single_result_that_is_noisy_counts_only_where_it_is_asked_for(tmp_path, capsys):
    factory = RunFactory(tmp_path / "run", 1)
    cell = factory.plan(variant="hazard", zappers=0)
    results = [factory.result(cell, 0, {"walk_ns_mean": 10 * (1 + r / 100)}, flags=["noisy"]) for r in range(6)]
    for place, result in enumerate(results):
        result["benchmarks"][0]["repetition_index"] = place
    path = tmp_path / "noisy.json"
    path.write_text(json.dumps({"context": CONTEXT, "benchmarks": [result["benchmarks"][0] for result in results]}))
    nothing_compared(capsys, path, path, "--fail-on", "slower:5%")
    assert called(capsys, path, path, "--fail-on", "slower:5%", "--with-noisy")[0] == 0


def test_cells_of_one_side_are_named_and_fail_only_where_asked(run, tmp_path, capsys):
    base, new = run("base", {"irq-ipi": 10, "hazard": 20}), run("new", {"irq-ipi": 10})
    code, out, _ = called(capsys, base, new, "--fail-on", "slower:5%")
    assert code == 0 and "not compared: hazard/" in out and "new: absent" in out
    assert called(capsys, base, new, "--fail-on", "slower:5%,missing")[0] == 1
    assert called(capsys, new, base, "--fail-on", "missing")[0] == 0  # more cells than there were


def test_a_cell_that_failed_tells_its_reason(run, tmp_path, capsys):
    base = run("base", {"irq-ipi": 10, "hazard": 20})
    factory = RunFactory(tmp_path / "new", 7)
    factory.cell({"walk_ns_mean": 10.0}, variant="irq-ipi", zappers=0)
    failed = factory.plan(variant="hazard", zappers=0)
    for repetition in range(7):
        factory.fail(failed, repetition, status="crashed", reason="killed in the walker", signal=11)
    new = factory.write()
    code, out, _ = called(capsys, base, new)
    assert code == 0 and "new: crashed: killed in the walker (signal 11)" in out
    code, out, _ = called(capsys, base, new, "--fail-on", "slower:5%")
    assert code == 1 and "FAILED crashed: killed in the walker (signal 11): hazard/" in out
    assert called(capsys, new, base, "--fail-on", "slower:5%,missing")[0] == 0  # what went wrong in base is no regression


def test_settings_that_differ_are_not_compared(run, capsys):
    base, new = run("base", {"irq-ipi": 10}), run("new", {"irq-ipi": 10}, working_set_pages=64)
    assert "4,096 pages" in refused(capsys, base, new)


def test_noisy_results_are_left_out(tmp_path, capsys):
    sides = []
    for name, values, noisy in (("base", [10.0] * 5, None), ("new", [10, 10, 10, 10, 90.0], {4: ["other load"]})):
        factory = RunFactory(tmp_path / name, 5)
        factory.cell({"walk_ns_mean": values}, variant="irq-ipi", zappers=0, noisy=noisy)
        sides.append(factory.write())
    [row] = judge(*map(read_side, sides), 0.05).compared
    assert (row.verdict, len(row.new)) == (Verdict.SAME, 4)


def test_a_cell_that_is_all_noise_says_so(tmp_path, capsys):
    factory = RunFactory(tmp_path / "run", 5)
    factory.cell({"walk_ns_mean": 10.0}, variant="irq-ipi", zappers=0, noisy={r: ["other load"] for r in range(5)})
    base = factory.write()
    assert "walk_ns_mean of base: all results are noisy" in refused(capsys, base, base)


def test_new_violations_fail_any_gate(tmp_path, capsys):
    sides = []
    for violations in (0, 3):
        factory = RunFactory(tmp_path / str(violations), 5)
        factory.cell({"walk_ns_mean": 10.0, "violations": violations}, variant="hazard", zappers=0)
        sides.append(factory.write())
    code, out, _ = called(capsys, *sides, "--fail-on", "slower:5%,missing")
    assert code == 1 and "BROKEN: hazard/" in out and "FAILED violations: hazard/" in out
    assert called(capsys, *reversed(sides), "--fail-on", "missing", "--across-hosts")[0] == 3  # nothing compared


def test_saturated_latencies_are_not_compared_but_memory_is(tmp_path):
    sides = []
    for saturated in (0, 1):
        factory = RunFactory(tmp_path / str(saturated), 5)
        factory.cell({"free_ns_p99": 1e4, "retired_bytes_peak": PAGE, "saturated": saturated}, variant="hazard")
        sides.append(factory.write())
    found = judge(*map(read_side, sides), 0.05)
    assert [row.metric for row in found.compared] == ["retired_bytes_peak"]
    assert [row.reason for row in found.without] == [
        "free_ns_p99 of new: saturated, so that it grows with the length of the run"]


# Hosts

def test_other_hosts_are_refused_with_what_differs(run, capsys):
    base = run("base", {"irq-ipi": 10})
    new = run("new", {"irq-ipi": 10}, context={"host_name": "other", "host_id": "xyz", "cpu_model": "Other CPU"})
    told = refused(capsys, base, new)
    assert "host testhost against other" in told and "--across-hosts" in told
    code, out, _ = called(capsys, base, new, "--across-hosts")
    assert code == 0 and "Other CPU" in out and "Not the same:" in out


def test_a_side_of_two_hosts_is_refused(tmp_path, capsys):
    factory = RunFactory(tmp_path / "base", 5)
    factory.cell({"walk_ns_mean": 10.0}, variant="irq-ipi", zappers=0)
    factory.cell({"walk_ns_mean": 10.0}, variant="hazard", zappers=0, context={"host_id": "xyz"})
    base = factory.write()
    assert "host id abc / xyz" in refused(capsys, base, base)


def test_other_builds_and_versions_are_told_and_compared(run, capsys):
    base = run("base", {"irq-ipi": 10})
    new = run("new", {"irq-ipi": 10}, context={"shadowwalk_version": "0.2.0", "shadowwalk_compiler": "clang++ 14"})
    code, out, _ = called(capsys, base, new)
    assert code == 0 and "base 0.1.0; new 0.2.0" in out and "clang++ 14" in out
    assert "Same host, build and lab version." in called(capsys, base, base)[1]


# Single results, and others' benchmarks

def google(path, times, context=None, **more):
    """A result of Google Benchmark: {name: [ns of each repetition]}."""
    entries = [{"name": name, "run_name": name, "run_type": "iteration", "repetition_index": place, "real_time": ns * 7,
                "cpu_time": ns, "time_unit": "ns", **more} for name, values in times.items()
               for place, ns in enumerate(values)]
    entries += [{"name": f"{name}_mean", "run_name": name, "run_type": "aggregate", "cpu_time": 1e9, "time_unit": "ns"}
                for name in times]
    path.write_text(json.dumps({"context": {"host_name": "h", "num_cpus": 2, **(context or {})}, "benchmarks": entries}))
    return path


def test_any_google_benchmark_is_compared_by_what_is_shared(tmp_path, capsys):
    base = google(tmp_path / "base.json", {"BM_a": spread(100, 8), "BM_b": spread(50, 8), "BM_old": [1.0] * 8})
    new = google(tmp_path / "new.json", {"BM_a": spread(130, 8), "BM_b": spread(50, 8), "BM_new": [1.0] * 8})
    found = judge(read_side(base), read_side(new), 0.05)
    assert [(row.metric, row.name, row.verdict) for row in found.compared] == [
        ("time", "BM_a", Verdict.SLOWER), ("time", "BM_b", Verdict.SAME)]
    assert [(row.name, row.reason) for row in found.without] == [("BM_new", "base: absent"), ("BM_old", "new: absent")]
    code, out, _ = called(capsys, base, new, "--fail-on", "slower:5%")
    assert code == 1 and "FAILED time 1.300x: BM_a" in out


def test_the_clock_is_the_one_that_the_name_says(tmp_path):
    base = google(tmp_path / "base.json", {"BM/real_time": [10.0] * 4})
    [row] = judge(read_side(base), read_side(base), 0.05).compared
    assert row.base == [70.0] * 4 and row.name == "BM/real_time"


def test_results_of_cells_are_read_as_cells(tmp_path, capsys):
    for name, ns in (("base", 10), ("new", 20)):
        factory = RunFactory(tmp_path / name, 1)
        cell = factory.plan(variant="hazard", zappers=0)
        results = [factory.result(cell, 0, {"walk_ns_mean": ns * (1 + r / 100)}) for r in range(6)]
        for place, result in enumerate(results):
            result["benchmarks"][0]["repetition_index"] = place
        entries = [result["benchmarks"][0] for result in results]
        entries.append({"name": entries[0]["name"] + "_median", "run_name": entries[0]["name"], "run_type": "aggregate",
                        "aggregate_name": "median", "real_time": ns, "time_unit": "ns"})
        (tmp_path / f"{name}.json").write_text(json.dumps({"context": CONTEXT, "benchmarks": entries}))
    [row] = judge(read_side(tmp_path / "base.json"), read_side(tmp_path / "new.json"), 0.05).compared
    assert (row.metric, row.verdict, len(row.base)) == ("walk_ns_mean", Verdict.SLOWER, 6)
    assert called(capsys, tmp_path / "base.json", tmp_path / "new.json", "--fail-on", "slower:5%")[0] == 1


def test_the_json_has_every_value(run, tmp_path, capsys):
    base, new, out = run("base", {"irq-ipi": 10}), run("new", {"irq-ipi": 20}), tmp_path / "out.json"
    assert called(capsys, base, new, "--json", out, "--fail-on", "slower:5%")[0] == 1
    found = json.loads(out.read_text())
    assert found["format"] == "shadowwalk-compare-1" and len(found["failures"]) == 2
    first = found["compared"][0]
    assert (first["verdict"], first["reason"], first["comparisons"], len(first["base"])) == ("SLOWER", None, 1, 7)
    assert first["ratio"]["value"] == pytest.approx(2)


def test_the_json_follows_links_keeps_permissions_and_leaves_nothing_beside(run, tmp_path, capsys):
    base, place = run("base", {"irq-ipi": 10}), tmp_path / "place"
    place.mkdir()
    (place / "real.json").write_text("old")
    (place / "real.json").chmod(0o640)
    (place / ("n" * 255)).symlink_to("real.json")
    assert called(capsys, base, base, "--json", place / ("n" * 255))[0] == 0
    assert {path.name for path in place.iterdir()} == {"real.json", "n" * 255}
    assert json.loads((place / "real.json").read_text())["format"] == "shadowwalk-compare-1"
    assert (place / "real.json").stat().st_mode & 0o777 == 0o640
    assert "cannot be written" in refused(capsys, base, base, "--json", place / ("n" * 256))
    assert "No space left" in refused(capsys, base, base, "--json", "/dev/full")


@pytest.mark.parametrize("text, words", [
    ("{", "Expecting"), ("[]", "no list `benchmarks`"), ('{"benchmarks": [3]}', "no list `benchmarks`"),
    ('{"benchmarks": [{"run_type": "iteration"}]}', "a benchmark without a name"),
    ('{"benchmarks": [{"name": "x", "shadowwalk": {}}]}', "no shadowwalk.cell")])
def test_bad_files_are_one_line(run, tmp_path, capsys, text, words):
    bad = tmp_path / "bad.json"
    bad.write_text(text)
    told = refused(capsys, run("base", {"irq-ipi": 10}), bad)
    assert words in told and str(bad) in told


@pytest.mark.parametrize("rules", ["slower", "slower:", "slower:5", "slower:0%", "faster:5%", "", "missing:3%"])
def test_bad_rules_are_one_line(run, capsys, rules):
    base = run("base", {"irq-ipi": 10})
    assert "--fail-on" in refused(capsys, base, base, "--fail-on", rules)


@pytest.mark.parametrize("option", ["--fail-on", "--json", "--metrics", "--threshold"])
def test_an_option_whose_value_argparse_takes_for_the_end_of_options(capsys, option):
    assert f"'--' is not a value of {option}" in refused(capsys, "base", "new", f"{option}=--")


def test_bad_input_is_one_line(run, tmp_path, capsys):
    base = run("base", {"irq-ipi": 10})
    assert "no such file" in refused(capsys, base, tmp_path / "nowhere")
    assert "run.json" in refused(capsys, base, tmp_path)
    assert "NEW" in refused(capsys, base)
    assert "leave one out" in refused(capsys, base, base, "--fail-on", "slower:5%", "--threshold", "2%")


def test_what_tools_looked_into_is_compared_for_those_who_ask(run, capsys):
    base = run("base", {"irq-ipi": 10})
    new = run("new", {"irq-ipi": 10}, extra={"flags": ["perturbed"], "perturbed": "perf record (attach --what cpu)"})
    assert "perturbed" in refused(capsys, base, new)
    code, out, _ = called(capsys, base, new, "--with-perturbed", "--all")
    assert code == 0 and "SAME" in out
