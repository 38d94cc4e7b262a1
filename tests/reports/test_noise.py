"""Noisy results: in every figure and raw table, in no verdict, and told of."""

import dataclasses

import pytest
from claim_factory import LARGE_HOST, both, memory_run, quiet_run, verdicts, zapped
from run_factory import PAGE, material_of, spread, without_issue_three

from shadowwalk_report.answers import answers
from shadowwalk_report.claims.claim import Outcome
from shadowwalk_report.report import main
from shadowwalk_report.rows import Table
from shadowwalk_report.run_directory import load
from shadowwalk_report.statistics import Reason, Verdict
from shadowwalk_report.summary import summary_groups
from shadowwalk_report.topics import all_plots
from shadowwalk_report.trust import trust_items
from shadowwalk_report.verdicts import FREE, WALKS

LOAD = ["other processes took 0.4 of 2 CPUs"]
FIRST_THREE = {repetition: LOAD for repetition in range(3)}
ALL = {repetition: LOAD for repetition in range(5)}


def table_of(factory):
    return Table(load(factory.write()).results)


def strip(factory):
    run = load(factory.write())
    return {item.label: item for item in trust_items(run, Table(run.results))}


def versus(factory, variant):
    material = material_of(load(factory.write()))
    [section] = summary_groups(material.table, material.verdicts)[0].sheets
    [line] = [line for line in section.lines if line.head == variant]
    return dict(zip((title for title, _ in section.columns), line.cells))


def test_values_keep_noisy_results_and_verdicts_can_do_without(factory):
    factory.cell({"walk_ns_mean": [1.0, 2.0, 3.0, 4.0, 5.0]}, noisy={1: LOAD, 4: LOAD})
    [row] = table_of(factory).all_rows
    assert row.values("walk_ns_mean") == {0: 1, 1: 2, 2: 3, 3: 4, 4: 5}
    assert row.values("walk_ns_mean", without_noise=True) == {0: 1, 2: 3, 3: 4}
    assert (row.estimate("walk_ns_mean").count, row.estimate("walk_ns_mean", without_noise=True).count) == (5, 3)
    assert row.noise_words == "2 of 5 of irq-ipi"


def test_one_wild_noisy_repetition_leaves_the_verdict_alone(factory):
    factory.cell({"walks_per_second": 1e6})
    factory.cell({"walks_per_second": [2e6, 2e6, 5e5, 2e6, 2e6]}, variant="hazard")
    assert versus(factory, "hazard")["walks vs irq-ipi"].verdict == "ambiguous"
    factory.cells.clear()
    factory.cell({"walks_per_second": 1e6})
    factory.cell({"walks_per_second": [2e6, 2e6, 5e5, 2e6, 2e6]}, variant="hazard", noisy={2: LOAD})
    cells = versus(factory, "hazard")
    assert cells["walks vs irq-ipi"].verdict == "faster"
    assert cells["walks"].interval == "[0.5, 2]"  # the figure keeps it


def test_too_few_quiet_repetitions_are_said_to_be_so_for_noise(factory):
    factory.cell({"walks_per_second": 1e6})
    factory.cell({"walks_per_second": 2e6}, variant="hazard", noisy=FIRST_THREE)
    cell = versus(factory, "hazard")["walks vs irq-ipi"]
    assert (cell.value, cell.verdict, cell.more) == ("2x", "doubtful", ("noisy",))
    assert cell.hint == f"no verdict: {Reason.TOO_FEW.value}, as noisy results are excluded (3 of 5 of hazard); with noisy results FASTER"


def test_a_baseline_that_is_all_noise_gives_no_verdict(factory):
    factory.cell({"walks_per_second": 1e6}, noisy=ALL)
    factory.cell({"walks_per_second": 2e6}, variant="hazard")
    cell = versus(factory, "hazard")["walks vs irq-ipi"]
    assert (cell.value, cell.verdict) == ("2x", "doubtful")
    assert cell.hint.endswith("noisy results are excluded (5 of 5 of irq-ipi); with noisy results FASTER")


@pytest.mark.parametrize("values, noisy, verdict, others", [
    ([2e6, 2e6, 2e6, 2e6, 2e5], {4: LOAD}, "FASTER", "AMBIGUOUS"), ([1e6, 1.001e6, 1e6, 1.001e6, 9e6], {4: LOAD}, "SAME", "AMBIGUOUS"),
    ([2e6, 2e6, 2e6, 2e6, 2.01e6], {4: LOAD}, "FASTER", None), ([2e6, 2e6, 2e6, 2e6, 2e5], None, "AMBIGUOUS", None)])
