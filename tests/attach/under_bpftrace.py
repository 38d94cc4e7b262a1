"""A cell that bpftrace starts and watches to its end."""

import json
import subprocess

from small_cell import CELL


def cell_under_bpftrace(bpftrace, command, result, script, *options):
    """(what bpftrace said, as JSON objects; the result's entry). `script`: bpftrace's own arguments for it."""
    cell = " ".join([command, "cell", *CELL, *options, "--json", str(result)])
    done = subprocess.run([bpftrace, "-f", "json", *script, "-c", cell], capture_output=True, text=True, timeout=300,
                          check=False)
    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return said, json.loads(result.read_text(encoding="utf-8"))["benchmarks"][0]
