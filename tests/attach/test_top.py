"""`shadowwalk top`: a live cell's own counters, as lines of JSON, as text, and on a real terminal."""

import fcntl
import json
import os
import pty
import pwd
import select
import signal
import struct
import subprocess
import termios
import time

import pyte
import pytest

from small_cell import AT_ONCE, REPLAY, long_cell


@pytest.fixture(autouse=True)
def utf8(monkeypatch):
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture
def start(command, tmp_path):
    """start(options of a cell...) -> a held cell, with .go_on() and .entry(), which waits for its result."""
    children = []

    class Cell:
        def __init__(self, *options):
            self.result = tmp_path / f"result{len(children)}.json"
            self.process = subprocess.Popen([command, "cell", *options, "--hold", "--json", str(self.result)],
                                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                            text=True)
            children.append(self.process)
            while "go on:" not in self.process.stderr.readline():
                assert self.process.poll() is None

        def go_on(self):
            self.process.send_signal(signal.SIGUSR1)

        def entry(self):
            errors = self.process.communicate(timeout=100)[1]
            assert self.process.returncode == 0, errors
            return json.loads(self.result.read_text())["benchmarks"][0]

    yield Cell
    for child in children:
        child.kill()
        child.communicate()


@pytest.fixture
def frames(command):
    """frames(arguments...) -> each frame of `top --json` as it comes, until it ends."""
    def run(*arguments):
        with subprocess.Popen([command, "top", "--json", *arguments], stdout=subprocess.PIPE, text=True) as tool:
            try:
                for line in tool.stdout:
                    yield json.loads(line)
                assert tool.wait(timeout=60) == 0
            finally:
                tool.kill()
    return run


def top(command, *arguments, **more):
    return subprocess.run([command, "top", *arguments], capture_output=True, text=True, timeout=60, check=False, **more)


def watch_to_the_end(cell, frames):
    """All frames of a cell that is held until the first of them was seen."""
    seen = []
    for frame in frames("--interval", "100ms"):
        if not seen:
            assert frame["phase"] == "held"
            cell.go_on()
        seen.append(frame)
    assert seen[-1]["phase"] == "ended"
    return seen


@pytest.mark.parametrize("options", [("--variant", "irq-ipi", "--vcpus", "2", *long_cell("1s")),
                                     ("--variant", "hazard", *long_cell("1s"), "--walks-per-exit", "1"),
                                     ("--variant", "rcu-counter", *REPLAY)])
def test_counts_are_those_of_the_result(start, frames, options):
    """It holds the counters when the cell has gone, and the last of them are the cell's totals."""
    cell = start(*options)
    seen = watch_to_the_end(cell, frames)
    entry = cell.entry()
    totals = seen[-1]["totals"]
    assert totals["zaps"] == entry["zaps_total"] > 0
    assert totals["pages_freed"] == entry["pages_freed_total"] > 0
    assert totals["ipis"] == entry["ipis_total"]
    assert totals["violations"] == entry["violations"] == 0
    assert totals["walks"] > 0 and sum(totals["exits"].values()) >= entry["exits"]
    assert seen[-1]["retired_bytes"] == 0, "the drain frees everything"
    assert seen[-1]["retired_bytes_peak"] == entry["retired_bytes_peak"]
    assert seen[0]["totals"]["walks"] == 0, "held"
    for before, after in zip(seen, seen[1:]):
        for name in ("walks", "faults", "zaps", "ipis", "pages_freed"):
            assert before["totals"][name] <= after["totals"][name]
    assert "perturbed" not in entry["shadowwalk"]


def test_exits_are_told_by_their_reason(start, frames):
    cell = start("--variant", "leak", *long_cell("500ms"), "--walks-per-exit", "1")
    exits = watch_to_the_end(cell, frames)[-1]["totals"]["exits"]
    assert exits["mmio"] > 0 and exits["doorbell"] == exits["halt"] == 0
    cell.entry()
    sleeper = start("--variant", "leak", "--workload", "idle-vcpus", "--guest", "thread", "--vcpus", "2", "--duration", "1s",
                    "--warmup", "50ms")
    exits = watch_to_the_end(sleeper, frames)[-1]["totals"]["exits"]
    assert exits["doorbell"] > 0 and exits["halt"] > 0 and exits["mmio"] == 0
    sleeper.entry()


