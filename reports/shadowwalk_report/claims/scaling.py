"""Claim 2: the unconditional write to reader_counter is not good for scaling."""

import dataclasses

from ..quantities import NANOSECONDS, interval, listing, quantity, with_interval
from ..regimes import Regime, regimes_of
from ..rows import PREFERRED_WORKLOAD, SPEED_LIMIT
from ..setting import LATENCY, describe, place_title, telling_axes, where_words
from ..statistics import MINIMUM_EFFECT, MINIMUM_REPETITIONS, Shift, estimate, judge, judge_growth
from .claim import (RIVALS, SUBJECT, Badge, Claim, Finding, Outcome, badge_of, blocker, line_of, noise_remarks, reasons_words,
                    remarks_elsewhere, unclear_brief, unclear_words, untested, verdict_words)
from .cost import Cost, cost_of, is_quiet, is_unperturbed, yardstick_of

QUOTE = "isn't good for scaling"
GUEST = "thread"
FEWEST_CPUS = 4  # with fewer, more vCPUs than two have no CPU of their own
# Code alignment changes a walk by some tenths of a nanosecond from build to build.
SMALLEST_GROWTH_NS = 0.5
CRITERION = (
    "Registered before the run, about the unconditional write of rcu-counter to a variable that all vCPUs share. Judged without zappers and "
    "with thread guests or kernel threads (where exits do not hide contention), by the read side's cost: a walk's time less that of leak in "
    "the same repetition, at one core speed where the run recorded it. Borne out at N vCPUs: the cost of rcu-counter grows from 1 to N vCPUs, "
    f"grows by more than that of the other row, and is the larger of the two at N, each by more than {MINIMUM_EFFECT:.0%} and half a nanosecond with "
    "the whole interval. Not borne out: one of the three is clearly untrue. Everything else is ambiguous. Two vCPUs are no scale: on a host "
    f"of fewer than {FEWEST_CPUS} CPUs the cost is told and scaling is not tested. Where the host had two regimes, of which one moves a cache "
    "line in half the time of the other or less, each is judged alone. Oversubscribed cells get no verdict, and noisy results are excluded. "
    "Each kernel, and user space, is judged alone. The headline is chosen before any figure is looked at: dependent walks (walk mode latency) "
    "where there are any, mmio-poll where there is one, the most vCPUs that are not oversubscribed, the most repetitions.")


def _tolerance(values):
    scale = estimate(values)
    return max(SMALLEST_GROWTH_NS, MINIMUM_EFFECT * abs(scale.value) if scale else 0)


def _judged(subject: Cost, rival: Cost, regime: Regime, use):
    """(outcome, why, short) in one regime."""
    def many(values):
        return list(regime.part(values).values())

    alone = list(subject.at(False, use).values())
    other = many(rival.at(True, use))
    vcpus = subject.many.setting.vcpus
    tests = (
        ("growth", judge_growth(many(subject.at(True, use)), alone, _tolerance(alone)), f"the cost of {SUBJECT} does not grow"),
        ("growth beyond the other's",
         judge_growth(many(subject.over(rival, True, use)), list(subject.over(rival, False, use).values()), _tolerance(alone)),
         f"{SUBJECT} grows no more than {rival.variant}"),
        (f"cost at {vcpus} vCPUs", judge(many(subject.over(rival, True, use)), _tolerance(other)),
         f"at {vcpus} vCPUs {SUBJECT} still costs no more than {rival.variant}"))
    denials = [denial for _, found, denial in tests if found.shift in (Shift.SAME, Shift.LESS)]
    if denials:
        return Outcome.NOT_BORNE_OUT, "; ".join(denials), denials[0]
    judged, rows = [(what, found) for what, found, _ in tests], list(dict.fromkeys(subject.rows + rival.rows))
    if unclear := unclear_words(judged, rows):
        return Outcome.AMBIGUOUS, unclear, unclear_brief(judged, rows)
    return Outcome.BORNE_OUT, f"{SUBJECT} grows, grows by more than {rival.variant}, and costs more at {vcpus} vCPUs", ""


def _judged_by_regime(subject, rival, use):
    """The same over the host's regimes: what all agree on that have enough repetitions."""
    regimes = regimes_of([subject.many, rival.many, subject.limits[1]])
    if not regimes:
        return _judged(subject, rival, Regime(0, 0), use)
    parts = [(regime, _judged(subject, rival, regime, use)) for regime in regimes
             if len(regime.part(subject.over(rival, True, use))) >= MINIMUM_REPETITIONS]
    several = f"two regimes of the host ({' and '.join(regime.words for regime in regimes)})"
    if not parts:
        short = "too few repetitions in each of two regimes of the host"
        return Outcome.AMBIGUOUS, f"{several}, and fewer than {MINIMUM_REPETITIONS} quiet repetitions in each", short
    if len({outcome for _, (outcome, _, _) in parts}) > 1:
        each = "; ".join(f"{outcome.value} where {regime.words}: {why}" for regime, (outcome, why, _) in parts)
        return Outcome.AMBIGUOUS, f"{several} disagree: {each}", "two regimes of the host disagree"
    outcome, why, short = parts[0][1]
    where = "in each" if len(parts) == len(regimes) else f"in that where {parts[0][0].words}; the other has too few repetitions"
    return outcome, f"{why} ({several}; {where})", short


