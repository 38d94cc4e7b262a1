"""Claim 1, memory in use: every verdict, from figures that leave only one."""

import pytest
from claim_factory import both, memory_run, verdicts, zapped
from run_factory import HOST, PAGE, spread

from shadowwalk_report.claims.claim import RIVALS, Badge, Outcome

WILD = [PAGE * n for n in (1, 60, 1, 1, 1)]


def test_memory_borne_out(factory, judge):
    memory_run(factory, zapped(26, deferred_bytes_predicted=spread(PAGE * 6.4)), rcu_interval_ns="host", workload="mmio-beside-reclaim")
    factory.host = HOST
    claim, _ = judge(factory)
    assert verdicts(claim) == both(Outcome.BORNE_OUT) and claim.badge is Badge.YES
    assert claim.line == "104 KiB held after commit, against 0 (host's grace period 5.8 ms)"
    assert claim.sentence.startswith("BORNE OUT against irq-ipi and irq-ipi-2012 at 1 vCPU, 1 zapper at 1,000 zaps/s "
                                     "(mmio-beside-reclaim, thread guest), host's grace period 5.8 ms: rcu-counter defers 104 KiB")
    assert "on average, which Little's law predicts as 25.6 KiB" in claim.sentence
    assert "irq-ipi defers 0 [0, 0] at its peak" in claim.sentence


def test_the_grace_period_of_a_cell_stands_in_for_that_of_an_unknown_host(factory, judge):
    memory_run(factory, zapped(26, grace_period_ns_p50=spread(4.2e6)), rcu_interval_ns="host")
    assert judge(factory)[0].line == "104 KiB held after commit, against 0 (host's grace period 4.2 ms)"


def test_memory_is_said_at_its_interval_where_the_hosts_was_not_measured(factory, judge):
    memory_run(factory, zapped(26), rcu_interval_ns=4_000_000)
    claim, _ = judge(factory)
    assert claim.badge is Badge.YES and claim.line == "104 KiB held after commit, against 0 (RCU interval 4 ms)"


def test_where_no_reader_was_found_the_claim_is_not_tested(factory, judge):
    memory_run(factory, zapped())
    claim, _ = judge(factory)
    assert verdicts(claim) == both(Outcome.NOT_TESTED) and claim.badge is Badge.NOT_TESTED
    assert claim.line == "no commit found a reader inside a walk" and claim.line in claim.sentence


def test_results_without_deferred_memory_say_so(factory, judge):
    old = {"retired_bytes_peak": spread(PAGE * 9), "retired_bytes_mean": spread(900.0), "free_ns_p99": spread(8e4)}
    memory_run(factory, old, old)
    claim, _ = judge(factory)
    assert verdicts(claim) == both(Outcome.NOT_TESTED)
    assert claim.line == "measured by a version that tells no deferred memory: measure again"


def test_the_recorded_reason_for_missing_deferred_memory_is_told(factory, judge):
    bare = {"retired_bytes_peak": spread(PAGE)}
    for variant in ("rcu-counter", *RIVALS):
        factory.cell(bare, variant=variant, extra={"unavailable": {"deferred_bytes_peak": "instrumentation none clocks nothing"}})
    assert "no deferred_bytes_peak of rcu-counter: instrumentation none clocks nothing" in judge(factory)[0].sentence


def test_memory_not_borne_out_when_the_others_defer_as_much(factory, judge):
    memory_run(factory, zapped(26), zapped(26))
    claim, _ = judge(factory)
    assert verdicts(claim) == both(Outcome.NOT_BORNE_OUT) and claim.badge is Badge.NO
    assert claim.line == "104 KiB held after commit, against 104 KiB (RCU interval 0)"


@pytest.mark.parametrize("rcu, why", [
    (zapped(WILD), "peak: the interval reaches across"),
    (zapped(26, [0.0, 0.0, 0.0, 0.0, 9e4]), "mean: the interval reaches across"),
    (zapped(26, saturated=1), "rcu-counter saturated"),
    (zapped(26, oversubscribed=1), "oversubscribed"),
    (zapped(26, violations=1), "rcu-counter has violations")])
