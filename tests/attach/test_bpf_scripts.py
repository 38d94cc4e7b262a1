"""scripts/bpf/*.bt: each runs on a real cell, and what it prints agrees with the cell's result."""

import pathlib

import pytest

from under_bpftrace import cell_under_bpftrace

SCRIPTS = pathlib.Path(__file__).parents[2] / "scripts" / "bpf"


@pytest.fixture
def watch(bpftrace, command, tmp_path):
    def run(name, *options):
        return cell_under_bpftrace(bpftrace, command, tmp_path / "result.json", [str(SCRIPTS / name), command], *options)
    return run


def only(said, kind):
    """The one object of this kind in what bpftrace said, printed at its end."""
    found = [line["data"] for line in said if line["type"] == kind]
    assert len(found) == 1, said
    return found[0]


def pages(histogram):
    return sum(bucket["count"] for bucket in histogram)


def test_free_latency_is_told_by_cell(watch):
    said, entry = watch("free_latency.bt", "--variant", "rcu-counter")
    (cell, histogram), = only(said, "hist")["@free_ns"].items()
    assert entry["run_name"].startswith(cell[:63]) and cell.startswith("rcu-counter/mmio-poll")
    # The main thread wakes late for the window's ends, so the two windows differ a little; the cell's life holds both.
    assert 0 < pages(histogram) <= entry["pages_freed_total"]


def test_ipi_waits_are_told_by_sender_and_target(watch):
    said, entry = watch("ipi_waits.bt", "--variant", "irq-ipi", "--zap-rate", "2000")
    waits = only(said, "hist")["@wait_ns"]
    # The main thread stops the cell by a request, which interrupts a vCPU that is in the guest.
    assert set(waits) - {"shadowwalk,vcpu-0"} == {"zapper-0,vcpu-0"} and entry["ipis"] > 0
    assert pages(waits["zapper-0,vcpu-0"]) > 0


def test_retired_pages_are_all_freed_in_the_end(watch):
    said, entry = watch("retired_pages.bt", "--variant", "hazard")
    told = [value for line in said if line["type"] in ("map", "stats") for value in line["data"]["@retired_pages"].values()]
    assert len(told) > 2, "every 100 ms, and at the end"
    assert max(told) > 0, "hazard keeps pages until it scans"
    assert told[-1] == 0 and entry["pages_freed_total"] > 0
