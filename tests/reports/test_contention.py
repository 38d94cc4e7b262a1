"""Cacheline contention: estimates with known answers, counts where there are any, and neither dressed as the other."""

import pytest
from run_factory import material_of, pmu, spread

from shadowwalk_report.rows import Table
from shadowwalk_report.run_directory import load
from shadowwalk_report.statistics import quotient
from shadowwalk_report.topics import all_plots, contention, pmu as pmu_section
from shadowwalk_report.topics.contention import TRANSFERS, WAIT, contention_groups

EVENT = "l3_fills_from_other_core"


def groups_of(factory):
    return contention_groups(Table(load(factory.write()).results))


def quiet(factory, walk, vcpus=1, **options):
    counters = {"walk_ns_mean": walk} if walk else {}
    counters |= options.pop("counters", {})
    return factory.cell(counters, zappers=0, vcpus=vcpus, **options)


def found(group, quantity=WAIT, variant="irq-ipi", vcpus=2):
    [figure] = [f for f in group.figures
                if (f.quantity, f.row.variant, f.row.setting.vcpus) == (quantity, variant, vcpus)]
    return figure.found


def counted(factory, per_walk, vcpus, scope="walks", multiplexed=0.0, event=EVENT, events="contention", walk=9.0):
    quiet(factory, walk, vcpus, counters={f"{event}_per_walk": per_walk}, events=events,
          extra={"pmu": [pmu(event, scope=scope, multiplexed=multiplexed, set_=events)]})


def section_of(factory):
    run = load(factory.write())
    return contention.content(material_of(run))


def texts(sheet):
    return [[cell.value for cell in line.cells] for line in sheet.lines]


def test_the_wait_is_the_growth_of_a_walk_paired_by_repetition(factory):
    quiet(factory, [10.0, 20.0, 30.0, 40.0, 50.0])
    quiet(factory, [13.0, 24.0, 35.0, 46.0, 57.0], 2)
    [group] = groups_of(factory)
    wait = found(group)
    assert (wait.value, wait.low, wait.high, wait.count) == (5, 3, 7, 5)


def test_each_number_of_vcpus_is_set_against_one(factory):
    for vcpus, walk in ((1, 10.0), (2, 15.0), (4, 40.0)):
        quiet(factory, walk, vcpus)
    [group] = groups_of(factory)
    assert [found(group, vcpus=n).value for n in (2, 4)] == [5, 30]


def test_transfers_are_the_wait_over_the_cost_of_one(factory):
    quiet(factory, 10.0)
    quiet(factory, [30.0, 40.0, 50.0, 60.0, 70.0], 2, counters={"line_transfer_ns": [10.0, 20.0, 20.0, 20.0, 40.0]})
    transfers = found(groups_of(factory)[0], TRANSFERS)
    assert transfers.value == pytest.approx((20 * 30 * 40 * 50 * 60) ** 0.2 / (10 * 20 ** 3 * 40) ** 0.2)
    exactly = quotient([20.0, 30.0, 40.0, 50.0, 60.0], [20.0] * 5)
    assert transfers.low < exactly.low and transfers.high > exactly.high  # the cost of a transfer is in doubt, too


def test_past_two_vcpus_there_are_no_transfers_to_tell(factory):
    quiet(factory, 10.0)
    quiet(factory, 90.0, 4, counters={"line_transfer_ns": 20.0})
    [group] = groups_of(factory)
    assert [figure.quantity for figure in group.figures] == [WAIT]
    assert group.absent == {"past two vCPUs waiting grows with the queue, and transfers do not":
                            ["line_transfers_per_walk_est of irq-ipi at 4 vCPUs"]}


def test_cells_with_zappers_are_no_ground(factory):
    for vcpus in (1, 2):
        factory.cell({"walk_ns_mean": 10.0 * vcpus}, vcpus=vcpus, zappers=1)
    assert groups_of(factory) == [] and section_of(factory) is None


def test_one_vcpu_is_no_ground_and_that_is_told(factory):
    quiet(factory, 10.0)
    content = section_of(factory)
    assert content.sheets == [] and "no cell without zappers ran at 2 vCPUs or more" in content.notes[-1]


@pytest.mark.parametrize("build, reason", [
    (lambda f: quiet(f, 20.0, 2), "not measured at 1 vCPU"),
    (lambda f: (quiet(f, None, extra={"unavailable": {"walk_ns_mean": "bursts of 1"}}), quiet(f, 20.0, 2)),
     "bursts of 1"),
    (lambda f: (quiet(f, 10.0, placement="0,1"), quiet(f, 20.0, 2, placement="smt")), "not measured at 1 vCPU")])
def test_what_cannot_be_estimated_has_its_reason(factory, build, reason):
    build(factory)
    reasons = {why: what for group in groups_of(factory) for why, what in group.absent.items()}
    assert reasons == {reason: ["line_wait_ns_per_walk of irq-ipi at 2 vCPUs"]}
    content = section_of(factory)
    assert content.notes[-1] == f"No figure: {reason}."
    assert content.notes[-2] == "PMU: unavailable: no PMU in this machine."