def test_memory_ambiguous_with_its_reason(factory, judge, rcu, why):
    memory_run(factory, rcu)
    claim, _ = judge(factory)
    assert verdicts(claim) == both(Outcome.AMBIGUOUS) and claim.badge is Badge.AMBIGUOUS
    assert why in claim.sentence and why.split(": ")[-1] in claim.line


def test_memory_rows_are_judged_apart(factory, judge):
    memory_run(factory, zapped(26), irq=zapped(), irq_2012=zapped(26))
    claim, _ = judge(factory)
    assert verdicts(claim) == {"irq-ipi": Outcome.BORNE_OUT, "irq-ipi-2012": Outcome.NOT_BORNE_OUT}
    assert claim.sentence.startswith("BORNE OUT against irq-ipi and NOT BORNE OUT against irq-ipi-2012 at 1 vCPU")


def test_one_setting_bears_out_what_can_happen_and_others_do_not_deny_it(factory, judge):
    memory_run(factory, zapped(), rcu_interval_ns="host", workload="mmio-beside-reclaim")
    memory_run(factory, zapped(26), workload="quota")
    memory_run(factory, zapped(300), workload="shrinker")
    claim, _ = judge(factory)
    assert claim.badge is Badge.YES and "(quota, thread guest)" in claim.sentence  # the first in the order, not the largest
    assert claim.remarks[0].startswith("The first setting of the registered order, 1 vCPU, 1 zapper at 1,000 zaps/s (mmio-beside-reclaim, "
                                       "thread guest), host's grace period, is NOT TESTED")
    assert any(remark.startswith("Most is held at 1 vCPU, 1 zapper at 1,000 zaps/s (shrinker") for remark in claim.remarks)


@pytest.mark.parametrize("options, why", [
    ({"workload": "mine/own.toml"}, "not one of those that ship"), ({"workload": "trace:mine.swtrace"}, "not one of those that ship"),
    ({"rcu_interval_ns": 100_000_000}, "longer than 10 ms")])
def test_what_is_not_realistic_bears_nothing_out(factory, judge, options, why):
    memory_run(factory, zapped(26), **options)
    claim, _ = judge(factory)
    assert verdicts(claim) == both(Outcome.NOT_TESTED) and why in claim.sentence and len(claim.findings) == 2


def test_the_registered_order_prefers_the_host_then_the_workload(factory, judge):
    memory_run(factory, zapped(500), workload="mmio-beside-reclaim", rcu_interval_ns=10_000_000, zap_rate=10_000)
    memory_run(factory, zapped(200), workload="mmio-poll", rcu_interval_ns="host")
    memory_run(factory, zapped(26), workload="mmio-beside-reclaim", rcu_interval_ns="host")
    assert judge(factory)[0].line.startswith("104 KiB held")


def test_the_hosts_grace_period_comes_before_the_workload(factory, judge):
    memory_run(factory, zapped(500), workload="mmio-beside-reclaim", rcu_interval_ns=0)
    memory_run(factory, zapped(26), workload="quota", rcu_interval_ns="host")
    assert judge(factory)[0].line == "104 KiB held after commit, against 0 (host's grace period)"


def test_memory_too_few_repetitions(factory, judge):
    memory_run(factory, zapped(26))
    for cell in range(3):
        for repetition in (2, 3, 4):
            factory.path(cell, repetition).unlink()
    claim, _ = judge(factory)
    assert verdicts(claim) == both(Outcome.AMBIGUOUS)
    assert "too few repetitions" in claim.sentence and "too few repetitions" in claim.line


def test_memory_not_tested(factory, judge):
    factory.cell(zapped(), variant="irq-ipi")
    claim, _ = judge(factory)
    assert verdicts(claim) == both(Outcome.NOT_TESTED)
    assert claim.sentence == ("NOT TESTED against irq-ipi and irq-ipi-2012: rcu-counter was not measured where pages "
                              "are retired.")


