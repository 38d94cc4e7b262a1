"""Loading: whole runs, runs with holes, and directories that are no runs."""

import json

import pytest
from run_factory import HOST

from shadowwalk_report.host_facts import HostFacts
from shadowwalk_report.rows import Table
from shadowwalk_report.run_directory import load
from shadowwalk_report.setting import describe, varying_axes
from shadowwalk_report.untrusted_json import InputError

COUNTERS = {"walks_per_second": 1e6, "walk_ns_mean": 20.0}


def test_a_whole_run(factory):
    factory.cell(COUNTERS, variant="hazard", vcpus=2)
    run = load(factory.write())
    assert len(run.results) == 5 and not run.left_out and not run.missing
    assert run.results[0].scheme.variant == "hazard"
    assert run.results[0].setting.vcpus == 2
    assert run.results[0].counters["walk_ns_mean"] == 20
    assert run.seed == 7


def test_results_that_are_not_there_yet_are_missing(factory):
    cell = factory.cell(COUNTERS)
    factory.path(cell, 3).unlink()
    run = load(factory.write())
    assert run.missing == [(cell, 3)]
    assert len(run.results) == 4


def test_a_failed_cell_keeps_its_reason(factory):
    cell = factory.plan(variant="hazard")
    factory.fail(cell, 1, status="crashed", reason="killed", signal=11)
    lost = load(factory.write()).left_out
    assert [(entry.status, entry.reason, entry.repetition) for entry in lost] == [("crashed", "killed (signal 11)", 1)]


def test_a_retry_that_worked_replaces_the_failure(factory):
    cell = factory.cell(COUNTERS)
    factory.fail(cell, 0)
    run = load(factory.write())
    assert not run.left_out and len(run.results) == 5


def test_an_error_entry_is_a_failed_cell(factory):
    cell = factory.cell(COUNTERS)
    data = factory.result(cell, 2, {})
    data["benchmarks"][0] |= {"error_occurred": True, "error_message": "pool exhausted"}
    factory.put(cell, 2, data)
    run = load(factory.write())
    assert [(lost.status, lost.reason) for lost in run.left_out] == [("failed", "pool exhausted")]
    assert len(run.results) == 4


@pytest.mark.parametrize("text, reason", [
    ("", "Expecting value"), ('{"benchmarks": [', "Expecting value"), ("[]", "no list `benchmarks`"),
    ('{"benchmarks": []}', "no entry"), ('{"benchmarks": [{"run_type": "iteration"}]}', "no object shadowwalk"),
    ('{"benchmarks": [{"shadowwalk": {}}]}', "no shadowwalk.cell"), ("[" * 100000, "nested too deeply")])
def test_a_result_cut_short_is_left_out_by_name(factory, text, reason):
    cell = factory.cell(COUNTERS)
    factory.path(cell, 4).write_text(text)
    run = load(factory.write())
    assert len(run.results) == 4
    [lost] = run.left_out
    assert lost.status == "unreadable" and lost.reason.startswith("0000-r4.json: ") and reason in lost.reason


def test_bytes_that_are_no_text(factory):
    cell = factory.cell(COUNTERS)
    factory.path(cell, 0).write_bytes(b"\xff\xfe\x00")
    assert load(factory.write()).left_out[0].status == "unreadable"


@pytest.mark.parametrize("field, value, reason", [
    ("vcpus", "two", "vcpus is not a whole number"), ("vcpus", True, "vcpus is not a whole number"),
    ("vcpus", 1.5, "vcpus is not a whole number"), ("vcpus", -1, "not negative"), ("vcpus", 0, "vcpus is 0"),
    ("zap_rate", 10**400, "zap_rate is not a number"), ("variant", 7, "variant is not text"),
    ("variant", None, "variant is missing")])
def test_a_cell_with_a_wrong_field_is_left_out(factory, field, value, reason):
    cell = factory.cell(COUNTERS)
    data = factory.result(cell, 0, COUNTERS)
    data["benchmarks"][0]["shadowwalk"]["cell"] = {**data["benchmarks"][0]["shadowwalk"]["cell"], field: value}
    factory.put(cell, 0, data)
    assert reason in load(factory.write()).left_out[0].reason


@pytest.mark.parametrize("part, value", [
    ("histograms", {"free_ns": {"buckets": [[1]]}}), ("series", {"retired_bytes": {"peak": ["x"], "interval_ns": 1}})])
def test_a_damaged_part_is_named(factory, part, value):
    cell = factory.cell(COUNTERS)
    data = factory.result(cell, 0, COUNTERS)
    data["benchmarks"][0]["shadowwalk"][part] = value
    factory.put(cell, 0, data)
    assert next(iter(value)) in load(factory.write()).left_out[0].reason


def test_a_result_of_another_variant_than_planned(factory):
    cell, other = factory.cell(COUNTERS, variant="hazard"), factory.plan(variant="mutex")
    factory.put(cell, 0, factory.result(other, 0, COUNTERS))
    assert "is of variant mutex, the plan says hazard" in load(factory.write()).left_out[0].reason


def test_a_result_that_is_not_in_the_plan(factory):
    factory.cell(COUNTERS)
    (factory.directory / "cells" / "0099-r0.json").write_text("{}")
    run = load(factory.write())
    assert [lost.status for lost in run.left_out] == ["not in the plan"] and len(run.results) == 5


