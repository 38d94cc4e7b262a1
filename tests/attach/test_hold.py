"""`shadowwalk cell --hold`: a cell that stands still until somebody lets it go on, with threads that are found by their
names; and what was attached meanwhile counts the cell's whole life."""

import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import time

import pytest

from small_cell import CELL, REPLAY

HELD = re.compile(r"held before the first zap: pid (\d+)\n((?:  \w+ +[\d ]+\n)+)  go on:   (.*)\n")


def comms(pid):
    """{tid: name} of a process's threads."""
    return {int(task.name): (task / "comm").read_text().strip() for task in pathlib.Path(f"/proc/{pid}/task").iterdir()}


def cpu_ticks(pid):
    """CPU time that the process has used, user and system."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@pytest.fixture
def hold(command, tmp_path):
    """hold(options..., stdin=...) -> a held cell: .pid, .tids {role: [tid]}, .how, .go_on() -> its result's entry."""
    children = []

    class Held:
        def __init__(self, *options, cell=CELL, stdin=subprocess.DEVNULL):
            self.result = tmp_path / "held.json"
            self.process = subprocess.Popen([command, "cell", *cell, *options, "--hold", "--json", str(self.result)],
                                            stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            children.append(self.process)
            said = ""
            while "go on:" not in said:
                line = self.process.stderr.readline()
                assert line, f"ended before it was held: {said}"
                said += line
            pid, roles, self.how = HELD.search(said).groups()
            self.pid = int(pid)
            self.tids = {line.split()[0]: [int(tid) for tid in line.split()[1:]] for line in roles.splitlines()}

        def finish(self):
            _, errors = self.process.communicate(timeout=120)
            assert self.process.returncode == 0, errors
            return json.loads(self.result.read_text(encoding="utf-8"))["benchmarks"][0]

        def go_on(self):
            os.kill(self.pid, signal.SIGUSR1)
            return self.finish()

    yield Held
    for child in children:
        child.kill()
        child.communicate()


def test_threads_are_there_and_named_by_their_role(hold):
    held = hold("--variant", "rcu-counter", "--vcpus", "2", "--zappers", "2")
    names = comms(held.pid)
    assert held.process.pid == held.pid
    assert {names[tid] for tid in held.tids.pop("main")} == {"shadowwalk"}
    told = {role: [names[tid] for tid in tids] for role, tids in held.tids.items()}
    assert told == {"vcpu": ["vcpu-0", "vcpu-1"], "zapper": ["zapper-0", "zapper-1"], "reclaim": ["reclaim-0"]}
    assert len(names) == 6, f"a thread that nobody has named: {names}"
    held.go_on()


def test_names_stay_while_the_cell_runs(hold):
    held = hold("--variant", "irq-ipi", cell=[{"50ms": "60s"}.get(word, word) for word in CELL])
    before = comms(held.pid)
    os.kill(held.pid, signal.SIGUSR1)
    used = cpu_ticks(held.pid)
    while cpu_ticks(held.pid) == used:  # until it runs
        assert held.process.poll() is None
        time.sleep(0.01)
    assert comms(held.pid) == before
    assert sorted(before.values()) == ["shadowwalk", "vcpu-0", "zapper-0"]


@pytest.mark.parametrize("stdin", ["at its end", "lines of others"])
def test_only_a_signal_lets_it_go_on_where_stdin_is_no_terminal(hold, stdin):
    read, write = os.pipe()
    if stdin == "lines of others":
        os.write(write, b"\n\nnext command\n")
    os.close(write)
    held = hold("--variant", "leak", stdin=read)
    assert "Enter" not in held.how and f"kill -USR1 {held.pid}" in held.how
    used = cpu_ticks(held.pid)
    time.sleep(0.6)  # it looks at stdin four times a second
    assert held.process.poll() is None
    assert cpu_ticks(held.pid) - used < 30, "it runs, or waits busily"
    assert held.go_on()["zaps_total"] > 0
    if stdin == "lines of others":
        assert os.read(read, 100) == b"\n\nnext command\n", "it took what is not for it"
    os.close(read)


def test_a_signal_that_comes_early_is_not_lost(command, tmp_path):
    result = tmp_path / "result.json"
    # The shell blocks nothing and runs on as the cell: what it sends itself before stays pending only if SIGUSR1 is blocked.
    process = subprocess.Popen([command, "cell", *CELL, "--variant", "leak", "--hold", "--json", str(result)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1}))
    process.send_signal(signal.SIGUSR1)
    assert process.wait(timeout=120) == 0, process.stderr.read()
    assert result.exists()


