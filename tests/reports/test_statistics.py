"""Statistics: known answers, scipy's answers, and the refusals."""

import numpy as np
import pytest
import scipy.stats
from run_factory import spread

from shadowwalk_report.statistics import (MINIMUM_EFFECT, Reason, Shift, Verdict, decide, differences, estimate, growth, independent,
                                          judge, judge_growth, paired, quotient, range_coverage, ratios)

PAGE = 4096


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


@pytest.mark.parametrize("count", range(6, 42))
def test_interval_of_the_median_is_the_narrowest_of_order_statistics_that_covers_it(count):
    below, above = (int(value) for value in interval(range(count)))  # each value is its own place
    assert below == count - 1 - above
    outside = [2 * scipy.stats.binom.cdf(place, count, 0.5) for place in (below, below + 1)]
    assert outside[0] <= 0.05 < outside[1]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_interval_agrees_with_scipy(seed):
    sample = np.random.default_rng(seed).lognormal(3, 0.4, 41)
    theirs = scipy.stats.bootstrap((sample,), np.median, n_resamples=9999, method="percentile",
                                   random_state=np.random.default_rng(9)).confidence_interval
    low, high = interval(sample)
    # Both ends are order statistics of the sample: with so many, the bootstrap is about right.
    assert low == pytest.approx(theirs.low, rel=0.06)
    assert high == pytest.approx(theirs.high, rel=0.06)


def test_interval_holds_the_median_as_often_as_promised():
    dice = np.random.default_rng(5)
    held = sum(low <= 0 <= high for low, high in (interval(dice.normal(size=25)) for _ in range(400)))
    assert 0.93 <= held / 400 <= 0.99


def test_same_sample_gives_same_interval():
    assert interval([3, 1, 4, 1, 5, 9]) == interval([3, 1, 4, 1, 5, 9])


def test_coverage_of_the_range():
    assert range_coverage(3) == 0.75
    assert range_coverage(5) == 0.9375


def test_quotient_holds_the_doubt_of_both():
    found = quotient([30, 40, 50, 45, 36], [10] * 5)
    assert found.value == pytest.approx(scipy.stats.gmean([30, 40, 50, 45, 36]) / 10) and found.count == 5
    wider = quotient([30, 40, 50, 45, 36], [5, 10, 20, 15, 1000 / 150])
    assert wider.value == pytest.approx(found.value) and wider.low < found.low and wider.high > found.high


def test_quotient_of_numbers_without_logarithms():
    found = quotient([-1.0, 0.0, 1.0, 4.0], [2.0, 2.1, 1.9, 2.0])
    assert found.value == pytest.approx(0.5, rel=0.01) and found.low < 0 < found.high
    certain = quotient([0.0] * 5, [2.0, 2.1, 1.9, 2.0, 2.0])
    assert (certain.value, certain.low, certain.high) == (0, 0, 0)


def test_quotient_resamples_its_two_sides_independently():
    found = quotient([1, 2, 4, 8, 16], [1, 2, 4, 8, 16])  # drawn together, every quotient would be 1
    assert found.value == 1 and found.low < 0.6 and found.high > 1.6


def test_quotient_interval_holds_the_truth_as_often_as_promised():
    dice = np.random.default_rng(8)
    found = [quotient(dice.normal(50, 5, 20), dice.normal(10, 1, 20)) for _ in range(300)]
    assert 0.93 <= sum(q.low <= 5 <= q.high for q in found) / 300 <= 1


def test_quotients_that_are_none():
    assert quotient([], [1]) is None and quotient([1], []) is None
    assert quotient([1, 2], [0, 0]) is None and quotient([1, 2], [-1, 3]) is None
    single = quotient([6, 8], [2])
    assert (single.value, single.low, single.count) == (pytest.approx((6 * 8) ** 0.5 / 2), None, 1)


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


