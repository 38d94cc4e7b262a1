"""Where output goes: a command reports what it cannot write, and replaces nothing but regular files."""

import json
import os
import pathlib
import stat
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
CELL = ("cell", "--variant", "leak", "--workload", "mmio-poll", "--guest", "thread", "--duration", "150ms", "--warmup", "0")
PRINTING = [("list", "variants"), ("list", "figures", "--json"), ("doctor",), ("cell", "--help"), (*CELL, "--json", "-"),
            CELL, ("ps",), ("verify", "--variant", "leak", "--walkers", "1"),
            ("verify", "--variant", "leak", "--walkers", "1", "--json", "-"),
            ("project", "--variants", "leak", "--vcpus", "2", "--duration", "50us", "--warmup", "0", "--rounds", "0"),
            ("import", "--dump", "churn.swtrace"), ("import", "--info", "churn.swtrace")]


@pytest.fixture
def printing(command, tmp_path):
    """Runs a command line with streams of the caller's choice."""
    (tmp_path / "churn.swtrace").write_bytes((ROOT / "workloads/traces/churn.swtrace").read_bytes())

    def run(arguments, **streams):
        return subprocess.run([command, *arguments], cwd=tmp_path, timeout=120, **streams)
    return run


@pytest.mark.parametrize("arguments", PRINTING)
def test_a_full_disk_below_stdout_is_told(printing, arguments):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = printing(arguments, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2, done.stderr
    assert "cannot write to stdout: " in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("arguments", PRINTING)
@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_closed_descriptors_crash_nothing(printing, arguments, closed):
    done = printing(arguments, preexec_fn=lambda: [os.close(fd) for fd in closed], close_fds=False,
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert done.returncode == (2 if 1 in closed else 0)


def test_a_reader_that_goes_ends_the_command_quietly(printing):
    reader, writer = os.pipe()
    os.close(reader)
    done = printing(("list", "figures"), stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert done.stderr == b""


@pytest.mark.parametrize("option", ["--json", "--trace"])
def test_a_device_stays_a_device(printing, option):
    assert printing((*CELL, option, "/dev/null")).returncode == 0
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_symlink_is_followed_and_a_fifo_written_to(printing, tmp_path):
    (tmp_path / "link").symlink_to("real.json")
    assert printing((*CELL, "--json", "link")).returncode == 0
    assert (tmp_path / "link").is_symlink() and json.loads((tmp_path / "real.json").read_text())["benchmarks"]
    os.mkfifo(tmp_path / "fifo")
    with subprocess.Popen(["cat", tmp_path / "fifo"], stdout=subprocess.PIPE) as reader:
        done = printing(("verify", "--variant", "leak", "--walkers", "1", "--json", "fifo"))
        assert done.returncode == 0 and json.loads(reader.communicate(timeout=60)[0])["verified"]
    assert stat.S_ISFIFO(os.stat(tmp_path / "fifo").st_mode)


def test_stdout_by_its_name(printing):
    done = printing((*CELL, "--json", "/dev/stdout"), stdout=subprocess.PIPE)
    assert done.returncode == 0 and b'"benchmarks"' in done.stdout


def test_a_trace_never_replaces_its_own_recording(printing, tmp_path):
    recording = tmp_path / "kvm.txt"
    recording.write_text("qemu 10 [000] 1.000000: kvm:kvm_page_fault: vcpu 0 rip 0x0 address 0x0000000012345000 error_code 0x2\n")
    before = recording.read_bytes()
    done = printing(("import", "kvm.txt", "-o", "./kvm.txt"), stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and "would replace its own recording" in done.stderr
    assert recording.read_bytes() == before