def test_pages_that_faults_retire_for_a_quota_count_as_those_of_a_zapper(factory, judge):
    memory_run(factory, zapped(26), workload="mmio-beside-quota", zappers=0, vcpus=2, rcu_interval_ns="host")
    factory.host = HOST
    claim, _ = judge(factory)
    assert verdicts(claim) == both(Outcome.BORNE_OUT) and claim.badge is Badge.YES


def test_memory_is_not_judged_where_no_page_is_freed(factory, judge):
    memory_run(factory, zapped(retired_bytes_peak=0), workload="balloon")
    claim, _ = judge(factory)
    assert verdicts(claim) == both(Outcome.NOT_TESTED)
    assert claim.findings == []


def test_memory_is_not_judged_across_settings(factory, judge):
    factory.cell(zapped(26), variant="rcu-counter", zap_rate=1000)
    factory.cell(zapped(), variant="irq-ipi", zap_rate=2000)
    factory.cell(zapped(), variant="irq-ipi-2012", zap_rate=1000, guest="kvm")
    claim, _ = judge(factory)
    assert verdicts(claim) == both(Outcome.NOT_TESTED) and claim.line == "irq-ipi was not measured in this setting"


def test_memory_headline_prefers_clean_cells_and_tallies_the_others(factory, judge):
    memory_run(factory, zapped(26), vcpus=1)
    memory_run(factory, zapped(26, oversubscribed=1), vcpus=2)
    claim, _ = judge(factory)
    assert [finding.setting.vcpus for finding in claim.headline] == [1, 1]
    assert "In the run's other settings (exploratory): irq-ipi 1 AMBIGUOUS; irq-ipi-2012 1 AMBIGUOUS." in claim.remarks


def test_a_crowded_setting_is_no_headline_while_a_clean_one_tested_nothing(factory, judge):
    memory_run(factory, zapped(), vcpus=1)
    memory_run(factory, zapped(26, oversubscribed=1), vcpus=2)
    assert judge(factory)[0].line == "no commit found a reader inside a walk"


def test_memory_sweep_names_the_verdict_of_each_interval(factory, judge):
    memory_run(factory, zapped())
    for interval, pages in ((4_000_000, 26), ("host", 60)):
        factory.cell(zapped(pages), variant="rcu-counter", rcu_interval_ns=interval)
    claim, _ = judge(factory)
    [sweep] = [remark for remark in claim.remarks if remark.startswith("Over the sweep")]
    assert "(0, 4 ms and the host's grace period; 1 vCPU" in sweep
    assert ("NOT TESTED against irq-ipi and irq-ipi-2012 at 0; BORNE OUT against irq-ipi and irq-ipi-2012 at 4 ms and the host's grace "
            "period") in sweep
    assert "is 0 [0, 0], 104 KiB [104, 108], 240 KiB [240, 244]" in sweep


def test_memory_without_a_sweep_says_so(factory, judge):
    memory_run(factory, zapped(26))
    assert any("NOT TESTED, as no setting was run with more than one interval" in remark for remark in judge(factory)[0].remarks)


def test_memory_that_noise_decides_says_so(factory, judge):
    factory.cell(zapped(WILD), variant="rcu-counter", noisy={1: ["steal"]})
    for rival in RIVALS:
        factory.cell(zapped(), variant=rival)
    claim, _ = judge(factory)
    assert claim.badge is Badge.YES and claim.differs_with_noisy
    assert "With noisy results it would be AMBIGUOUS against irq-ipi and AMBIGUOUS against irq-ipi-2012." in claim.remarks


def test_results_of_two_hosts_are_not_judged(factory, judge):
    factory.cell(zapped(26), variant="rcu-counter", context={"host_id": "other"})
    factory.cell(zapped(), variant="irq-ipi")
    claim, _ = judge(factory)
    assert verdicts(claim)["irq-ipi"] is Outcome.AMBIGUOUS
    assert "several hosts" in claim.sentence