def test_a_missing_transfer_cost_is_told_with_the_recorded_reason(factory):
    quiet(factory, 10.0)
    quiet(factory, 20.0, 2, extra={"unavailable": {"line_transfer_ns": "vCPUs are not pinned"}})
    [sheet] = section_of(factory).sheets
    assert "line_transfers_per_walk_est of irq-ipi at 2 vCPUs: vCPUs are not pinned" in sheet.remark


def test_counts_replace_the_estimate_and_are_named_by_event_and_scope(factory):
    for vcpus, per_walk in ((1, 0.01), (2, 0.8)):
        quiet(factory, 10.0 * vcpus, vcpus, counters={"line_transfer_ns": 20.0})
        counted(factory, per_walk, vcpus)
    [group] = groups_of(factory)
    assert {figure.quantity.source for figure in group.figures} == {"PMU, walks alone"}
    content = section_of(factory)
    [sheet] = content.sheets
    assert [title for title, _ in sheet.columns] == [f"{EVENT} (PMU, walks alone)"]
    assert texts(sheet) == [["0.01"], ["0.8"]]
    assert "estimate" not in sheet.columns[0][0] and "PMU: unavailable" not in " ".join(content.notes)


def test_a_variant_without_counts_keeps_its_estimate_in_a_column_of_its_own(factory):
    for vcpus in (1, 2):
        counted(factory, 0.8, vcpus)
        quiet(factory, 10.0 * vcpus, vcpus, variant="hazard")
    [sheet] = section_of(factory).sheets
    assert [title for title, _ in sheet.columns] == [f"{EVENT} (PMU, walks alone)", "line_wait_ns_per_walk (estimate)"]
    assert [(line.head, *line.notes, *(cell.value for cell in line.cells)) for line in sheet.lines] == [
        ("irq-ipi", "1 vCPU", "0.8", "–"), ("irq-ipi", "2 vCPUs", "0.8", "–"), ("hazard", "2 vCPUs", "–", "10 ns")]


def test_whole_threads_are_said_to_bound_and_multiplexing_is_flagged(factory):
    counted(factory, 0.8, 2, scope="thread", multiplexed=0.4)
    [sheet] = section_of(factory).sheets
    assert sheet.columns[0][0] == f"{EVENT} (PMU, whole thread: an upper bound)"
    [[cell]] = [line.cells for line in sheet.lines]
    assert cell.verdict == "doubtful" and "up to 40% of the time" in cell.hint


def test_counts_of_other_roles_are_not_those_of_walks(factory):
    quiet(factory, 9.0, 2, counters={f"{EVENT}_per_walk": 0.8}, events="contention", extra={
        "pmu": [pmu(EVENT), pmu(EVENT, role="reclaimers", scope="thread", multiplexed=0.9)]})
    [group] = groups_of(factory)
    assert [(figure.quantity.source, figure.multiplexed) for figure in group.figures] == [("PMU, walks alone", 0)]


def test_events_of_another_set_are_no_contention(factory):
    for vcpus in (1, 2):
        counted(factory, 50.0, vcpus, event="instructions", events="default", walk=10.0 * vcpus)
    [sheet] = section_of(factory).sheets
    assert [title for title, _ in sheet.columns] == ["line_wait_ns_per_walk (estimate)"]
    assert texts(sheet) == [["10 ns"]]


def test_only_events_of_the_set_are_taken_for_contention(factory):
    quiet(factory, 9.0, 2, counters={f"{EVENT}_per_walk": 0.8, "tsc_per_walk": 40.0, "fills_per_walk": 2.0},
          events="contention,cache,tsc", extra={"pmu": [pmu(EVENT), pmu("tsc", set_=""), pmu("fills", set_="cache")]})
    assert [figure.quantity.name for group in groups_of(factory) for figure in group.figures] == [EVENT]


def test_events_that_could_not_be_opened_leave_the_estimate(factory):
    for vcpus in (1, 2):
        quiet(factory, 10.0 * vcpus, vcpus, events="contention",
              extra={"unavailable": {EVENT: "no PMU"}, "events_refused": [EVENT]})
    content = section_of(factory)
    assert texts(content.sheets[0]) == [["10 ns"]]
    assert "PMU: unavailable: no PMU in this machine." in content.notes


def test_an_estimate_shows_its_doubt(factory):
    quiet(factory, spread(10.0, share=0.1))
    quiet(factory, list(reversed(spread(10.2, share=0.1))), 2)
    quiet(factory, 30.0, 4, counters={"oversubscribed": 1})
    quiet(factory, 30.0, 8, noisy={3: ["other load"]})
    [sheet] = section_of(factory).sheets
    none, crowded, noisy = (line.cells[0] for line in sheet.lines)
    assert noisy.hint == "noisy results are in it (1 of 5 of irq-ipi)" and noisy.verdict == "doubtful"
    assert none.interval and "the interval includes 0" in none.hint
    assert "oversubscribed" in crowded.hint and crowded.verdict == "doubtful"


