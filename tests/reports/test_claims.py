"""The claims: every verdict, from figures that leave only one."""

import pytest
from run_factory import PAGE, spread

from shadowwalk_report.claims.claim import Outcome

PAGES = {"steady": [PAGE] * 5, "large": [PAGE * n for n in (8, 9, 10, 9, 8)],
         "wild": [PAGE * n for n in (1, 9, 1, 8, 1)]}


def zapped(peak=PAGE, mean=100.0, tail=9_000.0, **more):
    return {"retired_bytes_peak": peak, "retired_bytes_mean": spread(mean), "free_ns_p99": spread(tail), **more}


def memory_run(factory, rcu, irq=None, irq_2012=None, **options):
    factory.cell(rcu, variant="rcu-counter", **options)
    factory.cell(irq or zapped(), variant="irq-ipi", **options)
    factory.cell(irq_2012 or irq or zapped(), variant="irq-ipi-2012", **options)


def quiet_run(factory, costs, **options):
    """`costs`: {variant: (read-side ns at 1 vCPU, at 2)}; repetitions drift together, as on a busy host."""
    for place, vcpus in enumerate((1, 2)):
        for variant, cost in {"leak": (0, 0), **costs}.items():
            walk = [(4 + cost[place]) * drift for drift in (1, 1.002, 1.004, 0.998, 1.001)]
            factory.cell({"walk_ns_mean": walk}, variant=variant, zappers=0, vcpus=vcpus, **options)


def verdicts(claim):
    return {finding.rival: finding.outcome for finding in claim.headline}


def both(outcome):
    return {"irq-ipi": outcome, "irq-ipi-2012": outcome}


# Claim 1

def test_memory_borne_out(factory, judge):
    memory_run(factory, zapped(PAGES["large"], 900.0, 80_000.0))
    claim, _ = judge(factory)
    assert verdicts(claim) == both(Outcome.BORNE_OUT)
    assert claim.sentence.startswith("BORNE OUT against irq-ipi and irq-ipi-2012 at 1 vCPU, 1 zapper at 1,000 zaps/s")
    assert "36 KiB [32, 40]" in claim.sentence and "80 µs" in claim.sentence and "RCU interval 0" in claim.sentence


@pytest.mark.parametrize("rcu", [zapped(), zapped(mean=50.0), zapped(tail=900_000.0)])
def test_memory_not_borne_out_when_memory_is_no_larger(factory, judge, rcu):
    memory_run(factory, rcu)
    assert verdicts(judge(factory)[0]) == both(Outcome.NOT_BORNE_OUT)


@pytest.mark.parametrize("rcu, why", [
    (zapped(PAGES["wild"], 900.0, 80_000.0), "peak: the interval reaches across"),
    (zapped(PAGES["large"], 100.0, 80_000.0), "the peak of the retired bytes is larger, the mean is not"),
    (zapped(PAGES["steady"], 900.0, 80_000.0), "the mean of the retired bytes is larger, the peak is not"),
    (zapped(PAGES["large"], 900.0, 9_000.0), "free p99 is not longer"),
    (zapped(PAGES["large"], 900.0, 80_000.0, saturated=1), "rcu-counter saturated"),
    (zapped(PAGES["large"], 900.0, 80_000.0, oversubscribed=1), "oversubscribed"),
    (zapped(PAGES["large"], 900.0, 80_000.0, violations=1), "rcu-counter has violations")])
def test_memory_ambiguous_with_its_reason(factory, judge, rcu, why):
    memory_run(factory, rcu)
    claim, _ = judge(factory)
    assert verdicts(claim) == both(Outcome.AMBIGUOUS)
    assert why in claim.sentence


def test_memory_rows_are_judged_apart(factory, judge):
    large = zapped(PAGES["large"], 900.0, 80_000.0)
    memory_run(factory, large, irq=zapped(), irq_2012=large)
    claim, _ = judge(factory)
    assert verdicts(claim) == {"irq-ipi": Outcome.BORNE_OUT, "irq-ipi-2012": Outcome.NOT_BORNE_OUT}
    assert claim.sentence.startswith("BORNE OUT against irq-ipi and NOT BORNE OUT against irq-ipi-2012 at 1 vCPU")


def test_memory_counts_pages_that_outlive_the_window(factory, judge):
    rcu = zapped(PAGES["large"], 900.0)
    del rcu["free_ns_p99"]
    factory.cell(rcu, variant="rcu-counter", extra={"freed_by_drain": 2000})
    factory.cell(zapped(), variant="irq-ipi")
    assert verdicts(judge(factory)[0]) == {"irq-ipi": Outcome.BORNE_OUT, "irq-ipi-2012": Outcome.NOT_TESTED}


