"""What results tell beside their counters: read where it is there, refused by name where it is damaged."""

import pytest
from run_factory import pmu, without_issue_three

from shadowwalk_report.observations import KernelStat, Noise, PmuCount, Sizes
from shadowwalk_report.rows import Table
from shadowwalk_report.run_directory import load
from shadowwalk_report.setting import describe, varying_axes

FULL = {"memory": {"rss_bytes": {"before": 1, "after": 2}},
        "kvm_stats": {"exits": {"kind": "cumulative", "delta": 31110},
                      "pages_4k": {"kind": "instant", "before": 12, "after": 13}},
        "pmu": [pmu("cycles", scope="thread", count=5e9, multiplexed=0.25)]}


def one_result(factory, **extra):
    factory.repetitions = 1
    factory.cell({}, extra=extra)
    run = load(factory.write())
    assert not run.left_out
    return run.results[0]


def test_all_of_it_is_read(factory):
    result = one_result(factory, **FULL)
    assert result.memory == {"rss_bytes": Sizes(1, 2)}
    assert result.kvm_stats == {"exits": KernelStat("cumulative", 31110, None, None),
                                "pages_4k": KernelStat("instant", None, 12, 13)}
    assert result.pmu == (PmuCount("cycles", "contention", "test_pmu::EVENT:u", "walkers", "thread", "", 5e9, 2e9, 1.5e9, 0.25),)
    assert result.noise == Noise(0, 0.02, 1.003, 0.8, ())


def test_older_results_hold_none_of_it(factory):
    cell = factory.plan()
    factory.put(cell, 0, without_issue_three(factory.result(cell, 0, {"walk_ns_mean": 3.0}, **FULL)))
    [result] = load(factory.write()).results
    assert (result.memory, result.kvm_stats, result.pmu) == ({}, {}, ())
    assert result.noise == Noise(steal_ns=0)
    assert (result.setting.instrumentation, result.setting.events) == ("full", "") and result.setting.is_plain


@pytest.mark.parametrize("extra, reason", [
    ({"memory": []}, "memory is not an object"), ({"memory": {"rss_bytes": 7}}, "memory.rss_bytes is not an object"),
    ({"memory": {"rss_bytes": {"before": 1}}}, "memory.rss_bytes.after is missing"),
    ({"kvm_stats": {"exits": {"delta": "many"}}}, "kvm_stats.exits.delta is not a number"),
    ({"pmu": {}}, "pmu is not a list"), ({"pmu": [3]}, "pmu is not a list"),
    ({"pmu": [{**pmu("cycles"), "event": 3}]}, "pmu[0].event is missing"),
    ({"pmu": [pmu("a"), {**pmu("cycles"), "count": float("inf")}]}, "pmu[1].count is not a number"),
    ({"noise": {"other_load_cpus": "much"}}, "noise.other_load_cpus is not a number")])
def test_what_is_damaged_is_named(factory, extra, reason):
    factory.repetitions = 1
    factory.cell({}, extra=extra)
    run = load(factory.write())
    assert not run.results and reason in run.left_out[0].reason


def test_levels_and_events_are_settings_of_their_own(factory):
    for level, events in (("full", ""), ("none", ""), ("full", "contention")):
        factory.cell({"walk_ns_mean": 3.0}, instrumentation=level, events=events)
    table = Table(load(factory.write()).results)
    axes = varying_axes(table.settings)
    assert [describe(setting, axes, vcpus=False, zaps=False) for setting in table.settings] == [
        "", "events contention", "instrumentation none"]
    assert [setting.is_plain for setting in table.settings] == [True, False, False]
    assert all(len(row.results) == 5 for row in table.all_rows)


def test_settings_that_are_not_plain_come_last(factory):
    for seconds, events in ((0.1, "contention"), (2.0, "")):
        factory.cell({"walk_ns_mean": 3.0}, duration_s=seconds, events=events)
    assert [setting.events for setting in Table(load(factory.write()).results).settings] == ["", "contention"]


def test_claims_prefer_cells_that_are_not_counted_in(factory, judge):
    for events, workload in (("contention", "mmio-poll"), ("", "demand-fault")):
        for variant in ("rcu-counter", "irq-ipi"):
            factory.cell({"retired_bytes_peak": 4096, "retired_bytes_mean": 10.0}, variant=variant, workload=workload,
                         events=events)
            for vcpus in (1, 2):
                factory.cell({"walk_ns_mean": 9.0}, variant=variant, workload=workload, events=events, vcpus=vcpus,
                             zappers=0)
    memory, scaling = judge(factory)
    assert memory.headline[0].setting.workload == scaling.headline[0].setting.workload == "demand-fault"


# Percentiles that are the clock's

def clocked(factory, cost, **percentiles):
    cell = factory.plan()
    factory.repetitions = 1
    histograms = {name: [value] * 100 for name, value in (("walk_ns", 30), ("section_ns", 400), ("free_ns", 20))}
    factory.put(cell, 0, factory.result(cell, 0, percentiles, histograms, context={"clock_read_ns": cost}))
    [result] = load(factory.write()).results
    return result


def test_percentiles_of_which_over_half_is_the_clock_are_absent_with_the_reason(factory):
    result = clocked(factory, "24.5", walk_ns_p50=30, walk_ns_p99=31, walk_ns_p999=90, walk_ns_mean=5, section_ns_p50=49, free_ns_p50=20)
    assert result.counters == {"real_time": 5, "cpu_time": 1, "repetition_index": 0, "iterations": 1, "walk_ns_p999": 90, "walk_ns_mean": 5,
                               "section_ns_p50": 49, "free_ns_p50": 20}
    assert result.unavailable["walk_ns_p50"] == "the clock itself takes over half of it: 24.5 of 30 ns"
    assert set(result.unavailable) == {"walk_ns_p50", "walk_ns_p99"} and set(result.histograms) == {"section_ns", "free_ns"}


def test_a_curve_whose_tail_is_the_schemes_is_kept(factory):
    result = clocked(factory, "24.5", walk_ns_p50=30, walk_ns_p99=300)
    assert set(result.unavailable) == {"walk_ns_p50"} and "walk_ns" in result.histograms


def test_no_repetition_is_picked_by_its_value(factory):
    factory.cell({"walk_ns_p50": [20, 21, 22, 23, 26]}, {"walk_ns": [30]})  # two reads of the clock are 22.4 ns
    results = load(factory.write()).results
    assert all("walk_ns_p50" not in result.counters and "over half of it: 11.2 of 22 ns" in result.unavailable["walk_ns_p50"]
               for result in results)


@pytest.mark.parametrize("cost", ["", "fast", "-3", "nan", "inf", "1e400", "0"])
def test_a_clock_of_no_known_cost_hides_nothing(factory, cost):
    assert clocked(factory, cost, walk_ns_p50=1).unavailable == {}
