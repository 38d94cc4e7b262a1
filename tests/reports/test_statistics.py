"""Statistics: known answers, scipy's answers, and the refusals."""

import numpy as np
import pytest
import scipy.stats
from run_factory import spread

from shadowwalk_report.statistics import (ALPHA, MINIMUM_EFFECT, Reason, Shift, Verdict, decide,
                                          differences, estimate, independent, judge, paired, quotient, range_coverage,
                                          ratios)


def by_repetition(values):
    return dict(enumerate(values))


def compare(candidate, baseline, lower_is_better=True):
    """Alone: a family of one."""
    return decide([paired(candidate, baseline)], lower_is_better)[0]


def test_median_of_known_values():
    assert estimate([5, 1, 3]).value == 3
    assert estimate([4, 1, 3, 2]).value == 2.5


def interval(values):
    found = estimate(values)
    return found.low, found.high


def test_nothing_has_no_estimate_and_one_value_no_interval():
    assert estimate([]) is None
    single = estimate([7])
    assert (single.value, single.low, single.high, single.count) == (7, None, None, 1)


def test_interval_of_few_values_is_their_range():
    assert interval([1, 2, 3]) == (1, 3)
    assert interval([10, 20, 30, 40, 50]) == (10, 50)


def test_interval_narrows_with_repetitions():
    dice = np.random.default_rng(3)
    few, many = (estimate(dice.normal(100, 5, count)) for count in (6, 60))
    assert many.high - many.low < few.high - few.low


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_interval_agrees_with_scipy(seed):
    sample = np.random.default_rng(seed).lognormal(3, 0.4, 41)
    theirs = scipy.stats.bootstrap((sample,), np.median, n_resamples=9999, method="percentile",
                                   random_state=np.random.default_rng(9)).confidence_interval
    low, high = interval(sample)
    # Both ends are order statistics of the sample: they may differ by the noise of resampling, no more.
    assert low == pytest.approx(theirs.low, rel=0.03)
    assert high == pytest.approx(theirs.high, rel=0.03)


def test_interval_holds_the_median_as_often_as_promised():
    dice = np.random.default_rng(5)
    held = sum(low <= 0 <= high for low, high in (interval(dice.normal(size=25)) for _ in range(400)))
    assert 0.90 <= held / 400 <= 0.99


def test_same_sample_gives_same_interval():
    assert interval([3, 1, 4, 1, 5, 9]) == interval([3, 1, 4, 1, 5, 9])


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
    base = by_repetition(spread(100, share=0.01))
    candidate = {r: v * factor for r, v in base.items()}
    found = compare(candidate, base, lower_is_better)
    assert found.verdict is verdict
    assert found.ratio.value == pytest.approx(factor)
    assert found.reason is None


def test_drift_of_the_host_is_taken_out_of_the_ratio_but_not_of_the_certainty():
    base = by_repetition([100, 200, 400, 150, 300])
    found = compare({r: v * 1.1 for r, v in base.items()}, base)
    assert (found.ratio.low, found.ratio.high) == (pytest.approx(1.1), pytest.approx(1.1))
    assert (found.verdict, found.reason) == (Verdict.AMBIGUOUS, Reason.NOT_SIGNIFICANT)


def test_an_interval_across_the_smallest_effect_is_ambiguous():
    found = compare(by_repetition([90, 100, 110, 120, 130]), by_repetition([100] * 5))
    assert (found.verdict, found.reason) == (Verdict.AMBIGUOUS, Reason.SPANS)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_three_repetitions_are_too_few_however_clear(count):
    for candidate in (500, 100):
        found = compare(by_repetition([candidate + i for i in range(count)]), by_repetition([100 + i for i in range(count)]))
        assert (found.verdict, found.reason, found.p) == (Verdict.AMBIGUOUS, Reason.TOO_FEW, None)


