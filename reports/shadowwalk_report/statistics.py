"""All statistics of the reports: medians, intervals, comparisons and their verdicts.

Repetitions are few (5 to 15) and each is a block: cells of one repetition ran close together, so that slow drift of the
host affects them equally. Two cells of one run are therefore compared within each repetition first, and the logarithms of the
ratios are summarised over repetitions afterwards. Cells of two runs share no block: the logarithms of each side are summarised first.

A verdict is a test by an interval that holds for all comparisons of a family at once (Bonferroni): the interval of level
1 - 0.05/m lies beyond the smallest effect that counts, or, for SAME, each of two one-sided tests at 0.05/m says that the effect is
smaller (TOST, Schuirmann 1987), which is that the interval of level 1 - 2 * 0.05/m lies within it.
"""

import dataclasses
import enum
import math
import statistics

# The names without a use here are those of this file's readers, who find all of the statistics in it.
from .intervals import ALPHA, CONFIDENCE, MEDIAN_REPETITIONS, TRIMMED, Effect, Estimate, effect_of, estimate, range_coverage, welch

MINIMUM_REPETITIONS = 4  # with three, Student's interval is three and a half times as wide as with ten
MINIMUM_EFFECT = 0.05
BUCKET = 1 / 128  # of a value: as fine as the histograms are, from which percentiles come; what values that are all equal are known to


class Reason(enum.Enum):
    """Why there is no verdict: the name is the code, the value is its words."""

    TOO_FEW = f"too few repetitions (fewer than {MINIMUM_REPETITIONS})"
    SPANS = "the interval reaches across the smallest effect that counts"
    CORRECTED = "clear alone, but among so many comparisons its interval reaches across the smallest effect that counts"
    CONSTANT = "repetitions differ by less than the step in which it is counted or clocked, and that step is too coarse to tell"
    ONLY_AGGREGATES = "only aggregates and no repetitions, which a verdict needs: run it without --benchmark_report_aggregates_only"
    NO_PAIR = "no repetition has both"
    ZERO_BASELINE = "the baseline is zero in a repetition, so that there is no ratio"


class Verdict(enum.Enum):
    SAME = "SAME"
    FASTER = "FASTER"
    SLOWER = "SLOWER"
    AMBIGUOUS = "AMBIGUOUS"


class Shift(enum.Enum):
    """The direction in which a quantity changed, good or bad."""

    LESS = "less"
    SAME = "same"
    MORE = "more"
    AMBIGUOUS = "ambiguous"


@dataclasses.dataclass(frozen=True)
class Judgement:
    """A shift with its estimate. `reason` is set exactly when the shift is AMBIGUOUS."""

    shift: Shift
    estimate: Estimate | None
    reason: Reason | None = None


