"""Claim 2, scaling: every verdict, from figures that leave only one, and what the host has to do with it."""

import pytest
from claim_factory import LARGE_HOST, both, quiet_run, verdicts
from run_factory import HOST, spread

from shadowwalk_report.claims.claim import Badge, Outcome


def test_scaling_borne_out_against_one_row_and_not_the_other(factory, judge):
    quiet_run(factory, {"rcu-counter": (17, 28), "irq-ipi": (10, 10), "irq-ipi-2012": (55, 55)})
    _, claim = judge(factory)
    assert verdicts(claim) == {"irq-ipi": Outcome.BORNE_OUT, "irq-ipi-2012": Outcome.NOT_BORNE_OUT}
    assert claim.badge is Badge.YES and claim.line.endswith(" ns to 2 vCPUs, against irq-ipi")
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
        factory.cell({"walk_ns_mean": 4.0}, variant="leak", zappers=0, vcpus=vcpus, context=LARGE_HOST)
        factory.cell({"walk_ns_mean": walks}, variant="rcu-counter", zappers=0, vcpus=vcpus, context=LARGE_HOST)
        factory.cell({"walk_ns_mean": 14.0}, variant="irq-ipi", zappers=0, vcpus=vcpus, context=LARGE_HOST)
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


def scaling_run(factory, costs, repetitions=7, leak=4.0, drift=None, **options):
    """`costs`: {variant: ns at 1 vCPU and at N}; a cost is a number, or one per repetition. `options`: {name: value, or {vcpus: value}}."""
    factory.repetitions = repetitions
    for place, vcpus in enumerate((1, options.get("many", 2))):
        for variant, cost in {"leak": (0, 0), **costs}.items():
            each = cost[place] if isinstance(cost[place], list) else spread(cost[place] + leak, repetitions, 0.002)
            own = {name: value[vcpus] if isinstance(value, dict) and vcpus in value else value for name, value in options.items()
                   if name != "many"}
            counters = {"walk_ns_mean": [value + (leak if isinstance(cost[place], list) else 0) for value in each], **own.pop("counters", {})}
            factory.cell(counters, variant=variant, zappers=0, vcpus=vcpus, **{"context": LARGE_HOST, **own})


COSTS = {"rcu-counter": (17, 47), "irq-ipi": (10, 10), "irq-ipi-2012": (20, 20)}


@pytest.mark.parametrize("cpus", [1, 2, 3])
def test_below_four_cpus_the_cost_is_told_and_scaling_not_tested(factory, judge, cpus):
    scaling_run(factory, COSTS, context={"num_cpus": cpus})
    _, claim = judge(factory)
    assert verdicts(claim) == both(Outcome.NOT_TESTED) and claim.badge is Badge.NOT_TESTED
    assert claim.line.startswith("cost grows 29.") and claim.line.endswith(" ns; scaling needs >= 4 CPUs")
    assert f"cost at 2 vCPUs; scaling not tested, which needs 4 CPUs or more: this host has {cpus}" in claim.sentence
    assert "rcu-counter 17 ns" in claim.sentence


def test_below_four_cpus_a_cost_that_does_not_grow_is_no_growth(factory, judge):
    scaling_run(factory, {**COSTS, "rcu-counter": (17, 17)}, context={"num_cpus": 2})
    assert judge(factory)[1].line == "cost does not grow; scaling needs >= 4 CPUs"


def test_the_plans_host_says_how_many_cpus_there_are(factory, judge):
    factory.host = {**HOST, "cpus": 64}
    scaling_run(factory, COSTS, context={"num_cpus": 2})
    assert judge(factory)[1].badge is Badge.YES


