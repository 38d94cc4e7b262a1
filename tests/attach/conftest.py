"""Runs the real `shadowwalk`, whose path CTest passes in SHADOWWALK, and says whether tools can attach to it here."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import pytest

from small_cell import long_cell


LONGEST_TEST_S = 120  # whose tools and cells should take seconds: whoever waits for longer waits for ever


@pytest.fixture(autouse=True)
def deadline():
    """Ends a test that hangs, with the place where it does."""
    def give_up(*_):
        raise TimeoutError(f"the test has taken {LONGEST_TEST_S} s")
    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(LONGEST_TEST_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def command():
    return str(pathlib.Path(os.environ["SHADOWWALK"]).resolve())


@pytest.fixture(scope="session")
def bpftrace():
    """The path of a bpftrace that can attach uprobes; else the test is skipped."""
    path = shutil.which("bpftrace")
    if path is None:
        pytest.skip("bpftrace is not installed")
    if os.geteuid() != 0:
        pytest.skip("bpftrace needs root")
    # BEGIN is a uprobe in bpftrace itself.
    tried = subprocess.run([path, "-e", "BEGIN { exit(); }"], capture_output=True, text=True, timeout=60, check=False)
    if tried.returncode != 0:
        pytest.skip(f"bpftrace does not run here: {tried.stderr.strip().splitlines()[-1:]}")
    return path


@pytest.fixture(scope="session")
def perf():
    """The path of a perf that can make uprobe events; else the test is skipped."""
    path = shutil.which("perf")
    if path is None:
        pytest.skip("perf (linux-perf) is not installed")
    tracefs = [folder for folder in ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
               if os.access(f"{folder}/uprobe_events", os.W_OK)]
    if not tracefs:
        pytest.skip("perf needs tracefs for its probes: no uprobe_events that this user may write")
    return path


@pytest.fixture
def perf_probe(perf, command, tmp_path):
    """perf, with the executable's probes in a cache of the test's own. .add(probe) -> the event that perf made of it,
    which is gone after the test; .run(arguments...) -> CompletedProcess."""
    class PerfProbe:
        def __init__(self):
            self.perf = perf
            self.events = []
            self.run("buildid-cache", "--add", command)

        def run(self, *arguments):
            done = subprocess.run([perf, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False,
                                  env={**os.environ, "HOME": str(tmp_path / "home")})
            assert done.returncode == 0, done.stderr
            return done

        def add(self, probe):
            # Events are the whole host's, and another user's, or a killed run's, may have this name: forced, perf adds a
            # number to ours.
            added = self.run("probe", "--force", "-x", command, f"%sdt_shadowwalk:{probe}").stderr
            event = re.search(r"(sdt_shadowwalk:\w+) +\(on ", added)[1]
            self.events.append(event)
            return event

    (tmp_path / "home").mkdir()
    tool = PerfProbe()
    yield tool
    for event in tool.events:
        tool.run("probe", "-d", event)


@pytest.fixture(scope="session")
def software_perf():
    """A perf that can sample this user's own threads by a software event: it needs no tracefs."""
    path = shutil.which("perf")
    if path is None:
        pytest.skip("perf (linux-perf) is not installed")
    tried = subprocess.run([path, "stat", "-e", "cpu-clock", "true"], capture_output=True, text=True, timeout=60, check=False)
    if tried.returncode != 0:
        pytest.skip(f"perf counts nothing here: {tried.stderr.strip().splitlines()[-1:]}")
    return path


@pytest.fixture(autouse=True)
def runtime(tmp_path_factory, monkeypatch):
    """The runtime directory of the test's own processes."""
    directory = tmp_path_factory.mktemp("runtime")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(directory))
    return directory / "shadowwalk"


@pytest.fixture
def start(command, tmp_path):
    """start(options...) -> a cell that runs on, with .pid and .entry(), which waits for its result."""
    children = []

    class Cell:
        def __init__(self, *options, cell=None):
            self.result = tmp_path / f"result{len(children)}.json"
            self.process = subprocess.Popen([command, "cell", *(cell or long_cell()), *options, "--json", str(self.result)],
                                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                            text=True)
            children.append(self.process)
            self.pid = self.process.pid

        def entries(self):
            errors = self.process.communicate(timeout=180)[1]
            assert self.process.returncode == 0, errors
            return [entry for entry in json.loads(self.result.read_text())["benchmarks"] if entry["run_type"] == "iteration"]

        def entry(self):
            return self.entries()[0]

        def go_on(self):
            self.process.send_signal(signal.SIGUSR1)

        def until(self, phase):
            """Waits until `ps` shows it in this phase; returns what it shows."""
            while True:
                runs = json.loads(subprocess.run([command, "ps", "--json"], capture_output=True, check=True, timeout=60).stdout)
                mine = [run for run in runs if run["pid"] == self.pid]
                if mine and mine[0]["phase"] == phase:
                    return mine[0]
                assert self.process.poll() is None, f"it ended before it came to {phase}"
                time.sleep(0.01)

    yield Cell
    for child in children:
        child.kill()
        child.communicate()


@pytest.fixture
def attach(command, tmp_path):
    """attach(arguments...) -> CompletedProcess, in a directory of the test's own."""
    def run(*arguments, environment=None, user=None):
        return subprocess.run([command, "attach", *map(str, arguments)], capture_output=True, text=True, timeout=180,
                              check=False, cwd=tmp_path, env={**os.environ, **(environment or {})}, user=user)
    return run


@pytest.fixture
def attach_to_held(start, command, tmp_path):
    """attach_to_held([option of the cell...], arguments...) -> (cell, tool): the tool is on it before its first zap, and the
    cell goes on. `ready`: what it says or writes then."""
    tools = []

    def run(options, *arguments, ready, **more):
        cell = start(*options, "--hold", **more)
        cell.tids = cell.until("held")["threads"]
        tool = subprocess.Popen([command, "attach", *map(str, arguments)], cwd=tmp_path, text=True,
                                stdout=(tmp_path / "said").open("w"), stderr=(tmp_path / "errors").open("w"))
        tools.append(tool)
        while not ready(cell):
            assert tool.poll() is None, (tmp_path / "errors").read_text()
            time.sleep(0.01)
        cell.go_on()
        return cell, tool
    yield run
    for tool in tools:
        tool.kill()
        tool.wait()
