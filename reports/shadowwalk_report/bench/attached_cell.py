"""A cell that is run with a tool of `shadowwalk attach`, or `shadowwalk top`, on its whole window, or without."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile

from ..errors import InputError
from ..untrusted_json import one_line
from .program import ProgramFailed

PERF = ("cpu", "sched", "c2c", "kvm")
PROBES = ("zaps", "frees", "locks", "exits")
TOP = "top"
COUNTERS = ("walks_per_second", "walk_ns_p50", "walk_ns_p99", "zaps_per_second", "zap_service_ns_p50", "zap_service_ns_p99",
            "free_ns_p50", "free_ns_p99")
PATIENCE_S = 120


def _last_line(text):
    return one_line((text.strip().splitlines() or ["it said nothing"])[-1])


class AttachedCell:
    """Each run is held before its first zap, so that the tool is there before the warm-up or, as perf, waits for the
    window."""

    def __init__(self, shadowwalk, options):
        self._shadowwalk = str(pathlib.Path(shadowwalk).resolve())
        self._options = options

    def run(self, what):
        """The entry of the result. `what`: None, without a tool. Raises ProgramFailed, InputError for what cannot be."""
        with tempfile.TemporaryDirectory() as folder:
            result = pathlib.Path(folder, "result.json")
            cell = subprocess.Popen([self._shadowwalk, "cell", *self._options, "--hold", "--json", str(result)],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            tool = None
            try:
                self._wait_until_held(cell)
                if what is not None:
                    tool = self._attach(cell.pid, what, folder)
                os.kill(cell.pid, signal.SIGUSR1)
                errors = cell.communicate(timeout=3600)[1]
                if cell.returncode != 0:
                    raise ProgramFailed(f"the cell failed with exit code {cell.returncode}: {_last_line(errors)}")
                if tool is not None:
                    self._finish(tool, self._words(cell.pid, what, folder))
                entry = json.loads(result.read_text(encoding="utf-8"))["benchmarks"][0]
            finally:
                for process in filter(None, (tool, cell)):
                    process.kill()
                    process.wait()
        if what not in (None, TOP) and "perturbed" not in entry["shadowwalk"]:
            raise ProgramFailed(f"attach --what {what} was not on the cell's window")
        return entry

    @staticmethod
    def _wait_until_held(cell):
        said = ""
        while "go on:" not in said:
            line = cell.stderr.readline()
            if not line:
                code = cell.wait()
                raise (InputError if code == 2 else ProgramFailed)(f"the cell: {_last_line(said)}")
            said += line

    @staticmethod
    def _words(pid, what, folder):
        if what == TOP:
            return ["top", str(pid), "--json"]
        more = ["--next-measure", "--out", folder] if what in PERF else ["--for", "3600s"]
        return ["attach", str(pid), "--what", what, *more]

    def _attach(self, pid, what, folder):
        """The tool, as soon as it may be the cell's turn."""
        errors = open(pathlib.Path(folder, "errors"), "w+", encoding="utf-8")  # a pipe that nobody empties would stop it
        with errors:
            tool = subprocess.Popen([self._shadowwalk, *self._words(pid, what, folder)], stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE if what in PERF else errors, text=True)
        stream = tool.stderr if what in PERF else tool.stdout
        ready = "waiting for the next" if what in PERF else '"held"' if what == TOP else "attached"
        said = ""
        while ready not in said:
            line = stream.readline()
            if not line:
                code = tool.wait(PATIENCE_S)
                said += pathlib.Path(folder, "errors").read_text(encoding="utf-8")
                raise (InputError if code == 2 else ProgramFailed)(_last_line(said).removeprefix("shadowwalk: "))
            said += line
        return tool

    @staticmethod
    def _finish(tool, words):
        name = " ".join(words[:1] + words[2:4])
        try:
            errors = tool.communicate(timeout=PATIENCE_S)[1]
        except subprocess.TimeoutExpired:
            raise ProgramFailed(f"{name} did not end with the cell") from None
        if tool.returncode != 0:
            raise ProgramFailed(f"{name} failed with exit code {tool.returncode}: {_last_line(errors or '')}")
