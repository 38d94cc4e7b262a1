"""`shadowwalk attach --next-measure`: perf over exactly the measured window."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from small_cell import AT_ONCE, long_cell
from tool_output import ended_well, refused, samples


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
    run = subprocess.Popen([command, "run", str(matrix), "--out", str(tmp_path / "first"), *AT_ONCE], stdout=subprocess.DEVNULL,
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
