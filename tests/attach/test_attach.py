"""`shadowwalk attach` on a live run, by the real perf and bpftrace, and what it leaves in the cell's result."""

import json
import os
import re
import resource
import subprocess
import sys

import pytest

from small_cell import CELL, long_cell
from tool_output import ended_well, records_to, samples


def test_cpu_samples_the_role_and_marks_the_result(attach_to_held, software_perf, tmp_path):
    """It ends with the cell."""
    def data(cell):
        return tmp_path / "out" / f"cpu-{cell.pid}.data"
    cell, tool = attach_to_held(["--variant", "irq-ipi"], "--what", "cpu", "--role", "walker", "--for", "600s", "--out",
                                tmp_path / "out", ready=records_to(data), cell=long_cell(duration="2s"))
    assert f"perf report -i {data(cell)}" in ended_well(tool, tmp_path)
    assert {comm for comm, _ in samples(software_perf, data(cell))} == {"vcpu-0"}
    entry = cell.entry()
    assert entry["shadowwalk"]["perturbed"] == "perf record (attach --what cpu --role walker)"
    assert "perturbed" in entry["shadowwalk"]["flags"]
    assert entry["label"] == "perturbed: perf record (attach --what cpu --role walker)"


@pytest.mark.parametrize("what, maps", [("zaps", ["@zap_ns[zapper-0]", "@pages_a_zap[zapper-0]"]),
                                        ("frees", ["@free_ns[", "@pages_retired[zapper-0]"]),
                                        ("locks", ["@commit_held_ns[zapper-0]", "@zap_wait_and_hold_ns[zapper-0]"]),
                                        ("exits", ["@exits[vcpu-0, accesses]", "@accesses_an_exit[vcpu-0]"])])
def test_bpftrace_answers_by_the_probes(attach_to_held, bpftrace, what, maps, tmp_path):
    cell, tool = attach_to_held(["--variant", "irq-ipi"], "--what", what, "--for", "600s",
                                ready=lambda _: "attached\n" in (tmp_path / "said").read_text(), cell=CELL)
    said = ended_well(tool, tmp_path)
    for name in maps:
        assert name in said
    assert f"bpftrace (attach --what {what})" in cell.entry()["shadowwalk"]["perturbed"]


def test_what_bpftrace_says_goes_into_a_file(attach_to_held, bpftrace, tmp_path):
    def file(cell):
        return tmp_path / "new" / "out" / f"zaps-{cell.pid}.txt"
    cell, tool = attach_to_held(["--variant", "leak"], "--what", "zaps", "--for", "600s", "--out", tmp_path / "new" / "out",
                                ready=lambda cell: file(cell).exists(), cell=long_cell(duration="3s"))
    assert f"cat {file(cell)}" in ended_well(tool, tmp_path)


def test_a_cell_without_onlookers_is_not_marked(start):
    entry = start("--variant", "leak", cell=CELL).entry()
    assert "perturbed" not in entry["shadowwalk"] and "perturbed" not in entry["shadowwalk"]["flags"]
    assert "label" not in entry or not entry["label"]


def test_only_the_repetition_that_was_looked_into_is_marked(attach_to_held, software_perf, tmp_path):
    cell, tool = attach_to_held(["--variant", "leak", "--benchmark_repetitions=2"], "--what", "cpu", "--for", "3s",
                                ready=records_to(lambda cell: tmp_path / f"cpu-{cell.pid}.data"), cell=CELL)
    ended_well(tool, tmp_path)
    cell.until("held")  # the second
    cell.go_on()
    assert ["perturbed" in entry["shadowwalk"] for entry in cell.entries()] == [True, False]


def test_a_bpftrace_by_hand_is_seen_by_its_probes(command, bpftrace, tmp_path):
    result = tmp_path / "result.json"
    cell = " ".join([command, "cell", *CELL, "--variant", "leak", "--json", str(result)])
    subprocess.run([bpftrace, "-c", cell, "-e", f"usdt:{command}:shadowwalk:zap__done {{ @ = count(); }}"],
                   capture_output=True, check=True, timeout=180)
    entry = json.loads(result.read_text())["benchmarks"][0]
    assert entry["shadowwalk"]["perturbed"] == "probes zap__done"


TRACER = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
PTRACE_SEIZE = 0x4206
assert libc.ptrace(PTRACE_SEIZE, int(sys.argv[1]), None, None) == 0, os.strerror(ctypes.get_errno())
print("on", flush=True)
while True:
    try:
        pid, status = os.waitpid(int(sys.argv[1]), 0x40000000)
    except ChildProcessError:
        break
    if os.WIFEXITED(status) or os.WIFSIGNALED(status):
        break
    libc.ptrace(7, pid, None, os.WSTOPSIG(status) if os.WSTOPSIG(status) != 5 else 0)
