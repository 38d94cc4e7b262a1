"""Claim 2: the unconditional write to reader_counter does not scale."""

import dataclasses

from ..quantities import NANOSECONDS, count_of, listing
from ..rows import PREFERRED_WORKLOAD, SPEED_LIMIT, Row, read_side
from ..setting import Setting, guest_words
from ..statistics import MINIMUM_EFFECT, Shift, differences, estimate, judge
from .claim import (RIVALS, SUBJECT, Claim, Finding, Outcome, blocker, figure_words, reasons_words,
                    remarks_elsewhere, unclear_words, untested, verdict_words)

QUOTE = "the unconditional write to reader_counter does not scale"
CRITERION = (
    "Judged without zappers and with thread guests (where exits do not hide contention), by the read side's cost: "
    "walk_ns_mean less that of leak in the same repetition. Borne out at N vCPUs: the cost of rcu-counter grows from 1 "
    "to N vCPUs, grows by more than that of the other row, and is the larger of the two at N, each by more than "
    f"{MINIMUM_EFFECT:.0%} and half a nanosecond with the whole interval. Not borne out: one of the three is clearly "
    "untrue. Everything else is ambiguous. Oversubscribed cells get no verdict, and noisy results are excluded. The "
    "headline is mmio-poll where there is one, at the most vCPUs that are not oversubscribed.")

GUEST = "thread"
# Code alignment changes a walk by some tenths of a nanosecond from build to build.
SMALLEST_GROWTH_NS = 0.5


@dataclasses.dataclass(frozen=True)
class _Cost:
    """A scheme's read-side cost at 1 and at N vCPUs: {repetition: ns} each, with the rows that it came from, and its
    figures in words."""

    one: dict
    many: dict
    rows: list[Row]
    words: str


def _cost(table, variant, one: Setting, many: Setting):
    """_Cost, or the reason (a string) why there is none."""
    costs, rows, words = [], [], []
    for setting in (one, many):
        at = count_of(setting.vcpus, "vCPU")
        row, limit = table.plain_row(setting, variant), table.plain_row(setting, SPEED_LIMIT)
        for name, wanted in ((variant, row), (SPEED_LIMIT, limit)):
            if wanted is None:
                return f"{name} was not measured at {at}"
        everything, quiet = read_side(row, limit), read_side(row, limit, without_noise=True)
        if not everything:
            reason = row.why_absent("walk_ns_mean") or limit.why_absent("walk_ns_mean")
            return f"no read_side_ns of {variant} at {at}" + (f": {reason}" if reason else "")
        costs.append(quiet)
        words.append(figure_words(estimate(quiet.values()), estimate(everything.values()), NANOSECONDS))
        rows += [row, limit]
    return _Cost(*costs, rows, " to ".join(words))


def _outcome(subject: _Cost, rival: _Cost, name, vcpus):
    own_growth = differences(subject.many, subject.one)
    tests = (
        ("growth", own_growth, subject.one, f"the cost of {SUBJECT} does not grow"),
        ("growth beyond the other's", differences(own_growth, differences(rival.many, rival.one)), subject.one,
         f"{SUBJECT} grows no more than {name}"),
        (f"cost at {vcpus} vCPUs", differences(subject.many, rival.many), rival.many,
         f"at {vcpus} vCPUs {SUBJECT} still costs no more than {name}"))
    judged = []
    for what, changes, base, denial in tests:
        scale = estimate(base.values())
        tolerance = max(SMALLEST_GROWTH_NS, MINIMUM_EFFECT * abs(scale.value) if scale else 0)
        judged.append((what, judge(changes.values(), tolerance), denial))
    denials = [denial for _, found, denial in judged if found.shift in (Shift.SAME, Shift.LESS)]
    if denials:
        return Outcome.NOT_BORNE_OUT, "; ".join(denials)
    unclear = unclear_words(((what, found) for what, found, _ in judged), subject.rows + rival.rows)
    if unclear:
        return Outcome.AMBIGUOUS, unclear
    return Outcome.BORNE_OUT, f"{SUBJECT} grows, grows by more than {name}, and costs more at {vcpus} vCPUs"


def _findings(run, table, one, many):
    subject = _cost(table, SUBJECT, one, many)
    findings = []
    for name in RIVALS:
        rival = _cost(table, name, one, many)
        gap = next((cost for cost in (subject, rival) if isinstance(cost, str)), None)
        if gap:
            findings.append(Finding(name, Outcome.NOT_TESTED, gap, setting=many))
            continue
        figures = f"{SUBJECT} {subject.words}, {name} {rival.words}"
        obstacle = blocker(run, subject.rows + rival.rows)
        outcome, why = (Outcome.AMBIGUOUS, obstacle) if obstacle else _outcome(subject, rival, name, many.vcpus)
        findings.append(Finding(name, outcome, why, figures, many))
    return findings


def _steps(table):
    """[(setting at 1 vCPU, the same at N)] where both were run."""
    candidates = [s for s in table.settings
                  if s.zappers == 0 and s.guest == GUEST and table.plain_row(s, SUBJECT) is not None]
    steps = [(one, many) for many in candidates if many.vcpus > 1 and (one := dataclasses.replace(many, vcpus=1)) in candidates]
    return candidates, steps


def _headline_step(table, steps):
    def preference(step):
        one, many = step
        costs = [_cost(table, variant, one, many) for variant in (SUBJECT, *RIVALS)]
        crowded = any(row.has_flag("oversubscribed") for row in table.plain_rows(many))
        return (sum(isinstance(cost, str) for cost in costs), crowded, not many.is_plain,
                many.workload != PREFERRED_WORKLOAD, -many.vcpus, many)
    return min(steps, key=preference, default=None)


def _why_untested(candidates):
    if not candidates:
        return f"{SUBJECT} was not measured without zappers in a {guest_words(GUEST)}"
    counts = sorted({setting.vcpus for setting in candidates})
    return f"{SUBJECT} needs a cell at 1 vCPU and one at more, and was measured only at {listing(map(str, counts))}"


def _figures_sentence(table, step, headline):
    names = [SUBJECT] + [finding.rival for finding in headline if finding.figures]
    costs = [(name, _cost(table, name, *step)) for name in names]
    return "; ".join(f"{name} {cost.words}" for name, cost in costs if isinstance(cost, _Cost))


def judge_scaling(run, table):
    candidates, steps = _steps(table)
    step = _headline_step(table, steps)
    findings = [finding for one, many in steps for finding in _findings(run, table, one, many)]
    if step is None:
        reason = _why_untested(candidates)
        return Claim("scaling", QUOTE, CRITERION, untested(reason),
                     f"NOT TESTED against {listing(RIVALS)}: {reason}.", [], findings)
    one, many = step
    headline = _findings(run, table, one, many)
    decided = [f"against {finding.rival}, {finding.why}" for finding in headline
               if finding.outcome is Outcome.NOT_BORNE_OUT]
    notes = "; ".join(filter(None, [*decided, reasons_words(headline)]))
    costs = _figures_sentence(table, step, headline)
    sentence = (f"{verdict_words(headline)} at {count_of(many.vcpus, 'vCPU')} without zappers ({many.workload}, "
                f"{guest_words(many.guest)})"
                + (f": read-side cost from 1 to {many.vcpus} vCPUs: {costs}" if costs else "")
                + (f" ({notes})" if notes else "") + ".")
    remarks = remarks_elsewhere([finding for finding in findings if finding.setting != many])
    return Claim("scaling", QUOTE, CRITERION, headline, sentence, remarks, findings)
