"""Runs a `shadowwalk-bench` and reads its results."""

import dataclasses
import os
import pathlib
import signal
import subprocess
import tempfile

from ..boundary import ProgramFailed
from ..google_benchmark import labels, named_entries, stem, time_or_error
from ..untrusted_json import InputError, is_number, one_line, read_json


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One benchmark in one round: its time, or why there is none."""

    ns: float | None
    error: str = ""
    counters: dict = dataclasses.field(default_factory=dict)


def read_measurements(path):
    """{label: Measurement} of a result file. Raises OSError or ValueError."""
    return {name: Measurement(*time_or_error(entry), {key: value for key, value in entry.items() if is_number(value)})
            for name, entry in named_entries(read_json(path))}


def why_unusable(measurements):
    """Why a benchmark has no time in some round; None if it has one in each."""
    return next((m.error for m in measurements if m.ns is None), None) if measurements else "absent"


class Program:
    """A `shadowwalk-bench` binary."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        if not self.path.is_file():
            raise InputError(f"{path}: no such program; build the target shadowwalk-bench")
        if not os.access(self.path, os.X_OK):
            raise InputError(f"{path}: is not executable; name the shadowwalk-bench of a build")

    def names(self, pattern="."):
        """The labels of the benchmarks that match the pattern, in their order. The pattern matches full names, as Google
        Benchmark's does."""
        return list(labels(self._full_names(pattern)).values())

    def names_of_fixed_work(self):
        """The stems of those that do a fixed number of iterations, however short a round is requested."""
        return {stem(name) for name in self._full_names(".") if "/iterations:" in name}

    def _full_names(self, pattern):
        done = self._run("--benchmark_list_tests=true", f"--benchmark_filter={pattern}")
        if done.returncode == 2:  # nothing matches
            return []
        if done.returncode != 0:
            raise ProgramFailed(self._failure(done))
        return [line for line in done.stdout.splitlines() if line]

    def measure(self, pattern, min_time):
        """Runs one process: {label: Measurement} of the benchmarks that match, in random order. Raises ProgramFailed."""
        with tempfile.TemporaryDirectory(prefix="shadowwalk-bench-") as folder:
            out = pathlib.Path(folder) / "result.json"
            done = self._run(f"--benchmark_filter={pattern}", f"--benchmark_min_time={min_time:g}",
                             "--benchmark_enable_random_interleaving=true", f"--benchmark_out={out}",
                             "--benchmark_out_format=json")
            if done.returncode not in (0, 1):  # 1: a benchmark failed, which its entry says
                raise ProgramFailed(self._failure(done))
            try:
                found = read_measurements(out)
            except (OSError, ValueError) as error:
                raise ProgramFailed(f"{self._failure(done)}; its result: {one_line(error)}") from error
            if done.returncode == 1 and not any(measurement.error for measurement in found.values()):
                raise ProgramFailed(self._failure(done))
            return found

    def _run(self, *arguments):
        try:
            return subprocess.run([self.path.absolute(), *arguments], capture_output=True, text=True, errors="replace",
                                  stdin=subprocess.DEVNULL, check=False)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be run: {one_line(error)}") from error

    def _failure(self, done):
        if done.returncode < 0:
            try:
                how = f"died of {signal.Signals(-done.returncode).name}"
            except ValueError:
                how = f"died of signal {-done.returncode}"
        else:
            how = f"exited with {done.returncode}"
        said = done.stderr.strip().splitlines()
        return f"{self.path} {how}" + (f": {said[-1]}" if said else "")


def measure_rounds(programs, pattern, rounds, min_time, progress=lambda text: None):
    """Interleaves the programs, one process per round and program; every other round in reversed order (ABBA), so that a
    drift of the host affects all programs equally. Returns for each program {label: [Measurement of each round]}."""
    results = [{} for _ in programs]
    for number in range(rounds):
        order = range(len(programs))
        for index in reversed(order) if number % 2 == 1 else order:
            progress(f"round {number + 1} of {rounds}: {programs[index].path}")
            for name, measurement in programs[index].measure(pattern, min_time).items():
                results[index].setdefault(name, []).append(measurement)
    return results
