"""`shadowwalk attach`: the right command on a live run, by the real perf and bpftrace; what it leaves in the result of the
cell; and one clear line wherever it cannot be done."""

import json
import os
import pathlib
import pwd
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

import pytest

from small_cell import CELL


def long_cell(duration="60s", warmup="50ms"):
    return [{"300ms": duration, "50ms": warmup}.get(word, word) for word in CELL]


@pytest.fixture(autouse=True)
def runtime(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path / "shadowwalk"


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


def records_to(data):
    """perf has begun its file. data(cell) -> its path."""
    return lambda cell: data(cell).exists() and data(cell).stat().st_size > 0


def ended_well(tool, tmp_path):
    """What it printed."""
    assert tool.wait(timeout=180) == 0, (tmp_path / "errors").read_text()
    return (tmp_path / "said").read_text()


def samples(perf, data, *options):
    """[(thread's name, ns)] of a recording."""
    text = subprocess.run([perf, "script", "-i", str(data), "-F", "comm,time", "--ns", *options], capture_output=True,
                          text=True, check=True, timeout=120).stdout
    found = re.findall(r"^\s*(\S+)\s+(\d+)\.(\d{9}):", text, re.MULTILINE)
    return [(comm, int(seconds) * 1_000_000_000 + int(ns)) for comm, seconds, ns in found]


def refused(done, *words):
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert done.stdout == "" and done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("shadowwalk: attach: ")
    for word in words:
        assert word in done.stderr, done.stderr


# What is printed

def test_no_run_and_unknown_runs_are_named(start, attach):
    refused(attach("--what", "cpu"), "no live run of this user", "shadowwalk ps")
    one = start("--variant", "leak")
    one.until("measure")
    refused(attach(f"cel-{one.pid}", "--what", "cpu"), f"no live run 'cel-{one.pid}', did you mean 'cell-{one.pid}'?")
    two = start("--variant", "leak")
    two.until("measure")
    refused(attach("--what", "cpu", "--print"), "2 live runs; name one of them: ", f"cell-{one.pid}", f"cell-{two.pid}")
    if shutil.which("perf"):
        assert attach(f"cell-{two.pid}", "--what", "cpu", "--print").returncode == 0


@pytest.mark.parametrize("arguments, words", [
    (["--what", "cpus"], ["unknown --what 'cpus', did you mean 'cpu'?"]),
    (["--what", "cpu", "--role", "walkers"], ["unknown --role 'walkers', did you mean 'walker'?"]),
    (["--what", "cpu", "--for", "soon"], ["--for is 'soon'"]),
    (["--what", "cpu", "--for", "0"], ["--for is '0'"])])
def test_bad_input(attach, arguments, words):
    refused(attach(*arguments), *words)


def test_options_that_exclude_each_other(attach):
    for other in (["--print"], ["--for", "1s"]):
        done = attach("--what", "cpu", "--next-measure", *other)
        assert done.returncode == 2 and done.stderr.count("\n") == 1


def test_print_runs_nothing_and_is_one_line_to_paste(start, attach, software_perf, runtime, tmp_path):
    cell = start("--variant", "irq-ipi", "--vcpus", "2", "--hold", cell=long_cell(duration="2s"))
    tids = cell.until("held")["threads"]
    before = sorted(runtime.iterdir())
    out = tmp_path / "it's here"
    done = attach("--what", "cpu", "--role", "walker", "--print", "--for", "600s", "--out", out)
    assert done.returncode == 0 and done.stdout.count("\n") == 1
    words = shlex.split(done.stdout)
    assert words[:7] == ["timeout", "--foreground", "-s", "INT", "600", "perf", "record"]
    assert words[words.index("-t") + 1] == ",".join(map(str, tids["vcpu"]))
    data = out / f"cpu-{cell.pid}.data"
    assert words[words.index("-o") + 1] == str(data)
    assert not out.exists() and sorted(runtime.iterdir()) == before
    out.mkdir()
    pasted = subprocess.Popen(["sh", "-c", done.stdout], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not records_to(lambda _: data)(cell):
        assert pasted.poll() is None, pasted.stderr.read()
        time.sleep(0.01)
    cell.go_on()
    errors = pasted.communicate(timeout=120)[1]
    assert pasted.returncode == 0, errors  # it ends with the threads
    assert {comm for comm, _ in samples(software_perf, data)} == {"vcpu-0", "vcpu-1"}


# What is run

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


# --next-measure

def check_window(perf, done, data, entry):
    """All that was recorded lies where the cell said that perf was on; what `--time` takes out, within the window."""
    begin, end = (round(float(second) * 1e9) for second in re.search(r"--time (\S+),(\S+)", done).groups())
    assert abs((end - begin) - entry["duration_s"] * 1e9) < 1e6
    all_times = [time for _, time in samples(perf, data)]
    option = re.search(r"--time (\S+)", done)[0].split()
    window = [time for _, time in samples(perf, data, *option)]
    assert window and min(window) >= begin and max(window) <= end
    # Perf was on shortly before, and off before the drain began.
    assert len(window) > 0.9 * len(all_times), (len(window), len(all_times))
    return begin, end, all_times


def test_next_measure_is_the_window_and_nothing_else(attach_to_held, software_perf, tmp_path):
    # A warm-up and a window of the same length: perf that was on in both would have twice the samples.
    cell, tool = attach_to_held(["--variant", "irq-ipi"], "--what", "cpu", "--role", "walker", "--next-measure", "--out", tmp_path,
                                ready=lambda _: "waiting for the next" in (tmp_path / "errors").read_text(),
                                cell=long_cell(duration="1s", warmup="1s"))
    said = ended_well(tool, tmp_path)
    entry = cell.entry()
    check_window(software_perf, said, tmp_path / f"cpu-{cell.pid}.data", entry)
    assert entry["shadowwalk"]["perturbed"] == "perf record (attach --what cpu --role walker)"
    assert entry["duration_s"] == pytest.approx(1)


def test_next_measure_of_a_run_takes_the_next_cell(command, attach, software_perf, tmp_path, runtime):
    matrix = tmp_path / "two.toml"
    matrix.write_text('title = "two"\nrepetitions = 2\n[defaults]\nworkload = "mmio-poll"\nguest = "thread"\nduration = "2s"\n'
                      'warmup = "200ms"\nworking-set = 64\n[[group]]\nname = "one"\nvariant = ["leak"]\nzappers = 1\n')
    run = subprocess.Popen([command, "run", str(matrix), "--out", str(tmp_path / "first")], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    try:
        while True:
            runs = json.loads(subprocess.run([command, "ps", "--json"], capture_output=True, check=True).stdout)
            if runs and runs[0]["phase"] == "measure":
                break
            assert run.poll() is None
            time.sleep(0.01)
        under_way = runs[0]["cell_pid"]
        done = attach(f"first-{run.pid}", "--what", "cpu", "--next-measure")
        assert done.returncode == 0, done.stderr
        data, = tmp_path.glob("cpu-*.data")
        assert data.name != f"cpu-{under_way}.data"
        assert run.wait(timeout=120) == 0
    finally:
        run.kill()
        run.wait()
    entries = [json.loads(file.read_text())["benchmarks"][0] for file in sorted((tmp_path / "first").rglob("*.json"))
               if file.name != "run.json"]
    marked = [entry for entry in entries if "perturbed" in entry["shadowwalk"]]
    assert len(entries) == 2 and len(marked) == 1
    check_window(software_perf, done.stdout, data, marked[0])
    attach("--what", "cpu")  # looks at the directory
    assert list(runtime.iterdir()) == []


def test_next_measure_when_there_is_none(start, command, software_perf, runtime, tmp_path):
    cell = start("--variant", "leak", cell=long_cell(duration="5s"))
    cell.until("measure")
    tool = subprocess.Popen([command, "attach", "--what", "cpu", "--next-measure"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    said = tool.stderr.readline()
    if "no live run" in said:
        pytest.skip("this machine is so busy that the cell was over before anybody could wait for its next window")
    assert "waiting for the next" in said
    assert "perturbed" not in cell.entry()["shadowwalk"]
    errors = tool.communicate(timeout=60)[1]
    assert tool.returncode == 1 and "ended before another measured window began" in errors
    assert list(runtime.iterdir()) == []


def test_next_measure_whose_perf_dies_does_not_hang_the_cell(start, command, tmp_path):
    """A perf that opens its fifos, answers once and dies."""
    fake = tmp_path / "bin" / "perf"
    fake.parent.mkdir()
    fake.write_text(f"""#!{sys.executable}
import os, sys
option, = [word for word in sys.argv if word.startswith("--control=fifo:")]
control, ack = (os.open(path, os.O_RDWR) for path in option.removeprefix("--control=fifo:").split(","))
assert os.read(control, 100) == b"enable\\n"
os.write(ack, b"ack\\n\\0")
sys.exit(3)
""")
    fake.chmod(0o755)
    cell = start("--variant", "leak", "--hold", cell=long_cell(duration="1s"))
    cell.until("held")
    tool = subprocess.Popen([command, "attach", "--what", "cpu", "--next-measure"], cwd=tmp_path, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env={**os.environ, "PATH": f"{fake.parent}:{os.environ['PATH']}"})
    assert "waiting for the next measured window" in tool.stderr.readline()
    cell.process.send_signal(signal.SIGUSR1)
    entry = cell.entry()
    assert entry["zaps_total"] > 0
    errors = tool.communicate(timeout=60)[1]
    assert tool.returncode == 1 and "failed with exit code 3" in errors, errors


@pytest.mark.parametrize("what", ["zaps", "frees", "locks", "exits"])
def test_next_measure_is_for_perf(start, attach, bpftrace, what):
    start("--variant", "leak").until("measure")
    refused(attach("--what", what, "--next-measure"), "a tool that can be switched")


# What a host cannot do

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
    refused(attach("--what", "c2c"), "no event samples memory", "nearest", "--what cpu")


def test_kvm_events_of_a_guest_without_kvm(start, attach, perf):
    start("--variant", "leak").until("measure")
    refused(attach("--what", "kvm"), "thread guests", "--what exits")


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
    refused(done, f"may not look into process {entry_of['cell_pid']}", "as root")


# With tracefs

def test_sched_of_the_threads(attach_to_held, perf, tmp_path):
    """It ends with the cell, though it looks at the whole host."""
    cell, tool = attach_to_held(["--variant", "irq-ipi", "--zap-rate", "200"], "--what", "sched", "--role", "zapper", "--for",
                                "600s", ready=records_to(lambda cell: tmp_path / f"sched-{cell.pid}.data"),
                                cell=long_cell(duration="2s"))
    ended_well(tool, tmp_path)
    text = subprocess.run([perf, "script", "-i", str(tmp_path / f"sched-{cell.pid}.data"), "-F", "event,trace"],
                          capture_output=True, text=True, check=True).stdout
    zapper, = cell.tids["zapper"]
    switches = [line for line in text.splitlines() if "sched_switch" in line]
    assert any(f"prev_pid={zapper} " in line for line in switches), "it goes"
    assert any(f"next_pid={zapper} " in line for line in switches), "and comes"
    assert all(f"_pid={zapper} " in line for line in switches), "others alone are not recorded"


def test_kvm_events_of_the_vcpus(attach_to_held, perf, tmp_path):
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        pytest.skip("/dev/kvm does not open")
    cell, tool = attach_to_held(["--variant", "irq-ipi"], "--what", "kvm", "--for", "600s",
                                ready=records_to(lambda cell: tmp_path / f"kvm-{cell.pid}.data"),
                                cell=[{"thread": "kvm"}.get(word, word) for word in long_cell(duration="2s")])
    ended_well(tool, tmp_path)
    text = subprocess.run([perf, "script", "-i", str(tmp_path / f"kvm-{cell.pid}.data"), "-F", "comm,event"],
                          capture_output=True, text=True, check=True).stdout
    assert "kvm:kvm_userspace_exit" in text and {line.split()[0] for line in text.splitlines() if line} <= {"vcpu-0", "zapper-0"}