def test_slope_and_crossover_are_told(factory, judge):
    scaling_run(factory, {"rcu-counter": (17, 47), "irq-ipi": (10, 10), "irq-ipi-2012": (32, 32)}, many=7)
    _, claim = judge(factory)
    assert verdicts(claim) == both(Outcome.BORNE_OUT)
    assert claim.line.startswith("cost grows 2") and claim.line.endswith("ns to 7 vCPUs, against irq-ipi and irq-ipi-2012")
    assert any(remark.startswith("Slope from 1 to 7 vCPUs, per vCPU: rcu-counter 5 ns [") for remark in claim.remarks)
    assert ("Crossover of the costs: rcu-counter is dearer than irq-ipi at 1 vCPU already and dearer than irq-ipi-2012 from about 4.0 "
            "vCPUs on.") in claim.remarks


def test_each_comparison_needs_only_its_own_two_cells_to_be_quiet(factory, judge):
    """19.5 to 41 ns in all repetitions: the noise hit another cell in each, and never both cells of more than a few pairs."""
    growth = [19.5, 24.0, 28.0, 41.0, 33.0, 22.0, 36.0]
    factory.repetitions = 7
    noisy = iter(({0: ["x"]}, {1: ["x"]}, {2: ["x"]}, {3: ["x"]}, {4: ["x"]}, {5: ["x"]}, {6: ["x"]}, {0: ["x"]}))
    for vcpus in (1, 2):
        for variant, cost in (("leak", 0.0), ("rcu-counter", 17.0), ("irq-ipi", 10.0), ("irq-ipi-2012", 10.0)):
            walk = [4 + cost + (growth[r] if variant == "rcu-counter" and vcpus == 2 else 0.01 * r) for r in range(7)]
            factory.cell({"walk_ns_mean": walk}, variant=variant, zappers=0, vcpus=vcpus, noisy=next(noisy), context=LARGE_HOST)
    _, claim = judge(factory)
    assert verdicts(claim) == both(Outcome.BORNE_OUT)


def test_a_turbo_of_one_core_is_no_growth(factory, judge):
    """With all cores busy the clock is 20 % lower: every walk takes longer, and no scheme scales worse for it."""
    walks = {"leak": 40.0, "rcu-counter": 60.0, "irq-ipi": 50.0, "irq-ipi-2012": 52.0}
    factory.repetitions = 7
    for vcpus, speed in ((1, 1.0), (2, 0.8)):
        for variant, ns in walks.items():
            for_all = {"noise": {"core_speed": speed, "reasons": []}}
            factory.cell({"walk_ns_mean": spread(ns / speed, 7, 0.001)}, variant=variant, zappers=0, vcpus=vcpus, extra=for_all,
                         context=LARGE_HOST)
    _, claim = judge(factory)
    assert verdicts(claim) == both(Outcome.NOT_BORNE_OUT)
    assert "the cost of rcu-counter does not grow" in claim.sentence
    assert any("at one core speed" in remark for remark in claim.remarks)


def test_without_core_speeds_the_times_are_as_measured(factory, judge):
    scaling_run(factory, COSTS, extra={"noise": {"reasons": []}})
    assert any("no core speed was recorded" in remark for remark in judge(factory)[1].remarks)


def regime_run(factory, slow, growth_fast, growth_slow, repetitions=14, **options):
    """In the repetitions `slow` a line takes 210 to 330 ns, in the others 25 to 37 ns."""
    factory.repetitions = repetitions
    transfer = [210.0 + 10 * r if r in slow else 25.0 + r for r in range(repetitions)]
    for vcpus in (1, 2):
        for variant, cost in (("leak", 0), ("rcu-counter", 17), ("irq-ipi", 10), ("irq-ipi-2012", 10)):
            grown = [(growth_slow if r in slow else growth_fast) if variant == "rcu-counter" and vcpus == 2 else 0 for r in range(repetitions)]
            counters = {"walk_ns_mean": [4 + cost + grown[r] + 0.02 * (r % 3) for r in range(repetitions)]}
            factory.cell(counters | ({"line_transfer_ns": transfer} if vcpus == 2 else {}), variant=variant, zappers=0, vcpus=vcpus,
                         context=LARGE_HOST, **options)