def test_a_verdict_that_noise_decides_is_flagged(factory, values, noisy, verdict, others):
    factory.cell({"walks_per_second": [1e6, 1.001e6, 1e6, 0.999e6, 1e6]})
    factory.cell({"walks_per_second": values}, variant="hazard", noisy=noisy)
    material = material_of(load(factory.write()))
    [row] = [row for row in material.table.all_rows if row.variant == "hazard"]
    ruling = material.verdicts.ruling(WALKS, row)
    assert (ruling.verdict.value, ruling.differs_with_noisy) == (verdict, others is not None)
    if others:
        assert ruling.with_noisy.value == others and ruling.reason == f"with noisy results {others}"
        assert ruling.code == "DIFFERS_WITH_NOISY"


def test_a_tool_that_looked_in_is_not_noise(factory):
    cell = factory.cell({"walks_per_second": 2e6}, variant="hazard")
    factory.cell({"walks_per_second": 1e6})
    factory.put(cell, 2, factory.result(cell, 2, {"walks_per_second": 5e5}, perturbed=TOOL))
    material = material_of(load(factory.write()))
    [row] = [row for row in material.table.all_rows if row.variant == "hazard"]
    assert material.verdicts.ruling(WALKS, row).with_noisy is None and 2 not in row.values_with_noisy("walks_per_second")


def test_reasons_that_noise_did_not_decide_do_not_mention_it(factory):
    factory.cell({"walks_per_second": spread(1e6, share=0.2)})
    factory.cell({"walks_per_second": 1e6}, variant="hazard", noisy={0: LOAD})
    assert versus(factory, "hazard")["walks vs irq-ipi"].hint == f"AMBIGUOUS: {Reason.SPANS.value}"


def test_memory_is_judged_by_the_quiet_repetitions(factory, judge):
    rcu = zapped([PAGE * 90, PAGE * 9, PAGE * 9, PAGE * 9, PAGE * 9])
    memory_run(factory, rcu)
    assert verdicts(judge(factory)[0]) == both(Outcome.AMBIGUOUS)
    factory.cells.clear()
    factory.cell(rcu, variant="rcu-counter", noisy={0: LOAD})
    for variant in ("irq-ipi", "irq-ipi-2012"):
        factory.cell(zapped(), variant=variant)
    claim, _ = judge(factory)
    assert verdicts(claim) == both(Outcome.BORNE_OUT)
    assert "rcu-counter defers 36 KiB [36, 36] at its peak" in claim.sentence


def test_claims_tell_noisy_figures_where_there_are_no_others(factory, judge):
    factory.cell(zapped(9), variant="rcu-counter", noisy=ALL)
    factory.cell(zapped(9), variant="irq-ipi", noisy=FIRST_THREE)
    for vcpus in (1, 2):
        for variant, cost in (("leak", 4.0), ("rcu-counter", 14.0 * vcpus), ("irq-ipi", 13.0)):
            factory.cell({"walk_ns_mean": cost}, variant=variant, zappers=0, vcpus=vcpus,
                         noisy=ALL if vcpus == 2 else None)
    memory, scaling = judge(factory)
    assert "rcu-counter defers 36 KiB [36, 40] (noisy) at its peak" in memory.sentence
    assert "irq-ipi defers 38 KiB [36, 40] at its peak" in memory.sentence
    assert "rcu-counter 10 ns [10, 10] to 24 ns [24, 24] (noisy)" in scaling.sentence


@pytest.mark.parametrize("noisy", [FIRST_THREE, ALL])
def test_memory_without_enough_quiet_repetitions_says_why(factory, judge, noisy):
    factory.cell(zapped(9), variant="rcu-counter", noisy=noisy)
    for variant in ("irq-ipi", "irq-ipi-2012"):
        factory.cell(zapped(), variant=variant)
    claim, _ = judge(factory)
    assert verdicts(claim) == both(Outcome.AMBIGUOUS)
    assert f"noisy results are excluded ({len(noisy)} of 5 of rcu-counter)" in claim.sentence