def test_the_kernels_own_mmu_has_exits_and_zaps(start, frames):
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        pytest.skip("/dev/kvm does not open")
    cell = start("--variant", "host-kvm", "--workload", "memslot-flip", "--guest", "kvm", "--duration", "1s", "--warmup", "50ms",
                 "--zap-rate", "100")
    last = watch_to_the_end(cell, frames)[-1]
    entry = cell.entry()
    assert last["totals"]["zaps"] >= entry["zaps_per_second"] * entry["duration_s"] > 0
    assert sum(last["totals"]["exits"].values()) >= entry["exits"] > 0
    assert last["totals"]["walks"] == 0 and "retired_bytes" not in last


def test_violations_show_while_it_runs(start, frames):
    cell = start("--variant", "unsafe", *long_cell("20s"))
    cell.go_on()
    for frame in frames("--interval", "100ms"):
        if frame["totals"]["violations"] > 0:
            return
    pytest.fail("none was seen")


def test_plain_text_where_there_is_no_terminal(command, start):
    cell = start("--variant", "irq-ipi", *long_cell("2s"))
    cell.go_on()
    said = top(command, "--interval", "300ms", "--frames", "3")
    assert said.returncode == 0 and said.stderr == ""
    last = said.stdout.strip().split("\n\n")[-1]
    for words in (" M/s", "zaps", "retired", " KiB at most", "free", "p99", "IPIs", "exits", "doorbell", "violations"):
        assert words in last, said.stdout
    assert said.stdout.count("irq-ipi/mmio-poll/vcpus:1/") == 3


class Terminal:
    """`shadowwalk top` on a terminal of 100 x 24; .screen is what it shows."""

    def __init__(self, command, *arguments, term="xterm-256color"):
        self.screen = pyte.Screen(100, 24)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.process = subprocess.Popen([command, "top", "--interval", "200ms", *arguments], stdin=theirs, stdout=theirs,
                                        stderr=subprocess.PIPE, text=True, env={**os.environ, "TERM": term},
                                        preexec_fn=os.setsid)
        os.close(theirs)
        self.ours = ours

    def read(self):
        """False: it has left."""
        ready, _, _ = select.select([self.ours], [], [], 0.1)
        if not ready:
            return self.process.poll() is None
        try:
            data = os.read(self.ours, 65536)
        except OSError:
            return False
        self.raw += data
        self.stream.feed(data)
        return bool(data)

    def until(self, *words):
        while not all(any(word in line for line in self.screen.display) for word in words):
            assert self.read(), "\n".join(self.screen.display)

    def press(self, key):
        os.write(self.ours, key)

    def leave(self):
        while self.read():
            pass
        self.process.communicate(timeout=60)
        os.close(self.ours)
        return self.process.returncode


@pytest.mark.parametrize("key", [b"q", b"\x03"])
def test_on_a_terminal(command, start, key):
    cell = start("--variant", "irq-ipi", *long_cell())
    cell.go_on()
    terminal = Terminal(command)
    terminal.until("M/s", "measure, ", "doorbell", "window: p50", "q quits")
    assert any("▁" in line or "█" in line for line in terminal.screen.display), "\n".join(terminal.screen.display)
    assert all(len(line) <= 100 for line in terminal.screen.display)
    terminal.press(key)
    assert terminal.leave() == 0
    assert b"\x1b[?1049l" in terminal.raw, "what the terminal showed before comes back"
    assert cell.process.poll() is None, "the cell goes on"


def test_on_a_terminal_until_the_cell_ends(command, start):
    cell = start("--variant", "irq-ipi", *long_cell("2s"))
    terminal = Terminal(command)
    terminal.until("held")
    cell.go_on()
    terminal.until("M/s")
    assert terminal.leave() == 0
    assert b"  ended  " in terminal.raw.rpartition(b"\x1b[?1049l")[2], "what it came to stays"
    cell.entry()


