"""Rows: what is put together, what is kept apart, and the read side's cost."""

from run_factory import PAGE, material_of

from shadowwalk_report.rows import Table, read_side
from shadowwalk_report.run_directory import load
from shadowwalk_report.setting import describe, varying_axes
from shadowwalk_report.summary import summary_groups


def table_of(factory):
    return Table(load(factory.write()).results)


def test_settings_are_kept_apart_and_knobs_make_rows(factory):
    for interval in (0, 4_000_000):
        factory.cell({"walk_ns_mean": 20.0}, variant="rcu-counter", rcu_interval_ns=interval)
    factory.cell({"walk_ns_mean": 20.0}, variant="rcu-counter", vcpus=2)
    table = table_of(factory)
    assert [setting.vcpus for setting in table.settings] == [1, 2]
    assert [row.scheme.knobs for row in table.rows(table.settings[0])] == [[], ["RCU interval 4 ms"]]
    assert len(table.plain_rows(table.settings[0])) == 1
    assert table.plain_row(table.settings[0], "rcu-counter").scheme.rcu_interval_ns == 0


def test_the_guests_knobs_make_settings_of_their_own_and_are_told(factory):
    factory.cell({"walk_ns_mean": 10}, variant="leak", zappers=0)
    factory.cell({"walk_ns_mean": 11}, variant="leak", zappers=0, locality="zipf:0.99")
    factory.cell({"walk_ns_mean": 12}, variant="leak", zappers=0, write_percent=0)
    settings = table_of(factory).settings
    words = {describe(setting, varying_axes(settings)) for setting in settings}
    assert words == {"1 vCPU, no zapper", "1 vCPU, no zapper, locality zipf:0.99", "1 vCPU, no zapper, 0 % stores"}
    assert [setting.is_plain for setting in settings] == [True, False, False]


def test_replays_at_different_speeds_are_apart_and_told(factory):
    for speed in ("1", "closed-loop"):
        factory.cell({"walk_ns_mean": 10}, workload="trace:t.swtrace", guest="trace", zap_rate=0, speed=speed)
    settings = table_of(factory).settings
    words = {describe(setting, varying_axes(settings)) for setting in settings}
    assert words == {"1 vCPU, 1 zapper at the trace's pace, speed 1",
                     "1 vCPU, 1 zapper at the trace's pace, speed closed-loop"}


def test_cells_of_equal_options_share_a_row_block_by_block(factory):
    factory.cell({"walk_ns_mean": [10.0, 20.0, 30.0, 40.0, 50.0]})
    factory.cell({"walk_ns_mean": [20.0, 30.0, 40.0, 50.0, 60.0]})
    [row] = table_of(factory).all_rows
    assert row.values("walk_ns_mean") == {0: 15, 1: 25, 2: 35, 3: 45, 4: 55}


def test_read_side_is_paired_by_repetition(factory):
    factory.cell({"walk_ns_mean": [3.0, 30.0, 3.0, 3.0, 3.0]}, variant="leak", zappers=0)
    factory.cell({"walk_ns_mean": [13.0, 41.0, 14.0, 13.0, 13.0]}, variant="irq-ipi", zappers=0)
    table = table_of(factory)
    leak, irq = (table.plain_row(table.settings[0], variant) for variant in ("leak", "irq-ipi"))
    assert read_side(irq, leak) == {0: 10, 1: 11, 2: 11, 3: 10, 4: 10}


def test_no_read_side_with_zappers_or_without_leak(factory):
    for variant in ("leak", "irq-ipi"):
        factory.cell({"walk_ns_mean": 10.0}, variant=variant, zappers=1)
    table = table_of(factory)
    leak, irq = (table.plain_row(table.settings[0], variant) for variant in ("leak", "irq-ipi"))
    assert read_side(irq, leak) == {}
    assert read_side(irq, None) == {}


def test_the_representative_is_the_repetition_of_the_median(factory):
    factory.cell({"retired_bytes_peak": [PAGE * n for n in (9, 1, 5, 3, 7)]})
    [row] = table_of(factory).all_rows
    assert row.representative("retired_bytes_peak").repetition == 2
    assert row.representative("free_ns_p99") is None


def test_the_summary_tells_how_near_leak_comes_to_the_floor(factory):
    factory.cell({"walk_ns_mean": [10.0, 11.0, 12.0, 13.0, 14.0]}, variant="floor", zappers=0)
    factory.cell({"walk_ns_mean": [10.3, 11.33, 12.36, 13.39, 14.42]}, variant="leak", zappers=0)
    material = material_of(load(factory.write()))
    [section] = summary_groups(material.table, material.verdicts)[0].sheets
    assert section.remark == "leak walks at 1.03x [1.03, 1.03] the floor."


def cells_of(factory, variant):
    material = material_of(load(factory.write()))
    [section] = summary_groups(material.table, material.verdicts)[0].sheets
    [line] = [line for line in section.lines if line.head == variant]
    return dict(zip((title for title, _ in section.columns), line.cells))


def test_summary_of_a_setting_without_zappers(factory):
    factory.cell({"walks_per_second": 1e6, "walk_ns_mean": 5.0}, variant="leak", zappers=0)
    factory.cell({"walks_per_second": 4e5, "walk_ns_mean": 17.0}, variant="rcu-counter", zappers=0)
    factory.cell({"walks_per_second": 5e5, "walk_ns_mean": 15.0}, variant="irq-ipi", zappers=0)
    cells = cells_of(factory, "rcu-counter")
    assert (cells["read side"].value, cells["read side"].interval) == ("12 ns", "[12, 12]")
    assert (cells["walks vs irq-ipi"].value, cells["walks vs irq-ipi"].verdict) == ("0.8x", "slower")


def test_summary_marks_saturated_latencies_and_names_what_is_absent(factory):
    factory.cell({"walks_per_second": 1e6, "free_ns_p99": 5e6, "saturated": 1},
                 extra={"unavailable": {"walk_ns_mean": "walks-per-exit 1: the clock would dominate"}})
    cells = cells_of(factory, "irq-ipi")
    assert cells["free p99"].verdict == "doubtful" and "saturated" in cells["free p99"].hint
    assert cells["walk mean"].value == "–" and "clock would dominate" in cells["walk mean"].hint


def test_no_verdict_between_rows_with_different_knobs(factory):
    factory.cell({"walks_per_second": 1e6})
    factory.cell({"walks_per_second": 9e6}, variant="unsafe", read_delay="1/1000:50us")
    cell = cells_of(factory, "unsafe")["walks vs irq-ipi"]
    assert cell.verdict == "doubtful" and "read delay" in cell.hint
