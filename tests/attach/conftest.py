"""Runs the real `shadowwalk`, whose path CTest passes in SHADOWWALK, and says whether tools can attach to it here."""

import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest


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
            # Events are the whole host's: perf adds a number to the name of ours if there is one already.
            added = self.run("probe", "-x", command, f"%sdt_shadowwalk:{probe}").stderr
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
