"""All statistics of the reports: medians, bootstrap intervals, comparisons and their verdicts.

Repetitions are few (5 to 15) and each is a block: cells of one repetition ran close together, so that slow drift of the
host affects them equally. Two cells of one run are therefore compared within each repetition first, and the differences or
ratios are summarised over repetitions afterwards. Cells of two runs share no block: their medians are compared.

A difference counts when it is both certain and large enough: the Mann-Whitney test, corrected for the number of
comparisons, says that the samples differ, and the whole interval of the ratio lies beyond the smallest effect that counts.
"""

import dataclasses
import enum
import functools
import itertools
import math
import statistics

import numpy as np
import scipy.stats

CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE
RESAMPLES = 2000
SEED = 20120516
# The range of three values contains the true median in 75 % of cases, that of four in 87 %, that of five in 94 %.
MINIMUM_REPETITIONS = 4
MINIMUM_EFFECT = 0.05
EXACT_UP_TO = 50  # values per sample: beyond, the normal approximation is as good and much faster
MOST_ARRANGEMENTS = 20_000  # of values into two samples, all of which are enumerated: 8 values per sample


class Reason(enum.Enum):
    """Why there is no verdict: the name is the code, the value is its words."""

    TOO_FEW = f"too few repetitions (fewer than {MINIMUM_REPETITIONS})"
    TOO_MANY_COMPARISONS = "too few repetitions for so many comparisons: not even samples without overlap would be significant"
    SPANS = "the interval reaches across the smallest effect that counts"
    NOT_SIGNIFICANT = "the samples overlap too much"
    ONLY_AGGREGATES = "only aggregates and no repetitions, which a verdict needs: run it without --benchmark_report_aggregates_only"
    NO_PAIR = "no repetition has both"
    ZERO_BASELINE = "the baseline is zero"


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
class Estimate:
    """A median over `count` repetitions. With a single repetition there is no interval: `low` and `high` are None."""

    value: float
    low: float | None
    high: float | None
    count: int

    @property
    def least(self):
        """The lower end of the interval, or the value where there is no interval."""
        return self.value if self.low is None else self.low

    @property
    def greatest(self):
        """The upper end of the interval, or the value where there is no interval."""
        return self.value if self.high is None else self.high

    @property
    def fields(self):
        """As figures' CSV files have it."""
        return self.value, self.low, self.high, self.count


@dataclasses.dataclass(frozen=True)
class Judgement:
    """A shift with its estimate. `reason` is set exactly when the shift is AMBIGUOUS."""

    shift: Shift
    estimate: Estimate | None
    reason: Reason | None = None


@dataclasses.dataclass(frozen=True)
class Contest:
    """Two samples to compare: `ratio` is candidate over baseline. `obstacle`: why they cannot be tested."""

    candidate: tuple
    baseline: tuple
    ratio: Estimate | None
    obstacle: Reason | None = None


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Candidate over baseline. `reason` is set exactly when the verdict is AMBIGUOUS. `p` is that of the Mann-Whitney
    test, `p_corrected` by Holm's method over `family` comparisons; None where nothing was tested."""

    verdict: Verdict
    ratio: Estimate | None
    reason: Reason | None = None
    p: float | None = None
    p_corrected: float | None = None
    family: int = 0


@functools.lru_cache(maxsize=64)
def _middle_places(count, stream):
    """The two places in the middle of each resample of a sorted sample. All samples of one size use the same draws, so that
    the report of a run is the same each time. Samples that must be drawn independently take different streams."""
    draws = np.random.default_rng(SEED + stream).integers(0, count, size=(RESAMPLES, count))
    draws.sort(axis=1)
    return draws[:, (count - 1) // 2], draws[:, count // 2]


def _resampled_medians(values, stream=0):
    """The median of each resample. It is drawn from the sorted sample, so that its place is known before its value."""
    ordered = np.sort(np.asarray(values, dtype=float))
    below, above = _middle_places(len(ordered), stream)
    return (ordered[below] + ordered[above]) / 2


def _middle_share(values):
    """(low, high): the quantiles that enclose CONFIDENCE; as np.quantile, without its overhead."""
    places = [(len(values) - 1) * share for share in ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)]
    below = [min(int(place), len(values) - 2) for place in places]
    ordered = np.partition(values, sorted({*below, *(place + 1 for place in below)}))
    low, high = (ordered[at] + (place - at) * (ordered[at + 1] - ordered[at]) for place, at in zip(places, below))
    return float(low), float(high)


def estimate(values):
    """The median of the values with the percentile bootstrap interval of the median; None when there is no value."""
    values = list(values)
    if not values:
        return None
    if len(values) == 1:
        return Estimate(float(values[0]), None, None, 1)
    return Estimate(float(statistics.median(values)), *_middle_share(_resampled_medians(values)), len(values))


def quotient(numerators, denominators):
    """Median over median, with an interval that includes the uncertainty of both: they are resampled independently. None when
    there is no value, or a denominator that is not positive or as good as zero."""
    samples = [np.asarray(list(values), dtype=float) for values in (numerators, denominators)]
    if not all(map(len, samples)) or (samples[1] <= 0).any():
        return None
    count = min(map(len, samples))
    with np.errstate(over="ignore"):
        value = float(np.median(samples[0]) / np.median(samples[1]))
        above, below = (_resampled_medians(sample, stream) for stream, sample in enumerate(samples))
        quotients = above / below
    if not np.isfinite(quotients).all():
        return None
    return Estimate(value, None, None, 1) if count == 1 else Estimate(value, *_middle_share(quotients), count)


def range_coverage(count):
    """How often the range of `count` independent values contains the true median: the most that any bootstrap can reach."""
    return 1 - 2.0 ** (1 - count)


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


