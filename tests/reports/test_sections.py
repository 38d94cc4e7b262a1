"""The tables of latency, footprint and instrumentation cost."""

import pytest
from run_factory import PAGE, material_of

from shadowwalk_report.run_directory import load
from shadowwalk_report.statistics import Reason
from shadowwalk_report.topics import all_plots, footprint, instrumentation, latency


def content_of(section, factory):
    run = load(factory.write())
    return section.content(material_of(run))


def cells_of(sheet, head):
    [line] = [line for line in sheet.lines if line.head == head]
    return line.cells


def plot_of(factory, kind):
    [plot] = [plot for plot in all_plots(material_of(load(factory.write()))) if plot.kind == kind]
    return plot


def column(plot, *names):
    places = [plot.columns.index(name) for name in names]
    return [tuple(record[place] for place in places) for record in plot.records]


# Latency

def test_percentiles_are_of_all_repetitions_together(factory):
    cell = factory.plan()
    for repetition in range(5):  # 1,000 samples: 1 to 1,000, one fifth of them in each repetition
        factory.put(cell, repetition, factory.result(cell, repetition, {}, {"walk_ns": range(1 + repetition, 1001, 5)}))
    [sheet] = content_of(latency, factory).sheets
    [found] = cells_of(sheet, "walk")
    assert (found.value, found.hint) == ("500 ns", "1,000 samples")
    assert found.more == ("p99 990 ns", "p99.9 999 ns", "max 1 µs")


def test_a_percentile_needs_a_sample_beyond_it(factory):
    factory.cell({}, {"walk_ns": range(1, 41)})  # 200 samples in 5 repetitions
    [found] = cells_of(content_of(latency, factory).sheets[0], "walk")
    assert found.more == ("p99 40 ns", "p99.9 –", "max 40 ns")


def test_the_maximum_is_the_recorded_one_and_not_its_buckets(factory):
    factory.repetitions = 1
    cell = factory.plan()
    data = factory.result(cell, 0, {}, {"walk_ns": [100]})
    data["benchmarks"][0]["shadowwalk"]["histograms"]["walk_ns"] |= {"buckets": [[96, 103, 1]], "max": 97}
    factory.put(cell, 0, data)
    [found] = cells_of(content_of(latency, factory).sheets[0], "walk")
    assert found.more[-1] == "max 97 ns"


def test_censored_pages_count_as_slower_than_all_others(factory):
    factory.cell({}, {"free_ns": [100] * 30 + [200] * 10}, extra={"freed_by_drain": 160}, variant="rcu-counter")
    factory.cell({}, {"free_ns": [100] * 30 + [200] * 10}, extra={"freed_by_drain": 10})
    most, few = cells_of(content_of(latency, factory).sheets[0], "free")
    assert most.value == "> 200 ns" and most.hint == "200 samples and 800 censored" and most.more[-1] == "max 200 ns +"
    assert (few.value, few.more[0]) == ("100 ns", "p99 > 200 ns")
    assert column(plot_of(factory, "latency"), "variant", "percentile", "ns", "samples", "censored") == [
        ("rcu-counter", 0, 100, 200, 800), ("rcu-counter", pytest.approx(15), 200, 200, 800),
        ("irq-ipi", 0, 100, 200, 50), ("irq-ipi", pytest.approx(60), 200, 200, 50)]


def test_saturated_zaps_have_no_latency_but_their_service_has(factory):
    factory.cell({"saturated": 1}, {"zap_ns": [10], "zap_service_ns": [5], "free_ns": [7]})
    [sheet] = content_of(latency, factory).sheets
    for head in ("zap", "free"):
        [cell] = cells_of(sheet, head)
        assert cell.value == "–" and "saturated" in cell.hint
    assert cells_of(sheet, "uncorrected zap")[0].value == "5 ns"
    plot = plot_of(factory, "latency")
    assert {name for name, in column(plot, "latency")} == {"zap_service_ns"}
    assert "zap and free: saturated, so that it grows with the length of the run" in plot.absences