"""


def test_a_debugger_is_seen(start):
    cell = start("--variant", "leak", "--hold", cell=CELL)
    cell.until("held")
    tracer = subprocess.Popen([sys.executable, "-c", TRACER, str(cell.pid)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if tracer.stdout.readline() != b"on\n":
        pytest.skip(f"no process may be traced here: {tracer.stderr.read().decode().splitlines()[-1:]}")
    cell.go_on()
    entry = cell.entry()
    tracer.communicate(timeout=60)
    assert re.fullmatch(rf"python3\S* \(pid {tracer.pid}\)", entry["shadowwalk"]["perturbed"])


def test_kill_9_of_attach_leaves_the_mark_and_the_cell_takes_it_away(start, command, software_perf, runtime, tmp_path):
    cell = start("--variant", "leak", "--hold", cell=CELL)
    cell.until("held")
    tool = subprocess.Popen([command, "attach", "--what", "cpu"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while "perf record" not in tool.stderr.readline():
        assert tool.poll() is None
    tool.kill()
    tool.communicate()  # perf is interrupted with it, and has closed its end
    cell.go_on()
    assert cell.entry()["shadowwalk"]["perturbed"] == "perf record (attach --what cpu)"
    assert list(runtime.iterdir()) == []


@pytest.mark.parametrize("time", ["1ms", "20ms"])
def test_a_short_time_begins_when_perf_is_on(start, attach, software_perf, time, tmp_path):
    cell = start("--variant", "leak")
    cell.until("measure")
    done = attach("--what", "cpu", "--for", time)
    data = tmp_path / f"cpu-{cell.pid}.data"
    assert done.returncode == 0 and f"perf report -i {data.name}" in done.stdout, done.stderr
    assert data.stat().st_size > 0
    samples(software_perf, data)  # it is whole: perf can read it


@pytest.mark.parametrize("what", ["zaps", "frees", "locks", "exits"])
def test_a_short_time_begins_when_bpftrace_is_on(start, attach, bpftrace, what, tmp_path):
    cell = start("--variant", "irq-ipi")
    cell.until("measure")
    done = attach("--what", what, "--for", "1ms", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert "attached\n" in (tmp_path / "out" / f"{what}-{cell.pid}.txt").read_text()


ANSWERS = """
import os, signal, sys
fds, = [word for word in sys.argv if word.startswith("--control=fd:")]
control, ack = (int(fd) for fd in fds.removeprefix("--control=fd:").split(","))
signal.signal(signal.SIGINT, lambda *_: os._exit(0))
assert os.read(control, 100) == b"enable\\n"
os.write(ack, b"ack\\n\\0")
signal.pause()
"""


@pytest.mark.parametrize("script, says", [
    ("import sys\nprint('Warning: noise\\nno such event: \\033[31mx', file=sys.stderr)\nsys.exit(7)",
     "perf ended before it was on (failed with exit code 7): no such event: \\x1b[31mx"),
    ("", "perf ended before it was on (exit code 0): it printed nothing"),
    ("import signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\nsignal.pause()", "perf was not on before the cell was over: it printed nothing"),
    (ANSWERS, "perf wrote nothing to cpu-PID.data: it printed nothing")])
def test_a_perf_that_records_nothing_is_told(start, attach, script, says, tmp_path):
    fake = tmp_path / "bin" / "perf"
    fake.parent.mkdir()
    fake.write_text(f"#!{sys.executable}\n{script}\n")
    fake.chmod(0o755)
    cell = start("--variant", "leak", cell=long_cell(duration="4s"))
    cell.until("measure")
    done = attach("--what", "cpu", "--for", "100ms" if script == ANSWERS else "60s",
                  environment={"PATH": f"{fake.parent}:{os.environ['PATH']}"})
    assert done.returncode == 1 and done.stdout == "", done
    assert done.stderr.splitlines()[-1] == "shadowwalk: attach: " + says.replace("PID", str(cell.pid))
    assert "noise" not in done.stderr


def test_a_perf_whose_file_may_grow_no_further_leaves_none(start, command, software_perf, tmp_path):
    """perf is killed by SIGXFSZ."""
    cell = start("--variant", "leak")
    cell.until("measure")
    done = subprocess.run([command, "attach", "--what", "cpu", "--for", "10s"], cwd=tmp_path, capture_output=True, text=True,
                          timeout=100, check=False,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)))
    assert done.returncode == 1 and "File size limit exceeded" in done.stderr.splitlines()[-1], done.stderr
    assert not (tmp_path / f"cpu-{cell.pid}.data").exists()


def test_a_full_stderr_stops_no_tool(start, command, software_perf, tmp_path):
    cell = start("--variant", "leak")
    cell.until("measure")
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([command, "attach", "--what", "cpu", "--for", "1ms"], cwd=tmp_path, stdout=subprocess.PIPE,
                              stderr=full, timeout=100, check=False)
    assert done.returncode == 0 and (tmp_path / f"cpu-{cell.pid}.data").stat().st_size > 0