@pytest.mark.parametrize("noisy", [FIRST_THREE, ALL])
def test_scaling_without_enough_quiet_repetitions_says_why(factory, judge, noisy):
    for vcpus in (1, 2):
        for variant, cost in (("leak", 4), ("rcu-counter", 14 * vcpus), ("irq-ipi", 13)):
            factory.cell({"walk_ns_mean": cost}, variant=variant, zappers=0, vcpus=vcpus, context=LARGE_HOST,
                         noisy=noisy if variant == "leak" and vcpus == 1 else None)
    _, claim = judge(factory)
    assert verdicts(claim)["irq-ipi"] is Outcome.AMBIGUOUS
    assert f"noisy results are excluded ({len(noisy)} of 5 of leak)" in claim.sentence


def test_scaling_is_judged_by_the_quiet_repetitions(factory, judge):
    quiet_run(factory, {"rcu-counter": (14, 40), "irq-ipi": (9, 9), "irq-ipi-2012": (50, 50)})
    wild = factory.cells[5]["id"]  # rcu-counter's neighbour at 2 vCPUs
    assert (factory.cells[wild]["options"]["vcpus"], factory.cells[wild]["options"]["variant"]) == (2, "rcu-counter")
    before = verdicts(judge(factory)[1])
    factory.put(wild, 0, factory.result(wild, 0, {"walk_ns_mean": 4.0}))
    assert verdicts(judge(factory)[1]) != before
    factory.put(wild, 0, factory.result(wild, 0, {"walk_ns_mean": 4.0}, flags=["noisy"]))
    assert verdicts(judge(factory)[1]) == before


def test_a_run_of_noise_alone_says_so_everywhere(factory, judge):
    for variant in ("rcu-counter", "irq-ipi", "irq-ipi-2012"):
        factory.cell(zapped(9 if variant == "rcu-counter" else 0, zap_ns_p99=9e4), variant=variant, noisy=ALL)
    quiet_run(factory, {"rcu-counter": (14, 40), "irq-ipi": (9, 9), "irq-ipi-2012": (50, 50)}, noisy=ALL, context={"num_cpus": 2})
    memory, scaling = judge(factory)
    assert memory.line == "too few quiet repetitions (noisy: 5 of 5 of rcu-counter)" and memory.differs_with_noisy
    assert scaling.line.endswith(" ns (noisy); scaling needs >= 4 CPUs") and "(noisy)" in scaling.remarks[0]
    material = material_of(load(factory.write()))
    for answer in answers(material.table, material.verdicts):
        if answer.question.name in ("walk", "retired", "zap"):
            assert "as noisy results are excluded (5 of 5 of" in answer.sentence and "(noisy)" in answer.sentence


def test_zaps_that_fell_short_in_a_noisy_repetition_do_not_saturate_the_others(factory, judge):
    falls_short = [0, 0, 1, 0, 0]
    for variant in ("rcu-counter", "irq-ipi", "irq-ipi-2012"):
        factory.cell(zapped(9 if variant == "rcu-counter" else 0, free_ns_p99=spread(8e4 if variant == "rcu-counter" else 1e4),
                            saturated=falls_short), variant=variant, noisy={2: LOAD})
    memory, _ = judge(factory)
    assert verdicts(memory) == both(Outcome.BORNE_OUT)
    material = material_of(load(factory.write()))
    [row] = [row for row in material.table.all_rows if row.variant == "rcu-counter"]
    assert material.verdicts.ruling(FREE, row).verdict is Verdict.SLOWER
    assert row.has_flag("saturated")  # the page tells it


def test_zaps_that_fell_short_in_a_quiet_repetition_do(factory, judge):
    for variant in ("rcu-counter", "irq-ipi", "irq-ipi-2012"):
        factory.cell(zapped(9 if variant == "rcu-counter" else 0, saturated=[0, 0, 1, 0, 0]), variant=variant, noisy={3: LOAD})
    assert "saturated: zaps fell short" in judge(factory)[0].sentence


def test_preempted_alone_is_no_noise(factory):
    factory.cell({"walks_per_second": 1e6, "sections_preempted": 4}, extra={"flags": ["preempted"]})
    [row] = table_of(factory).all_rows
    assert row.noise_words == "" and len(row.values("walks_per_second", without_noise=True)) == 5
    assert strip(factory)["Noisy"].value == "no result"


def test_figures_keep_noisy_results(factory):
    factory.cell({"walks_per_second": [1e6, 2e6, 3e6, 4e6, 5e6]}, zappers=0, noisy=ALL)
    [plot] = all_plots(material_of(load(factory.write())))
    assert plot.records[0][plot.columns.index("walks_per_second")] == 3e6


