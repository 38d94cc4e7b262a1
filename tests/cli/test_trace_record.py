"""`record` on the real binary. What needs tracepoints says SKIPPED where tracefs is not mounted."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

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


def test_a_failure_that_is_not_of_permissions_gets_no_advice_on_them(shadowwalk, tracepoints, tool):
    if os.geteuid() != 0:
        pytest.skip("only root has all permissions")
    tool("true", "")
    tool("perf", "echo 'failed to mmap: Cannot allocate memory' >&2; exit 255")
    done = shadowwalk("record", "--", "true")
    assert done.returncode == 2 and "Cannot allocate memory" in done.stderr
    assert "perf_event_paranoid" not in done.stderr


def test_record_while_no_guest_runs(refused, tracepoints, tool, tmp_path):
    (tmp_path / "perf.log").touch()  # the tool's own: `record` leaves nothing
    tool("true", "")
    tool("perf", 'case $1 in record) while [ "$1" != -o ]; do shift; done; printf PERFILE2-and-more > "$2";; esac')
    assert "record: KVM did nothing while `true` ran" in refused("record", "--", "true")


RUNS_THE_COMMAND = """case $1 in record)
  echo '  Warning: [kvm:kvm_exit] bad op token {' >&2
  while [ "$1" != -- ]; do
    if [ "$1" = -o ]; then printf PERFILE2-and-more > "$2"; fi
    shift
  done
  shift
  "$@";; esac"""


def test_what_perf_warns_of_is_not_shown_but_what_the_command_says_is(shadowwalk, tracepoints, tool):
    tool("perf", RUNS_THE_COMMAND)
    done = shadowwalk("record", "--", "/bin/sh", "-c", "echo from the command >&2; echo on stdout")
    assert done.stderr.splitlines()[0] == "from the command" and "on stdout" in done.stdout
    assert "bad op token" not in done.stderr
    assert "KVM did nothing" in done.stderr.splitlines()[1] and done.stderr.count("\n") == 2


@pytest.mark.parametrize("arguments, says", [
    (("--", "./nothere"), "./nothere: No such file or directory"), (("--", "/dev/null"), "/dev/null: Permission denied"),
    (("--buffer", "zz", "--", "/bin/true"), "--buffer is 'zz'"), (("--buffer", "-4M", "--", "/bin/true"), "--buffer is '-4M'"),
    (("--keep", "no-such-folder/k.data", "--", "/bin/true"), "no-such-folder/k.data"),
    (("--keep", ".", "--", "/bin/true"), "cannot write .")])
def test_record_of_what_cannot_be(refused, tracepoints, tool, arguments, says):
    tool("perf", "echo started >&2; exit 1")
    assert says in refused("record", *arguments)


def test_record_to_where_nothing_can_be_written(refused, tracepoints, tool):
    tool("perf", "echo started >&2; exit 1")
    message = refused("record", "-o", "no-such-folder/k.swtrace", "--", "/bin/true")
    assert "no-such-folder" in message and "started" not in message


SLEEPING_PERF = f"""exec {sys.executable} -c '
import os, pathlib, signal, sys, time
def end(*_):
    pathlib.Path("interrupted").touch()
    os._exit(0)
signal.signal(signal.SIGINT, end)
with open(sys.argv[sys.argv.index("-o") + 1], "wb") as data:
    data.write(b"PERFILE2 half-written")
pathlib.Path("started").touch()
while True:
    time.sleep(1)
' "$@" """


@pytest.mark.parametrize("fatal", [signal.SIGKILL, signal.SIGHUP, signal.SIGTERM])
@pytest.mark.parametrize("forgetful", [False, True])  # as a perf with file capabilities forgets PR_SET_PDEATHSIG
def test_a_record_that_is_killed_leaves_no_perf_and_no_file(command, tracepoints, tool, tmp_path, fatal, forgetful):
    def until(name):
        deadline = time.monotonic() + 60
        while not (tmp_path / name).exists():
            assert time.monotonic() < deadline and (name == "interrupted" or record.poll() is None), name
            time.sleep(0.01)
    tool("perf", SLEEPING_PERF.replace("exec ", "exec /usr/bin/setpriv --pdeathsig clear ") if forgetful else SLEEPING_PERF)
    before = {file.name for file in tmp_path.iterdir()}
    record = subprocess.Popen([command, "record", "-o", "k.swtrace", "--", "/bin/sleep", "1000"], cwd=tmp_path)
    until("started")
    record.send_signal(fatal)
    record.wait(timeout=60)
    until("interrupted")
    assert {file.name for file in tmp_path.iterdir()} - before == {"started", "interrupted", "perf.log"}


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