@dataclasses.dataclass(frozen=True)
class _Step:
    """A setting at 1 and at N vCPUs. `costs`: {variant: Cost, or the reason (a string) why there is none}."""

    one: object
    many: object
    costs: dict

    @property
    def measured(self):
        return {name: cost for name, cost in self.costs.items() if isinstance(cost, Cost)}


def cpus_of(run):
    """The number of the host's CPUs; None where it is not recorded."""
    told = {text for result in run.results if (text := result.context.get("num_cpus", "")).isdecimal()}
    return run.host.cpus or max(map(int, told), default=None)


def _too_few_cpus(run, vcpus):
    cpus = cpus_of(run)
    if cpus is None or cpus >= FEWEST_CPUS:
        return ""
    return f"cost at {vcpus} vCPUs; scaling not tested, which needs {FEWEST_CPUS} CPUs or more: this host has {cpus}"


def _findings(run, step):
    subject, findings = step.costs[SUBJECT], []
    for name in RIVALS:
        rival = step.costs[name]
        gap = next((cost for cost in (subject, rival) if isinstance(cost, str)), None)
        if gap:
            findings.append(Finding(name, Outcome.NOT_TESTED, gap, setting=step.many, short=gap))
            continue
        figures = f"{SUBJECT} {subject.words}, {name} {rival.words}"
        rows, noisy = subject.rows + rival.rows, None
        if obstacle := blocker(run, rows):
            outcome, why, short = Outcome.AMBIGUOUS, obstacle, obstacle
        elif few := _too_few_cpus(run, step.many.vcpus):
            outcome, why, short = Outcome.NOT_TESTED, few, few
        else:
            outcome, why, short = _judged_by_regime(subject, rival, is_quiet)
            noisy = _judged_by_regime(subject, rival, is_unperturbed)[0] if any(row.has_noisy for row in rows) else None
        findings.append(Finding(name, outcome, why, figures, step.many, short=short, with_noisy=noisy))
    return findings


def _steps(table):
    """(settings that have the subject, [_Step] where it was run at 1 vCPU and at N)."""
    candidates = [s for s in table.settings
                  if s.zappers == 0 and s.guest == GUEST and table.plain_row(s, SUBJECT) is not None]
    steps = []
    for many in candidates:
        one = dataclasses.replace(many, vcpus=1)
        if many.vcpus > 1 and one in candidates:
            rows = [row for setting in (one, many) for name in (SUBJECT, SPEED_LIMIT, *RIVALS) if (row := table.plain_row(setting, name))]
            yardstick = yardstick_of(rows, many.walks_per_exit)
            steps.append(_Step(one, many, {name: cost_of(table, name, one, many, yardstick) for name in (SUBJECT, *RIVALS)}))
    return candidates, steps


def _headline_step(table, steps):
    def preference(step):
        many = step.many
        crowded = any(row.has_flag("oversubscribed", without_noise=True) for row in table.plain_rows(many))
        repetitions = min(len(row.values_with_noisy(name)) for cost in step.measured.values() for row in cost.rows
                          for name in [cost.yardstick.metric]) if step.measured else 0
        return (len(step.costs) - len(step.measured), crowded, many.walk_mode != LATENCY,
                not many.with_default_pace.is_plain, many.workload != PREFERRED_WORKLOAD, -many.vcpus,
                -repetitions, -many.duration_s, many)
    return min(steps, key=preference, default=None)


def _why_untested(candidates):
    if not candidates:
        return f"{SUBJECT} was not measured without zappers in a {where_words(GUEST)}"
    counts = sorted({setting.vcpus for setting in candidates})
    return f"{SUBJECT} needs a cell at 1 vCPU and one at more, and was measured only at {listing(map(str, counts))}"


def _slope(cost):
    """The growth per vCPU, with its interval."""
    found = cost.growth
    if found is None:
        return None
    more = cost.many.setting.vcpus - 1
    return dataclasses.replace(found, **{name: value and value / more for name, value in (
        ("value", found.value), ("low", found.low), ("high", found.high))})


def _slope_remark(step):
    slopes = [f"{name} {with_interval(slope, NANOSECONDS)}{cost.mark}" for name, cost in step.measured.items() if (slope := _slope(cost))]
    return [f"Slope from 1 to {step.many.vcpus} vCPUs, per vCPU: {', '.join(slopes)}."] if slopes else []


