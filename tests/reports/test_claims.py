"""Both claims of the patch: their words, and a run that tests neither."""

from claim_factory import both, memory_run, verdicts, zapped

from shadowwalk_report.claims.claim import Outcome


def test_the_quotations_are_those_of_the_patch(factory, judge):
    memory_run(factory, zapped(26))
    memory, scaling = judge(factory)
    assert memory.quote == ("RCU can increase the amount of memory in use by the system, since RCU grace periods are unpredictable")
    assert scaling.quote == "isn't good for scaling"
    for claim in (memory, scaling):
        assert not any(mark in text for mark in "\"“”" for text in (claim.sentence, claim.criterion, *claim.remarks))


def test_an_empty_run_tests_nothing(factory, judge):
    factory.plan()
    assert [verdicts(claim) for claim in judge(factory)] == [both(Outcome.NOT_TESTED)] * 2
