"""What workloads are about: shrinks, stalled walkers, rounds of dirty logging and other events have their places."""

import pytest
from run_factory import material_of

from shadowwalk_report.report import write_report
from shadowwalk_report.run_directory import load
from shadowwalk_report.topics import all_plots, dirty_log, shrinker, stalled_walker, workload_events

ALL = (shrinker, stalled_walker, dirty_log, workload_events)
IDS = ("shrinker", "stalled_walker", "dirty_log", "workload_events")


def cells_of(sheet, line):
    return dict(zip((title for title, _ in sheet.columns), line.cells))


def add_shrink(factory, variant, p50, **options):
    counters = {"shrinks_total": 20, "shrinks_unfinished_total": 0, "walks_per_second": 1e6, "retired_bytes_peak": 8192}
    if p50:
        counters |= {"shrink_ns_p50": p50, "shrink_ns_p99": 10 * p50}
    extra = {} if p50 else {"unavailable": {"shrink_ns_p50": "no shrink that began in the window had all its pages freed"}}
    factory.cell(counters, extra=extra, variant=variant, workload="shrinker", **options)


def test_a_run_without_them_has_none_of_the_sections(factory, tmp_path):
    zeros = {"shrinks_total": 0, "walker_stalls_total": 0, "dirty_rounds_total": 0, "quota_zaps_total": 0,
             "leaves_zapped_total": 0, "walks_per_second": 1e6}
    factory.cell(zeros, variant="irq-ipi")
    material = material_of(load(factory.write()))
    assert [section.content(material) for section in ALL] == [None] * 4
    assert not [plot for plot in all_plots(material) if plot.kind in (shrinker.KIND, stalled_walker.KIND)]
    page = write_report(factory.directory, tmp_path / "report").read_text(encoding="utf-8")
    assert not [name for name in IDS if f'-{name}"' in page]


def test_shrinks_are_told_by_scheme_and_knob(factory):
    add_shrink(factory, "irq-ipi", 300_000)
    add_shrink(factory, "rcu-counter", 5_000_000)
    add_shrink(factory, "rcu-counter", 12_000_000, rcu_interval_ns=10_000_000)
    factory.cell({"shrinks_total": 0, "walks_per_second": 1e6}, variant="leak", workload="shrinker")
    [sheet] = shrinker.content(material_of(load(factory.write()))).sheets
    told = {(line.head, *line.notes): cells_of(sheet, line)["shrink p50"].value for line in sheet.lines}
    assert told == {("rcu-counter",): "5 ms", ("rcu-counter", "RCU interval 10 ms"): "12 ms", ("irq-ipi",): "300 µs"}


def test_the_figure_of_shrinks_has_each_row_and_says_what_it_cannot_draw(factory):
    add_shrink(factory, "irq-ipi", 300_000)
    add_shrink(factory, "rcu-counter", 12_000_000, rcu_interval_ns=10_000_000)
    add_shrink(factory, "hazard", None)
    [plot] = [plot for plot in all_plots(material_of(load(factory.write()))) if plot.kind == shrinker.KIND]
    assert len(plot.panels) == 1
    at = {name: place for place, name in enumerate(plot.columns)}
    drawn = {(record[at["variant"]], record[at["rcu_interval_ns"]], record[at["metric"]]): record[at["value"]]
             for record in plot.records}
    assert drawn[("irq-ipi", 0, "shrink_ns_p50")] == pytest.approx(300_000)
    assert drawn[("rcu-counter", 10_000_000, "shrink_ns_p99")] == pytest.approx(120_000_000)
    assert len(drawn) == 4
    assert ["hazard" in absence and "had all its pages freed" in absence for absence in plot.absences] == [True]


def test_growth_behind_a_stalled_walker(factory):
    for variant, peak, zap in (("rcu-counter", 80 * 1024, 50_000), ("irq-ipi", 4096, 10_000_000)):
        factory.cell({"walker_stalls_total": 10, "retired_bytes_peak": peak, "zap_ns_p99": zap}, variant=variant,
                     workload="stalled-walker", vcpus=2)
    factory.cell({"walker_stalls_total": 500, "retired_bytes_peak": 9e9}, variant="unsafe", read_delay="1/1000:50us")
    material = material_of(load(factory.write()))
    [sheet] = stalled_walker.content(material).sheets
    told = {line.head: cells_of(sheet, line) for line in sheet.lines}
    assert set(told) == {"rcu-counter", "irq-ipi"}, "stalls of --read-delay are another matter"
    assert told["rcu-counter"]["retired peak"].value == "80 KiB"
    assert told["irq-ipi"]["zap p99"].value == "10 ms"
    [plot] = [plot for plot in all_plots(material) if plot.kind == stalled_walker.KIND]
    assert [panel.title.split(",")[0] for panel in plot.panels] == ["retired peak", "zap p99"]
    assert len(plot.records) == 4
    assert "unsafe" not in str(plot.records)


def test_rounds_of_dirty_logging_and_what_they_found(factory):
    for share, dirty in ((100, 4096), (1, 41)):
        factory.cell({"dirty_rounds_total": 8, "dirty_pages_last_round": dirty, "made_writable_total": 100,
                      "leaves_write_protected_total": 120}, variant="leak", workload="dirty-log", write_percent=share)
    factory.cell({"dirty_rounds_total": 0}, variant="irq-ipi", workload="dirty-log", write_percent=1)
    [sheet] = dirty_log.content(material_of(load(factory.write()))).sheets
    told = {line.notes[0]: (line.head, cells_of(sheet, line)["of memory"].value) for line in sheet.lines}
    assert told == {"1 vCPU, 1 zapper at 1,000 zaps/s, 100 % stores": ("leak", "100 %"),
                    "1 vCPU, 1 zapper at 1,000 zaps/s, 1 % stores": ("leak", "1 %")}


def test_other_events_have_a_column_where_there_were_any(factory):
    factory.cell({"page_table_writes_total": 300, "flood_zaps_total": 100, "quota_zaps_total": 0}, variant="mutex",
                 workload="pagetable-churn", zappers=0)
    factory.cell({"page_table_writes_total": 0, "quota_zaps_total": 7}, variant="mutex", workload="quota", zappers=0)
    sheets = {sheet.title: sheet for sheet in workload_events.content(material_of(load(factory.write()))).sheets}
    assert [title for title, _ in sheets["pagetable-churn, thread guest"].columns] == ["page-table writes", "flood zaps"]
    assert [title for title, _ in sheets["quota, thread guest"].columns] == ["quota zaps"]
    assert sheets["quota, thread guest"].lines[0].cells[0].value == "7"


def test_the_page_shows_them(factory, tmp_path):
    add_shrink(factory, "irq-ipi", 300_000)
    factory.cell({"walker_stalls_total": 10, "retired_bytes_peak": 4096, "zap_ns_p99": 3e6}, variant="irq-ipi",
                 workload="stalled-walker", vcpus=2)
    factory.cell({"dirty_rounds_total": 8, "dirty_pages_last_round": 3}, variant="leak", workload="dirty-log")
    factory.cell({"leaves_zapped_total": 8}, variant="leak", workload="balloon")
    page = write_report(factory.write(), tmp_path / "report").read_text(encoding="utf-8")
    assert [name for name in IDS if f'-{name}">' not in page] == []
    assert page.count("<svg") >= 2
