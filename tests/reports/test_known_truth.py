"""Runs of known truth, read and judged as those of a host are: no verdict is wrong, and what must be seen is."""

import numpy as np
import pytest
from claim_factory import LARGE_HOST
from run_factory import PAGE, RunFactory

from shadowwalk_report.claims import judge_claims
from shadowwalk_report.claims.claim import Badge
from shadowwalk_report.rows import Table
from shadowwalk_report.run_directory import load
from shadowwalk_report.statistics import Reason, Verdict
from shadowwalk_report.verdicts import RETIRED, WALK, Verdicts

SEEDS = range(4)
SCHEMES = ("hazard", "mutex", "ebr", "qsbr", "srcu", "leak")  # each with the same true ratio: one family of twelve comparisons
BASE_NS = 20.0


def white(dice, count, share=0.01):
    return dice.normal(1, share, count)


def heavy(dice, count):
    return np.exp(0.01 * dice.standard_t(2, count))


def steady(dice, count):
    return np.ones(count)


def wandering(dice, count):
    """A host whose clock wanders by a third over the run, each repetition from where the one before left it."""
    return np.exp(np.cumsum(dice.normal(0, 0.12, count)))


def one_outlier(dice, count, factor=3.0):
    values = white(dice, count)
    values[dice.integers(count)] *= factor
    return values


def walks_run(directory, seed, truth, repetitions=7, noise=white, shared=steady, candidate_noise=None, noisy=None):
    """A run of two settings in which each scheme's walk takes `truth` times the baseline's."""
    dice, factory = np.random.default_rng(seed), RunFactory(directory, repetitions)
    for vcpus in (1, 2):
        level = BASE_NS * shared(dice, repetitions)
        for variant in ("irq-ipi", *SCHEMES):
            own = (candidate_noise or noise)(dice, repetitions) if variant != "irq-ipi" else noise(dice, repetitions)
            values = level * own * (1 if variant == "irq-ipi" else truth)
            factory.cell({"walk_ns_mean": list(map(float, values))}, variant=variant, zappers=0, vcpus=vcpus, noisy=noisy)
    return factory.write()


def rulings(directory, question=WALK):
    table = Table(load(directory).results)
    verdicts = Verdicts(table)
    return [found for row in table.all_rows if (found := verdicts.ruling(question, row))]


def verdicts_of(tmp_path, truth, **options):
    """The verdicts of all comparisons in several runs of the same truth."""
    return [found.verdict for seed in SEEDS for found in rulings(walks_run(tmp_path / str(seed), seed, truth, **options))]


def all_of(verdicts, wanted):
    assert len(verdicts) == len(SEEDS) * 2 * len(SCHEMES) and set(verdicts) == {wanted}


def test_equal_schemes_are_the_same(tmp_path):
    all_of(verdicts_of(tmp_path, 1.0), Verdict.SAME)


def test_three_per_cent_are_not_enough_to_count(tmp_path):
    found = verdicts_of(tmp_path, 1.03)
    assert set(found) <= {Verdict.SAME, Verdict.AMBIGUOUS}
    all_of(verdicts_of(tmp_path / "quieter", 1.03, noise=lambda dice, count: white(dice, count, 0.002)), Verdict.SAME)


@pytest.mark.parametrize("truth, verdict", [(1.10, Verdict.SLOWER), (1 / 1.10, Verdict.FASTER)])
def test_ten_per_cent_count(tmp_path, truth, verdict):
    found = verdicts_of(tmp_path, truth)
    assert set(found) <= {verdict, Verdict.AMBIGUOUS} and found.count(verdict) > 0.9 * len(found)
    all_of(verdicts_of(tmp_path / "quieter", truth, noise=lambda dice, count: white(dice, count, 0.005)), verdict)


@pytest.mark.parametrize("repetitions", [4, 5, 7])
def test_sixfold_is_seen_with_any_number_of_repetitions(tmp_path, repetitions):
    all_of(verdicts_of(tmp_path, 6.0, repetitions=repetitions, noise=lambda dice, count: white(dice, count, 0.03)), Verdict.SLOWER)


def test_four_repetitions_of_nothing_show_no_difference(tmp_path):
    found = verdicts_of(tmp_path, 1.0, repetitions=4, noise=lambda dice, count: white(dice, count, 0.03))
    assert set(found) <= {Verdict.SAME, Verdict.AMBIGUOUS}


@pytest.mark.parametrize("truth, verdict", [(1.0, Verdict.SAME), (1.2, Verdict.SLOWER)])
@pytest.mark.parametrize("factor", [0.3, 3.0])
def test_one_outlier_of_seven_is_outvoted(tmp_path, truth, verdict, factor):
    all_of(verdicts_of(tmp_path, truth, candidate_noise=lambda dice, count: one_outlier(dice, count, factor),
                       noise=lambda dice, count: white(dice, count, 0.005)), verdict)


