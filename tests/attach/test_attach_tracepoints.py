"""`shadowwalk attach` by tracepoints: what needs tracefs."""

import os
import subprocess

import pytest

from small_cell import long_cell
from tool_output import ended_well, records_to, refused


def test_sched_of_the_threads(attach_to_held, perf, tmp_path):
    """It ends with the cell, though it looks at the whole host."""
    cell, tool = attach_to_held(["--variant", "irq-ipi", "--zap-rate", "200"], "--what", "sched", "--role", "zapper", "--for",
                                "600s", ready=records_to(lambda cell: tmp_path / f"sched-{cell.pid}.data"),
                                cell=long_cell(duration="2s"))
    ended_well(tool, tmp_path)
    text = subprocess.run([perf, "script", "-i", str(tmp_path / f"sched-{cell.pid}.data"), "-F", "event,trace"],
                          capture_output=True, text=True, check=True).stdout
    zapper, = cell.tids["zapper"]
    switches = [line for line in text.splitlines() if "sched_switch" in line]
    assert any(f"prev_pid={zapper} " in line for line in switches), "it goes"
    assert any(f"next_pid={zapper} " in line for line in switches), "and comes"
    assert all(f"_pid={zapper} " in line for line in switches), "others alone are not recorded"


def test_kvm_events_of_the_vcpus(attach_to_held, perf, tmp_path):
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        pytest.skip("/dev/kvm does not open")
    cell, tool = attach_to_held(["--variant", "irq-ipi"], "--what", "kvm", "--for", "600s",
                                ready=records_to(lambda cell: tmp_path / f"kvm-{cell.pid}.data"),
                                cell=[{"thread": "kvm"}.get(word, word) for word in long_cell(duration="2s")])
    ended_well(tool, tmp_path)
    text = subprocess.run([perf, "script", "-i", str(tmp_path / f"kvm-{cell.pid}.data"), "-F", "comm,event"],
                          capture_output=True, text=True, check=True).stdout
    assert "kvm:kvm_userspace_exit" in text and {line.split()[0] for line in text.splitlines() if line} <= {"vcpu-0", "zapper-0"}


def test_kvm_events_of_a_guest_without_kvm(start, attach, perf):
    start("--variant", "leak").until("measure")
    refused(attach("--what", "kvm"), "thread guests", "--what exits")