def in_terminal(command, result):
    """(pid, terminal) of a held cell that is in a terminal's foreground."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(command, [command, "cell", *CELL, "--variant", "leak", "--hold", "--json", str(result)])
    said = b""
    while b"go on:" not in said or not said.endswith(b"\n"):
        said += os.read(terminal, 1000)
    assert b"Enter, or kill -USR1" in said, said
    return pid, terminal


def drain(terminal):
    try:
        while os.read(terminal, 4096):
            pass
    except OSError:
        pass  # the other side is closed
    os.close(terminal)


def test_enter_lets_it_go_on_in_a_terminal(command, tmp_path):
    result = tmp_path / "result.json"
    pid, terminal = in_terminal(command, result)
    os.write(terminal, b"\n")
    drain(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert json.loads(result.read_text())["benchmarks"][0]["zaps_total"] > 0


def test_interrupt_ends_it_and_leaves_nothing(command, tmp_path):
    result = tmp_path / "result.json"
    pid, terminal = in_terminal(command, result)
    os.write(terminal, b"\x03")
    drain(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGINT
    assert list(tmp_path.iterdir()) == []


def test_each_repetition_is_held(hold):
    held = hold("--variant", "leak", "--benchmark_repetitions=2")
    os.kill(held.pid, signal.SIGUSR1)
    said = ""
    while "go on:" not in said:
        line = held.process.stderr.readline()
        assert line, said
        said += line
    again = HELD.search(said)
    assert int(again[1]) == held.pid
    assert held.go_on()["zaps_total"] > 0


def counted_by_bpftrace(bpftrace, command, held):
    """({probe: count} of what a held cell frees and zaps from here on, its result's entry)."""
    probe = f"usdt:{command}:shadowwalk"
    script = (f"{probe}:page__free {{ @page__free = count(); }} {probe}:zap__done {{ @zap__done = count(); }} "
              'BEGIN { printf("attached\\n"); }')
    tool = subprocess.Popen([bpftrace, "-f", "json", "-p", str(held.pid), "-e", script], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)
    for line in tool.stdout:
        if "attached\\n" in line:
            break
    entry = held.go_on()
    said, errors = tool.communicate(timeout=120)  # it ends with the process
    assert tool.returncode == 0, errors
    maps = {}
    for line in said.splitlines():
        if line.startswith("{") and json.loads(line)["type"] == "map":
            maps.update(json.loads(line)["data"])
    return {name.lstrip("@"): count for name, count in maps.items()}, entry


@pytest.mark.parametrize("guest", ["thread", "kvm"])
def test_bpftrace_attached_to_a_held_cell_counts_its_whole_life(hold, bpftrace, command, guest):
    if guest == "kvm" and not os.access("/dev/kvm", os.R_OK | os.W_OK):
        pytest.skip("/dev/kvm does not open")
    held = hold("--variant", "hazard", cell=[{"thread": guest}.get(word, word) for word in CELL])
    counts, entry = counted_by_bpftrace(bpftrace, command, held)
    assert counts == {"page__free": entry["pages_freed_total"], "zap__done": entry["zaps_total"]}
    assert entry["zaps_total"] > 0


def test_a_held_replay_counts_the_zaps_of_its_vcpus_too(hold, bpftrace, command):
    held = hold("--variant", "irq-ipi", cell=REPLAY)
    assert len(held.tids["vcpu"]) == 2 and len(held.tids["zapper"]) == 1
    counts, entry = counted_by_bpftrace(bpftrace, command, held)
    assert counts == {"page__free": entry["pages_freed_total"], "zap__done": entry["zaps_total"]}
    assert entry["replay_events_total"] > 0 and entry["zaps_total"] > 0


def test_perf_attached_to_a_held_cell_counts_its_whole_life(hold, perf_probe, tmp_path):
    events = {perf_probe.add(probe): probe for probe in ("page__free", "zap__done")}
    held = hold("--variant", "irq-ipi", "--zappers", "2")
    control, answer = tmp_path / "control", tmp_path / "answer"
    os.mkfifo(control)
    os.mkfifo(answer)
    tool = subprocess.Popen([perf_probe.perf, "stat", "-x,", "-e", ",".join(events), "-p", str(held.pid), "--delay=-1",
                             f"--control=fifo:{control},{answer}"], stderr=subprocess.PIPE, text=True)
    with open(control, "w", encoding="ascii") as ask, open(answer, encoding="ascii") as answers:
        ask.write("enable\n")
        ask.flush()
        assert answers.readline().strip("\0\n") == "ack"
        entry = held.go_on()
    errors = tool.communicate(timeout=120)[1]
    counts = {events[fields[2]]: int(fields[0]) for fields in (line.split(",") for line in errors.splitlines())
              if len(fields) > 2 and fields[2] in events}
    assert counts == {"page__free": entry["pages_freed_total"], "zap__done": entry["zaps_total"]}
    assert entry["zaps_total"] > 0
