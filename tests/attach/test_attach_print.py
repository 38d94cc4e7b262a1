"""`shadowwalk attach`: which run and which threads, and the command that it prints."""

import shlex
import shutil
import subprocess
import time

import pytest

from small_cell import long_cell
from tool_output import records_to, refused, samples


def test_no_run_and_unknown_runs_are_named(start, attach):
    refused(attach("--what", "cpu"), "no live run of this user", "shadowwalk ps")
    one = start("--variant", "leak")
    one.until("measure")
    refused(attach(f"cel-{one.pid}", "--what", "cpu"), f"no live run 'cel-{one.pid}', did you mean 'cell-{one.pid}'?")
    two = start("--variant", "leak")
    two.until("measure")
    refused(attach("--what", "cpu", "--print"), "2 live runs; name one of them: ", f"cell-{one.pid}", f"cell-{two.pid}")
    if shutil.which("perf"):
        assert attach(f"cell-{two.pid}", "--what", "cpu", "--print").returncode == 0


@pytest.mark.parametrize("arguments, words", [
    (["--what", "cpus"], ["unknown --what 'cpus', did you mean 'cpu'?"]),
    (["--what", "cpu", "--role", "walkers"], ["unknown --role 'walkers', did you mean 'walker'?"]),
    (["--what", "cpu", "--for", "soon"], ["--for is 'soon'"]),
    (["--what", "cpu", "--for", "0"], ["--for is '0'"])])
def test_bad_input(attach, arguments, words):
    refused(attach(*arguments), *words)


def test_options_that_exclude_each_other(attach):
    for other in (["--print"], ["--for", "1s"]):
        done = attach("--what", "cpu", "--next-measure", *other)
        assert done.returncode == 2 and done.stderr.count("\n") == 1


def test_print_runs_nothing_and_is_one_line_to_paste(start, attach, software_perf, runtime, tmp_path):
    cell = start("--variant", "irq-ipi", "--vcpus", "2", "--hold", cell=long_cell(duration="2s"))
    tids = cell.until("held")["threads"]
    before = sorted(runtime.iterdir())
    out = tmp_path / "it's here"
    done = attach("--what", "cpu", "--role", "walker", "--print", "--for", "600s", "--out", out)
    assert done.returncode == 0 and done.stdout.count("\n") == 1
    words = shlex.split(done.stdout)
    assert words[:7] == ["timeout", "--foreground", "-s", "INT", "600", "perf", "record"]
    assert words[words.index("-t") + 1] == ",".join(map(str, tids["vcpu"]))
    data = out / f"cpu-{cell.pid}.data"
    assert words[words.index("-o") + 1] == str(data)
    assert not out.exists() and sorted(runtime.iterdir()) == before
    out.mkdir()
    pasted = subprocess.Popen(["sh", "-c", done.stdout], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not records_to(lambda _: data)(cell):
        assert pasted.poll() is None, pasted.stderr.read()
        time.sleep(0.01)
    cell.go_on()
    errors = pasted.communicate(timeout=120)[1]
    assert pasted.returncode == 0, errors  # it ends with the threads
    assert {comm for comm, _ in samples(software_perf, data)} == {"vcpu-0", "vcpu-1"}