def test_drift_of_the_host_is_taken_out_of_the_ratio():
    base = by_repetition([100, 200, 400, 150, 300])
    found = compare({r: v * 1.1 for r, v in base.items()}, base)
    assert (found.ratio.low, found.ratio.high) == (pytest.approx(1.1, rel=0.005), pytest.approx(1.1, rel=0.005))
    assert found.verdict is Verdict.SLOWER
    apart = decide([independent([v * 1.1 for v in base.values()], base.values())])[0]  # of two runs, it is not
    assert (apart.verdict, apart.reason) == (Verdict.AMBIGUOUS, Reason.SPANS)


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
    assert found.verdict is Verdict.SLOWER and found.p == found.p_corrected < 0.001


@pytest.mark.parametrize("sizes", [(5, 5), (6, 9), (7, 7), (15, 11), (41, 41)])
def test_p_values_of_two_runs_are_those_of_scipy_corrected_by_bonferroni(sizes):
    dice = np.random.default_rng(5)
    base = [dice.lognormal(4, 0.1, sizes[0]) for _ in range(4)]
    new = [factor * dice.lognormal(4, 0.1, sizes[1]) for factor in (1, 1.03, 1.08, 1.2)]
    found = decide([independent(*pair) for pair in zip(new, base)])
    expected = [scipy.stats.ttest_ind(*map(np.log, pair), equal_var=False, trim=0.15).pvalue for pair in zip(new, base)]
    assert [c.p for c in found] == pytest.approx(expected, rel=1e-6)
    assert [c.p_corrected for c in found] == pytest.approx([min(1, 4 * p) for p in expected], rel=1e-6)
    assert [c.family for c in found] == [4] * 4


@pytest.mark.parametrize("count", [4, 5, 6])
def test_below_seven_repetitions_the_interval_is_students(count):
    base, new = (np.random.default_rng(seed).lognormal(4, 0.1, count) for seed in (1, 2))
    logs = np.log(new / base)
    found = decide([paired(by_repetition(new), by_repetition(base))] * 8)[0]
    expected = np.exp(scipy.stats.t.interval(0.95, count - 1, logs.mean(), scipy.stats.sem(logs)))
    assert (found.ratio.low, found.ratio.high) == pytest.approx(tuple(expected))
    assert found.ratio.value == pytest.approx(scipy.stats.gmean(new / base))
    simultaneous = np.exp(scipy.stats.t.interval(1 - 0.05 / 8, count - 1, logs.mean(), scipy.stats.sem(logs)))
    assert found.simultaneous == pytest.approx(tuple(simultaneous))
    assert found.p == pytest.approx(scipy.stats.ttest_1samp(logs, 0).pvalue)


@pytest.mark.parametrize("count", [7, 9, 14, 15])
def test_from_seven_repetitions_on_the_mean_is_trimmed(count):
    base, new = (np.random.default_rng(seed).lognormal(4, 0.1, count) for seed in (1, 2))
    logs, cut = np.log(new / base), int(0.15 * count)
    found = decide([paired(by_repetition(new), by_repetition(base))])[0].ratio
    assert np.log(found.value) == pytest.approx(scipy.stats.trim_mean(logs, 0.15))
    limits = (cut / count, cut / count)
    theirs = scipy.stats.mstats.trimmed_mean_ci(logs, limits=limits)
    # The same but for the error's divisor: Yuen's is larger by some per cent, without which 7 repetitions cover less than 94 %.
    widening = ((count - 2 * cut) * (count - 1) / ((count - 2 * cut - 1) * count)) ** 0.5
    assert np.log(found.high) - np.log(found.value) == pytest.approx((theirs[1] - theirs[0]) / 2 * widening)


def test_the_more_comparisons_the_more_certain_each_must_be():
    contest = paired(by_repetition([108, 110, 109, 112, 107]), by_repetition([100] * 5))
    assert decide([contest])[0].verdict is Verdict.SLOWER
    among_many = decide([contest] * 30)[0]
    assert (among_many.verdict, among_many.reason) == (Verdict.AMBIGUOUS, Reason.CORRECTED)
    assert among_many.ratio.low > 1 + MINIMUM_EFFECT > among_many.simultaneous[0]


def test_sixfold_with_five_repetitions_is_a_verdict_among_any_number_of_comparisons():
    clear = paired(by_repetition([674, 665, 691, 670, 680]), by_repetition([100, 100.5, 99.7, 100.2, 99.9]))
    assert {c.verdict for c in decide([clear] * 500)} == {Verdict.SLOWER}
    assert {c.verdict for c in decide([independent(clear.candidate, clear.baseline)] * 500)} == {Verdict.SLOWER}


