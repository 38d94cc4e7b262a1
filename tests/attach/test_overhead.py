"""scripts/attach-overhead: real cells with and without real tools; what it prints is what the cells measured."""

import json
import pathlib
import subprocess
import statistics

import pytest

from small_cell import CELL

SCRIPT = pathlib.Path(__file__).parents[2] / "scripts" / "attach-overhead"


@pytest.fixture
def overhead(command, tmp_path):
    """overhead(options..., cell=[...]) -> CompletedProcess."""
    def run(*options, cell=("--variant", "irq-ipi", *CELL)):
        return subprocess.run([SCRIPT, "--shadowwalk", command, *map(str, options), "--", *cell], capture_output=True,
                              text=True, timeout=300, check=False, cwd=tmp_path)
    return run


def refused(done, code, *words):
    assert done.returncode == code, done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("attach-overhead: "), done.stderr
    for word in words:
        assert word in done.stderr


def table(text):
    """{(what, counter): ratio} of what is printed."""
    lines = [line.split() for line in text.splitlines()[1:]]
    return {(words[0], words[1]): float(words[2]) for words in lines}


def cells_of(file, what):
    """The counters of the cells without the tool, and with it."""
    of_both = json.loads(file.read_text())["what"][what]
    return of_both["without"], of_both["with"]


def check(done, file, what, pairs):
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[0].split() == ["what", "counter", "with/without", "interval", "pairs"]
    without, attached = cells_of(file, what)
    assert len(without["walks_per_second"]) == len(attached["walks_per_second"]) == pairs
    by_pair = [attached["walks_per_second"][pair] / value for pair, value in without["walks_per_second"].items()]
    printed = table(done.stdout)
    assert printed[what, "walks_per_second"] == pytest.approx(statistics.median(by_pair), abs=0.0006)
    assert (what, "free_ns_p50") in printed and (what, "zap_service_ns_p99") in printed


def measured(overhead, what, file):
    """Two pairs of cells that all walked: others may take the CPUs for as long as a short window."""
    for _ in range(5):
        done = overhead("--what", what, "--pairs", "2", "--json", file)
        if done.returncode != 0 or all(len(cells["walks_per_second"]) == 2 for cells in cells_of(file, what)):
            break
    return done


def test_perf_over_the_window(overhead, software_perf, tmp_path):
    check(measured(overhead, "cpu", tmp_path / "out.json"), tmp_path / "out.json", "cpu", 2)


def test_bpftrace_over_the_window(overhead, bpftrace, tmp_path):
    check(measured(overhead, "frees", tmp_path / "out.json"), tmp_path / "out.json", "frees", 2)


def test_top_over_the_window(overhead, tmp_path):
    check(measured(overhead, "top", tmp_path / "out.json"), tmp_path / "out.json", "top", 2)


def test_bad_input(overhead, tmp_path):
    refused(overhead("--what", "cpus"), 2, "invalid choice: 'cpus'")
    refused(overhead("--what", "cpu", "--pairs", "0"), 2, "'0' is not a number")
    refused(overhead("--what", "cpu", "--shadowwalk", tmp_path / "gone"), 2, "is not a file")
    refused(overhead("--what", "cpu", cell=("--variant", "nosuch", *CELL)), 2, "unknown variant 'nosuch'")


def test_a_tool_that_cannot_be_attached(overhead, monkeypatch, tmp_path):
    # Nothing is on PATH but what the script itself starts by its path.
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    refused(overhead("--what", "cpu"), 2, "perf is not on PATH")