def test_an_unknown_terminal_is_named(command, start):
    start("--variant", "leak", *long_cell())
    terminal = Terminal(command, term="no-such-terminal")
    while terminal.read():
        pass
    errors = terminal.process.communicate(timeout=60)[1]
    assert terminal.process.returncode == 2
    assert "terminal's type 'no-such-terminal' is unknown" in errors and errors.count("\n") == 1


def test_a_run_is_followed_from_cell_to_cell(command, frames, tmp_path):
    matrix = tmp_path / "two.toml"
    matrix.write_text('title = "two"\nrepetitions = 1\n[defaults]\nworkload = "mmio-poll"\nguest = "thread"\nduration = "1s"\n'
                      'warmup = "200ms"\nworking-set = 64\n[[group]]\nname = "one"\nvariant = ["leak", "irq-ipi"]\nzappers = 1\n',
                      encoding="utf-8")
    run = subprocess.Popen([command, "run", str(matrix), "--out", str(tmp_path / "first"), *AT_ONCE], stdout=subprocess.DEVNULL)
    try:
        while "first-" not in subprocess.run([command, "ps"], capture_output=True, text=True, check=True).stdout:
            assert run.poll() is None
            time.sleep(0.01)
        seen = list(frames(f"first-{run.pid}", "--interval", "100ms"))
        assert run.wait(timeout=60) == 0
    finally:
        run.kill()
        run.wait()
    names = [frame["name"] for frame in seen if "name" in frame and "per_second" in frame]
    assert {name.split("/")[0] for name in names} == {"leak", "irq-ipi"}
    assert {frame["number"] for frame in seen} == {1, 2}
    assert seen[-1]["phase"] == "ended"


def test_a_repetition_begins_anew(start, frames):
    cell = start("--variant", "leak", *long_cell("500ms"), "--benchmark_repetitions=2")
    seen = []
    for frame in frames("--interval", "100ms"):
        if frame["phase"] == "held":
            cell.go_on()
        if seen and frame["totals"]["walks"] < seen[-1]["totals"]["walks"]:
            assert "per_second" not in frame, "no rate over two repetitions"
        seen.append(frame)
    assert any(after["totals"]["walks"] < before["totals"]["walks"] for before, after in zip(seen, seen[1:]))
    assert all(rate >= 0 for frame in seen for rate in frame.get("per_second", {}).get("walks_by_vcpu", []))


@pytest.mark.parametrize("arguments, words", [
    (["--interval", "soon"], ["--interval is 'soon'", "100ms to 3600s"]),
    (["--interval", "1ms"], ["--interval is '1ms'"]),
    ([], ["no live run of this user", "shadowwalk ps"]),
    (["cell-1"], ["no live run of this user"]),
    (["--json", "--plain"], ["--plain"])])
def test_bad_input_is_one_line(command, arguments, words):
    done = top(command, *arguments)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr


def test_another_users_counters_are_refused_in_words(command, start, runtime, tmp_path):
    """Its entry is ours, and the process is somebody's whom we may not look into."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    user = pwd.getpwnam("nobody").pw_uid
    home = subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip()
    try:
        if subprocess.run([command, "--version"], user=user, capture_output=True, check=False).returncode != 0:
            pytest.skip("another user may not run the executable where it stands")
        cell = start("--variant", "leak", *long_cell())
        subprocess.run(["cp", "-r", str(runtime), home], check=True)
        subprocess.run(["chown", "-R", str(user), home], check=True)
        subprocess.run(["chmod", "700", f"{home}/shadowwalk"], check=True)
        done = top(command, "--frames", "1", user=user, env={**os.environ, "XDG_RUNTIME_DIR": home}, cwd=home)
        assert done.returncode == 0
        assert f"no counters: /proc/{cell.process.pid}/fd/" in done.stdout and "as root" in done.stdout
    finally:
        subprocess.run(["rm", "-rf", home], check=True)