def test_one_repetition_says_that_it_has_no_interval(factory):
    factory.repetitions = 1
    quiet(factory, 10.0)
    quiet(factory, 20.0, 2)
    assert section_of(factory).sheets[0].lines[0].cells[0].interval == "no interval: 1 repetition"


def test_figure_and_csv_name_the_source(factory):
    for vcpus, walk in ((1, 10.0), (2, 15.0)):
        quiet(factory, walk, vcpus, counters={"line_transfer_ns": 20.0})
        counted(factory, 0.1 * vcpus, vcpus, walk=walk)
        quiet(factory, walk, vcpus, variant="hazard", counters={"line_transfer_ns": 20.0})
    [plot] = [plot for plot in all_plots(material_of(load(factory.write()))) if plot.kind == "contention"]
    assert [panel.title for panel in plot.panels] == [
        f"{EVENT} per walk (PMU, walks alone)", "estimate: wait per walk, against 1 vCPU",
        "estimate: line transfers per walk"]
    columns = [plot.columns.index(name) for name in ("variant", "vcpus", "quantity", "source", "value")]
    assert [tuple(record[place] for place in columns) for record in plot.records] == [
        ("irq-ipi", 1, EVENT, "PMU, walks alone", 0.1), ("irq-ipi", 2, EVENT, "PMU, walks alone", 0.2),
        ("hazard", 2, "line_wait_ns_per_walk", "estimate", 5),
        ("hazard", 2, "line_transfers_per_walk_est", "estimate", 0.25)]


# The table of PMU counts

def pmu_of(factory):
    run = load(factory.write())
    return pmu_section.content(material_of(run))


def test_counts_are_told_by_role_and_event(factory):
    factory.cell({"cycles_per_walk": 40.0, "cycles_per_zap": 9e3}, events="default", extra={"pmu": [
        pmu("cycles", count=4e9), pmu("cycles", role="zappers", scope="zaps", count=9e6, multiplexed=0.5),
        {**pmu("task-clock", role="reclaimers", scope="thread", count=7e6), "unit": "ns"}]})
    [sheet] = pmu_of(factory).sheets
    assert [[cell.value for cell in line.cells] for line in sheet.lines] == [
        ["walkers", "cycles", "40 per walk", "walks alone", "4 G", "0.0%", "2 s / 2 s"],
        ["zappers", "cycles", "9 k per zap", "zaps alone", "9 M", "50.0%", "2 s / 1 s"],
        ["reclaimers", "task-clock", "–", "whole thread", "7 M ns", "0.0%", "2 s / 2 s"]]
    assert [(line.cells[5].verdict, line.cells[5].hint) for line in sheet.lines] == [
        ("", ""), ("doubtful", "extrapolated"), ("", "")]
    assert sheet.lines[0].cells[1].more == ("test_pmu::EVENT:u",)


def test_threads_that_never_ran_have_no_line(factory):
    idle = {**pmu("cycles", role="reclaimers", scope="thread", count=0), "enabled_ns": 0, "running_ns": 0}
    factory.cell({"cycles_per_walk": 40.0}, events="default", extra={"pmu": [pmu("cycles"), idle]})
    [sheet] = pmu_of(factory).sheets
    assert [line.cells[0].value for line in sheet.lines] == ["walkers"]


def test_the_worst_repetition_tells_how_much_was_multiplexed(factory):
    cell = factory.plan(events="contention", zappers=0)
    for repetition in range(5):
        factory.put(cell, repetition, factory.result(cell, repetition, {f"{EVENT}_per_walk": 1.0},
                                                     pmu=[pmu(EVENT, multiplexed=repetition / 10)]))
    [sheet] = pmu_of(factory).sheets
    assert sheet.lines[0].cells[5].value == "40.0%"
    assert groups_of(factory)[0].figures[0].multiplexed == 0.4


def test_events_that_were_not_counted_have_their_reason_once(factory):
    for variant in ("irq-ipi", "hazard"):
        factory.cell({"walk_ns_mean": 9.0}, variant=variant, events="contention", extra={
            "unavailable": {"ls_locks": "no PMU", "free_ns_p99": "no page was freed", "saturated": "no zappers",
                            "cycles": "no PMU", "ls_locks_per_walk": "no walk", "kvm_stats": "a thread guest"},
            "events_refused": ["ls_locks", "cycles"]})
    content = pmu_of(factory)
    assert content.sheets == [] and content.notes == ["No event was counted.",
                                                      "Not counted: ls_locks and cycles: no PMU."]


def test_without_events_there_is_no_such_table(factory):
    factory.cell({"walk_ns_mean": 9.0}, extra={"unavailable": {"fault_ns_p50": "no fault in the window"}})
    assert pmu_of(factory) is None


def test_the_first_setting_is_in_the_open(factory):
    for vcpus in (1, 2, 4):
        counted(factory, 1.0, vcpus)
    content = pmu_of(factory)
    assert len(content.sheets) == 1
    [fold] = content.details
    assert fold.summary == "Counts in 2 more settings" and len(fold.sheets) == 2
