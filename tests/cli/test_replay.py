"""`cell --workload trace:FILE` on the real binary."""

import json
import pathlib
import shutil

import pytest

TRACE = pathlib.Path(__file__).resolve().parents[2] / "workloads" / "traces" / "churn.swtrace"
CELL = ("cell", "--variant", "irq-ipi", "--workload", f"trace:{TRACE}")
# Beside other load a ticket lock waits for the scheduler, for longer than so short a window.
SHORT = ("--warmup", "10ms", "--duration", "1s", "--mmu-lock", "mutex")


def entry_of(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["benchmarks"][0]


def test_closed_loop(shadowwalk):
    entry = entry_of(shadowwalk(*CELL, "--closed-loop", *SHORT, "--json", "-"))
    assert entry["name"].startswith("irq-ipi/trace:churn/vcpus:1/zappers:1/zap_rate:trace/burst:1024/guest:trace/")
    details = entry["shadowwalk"]
    assert details["cell"]["guest"] == "trace" and details["cell"]["speed"] == "closed-loop"
    assert details["replay"]["events"] == 8089 and "Zen 3" in details["replay"]["source"]
    assert entry["replay_events"] > 0 and entry["violations"] == 0


def test_the_command_of_a_result_runs_it_again(shadowwalk):
    entry = entry_of(shadowwalk(*CELL, "--speed", "2.5", *SHORT, "--json", "-"))
    assert entry["shadowwalk"]["cell"]["speed"] == "2.5" and "replay_lag_ns_p50" in entry
    command = entry["shadowwalk"]["command"].split()
    assert "--guest" in command and "--speed" in command
    again = entry_of(shadowwalk(*command[1:], "--json", "-"))
    assert again["name"] == entry["name"]


def test_the_summary_tells_the_trace(shadowwalk):
    done = shadowwalk(*CELL, "--speed", "10", *SHORT)
    assert done.returncode == 0 and "8089 events of 2 vCPUs in 0.18 s, speed 10" in done.stdout


@pytest.mark.parametrize("arguments, why", [
    (("--guest", "kvm"), "the trace is the guest"), (("--guest", "thread"), "the trace is the guest"),
    (("--zappers", "0"), "give --zappers 1"), (("--zappers", "3"), "give --zappers 1"),
    (("--zap-rate", "1000"), "--zap-rate has no meaning"), (("--working-set", "4096"), "--working-set has no meaning"),
    (("--seed", "1"), "--seed has no meaning"), (("--writes", "5"), "--writes has no meaning"),
    (("--locality", "uniform"), "--locality has no meaning"), (("--speed", "0"), "--speed is '0'"),
    (("--speed", "1001"), "0.001 to 1000"), (("--speed", "fast"), "closed-loop"),
    (("--speed", "2", "--closed-loop"), "--closed-loop")])
def test_what_does_not_go_with_a_trace(refused, arguments, why):
    assert why in refused(*CELL, *arguments)


@pytest.mark.parametrize("arguments", [("--speed", "1"), ("--closed-loop",)])
def test_pace_of_what_is_no_trace(refused, arguments):
    assert "is no trace" in refused("cell", "--variant", "leak", "--workload", "mmio-poll", "--guest", "thread", *arguments)
    assert "is no trace" in refused("cell", "--variant", "leak", "--workload", "mmio-poll", "--guest", "trace")


@pytest.mark.parametrize("variant", ["floor", "host-kvm"])
def test_variants_that_replay_nothing(refused, variant):
    assert variant in refused("cell", "--variant", variant, "--workload", f"trace:{TRACE}")


@pytest.mark.parametrize("name", ["none.swtrace", "", "none"])
def test_no_such_trace(refused, name):
    assert name in refused("cell", "--variant", "leak", "--workload", f"trace:{name}")


def test_truncated_trace(refused, tmp_path):
    (tmp_path / "cut.swtrace").write_bytes(TRACE.read_bytes()[:-1])
    assert "cut.swtrace: byte" in refused("cell", "--variant", "leak", "--workload", "trace:cut.swtrace")


def test_corrupt_trace_fails_the_cell(shadowwalk, tmp_path):
    spoilt = bytearray(TRACE.read_bytes())
    spoilt[len(spoilt) // 2] ^= 0x55
    (tmp_path / "spoilt.swtrace").write_bytes(spoilt)
    done = shadowwalk("cell", "--variant", "leak", "--workload", "trace:spoilt.swtrace", "--duration", "600s")
    assert done.returncode == 1
    assert done.stderr.startswith("shadowwalk: spoilt.swtrace: byte ") and done.stderr.count("\n") == 1


def test_matrix(shadowwalk, tmp_path):
    shutil.copy(TRACE, tmp_path / "mine.swtrace")
    (tmp_path / "replay.toml").write_text(
        'repetitions = 1\n[[group]]\nname = "replay"\nvariant = ["irq-ipi", "hazard"]\nworkload = "trace:mine.swtrace"\n'
        'speed = ["20", "closed-loop"]\nwarmup = "10ms"\nduration = "1s"\nmmu-lock = "mutex"\n', encoding="utf-8")
    done = shadowwalk("run", "replay.toml", "--out", "out", "--retry-noisy", 0)
    assert done.returncode == 0, done.stdout + done.stderr
    results = [json.loads(file.read_text()) for file in (tmp_path / "out" / "cells").glob("*.json")]
    assert sorted(result["benchmarks"][0]["shadowwalk"]["cell"]["speed"] for result in results) == [
        "20", "20", "closed-loop", "closed-loop"]
    report = shadowwalk("report", "out")
    assert report.returncode == 0, report.stderr


def test_matrix_with_a_trace_that_is_not_there(refused, tmp_path):
    (tmp_path / "replay.toml").write_text(
        '[[group]]\nname = "replay"\nvariant = "leak"\nworkload = "trace:gone"\n', encoding="utf-8")
    assert "gone" in refused("run", "replay.toml", "--out", "out")
