"""Statistics: known answers, scipy's answers, and the refusals."""

import numpy as np
import pytest
import scipy.stats
from run_factory import spread

from shadowwalk_report.statistics import (MINIMUM_EFFECT, Reason, Shift, Verdict, bootstrap_interval, compare,
                                          differences, estimate, judge, quotient, range_coverage,
                                          ratios)


def by_repetition(values):
    return dict(enumerate(values))


def test_median_of_known_values():
    assert estimate([5, 1, 3]).value == 3
    assert estimate([4, 1, 3, 2]).value == 2.5


def test_nothing_has_no_estimate_and_one_value_no_interval():
    assert estimate([]) is None
    single = estimate([7])
    assert (single.value, single.low, single.high, single.count) == (7, None, None, 1)


def test_interval_of_few_values_is_their_range():
    assert bootstrap_interval([1, 2, 3]) == (1, 3)
    assert bootstrap_interval([10, 20, 30, 40, 50]) == (10, 50)


def test_interval_narrows_with_repetitions():
    dice = np.random.default_rng(3)
    few, many = (estimate(dice.normal(100, 5, count)) for count in (6, 60))
    assert many.high - many.low < few.high - few.low


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_interval_agrees_with_scipy(seed):
    sample = np.random.default_rng(seed).lognormal(3, 0.4, 41)
    theirs = scipy.stats.bootstrap((sample,), np.median, n_resamples=9999, method="percentile",
                                   random_state=np.random.default_rng(9)).confidence_interval
    low, high = bootstrap_interval(sample)
    # Both ends are order statistics of the sample: they may differ by the noise of resampling, no more.
    assert low == pytest.approx(theirs.low, rel=0.03)
    assert high == pytest.approx(theirs.high, rel=0.03)


def test_interval_holds_the_median_as_often_as_promised():
    dice = np.random.default_rng(5)
    held = sum(low <= 0 <= high for low, high in (bootstrap_interval(dice.normal(size=25)) for _ in range(400)))
    assert 0.90 <= held / 400 <= 0.99


def test_same_sample_gives_same_interval():
    assert bootstrap_interval([3, 1, 4, 1, 5, 9]) == bootstrap_interval([3, 1, 4, 1, 5, 9])


def test_coverage_of_the_range():
    assert range_coverage(3) == 0.75
    assert range_coverage(5) == 0.9375


def test_quotient_of_medians_holds_the_doubt_of_both():
    found = quotient([20, 40, 60], [10, 10, 10])
    assert (found.value, found.low, found.high, found.count) == (4, 2, 6, 3)
    wider = quotient([20, 40, 60], [5, 10, 20])
    assert wider.value == 4 and wider.low < found.low and wider.high > found.high


def test_quotient_resamples_its_two_sides_independently():
    found = quotient([1, 2, 4, 8, 16], [1, 2, 4, 8, 16])  # drawn together, every quotient would be 1
    assert found.value == 1 and found.low < 0.6 and found.high > 1.6


def test_quotient_interval_holds_the_truth_as_often_as_promised():
    dice = np.random.default_rng(8)
    found = [quotient(dice.normal(50, 5, 20), dice.normal(10, 1, 20)) for _ in range(300)]
    assert 0.90 <= sum(q.low <= 5 <= q.high for q in found) / 300 <= 1


def test_quotients_that_are_none():
    assert quotient([], [1]) is None and quotient([1], []) is None
    assert quotient([1, 2], [0, 0]) is None and quotient([1, 2], [-1, 3]) is None
    single = quotient([6, 8], [2])
    assert (single.value, single.low, single.count) == (3.5, None, 1)


def test_pairs_are_formed_within_repetitions():
    assert differences({0: 5, 1: 7, 2: 9}, {1: 2, 2: 3, 3: 4}) == {1: 5, 2: 6}
    assert ratios({0: 6, 1: 8}, {0: 3, 1: 0}) == {0: 2}


def test_identical_samples_are_the_same():
    sample = by_repetition(spread(100, 7))
    assert compare(sample, sample).verdict is Verdict.SAME


@pytest.mark.parametrize("factor, lower_is_better, verdict", [
    (1.2, True, Verdict.SLOWER), (0.8, True, Verdict.FASTER), (1.2, False, Verdict.FASTER),
    (0.8, False, Verdict.SLOWER), (1 + MINIMUM_EFFECT / 2, True, Verdict.SAME)])
def test_clear_differences(factor, lower_is_better, verdict):
    base = by_repetition(spread(100, share=0.1))
    candidate = {r: v * factor for r, v in base.items()}
    found = compare(candidate, base, lower_is_better)
    assert found.verdict is verdict
    assert found.ratio.value == pytest.approx(factor)
    assert found.reason is None


def test_drift_of_the_host_is_taken_out_by_pairing():
    base = by_repetition([100, 200, 400, 150, 300])
    assert compare({r: v * 1.1 for r, v in base.items()}, base).verdict is Verdict.SLOWER


def test_an_interval_across_the_smallest_effect_is_ambiguous():
    found = compare(by_repetition([90, 100, 110, 120, 130]), by_repetition([100] * 5))
    assert (found.verdict, found.reason) == (Verdict.AMBIGUOUS, Reason.SPANS)


def test_two_repetitions_are_too_few_however_clear():
    found = compare({0: 500, 1: 510}, {0: 100, 1: 101})
    assert (found.verdict, found.reason) == (Verdict.AMBIGUOUS, Reason.TOO_FEW)


def test_three_repetitions_suffice():
    assert compare({0: 500, 1: 510, 2: 505}, {0: 100, 1: 101, 2: 100}).verdict is Verdict.SLOWER


def test_no_common_repetition():
    found = compare({0: 1, 1: 2, 2: 3}, {5: 1, 6: 2, 7: 3})
    assert (found.verdict, found.reason, found.ratio) == (Verdict.AMBIGUOUS, Reason.NO_PAIR, None)


def test_zero_baseline():
    found = compare({0: 1, 1: 2, 2: 3}, {0: 0, 1: 0, 2: 0})
    assert (found.verdict, found.reason) == (Verdict.AMBIGUOUS, Reason.ZERO_BASELINE)


@pytest.mark.parametrize("changes, shift", [
    ([3, 4, 5], Shift.MORE), ([-3, -4, -5], Shift.LESS), ([-1, 0, 1], Shift.SAME), ([0, 4, 5], Shift.AMBIGUOUS)])
def test_judge_against_a_tolerance_of_two(changes, shift):
    assert judge(changes, 2).shift is shift