def test_two_regimes_that_agree_are_told(factory, judge):
    regime_run(factory, range(7, 14), 19.5, 41)
    _, claim = judge(factory)
    assert verdicts(claim) == both(Outcome.BORNE_OUT)
    assert "two regimes of the host (a line takes 25 ns to 31 ns and a line takes 280 ns to 340 ns); in each" in claim.sentence
    assert any(remark.startswith("The host had two regimes:") for remark in claim.remarks)


def test_two_regimes_that_disagree_are_ambiguous_for_that_reason(factory, judge):
    regime_run(factory, range(7, 14), 0, 41)
    _, claim = judge(factory)
    assert verdicts(claim) == both(Outcome.AMBIGUOUS) and claim.line == "two regimes of the host disagree"
    assert "disagree: NOT BORNE OUT where a line takes 25 ns to 31 ns: the cost of rcu-counter does not grow" in claim.sentence


def test_a_regime_of_few_repetitions_is_left_out_and_told(factory, judge):
    regime_run(factory, range(11, 14), 0, 41)
    _, claim = judge(factory)
    assert verdicts(claim) == both(Outcome.NOT_BORNE_OUT)
    assert "in that where a line takes 25 ns to 35 ns; the other has too few repetitions" in claim.sentence


def test_regimes_with_too_few_repetitions_each(factory, judge):
    regime_run(factory, range(3, 6), 19, 41, repetitions=6)
    _, claim = judge(factory)
    assert verdicts(claim) == both(Outcome.AMBIGUOUS)
    assert claim.line == "too few repetitions in each of two regimes of the host"


def test_transfers_that_only_scatter_are_one_regime(factory, judge):
    scaling_run(factory, COSTS, counters={"line_transfer_ns": [25.0, 31.0, 28.0, 37.0, 26.0, 33.0, 30.0]})
    _, claim = judge(factory)
    assert "regime" not in claim.sentence and not any("regime" in remark for remark in claim.remarks)


def test_dependent_walks_are_the_headline(factory, judge):
    scaling_run(factory, COSTS)
    scaling_run(factory, {"rcu-counter": (17, 20), "irq-ipi": (10, 10), "irq-ipi-2012": (20, 20)}, walk_mode="latency")
    _, claim = judge(factory)
    assert "dependent walks" in claim.sentence and "rcu-counter 17 ns" in claim.sentence and "20 ns" in claim.sentence
    assert any("In the run's other settings (exploratory): irq-ipi 1 BORNE OUT" in remark for remark in claim.remarks)


def test_dependent_walks_are_the_headline_even_with_fewer_repetitions(factory, judge):
    scaling_run(factory, {"rcu-counter": (17, 20), "irq-ipi": (10, 10), "irq-ipi-2012": (20, 20)}, repetitions=5, walk_mode="latency",
                workload="quota")
    scaling_run(factory, COSTS, repetitions=9)
    assert "dependent walks" in judge(factory)[1].sentence


def test_single_walks_are_judged_by_throughput(factory, judge):
    factory.repetitions = 7
    for vcpus in (1, 2):
        for variant, ns in (("leak", 900), ("rcu-counter", 920 if vcpus == 1 else 980), ("irq-ipi", 910), ("irq-ipi-2012", 915)):
            factory.cell({"walks_per_second": spread(vcpus * 1e9 / ns, 7, 0.0003)}, variant=variant, zappers=0, vcpus=vcpus, walks_per_exit=1,
                         context=LARGE_HOST, extra={"unavailable": {"walk_ns_mean": "walks-per-exit 1: the clock would dominate"}})
    _, claim = judge(factory)
    assert verdicts(claim) == both(Outcome.BORNE_OUT) and any("walks_per_second" in remark for remark in claim.remarks)


def test_the_headline_is_not_the_copy_with_fewer_repetitions(factory, judge):
    scaling_run(factory, COSTS, repetitions=2, duration_s=8.0)
    scaling_run(factory, COSTS, repetitions=7, duration_s=2.0)
    _, claim = judge(factory)
    assert verdicts(claim) == both(Outcome.BORNE_OUT) and "at 2 vCPUs, 2 s without zappers" in claim.sentence
