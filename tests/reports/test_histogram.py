"""Histograms: merged, read by percentile, and refused when they are none."""

import pytest
from run_factory import histogram

from shadowwalk_report.histogram import Histogram


def test_percentiles_of_known_values():
    parsed = Histogram.parse(histogram(range(1, 101)))
    assert [parsed.percentile(p) for p in (0.5, 0.99, 1.0)] == [50, 99, 100]


def test_a_bucket_counts_as_its_highest_value():
    assert Histogram.parse({"buckets": [[100, 127, 10]]}).percentile(0.5) == 127


def test_merge_adds_counts_and_keeps_order():
    merged = Histogram.merge([Histogram.parse(histogram([1, 5, 5])), Histogram.parse(histogram([5, 3]))])
    assert merged.upper.tolist() == [1, 3, 5]
    assert merged.counts.tolist() == [1, 1, 3]


def test_merge_of_different_bucket_widths():
    merged = Histogram.merge([Histogram.parse({"buckets": [[0, 7, 2], [8, 15, 2]]}),
                              Histogram.parse({"buckets": [[0, 3, 1], [4, 7, 1]]})])
    assert list(zip(merged.upper, merged.counts)) == [(3, 1), (7, 3), (15, 2)]


def test_the_greatest_value_is_known_where_it_was_recorded():
    parsed = [Histogram.parse({"buckets": [[96, 103, 2]], "max": value}) for value in (97, 99, None, "x", 500)]
    assert [found.greatest for found in parsed] == [97, 99, 103, 103, 103]
    assert Histogram.merge(parsed[:2]).greatest == 99
    assert Histogram.merge([]).greatest == Histogram.parse({"buckets": []}).greatest == 0


def test_merge_of_nothing_is_empty():
    assert Histogram.merge([]).total == 0
    with pytest.raises(ValueError, match="empty"):
        Histogram.merge([]).percentile(0.5)


def test_censored_samples_keep_the_curve_below_one():
    assert Histogram.parse(histogram([1, 2, 3])).cumulative(censored=1).tolist() == [0.25, 0.5, 0.75]


@pytest.mark.parametrize("data", [None, [], {}, {"buckets": 3}, {"buckets": [[1, 2]]}, {"buckets": [["a", 2, 3]]},
                                  {"buckets": [[1, 2, -1]]},
                                  {"buckets": [[1, 10**400, 1]]}, {"buckets": [[1, float("inf"), 1]]}])
def test_what_is_no_histogram(data):
    with pytest.raises(ValueError):
        Histogram.parse(data)
