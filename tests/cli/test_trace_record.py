"""`record` on the real binary. What needs tracepoints says SKIPPED where tracefs is not mounted."""

import os
import pathlib
import shutil
import subprocess

import pytest


def test_record_without_a_command(refused):
    assert "command" in refused("record").lower()


def test_record_without_perf(refused, tool):
    assert "linux-perf" in refused("record", "--", "true")


def has_tracepoints():
    return any(pathlib.Path(root, "events/kvmmmu").is_dir() for root in ("/sys/kernel/tracing", "/sys/kernel/debug/tracing"))


def test_record_where_there_are_no_tracepoints(refused, tool, tmp_path):
    if has_tracepoints():
        pytest.skip("this host has the kvm tracepoints mounted")
    tool("perf", "exit 1")
    message = refused("record", "--", "true")
    assert "kvm:" in message and ("tracefs" in message or "no such tracepoint" in message)


@pytest.fixture
def tracepoints():
    if not has_tracepoints():
        pytest.skip("no kvm tracepoints: tracefs is not mounted or readable, or KVM is not loaded")


def test_record_of_no_program(refused, tracepoints, tmp_path):
    if not shutil.which("perf"):
        pytest.skip("perf is not installed")
    assert "no-such-program" in refused("record", "--", "no-such-program")


def test_sampled_events_beside_tracepoints_do_not_stop_an_import(refused, tracepoints, tmp_path):
    """`perf record -e kvm:* -e cycles -p PID`: the samples of one process have no CPU, and perf could not print it."""
    if not shutil.which("perf"):
        pytest.skip("perf is not installed")
    subprocess.run(["perf", "record", "-q", "-o", tmp_path / "mixed.data", "-e", "sched:sched_switch", "-e", "cpu-clock",
                    "--", "sh", "-c", "sleep 0.05; sleep 0.05"], check=True, capture_output=True)
    assert "none is a KVM access or zap" in refused("import", "mixed.data", "-o", "mixed.swtrace")


def test_record_with_a_perf_that_records_nothing(shadowwalk, tracepoints, tool, tmp_path):
    tool("true", "")
    tool("perf", "echo 'Access to performance monitoring is limited' >&2; exit 255")
    done = shadowwalk("record", "--", "true")
    assert done.returncode == 2
    assert "exit code 255" in done.stderr and "is limited" in done.stderr and "perf_event_paranoid" in done.stderr


def test_record_while_no_guest_runs(refused, tracepoints, tool, tmp_path):
    (tmp_path / "perf.log").touch()  # the tool's own: `record` leaves nothing
    tool("true", "")
    tool("perf", 'case $1 in record) while [ "$1" != -o ]; do shift; done; printf PERFILE2-and-more > "$2";; esac')
    assert "record: KVM did nothing while `true` ran" in refused("record", "--", "true")


def test_record(shadowwalk, tracepoints, tmp_path, kinds):
    """A real recording of a guest that this host's KVM runs, in a cell."""
    if not shutil.which("perf") or not os.access("/dev/kvm", os.R_OK | os.W_OK):
        pytest.skip("needs perf and /dev/kvm")
    cell = (os.environ["SHADOWWALK"], "cell", "--variant", "leak", "--workload", "mmio-poll", "--guest", "kvm", "--duration",
            "100ms", "--warmup", "0", "--zappers", "0", "--walks-per-exit", "1")
    done = shadowwalk("record", "-o", "r.swtrace", "--", *cell)
    if "perf_event_paranoid" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    assert sorted(file.name for file in tmp_path.iterdir()) == ["r.swtrace"]
    found = kinds(shadowwalk("import", "--info", "r.swtrace").stdout)
    assert sum(count for kind, count in found.items() if kind.startswith("mmio")) > 10, found