def _crossover_words(subject, rival):
    """From how many vCPUs the subject is the dearer of the two, on the straight line through their costs."""
    use = is_unperturbed if subject.mark or rival.mark else is_quiet
    one, many = (estimate(subject.over(rival, at, use).values()) for at in (False, True))
    if one is None or many is None:
        return ""
    vcpus = subject.many.setting.vcpus
    if one.value > 0 and many.value > 0:
        return f"dearer than {rival.variant} at 1 vCPU already"
    if many.value <= 0:
        return f"no dearer than {rival.variant} up to {vcpus} vCPUs"
    at = 1 + (vcpus - 1) * -one.value / (many.value - one.value)
    return f"dearer than {rival.variant} from about {at:.1f} vCPUs on"


def _crossover_remark(step):
    costs = step.measured
    words = [found for name in RIVALS if SUBJECT in costs and name in costs and (found := _crossover_words(costs[SUBJECT], costs[name]))]
    return [f"Crossover of the costs: {SUBJECT} is {' and '.join(words)}."] if words else []


def _regime_remark(table, step):
    regimes = regimes_of(table.rows(step.many))
    if not regimes:
        return []
    return [f"The host had two regimes: {' or '.join(regime.words for regime in regimes)}. A virtual machine's CPUs were moved: figures of "
            "contention of different repetitions are of different machines."]


def _growth_words(cost):
    """`grows 19.5..41 ns`, or what there is to say else."""
    found, mark = cost.growth, cost.mark
    if found is None or found.low is None:
        return "growth unknown"
    if found.low > SMALLEST_GROWTH_NS:
        return f"grows {found.low:.3g}..{found.high:.3g} ns{mark}"
    if found.high <= SMALLEST_GROWTH_NS:
        return f"does not grow{mark}"
    return f"growth {quantity(found.value, NANOSECONDS)} {interval(found, NANOSECONDS)}{mark}"


def _line(run, step, findings, badge):
    subject, vcpus = step.measured.get(SUBJECT), step.many.vcpus
    if subject and badge is Badge.NOT_TESTED and _too_few_cpus(run, vcpus) == findings[0].why:
        return line_of(f"cost {_growth_words(subject)}; scaling needs >= {FEWEST_CPUS} CPUs")
    if badge is Badge.YES:
        against = listing(finding.rival for finding in findings if finding.outcome is Outcome.BORNE_OUT)
        return line_of(f"cost {_growth_words(subject)} to {vcpus} vCPUs, against {against}")
    wanted = {Badge.NO: Outcome.NOT_BORNE_OUT, Badge.AMBIGUOUS: Outcome.AMBIGUOUS}.get(badge, Outcome.NOT_TESTED)
    return line_of(next(finding.short or finding.why for finding in findings if finding.outcome is wanted))


def judge_scaling(run, table):
    candidates, steps = _steps(table)
    step = _headline_step(table, steps)
    if step is None:
        reason = _why_untested(candidates)
        return Claim("scaling", QUOTE, CRITERION, untested(reason), f"NOT TESTED against {listing(RIVALS)}: {reason}.", [], [],
                     Badge.NOT_TESTED, line_of(reason))
    findings = {each.many: _findings(run, each) for each in steps}
    headline, many = findings[step.many], step.many
    badge = badge_of(headline)
    decided = [f"against {finding.rival}, {finding.why}" for finding in headline
               if finding.outcome is Outcome.NOT_BORNE_OUT or finding.outcome is Outcome.BORNE_OUT and "regimes" in finding.why]
    notes = "; ".join(filter(None, [*decided, reasons_words(headline)]))
    costs = "; ".join(f"{name} {cost.words}" for name, cost in step.measured.items())
    mode = ", dependent walks" if many.walk_mode == LATENCY else ""
    where = describe(many, telling_axes(many, table.settings), zaps=False)
    sentence = (f"{verdict_words(headline)} at {where} without zappers ({place_title(*many.place)}{mode})"
                + (f": read-side cost from 1 to {many.vcpus} vCPUs: {costs}" if costs else "") + (f" ({notes})" if notes else "") + ".")
    told_by = next((cost.yardstick.words for cost in step.measured.values()), "")
    remarks = [*noise_remarks(headline), *_slope_remark(step), *_crossover_remark(step), *_regime_remark(table, step),
               *([f"Judged by {told_by}."] if told_by else []),
               *remarks_elsewhere([finding for setting, found in findings.items() if setting != many for finding in found])]
    return Claim("scaling", QUOTE, CRITERION, headline, sentence, remarks, [finding for found in findings.values() for finding in found],
                 badge, line_of(_line(run, step, headline, badge)))
