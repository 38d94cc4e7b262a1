"""Verdicts against the baseline: what is compared with what, what is one family, and how the answer is worded."""

import pytest
from run_factory import PAGE, spread

from shadowwalk_report.answers import answers
from shadowwalk_report.drawing import canvas
from shadowwalk_report.rows import Table
from shadowwalk_report.run_directory import load
from shadowwalk_report.statistics import Verdict
from shadowwalk_report.topics import Material, heatmap, tradeoff
from shadowwalk_report.topics.tradeoff import pareto_front
from shadowwalk_report.trust import trust_items
from shadowwalk_report.untrusted_json import InputError
from shadowwalk_report.verdicts import FREE, RETIRED, WALK, WALKS, Verdicts


def ruled(factory, baseline=None):
    table = Table(load(factory.write()).results)
    return table, Verdicts(table, baseline)


def of(factory, question, variant, baseline=None):
    table, verdicts = ruled(factory, baseline)
    [found] = [r for row in table.all_rows if row.variant == variant and (r := verdicts.ruling(question, row))]
    return found


def said(factory, question, baseline=None):
    table, verdicts = ruled(factory, baseline)
    return next(answer for answer in answers(table, verdicts) if answer.question is question).sentence


def walks(factory, variant, ns, **options):
    factory.cell({"walk_ns_mean": spread(ns), "walks_per_second": spread(1e9 / ns)}, variant=variant, zappers=0, **options)


def test_times_and_rates_say_the_same(factory):
    walks(factory, "irq-ipi", 10)
    walks(factory, "hazard", 20)
    walks(factory, "leak", 5)
    assert of(factory, WALK, "hazard").verdict is of(factory, WALKS, "hazard").verdict is Verdict.SLOWER
    assert of(factory, WALK, "leak").verdict is of(factory, WALKS, "leak").verdict is Verdict.FASTER
    assert of(factory, WALK, "hazard").comparison.ratio.value == pytest.approx(2)
    assert of(factory, WALKS, "hazard").comparison.ratio.value == pytest.approx(0.5, rel=0.05)


def test_a_sentence_names_the_effect_its_interval_and_the_place(factory):
    walks(factory, "irq-ipi", 10)
    walks(factory, "hazard", 14)
    walks(factory, "leak", 5)
    walks(factory, "mutex", 10)
    assert said(factory, WALK) == (
        "At 1 vCPU, no zapper (mmio-poll, thread guest), against irq-ipi (10 ns [9.8, 10.2]), exploratory: leak walks 2x [1.99, 2.01] faster; "
        "hazard walks 1.4x [1.39, 1.41] slower; SAME: mutex (1x [0.996, 1]).")


def test_another_baseline(factory):
    walks(factory, "irq-ipi", 10)
    walks(factory, "hazard", 14)
    assert "against hazard" in said(factory, WALK, "hazard") and "irq-ipi walks 1.4x [1.39, 1.41] faster" in said(
        factory, WALK, "hazard")
    with pytest.raises(InputError, match="no result is of the variant 'sheep': give --baseline one of irq-ipi, hazard"):
        ruled(factory, "sheep")


def test_without_the_usual_baseline_there_is_another(factory):
    walks(factory, "hazard", 14)
    walks(factory, "leak", 5)
    assert ruled(factory)[1].baseline == "leak"


def test_memory_and_latency_have_their_own_words(factory):
    for variant, pages, free in (("irq-ipi", 1, 1e4), ("hazard", 8, 8e4)):
        factory.cell({"retired_bytes_peak": PAGE * pages, "free_ns_p99": spread(free)}, variant=variant)
    assert "hazard retires (peak) 8x [5.57, 11.5] more" in said(factory, RETIRED)
    assert "hazard frees (p99) 8x [7.97, 8.03] later" in said(factory, FREE)


def test_too_few_repetitions_give_no_verdict_but_the_reason(factory):
    factory.repetitions = 3
    for variant, ns in (("irq-ipi", [10, 11, 12]), ("hazard", [20, 21, 22])):
        factory.cell({"walk_ns_mean": ns}, variant=variant, zappers=0)
    assert of(factory, WALK, "hazard").code == "TOO_FEW"
    assert "AMBIGUOUS: hazard" in said(factory, WALK) and "too few repetitions" in said(factory, WALK)


def test_what_a_scheme_never_counts_is_the_reason_and_not_its_repetitions(factory):
    factory.cell({"free_ns_p99": spread(1e4)})
    factory.cell({}, variant="leak", extra={"unavailable": {"free_ns_p99": "no page was freed in the window"}})
    factory.cell({}, variant="hazard")
    assert of(factory, FREE, "leak").reason == "free_ns_p99 of leak was not measured: no page was freed in the window"
    assert of(factory, FREE, "hazard").reason == "free_ns_p99 of hazard was not measured"