def test_four_repetitions_suffice_for_one_comparison():
    found = compare(by_repetition([500, 510, 505, 507]), by_repetition([100, 101, 99, 102]))
    assert found.verdict is Verdict.SLOWER
    assert found.p == found.p_corrected == pytest.approx(2 / 70)


def test_p_values_are_those_of_scipy_corrected_by_holm():
    dice = np.random.default_rng(5)
    base = [dice.normal(100, 3, 9) for _ in range(4)]
    new = [dice.normal(mean, 3, 9) for mean in (100, 103, 108, 120)]
    found = decide([independent(*pair) for pair in zip(new, base)])
    expected = [scipy.stats.mannwhitneyu(*pair, method="exact").pvalue for pair in zip(new, base)]
    assert [c.p for c in found] == pytest.approx(expected)
    for place, factor in enumerate(sorted(range(4), key=expected.__getitem__)):
        assert found[factor].p_corrected >= min(1, expected[factor] * (4 - place)) - 1e-12
    assert [c.family for c in found] == [4] * 4


def test_what_suffices_for_one_does_not_for_two():
    clear = paired(by_repetition([500, 510, 505, 507]), by_repetition([100, 101, 99, 102]))
    assert [c.reason for c in decide([clear, clear])] == [Reason.TOO_MANY_COMPARISONS] * 2


def test_contests_that_cannot_be_tried_cost_the_others_nothing():
    clear = paired(by_repetition([500, 510, 505, 507]), by_repetition([100, 101, 99, 102]))
    found = decide([clear, paired({0: 1, 1: 2}, {0: 1, 1: 2}), paired({}, {0: 1})])
    assert [c.verdict for c in found] == [Verdict.SLOWER, Verdict.AMBIGUOUS, Verdict.AMBIGUOUS]
    assert [c.family for c in found] == [1, 0, 0]


def test_false_alarms_among_a_family_are_as_rare_as_promised():
    """20 comparisons of nothing with nothing, without any smallest effect: at most 5 % of families hold a false alarm."""
    dice = np.random.default_rng(11)
    alarms = 0
    for _ in range(60):
        family = [independent(dice.normal(100, 5, 8), dice.normal(100, 5, 8)) for _ in range(20)]
        alarms += any(c.p_corrected < ALPHA for c in decide(family))
    assert alarms <= 8  # 60 families at 5 %: more than 8 has a chance of one in two hundred


def test_the_verdict_mirrors_when_the_sides_are_swapped():
    dice = np.random.default_rng(2)
    one, other = dice.normal(100, 1, 8), dice.normal(130, 1, 8)
    assert decide([independent(other, one)])[0].verdict is Verdict.SLOWER
    assert decide([independent(one, other)])[0].verdict is Verdict.FASTER
    assert decide([independent(one, other)], lower_is_better=False)[0].verdict is Verdict.SLOWER


def test_values_that_are_all_alike_differ_certainly_from_others_that_are():
    found = compare(by_repetition([8192] * 5), by_repetition([4096] * 5))
    assert found.verdict is Verdict.SLOWER and found.p == pytest.approx(2 / 252)


def test_no_common_repetition():
    found = compare({0: 1, 1: 2, 2: 3}, {5: 1, 6: 2, 7: 3})
    assert (found.verdict, found.reason, found.ratio) == (Verdict.AMBIGUOUS, Reason.NO_PAIR, None)


def test_zero_baseline():
    found = compare({0: 1, 1: 2, 2: 3}, {0: 0, 1: 0, 2: 0})
    assert (found.verdict, found.reason) == (Verdict.AMBIGUOUS, Reason.ZERO_BASELINE)


@pytest.mark.parametrize("changes, shift", [
    ([3, 4, 4, 5], Shift.MORE), ([-3, -4, -4, -5], Shift.LESS), ([-1, 0, 0, 1], Shift.SAME),
    ([0, 4, 4, 5], Shift.AMBIGUOUS)])
def test_judge_against_a_tolerance_of_two(changes, shift):
    assert judge(changes, 2).shift is shift