def test_memory_too_few_repetitions(factory, judge):
    memory_run(factory, zapped(PAGES["large"], 900.0, 80_000.0))
    for cell in range(3):
        for repetition in (2, 3, 4):
            factory.path(cell, repetition).unlink()
    claim, _ = judge(factory)
    assert verdicts(claim) == both(Outcome.AMBIGUOUS)
    assert "too few repetitions" in claim.sentence


def test_memory_not_tested(factory, judge):
    factory.cell(zapped(), variant="irq-ipi")
    claim, _ = judge(factory)
    assert verdicts(claim) == both(Outcome.NOT_TESTED)
    assert claim.sentence == ("NOT TESTED against irq-ipi and irq-ipi-2012: rcu-counter was not measured with zappers "
                              "that free pages.")


def test_memory_is_not_judged_where_no_page_is_freed(factory, judge):
    memory_run(factory, zapped(peak=[0] * 5, mean=0.0), workload="balloon")
    claim, _ = judge(factory)
    assert verdicts(claim) == both(Outcome.NOT_TESTED)
    assert claim.findings == []


def test_memory_is_not_judged_across_settings(factory, judge):
    factory.cell(zapped(PAGES["large"], 900.0, 80_000.0), variant="rcu-counter", zap_rate=1000)
    factory.cell(zapped(), variant="irq-ipi", zap_rate=2000)
    factory.cell(zapped(), variant="irq-ipi-2012", zap_rate=1000, guest="kvm")
    assert verdicts(judge(factory)[0]) == both(Outcome.NOT_TESTED)


def test_memory_headline_prefers_clean_cells_and_tallies_the_others(factory, judge):
    memory_run(factory, zapped(PAGES["large"], 900.0, 80_000.0), vcpus=1)
    memory_run(factory, zapped(oversubscribed=1), vcpus=2)
    claim, _ = judge(factory)
    assert [finding.setting.vcpus for finding in claim.headline] == [1, 1]
    assert "In the run's other settings at interval 0: irq-ipi 1 AMBIGUOUS; irq-ipi-2012 1 AMBIGUOUS." in claim.remarks


def test_memory_sweep_names_the_verdict_of_each_interval(factory, judge):
    memory_run(factory, zapped())
    factory.cell(zapped(PAGES["large"], 900.0, 4e6), variant="rcu-counter", rcu_interval_ns=4_000_000)
    claim, _ = judge(factory)
    assert verdicts(claim) == both(Outcome.NOT_BORNE_OUT)
    sweep = claim.remarks[0]
    assert ("NOT BORNE OUT against irq-ipi and irq-ipi-2012 at 0; "
            "BORNE OUT against irq-ipi and irq-ipi-2012 at 4 ms") in sweep
    assert "4 KiB [4, 4], 36 KiB [32, 40]" in sweep


def test_memory_without_a_sweep_says_so(factory, judge):
    memory_run(factory, zapped())
    assert "NOT TESTED" in judge(factory)[0].remarks[0]


def test_memory_needs_interval_zero(factory, judge):
    memory_run(factory, zapped(PAGES["large"], 900.0, 80_000.0), rcu_interval_ns=4_000_000)
    claim, _ = judge(factory)
    assert verdicts(claim) == both(Outcome.NOT_TESTED)
    assert "at RCU interval 0" in claim.sentence


def test_results_of_two_hosts_are_not_judged(factory, judge):
    factory.cell(zapped(PAGES["large"], 900.0, 80_000.0), variant="rcu-counter", context={"host_id": "other"})
    factory.cell(zapped(), variant="irq-ipi")
    claim, _ = judge(factory)
    assert verdicts(claim)["irq-ipi"] is Outcome.AMBIGUOUS
    assert "several hosts" in claim.sentence


# Claim 2

def test_scaling_borne_out_against_one_row_and_not_the_other(factory, judge):
    quiet_run(factory, {"rcu-counter": (17, 28), "irq-ipi": (10, 10), "irq-ipi-2012": (55, 55)})
    _, claim = judge(factory)
    assert verdicts(claim) == {"irq-ipi": Outcome.BORNE_OUT, "irq-ipi-2012": Outcome.NOT_BORNE_OUT}
    assert claim.sentence.startswith("BORNE OUT against irq-ipi and NOT BORNE OUT against irq-ipi-2012 at 2 vCPUs")
    assert "at 2 vCPUs rcu-counter still costs no more than irq-ipi-2012" in claim.sentence


def test_scaling_borne_out_against_both(factory, judge):
    quiet_run(factory, {"rcu-counter": (17, 90), "irq-ipi": (10, 10), "irq-ipi-2012": (55, 55)})
    assert verdicts(judge(factory)[1]) == both(Outcome.BORNE_OUT)


