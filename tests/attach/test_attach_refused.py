"""What a host, a user or a run cannot do: one clear line each."""

import os
import pathlib
import pwd
import shutil
import subprocess
import time

import pytest

from small_cell import long_cell
from tool_output import refused


@pytest.mark.parametrize("what, package", [("cpu", "linux-perf"), ("zaps", "bpftrace")])
def test_without_the_tool(start, attach, what, package, tmp_path):
    start("--variant", "leak").until("measure")
    (tmp_path / "empty").mkdir()
    refused(attach("--what", what, environment={"PATH": str(tmp_path / "empty")}), "is not on PATH", f"apt-get install {package}")


@pytest.mark.parametrize("what", ["sched", "kvm"])
def test_without_tracefs(start, attach, what):
    if any(pathlib.Path(mount, "events").exists() for mount in ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")):
        pytest.skip("tracefs is mounted")
    if shutil.which("perf") is None:
        pytest.skip("perf (linux-perf) is not installed")
    start("--variant", "leak").until("measure")
    refused(attach("--what", what), "tracefs is not mounted: mount -t tracefs")


def test_c2c_without_memory_events_names_what_comes_nearest(start, attach):
    devices = pathlib.Path("/sys/bus/event_source/devices")
    if any(devices.glob("*/events/mem-loads")) or any(devices.glob("ibs_op")) or any(devices.glob("arm_spe*")):
        pytest.skip("this host samples memory accesses")
    if shutil.which("perf") is None:
        pytest.skip("perf (linux-perf) is not installed")
    start("--variant", "leak").until("measure")
    refused(attach("--what", "c2c"), "no event samples memory", "closest", "--what cpu")


@pytest.fixture
def nobody(command, tmp_path):
    """User id and environment of a user who owns nothing but a runtime directory; skipped unless we may become one."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    user = pwd.getpwnam("nobody").pw_uid
    tried = subprocess.run([command, "--version"], user=user, capture_output=True, check=False)
    if tried.returncode != 0:
        pytest.skip("another user may not run the executable where it stands")
    home = pathlib.Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    os.chown(home, user, -1)
    yield user, {"XDG_RUNTIME_DIR": str(home)}, home
    shutil.rmtree(home)


def test_an_ordinary_user_is_told_what_takes_root(command, nobody):
    user, environment, home = nobody
    environment = {**os.environ, **environment}
    cell = subprocess.Popen([command, "cell", "--variant", "leak", *long_cell()], user=user, env=environment, cwd=home,
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def attach(*arguments):
        return subprocess.run([command, "attach", *arguments], user=user, env=environment, cwd=home, capture_output=True,
                              text=True, timeout=60, check=False)
    try:
        while "measure" not in subprocess.run([command, "ps"], user=user, env=environment, capture_output=True, text=True,
                                              check=True).stdout:
            assert cell.poll() is None
            time.sleep(0.02)
        if shutil.which("bpftrace"):
            refused(attach("--what", "zaps"), "bpftrace needs root: add --print")
            assert attach("--what", "zaps", "--print").stdout.startswith("sudo timeout --foreground -s INT 10 bpftrace -p ")
        if shutil.which("perf") and pathlib.Path("/proc/sys/kernel/perf_event_paranoid").read_text() == "2\n":
            done = attach("--what", "cpu", "--for", "200ms")
            assert done.returncode == 0 and "user space only" in done.stderr, done.stderr
            assert (home / f"cpu-{cell.pid}.data").stat().st_size > 0
    finally:
        cell.kill()
        cell.wait()


def test_a_process_that_may_not_be_looked_into(start, nobody, command, runtime, tmp_path):
    """Its entry is ours, and it runs as somebody whom we may not trace: as a daemon that has changed its user."""
    user, environment, home = nobody
    cell = start("--variant", "leak")
    entry_of = cell.until("measure")
    entry, = runtime.iterdir()
    theirs = home / "shadowwalk"
    theirs.mkdir(mode=0o700)
    shutil.copy(entry, theirs / entry.name)
    for path in (theirs, theirs / entry.name):
        os.chown(path, user, -1)
    done = subprocess.run([command, "attach", "--what", "cpu"], user=user, env={**os.environ, **environment}, cwd=home,
                          capture_output=True, text=True, timeout=60, check=False)
    refused(done, f"may not inspect process {entry_of['cell_pid']}", "as root")
