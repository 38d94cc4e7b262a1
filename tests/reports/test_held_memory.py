"""Held memory over every axis of the run that varies numerically: one panel per axis, at the values that were measured."""

import pytest
from run_factory import PAGE, material_of

from shadowwalk_report.drawing import canvas
from shadowwalk_report.drawing.plot import FEW_PLACES
from shadowwalk_report.run_directory import load
from shadowwalk_report.topics import held_memory


def hold(factory, pages, variant="rcu-counter", **options):
    counters = {"walks_per_second": 1e6, "retired_bytes_peak": pages * PAGE, "retired_bytes_mean": pages * PAGE / 8}
    factory.cell(counters | options.pop("counters", {}), variant=variant, **options)


def plots_of(factory):
    return list(held_memory.plots(material_of(load(factory.write()))))


def axes_of(plot):
    return [panel.title.split(",")[0].removeprefix("over ") for panel in plot.panels]


def drawn_axes(plot):
    axes = canvas.Figure().subplots()
    plot.panels[0].draw(axes)
    return axes


def svg_of(factory):
    [plot] = plots_of(factory)
    return canvas.draw(plot, ("html",))[0]


def test_each_axis_that_varies_has_a_panel(factory):
    hold(factory, 4)
    for options in ({"vcpus": 2}, {"zap_rate": 10_000}, {"working_set_pages": 512}, {"walks_per_exit": 1},
                    {"rcu_interval_ns": 1_000_000}, {"write_percent": 30}):
        if "write_percent" in options:
            hold(factory, 4, write_percent=60)
        hold(factory, 8, **options)
    [plot] = plots_of(factory)
    assert axes_of(plot) == ["zap_rate", "vcpus", "walks_per_exit", "working_set_pages", "write_percent", "rcu_interval_ns"]
    assert plot.name == "held_memory-mmio-poll-thread" and plot.panels[1].title.startswith("over vcpus, 1 zapper at 1,000 zaps/s")


@pytest.mark.parametrize("options", [{"placement": "0,1"}, {"locality": "stride:17"}, {"mmu_lock": "mutex"}])
def test_what_is_no_number_is_no_axis(factory, options):
    hold(factory, 4)
    hold(factory, 8, **options)
    assert plots_of(factory) == []


def test_the_speed_of_a_replay_is_an_axis_but_for_its_words(factory):
    for pages, speed in ((4, "1"), (8, "10"), (9, "closed-loop")):
        hold(factory, pages, guest="trace", workload="trace:x", zap_rate=0, speed=speed)
    [plot] = plots_of(factory)
    assert axes_of(plot) == ["speed"]
    assert "speed closed-loop" not in canvas.draw(plot, ("html",))[0]


def test_one_value_alone_is_no_sweep(factory):
    hold(factory, 4, "irq-ipi")
    hold(factory, 4, "rcu-counter", vcpus=2)  # two values, but no variant has both
    hold(factory, 9, "irq-ipi", zappers=0, vcpus=2)  # without zappers no memory is held
    assert plots_of(factory) == []


def test_mean_and_peak_of_each_scheme_are_drawn_and_in_the_csv(factory):
    for variant, pages in (("rcu-counter", 4), ("irq-ipi", 1)):
        for vcpus in (1, 2):
            hold(factory, pages * vcpus, variant, vcpus=vcpus)
    [plot] = plots_of(factory)
    places = [plot.columns.index(name) for name in ("variant", "vcpus", "metric", "value")]
    data = {tuple(record[place] for place in places[:3]): record[places[3]] for record in plot.records}
    assert data["rcu-counter", 2, "retired_bytes_peak"] == 8 * PAGE and data["irq-ipi", 1, "retired_bytes_mean"] == PAGE / 8
    assert len(data) == 8
    svg = svg_of(factory)
    assert "rcu-counter, retired peak, 2 vCPUs, 1 zapper at 1,000 zaps/s: 32 KiB" in svg
    assert "irq-ipi, retired mean, 1 vCPU, 1 zapper at 1,000 zaps/s: 512 B" in svg


@pytest.mark.parametrize("rates, scale", [((100, 1000), "log"), ((100, 200, 900), "linear")])
def test_the_axis_is_logarithmic_where_it_spans_a_decade(factory, rates, scale):
    for rate in rates:
        hold(factory, 4, zap_rate=rate)
    [plot] = plots_of(factory)
    assert drawn_axes(plot).get_xscale() == scale


def test_zero_has_a_place_on_an_axis_that_spans_decades(factory):
    for interval in (0, 100_000, 10_000_000):
        hold(factory, 4, rcu_interval_ns=interval)
    [plot] = plots_of(factory)
    axes = drawn_axes(plot)
    assert axes.get_xscale() == "symlog" and [label.get_text() for label in axes.get_xticklabels()] == ["0", "100 µs", "10 ms"]


def test_of_several_sweeps_the_fullest_is_drawn_and_the_rest_counted(factory):
    for vcpus in (1, 2, 4):
        hold(factory, 4, vcpus=vcpus, zap_rate=500)
    for vcpus in (1, 2):
        hold(factory, 4, vcpus=vcpus, zap_rate=9000)
    [plot] = plots_of(factory)
    assert axes_of(plot) == ["zap_rate", "vcpus"] and "at 500 zaps/s" in plot.panels[1].title
    assert plot.absences == ["1 more sweep over zap_rate and 1 more sweep over vcpus: only the one with the most values and variants "
                             "is drawn; the CSV has all"]
    assert len(plot.records) == 10


def test_what_was_not_measured_is_left_out(factory):
    for vcpus in (1, 2):
        hold(factory, 4, vcpus=vcpus)
        factory.cell({"walks_per_second": 1e6}, variant="hazard", vcpus=vcpus)
        factory.cell({"retired_bytes_peak": PAGE}, variant="mutex", vcpus=vcpus)  # a peak, but no mean
    [plot] = plots_of(factory)
    assert {record[plot.columns.index("variant")] for record in plot.records} == {"rcu-counter", "mutex"}
    assert canvas.draw(plot, ("html",))[0]


def test_a_large_run_draws_its_first_workloads_and_says_so(factory):
    factory.repetitions = 1
    for workload in ("a", "b", "c", "d"):
        for rate in range(1, 10):
            hold(factory, 4, workload=workload, zap_rate=rate)
    plots = plots_of(factory)
    assert [plot.workload for plot in plots] == ["a", "b"]
    assert all(plot.absences == [f"2 more places: {FEW_PLACES}"] for plot in plots)