@pytest.mark.parametrize("candidate, reason", [
    ([10.0, 20.0, 10.0, 20.0, 10.0], "SPANS"), ([0.0] * 5, ""), ([20.0] * 5, "")])
def test_each_reason_is_the_true_one(factory, candidate, reason):
    factory.cell({"walk_ns_mean": spread(10)}, zappers=0)
    factory.cell({"walk_ns_mean": candidate}, variant="hazard", zappers=0)
    assert of(factory, WALK, "hazard").code == reason


def test_a_baseline_of_nothing_has_no_ratio(factory):
    factory.cell({"retired_bytes_peak": [0, 0, PAGE, PAGE, PAGE]})
    factory.cell({"retired_bytes_peak": PAGE}, variant="hazard")
    found = of(factory, RETIRED, "hazard")
    assert found.code == "ZERO_BASELINE" and found.reason == "the baseline is zero in a repetition, so that there is no ratio"


def test_what_is_clear_alone_and_not_among_many_says_so(factory):
    factory.cell({"walk_ns_mean": [100.0, 100.2, 99.8, 100.0, 100.1]}, zappers=0)
    for place in range(30):
        factory.cell({"walk_ns_mean": [108.0, 110.0, 109.0, 112.0, 107.0]}, variant=f"scheme-{place}", zappers=0)
    found = of(factory, WALK, "scheme-7")
    assert found.code == "CORRECTED" and found.comparison.ratio.low > 1.05 and "clear alone" in found.reason


def test_walks_that_depend_on_each_other_answer_what_a_walk_costs(factory):
    for mode, ns in (("throughput", 20), ("latency", 12)):
        walks(factory, "irq-ipi", 10, walk_mode=mode)
        walks(factory, "hazard", ns, walk_mode=mode)
    assert "walk mode latency" in said(factory, WALK) and "hazard walks 1.2x" in said(factory, WALK)


def test_settings_that_differ_in_duration_only_are_told_apart_by_it(factory):
    for seconds in (2.0, 8.0):
        walks(factory, "irq-ipi", 10, duration_s=seconds)
        walks(factory, "hazard", 20, duration_s=seconds)
    assert said(factory, WALK).startswith("At 1 vCPU, no zapper, 2 s (mmio-poll, thread guest), against irq-ipi")


def test_saturated_cells_have_no_latency_verdict_but_one_on_memory(factory):
    for variant, pages, free in (("irq-ipi", 1, 1e4), ("hazard", 8, 8e4)):
        factory.cell({"retired_bytes_peak": PAGE * pages, "free_ns_p99": spread(free), "saturated": 1}, variant=variant)
    assert of(factory, FREE, "hazard").code == "NOT_COMPARABLE" and of(factory, FREE, "hazard").doubt.startswith("saturated")
    assert of(factory, RETIRED, "hazard").verdict is Verdict.SLOWER


def test_one_workload_and_guest_is_one_family(factory):
    for workload, schemes in (("mmio-poll", ("irq-ipi", "hazard", "mutex", "leak")), ("other", ("irq-ipi", "hazard"))):
        for vcpus in (1, 2):
            for place, variant in enumerate(schemes):
                walks(factory, variant, 10 * (place + 1), workload=workload, vcpus=vcpus)
    table, verdicts = ruled(factory)
    families = {(row.setting.workload, found.comparison.family) for row in table.all_rows
                if (found := verdicts.ruling(WALK, row))}
    assert families == {("mmio-poll", 6), ("other", 2)}


def test_the_control_and_the_floor_are_no_contestants(factory):
    for variant in ("irq-ipi", "unsafe", "floor", "hazard"):
        walks(factory, variant, 10)
    assert "SAME: hazard" in said(factory, WALK)
    assert "unsafe" not in said(factory, WALK) and "floor" not in said(factory, WALK)


def test_nothing_to_compare_says_so(factory):
    walks(factory, "irq-ipi", 10)
    assert said(factory, WALK).startswith("NOT TESTED: no setting without zappers has walk_ns_mean of irq-ipi and of another")


# The heat map

def heat(factory, baseline=None):
    table, verdicts = ruled(factory, baseline)
    return {plot.name: plot for plot in heatmap.plots(Material(None, table, verdicts))}


def test_the_heat_maps_data_is_golden(factory):
    for variant, ns in (("irq-ipi", 10), ("hazard", 20), ("leak", 10)):
        walks(factory, variant, ns)
    plot = heat(factory)["heatmap-walk"]
    place, variant = plot.columns.index("baseline"), plot.columns.index("variant")
    records = [(record[variant], *record[place:place + 8]) for record in plot.records]
    assert records == [  # the intervals are the step of the histograms, as the ratio is the same in each repetition
        ("leak", "irq-ipi", "walk_ns_mean", 1.0, pytest.approx(0.996, abs=1e-3), pytest.approx(1.004, abs=1e-3), 5, "SAME", ""),
        ("hazard", "irq-ipi", "walk_ns_mean", pytest.approx(2.0), pytest.approx(1.992, abs=1e-3), pytest.approx(2.008, abs=1e-3), 5,
         "SLOWER", "")]


