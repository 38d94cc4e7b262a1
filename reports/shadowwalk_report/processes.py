"""Helper processes on all CPUs, which do not outlive this one."""

import collections
import contextlib
import ctypes
import dataclasses
import multiprocessing
import multiprocessing.connection
import os
import signal

from .untrusted_json import InputError

_PR_SET_PDEATHSIG = 1
_ENDED_BY_PARENT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # which also gets what is sent to the group


@dataclasses.dataclass(frozen=True)
class _Worker:
    process: multiprocessing.Process
    connection: multiprocessing.connection.Connection


def _die_with(parent):
    """The kernel kills this process when its parent dies, even of SIGKILL."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before
        os._exit(1)


def _serve(connection, others, parent, function, items):
    """Answers each range of places with the results, or with the exception that one raised."""
    _die_with(parent)
    for number in _ENDED_BY_PARENT:
        signal.signal(number, signal.SIG_IGN)
    for other in others:
        other.close()
    while True:
        try:
            places = connection.recv()
        except (EOFError, OSError):
            return
        try:
            answer = [function(items[place]) for place in places], None
        except Exception as error:  # pylint: disable=broad-exception-caught
            answer = None, error
        connection.send(answer)


def _start_worker(workers, function, items):
    """Adds one. Raises OSError where the host starts no more: a limit of processes, of files or of memory."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    not_its_own = [ours, *(worker.connection for worker in workers)]
    process = context.Process(target=_serve, args=(theirs, not_its_own, os.getpid(), function, items), daemon=True)
    with theirs:
        process.start()
    workers.append(_Worker(process, ours))


def _why_gone(worker):
    worker.process.join(1)
    code = worker.process.exitcode
    how = f"was killed by {signal.Signals(-code).name}" if code and -code in set(signal.Signals) else "ended"
    return InputError(f"a helper process {how} before its work was done: if memory ran out, free some, or run it on fewer CPUs (taskset)")


def _collect(workers, ranges, count):
    results = [None] * count
    busy = {}  # {connection: (worker, its range)}

    def give(worker):
        if ranges:
            places = ranges.popleft()
            worker.connection.send(places)
            busy[worker.connection] = worker, places

    try:
        for worker in workers:
            give(worker)
        while busy:
            for connection in multiprocessing.connection.wait(list(busy)):
                worker, places = busy.pop(connection)
                answer, error = connection.recv()
                if error is not None:
                    raise error
                results[places.start:places.stop] = answer
                give(worker)
    except (EOFError, ConnectionError):
        raise _why_gone(worker) from None
    return results


def on_all_cpus(function, items, few, chunk=1):
    """[function(item)] in the order of the items, computed by one process per CPU; in this process if there are fewer than
    `few` items, or if the host starts no more processes. The items may hold closures, which cannot be sent to a process: the children
    inherit them by fork and get numbers only. Raises what function raises, and InputError if a child is killed."""
    ranges = collections.deque(range(begin, min(begin + chunk, len(items))) for begin in range(0, len(items), chunk))
    count = min(len(os.sched_getaffinity(0)), len(ranges))
    workers = []
    try:
        with contextlib.suppress(OSError):
            while len(workers) < count and count > 1 and len(items) >= few:
                _start_worker(workers, function, items)
        return _collect(workers, ranges, len(items)) if workers else [function(item) for item in items]
    finally:
        for worker in workers:
            worker.connection.close()
            worker.process.kill()
            worker.process.join()
