"""`shadowwalk run` and `report` with real cells, from the first cell to the report."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import pytest


def results_in(out):
    """name -> (inode, content) of every finished cell; one that were written again would have another inode."""
    return {path.name: (path.stat().st_ino, path.read_bytes()) for path in (out / "cells").glob("[0-9]*.json")
            if ".noisy-" not in path.name}


def says_how_disturbed(stderr):
    """Whether it is how a run ends there: one or two lines, and nothing else."""
    lines = stderr.splitlines()
    return (re.fullmatch(r"shadowwalk: \d+ quiet, \d+ noisy.*", lines[0]) is not None and len(lines) <= 2
            and all(line.startswith("shadowwalk: it would help to ") for line in lines[1:]))


def test_version_and_help(shadowwalk):
    assert shadowwalk("--version").stdout.startswith("shadowwalk ")
    for arguments in ([], ["run"], ["report"], ["cell"], ["list"]):
        done = shadowwalk(*arguments, "--help")
        assert done.returncode == 0 and "sage: shadowwalk" in done.stdout and done.stderr == ""


def test_measures_stores_and_reports(shadowwalk, matrix, tmp_path):
    out = tmp_path / "a" / "out"
    done = shadowwalk("run", matrix, "--out", out, "--seed", 7)
    assert done.returncode == 0, done
    assert says_how_disturbed(done.stderr), done.stderr
    plan = json.loads((out / "run.json").read_text())
    assert plan["format"] == "shadowwalk-run-1" and plan["seed"] == 7 and plan["repetitions"] == 3
    assert plan["matrix"]["text"] == matrix.read_text()
    assert len(plan["cells"]) == 4 and len(plan["order"]) == 12
    assert sorted(path.name for path in out.iterdir()) == ["cells", "run.json"]
    assert set(results_in(out)) == {f"{cell:04}-r{repetition}.json" for cell, repetition in plan["order"]}
    walks = 0
    for cell, repetition in plan["order"]:
        entry = json.loads((out / "cells" / f"{cell:04}-r{repetition}.json").read_text())["benchmarks"][0]
        assert entry["shadowwalk"]["cell"]["variant"] == plan["cells"][cell]["options"]["variant"]
        assert entry["violations"] == 0
        walks += entry.get("walks_per_second", 0)
    host = plan["host"]
    assert host["kernel"]["release"] == os.uname().release and host["cpus"] == len(os.sched_getaffinity(0))
    assert host["floors"]["xchg_ns"] > 0
    assert walks > 0  # of all cells: on a busy host a single window of 20 ms may pass without a walk
    # One line a cell, the counts, and what to do next.
    assert done.stdout.count("measured in") == 12
    assert "12 of 12 measured" in done.stdout and f"shadowwalk report {out}" in done.stdout

    report = shadowwalk("report", out)
    assert report.returncode == 0, report
    assert report.stdout.strip() == str(out / "report" / "index.html")
    assert (out / "report" / "index.html").stat().st_size > 0


def test_repetitions_of_a_cell_and_their_aggregates(shadowwalk, tmp_path):
    done = shadowwalk("cell", "--variant", "leak", "--workload", "mmio-poll", "--guest", "thread", "--duration", "150ms",
                      "--working-set", 64, "--benchmark_repetitions=3", "--json", "cell.json")
    assert done.returncode == 0, done
    entries = json.loads((tmp_path / "cell.json").read_text())["benchmarks"]
    repetitions = [entry for entry in entries if entry["run_type"] == "iteration"]
    aggregates = {entry["aggregate_name"]: entry for entry in entries if entry["run_type"] == "aggregate"}
    assert len(repetitions) == 3 and {"mean", "median", "stddev", "cv"} <= set(aggregates)
    assert all(entry["violations"] == 0 for entry in repetitions) and aggregates["mean"]["violations"] == 0
    assert "violations" not in aggregates["cv"], "0 of 0: there is none"
    assert None not in [value for entry in entries for value in entry.values()]


def test_the_file_of_google_benchmarks_flag_is_the_result(shadowwalk, tmp_path):
    done = shadowwalk("cell", "--variant", "leak", "--workload", "mmio-poll", "--guest", "thread", "--duration", "150ms",
                      "--warmup", "0", "--working-set", 64, "--benchmark_out=cell.json", "--benchmark_context=rack=7")
    assert done.returncode == 0, done
    document = json.loads((tmp_path / "cell.json").read_text())
    assert document["context"]["rack"] == "7" and document["context"]["executable"] == "shadowwalk cell"
    entry, = document["benchmarks"]
    assert entry["shadowwalk"]["cell"]["variant"] == "leak"
    assert entry["name"].endswith("/iterations:1/manual_time") and entry["real_time"] == entry["walk_ns_mean"]


def test_aggregates_alone(shadowwalk, tmp_path):
    done = shadowwalk("cell", "--variant", "leak", "--workload", "mmio-poll", "--guest", "thread", "--duration", "150ms",
                      "--warmup", "0", "--working-set", 64, "--benchmark_repetitions=2", "--benchmark_report_aggregates_only",
                      "--json", "cell.json")
    assert done.returncode == 0, done
    entries = json.loads((tmp_path / "cell.json").read_text())["benchmarks"]
    assert [entry["aggregate_name"] for entry in entries] == ["mean", "median", "stddev", "cv"]


def test_filter_takes_a_group(shadowwalk, matrix, tmp_path):
    assert shadowwalk("run", matrix, "--out", "out", "--filter", "^reclaim/", "--repetitions", 1).returncode == 0
    plan = json.loads((tmp_path / "out" / "run.json").read_text())
    assert [cell["group"] for cell in plan["cells"]] == ["reclaim", "reclaim"]


def test_a_refused_cell_does_not_stop_the_matrix(shadowwalk, matrix, tmp_path):
    matrix.write_text(matrix.read_text() + '[[group]]\nname = "bad"\nvariant = "floor"\nzappers = 1\n')
    done = shadowwalk("run", matrix, "--out", "out", "--repetitions", 1)
    assert done.returncode == 1, done
    assert "4 of 5 measured, 1 failed" in done.stdout
    failures = list((tmp_path / "out" / "cells").glob("*.failed.json"))
    assert len(failures) == 1
    failure = json.loads(failures[0].read_text())
    assert failure["status"] == "refused" and failure["exit_code"] == 2 and "floor" in failure["reason"]
    again = shadowwalk(*failure["command"].split()[1:])
    assert again.returncode == 2 and failure["reason"] in again.stderr, "the recorded command reproduces it"


def test_a_cell_that_takes_too_long_is_killed(shadowwalk, matrix):
    done = shadowwalk("run", matrix, "--out", "out", "--repetitions", 1, "--filter", "^leak", "--timeout-factor", 1,
                      "--timeout-slack", "0")
    assert done.returncode == 1 and "watchdog: no result after 155ms" in done.stdout


def test_resume_wants_the_same_plan(shadowwalk, matrix, refused, tmp_path):
    assert shadowwalk("run", matrix, "--out", "out", "--repetitions", 1).returncode == 0
    before = results_in(tmp_path / "out")
    assert "--resume" in refused("run", matrix, "--out", "out")
    assert "repetitions were 1, now 3" in refused("run", matrix, "--out", "out", "--resume")
    assert "repetitions were 1, now 2" in refused("run", "--out", "out", "--resume", "--repetitions", 2)
    assert "the filter was ''" in refused("run", "--out", "out", "--resume", "--filter", "leak")
    assert "the seed was" in refused("run", "--out", "out", "--resume", "--seed", 2**40)
    matrix.write_text(matrix.read_text().replace("500", "501"))
    assert "cell 2 was reclaim/irq-ipi" in refused("run", matrix, "--out", "out", "--resume", "--repetitions", 1)
    assert shadowwalk("run", "--out", "out", "--resume").returncode == 0
    assert results_in(tmp_path / "out") == before


def test_kill_9_then_resume(command, shadowwalk, matrix, tmp_path):
    seed = random.randrange(2**32)
    print("seed", seed)
    moments = random.Random(seed)
    out = tmp_path / "out"
    arguments = [command, "run", str(matrix), "--out", str(out), "--repetitions", "10", "--seed", "1",
                 "--quiet-wait", "0"]
    for _ in range(8):
        before = results_in(out)
        resume = ["--resume"] if (out / "run.json").exists() else []
        with subprocess.Popen(arguments + resume, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as runner:
            time.sleep(moments.uniform(0, 1.0))
            runner.kill()
            assert runner.communicate()[1] == ""
        after = results_in(out)
        assert {name: after.get(name) for name in before} == before, "lost, or measured again"
    before = results_in(out)
    done = shadowwalk("run", "--out", out, *(["--resume"] if (out / "run.json").exists() else arguments[2:]))
    assert done.returncode == 0, done
    after = results_in(out)
    assert len(after) == 40 and {name: after[name] for name in before} == before
    assert sorted(path.name for path in out.iterdir()) == ["cells", "run.json"]


def test_an_interrupt_says_how_to_go_on(command, shadowwalk, matrix, tmp_path):
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        out = tmp_path / number.name
        runner = subprocess.Popen([command, "run", str(matrix), "--out", str(out), "--repetitions", "100",
                                   "--quiet-wait", "0"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for line in runner.stdout:
            if "measured in" in line:
                break
        runner.send_signal(number)
        stdout, stderr = runner.communicate(timeout=60)
        assert runner.returncode == code and says_how_disturbed(stderr), stderr
        assert f"shadowwalk run --out {out} --resume" in stdout
        assert sorted(path.name for path in out.iterdir()) == ["cells", "run.json"]


def test_a_disturbed_run_measures_again_and_says_what_would_help(shadowwalk, matrix, tmp_path):
    loads = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in os.sched_getaffinity(0)]
    try:
        done = shadowwalk("run", matrix, "--out", "out", "--repetitions", 1, "--filter", "leak", "--quiet-wait", "200ms",
                          "--retry-noisy", 1)
    finally:
        for load in loads:
            load.kill()
            load.wait()
    assert done.returncode == 0, done
    cells = tmp_path / "out" / "cells"
    noisy = sorted(path.name for path in cells.glob("*.noisy-*.json"))
    assert noisy and all(name.endswith(".noisy-1.json") for name in noisy), noisy
    assert "is measured again: " in done.stdout
    assert f"{len(noisy)} measured again" in done.stderr and says_how_disturbed(done.stderr), done.stderr
    for name in noisy:
        entry, = json.loads((cells / name).read_text())["benchmarks"]
        assert "noisy" in entry["shadowwalk"]["flags"]
    report = shadowwalk("report", "out")
    assert report.returncode == 0, report
    results = len(results_in(tmp_path / "out"))
    assert f"{results} of {results} measured" in (tmp_path / "out" / "report" / "index.html").read_text(), \
        "what was set aside is no repetition"


def test_without_waits_and_retries_each_cell_starts_once(shadowwalk, matrix, tmp_path):
    done = shadowwalk("run", matrix, "--out", "out", "--repetitions", 2, "--quiet-wait", "0", "--retry-noisy", 0)
    assert done.returncode == 0 and done.stdout.count("measured in") == 8
    assert len(list((tmp_path / "out" / "cells").iterdir())) == 8 and "in vain" not in done.stderr


@pytest.mark.parametrize("option, value, says", [("--quiet-wait", "soon", "--quiet-wait is 'soon'; it must be a time"),
                                                 ("--quiet-wait", "-1s", "--quiet-wait is '-1s'"),
                                                 ("--retry-noisy", "-1", "--retry-noisy is -1; it must be from 0 to 100"),
                                                 ("--retry-noisy", "many", "--retry-noisy"),
                                                 ("--time-budget", "later", "--time-budget is 'later'; it must be a time"),
                                                 ("--precision", "2.5%", "add --time-budget 5m"),
                                                 ("--precision", "fine", "--precision is 'fine'; it must be a part"),
                                                 ("--precision", "0", "--precision is '0'"),
                                                 ("--precision", "101%", "--precision is '101%'"),
                                                 ("--precision", "nan", "--precision is 'nan'")])
def test_wrong_waits_and_retries(refused, matrix, tmp_path, option, value, says):
    assert says in refused("run", matrix, "--out", "out", f"{option}={value}")
    assert not (tmp_path / "out").exists()


def test_a_time_budget_adds_whole_settings(shadowwalk, matrix, tmp_path):
    done = shadowwalk("run", matrix, "--out", "out", "--repetitions", 2, "--filter", "^read-side/", "--retry-noisy", 0,
                      "--time-budget", "8s", "--precision", "0.1%")
    assert done.returncode == 0, done
    plan = json.loads((tmp_path / "out/run.json").read_text())
    assert plan["repetitions"] == 2 and plan["rounds"][0] == 4, "behind the matrix's own"
    added = [tuple(place) for place in plan["order"][4:]]
    repetitions = [repetition for _, repetition in added]
    assert sorted(added) == [(cell, repetition) for cell in (0, 1) for repetition in range(2, max(repetitions) + 1)]
    assert repetitions == sorted(repetitions) and len(plan["rounds"]) == len(added) / 2
    assert set(results_in(tmp_path / "out")) == {f"{cell:04}-r{repetition}.json" for cell, repetition in plan["order"]}
    assert f"added for precision: {len(added)} measurements in {len(plan['rounds'])} rounds" in done.stdout
    assert shadowwalk("report", "out").returncode == 0
    before = results_in(tmp_path / "out")
    (tmp_path / "out/cells" / "{:04}-r{}.json".format(*added[-1])).unlink()
    assert shadowwalk("run", "--out", "out", "--resume").returncode == 0, "what a round lacks is measured"
    after = results_in(tmp_path / "out")
    assert after.keys() == before.keys() and sum(after[name] != before[name] for name in before) == 1


def test_resume_keeps_what_the_host_was(shadowwalk, matrix, tmp_path):
    assert shadowwalk("run", matrix, "--out", "out", "--repetitions", 1, "--filter", "leak").returncode == 0
    before = (tmp_path / "out/run.json").read_bytes()
    next((tmp_path / "out/cells").glob("*-r0.json")).unlink()
    assert shadowwalk("run", "--out", "out", "--resume").returncode == 0
    assert (tmp_path / "out/run.json").read_bytes() == before


def test_two_runs_cannot_share_a_directory(command, shadowwalk, matrix, tmp_path):
    first = subprocess.Popen([command, "run", str(matrix), "--out", "out", "--repetitions", "100", "--quiet-wait", "0"], cwd=tmp_path,
                             stdout=subprocess.PIPE, text=True)
    for line in first.stdout:
        if "measured in" in line:
            break
    second = shadowwalk("run", "--out", "out", "--resume")
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=60)
    assert second.returncode == 2 and "another `shadowwalk run` works in out" in second.stderr


@pytest.mark.parametrize("given, made", [("new/", "new"), ("./new", "new"), ("none/../new/", "new"), ("a/b/", "a/b")])
def test_a_directory_is_made_under_its_own_name(shadowwalk, matrix, tmp_path, given, made):
    before = set(tmp_path.iterdir())
    done = shadowwalk("run", matrix, "--out", given, "--filter", "leak", "--repetitions", 1)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / made / "run.json").is_file()
    assert [path.name for path in set(tmp_path.iterdir()) - before] == [made.split("/", maxsplit=1)[0]]


@pytest.mark.parametrize("filter_, says", [("((a*)*)*Q", "matches no cell"), ("(" * 20_000, "is not a regular expression"),
                                           ("(a{1000}){1000}", "is not a regular expression")])
def test_no_filter_takes_long(refused, matrix, filter_, says):
    message = refused("run", matrix, "--out", "out", "--filter", filter_)
    assert says in message and len(message) < 400


def test_another_build_does_not_continue_a_run(shadowwalk, matrix, refused, tmp_path):
    assert shadowwalk("run", matrix, "--out", "out", "--filter", "leak", "--repetitions", 1).returncode == 0
    plan = tmp_path / "out/run.json"
    recorded = json.loads(plan.read_text())
    assert len(recorded["shadowwalk_build_id"]) == 40
    plan.write_text(json.dumps({**recorded, "shadowwalk_build_id": "0" * 40}))
    assert "another build of shadowwalk" in refused("run", "--out", "out", "--resume")


def test_a_plan_of_other_types_is_refused_in_plain_words(shadowwalk, matrix, refused, tmp_path):
    assert shadowwalk("run", matrix, "--out", "out", "--filter", "leak", "--repetitions", 1).returncode == 0
    plan = tmp_path / "out/run.json"
    plan.write_text(json.dumps({**json.loads(plan.read_text()), "repetitions": "many"}))
    message = refused("run", "--out", "out", "--resume")
    assert "not the plan of a shadowwalk run" in message and "json.exception" not in message
