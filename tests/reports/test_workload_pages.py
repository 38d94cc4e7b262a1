"""Each workload's own page within the page: what is on it, what is not, and the ways that lead there."""

import re

import pytest
from run_factory import PAGE

from shadowwalk_report.drawing.plot import workload_anchors
from shadowwalk_report.report import write_report
from shadowwalk_report.rows import Table
from shadowwalk_report.run_directory import load
from shadowwalk_report.statistics import Verdict
from shadowwalk_report.verdicts import QUESTIONS, RETIRED, WALK, Verdicts
from shadowwalk_report.workloads import tally_words, workload_pages

HISTOGRAMS = {"free_ns": [100, 200], "zap_ns": [1000, 2000]}


def zapped(walk):
    return {"walks_per_second": 1e8, "walk_ns_mean": walk, "retired_bytes_peak": PAGE, "free_ns_p99": 9e3, "zap_ns_p99": 2e4}


@pytest.fixture
def run(factory):
    """Two workloads; irq-ipi is the baseline. leak walks in half the time in one of them and in twice the time in the other."""
    for workload, walk in (("mmio-poll", 5.0), ("demand-fault", 20.0)):
        for variant in ("irq-ipi", "leak"):
            for guest in ("thread", "kvm"):
                cost = 10.0 if variant == "irq-ipi" else walk
                factory.cell(zapped([cost * (1 + 0.001 * i) for i in range(5)]), HISTOGRAMS, [PAGE], variant=variant,
                             workload=workload, guest=guest)
        factory.cell({"walk_ns_mean": 10.0}, variant="irq-ipi", workload=workload, zappers=0)
    factory.cell({"walk_ns_mean": [5.0 + 0.01 * i for i in range(5)]}, variant="leak", zappers=0)
    return factory


def pages_of(factory):
    loaded = load(factory.write())
    table = Table(loaded.results)
    return {page.workload: page for page in workload_pages(loaded, table, Verdicts(table), [], [])}


def section(page, anchor):
    """The markup of one workload's page."""
    begin = page.index(f'<section id="{anchor}"')
    following = [found.start() for found in re.finditer(r'<section id="(workload-[a-z-]+|left-out)" (?:class="workload")?', page)
                 if found.start() > begin] + [page.index('<section id="left-out"')]
    return page[begin:min(following)]


def test_verdicts_are_those_of_the_workload(run):
    pages = pages_of(run)
    assert list(pages) == ["mmio-poll", "demand-fault"]
    [thread] = [place for place in pages["mmio-poll"].places if place.where == "thread guest"]
    walk = next(answer for answer in thread.answers if answer.question is WALK)
    assert walk.clauses[0].words.startswith("leak walks 1.9") and walk.setting.workload == "mmio-poll"
    [kvm] = [place for place in pages["mmio-poll"].places if place.where == "KVM guest"]
    assert {answer.setting.guest for answer in kvm.answers} == {"kvm"} and WALK.title in kvm.untested
    for place in pages["demand-fault"].places:
        assert {answer.setting.workload for answer in place.answers} == {"demand-fault"}


def test_the_index_counts_verdicts(run):
    places = {(name, place.where): dict(zip(QUESTIONS, place.tallies)) for name, page in pages_of(run).items() for place in page.places}
    assert places["mmio-poll", "thread guest"][WALK] == {Verdict.FASTER: 1}
    assert places["mmio-poll", "KVM guest"][WALK] == {}
    assert places["demand-fault", "KVM guest"][RETIRED] == {Verdict.AMBIGUOUS: 1}  # one page each: a step too coarse for more
    assert tally_words(RETIRED, {Verdict.FASTER: 2, Verdict.SAME: 1}) == "2 less and 1 same" and tally_words(WALK, {}) == ""


def test_a_page_holds_its_workload_and_no_other(run):
    page = write_report(run.write(), run.directory / "report").read_text()
    poll, fault = section(page, "workload-mmio-poll"), section(page, "workload-demand-fault")
    for own, other, text in (("mmio-poll", "demand-fault", poll), ("demand-fault", "mmio-poll", fault)):
        assert f'<figure id="throughput-{own}-thread">' in text and f'<figure id="retired-{own}-kvm">' in text
        assert f'<figure id="latency-{own}' in text
        assert other not in text
    assert page.count("<figure id=") == len(set(re.findall(r'<figure id="([^"]*)"', page)))


def test_every_cell_is_on_one_page_and_leads_to_its_command(run):
    page = write_report(run.write(), run.directory / "report").read_text()
    for cell, planned in enumerate(run.cells):
        text = section(page, f"workload-{planned['options']['workload']}")
        assert text.count(f'href="#cell-{cell}"') == 1 and page.count(f'<tr id="cell-{cell}"') == 1
    assert page.count('href="#cell-') == len(run.cells)


def test_the_heat_map_and_the_head_lead_to_every_page(run):
    page = write_report(run.write(), run.directory / "report").read_text()
    overview = section(page, "heatmap")
    for anchor in ("workload-mmio-poll", "workload-demand-fault"):
        assert f'href="#{anchor}"' in page[:page.index('id="trust"')]
        assert re.search(rf'<a xlink:href="#{anchor}"', overview)
    assert 'role="group"' in overview and 'role="img"' not in overview, "links within an image could not be reached"


def test_what_was_left_out_is_told_on_its_page(run):
    failed = run.plan(variant="hazard", workload="demand-fault")
    run.fail(failed, 0)
    run.fail(failed, 1)
    pages = pages_of(run)
    assert pages["demand-fault"].left_out == ["2 results failed or were refused", "3 results are missing"]
    assert pages["mmio-poll"].left_out == []


def test_a_page_says_what_its_workload_stands_for(factory):
    factory.cell(zapped(5.0), variant="leak", workload="mmio-poll", extra={"workload_summary": "a guest <polls> a device"})
    factory.cell(zapped(5.0), variant="leak", workload="demand-fault")
    pages = pages_of(factory)
    assert pages["mmio-poll"].summary == "a guest <polls> a device" and pages["demand-fault"].summary == ""
    write_report(factory.directory, factory.directory / "report")
    page = (factory.directory / "report" / "index.html").read_text()
    assert "<p>a guest &lt;polls&gt; a device</p>" in section(page, "workload-mmio-poll")


def test_anchors_are_safe_and_no_two_alike():
    names = ["a b", "a/b", "A-b", '"><script>', "日本語", "", "x" * 500]
    anchors = workload_anchors(names)
    assert len({anchor.lower() for anchor in anchors.values()}) == len(names)
    assert all(re.fullmatch(r"workload-[A-Za-z0-9-]+", anchor) and len(anchor) < 60 for anchor in anchors.values())
