"""Bounds held against made-up figures, and that what they name is there."""

import os
import re

import pytest
from conftest import timed

from shadowwalk_report.bench.bounds import Outcome, bounds, counted, exact_pattern, growth, judge, ratio
from shadowwalk_report.bench.program import Measurement, Program

RATIO = ratio("subject", "floor", 1.25)


def ratio_of(subject, floor):
    return judge(RATIO, {"subject": timed(subject), "floor": timed(floor)})


def test_held():
    finding = ratio_of([12, 12.1, 12.2, 11.9, 12], [10] * 5)
    assert finding.outcome is Outcome.HELD and finding.value.value == pytest.approx(1.2)


def test_not_held():
    assert ratio_of([13, 13.1, 13.2, 12.9, 13], [10] * 5).outcome is Outcome.NOT_HELD


@pytest.mark.parametrize("median", [12.4, 12.6])
def test_undecided_across_the_limit(median):
    finding = ratio_of([12, 13, 12, 13, median], [10] * 5)
    assert finding.outcome is Outcome.UNDECIDED and "across" in finding.reason


def test_undecided_with_too_few_rounds():
    finding = ratio_of([10, 10], [10, 10])
    assert finding.outcome is Outcome.UNDECIDED and "too few" in finding.reason


def test_quotients_are_taken_within_a_round():
    """A host that slows down threefold during the run does not blur the ratio."""
    drift = [1, 1.5, 2, 2.5, 3]
    finding = ratio_of([12 * factor for factor in drift], [10 * factor for factor in drift])
    assert finding.outcome is Outcome.HELD
    assert finding.value.low == pytest.approx(1.2) and finding.value.high == pytest.approx(1.2)


def test_not_measured_says_why():
    missing = judge(RATIO, {"subject": timed([1.0] * 5)})
    assert missing.outcome is Outcome.NOT_MEASURED and missing.reason == "floor: absent" and missing.value is None
    skipped = judge(RATIO, {"subject": [Measurement(None, "no /dev/kvm")] * 5, "floor": timed([1.0] * 5)})
    assert skipped.outcome is Outcome.NOT_MEASURED and skipped.reason == "subject: no /dev/kvm"


def test_growth_is_greatest_over_least_wherever_they_are():
    bound = growth(("z/pages:1", "z/pages:2", "z/pages:3"), 1.5)
    names = dict(zip(bound.names, ([10.0] * 5, [14.0] * 5, [12.0] * 5)))
    finding = judge(bound, {name: timed(times) for name, times in names.items()})
    assert finding.outcome is Outcome.HELD and finding.value.value == pytest.approx(1.4)
    names["z/pages:2"] = [16.0] * 5
    assert judge(bound, {name: timed(times) for name, times in names.items()}).outcome is Outcome.NOT_HELD


@pytest.mark.parametrize("value, outcome", [(1.0999, Outcome.HELD), (1.1001, Outcome.NOT_HELD)])
def test_a_count_needs_no_repetition(value, outcome):
    bound = counted("m", "bytes_over_tables", 1.1)
    assert judge(bound, {"m": [Measurement(1.0, "", {"bytes_over_tables": value})]}).outcome is outcome


def test_a_count_that_is_not_there():
    finding = judge(counted("m", "bytes_over_tables", 1.1), {"m": timed([1.0])})
    assert finding.outcome is Outcome.NOT_MEASURED and "bytes_over_tables" in finding.reason


def test_the_projects_bounds():
    """What the project has set itself; whoever changes a limit changes it here, too."""
    texts = {bound.words for bound in bounds(["leak"])}
    assert {"walk/leak/threads:1 <= 1.05 x floor/pointer_chase/threads:1",
            "section/irq-ipi/threads:1 <= 1.25 x floor/xchg/threads:1",
            "section/rcu-counter/threads:2 <= 1.1 x floor/rcu_counter_by_hand/threads:2",
            "walk/qsbr/threads:1 <= 1.2 x walk/leak/threads:1",
            "walk/mode-membarrier/threads:2 <= 1.2 x walk/leak/threads:2",
            "walk/irq-ipi/threads:1 <= 2.3 x walk/leak/threads:1",
            "walk/hazard-asym/threads:2 <= 2.5 x walk/leak/threads:2",
            "walk/hazard/threads:1 <= 1 x peer/ck/hp/threads:1", "walk/hazard/threads:2 <= 1 x peer/ck/hp/threads:2",
            "walk/ebr/threads:2 <= 1 x peer/ck/epoch/threads:2", "walk/rcu/threads:1 <= 1.05 x peer/urcu/memb/threads:1",
            "exit/mmio <= 1.05 x floor/kvm_run/mmio",
            "exit/doorbell/burst:1024 <= 1.05 x floor/kvm_run/doorbell/burst:1024",
            "zap_all/leak/pages:1000..1000000 flat within 1.5 x",
            "memory/leak/pages:1000000 bytes_over_tables <= 1.1"} <= texts


def test_every_name_is_a_benchmark():
    names = set(Program(os.environ["SHADOWWALK_BENCH"]).names())
    cpus = max(int(match[1]) for name in names if (match := re.search(r"/threads:(\d+)$", name)))
    for bound in bounds(["leak", "irq-ipi"]):
        for name in bound.names:
            beyond = re.search(r"/threads:(\d+)$", name)
            assert name in names or (beyond and int(beyond[1]) > cpus), name


def test_a_peer_that_was_not_built_is_told_and_not_passed_over():
    finding = judge(ratio("walk/hazard/threads:1", "peer/ck/hp/threads:1", 1.0),
                    {"walk/hazard/threads:1": timed([9.0] * 5),
                     "peer/ck/hp/threads:1": [Measurement(None, "libck-dev was not there when this was built")] * 5})
    assert finding.outcome is Outcome.NOT_MEASURED
    assert finding.reason == "peer/ck/hp/threads:1: libck-dev was not there when this was built"


def test_the_pattern_matches_what_it_shall_and_no_more():
    pattern = exact_pattern(["walk/leak/threads:1", "exit/mmio", "zap_all/irq-ipi/pages:1000"])
    full = ["walk/leak/threads:1", "walk/leak/real_time/threads:1", "exit/mmio/real_time",
            "zap_all/irq-ipi/pages:1000/iterations:100000/manual_time"]
    others = ["walk/leak/threads:12", "floor/kvm_run/exit/mmio", "exit/mmio/real_time/x",
              "zap_all/irq-ipi/pages:10000/iterations:100000/manual_time", "zap_all/irq-ipi-2012/pages:1000"]
    assert [name for name in full + others if re.search(pattern, name)] == full
    program = Program(os.environ["SHADOWWALK_BENCH"])
    assert sorted(program.names(pattern)) == sorted(["walk/leak/threads:1", "exit/mmio", "zap_all/irq-ipi/pages:1000"])