def judge(changes, tolerance):
    """Whether a change, with one value per repetition, is beyond +-tolerance: only if its whole interval is on one side."""
    changes = list(changes)
    found = estimate(changes)
    if found is None:
        return Judgement(Shift.AMBIGUOUS, None, Reason.NO_PAIR)
    if found.count < MINIMUM_REPETITIONS:
        return Judgement(Shift.AMBIGUOUS, found, Reason.TOO_FEW)
    if found.low > tolerance:
        return Judgement(Shift.MORE, found)
    if found.high < -tolerance:
        return Judgement(Shift.LESS, found)
    if found.low >= -tolerance and found.high <= tolerance:
        return Judgement(Shift.SAME, found)
    return Judgement(Shift.AMBIGUOUS, found, Reason.SPANS)


@functools.lru_cache(maxsize=16)
def _arrangements(count, chosen):
    return np.array(list(itertools.combinations(range(count), chosen)))


def _enumerated_p(values, first_count):
    """Two-sided p of the rank sum over every arrangement of these values, ties included."""
    ranks = scipy.stats.rankdata(values)
    sums = ranks[_arrangements(len(values), first_count)].sum(axis=1)
    middle = first_count * ranks.mean()
    return float((np.abs(sums - middle) >= abs(ranks[:first_count].sum() - middle) - 1e-9).mean())


def mann_whitney_p(first, second):
    """Two-sided p of the Mann-Whitney U test: exact, unless there are many values, or more than a few with ties."""
    values = np.concatenate([first, second])
    if math.comb(len(values), len(first)) <= MOST_ARRANGEMENTS:
        return _enumerated_p(values, len(first))
    exact = len(np.unique(values)) == len(values) and max(len(first), len(second)) <= EXACT_UP_TO
    return float(scipy.stats.mannwhitneyu(first, second, method="exact" if exact else "asymptotic").pvalue)


def smallest_p(first_count, second_count):
    """The least p that the exact test can give: that of samples which do not overlap."""
    return min(1.0, 2 / math.comb(first_count + second_count, first_count))


def cliffs_delta(first, second):
    """P(second > first) - P(second < first), which is the rank-biserial correlation: -1 to 1; 0 where neither tends to
    be greater."""
    return float(np.sign(np.subtract.outer(np.asarray(second, float), np.asarray(first, float))).mean())


def holm(p_values):
    """The p values, corrected so that the probability of any false positive among all of them stays below the level of a single
    test (Holm 1979). In the given order."""
    order = np.argsort(p_values, kind="stable")
    corrected = np.empty(len(p_values))
    corrected[order] = np.maximum.accumulate(np.array(p_values)[order] * np.arange(len(p_values), 0, -1))
    return np.minimum(corrected, 1.0).tolist()


def paired(candidate, baseline):
    """The contest of two cells of one run, by the repetitions that both have: {repetition: value} each."""
    common = sorted(candidate.keys() & baseline.keys())
    samples = tuple(candidate[r] for r in common), tuple(baseline[r] for r in common)
    if not common:
        return Contest(*samples, None, Reason.NO_PAIR)
    ratio = estimate(ratios(candidate, baseline).values())
    if ratio is None or any(value <= 0 for value in samples[1]):
        return Contest(*samples, ratio, Reason.ZERO_BASELINE)
    return Contest(*samples, ratio, Reason.TOO_FEW if len(common) < MINIMUM_REPETITIONS else None)


def independent(candidate, baseline):
    """The contest of samples of two runs."""
    samples = tuple(map(float, candidate)), tuple(map(float, baseline))
    ratio = quotient(*samples)
    if ratio is None:
        return Contest(*samples, None, Reason.ZERO_BASELINE if all(map(len, samples)) else Reason.TOO_FEW)
    return Contest(*samples, ratio, Reason.TOO_FEW if ratio.count < MINIMUM_REPETITIONS else None)


def _verdict(contest, p_corrected, family, lower_is_better, minimum_effect):
    """The bounds are reciprocal: swapping the sides mirrors the verdict."""
    most = 1 + minimum_effect
    least = 1 / most
    low, high = contest.ratio.low, contest.ratio.high
    if least <= low and high <= most:
        return Verdict.SAME, None
    if least <= high and low <= most:
        return Verdict.AMBIGUOUS, Reason.SPANS
    if p_corrected >= ALPHA:
        hopeless = smallest_p(len(contest.candidate), len(contest.baseline)) * family >= ALPHA
        return Verdict.AMBIGUOUS, Reason.TOO_MANY_COMPARISONS if hopeless else Reason.NOT_SIGNIFICANT
    return Verdict.SLOWER if (low > most) == lower_is_better else Verdict.FASTER, None


def decide(contests, lower_is_better=True, minimum_effect=MINIMUM_EFFECT):
    """Whether each candidate is faster than its baseline: one Comparison each. The contests are one family: the more contests,
    the more certain each must be. Contests that cannot be tested do not count, as their samples are never used."""
    p_values = {place: mann_whitney_p(contest.candidate, contest.baseline)
                for place, contest in enumerate(contests) if contest.obstacle is None}
    corrected = dict(zip(p_values, holm(list(p_values.values()))))
    found = []
    for place, contest in enumerate(contests):
        if contest.obstacle is not None:
            found.append(Comparison(Verdict.AMBIGUOUS, contest.ratio, contest.obstacle))
            continue
        verdict, reason = _verdict(contest, corrected[place], len(p_values), lower_is_better, minimum_effect)
        found.append(Comparison(verdict, contest.ratio, reason, p_values[place], corrected[place], len(p_values)))
    return found