def test_a_host_that_wanders_changes_no_verdict(tmp_path):
    def quiet(dice, count):
        return white(dice, count, 0.005)

    all_of(verdicts_of(tmp_path / "same", 1.0, shared=wandering, noise=quiet), Verdict.SAME)
    all_of(verdicts_of(tmp_path / "slower", 1.1, shared=wandering, noise=quiet), Verdict.SLOWER)


def test_heavy_tails_show_nothing_that_is_not_there(tmp_path):
    assert set(verdicts_of(tmp_path / "same", 1.0, noise=heavy)) <= {Verdict.SAME, Verdict.AMBIGUOUS}
    found = verdicts_of(tmp_path / "slower", 1.6, noise=heavy, repetitions=9)
    assert set(found) <= {Verdict.SLOWER, Verdict.AMBIGUOUS} and found.count(Verdict.SLOWER) > 0.9 * len(found)


def test_where_everything_is_noisy_there_is_no_verdict_and_the_reason_is_noise(tmp_path):
    loud = {repetition: ["other processes took 0.5 of 2 CPUs"] for repetition in range(7)}
    for found in rulings(walks_run(tmp_path / "all", 1, 1.5, noisy=loud)):
        assert (found.verdict, found.code) == (Verdict.AMBIGUOUS, "NO_PAIR")
        assert "as noisy results are excluded (7 of 7 of" in found.reason
        assert found.differs_with_noisy and found.reason.endswith("with noisy results SLOWER")
    for found in rulings(walks_run(tmp_path / "most", 1, 1.5, noisy={r: loud[r] for r in range(4)})):
        assert found.code == "TOO_FEW" and "as noisy results are excluded (4 of 7 of" in found.reason


def test_counts_that_never_change_say_no_more_than_they_can(tmp_path):
    factory = RunFactory(tmp_path, 7)
    for variant, pages in (("irq-ipi", 1), ("hazard", 1), ("mutex", 2), ("ebr", 66)):
        factory.cell({"retired_bytes_peak": PAGE * pages}, variant=variant)
    found = [(ruling.verdict, ruling.comparison.reason) for ruling in rulings(factory.write(), RETIRED)]
    assert found == [(Verdict.AMBIGUOUS, Reason.CONSTANT), (Verdict.SLOWER, None), (Verdict.SLOWER, None)]


def claims_of(directory):
    run = load(directory)
    return judge_claims(run, Table(run.results))


def scaling_truth(directory, seed, growth, slow=()):
    """A run on 8 CPUs. rcu-counter's cost grows by `growth` ns from 1 to 4 vCPUs, in the repetitions `slow` by twice as much, in which a
    line takes eight times as long; the others' does not grow."""
    dice, factory = np.random.default_rng(seed), RunFactory(directory, 9)
    for vcpus in (1, 4):
        for variant, cost in (("leak", 0), ("rcu-counter", 14), ("irq-ipi", 9), ("irq-ipi-2012", 12)):
            grown = [growth * (2 if r in slow else 1) * (variant == "rcu-counter" and vcpus == 4) for r in range(9)]
            values = [(5 + cost + grown[r]) * dice.normal(1, 0.005) for r in range(9)]
            transfers = [dice.normal(240 if r in slow else 30, 3) for r in range(9)]
            factory.cell({"walk_ns_mean": values} | ({"line_transfer_ns": transfers} if vcpus == 4 else {}), variant=variant, zappers=0,
                         vcpus=vcpus, context=LARGE_HOST)
    return factory.write()


@pytest.mark.parametrize("growth, slow, badge", [
    (0.0, (), Badge.NO), (30.0, (), Badge.YES), (0.0, range(5), Badge.NO), (30.0, range(5), Badge.YES)])
def test_the_badge_of_claim_2_is_the_truth_in_one_regime_and_in_two(tmp_path, growth, slow, badge):
    for seed in SEEDS:
        _, claim = claims_of(scaling_truth(tmp_path / str(seed), seed, growth, slow))
        assert claim.badge is badge
        assert ("two regimes of the host" in claim.sentence) == bool(slow)


@pytest.mark.parametrize("pages, badge", [(0, Badge.NOT_TESTED), (1, Badge.YES), (26, Badge.YES), (300, Badge.YES)])
def test_the_badge_of_claim_1_is_the_truth(tmp_path, pages, badge):
    for seed in SEEDS:
        dice, factory = np.random.default_rng(seed), RunFactory(tmp_path / str(seed), 7)
        peaks = [float(PAGE * (pages + dice.integers(0, 1 + pages // 8))) for _ in range(7)]
        means = [peak / 5 * dice.normal(1, 0.1) for peak in peaks]
        for variant in ("rcu-counter", "irq-ipi", "irq-ipi-2012"):
            held = (peaks, means, 9 * pages) if variant == "rcu-counter" else (0.0, 0.0, 0)
            counters = dict(zip(("deferred_bytes_peak", "deferred_bytes_mean", "pages_deferred"), held))
            factory.cell({"retired_bytes_peak": PAGE, **counters}, variant=variant, workload="mmio-beside-reclaim",
                         rcu_interval_ns="host" if variant == "rcu-counter" else 0)
        assert claims_of(factory.write())[0].badge is badge
