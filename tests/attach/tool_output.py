"""What `shadowwalk attach` and its tools have said and written."""

import re
import subprocess


def records_to(data):
    """perf has begun its file. data(cell) -> its path."""
    return lambda cell: data(cell).exists() and data(cell).stat().st_size > 0


def ended_well(tool, tmp_path):
    """What it printed."""
    assert tool.wait(timeout=180) == 0, (tmp_path / "errors").read_text()
    return (tmp_path / "said").read_text()


def samples(perf, data, *options):
    """[(thread's name, ns)] of a recording."""
    text = subprocess.run([perf, "script", "-i", str(data), "-F", "comm,time", "--ns", *options], capture_output=True,
                          text=True, check=True, timeout=120).stdout
    found = re.findall(r"^\s*(\S+)\s+(\d+)\.(\d{9}):", text, re.MULTILINE)
    return [(comm, int(seconds) * 1_000_000_000 + int(ns)) for comm, seconds, ns in found]


def refused(done, *words):
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert done.stdout == "" and done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("shadowwalk: attach: ")
    for word in words:
        assert word in done.stderr, done.stderr