def test_one_bad_repetition_of_seven_decides_nothing():
    base = by_repetition([100, 101, 99, 100, 100.5, 99.5, 100])
    for factor, verdict in ((1.0, Verdict.SAME), (1.3, Verdict.SLOWER)):
        for wild in (0.3, 5):
            values = {r: v * factor * (1 + 0.002 * (r % 3)) for r, v in base.items()}
            assert compare(values | {3: values[3] * wild}, base).verdict is verdict
    half = {r: v * (1.0 if r < 3 else 1.5) for r, v in base.items()}  # what three of seven say is no accident
    assert compare(half, base).reason is Reason.SPANS


def test_sameness_is_an_equivalence_test_and_is_corrected_too():
    new = by_repetition([102.2, 97.9, 102.4, 99, 100.1])
    contest = paired(new, by_repetition([100] * 5))
    [alone] = decide([contest])
    # Two one-sided tests at 5 % are the interval of 90 %, which is narrower than that of 95 %.
    logs = np.log([value / 100 for value in new.values()])
    low, high = np.exp(scipy.stats.t.interval(0.90, 4, logs.mean(), scipy.stats.sem(logs)))
    assert alone.verdict is Verdict.SAME and 1 / 1.05 < low and high < 1.05
    assert decide([contest] * 30)[0].reason is Reason.CORRECTED


def test_contests_that_cannot_be_tried_cost_the_others_nothing():
    clear = paired(by_repetition([500, 510, 505, 507]), by_repetition([100, 101, 99, 102]))
    found = decide([clear, paired({0: 1, 1: 2}, {0: 1, 1: 2}), paired({}, {0: 1})])
    assert [c.verdict for c in found] == [Verdict.SLOWER, Verdict.AMBIGUOUS, Verdict.AMBIGUOUS]
    assert [c.family for c in found] == [1, 0, 0]


def test_false_alarms_among_a_family_are_as_rare_as_promised():
    """20 comparisons of what differs by exactly the smallest effect: at most 5 % of families hold a verdict of more, or of SAME."""
    dice = np.random.default_rng(11)
    alarms = {Verdict.SLOWER: 0, Verdict.SAME: 0}
    for _ in range(400):
        new, base = (mean * np.exp(dice.normal(0, 0.01, (20, 7))) for mean in (100 * (1 + MINIMUM_EFFECT), 100))
        found = {c.verdict for c in decide([paired(by_repetition(a), by_repetition(b)) for a, b in zip(new, base)])}
        for verdict in alarms:
            alarms[verdict] += verdict in found
    assert alarms[Verdict.SLOWER] <= 18  # one bound of two: 2.5 % of 400, and three standard deviations
    assert alarms[Verdict.SAME] <= 33  # a one-sided test: 5 % of 400, and three standard deviations


def test_the_verdict_mirrors_when_the_sides_are_swapped():
    dice = np.random.default_rng(2)
    one, other = dice.normal(100, 1, 8), dice.normal(130, 1, 8)
    assert decide([independent(other, one)])[0].verdict is Verdict.SLOWER
    assert decide([independent(one, other)])[0].verdict is Verdict.FASTER
    assert decide([independent(one, other)], lower_is_better=False)[0].verdict is Verdict.SLOWER


def test_values_that_are_all_alike_differ_certainly_from_others_that_are():
    found = compare(by_repetition([8192] * 5), by_repetition([4096] * 5))
    assert found.verdict is Verdict.SLOWER and found.p < 0.001


@pytest.mark.parametrize("pages, others, verdict, reason", [
    (1, 1, Verdict.AMBIGUOUS, Reason.CONSTANT),  # each may be half a page more or less
    (2, 1, Verdict.SLOWER, None), (66, 1, Verdict.SLOWER, None), (66, 66, Verdict.SAME, None), (3, 2, Verdict.SLOWER, None),
    (20, 20, Verdict.SAME, None), (21, 20, Verdict.AMBIGUOUS, Reason.CONSTANT)])
