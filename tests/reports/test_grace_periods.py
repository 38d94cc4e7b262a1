"""Grace periods: read, told one by one or by interval, and marked on the figure of retired memory alone."""

import numpy as np
import pytest
from run_factory import PAGE, grace_periods, material_of

from shadowwalk_report.drawing import canvas
from shadowwalk_report.drawing import lanes as drawing
from shadowwalk_report.observations import parse_grace_periods
from shadowwalk_report.run_directory import load
from shadowwalk_report.topics import all_plots

INTERVAL = 8_000_000
WHY = "the variant waits for no grace period of RCU"


def plots_of(factory):
    return {plot.kind: plot for plot in all_plots(material_of(load(factory.write())))}


def cell(factory, times, variant="rcu-counter", **extra):
    both = {"retired_bytes": [PAGE] * 4, "shadow_bytes": [PAGE] * 4}
    factory.cell({"retired_bytes_peak": PAGE, "shadow_bytes_peak": PAGE}, {}, both, variant=variant,
                 extra={**({"grace_period_times": times} if times else {}), **extra})


def test_they_are_in_the_data_by_interval(factory):
    cell(factory, grace_periods([[1000.0, 3000.0], [INTERVAL - 500.0, INTERVAL + 500.0]], intervals=4))
    plot = plots_of(factory)["retired"]
    places = [plot.columns.index(name) for name in drawing.GRACE_PERIOD_COLUMNS]
    assert [tuple(record[place] for place in places) for record in plot.records] == [(2, 2500), (0, 500), (0, 0), (0, 0)]
    assert not set(drawing.GRACE_PERIOD_COLUMNS) & set(plots_of(factory)["shadow"].columns)


def test_a_scheme_without_any_has_none_and_says_why(factory):
    cell(factory, None, "irq-ipi", unavailable={"grace_period_times": WHY})
    cell(factory, None, "hazard", unavailable={"grace_period_times": WHY})
    plots = plots_of(factory)
    assert f"grace periods of irq-ipi and grace periods of hazard: {WHY}" in plots["retired"].absences
    assert not any("grace" in absence for absence in plots["shadow"].absences)
    assert {record[-2:] for record in plots["retired"].records} == {(None, None)}


def test_each_is_drawn_from_its_begin_to_its_end():
    times, heights = drawing._by_each([(10.0, 30.0), (50.0, 60.0)])
    assert list(zip(times, heights)) == [(10, 0), (10, 1), (30, 1), (30, 0), (50, 0), (50, 1), (60, 1), (60, 0)]


def test_many_are_drawn_by_the_share_of_each_interval():
    times = grace_periods([[INTERVAL * i / 100, INTERVAL * i / 100 + INTERVAL / 200] for i in range(300)], intervals=4)
    assert "each" not in times
    at, heights = drawing._by_interval(parse_grace_periods(times))
    assert at == [0, INTERVAL, INTERVAL, 2 * INTERVAL, 2 * INTERVAL, 3 * INTERVAL, 3 * INTERVAL, 4 * INTERVAL]
    assert heights == pytest.approx([0.5] * 6 + [0] * 2)


@pytest.mark.parametrize("pairs", [[[1000.0, 3_000_000.0]], [[10_000.0 * i, 10_000.0 * i + 5000] for i in range(300)]])
def test_the_figure_marks_them_and_tells_of_them(factory, pairs):
    cell(factory, grace_periods(pairs, intervals=4))
    plots = plots_of(factory)
    told = canvas.draw(plots["retired"], ("html",))[0]
    assert ">grace periods</text>" in told
    assert f"rcu-counter: {len(pairs)} grace period" in told and "of the time" in told
    assert "grace period" not in canvas.draw(plots["shadow"], ("html",))[0]


def test_a_strip_is_seen_in_the_picture(factory):
    """Taken away, its colour is gone from where it was."""
    def painted(times):
        factory.cells.clear()
        cell(factory, times)
        from matplotlib import image
        import io
        pixels = image.imread(io.BytesIO(canvas.draw(plots_of(factory)["retired"], ("png",))[1]))[..., :3]
        return int((np.abs(pixels * 255 - [0xd5, 0x5e, 0x00]).max(axis=2) < 3).sum())

    assert painted(grace_periods([[0.0, 4.0 * INTERVAL - 1]], intervals=4)) > painted(None) + 1000


@pytest.mark.parametrize("broken", [[], {"began": [1]}, {"interval_ns": 1, "began": [1], "under_way_ns": []},
                                    {"interval_ns": 1, "began": ["x"], "under_way_ns": [1]},
                                    {"interval_ns": 1, "began": [1], "under_way_ns": [1], "each": [[1]]},
                                    {"interval_ns": 1, "began": [1], "under_way_ns": [1], "each": [["<b>", 2]]}])
def test_what_is_no_record_makes_the_result_unreadable_by_name(factory, broken):
    with pytest.raises(ValueError, match="grace_period_times"):
        parse_grace_periods(broken)
    factory.cell({"retired_bytes_peak": PAGE}, extra={"grace_period_times": broken})
    [lost, *_] = load(factory.write()).left_out
    assert "grace_period_times" in lost.reason


def test_results_from_before_have_none(factory):
    assert parse_grace_periods(None) is None
    cell(factory, None)
    assert "grace periods of rcu-counter: not recorded" in plots_of(factory)["retired"].absences