def test_colours_are_worse_and_better_whatever_the_metric():
    assert heatmap._shade(WALK, 2) == -heatmap._shade(WALK, 0.5) == heatmap._shade(WALKS, 0.5) < 0
    assert heatmap._shade(WALK, 100) == -1 and heatmap._shade(WALK, 0) == 1


def test_what_is_ambiguous_is_hatched(factory):
    walks(factory, "irq-ipi", 10)
    walks(factory, "hazard", 20)
    clear, _ = canvas.draw(heat(factory)["heatmap-walk"], ("html",))
    factory.cell({"walk_ns_mean": [5, 10, 11, 12, 30]}, variant="mutex", zappers=0)
    doubtful, _ = canvas.draw(heat(factory)["heatmap-walk"], ("html",))
    assert doubtful.count("url(#heatmap-walk.h") > clear.count("url(#heatmap-walk.h")
    assert "<title>mutex, 1 vCPU, no zapper: walk_ns_mean 1.15x" in doubtful
    assert "AMBIGUOUS (SPANS)</title>" in doubtful


# The trade-off plane

def test_the_front_is_who_is_beaten_by_nobody():
    points = [(1, 9, "a"), (2, 5, "b"), (3, 5, "beaten by b"), (4, 1, "c"), (5, 8, "beaten by all"), (4, 1, "c's equal")]
    assert [name for _, _, name in pareto_front(points)] == ["a", "b", "c", "c's equal"]


def test_columns_that_differ_in_the_duration_only_say_so(factory):
    """And in no column is it named for nothing."""
    for variant in ("irq-ipi", "leak"):
        for options in ({"duration_s": 0.25}, {"duration_s": 0.15}, {"duration_s": 0.15, "vcpus": 2}):
            walks(factory, variant, 10, **options)
    table, _ = ruled(factory)
    assert sorted(heatmap._column_labels(table.settings).values()) == [
        "1 vCPU, no zaps, 0.15 s", "1 vCPU, no zaps, 0.25 s", "2 vCPUs, no zaps"]


def test_the_trade_off_takes_the_latency_of_walks_where_it_was_measured(factory):
    for variant, ns in (("irq-ipi", 10), ("hazard", 20)):
        walks(factory, variant, ns)
        walks(factory, variant, 3 * ns, walk_mode="latency")
        factory.cell({"retired_bytes_peak": PAGE, "deferred_bytes_mean": 7.0 * ns, "deferred_bytes_peak": PAGE}, variant=variant)
    run = load(factory.write())
    table = Table(run.results)
    [plot] = tradeoff.plots(Material(run, table, Verdicts(table)))
    [walk, held] = [plot.columns.index(name) for name in ("walk_ns_mean", "held_bytes_mean")]
    assert [(record[walk], record[held]) for record in plot.records] == [(30, 70), (60, 140)]
    assert "each walk depends on the one before" in plot.caption


def test_the_trade_off_takes_one_point_a_variant(factory):
    for variant, ns, pages in (("irq-ipi", 10, 1), ("hazard", 20, 64), ("rcu-counter", 15, 8), ("leak", 5, 2000), ("mutex", 40, 1)):
        walks(factory, variant, ns)
        factory.cell({"retired_bytes_peak": PAGE * pages * 2, "retired_bytes_mean": float(PAGE * pages)}, variant=variant)
    [plot] = tradeoff.plots(Material(None, *ruled(factory)))
    assert [(record[0], record[5], record[8], record[11]) for record in plot.records] == [
        ("irq-ipi", 10, PAGE, 1), ("leak", 5, 2000 * PAGE, 1), ("rcu-counter", 15, 8 * PAGE, 0),
        ("hazard", 20, 64 * PAGE, 0), ("mutex", 40, PAGE, 0)]
    svg, _ = canvas.draw(plot, ("html",))
    assert "<title>hazard: walk 20 ns [19.6, 20.4], retired mean 256 KiB [256, 256]</title>" in svg


def test_a_scheme_that_is_known_to_be_broken_is_no_contestant(factory):
    for variant, violations in (("irq-ipi", 0), ("leak", 0), ("no-fence", 7)):
        extra = {"negative_control": True} if variant == "no-fence" else {}
        factory.cell({"retired_bytes_peak": 4096.0, "violations": violations}, variant=variant, extra=extra)
    run = load(factory.write())
    table = Table(run.results)
    [setting] = table.settings
    assert [row.variant for row in Verdicts(table).contestants(setting)] == ["leak"]
    items = {item.label: item for item in trust_items(run, table)}
    assert items["Known to be broken"].value == "no-fence: 35 violations"
    assert items["Violations elsewhere"].value == "none"