@pytest.mark.parametrize("rcu, irq, why", [
    ((17, 17), (10, 10), "does not grow"), ((17, 30), (10, 28), "grows no more than irq-ipi"),
    ((17, 20), (40, 40), "still costs no more")])
def test_scaling_not_borne_out(factory, judge, rcu, irq, why):
    quiet_run(factory, {"rcu-counter": rcu, "irq-ipi": irq})
    _, claim = judge(factory)
    assert verdicts(claim) == {"irq-ipi": Outcome.NOT_BORNE_OUT, "irq-ipi-2012": Outcome.NOT_TESTED}
    assert why in claim.sentence


def test_scaling_ambiguous_when_growth_is_within_the_noise(factory, judge):
    for vcpus, walks in ((1, [20.0] * 5), (2, [19.0, 25.0, 30.0, 20.0, 33.0])):
        factory.cell({"walk_ns_mean": 4.0}, variant="leak", zappers=0, vcpus=vcpus)
        factory.cell({"walk_ns_mean": walks}, variant="rcu-counter", zappers=0, vcpus=vcpus)
        factory.cell({"walk_ns_mean": 14.0}, variant="irq-ipi", zappers=0, vcpus=vcpus)
    _, claim = judge(factory)
    assert verdicts(claim)["irq-ipi"] is Outcome.AMBIGUOUS
    assert "growth and growth beyond the other's: the interval reaches across" in claim.sentence


def test_scaling_of_oversubscribed_cells_is_ambiguous(factory, judge):
    for vcpus, walk in ((1, 20.0), (2, 40.0)):
        for variant, cost in (("leak", 4.0), ("rcu-counter", walk), ("irq-ipi", 14.0)):
            factory.cell({"walk_ns_mean": cost, "oversubscribed": int(vcpus == 2)}, variant=variant, zappers=0,
                         vcpus=vcpus)
    _, claim = judge(factory)
    assert verdicts(claim)["irq-ipi"] is Outcome.AMBIGUOUS and "oversubscribed" in claim.sentence


@pytest.mark.parametrize("options, why", [
    ({"guest": "kvm"}, "not measured without zappers in a thread guest"), ({}, "")])
def test_scaling_needs_thread_guests(factory, judge, options, why):
    quiet_run(factory, {"rcu-counter": (17, 28), "irq-ipi": (10, 10), "irq-ipi-2012": (10, 10)}, **options)
    _, claim = judge(factory)
    assert verdicts(claim) == both(Outcome.NOT_TESTED if options else Outcome.BORNE_OUT)
    assert why in claim.sentence


def test_scaling_needs_two_vcpu_counts(factory, judge):
    for variant in ("leak", "rcu-counter", "irq-ipi"):
        factory.cell({"walk_ns_mean": 10.0}, variant=variant, zappers=0, vcpus=2)
    _, claim = judge(factory)
    assert verdicts(claim) == both(Outcome.NOT_TESTED)
    assert "needs a cell at 1 vCPU and one at more" in claim.sentence


def test_scaling_needs_leak(factory, judge):
    for vcpus in (1, 2):
        for variant in ("rcu-counter", "irq-ipi"):
            factory.cell({"walk_ns_mean": 10.0 * vcpus}, variant=variant, zappers=0, vcpus=vcpus)
    _, claim = judge(factory)
    assert verdicts(claim) == both(Outcome.NOT_TESTED)
    assert "leak was not measured at 1 vCPU" in claim.sentence


def test_scaling_takes_no_cells_with_zappers(factory, judge):
    for vcpus in (1, 2):
        for variant in ("leak", "rcu-counter", "irq-ipi", "irq-ipi-2012"):
            factory.cell({"walk_ns_mean": 10.0 * vcpus}, variant=variant, zappers=1, vcpus=vcpus)
    assert verdicts(judge(factory)[1]) == both(Outcome.NOT_TESTED)


def test_scaling_tells_the_recorded_reason_for_a_missing_figure(factory, judge):
    quiet = {"extra": {"unavailable": {"walk_ns_mean": "walks-per-exit 1: the clock would dominate"}}}
    for vcpus in (1, 2):
        for variant in ("leak", "rcu-counter", "irq-ipi"):
            factory.cell({"walks_per_second": 1e6}, variant=variant, zappers=0, vcpus=vcpus, **quiet)
    assert "the clock would dominate" in judge(factory)[1].sentence


def test_an_empty_run_tests_nothing(factory, judge):
    factory.plan()
    assert [verdicts(claim) for claim in judge(factory)] == [both(Outcome.NOT_TESTED)] * 2
