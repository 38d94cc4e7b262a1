"""Runs the real `shadowwalk`, whose path CTest passes in SHADOWWALK, and says whether tools can attach to it here."""

import os
import pathlib
import shutil
import subprocess

import pytest

# Small enough to be quick under a tool, busy enough that all it counts is more than a handful.
CELL = ("--workload", "mmio-poll", "--guest", "thread", "--duration", "300ms", "--warmup", "50ms", "--working-set", "64")


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
    tried = subprocess.run([path, "-e", "uprobe:/bin/true:main { } BEGIN { exit(); }"], capture_output=True, text=True,
                           timeout=60, check=False)
    tried = tried if tried.returncode == 0 else subprocess.run(
        [path, "-e", "BEGIN { exit(); }"], capture_output=True, text=True, timeout=60, check=False)
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
