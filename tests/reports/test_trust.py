"""The trust strip: what it says of good runs and of doubtful ones."""

import pytest

from shadowwalk_report.rows import Table
from shadowwalk_report.run_directory import load
from shadowwalk_report.trust import trust_items

COUNTERS = {"walk_ns_mean": 20.0, "sections_preempted": 0, "violations": 0}


def strip(factory):
    run = load(factory.write())
    return {item.label: item for item in trust_items(run, Table(run.results))}


def test_a_clean_run(factory):
    factory.cell(COUNTERS)
    factory.cell({**COUNTERS, "violations": 3}, variant="unsafe")
    items = strip(factory)
    assert items["Order"].value == "interleaved, randomised (seed 7)" or "plan order" in items["Order"].value
    assert items["Results"].value == "10 of 10 measured" and items["Results"].level == "good"
    assert items["Negative control"].value == "unsafe caught in 5 of 5 results"
    assert items["Violations elsewhere"].level == "good"
    assert items["Clock"].value == "tsc 2400 MHz, invariant; a read costs 11.2 ns"
    assert items["PMU"].value == "unavailable: no PMU in this machine" and items["PMU"].level == "note"
    assert "Hosts" not in items


def test_few_repetitions_are_told_with_what_they_can_promise(factory):
    factory.cell(COUNTERS)
    assert "94% of cases" in strip(factory)["Repetitions"].value


def test_two_repetitions_are_too_few(factory):
    factory.repetitions = 2
    factory.cell(COUNTERS)
    item = strip(factory)["Repetitions"]
    assert item.level == "warn" and "too few for any verdict" in item.value


@pytest.mark.parametrize("order, words", [
    ([[0, 0], [1, 0], [0, 1], [1, 1]], "interleaved, in plan order"),
    ([[1, 0], [0, 0], [0, 1], [1, 1]], "interleaved, randomised"),
    ([[0, 0], [0, 1], [1, 0], [1, 1]], "not interleaved")])
def test_order(factory, order, words):
    factory.repetitions, factory.order = 2, order
    factory.cell(COUNTERS)
    factory.cell(COUNTERS, variant="hazard")
    assert words in strip(factory)["Order"].value


def test_left_out_missing_and_flagged_cells_are_counted(factory):
    factory.cell({**COUNTERS, "saturated": 1, "oversubscribed": 1, "sections_preempted": 2})
    failed, absent = factory.plan(variant="hazard"), factory.plan(variant="mutex")
    for repetition in range(5):
        factory.fail(failed, repetition, status="watchdog")
    items = strip(factory)
    assert items["Results"].value == "5 of 15 measured, left out: 5 watchdog, 5 not run"
    assert items["Results"].level == "warn" and absent == 2
    assert items["Saturated"].value.startswith("1 cell:")
    assert items["Oversubscribed"].value.startswith("1 cell:")
    assert items["Preempted sections"].value == "at most 10, in 5 of 5 results"


def test_a_control_that_was_not_caught_and_a_scheme_that_was(factory):
    factory.cell({**COUNTERS, "violations": [0, 1, 1, 1, 1]}, variant="unsafe")
    factory.cell({**COUNTERS, "violations": 2}, variant="hazard")
    items = strip(factory)
    assert items["Negative control"].value == "unsafe caught in 4 of 5 results"
    assert items["Negative control"].level == "warn"
    assert items["Violations elsewhere"].value == "10 by hazard" and items["Violations elsewhere"].level == "warn"


def test_several_hosts_and_debug_builds_are_warned_of(factory):
    factory.cell(COUNTERS, context={"host_id": "other", "shadowwalk_build": "debug"})
    factory.cell(COUNTERS, variant="hazard")
    items = strip(factory)
    assert items["Hosts"].level == "warn"
    assert items["Build"].level == "warn"


def test_a_host_of_two_regimes_is_warned_of_by_setting(factory):
    for placement, transfers in (("auto", [25.0, 31.0, 210.0, 330.0, 28.0]), ("smt", [11.0, 12.0, 11.0, 13.0, 12.0])):
        for variant in ("leak", "irq-ipi"):
            factory.cell({"walk_ns_mean": 9.0, "line_transfer_ns": transfers}, variant=variant, vcpus=2, zappers=0, placement=placement)
    item = strip(factory)["CPUs moved"]
    assert item.level == "warn" and item.value.startswith(
        "two regimes of the host in 1 setting, as a line takes 25 ns to 31 ns and as a line takes 210 ns to 330 ns: ")


def test_settings_with_other_cpus_are_no_regimes(factory):
    for placement, transfer in (("auto", 200.0), ("smt", 11.0)):
        factory.cell({"line_transfer_ns": [transfer + place for place in range(5)]}, vcpus=2, zappers=0, placement=placement)
    assert "CPUs moved" not in strip(factory)


def added_rounds(factory):
    """Two cells of 5 planned repetitions; two rounds for the one, then one for the other."""
    cells = [factory.cell(COUNTERS, variant=variant) for variant in ("irq-ipi", "hazard")]
    planned = [[cell, repetition] for repetition in range(5) for cell in reversed(cells)]
    factory.order = planned + [[cells[0], 5], [cells[0], 6], [cells[1], 5]]
    factory.rounds = [10, 11, 12]
    for cell, repetition in factory.order[10:]:
        factory.put(cell, repetition, factory.result(cell, repetition, COUNTERS))
    return strip(factory)


def test_rounds_that_were_added_for_precision_are_told_and_keep_the_order_interleaved(factory):
    items = added_rounds(factory)
    assert items["Repetitions"].value.startswith("6 to 7, of which 5 planned and the others added for precision")
    assert items["Order"].value.startswith("interleaved") and items["Results"].value == "13 of 13 measured"


@pytest.mark.parametrize("rounds", [3, "x", [-1], [1.5], [10**30], [12, 10], {"a": 1}])
def test_damaged_rounds_are_none(factory, rounds):
    factory.cell(COUNTERS)
    factory.rounds = rounds
    run = load(factory.write())
    assert run.rounds == () and run.planned == 5


def test_one_wild_transfer_does_not_hide_the_two_regimes(factory):
    factory.repetitions = 14
    transfers = [25.0 + place for place in range(7)] + [210.0 + 20 * place for place in range(6)] + [9000.0]
    factory.cell({"line_transfer_ns": transfers}, vcpus=2, zappers=0)
    assert "as a line takes 25 ns to 31 ns and as a line takes 210 ns to 9 µs" in strip(factory)["CPUs moved"].value