def test_a_constant_is_no_evidence_beyond_the_step_that_it_is_counted_in(pages, others, verdict, reason):
    contest = paired(by_repetition([pages * PAGE] * 7), by_repetition([others * PAGE] * 7), PAGE)
    [found] = decide([contest])
    assert (found.verdict, found.reason) == (verdict, reason)
    assert found.ratio.low < found.ratio.value < found.ratio.high
    again = decide([independent(contest.candidate, contest.baseline, PAGE)])[0]
    assert again.verdict in (verdict, Verdict.AMBIGUOUS)


def test_the_step_matters_only_where_it_hides_the_spread():
    values = by_repetition([90 * PAGE, 100 * PAGE, 110 * PAGE, 95 * PAGE, 105 * PAGE])
    base = by_repetition([50 * PAGE, 51 * PAGE, 49 * PAGE, 50 * PAGE, 50 * PAGE])
    assert paired(values, base, PAGE).ratio == paired(values, base).ratio


def test_clocked_values_that_are_all_alike_are_known_to_a_bucket_of_the_histograms():
    found = compare(by_repetition([9023] * 5), by_repetition([9023] * 5))
    assert found.verdict is Verdict.SAME and found.ratio.high == pytest.approx(1.004, abs=0.001)


def test_no_common_repetition():
    found = compare({0: 1, 1: 2, 2: 3}, {5: 1, 6: 2, 7: 3})
    assert (found.verdict, found.reason, found.ratio) == (Verdict.AMBIGUOUS, Reason.NO_PAIR, None)


def test_zero_baseline():
    for base in ({0: 0, 1: 0, 2: 0}, {0: 1, 1: 0, 2: 3}):
        found = compare({0: 1, 1: 2, 2: 3}, base)
        assert (found.verdict, found.reason, found.ratio) == (Verdict.AMBIGUOUS, Reason.ZERO_BASELINE, None)


def test_a_candidate_of_nothing_is_certainly_less():
    found = compare(by_repetition([0] * 5), by_repetition([8192] * 5))
    assert found.verdict is Verdict.FASTER and (found.ratio.value, found.ratio.low) == (0, pytest.approx(0, abs=1e-9))
    half = compare(by_repetition([0, 8192, 0, 8192, 0]), by_repetition([8192] * 5))
    assert half.reason is Reason.SPANS


@pytest.mark.parametrize("changes, shift", [
    ([3, 4, 4, 5], Shift.MORE), ([-3, -4, -4, -5], Shift.LESS), ([-1, 0, 0, 1], Shift.SAME),
    ([0, 4, 4, 5], Shift.AMBIGUOUS)])
def test_judge_against_a_tolerance_of_two(changes, shift):
    assert judge(changes, 2).shift is shift


def test_a_judgement_among_many_must_be_more_certain():
    assert judge([3, 4, 4, 5], 2).shift is Shift.MORE
    assert judge([3, 4, 4, 5], 2, family=20).reason is Reason.CORRECTED


def test_growth_of_samples_that_share_no_block_is_welchs():
    before, after = [10.0, 11.0, 9.5, 10.5, 10.2], [30.0, 35.0, 28.0, 33.0, 31.0, 29.0]
    found = growth(after, before)
    assert found.value == pytest.approx(np.mean(after) - np.mean(before))
    errors = [np.var(sample, ddof=1) / len(sample) for sample in (after, before)]
    freedom = sum(errors) ** 2 / (errors[0] ** 2 / 5 + errors[1] ** 2 / 4)
    assert found.high - found.value == pytest.approx(scipy.stats.t.ppf(0.975, freedom) * sum(errors) ** 0.5)
    assert judge_growth(after, before, 5).shift is Shift.MORE and judge_growth(after, before, 25).shift is Shift.SAME
    assert judge_growth([1.0] * 5, [1.0] * 5, 0.5).shift is Shift.SAME
    assert judge_growth([], before, 5).reason is Reason.NO_PAIR and judge_growth(after[:3], before, 5).reason is Reason.TOO_FEW
    assert growth([1.0], before) is None
