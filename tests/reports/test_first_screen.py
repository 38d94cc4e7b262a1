"""The first screen: what ran where, what limits it, the pictures with their reasons where there is none, and the table."""

import re

import pytest
from run_factory import HOST, PAGE, material_of, spread

from shadowwalk_report.claims import judge_claims
from shadowwalk_report.drawing import canvas
from shadowwalk_report.overview import overview_of
from shadowwalk_report.report import write_report
from shadowwalk_report.rows import Table
from shadowwalk_report.run_directory import load
from shadowwalk_report.topics import FIRST_SCREEN, Material
from shadowwalk_report.topics.zap_cost import cost_of
from shadowwalk_report.trust import trust_items
from shadowwalk_report.verdicts import Verdicts

HISTOGRAMS = {"prepare_zap_ns": [100, 300], "commit_zap_ns": [1000, 3000], "ipi_ns": [600, 1800]}


def quiet(factory, variant, cost, vcpus=(1, 2), **options):
    for count in vcpus:
        factory.cell({"walk_ns_mean": spread(5.0 + cost * count), "walks_per_second": spread(count * 1e8)}, variant=variant,
                     zappers=0, vcpus=count, **options)


def zapped(factory, variant, pages=0, histograms=None, **options):
    counters = {"retired_bytes_peak": 10 * PAGE, "retired_bytes_mean": 200.0, "deferred_bytes_peak": pages * PAGE,
                "deferred_bytes_mean": pages * 400.0, "zap_ns_p50": spread(9e3), "free_ns_p99": spread(4e4)}
    factory.cell(counters | options.pop("counters", {}), HISTOGRAMS | (histograms or {}), variant=variant, **options)


def material(factory):
    run = load(factory.write())
    table = Table(run.results)
    return Material(run, table, Verdicts(table), tuple(judge_claims(run, table)))


def overview(factory):
    of = material(factory)
    return overview_of(of, trust_items(of.run, of.table))


def pictures(factory):
    return {plot.name: plot for plot in FIRST_SCREEN.plots(material(factory))}


def not_drawn(factory):
    content = FIRST_SCREEN.content(material(factory))
    return " ".join(content.notes) if content else ""


def cells(sheet, scheme):
    return [cell.value for line in sheet.lines if line.head == scheme for cell in line.cells]


@pytest.fixture
def whole(factory):
    """A run that answers everything, with a sweep of the RCU interval up to the host's grace period."""
    factory.host = HOST
    for variant, cost, pages in (("leak", 0, 3), ("rcu-counter", 10, 2), ("irq-ipi", 1, 0)):
        quiet(factory, variant, cost)
        zapped(factory, variant, pages, counters={"grace_period_ns_p50": spread(1e5)} if variant == "rcu-counter" else {})
    for interval, pages, period in ((4_000_000, 20, 1e5), ("host", 50, 5.8e6)):
        zapped(factory, "rcu-counter", pages, {"deferred_free_ns": [100_000]}, rcu_interval_ns=interval,
               counters={"grace_period_ns_p50": spread(period)})
    return factory


def test_what_ran_where_and_what_limits_it(whole):
    found = overview(whole)
    assert found.where == "Test CPU, 2 CPUs, virtual machine, Linux 6.1.0, HZ 250, preemption voluntary"
    assert found.limits == ["2 CPUs", "few repetitions", "no negative control", "no PMU"]
    assert ("grace period", "5.8 ms") in found.floors


def test_a_floor_that_the_host_could_not_measure_is_named_with_the_reason(whole):
    whole.host = {**HOST, "floors": {"xchg_ns": 5.7}, "unavailable": {"line_transfer_ns": "only one <CPU>", "hz": "not told"}}
    found = overview(whole)
    assert found.floors == [("xchg", "5.7 ns")] and found.no_floors == ["line transfer (only one <CPU>)"]
    page = write_report(whole.write(), whole.directory / "report").read_text()
    assert "Floors of this host: xchg 5.7 ns; not measured: line transfer (only one &lt;CPU&gt;)." in page


def test_a_run_that_knows_nothing_of_its_host_names_what_results_say(factory):
    quiet(factory, "irq-ipi", 1, noisy={0: ["load"]})
    factory.plan()
    found = overview(factory)
    assert found.where == "Test CPU, 2 CPUs, Linux 6.1.0" and found.floors == []
    assert found.limits[:3] == ["2 CPUs", "5 results not run", "2 of 10 results noisy"]


