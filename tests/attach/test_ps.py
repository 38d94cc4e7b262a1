"""`shadowwalk ps`: what is listed of live cells and runs, what becomes of entries whose process was killed, and that a run
measures where it cannot be listed."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import pytest

from small_cell import AT_ONCE, CELL, long_cell

MATRIX = """
title = "listed"
repetitions = 2
[defaults]
workload = "mmio-poll"
guest = "thread"
duration = "5s"
warmup = "5s"
working-set = 64
[[group]]
name = "read-side"
variant = ["leak", "irq-ipi"]
zappers = 1
"""


@pytest.fixture
def start(command):
    """start(arguments...) -> a running shadowwalk, which is killed after the test."""
    children = []

    def run(*arguments):
        child = subprocess.Popen([command, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True)
        children.append(child)
        return child
    yield run
    for child in children:
        child.kill()
        child.wait()
        child.stderr.close()


@pytest.fixture
def ps(command):
    """ps(options...) -> what it prints."""
    def run(*options):
        done = subprocess.run([command, "ps", *options], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout
    return run


@pytest.fixture
def listed(ps):
    """listed(condition, child) -> the JSON of `ps` as soon as the condition holds for it, while the child lives."""
    def wait(condition, child):
        while True:
            alive = child.poll() is None
            runs = json.loads(ps("--json"))
            if condition(runs):
                return runs
            assert alive, f"it ended before: {runs}"
            time.sleep(0.02)
    return wait


def test_no_live_runs(ps, runtime):
    assert ps() == "no live runs\n"
    assert json.loads(ps("--json")) == []
    assert not runtime.exists(), "looking makes nothing"


def test_a_cell_from_its_hold_to_its_end(start, listed, ps, runtime):
    cell = start("cell", "--variant", "irq-ipi", *long_cell("2s", "2s"), "--hold")
    held, = listed(lambda runs: runs and runs[0]["phase"] == "held", cell)
    assert held["id"] == f"cell-{cell.pid}" and held["pid"] == held["cell_pid"] == cell.pid
    assert held["variant"] == "irq-ipi" and held["workload"] == "mmio-poll"
    assert held["name"].startswith("irq-ipi/mmio-poll/vcpus:1/")
    assert "eta_ns" not in held and "run" not in held
    assert {role: len(tids) for role, tids in held["threads"].items()} == {"main": 1, "vcpu": 1, "zapper": 1}
    for role, tids in held["threads"].items():
        for tid in tids:
            name = pathlib.Path(f"/proc/{cell.pid}/task/{tid}/comm").read_text().strip()
            assert name == ("shadowwalk" if role == "main" else f"{role}-0")
    assert runtime.stat().st_mode & 0o7777 == 0o700
    entry, = runtime.iterdir()
    before = entry.stat()

    cell.send_signal(signal.SIGUSR1)
    warm, = listed(lambda runs: runs[0]["phase"] == "warmup", cell)
    assert 0 < warm["eta_ns"] <= 4_000_000_000 and warm["elapsed_ns"] > held["elapsed_ns"]
    written = entry.stat()
    assert (written.st_ino, written.st_mtime_ns) != (before.st_ino, before.st_mtime_ns)
    measured, = listed(lambda runs: runs[0]["phase"] == "measure", cell)
    assert 0 < measured["eta_ns"] <= 2_000_000_000
    assert (entry.stat().st_ino, entry.stat().st_mtime_ns) == (written.st_ino, written.st_mtime_ns), "nothing is written meanwhile"
    assert measured["threads"] == held["threads"]
    cell.communicate(timeout=120)
    assert cell.returncode == 0
    assert ps() == "no live runs\n" and list(runtime.iterdir()) == []


def test_a_run_and_where_it_is(start, listed, ps, tmp_path):
    matrix = tmp_path / "listed.toml"
    matrix.write_text(MATRIX, encoding="utf-8")
    run = start("run", matrix, "--out", tmp_path / "first", "--seed", "1", *AT_ONCE)
    now, = listed(lambda runs: runs and runs[0]["phase"] == "warmup", run)
    assert now["id"] == f"first-{run.pid}" and now["pid"] == run.pid != now["cell_pid"]
    plan = json.loads((tmp_path / "first" / "run.json").read_text(encoding="utf-8"))
    cell, repetition = plan["order"][0]
    assert now["run"] == {"directory": str(tmp_path / "first"), "title": "listed", "number": 1, "total": 4, "failed": 0,
                          "cell": cell, "repetition": repetition}
    assert now["variant"] == plan["cells"][cell]["options"]["variant"] and now["workload"] == "mmio-poll"
    assert 20_000_000_000 < now["eta_ns"] < 60_000_000_000
    assert {role: len(tids) for role, tids in now["threads"].items()} == {"main": 1, "vcpu": 1, "zapper": 1}

    header, line, threads = ps().splitlines()
    assert header.split() == ["ID", "PID", "CELL", "PHASE", "ELAPSED", "ETA", "VARIANT/WORKLOAD"]
    assert re.match(rf"first-{run.pid} +{run.pid} +1/4 +(warmup|measure) +\S+ +\S+ +{now['variant']}/mmio-poll$", line)
    assert threads.split() == ["tids:", "vcpu", f"{now['threads']['vcpu'][0]};", "zapper", f"{now['threads']['zapper'][0]};",
                               "main", str(now["cell_pid"])]
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=60)
    assert ps() == "no live runs\n"


def test_kill_9_leaves_an_entry_that_the_next_look_takes_away(start, listed, ps, runtime, tmp_path):
    matrix = tmp_path / "listed.toml"
    matrix.write_text(MATRIX, encoding="utf-8")
    run = start("run", matrix, "--out", tmp_path / "first", *AT_ONCE)
    cell = start("cell", "--variant", "leak", *long_cell("2s", "2s"), "--hold")
    listed(lambda runs: len(runs) == 2 and all("cell_pid" in live for live in runs), run)
    assert len(list(runtime.iterdir())) == 3, "the run, its cell, and the other cell"
    run.kill()
    run.communicate()
    remaining, = listed(lambda runs: len(runs) == 1, cell)  # the kernel kills the run's cell, a moment later
    assert remaining["pid"] == cell.pid
    assert [file.name.split("-")[0] for file in runtime.iterdir()] == [str(cell.pid)]
    cell.kill()
    cell.communicate()
    assert ps() == "no live runs\n" and list(runtime.iterdir()) == []


def measures(start, *said):
    """Whether a short cell measures, and says on stderr exactly one line more, with these words in it."""
    done = start("cell", "--variant", "leak", *CELL, "--json", "-")
    errors = done.communicate(timeout=120)[1]
    assert done.returncode == 0
    assert errors.count("\n") == 1 and errors.startswith("shadowwalk: `shadowwalk ps` will not show this run: ")
    assert all(words in errors for words in said), errors


def test_a_run_measures_where_it_cannot_be_listed(start, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "gone"))
    measures(start, "cannot make", "No such file or directory", "set XDG_RUNTIME_DIR")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/proc")
    measures(start, "cannot make /proc/shadowwalk")


def test_a_directory_that_others_may_enter_is_refused(start, command, runtime):
    runtime.mkdir(mode=0o755)
    runtime.chmod(0o755)
    measures(start, "is refused: its mode is 0755, open to others")
    done = subprocess.run([command, "ps"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1
    assert f"shadowwalk: {runtime} is refused: its mode is 0755" in done.stderr
    assert list(runtime.iterdir()) == []


def test_a_file_system_that_is_read_only_is_no_failure(runtime):
    runtime.mkdir(mode=0o700)
    mounted = os.geteuid() == 0 and shutil.which("unshare") and subprocess.run(
        ["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0
    if not mounted:
        pytest.skip("needs root and unshare --mount, to mount a directory read-only")
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script, str(runtime.parent), os.environ["SHADOWWALK"], "cell",
                           "--variant", "leak", *CELL, "--json", "-"], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["benchmarks"][0]["zaps_total"] > 0
    assert done.stderr.count("\n") == 1 and "cannot write in" in done.stderr and "Read-only file system" in done.stderr
