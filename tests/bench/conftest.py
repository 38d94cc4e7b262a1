"""What the tests of the benchmarks share."""

import json
import os
import pathlib
import subprocess

import pytest

from shadowwalk_report.bench.program import Measurement

# Behaves as shadowwalk-bench does, with made-up times: plan.json beside it has, for each full name, the CPU times of
# its calls in turn, or an error.
STAND_IN = r"""#!/usr/bin/python3 -IS
import json, os, pathlib, re, signal, sys
here = pathlib.Path(__file__).resolve()
plan = json.loads(here.with_suffix(".json").read_text())
flags = dict(argument[2:].split("=", 1) for argument in sys.argv[1:])
log = pathlib.Path(plan["log"])
names = [name for name in plan["benchmarks"] if re.search(flags.get("benchmark_filter", "."), name)]
if not names:
    sys.exit(2)
if flags.get("benchmark_list_tests") == "true":
    print("\n".join(names))
    sys.exit(0)
calls = log.read_text().splitlines() if log.exists() else []
mine = calls.count(here.name)
log.write_text("\n".join([*calls, here.name]) + "\n")
how = plan.get("ends", {}).get(str(mine), "")
if how.startswith("signal"):
    os.kill(os.getpid(), int(how.split()[1]))
if how.startswith("exit"):
    print("first line\nit went wrong", file=sys.stderr)
    sys.exit(int(how.split()[1]))
entries = []
for name in names:
    values = plan["benchmarks"][name]
    entry = {"name": name, "run_type": "iteration", "time_unit": "ns"}
    if isinstance(values, str):
        entry.update(error_occurred=True, error_message=values)
    else:
        value = values[mine % len(values)]
        entry.update(real_time=value, cpu_time=value, **plan.get("counters", {}))
    entries.append(entry)
text = json.dumps({"context": {}, "benchmarks": entries})
pathlib.Path(flags["benchmark_out"]).write_text(text[:len(text) // 2] if how == "cut" else text)
sys.exit(int(how.split()[1]) if how.startswith("late-exit") else 0)
"""


@pytest.fixture(scope="session")
def project():
    return pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def stand_in(tmp_path):
    """stand_in(name, {benchmark: times or error}, ends={call: how}) -> its path. All calls are noted, in order, in
    tmp_path/log."""
    def make(name, benchmarks, **more):
        path = tmp_path / name
        path.write_text(STAND_IN)
        path.chmod(0o755)
        plan = {"benchmarks": benchmarks, "log": str(tmp_path / "log"), **more}
        path.with_suffix(".json").write_text(json.dumps(plan))
        return path
    return make


@pytest.fixture
def run_script(project, tmp_path):
    """run_script(name, arguments...) -> CompletedProcess of scripts/name, in tmp_path."""
    def run(name, *arguments):
        return subprocess.run([project / "scripts" / name, *map(str, arguments)], cwd=tmp_path, capture_output=True,
                              text=True, timeout=300, check=False)
    return run


@pytest.fixture(scope="session")
def bench():
    """bench(arguments...) -> CompletedProcess of the real shadowwalk-bench, whose path CTest passes."""
    def run(*arguments, **options):
        return subprocess.run([os.environ["SHADOWWALK_BENCH"], *map(str, arguments)], capture_output=True, text=True,
                              timeout=590, check=False, **options)
    return run


@pytest.fixture(scope="session")
def measure(bench, tmp_path_factory):
    """measure(flags...) -> (context, entries) of one run that must succeed."""
    def run(*flags):
        out = tmp_path_factory.mktemp("bench") / "out.json"
        done = bench(*flags, f"--benchmark_out={out}")
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr
        document = json.loads(out.read_text())
        return document["context"], document["benchmarks"]
    return run


def timed(times):
    return [Measurement(ns) for ns in times]
