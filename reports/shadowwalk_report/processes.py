"""Helper processes on all CPUs."""

import concurrent.futures
import multiprocessing
import os
import signal

_work = None  # (function, items) of the call that is under way


def _begin():
    """The parent handles signals, ends its children and cleans up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _call(place):
    function, items = _work
    return function(items[place])


def on_all_cpus(function, items, few, chunk=1):
    """[function(item)] in the order of the items, computed by one process per CPU; in this process if there are fewer than
    `few` items. The items may hold closures, which cannot be sent to a process: the children inherit them by fork and get
    numbers only. Not thread-safe."""
    global _work
    workers = min(len(os.sched_getaffinity(0)), len(items))
    if workers < 2 or len(items) < few:
        return [function(item) for item in items]
    _work = function, items
    try:
        with concurrent.futures.ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), initializer=_begin) as pool:
            return list(pool.map(_call, range(len(items)), chunksize=chunk))
    finally:
        _work = None
