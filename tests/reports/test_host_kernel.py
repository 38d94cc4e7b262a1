"""The reference by the host's own kernel: shown, and held against nothing."""

import pytest
from run_factory import material_of

from shadowwalk_report.claims import judge_claims
from shadowwalk_report.report import write_report
from shadowwalk_report.run_directory import load
from shadowwalk_report.summary import summary_groups
from shadowwalk_report.topics import all_plots, host_kernel

REFERENCE = {"reference": {"implementation": "the host kernel's own MMU, in kernel space",
                           "host_action": "KVM_SET_USER_MEMORY_REGION twice", "kvm": {"kvm.tdp_mmu": "N"}},
             "memory": {"sec_page_tables_bytes": {"before": 0, "after": 8192, "peak": 65536}},
             "kvm_stats": {"pf_taken": {"kind": "cumulative", "delta": 4321}},
             "unavailable": {"touch_device_ns_p50": "the guest's program has no MMIO accesses"}}


def add_reference(factory, **counters):
    values = {"touches_per_second": 5e6, "touch_hit_ns_p50": 40.0, "touch_first_ns_p50": 150.0,
              "zap_service_ns_p50": 12e6, "zap_ns_p99": 15e6, **counters}
    return factory.cell(values, {"zap_ns": [15e6] * 100, "touch_ns": [50] * 100}, extra=REFERENCE, variant="host-kvm",
                        workload="memslot-flip", guest="kvm")


def test_its_figures_are_told_with_the_reasons_of_those_that_are_not_there(factory):
    add_reference(factory)
    found = host_kernel.content(material_of(load(factory.write())))
    [sheet] = found.sheets
    [line] = sheet.lines
    assert line.head == "host-kvm: kernel (reference)"
    assert line.notes == ["KVM_SET_USER_MEMORY_REGION twice"]
    cells = dict(zip((title for title, _ in sheet.columns), line.cells))
    assert cells["touches"].value == "5 M/s"
    assert cells["first p50"].value == "150 ns"
    assert cells["uncorrected zap p50"].value == "12 ms"
    assert cells["page tables, peak"].value == "64 KiB"
    assert cells["MMIO p50"].hint == "the guest's program has no MMIO accesses"
    [details] = found.details
    assert [line.cells[0].value for line in details.sheets[0].lines if line.head == "pf_taken"] == ["4,321"]


def test_noise_is_told(factory):
    factory.cell({"touches_per_second": 5e6}, extra=REFERENCE, noisy={1: ["steal"], 3: ["steal"]}, variant="host-kvm",
                 workload="memslot-flip", guest="kvm")
    [sheet] = host_kernel.content(material_of(load(factory.write()))).sheets
    assert sheet.lines[0].notes == ["KVM_SET_USER_MEMORY_REGION twice", "noisy: 2 of 5 of host-kvm"]


def test_nothing_compares_it(factory):
    factory.cell({"walks_per_second": 1e8, "walk_ns_mean": 10.0}, {"zap_ns": [100] * 100}, variant="irq-ipi",
                 workload="memslot-flip", guest="kvm")
    without = material_of(load(factory.write()))
    add_reference(factory)
    with_it = material_of(load(factory.write()))
    assert with_it.table.variants == without.table.variants == ["irq-ipi"]
    assert with_it.table.settings == without.table.settings
    assert summary_groups(with_it.table, with_it.verdicts) == summary_groups(without.table, without.verdicts)
    assert [plot.name for plot in all_plots(with_it)] == [plot.name for plot in all_plots(without)]
    assert not any("host-kvm" in str(plot.records) for plot in all_plots(with_it))
    assert "host-kvm" not in str(judge_claims(with_it.run, with_it.table))


def test_a_run_without_it_has_no_such_section(factory):
    factory.cell({"walks_per_second": 1e8})
    assert host_kernel.content(material_of(load(factory.write()))) is None


@pytest.mark.parametrize("alone", [True, False])
def test_the_page_shows_it(factory, tmp_path, alone):
    if not alone:
        factory.cell({"walks_per_second": 1e8}, variant="irq-ipi")
    add_reference(factory)
    page = write_report(factory.write(), tmp_path / "report").read_text(encoding="utf-8")
    assert 'id="host_kernel"' in page
    assert "kernel (reference)" in page
    assert "no ratio and no verdict" in page


def test_a_reference_that_does_not_say_what_was_done_is_unreadable(factory):
    factory.cell({"touches_per_second": 1.0}, extra={"reference": {}}, variant="host-kvm")
    run = load(factory.write())
    assert not run.results
    assert all("reference.host_action" in lost.reason for lost in run.left_out)
