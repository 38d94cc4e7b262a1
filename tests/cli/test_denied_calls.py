"""System calls that a container denies."""

import errno
import json
import os
import subprocess

import pytest
from seccomp_filter import KILL, deny

CELL = ("cell", "--variant", "hazard", "--workload", "mmio-poll", "--guest", "thread", "--duration", "150ms",
        "--warmup", "5ms")


def findings(shadowwalk, **options):
    done = shadowwalk("doctor", "--json", **options)
    assert done.returncode == 0 and done.stderr == ""
    return {found["subject"]: found for found in json.loads(done.stdout)["findings"]}


def test_a_call_that_no_filter_denies_is_not_named(shadowwalk):
    """Containers that run these tests may deny others, such as perf_event_open."""
    assert "memfd_create" not in findings(shadowwalk)["system_calls"]["value"]


# liburcu calls membarrier(2) when it is loaded: where that kills, no program that uses liburcu can start.
@pytest.mark.parametrize("call, error", [
    *((call, error) for call in ("membarrier", "perf_event_open", "sched_setaffinity", "memfd_create")
      for error in (errno.EPERM, errno.ENOSYS)),
    ("perf_event_open", KILL), ("sched_setaffinity", KILL), ("memfd_create", KILL)])
def test_the_doctor_lives_and_names_the_call(shadowwalk, call, error):
    found = findings(shadowwalk, preexec_fn=deny(call, error))["system_calls"]
    assert found["state"] == "lack" and call in found["value"]
    assert ("kills" in found["value"]) == (error == KILL)


@pytest.mark.parametrize("call, error, lacks", [("sched_setaffinity", errno.EPERM, "line_transfer_ns"),
                                                ("sched_setaffinity", KILL, "xchg_ns"),
                                                ("membarrier", errno.EPERM, "membarrier_global_ns_p50")])
def test_floors_that_a_filter_denies_have_a_reason(shadowwalk, matrix, tmp_path, call, error, lacks):
    shadowwalk("run", matrix, "--out", "out", "--filter", "leak", "--repetitions", 1, "--quiet-wait", 0,
               preexec_fn=deny(call, error))
    host = json.loads((tmp_path / "out/run.json").read_text())["host"]
    assert lacks not in host["floors"] and host["unavailable"][lacks]
    assert host["kernel"]["release"] == os.uname().release


@pytest.mark.parametrize("error", [errno.EPERM, errno.ENOSYS])
def test_a_cell_that_may_pin_no_thread_names_the_option(refused, shadowwalk, error):
    message = refused(*CELL, preexec_fn=deny("sched_setaffinity", error))
    assert "give --placement none" in message and "sched_setaffinity" in message
    done = shadowwalk(*CELL, "--placement", "none", preexec_fn=deny("sched_setaffinity", error))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("call", ["pidfd_open", "memfd_create", "perf_event_open"])
def test_a_run_needs_none_of_these(shadowwalk, matrix, tmp_path, call):
    done = shadowwalk("run", matrix, "--out", "out", preexec_fn=deny(call, errno.EPERM))
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "out").rglob("*.json"))) > 12


def test_a_projection_onto_this_host_needs_pinned_threads(refused):
    message = refused("project", "--topology", "host", "--variants", "leak", "--vcpus", "1",
                      preexec_fn=deny("sched_setaffinity", errno.EPERM))
    assert "sched_setaffinity" in message and "--topology" in message


@pytest.mark.parametrize("error", [errno.EPERM, errno.ENOSYS])
def test_live_runs_are_found_without_pidfds(command, tmp_path, error):
    """By their start time alone; an entry of a process that is gone is taken away as ever."""
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}

    def listed():
        done = subprocess.run([command, "ps", "--json"], env=environment, capture_output=True, check=True, timeout=60,
                              preexec_fn=deny("pidfd_open", error))
        return [run["pid"] for run in json.loads(done.stdout)]
    with subprocess.Popen([command, *CELL, "--duration", "60s"], env=environment, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as cell:
        while listed() != [cell.pid]:
            assert cell.poll() is None
        cell.kill()
    assert listed() == [] and list((tmp_path / "shadowwalk").iterdir()) == []