def test_the_table_has_both_ends_of_the_read_side_and_the_memory_at_the_hosts_grace_period(whole):
    sheet = overview(whole).sheet
    assert [title for title, _ in sheet.columns] == ["read @1", "read @2", "held mean", "held peak", "free p99", "zap p50", "lock hold p99"]
    assert cells(sheet, "rcu-counter") == ["10 ns", "20 ns", "19.5 KiB", "200 KiB", "40 µs", "9 µs", "–"]
    assert cells(sheet, "irq-ipi")[:4] == ["1 ns", "2 ns", "0", "0"]
    assert cells(sheet, "leak")[:2] == ["0", "0"]


def test_pictures_are_three_and_each_draws_its_schemes(whole):
    drawn = pictures(whole)
    assert list(drawn) == ["first_walks", "first_memory", "first_zap"] and not_drawn(whole) == ""
    walks, memory, zap = (canvas.draw(plot, ("html",))[0] for plot in drawn.values())
    assert "ideal (leak at 1 vCPU)" in walks and "rcu-counter" in walks
    assert "this kernel: 5.8 ms" in memory and "RCU interval the host's grace period" in memory
    assert "IPI" in zap and "irq-ipi" in zap and "deferred" in zap


def test_memory_is_placed_by_the_expected_wait(whole):
    [axes] = [canvas.Figure().subplots()]
    pictures(whole)["first_memory"].panels[0].draw(axes)
    [line] = [line for line in axes.lines if line.get_label() == "_nolegend_" and len(line.get_xdata()) == 3][:1]
    assert list(line.get_xdata()) == pytest.approx([1e5, 2.1e6, 5.8e6])


def test_two_cpus_show_no_scaling_and_the_picture_says_so(whole):
    assert pictures(whole)["first_walks"].note == "2 CPUs: the cost beside a second vCPU, and no scaling."


def test_what_cannot_be_drawn_is_named_with_its_reason(factory):
    factory.cell({"walks_per_second": 1e6}, variant="irq-ipi")
    told = not_drawn(factory)
    for words in ("Walks per second: not drawn, as walks without zappers were not measured",
                  "Held memory over the grace period: not drawn, as no scheme ran at several RCU intervals",
                  "The cost of a zap: not drawn, as"):
        assert words in told, told
    assert pictures(factory) == {}


def test_a_kernel_whose_grace_period_is_unknown_is_not_marked(whole):
    whole.host = None
    plot = pictures(whole)["first_memory"]
    assert "not marked" in plot.note and "this kernel:" not in canvas.draw(plot, ("html",))[0]


def test_one_number_of_vcpus_is_one_column(factory):
    for variant in ("leak", "irq-ipi"):
        quiet(factory, variant, 3, vcpus=(4,))
    assert [title for title, _ in overview(factory).sheet.columns][:2] == ["read @4", "held mean"]


def test_of_many_schemes_those_of_the_mission_are_shown_and_the_others_named(factory):
    for place, variant in enumerate(("leak", "irq-ipi", "rcu-counter", "hazard", "a", "b", "c", "d", "e")):
        quiet(factory, variant, place)
    found = overview(factory)
    assert [line.head for line in found.sheet.lines] == ["leak", "rcu-counter", "irq-ipi", "hazard", "a", "b", "c", "d"]
    assert found.notes[-1] == "1 more scheme: e."


def test_the_walks_that_depend_on_each_other_come_first(factory):
    for variant, cost in (("leak", 0), ("irq-ipi", 2)):
        quiet(factory, variant, cost)
        quiet(factory, variant, 3 * cost, walk_mode="latency")
    assert cells(overview(factory).sheet, "irq-ipi")[:2] == ["6 ns", "12 ns"]


def test_a_zap_costs_its_parts_and_what_it_defers(factory):
    zapped(factory, "irq-ipi", 0, {"deferred_free_ns": [8000]})
    [row] = material_of(load(factory.write())).table.all_rows
    cost = cost_of(row)
    assert cost.parts == (200, 1200, 800) and cost.deferred == 4000 and cost.total.value == 2200 and cost.zaps == 10


def test_ipis_of_faults_do_not_exceed_the_commit(factory):
    zapped(factory, "irq-ipi", 0, {"ipi_ns": [9000] * 4})
    [row] = material_of(load(factory.write())).table.all_rows
    assert cost_of(row).parts == (200, 2000, 0)


def test_the_page_shows_what_is_wrong_and_folds_what_is_fine(whole):
    page = write_report(whole.write(), whole.directory / "report").read_text()
    strip = page[page.index('<section id="trust"'):page.index('<section id="answers"')]
    shown, folded = strip.split("<details>")
    assert "<b>PMU</b>" in shown and "<b>KVM</b>" not in shown and "<b>KVM</b>" in folded
    assert page.index('id="claim-memory"') < page.index('id="first_walks"') < page.index('<nav aria-label="Sections"')
    claim = page[page.index('id="claim-scaling"'):page.index("</summary>", page.index('id="claim-scaling"'))]
    assert len(re.findall(r'class="badge', claim)) == 1
