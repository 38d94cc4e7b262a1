"""What the lab's own table says about counters."""

import pytest

from shadowwalk_report.counters import counter, counters, distribution
from shadowwalk_report.quantities import BYTES, NANOSECONDS, PER_SECOND


def test_a_counter_has_title_units_and_direction():
    walks, peak = counters("walks_per_second", "retired_bytes_peak")
    assert (walks.title, walks.units, walks.lower_is_better) == ("walks", PER_SECOND, False)
    assert (peak.title, peak.units, peak.lower_is_better) == ("retired peak", BYTES, True)


def test_the_title_of_a_quantile_is_its_distributions():
    assert (distribution("walk_ns").title, distribution("walk_ns").units) == ("walk", NANOSECONDS)
    assert [counter(f"walk_ns_{quantile}").title for quantile in ("mean", "p50", "p999")] == ["walk mean", "walk p50", "walk p99.9"]
    assert counter("free_ns_max").title == "free max" and counter("free_ns_max").meaning == distribution("free_ns").meaning


def test_latencies_that_a_saturated_cell_only_lengthens_are_known():
    assert {name for name in ("zap_ns_p99", "free_ns_p99", "zap_service_ns_p99", "walk_ns_p99") if counter(name).grows_with_run} == {
        "zap_ns_p99", "free_ns_p99"}


def test_an_unknown_name_is_an_error():
    with pytest.raises(KeyError):
        counter("walk_ns_p51")
    with pytest.raises(KeyError):
        distribution("walks_per_second")