def test_corrected_and_uncorrected_share_a_panel(factory):
    factory.cell({}, {"zap_ns": [10, 100], "zap_service_ns": [10, 50], "walk_ns": [3]})
    plot = plot_of(factory, "latency")
    assert [panel.title for panel in plot.panels] == ["walk: walk_ns", "zap: zap_ns"]
    assert column(plot, "latency", "percentile", "ns", "samples")[-2:] == [
        ("zap_service_ns", 0, 10, 10), ("zap_service_ns", 50, 50, 10)]


def test_the_cleanest_setting_is_shown(factory):
    for options, value in (({"events": "cache"}, 1), ({"zappers": 0}, 2), ({"workload": "demand-fault"}, 3), ({}, 4),
                           ({"vcpus": 2, "counters": {"oversubscribed": 1}}, 5), ({"instrumentation": "light"}, 6)):
        options = dict(options)
        factory.cell(options.pop("counters", {}), {"walk_ns": [value]}, **options)
    [sheet] = content_of(latency, factory).sheets
    assert sheet.title == "mmio-poll, thread guest, 1 vCPU, 1 zapper at 1,000 zaps/s"
    assert cells_of(sheet, "walk")[0].value == "4 ns"


def test_the_setting_with_the_most_schemes_is_shown(factory):
    factory.cell({}, {"walk_ns": [1], "exit_ns": [1]}, variant="unsafe")
    for variant in ("irq-ipi", "hazard"):
        factory.cell({}, {"walk_ns": [2]}, variant=variant, zap_rate=500)
    [sheet] = content_of(latency, factory).sheets
    assert "500 zaps/s" in sheet.title and [name for name, _ in sheet.columns] == ["irq-ipi", "hazard"]


def test_no_histogram_no_section(factory):
    factory.cell({"walk_ns_mean": 3.0})
    assert content_of(latency, factory) is None
    assert "latency" not in {plot.kind for plot in all_plots(material_of(load(factory.write())))}


def test_why_a_latency_is_absent_is_told(factory):
    factory.cell({}, {"walk_ns": [3]}, extra={"unavailable": {"ipi_ns_p50": "no flush sent an IPI"}})
    factory.cell({}, {"walk_ns": [3], "ipi_ns": [900]}, variant="hazard")
    absent, there = cells_of(content_of(latency, factory).sheets[0], "IPI")
    assert (absent.value, absent.hint, there.value) == ("–", "no flush sent an IPI", "900 ns")
    absences = plot_of(factory, "latency").absences
    assert "IPI of irq-ipi: no flush sent an IPI" in absences
    assert "exit, zap, uncorrected zap, prepare_zap, commit_zap, grace period and free: no samples" in absences[0]


# Footprint

SHADOW = {"shadow_bytes_mean": 8 * PAGE, "shadow_bytes_peak": 16 * PAGE, "retired_bytes_mean": 100.0,
          "retired_bytes_peak": PAGE, "rss_bytes": 2.0**24}


def test_footprint_table(factory):
    factory.cell(SHADOW)
    factory.cell({"retired_bytes_peak": PAGE}, variant="hazard", extra={"unavailable": {"rss_bytes": "no /proc"}})
    [sheet] = content_of(footprint, factory).sheets
    assert [cell.value for cell in cells_of(sheet, "irq-ipi")] == ["32 KiB", "64 KiB", "100 B", "4 KiB", "16 MiB"]
    absent = cells_of(sheet, "hazard")
    assert [cell.value for cell in absent] == ["–", "–", "–", "4 KiB", "–"] and absent[-1].hint == "no /proc"


def test_results_with_retired_bytes_alone_need_no_such_table(factory):
    factory.cell({"retired_bytes_peak": PAGE})
    assert content_of(footprint, factory) is None


def test_shadow_memory_is_drawn_beside_retired(factory):
    factory.cell(SHADOW, peaks={"retired_bytes": [PAGE, 0], "shadow_bytes": [8 * PAGE, 7 * PAGE]})
    kinds = [plot.kind for plot in all_plots(material_of(load(factory.write())))]
    assert kinds == ["retired", "shadow"]
    assert column(plot_of(factory, "shadow"), "interval_end_ns", "shadow_bytes_peak") == [
        (8_000_000, 8 * PAGE), (16_000_000, 7 * PAGE)]