@dataclasses.dataclass(frozen=True)
class Contest:
    """Two samples to compare: `effect` is candidate over baseline. `obstacle`: why they cannot be tested."""

    candidate: tuple
    baseline: tuple
    effect: Effect | None
    obstacle: Reason | None = None

    @property
    def ratio(self):
        return self.effect and self.effect.estimate


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Candidate over baseline. `reason` is set exactly when the verdict is AMBIGUOUS. `ratio` has the interval of this comparison
    alone, `simultaneous` that over all `family` comparisons, which the verdict is by. `p` is that of Student's test that the two are
    equal, `p_corrected` by Bonferroni; None where nothing was tested."""

    verdict: Verdict
    ratio: Estimate | None
    reason: Reason | None = None
    p: float | None = None
    p_corrected: float | None = None
    family: int = 0
    simultaneous: tuple[float, float] | None = None


def _paired(candidate, baseline, combine):
    return {repetition: combine(candidate[repetition], baseline[repetition])
            for repetition in sorted(candidate.keys() & baseline.keys())}


def differences(candidate, baseline):
    """candidate - baseline for each repetition that both have. Arguments and result: {repetition: value}."""
    return _paired(candidate, baseline, lambda a, b: a - b)


def ratios(candidate, baseline):
    """candidate / baseline for each repetition that both have; a repetition whose baseline is as good as zero is dropped."""
    found = _paired(candidate, {r: v for r, v in baseline.items() if v != 0}, lambda a, b: a / b)
    return {repetition: ratio for repetition, ratio in found.items() if math.isfinite(ratio)}


def _shift(effect, family, least, most):
    """Whether the effect is beyond these bounds, or within them."""
    low, high = effect.at(1 - ALPHA / family)
    if low > most:
        return Shift.MORE
    if high < least:
        return Shift.LESS
    low, high = effect.at(1 - 2 * ALPHA / family)
    return Shift.SAME if least <= low and high <= most else Shift.AMBIGUOUS


def _reason(effect, least, most):
    """Why it is neither."""
    if _shift(effect, 1, least, most) is not Shift.AMBIGUOUS:
        return Reason.CORRECTED
    return Reason.CONSTANT if effect.is_coarse else Reason.SPANS


def _judged(effect, tolerance, family=1):
    if effect.count < MINIMUM_REPETITIONS:
        return Judgement(Shift.AMBIGUOUS, effect.estimate, Reason.TOO_FEW)
    shift = _shift(effect, family, -tolerance, tolerance)
    return Judgement(shift, effect.estimate, _reason(effect, -tolerance, tolerance) if shift is Shift.AMBIGUOUS else None)


def judge(changes, tolerance, step=0, family=1):
    """Whether a change, with one value per repetition, is beyond +-tolerance: only if its whole interval is on one side; SAME by
    TOST. `step`: what the changes are counted in. `family`: of how many such judgements it is one."""
    changes = list(changes)
    return _judged(effect_of(changes, step), tolerance, family) if changes else Judgement(Shift.AMBIGUOUS, None, Reason.NO_PAIR)


def growth(after, before):
    """The Estimate of the growth from one sample to another that shares no block with it; None where one has less than two values."""
    samples = list(after), list(before)
    return welch(*(effect_of(sample, 0) for sample in samples)).estimate if min(map(len, samples)) > 1 else None


def judge_growth(after, before, tolerance):
    """The same for the growth from one sample to another that shares no block with it (Welch)."""
    if not after or not before:
        return Judgement(Shift.AMBIGUOUS, None, Reason.NO_PAIR)
    return _judged(welch(*(effect_of(list(sample), 0) for sample in (after, before))), tolerance)


def _rounding(above, below, step=0, share=0):
    """What the ratio of two values is rounded to that are rounded to a step, or to a share of them."""
    return math.hypot(max(step, share * abs(above)) / below, above / below * max(step / below, share))


def paired(candidate, baseline, step=0):
    """The contest of two cells of one run, by the repetitions that both have: {repetition: value} each. `step`: what the values are
    counted in, such as the bytes of a page."""
    common = sorted(candidate.keys() & baseline.keys())
    samples = tuple(candidate[r] for r in common), tuple(baseline[r] for r in common)
    if not common:
        return Contest(*samples, None, Reason.NO_PAIR)
    found = list(ratios(candidate, baseline).values())
    if len(found) < len(common) or any(value <= 0 for value in samples[1]):
        return Contest(*samples, None, Reason.ZERO_BASELINE)
    is_log = all(ratio > 0 for ratio in found)
    middle = statistics.median(found)
    medians = [statistics.median(sample) for sample in samples]
    scale = middle if is_log else 1
    effect = effect_of(list(map(math.log, found)) if is_log else found, _rounding(*medians, step) / scale, is_log,
                     _rounding(*medians, share=BUCKET) / scale)
    return Contest(*samples, effect, Reason.TOO_FEW if len(common) < MINIMUM_REPETITIONS else None)


def _independent_effect(above, below, step):
    """None where there is no ratio: nothing to divide, or a denominator that is not positive."""
    if not above or not below or any(value <= 0 for value in below):
        return None
    def logarithmic(values):
        return effect_of(list(map(math.log, values)), step / statistics.median(values), True, BUCKET)

    divisor = logarithmic(below)
    if all(value > 0 for value in above):
        return welch(logarithmic(above), divisor, True)
    # Zeros and negative numbers have no logarithm: the ratio itself, with the error of its two parts.
    dividend, scale = effect_of(above, step, bucket=BUCKET * abs(statistics.median(above))), math.exp(divisor.mean)
    relative = dataclasses.replace(dividend, mean=dividend.mean / scale, error=dividend.error / scale)
    part = dataclasses.replace(divisor, mean=0, error=divisor.error * abs(relative.mean))
    found = welch(relative, part)
    return found if math.isfinite(found.mean) and math.isfinite(found.error) else None


def quotient(numerators, denominators):
    """Mean over mean, with an interval that includes the uncertainty of both, which are independent. None when there is no value, or
    a denominator that is not positive."""
    found = _independent_effect(list(numerators), list(denominators), 0)
    return found and found.estimate


def independent(candidate, baseline, step=0):
    """The contest of samples of two runs."""
    samples = tuple(map(float, candidate)), tuple(map(float, baseline))
    effect = _independent_effect(*samples, step)
    if effect is None:
        return Contest(*samples, None, Reason.ZERO_BASELINE if all(map(len, samples)) else Reason.TOO_FEW)
    return Contest(*samples, effect, Reason.TOO_FEW if effect.count < MINIMUM_REPETITIONS else None)


def decide(contests, lower_is_better=True, minimum_effect=MINIMUM_EFFECT):
    """Whether each candidate is faster than its baseline: one Comparison each. The contests are one family: the more contests,
    the more certain each must be. Contests that cannot be tested do not count, as their samples are never used."""
    family = sum(contest.obstacle is None for contest in contests)
    verdicts = {Shift.MORE: Verdict.SLOWER if lower_is_better else Verdict.FASTER, Shift.SAME: Verdict.SAME,
                Shift.LESS: Verdict.FASTER if lower_is_better else Verdict.SLOWER, Shift.AMBIGUOUS: Verdict.AMBIGUOUS}
    bounds = 1 / (1 + minimum_effect), 1 + minimum_effect  # reciprocal: swapping the sides mirrors the verdict
    found = []
    for contest in contests:
        if contest.obstacle is not None:
            found.append(Comparison(Verdict.AMBIGUOUS, contest.ratio, contest.obstacle))
            continue
        effect = contest.effect
        verdict = verdicts[_shift(effect, family, *bounds)]
        reason = _reason(effect, *bounds) if verdict is Verdict.AMBIGUOUS else None
        found.append(Comparison(verdict, contest.ratio, reason, effect.p, min(1.0, effect.p * family), family,
                                effect.at(1 - ALPHA / family)))
    return found


def cliffs_delta(first, second):
    """P(second > first) - P(second < first), which is the rank-biserial correlation: -1 to 1; 0 where neither tends to
    be greater."""
    signs = [(b > a) - (b < a) for a in first for b in second]
    return sum(signs) / len(signs)
