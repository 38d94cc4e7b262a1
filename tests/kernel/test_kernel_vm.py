"""`--machine kernel-vm` as a user meets it: the real command boots a kernel, and the cells of a matrix run in it."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

COMMAND = os.environ["SHADOWWALK"]
KERNELS = pathlib.Path(os.environ["SHADOWWALK_KERNELS"])
# Schemes of each family, and both controls; `unsafe` stalls walkers, so that emulation catches it, too.
MATRIX = """
title = "in a kernel"
repetitions = 1
[defaults]
machine = "kernel-vm"
duration = "200ms"
warmup = "20ms"
zap-rate = 200
events = "cycles,context-switches"
[[group]]
name = "schemes"
variant = ["irq-ipi", "irq-ipi-2012", "rcu-counter", "rcu-batch", "srcu-kernel", "hazard", "ebr", "optimistic", "leak"]
workload = ["mmio-poll", "demand-fault", "memslot-flip"]
checks = "full"
vcpus = 2
[[group]]
name = "quota"
variant = ["irq-ipi", "rcu-counter"]
workload = "quota"
zappers = 0
[[group]]
name = "control"
variant = "unsafe"
workload = "mmio-poll"
zap-rate = 1000
duration = "1s"
read-delay = ["1/100:50", "1/50:50", "1/20:50"]
"""


def shadowwalk(*arguments, cwd=None):
    return subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=900, check=False, cwd=cwd)


def kernel(suite):
    if not shutil.which("qemu-system-x86_64"):
        pytest.skip("no QEMU here")
    if not (KERNELS / suite / "boot").is_dir():
        pytest.skip(f"no kernel in {KERNELS / suite}: scripts/fetch-kernels unpacks it")
    return KERNELS / suite


def check_events(entry):
    """A software event is counted for every role; cycles are, or the kernel has no PMU, and the result says so."""
    details = entry["shadowwalk"]
    counted = {(one["event"], one["role"]): one for one in details["pmu"]}
    roles = ["walkers", "zappers"] if details["cell"]["zappers"] else ["walkers"]
    for role in roles:
        switches = counted["context-switches", role]
        assert switches["scope"] == "thread" and switches["running_ns"] == switches["enabled_ns"], entry["name"]
    refused = details.get("events_refused", [])
    assert ("cycles", "walkers") in counted or refused == ["cycles"], entry["name"]
    if refused:
        assert "PMU" in details["unavailable"]["cycles"]
    if details["cell"]["variant"] in ("rcu-batch", "srcu-kernel"):
        assert "softirq" in details["unavailable"]["reclaimers"]


@pytest.mark.parametrize("suite", ["bookworm", "bookworm-backports"])
def test_a_matrix_runs_in_one_boot_of_a_kernel(suite, tmp_path):
    image = kernel(suite)
    (tmp_path / "m.toml").write_text(MATRIX, encoding="utf-8")
    done = shadowwalk("run", "m.toml", "--kernel", image, "--out", "out", "--quiet-wait", 0, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    entries = [entry for file in (tmp_path / "out" / "cells").glob("*.json")
               for entry in json.loads(file.read_text())["benchmarks"]]
    assert len(entries) == 9 * 3 + 2 + 3
    caught = {entry["shadowwalk"]["cell"]["variant"] for entry in entries if entry["violations"] > 0}
    assert caught == {"unsafe"}
    for entry in entries:
        cell = entry["shadowwalk"]["cell"]
        assert cell["machine"] == "kernel-vm" and "machine:kernel-vm" in entry["name"]
        assert entry["zaps_total" if cell["workload"] != "quota" else "quota_zaps_total"] > 0, entry["name"]
        check_events(entry)
    report = shadowwalk("report", "out", "--format", "txt", cwd=tmp_path)
    assert report.returncode == 0, report.stderr


def test_floors_are_timed_in_a_kernel():
    done = shadowwalk("kernel", "floors", "--kernel", kernel("bookworm"))
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith(("floor/", "section/"))]
    assert {("floor/irqsave", "1"), ("floor/ipi_many", "3"), ("section/irq-ipi", "2")} <= {(name, cpus) for name, cpus, *_ in rows}
    emulated = "emulates" in done.stderr
    assert ("No times: " in done.stdout) == emulated
    for name, _, ns, cycles in rows:
        assert (ns == cycles == "-") if emulated else float(ns) > 0, name


def test_a_kernel_that_is_not_there_is_refused(tmp_path):
    done = shadowwalk("cell", "--machine", "kernel-vm", "--kernel", tmp_path, "--variant", "irq-ipi", "--workload", "mmio-poll")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("shadowwalk: ") and done.stderr.count("\n") == 1, done.stderr


def test_a_working_set_that_no_machine_here_could_hold_is_refused(tmp_path):
    done = shadowwalk("cell", "--machine", "kernel-vm", "--kernel", tmp_path, "--variant", "irq-ipi", "--workload", "mmio-poll",
                      "--working-set", 1 << 36)
    assert done.returncode == 2 and done.stdout == ""
    assert "--working-set" in done.stderr and "GiB" in done.stderr and done.stderr.count("\n") == 1, done.stderr
