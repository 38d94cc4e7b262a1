"""scripts/bench-compare and scripts/bench-bounds as a user meets them: output, files, exit codes."""

import json
import random

import pytest


def around(mean, seed, rounds=15):
    source = random.Random(seed)
    return [mean * source.gauss(1, 0.003) for _ in range(rounds)]


@pytest.fixture
def builds(stand_in):
    """Two builds: x is the same, y 10 % slower, z only in one."""
    base = stand_in("base", {"walk/x": around(5, 1), "walk/y": around(10, 2), "walk/z": around(1, 3)})
    new = stand_in("new", {"walk/x": around(5, 4), "walk/y": around(11, 5)})
    return base, new


def refused(done, name):
    assert done.returncode == 2, done
    assert done.stdout == "" and done.stderr.startswith(f"{name}: ") and done.stderr.count("\n") == 1
    return done.stderr


# --- bench-compare

def test_a_slower_benchmark_is_exit_code_1(run_script, builds):
    done = run_script("bench-compare", *builds)
    assert done.returncode == 1 and done.stderr == ""
    lines = done.stdout.splitlines()
    assert any(line.startswith("SAME") and line.endswith("walk/x") for line in lines)
    assert any(line.startswith("SLOWER") and line.endswith("walk/y") for line in lines)
    assert "walk/z: not compared: new: absent" in done.stdout
    assert lines[-1] == "1 SAME, 0 FASTER, 1 SLOWER, 0 AMBIGUOUS, 1 not compared"


def test_no_slower_benchmark_is_exit_code_0(run_script, builds):
    assert run_script("bench-compare", *builds, "--filter", "x").returncode == 0
    assert run_script("bench-compare", *reversed(builds)).returncode == 0, "faster is no failure"


def test_the_threshold(run_script, builds):
    assert run_script("bench-compare", *builds, "--threshold", "15%").returncode == 0


def test_too_few_repetitions_are_ambiguous(run_script, builds):
    done = run_script("bench-compare", *builds, "--repetitions", "2")
    assert done.returncode == 0 and "too few repetitions" in done.stdout and "2 AMBIGUOUS" in done.stdout


def test_compare_json(run_script, builds, tmp_path):
    run_script("bench-compare", *builds, "--json", "out.json")
    document = json.loads((tmp_path / "out.json").read_text())
    assert document["format"] == "shadowwalk-bench-compare-1" and document["threshold"] == 0.02
    rows = {row["name"]: row for row in document["benchmarks"]}
    assert rows["walk/y"]["verdict"] == "SLOWER" and len(rows["walk/y"]["base"]) == 15
    assert rows["walk/y"]["ratio"]["low"] > 1.02 and rows["walk/y"]["p_corrected"] < 0.05
    assert document["not_compared"] == [{"name": "walk/z", "reason": "new: absent"}]


def test_a_crash_is_exit_code_3_and_one_line(run_script, builds, stand_in, tmp_path):
    bad = stand_in("bad", {"walk/x": [1.0]}, ends={"1": "signal 6"})
    done = run_script("bench-compare", builds[0], bad, "--json", "out.json")
    assert done.returncode == 3 and done.stdout == ""
    assert done.stderr == f"bench-compare: {bad} died of SIGABRT\n"
    assert not (tmp_path / "out.json").exists()


def test_nothing_in_common(run_script, builds, stand_in):
    other = stand_in("other", {"commit/x": [1.0]})
    assert "no benchmark in common" in refused(run_script("bench-compare", builds[0], other), "bench-compare")
    message = refused(run_script("bench-compare", *builds, "--filter", "sheep"), "bench-compare")
    assert "'sheep'" in message


def test_compare_bad_input(run_script, builds):
    missing = builds[0].with_name("missing")
    assert "no such program" in refused(run_script("bench-compare", builds[0], missing), "bench-compare")
    assert "--help" in refused(run_script("bench-compare", builds[0]), "bench-compare")
    for option, value in (("--repetitions", "0"), ("--repetitions", "many"), ("--threshold", "2"),
                          ("--threshold", "0%"), ("--filter", "("), ("--min-time", "-1"), ("--min-time", "0"),
                          ("--json", "nowhere/out.json"), ("--json", ".")):
        assert option in refused(run_script("bench-compare", *builds, f"{option}={value}"), "bench-compare")


# --- bench-bounds

def bound_figures(section):
    return {"section/irq-ipi/threads:1": around(section, 1), "floor/xchg/threads:1": around(10, 2),
            "exit/mmio/real_time": "no /dev/kvm here", "floor/kvm_run/mmio/real_time": "no /dev/kvm here"}


def row_of(done, text):
    return next(line for line in done.stdout.splitlines() if text in line)


@pytest.mark.parametrize("section, outcome", [(12, "HELD"), (13, "NOT HELD")])
def test_bounds_tell_the_outcome_and_exit_with_0(run_script, stand_in, section, outcome):
    done = run_script("bench-bounds", stand_in("bench", bound_figures(section)), "--rounds", "5")
    assert done.returncode == 0 and done.stderr == ""
    assert row_of(done, "section/irq-ipi/threads:1").startswith(outcome)
    row = row_of(done, "exit/mmio <=")
    assert row.startswith("NOT MEASURED") and "no /dev/kvm here" in row
    assert "walk/leak/threads:1: absent" in row_of(done, "walk/leak/threads:1 <=")


def test_bounds_json(run_script, stand_in, tmp_path):
    run_script("bench-bounds", stand_in("bench", bound_figures(12)), "--filter", "^section/irq-ipi/threads:1",
               "--rounds", "9", "--json", "out.json")
    document = json.loads((tmp_path / "out.json").read_text())
    assert document["format"] == "shadowwalk-bench-bounds-1"
    [bound] = document["bounds"]
    assert bound["outcome"] == "HELD" and bound["limit"] == 1.25 and bound["value"]["count"] == 9


def test_bounds_bad_input(run_script, stand_in, tmp_path):
    assert "no such program" in refused(run_script("bench-bounds", tmp_path / "nothing"), "bench-bounds")
    program = stand_in("bench", bound_figures(12))
    assert "no bound matches" in refused(run_script("bench-bounds", program, "--filter", "sheep"), "bench-bounds")
    assert "--rounds" in refused(run_script("bench-bounds", program, "--rounds=-3"), "bench-bounds")


def test_bounds_of_a_program_that_crashes(run_script, stand_in):
    program = stand_in("bench", bound_figures(12), ends={"2": "signal 11"})
    done = run_script("bench-bounds", program)
    assert done.returncode == 3 and done.stderr == f"bench-bounds: {program} died of SIGSEGV\n"


# --- what all commands share

@pytest.mark.parametrize("name", ["bench-compare", "bench-bounds", "attach-overhead"])
def test_one_boundary_for_all_commands(run_script, name):
    assert "'--' is not a value of --json" in refused(run_script(name, "--json=--", "x"), name)
    assert "unknown option --jsn: did you mean --json?" in refused(run_script(name, "--jsn", "x"), name)


def test_programs_without_a_benchmark(run_script, stand_in):
    empty = stand_in("empty", {})
    assert "lists no benchmark" in refused(run_script("bench-bounds", empty), "bench-bounds")
    assert "no benchmark in common" in refused(run_script("bench-compare", empty, empty), "bench-compare")
