"""scripts/attach-overhead: what a tool of `shadowwalk attach`, or `shadowwalk top`, costs a cell that it is on."""

import dataclasses
import os
import pathlib
import signal
import subprocess
import tempfile

from ..boundary import ProgramFailed, end_progress, run_command, say, show_progress
from ..commands import OneLineParser, count, result_file, write_json
from ..google_benchmark import entries_of
from ..quantities import low_to_high
from ..statistics import CONFIDENCE, estimate, ratios
from ..untrusted_json import InputError, is_number, one_line, read_json

NEXT_TO_HERE = pathlib.Path(__file__).resolve().parents[3] / "build" / "release" / "shadowwalk"
PERF = ("cpu", "sched", "c2c", "kvm")
PROBES = ("zaps", "frees", "locks", "exits")
TOP = "top"
COUNTERS = ("walks_per_second", "walk_ns_p50", "walk_ns_p99", "zaps_per_second", "zap_service_ns_p50", "zap_service_ns_p99",
            "free_ns_p50", "free_ns_p99")
PATIENCE_S = 120


def _last_line(text):
    return one_line((text.strip().splitlines() or ["it printed nothing"])[-1])


def _read_until(stream, word):
    """What a program says, up to this word or its end."""
    said = ""
    while word not in said and (line := stream.readline()):
        said += line
    return said


