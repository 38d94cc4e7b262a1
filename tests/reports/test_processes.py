"""Helper processes, and the scratch directories of reports: neither outlives a report, however that ends."""

import fcntl
import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from shadowwalk_report.processes import on_all_cpus
from shadowwalk_report.publish import replacing
from shadowwalk_report.untrusted_json import InputError


@pytest.fixture(autouse=True)
def two_cpus(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_results_are_in_order_and_come_from_other_processes(chunk):
    found = on_all_cpus(lambda item: (item, os.getpid()), list(range(10)), few=2, chunk=chunk)
    assert [item for item, _ in found] == list(range(10))
    assert (os.getpid() in {pid for _, pid in found}) == (chunk == 100)  # one piece of work needs no helper
    assert not multiprocessing.active_children()


def test_few_items_are_done_here():
    assert set(on_all_cpus(lambda _: os.getpid(), [1, 2, 3], few=4)) == {os.getpid()}


@pytest.mark.parametrize("error", [ValueError("bad"), MemoryError()])
def test_an_exception_of_an_item_is_raised_here(error):
    def fail(item):
        if item == 3:
            raise error
    with pytest.raises(type(error)):
        on_all_cpus(fail, list(range(5)), few=2)
    assert not multiprocessing.active_children()


def test_a_helper_that_is_killed_is_told():
    def die(item):
        if item == 3:
            os.kill(os.getpid(), signal.SIGKILL)
    with pytest.raises(InputError, match="a helper process was killed by SIGKILL"):
        on_all_cpus(die, list(range(5)), few=2)
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("started", [0, 1])
def test_a_host_that_starts_no_more_processes_gets_by_with_those_that_it_started(monkeypatch, started):
    start, calls = multiprocessing.context.ForkProcess.start, []

    def limited(self):
        if len(calls) == started:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        calls.append(self)
        start(self)
    monkeypatch.setattr(multiprocessing.context.ForkProcess, "start", limited)
    found = on_all_cpus(lambda item: (item, os.getpid()), list(range(6)), few=2)
    assert [item for item, _ in found] == list(range(6)) and len({pid for _, pid in found}) == 1
    assert (found[0][1] == os.getpid()) == (started == 0)


def runs(pid):
    """Whether a process lives; a zombie does not."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_helpers_die_with_a_parent_that_is_killed():
    program = ("import os, time\nfrom shadowwalk_report.processes import on_all_cpus\nos.sched_getaffinity = lambda _: {0, 1}\n"
               "on_all_cpus(lambda _: (os.write(1, b'%d\\n' % os.getpid()), time.sleep(100)), [1, 2], few=2)")
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    helpers = [int(parent.stdout.readline()) for _ in range(2)]
    assert all(map(runs, helpers))
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 20
    while any(map(runs, helpers)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(runs, helpers))


# Scratch directories

def written(out, text="{}"):
    with replacing(out) as fresh:
        (fresh / "report.json").write_text(text)


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_what_a_killed_report_left_is_swept_by_the_next(tmp_path):
    (tmp_path / ".report-0123456789abcdef.tmp" / "new").mkdir(parents=True)
    for kept in (".report-mine", "report.tmp"):
        (tmp_path / kept).mkdir()
    written(tmp_path / "report")
    assert names(tmp_path) == [".report-mine", "report", "report.tmp"]


def test_what_a_living_report_holds_is_not_swept(tmp_path):
    with replacing(tmp_path / "first") as fresh:
        written(tmp_path / "second")
        (fresh / "report.json").write_text("{}")
    assert names(tmp_path) == ["first", "second"]


def test_a_report_that_was_moved_away_when_its_successor_was_killed_comes_back(tmp_path):
    for number, place in enumerate(("report", "other", "../outside", "..", "")):
        scratch = tmp_path / "runs" / f".report-{number}.tmp"
        (scratch / "old").mkdir(parents=True)
        (scratch / "old" / "report.json").write_text(place)
        (scratch / "place").write_text(place)
    os.mkfifo(scratch / "fifo")
    written(tmp_path / "runs" / "other", "new")
    assert names(tmp_path) == ["runs"] and names(tmp_path / "runs") == ["other", "report"]
    assert (tmp_path / "runs" / "report" / "report.json").read_text() == "report"
    assert (tmp_path / "runs" / "other" / "report.json").read_text() == "new"


def test_two_reports_that_begin_at_once_do_not_sweep_each_other(tmp_path, monkeypatch):
    """As if another's sweep came between making the directory and locking it."""
    lock, taken = fcntl.flock, []

    def swept_once(fd, how):
        if not taken:
            taken.append(fd)
            [scratch] = tmp_path.glob(".report-*")
            scratch.rmdir()
        lock(fd, how)
    monkeypatch.setattr(fcntl, "flock", swept_once)
    written(tmp_path / "report")
    assert names(tmp_path) == ["report"]