def test_aggregates_and_temporary_files_are_passed_over(factory):
    cell = factory.cell(COUNTERS)
    data = factory.result(cell, 0, COUNTERS)
    data["benchmarks"].append({**data["benchmarks"][0], "run_type": "aggregate", "walk_ns_mean": 999})
    factory.put(cell, 0, data)
    (factory.directory / "cells" / "0000-r0.json.tmp").write_text("{")
    run = load(factory.write())
    assert len(run.results) == 5 and not run.left_out


def test_numbers_that_are_none_are_not_counters(factory):
    cell = factory.cell(COUNTERS)
    factory.path(cell, 0).write_text(json.dumps(factory.result(cell, 0, {"walk_ns_mean": float("nan"), "ipis": 3})))
    assert "walk_ns_mean" not in load(factory.write()).results[0].counters


def test_without_zappers_the_zap_rate_means_nothing(factory):
    factory.cell(COUNTERS, zappers=0, zap_rate=1000)
    assert load(factory.write()).results[0].setting.zap_rate == 0


def test_characters_that_no_page_can_hold(factory):
    factory.cell(COUNTERS, variant="bad\ud800\x00\u202ename")
    assert load(factory.write()).results[0].scheme.variant == r"bad\ud800\x00\u202ename"


@pytest.mark.parametrize("text, reason", [
    ("{", "run.json"), ("[]", "not the plan of a run"), ('{"format": "other"}', "not the plan of a run"),
    ('{"format": "shadowwalk-run-1"}', "the plan is damaged"),
    ('{"format": "shadowwalk-run-1", "cells": [{}], "order": [], "repetitions": 1}', "the plan is damaged"),
    ('{"format": "shadowwalk-run-1", "cells": [], "order": [[1]], "repetitions": 1}', "the plan is damaged")])
def test_a_damaged_plan_is_an_error_that_names_it(tmp_path, text, reason):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError) as error:
        load(tmp_path)
    assert reason in str(error.value) and str(tmp_path / "run.json") in str(error.value)
    assert "\n" not in str(error.value)


def test_directories_that_are_no_run(tmp_path):
    with pytest.raises(InputError, match="no such directory"):
        load(tmp_path / "nowhere")
    with pytest.raises(InputError, match="contains no run.json"):
        load(tmp_path)


# What the plan tells of the host

def test_the_hosts_facts_are_read(factory):
    factory.host = HOST
    host = load(factory.write()).host
    assert (host.cpu, host.cpus, host.virtual_machine, host.grace_period_ns) == ("Test CPU", 2, True, 5.8e6)
    assert (host.kernel.hz, host.kernel.preemption, host.kernel.rcu_expedited) == (250, "voluntary", False)
    assert host.floors["xchg_ns"] == 5.7


def test_a_plan_without_a_host_knows_nothing_of_it(factory):
    assert load(factory.write()).host == HostFacts()


@pytest.mark.parametrize("damaged", [
    7, [], {"floors": 3, "kernel": "6.1", "cpu": {}, "cpus": -2, "virtual_machine": "yes", "unavailable": []},
    {"floors": {"xchg_ns": "fast", "mfence_ns": -1, "line_transfer_ns": None, "signal_ipi_ns": True}, "kernel": {"hz": 0, "rcu_expedited": 1},
     "cpus": 10**30}])
def test_a_damaged_host_is_one_that_is_not_known(factory, damaged):
    factory.cell(COUNTERS)
    factory.host = damaged
    run = load(factory.write())
    assert run.host == HostFacts() and len(run.results) == 5


def test_the_hosts_texts_are_made_visible(factory):
    factory.host = {"cpu": "bad\x1b[2Jname", "unavailable": {"xchg_ns": "no\u202edice"}}
    host = load(factory.write()).host
    assert host.cpu == r"bad\x1b[2Jname" and host.unavailable == {"xchg_ns": r"no\u202edice"}


# Who ends a grace period, and how walks follow each other

def test_the_hosts_grace_period_is_an_interval_of_its_own(factory):
    for interval in (0, "host", 4_000_000):
        factory.cell(COUNTERS, variant="rcu-counter", rcu_interval_ns=interval)
    table = Table(load(factory.write()).results)
    [setting] = table.settings
    assert [row.scheme.words for row in table.rows(setting)] == [
        "rcu-counter", "rcu-counter, RCU interval 4 ms", "rcu-counter, RCU interval the host's grace period"]
    assert table.plain_row(setting, "rcu-counter").scheme.words == "rcu-counter"


@pytest.mark.parametrize("interval", ["hosts", "", None, True, [1]])
def test_no_other_word_is_an_interval(factory, interval):
    factory.cell(COUNTERS, rcu_interval_ns=interval)
    assert "rcu_interval_ns is" in load(factory.write()).left_out[0].reason


def test_walks_that_depend_on_each_other_are_a_setting_of_their_own(factory):
    factory.cell(COUNTERS)
    factory.cell(COUNTERS, walk_mode="latency")
    factory.cell(COUNTERS, think_ns=20_000)
    settings = Table(load(factory.write()).results).settings
    assert [(s.walk_mode, s.think_ns, s.is_plain) for s in settings] == [
        ("throughput", 0, True), ("latency", 0, False), ("throughput", 20_000, False)]
    assert [describe(s, varying_axes(settings)) for s in settings[1:]] == [
        "1 vCPU, 1 zapper at 1,000 zaps/s, walk mode latency", "1 vCPU, 1 zapper at 1,000 zaps/s, think time 20,000 ns"]