class AttachedCell:
    """A cell, run with a tool on its whole window or without a tool. Each run is held before its first zap, so that the tool is
    attached before the warm-up or, as perf, waits for the window."""

    def __init__(self, shadowwalk, options):
        self._shadowwalk = str(pathlib.Path(shadowwalk).resolve())
        self._options = options

    def run(self, what):
        """The entry of the result. `what`: None, without a tool. Raises ProgramFailed, or InputError for bad options."""
        with tempfile.TemporaryDirectory() as folder:
            result = pathlib.Path(folder, "result.json")
            cell = tool = None
            try:
                cell = subprocess.Popen([self._shadowwalk, "cell", *self._options, "--hold", "--json", str(result)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                        errors="replace")
                said = _read_until(cell.stderr, "go on:")
                if "go on:" not in said:
                    raise (InputError if cell.wait() == 2 else ProgramFailed)(f"the cell: {_last_line(said)}")
                if what is not None:
                    tool = self._attach(cell.pid, what, folder)
                os.kill(cell.pid, signal.SIGUSR1)
                errors = cell.communicate(timeout=3600)[1]
                if cell.returncode != 0:
                    raise ProgramFailed(f"the cell failed with exit code {cell.returncode}: {_last_line(errors)}")
                if tool is not None:
                    self._finish(tool, self._words(cell.pid, what, folder))
                entry = self._entry(result)
            except subprocess.TimeoutExpired:
                raise ProgramFailed("the cell did not end within an hour") from None
            except OSError as error:
                raise InputError(f"{self._shadowwalk}: cannot be run: {one_line(error)}") from error
            finally:
                for process in filter(None, (tool, cell)):
                    process.kill()
                    process.wait()
        if what not in (None, TOP) and "perturbed" not in entry["shadowwalk"]:
            raise ProgramFailed(f"attach --what {what} was not on the cell's window")
        return entry

    @staticmethod
    def _entry(result):
        try:
            entry = next(iter(entries_of(read_json(result))), {})
        except (OSError, ValueError) as error:
            raise ProgramFailed(f"the cell's result: {one_line(error)}") from error
        if not isinstance(entry.get("shadowwalk"), dict):
            raise ProgramFailed("the cell's result: no entry of a cell")
        return entry

    @staticmethod
    def _words(pid, what, folder):
        if what == TOP:
            return ["top", str(pid), "--json"]
        more = ["--next-measure", "--out", folder] if what in PERF else ["--for", "3600s"]
        return ["attach", str(pid), "--what", what, *more]

    def _attach(self, pid, what, folder):
        """The tool, as soon as the cell may go on."""
        errors = open(pathlib.Path(folder, "errors"), "w+", encoding="utf-8")  # a pipe that is never read would stop it
        with errors:
            tool = subprocess.Popen([self._shadowwalk, *self._words(pid, what, folder)], stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE if what in PERF else errors, text=True)
        stream = tool.stderr if what in PERF else tool.stdout
        ready = "waiting for the next" if what in PERF else '"held"' if what == TOP else "attached"
        said = _read_until(stream, ready)
        if ready not in said:
            code = tool.wait(PATIENCE_S)
            said += pathlib.Path(folder, "errors").read_text(encoding="utf-8")
            raise (InputError if code == 2 else ProgramFailed)(_last_line(said).removeprefix("shadowwalk: "))
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


def _parse(arguments):
    parser = OneLineParser(
        prog="attach-overhead",
        description="Measure what `shadowwalk attach` or `shadowwalk top` costs a cell: run the cell with and without the tool, in pairs, and "
                    "print the ratio of its counters with an interval.",
        epilog="The tool is attached before the window begins, until after its end. Exit codes: 0, 2 bad input, 3 a cell or tool "
               "failed.  Example: attach-overhead --what zaps -- --variant irq-ipi --workload mmio-poll --duration 1s")
    parser.add_argument("--what", metavar="WHAT", action="append", choices=(*PERF, *PROBES, TOP), required=True,
                        help="a tool of `shadowwalk attach`, or top; may be given several times")
    parser.add_argument("--pairs", metavar="N", type=count, default=10, help="cells with and without the tool (default: 10)")
    parser.add_argument("--shadowwalk", metavar="FILE", type=pathlib.Path, default=NEXT_TO_HERE,
                        help="the command (default: the one in build/release)")
    parser.add_argument("--json", metavar="FILE", type=result_file, help="write all results, with the counters of each cell")
    parser.add_argument("cell", metavar="OPTIONS", nargs="+", help="options of `shadowwalk cell`, after --")
    options = parser.parse_args(arguments)
    if not options.shadowwalk.is_file():
        raise InputError(f"{options.shadowwalk} is not a file: build it, or name it with --shadowwalk")
    return options


def _measure_pairs(cell, what, pairs):
    """({counter: {pair: value}} without the tool, the same with it). The order within a pair alternates."""
    values = [{name: {} for name in COUNTERS} for _ in range(2)]
    for pair in range(pairs):
        for tool in (None, what) if pair % 2 == 0 else (what, None):
            show_progress(f"{what}: pair {pair + 1} of {pairs}, {'with' if tool else 'without'} the tool")
            entry = cell.run(tool)
            for name, of_pairs in values[tool is not None].items():
                if is_number(entry.get(name)):
                    of_pairs[pair] = entry[name]
    return values


def _run(arguments):
    options = _parse(arguments)
    document = {"format": "shadowwalk-attach-overhead-1", "cell": options.cell, "pairs": options.pairs,
                "confidence": CONFIDENCE, "what": {}}
    cell = AttachedCell(options.shadowwalk, options.cell)
    say(f"{'what':<6} {'counter':<20} {'with/without':>12} {'interval':>17} {'pairs':>6}")
    for what in dict.fromkeys(options.what):
        without, attached = _measure_pairs(cell, what, options.pairs)
        end_progress()
        # Of the counters that were measured.
        compared = {name: ratio for name in COUNTERS if (ratio := estimate(ratios(attached[name], without[name]).values()))}
        for name, ratio in compared.items():
            say(f"{what:<6} {name:<20} {ratio.value:>12.3f} {low_to_high(ratio):>17} {ratio.count:>6}")
        document["what"][what] = {"without": without, "with": attached,
                                  "ratios": {name: dataclasses.asdict(ratio) for name, ratio in compared.items()}}
    if options.json:
        write_json(options.json, document)
    return 0


def main(arguments=None):
    return run_command("attach-overhead", _run, arguments)
