"""Verdicts on made-up times."""

import random

import pytest
from conftest import timed

from shadowwalk_report.bench.compare import compare
from shadowwalk_report.bench.program import Measurement
from shadowwalk_report.compare.judge import Compared, NotCompared
from shadowwalk_report.statistics import Reason, Verdict


def noisy(seed, mean, rounds=15, spread=0.005):
    source = random.Random(seed)
    return timed(mean * source.gauss(1, spread) for _ in range(rounds))


def only(base, new, minimum_effect=0.02):
    compared, without = compare({"x": base}, {"x": new}, minimum_effect)
    assert not without
    return compared[0]


def test_identical_builds_are_the_same():
    row = only(noisy(1, 100), noisy(2, 100))
    assert row.verdict is Verdict.SAME and row.comparison.reason is None
    assert row.comparison.ratio.low < 1 < row.comparison.ratio.high and abs(row.delta) < 0.6


@pytest.mark.parametrize("seed", range(20))
def test_identical_builds_never_differ(seed):
    assert only(noisy(seed, 100), noisy(seed + 1000, 100)).verdict is Verdict.SAME


def test_ten_percent_slower():
    row = only(noisy(1, 100), noisy(2, 110))
    assert row.verdict is Verdict.SLOWER
    assert row.comparison.ratio.value == pytest.approx(1.1, abs=0.01) and row.delta == 1 and row.comparison.p < 1e-6


def test_swapping_the_builds_mirrors_the_verdict():
    slower = only(noisy(1, 100), noisy(2, 110))
    faster = only(noisy(2, 110), noisy(1, 100))
    assert faster.verdict is Verdict.FASTER and faster.delta == -slower.delta
    assert faster.comparison.ratio.value == pytest.approx(1 / slower.comparison.ratio.value)


def test_a_change_below_the_threshold_is_none_however_significant():
    row = only(noisy(1, 100, spread=0.001), noisy(2, 101, spread=0.001))
    assert row.comparison.p < 1e-6 and row.verdict is Verdict.SAME
    assert only(noisy(1, 100, spread=0.001), noisy(2, 101, spread=0.001), 0.005).verdict is Verdict.SLOWER


def test_wide_samples_are_ambiguous():
    row = only(noisy(1, 100, spread=0.2), noisy(2, 103, spread=0.2))
    assert row.verdict is Verdict.AMBIGUOUS and row.comparison.reason is Reason.SPANS


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_too_few_rounds(rounds):
    row = only(noisy(1, 100, rounds), noisy(2, 110, rounds))
    assert row.verdict is Verdict.AMBIGUOUS and row.comparison.reason is Reason.TOO_FEW


def test_more_benchmarks_take_more_rounds():
    """Four rounds suffice for one benchmark of 4 % and not for ten, but fifteen rounds do; and four do where the change is large."""
    def reasons(rounds, ns):
        base = {str(i): timed([ns_ * (1 + 0.008 * (r % 4 - 1.5)) for r, ns_ in enumerate([100] * rounds)]) for i in range(10)}
        new = {name: timed([ns * (1 + 0.008 * (r % 4 - 1.5)) for r in range(rounds)]) for name in base}
        return {row.comparison.reason for row in compare(base, new, 0.02)[0]} | {
            row.comparison.reason for row in compare({"0": base["0"]}, {"0": new["0"]}, 0.02)[0]}
    assert reasons(4, 104) == {None, Reason.CORRECTED}
    assert reasons(15, 104) == reasons(4, 200) == {None}


def test_significance_is_corrected_over_all_benchmarks():
    many = {str(i): noisy(i, 100) for i in range(50)}
    again = {str(i): noisy(i + 500, 100) for i in range(50)}
    again["7"] = noisy(7777, 110)
    compared, _ = compare(many, again, 0.02)
    assert [row.name for row in compared if row.verdict is Verdict.SLOWER] == ["7"]
    assert all(row.comparison.p_corrected >= row.comparison.p for row in compared)
    assert compared[7].comparison.p_corrected == pytest.approx(50 * compared[7].comparison.p)


def test_one_outlier_a_side_decides_nothing():
    base = timed([100, 100.1, 100.2, 100.3, 100.4, 100.5, 130])
    new = timed([110, 110.1, 110.2, 110.3, 110.4, 110.5, 99])
    assert only(base, new).verdict is Verdict.SLOWER
    assert only(base, timed([100, 100.1, 100.2, 100.3, 100.4, 100.5, 1000])).verdict is Verdict.SAME
    assert only(base, timed([110, 110.1, 110.2, 110.3, 99, 99.1, 99.2])).comparison.reason is Reason.SPANS


def test_the_threshold_is_the_same_both_ways():
    """2 % slower is a ratio of 1.02 one way and of 1 / 1.02 the other: 0.9802 lies between that and 0.98."""
    assert only(noisy(1, 100, spread=1e-6), noisy(2, 98.02, spread=1e-6)).verdict is Verdict.FASTER
    assert only(noisy(2, 98.02, spread=1e-6), noisy(1, 100, spread=1e-6)).verdict is Verdict.SLOWER


def test_benchmarks_that_cannot_be_compared_say_why():
    broken = [*timed([1.0] * 14), Measurement(None, "no /dev/kvm")]
    compared, without = compare({"a": noisy(1, 1), "b": noisy(2, 1), "c": broken},
                                {"b": noisy(3, 1), "c": noisy(4, 1), "d": noisy(5, 1)}, 0.02)
    assert [row.name for row in compared] == ["b"] and isinstance(compared[0], Compared)
    assert without == [NotCompared("a", "new: absent"), NotCompared("c", "base: no /dev/kvm"),
                       NotCompared("d", "base: absent")]