def test_the_strip_counts_noisy_results_and_their_reasons(factory):
    factory.cell({}, noisy={0: LOAD, 1: ["other processes took 0.9 of 2 CPUs"], 2: LOAD + ["steal: 20 ms"]})
    item = strip(factory)["Noisy"]
    assert item.value == ("3 of 5 results, shown but excluded from verdicts: 3 x like other processes took 0.4 of 2 "
                          "CPUs; 1 x steal: 20 ms")
    assert item.level == "warn"


def test_a_little_noise_is_a_note(factory):
    factory.cell({}, noisy={0: []})
    item = strip(factory)["Noisy"]
    assert strip(factory)["Other load"].level == "note"
    assert (item.level, item.value.rsplit(": ")[1]) == ("note", "1 x no reason recorded")


def test_the_strip_tells_what_else_the_host_did(factory):
    cell = factory.plan()
    for repetition in range(5):
        data = factory.result(cell, repetition, {})
        data["benchmarks"][0]["shadowwalk"]["noise"] |= {
            "steal_ns": 10_000_000 * (repetition > 2), "other_load_cpus": 0.1 * repetition,
            "core_speed_change": 1 + repetition / 100}
        factory.put(cell, repetition, data)
    items = strip(factory)
    assert items["Other load"].value == "0.2 CPUs, at most 0.4"
    assert items["Steal"].value == "20 ms in 2 of 5 results, at most 10 ms in one" and items["Steal"].level == "note"
    assert items["Core speed"].value == "1.000x to 1.040x over a window, median 1.020x"
    assert items["Other load"].level == items["Core speed"].level == "good"


def test_older_results_have_no_noise_to_tell(factory):
    cell = factory.cell({"walks_per_second": 1e6})
    for repetition in range(5):
        factory.put(cell, repetition, without_issue_three(factory.result(cell, repetition, {"walks_per_second": 1e6})))
    items = strip(factory)
    assert items["Noisy"].value == "no result" and items["Steal"].value == "none"
    assert items["Other load"].value == items["Core speed"].value == "not recorded"


TOOL = "perf record (attach --what cpu)"


def perturbed_run(factory):
    """hazard is twice as fast, but for one repetition, in which a tool looked in."""
    factory.cell({"walks_per_second": 1e6})
    cell = factory.cell({"walks_per_second": 2e6}, variant="hazard")
    factory.put(cell, 2, factory.result(cell, 2, {"walks_per_second": 5e5}, perturbed=TOOL))
    return factory


def test_a_perturbed_result_is_in_no_verdict_and_its_tool_is_named(factory):
    cells = versus(perturbed_run(factory), "hazard")
    assert cells["walks vs irq-ipi"].verdict == "faster"
    assert cells["walks"].interval == "[0.5, 2]"  # the figure keeps it
    item = strip(factory)["Perturbed"]
    assert item.value == ("1 of 10 results, shown but excluded from verdicts; --with-perturbed includes them: "
                          f"1 x {TOOL}")
    assert strip(factory)["Noisy"].value == "no result"


def test_without_onlookers_the_strip_does_not_mention_them(factory):
    factory.cell({"walks_per_second": 1e6})
    assert "Perturbed" not in strip(factory)


def test_perturbed_results_are_trusted_for_those_who_ask(factory, tmp_path):
    directory = perturbed_run(factory).write()

    def verdict(*options):
        assert main([str(directory), "--out", str(tmp_path / "report"), "--format", "html,json", *options]) == 0
        page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
        assert TOOL in page
        return "excluded from verdicts; --with-perturbed" in page, "included in verdicts by --with-perturbed" in page
    assert verdict() == (True, False)
    assert verdict("--with-perturbed") == (False, True)
    trusted = [dataclasses.replace(result, is_perturbed_trusted=True) for result in load(directory).results]
    [row] = [row for row in Table(trusted).all_rows if row.variant == "hazard"]
    assert len(row.values("walks_per_second", without_noise=True)) == 5


def test_emulated_results_are_in_no_verdict(factory):
    for variant in ("irq-ipi", "hazard"):
        factory.cell({"violations": 0, "walks_per_second": 1e6}, variant=variant, machine="kernel-vm",
                     extra={"flags": ["emulated"]})
    results = load(factory.write()).results
    assert len(results) == 10 and all(result.is_left_out and not result.is_noisy for result in results)
    assert {result.setting.machine for result in results} == {"kernel-vm"}
