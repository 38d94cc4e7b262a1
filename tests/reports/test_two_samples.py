"""The statistics that compare two samples, against values worked out by hand or printed in the literature."""

import pytest

from shadowwalk_report.statistics import cliffs_delta, holm, mann_whitney_p, smallest_p


def test_p_of_samples_that_do_not_overlap_is_the_smallest_there_is():
    assert mann_whitney_p([1, 2, 3], [4, 5, 6]) == pytest.approx(2 / 20)  # two of the 20 ways to deal six ranks
    assert smallest_p(3, 3) == pytest.approx(0.1)
    assert smallest_p(15, 15) == pytest.approx(2 / 155117520)


def test_p_of_one_swap():
    # U = 1: of the 20 arrangements, two have U <= 1 and two as much on the other side.
    assert mann_whitney_p([1, 2, 4], [3, 5, 6]) == pytest.approx(4 / 20)


def test_p_of_interleaved_samples_is_great():
    assert mann_whitney_p([1, 3, 5, 7, 9], [2, 4, 6, 8, 10]) > 0.6


def test_p_of_equal_values():
    assert mann_whitney_p([5, 5, 5], [5, 5, 5]) == 1.0
    assert mann_whitney_p([1, 1, 1], [2, 2, 2]) == pytest.approx(2 / 20)
    # Ranks 1.5, 1.5, 3.5 and 3.5, 5, 6: of the 20 arrangements, 2 lie as far out on each side.
    assert mann_whitney_p([1, 1, 2], [2, 3, 4]) == pytest.approx(4 / 20)
    assert 0 < mann_whitney_p([5, 5, 6, 6], [5, 6, 6, 7]) <= 1


@pytest.mark.parametrize("first, second, delta", [
    ([1, 2, 3], [4, 5, 6], 1), ([4, 5, 6], [1, 2, 3], -1), ([1, 2, 3], [1, 2, 3], 0), ([7], [7], 0),
    ([1, 2, 4], [3, 5, 6], 7 / 9)])
def test_cliffs_delta(first, second, delta):
    assert cliffs_delta(first, second) == pytest.approx(delta)


def test_holm_on_an_example_worked_by_hand():
    # Sorted: 0.005 x 4, 0.01 x 3, 0.03 x 2, then 0.04 x 1, which may not fall below the one before it.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_stays_within_one():
    assert holm([0.5, 0.6, 0.9]) == [1.0, 1.0, 1.0]
    assert holm([]) == []
