"""Cliff's delta, against values worked out by hand."""

import pytest

from shadowwalk_report.statistics import cliffs_delta


@pytest.mark.parametrize("first, second, delta", [
    ([1, 2, 3], [4, 5, 6], 1), ([4, 5, 6], [1, 2, 3], -1), ([1, 2, 3], [1, 2, 3], 0), ([7], [7], 0),
    ([1, 2, 4], [3, 5, 6], 7 / 9)])
def test_cliffs_delta(first, second, delta):
    assert cliffs_delta(first, second) == pytest.approx(delta)