def test_the_kernels_own_statistics_are_folded_away_per_kvm_cell(factory):
    factory.repetitions = 2
    extra = {"memory": {"rss_bytes": {"before": 1024, "after": 3072},
                        "sec_page_tables_bytes": {"before": 8192, "after": 4096}},
             "kvm_stats": {"exits": {"kind": "cumulative", "delta": 31110},
                           "halt_exits": {"kind": "cumulative", "delta": 0},
                           "pages_4k": {"kind": "instant", "before": 12, "after": 13}}}
    factory.cell(SHADOW, guest="kvm", extra=extra)
    factory.cell(SHADOW, guest="thread", extra={"memory": extra["memory"]})
    [fold] = [fold for fold in content_of(footprint, factory).details if "kernel" in fold.summary]
    assert "1 KVM cell:" in fold.summary
    [sheet] = fold.sheets
    assert [title for title, _ in sheet.columns] == ["repetition 0", "repetition 1"]
    told = {line.head: [(cell.value, *cell.more) for cell in line.cells] for line in sheet.lines}
    assert told == {"rss_bytes": [("+2 KiB", "1 KiB to 3 KiB")] * 2,
                    "sec_page_tables_bytes": [("-4 KiB", "8 KiB to 4 KiB")] * 2,
                    "exits": [("31,110",)] * 2, "pages_4k": [("12 to 13",)] * 2}
    assert sheet.remark == "1 statistic was 0 throughout."


# Instrumentation cost

def levels(factory, full, none=(100.0,) * 5, noisy=None, **options):
    factory.cell({"walks_per_second": list(none)}, instrumentation="none", zappers=0, **options)
    factory.cell({"walks_per_second": list(full)}, instrumentation="full", zappers=0, noisy=noisy, **options)


@pytest.mark.parametrize("full, words", [
    ([98, 99, 99, 100, 101], "WITHIN BUDGET [0.98, 1.01]"), ([90, 91, 92, 93, 96], "OVER BUDGET [0.9, 0.96]"),
    ([95, 96, 97, 98, 99], "AMBIGUOUS [0.95, 0.99]")])
def test_the_cost_is_judged_against_the_budget(factory, full, words):
    levels(factory, full)
    [sheet] = content_of(instrumentation, factory).sheets
    [cell] = cells_of(sheet, "irq-ipi")
    assert cell.more == (words,)
    assert [title for title, _ in sheet.columns] == ["full / none"]


def test_the_cost_is_paired_by_repetition(factory):
    levels(factory, [99, 198, 297, 99, 198], [100, 200, 300, 100, 200])
    [cell] = cells_of(content_of(instrumentation, factory).sheets[0], "irq-ipi")
    assert cell.more == ("WITHIN BUDGET [0.99, 0.99]",)


def test_noise_is_left_out_of_the_cost_and_said_to_be(factory):
    levels(factory, [50, 50, 50, 99, 99], noisy={0: ["x"], 1: ["x"], 2: ["x"]})
    [cell] = cells_of(content_of(instrumentation, factory).sheets[0], "irq-ipi")
    assert (cell.value, cell.verdict, cell.more) == ("0.5x", "doubtful", ("noisy",))
    assert cell.hint == f"no verdict: {Reason.TOO_FEW.value}, as noisy results are excluded (3 of 5 of irq-ipi)"


def test_levels_of_different_settings_are_not_compared(factory):
    factory.cell({"walks_per_second": 100.0}, instrumentation="none", zappers=0)
    factory.cell({"walks_per_second": 99.0}, zappers=0, vcpus=2)
    assert content_of(instrumentation, factory) is None


def test_a_level_without_its_base_has_no_cost(factory):
    factory.cell({"walks_per_second": 100.0}, instrumentation="light", zappers=0)
    factory.cell({"walks_per_second": 99.0}, zappers=0)
    [sheet] = content_of(instrumentation, factory).sheets
    assert [cell.hint for cell in cells_of(sheet, "irq-ipi")] == ["not measured with instrumentation none"] * 2
