"""All statistics of the reports: medians, bootstrap intervals, paired comparisons and their verdicts.

Repetitions are few (3 to 10) and each is a block: cells of one repetition ran close together, so that slow drift of the
host hits them alike. Two cells are therefore compared within each repetition first, and the differences or ratios are
summarised over repetitions afterwards.
"""

import dataclasses
import enum
import functools

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 2000
SEED = 20120516
MINIMUM_REPETITIONS = 3
MINIMUM_EFFECT = 0.05


class Reason(enum.Enum):
    """Why there is no verdict."""

    TOO_FEW = f"too few repetitions (fewer than {MINIMUM_REPETITIONS})"
    SPANS = "the interval reaches across the smallest effect that counts"
    NO_PAIR = "no repetition holds both"
    ZERO_BASELINE = "the baseline is zero"


class Verdict(enum.Enum):
    SAME = "SAME"
    FASTER = "FASTER"
    SLOWER = "SLOWER"
    AMBIGUOUS = "AMBIGUOUS"


class Shift(enum.Enum):
    """Where a quantity moved, whether that is good or bad."""

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


@dataclasses.dataclass(frozen=True)
class Judgement:
    """A shift with its estimate. `reason` is set exactly when the shift is AMBIGUOUS."""

    shift: Shift
    estimate: Estimate | None
    reason: Reason | None = None


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Candidate over baseline, paired by repetition. `reason` is set exactly when the verdict is AMBIGUOUS."""

    verdict: Verdict
    ratio: Estimate | None
    reason: Reason | None = None


@functools.lru_cache(maxsize=64)
def _resample_indices(count, stream=0):
    """The same draws for every sample of a size: the report of a run is the same each time it is made. Samples that
    are to be drawn independently of each other take different streams."""
    return np.random.default_rng(SEED + stream).integers(0, count, size=(RESAMPLES, count))


def bootstrap_interval(values, confidence=CONFIDENCE):
    """Percentile bootstrap interval of the median. Needs at least one value."""
    values = np.asarray(values, dtype=float)
    medians = np.median(values[_resample_indices(len(values))], axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(medians, [tail, 1 - tail])
    return float(low), float(high)


def estimate(values):
    """The median of the values with its bootstrap interval; None when there is no value."""
    values = list(values)
    if not values:
        return None
    if len(values) == 1:
        return Estimate(float(values[0]), None, None, 1)
    low, high = bootstrap_interval(values)
    return Estimate(float(np.median(values)), low, high, len(values))


def quotient(numerators, denominators):
    """Median over median, with an interval that holds the doubt of both: they are resampled independently. None when
    there is no value, or no positive denominator."""
    samples = [np.asarray(list(values), dtype=float) for values in (numerators, denominators)]
    if not all(map(len, samples)) or (samples[1] <= 0).any():
        return None
    value = float(np.median(samples[0]) / np.median(samples[1]))
    count = min(map(len, samples))
    if count == 1:
        return Estimate(value, None, None, 1)
    above, below = (np.median(sample[_resample_indices(len(sample), stream)], axis=1)
                    for stream, sample in enumerate(samples))
    low, high = np.quantile(above / below, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(value, float(low), float(high), count)


def range_coverage(count):
    """How often the range of `count` independent values holds the true median: the most any bootstrap can promise."""
    return 1 - 2.0 ** (1 - count)


def _paired(candidate, baseline, combine):
    return {repetition: combine(candidate[repetition], baseline[repetition])
            for repetition in sorted(candidate.keys() & baseline.keys())}


def differences(candidate, baseline):
    """candidate - baseline for each repetition that both have. Arguments and result: {repetition: value}."""
    return _paired(candidate, baseline, lambda a, b: a - b)


def ratios(candidate, baseline):
    """candidate / baseline for each repetition that both have; a repetition whose baseline is zero is dropped."""
    return _paired(candidate, {r: v for r, v in baseline.items() if v != 0}, lambda a, b: a / b)


def judge(changes, tolerance):
    """Is a change, one value a repetition, beyond +-tolerance? Only an interval wholly on one side says so."""
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


def compare(candidate, baseline, lower_is_better=True, minimum_effect=MINIMUM_EFFECT):
    """Is the candidate faster than the baseline? Both: {repetition: value}, values of a time or (not lower_is_better) a
    rate."""
    if candidate.keys() & baseline.keys() and not any(baseline.values()):
        return Comparison(Verdict.AMBIGUOUS, None, Reason.ZERO_BASELINE)
    quotients = ratios(candidate, baseline)
    found = judge([quotient - 1 for quotient in quotients.values()], minimum_effect)
    ratio = estimate(quotients.values())
    if found.shift is Shift.AMBIGUOUS:
        return Comparison(Verdict.AMBIGUOUS, ratio, found.reason)
    if found.shift is Shift.SAME:
        return Comparison(Verdict.SAME, ratio)
    return Comparison(Verdict.SLOWER if (found.shift is Shift.MORE) == lower_is_better else Verdict.FASTER, ratio)
