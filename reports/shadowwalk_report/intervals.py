"""Means and medians with their intervals.

A mean is trimmed and has Student's interval (Tukey and McLaughlin 1963; Yuen 1974 for two samples): below 7 values it is the plain
mean, from 7 on that without the least and the greatest 15 %, so that one bad repetition of 7 decides nothing. Of the intervals that
bear one bad repetition, this one covers as promised from 5 repetitions on (tests/reports/test_coverage.py); those of Hodges-Lehmann
and of order statistics must reach to the outlier below 9, and the bootstrap of a median covers 89 to 92 %.

A median has the interval of order statistics, which is exact for any distribution.
"""

import dataclasses
import functools
import math
import statistics

import scipy.special

from .untrusted_json import LARGEST

CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE
MEDIAN_REPETITIONS = 5  # the range of five values holds the median in 94 % of cases, that of four in 87 %
TRIMMED = 0.15  # of the values at each end
_ALIKE = 1e-9  # relative: numbers that differ by less are equal but for the arithmetic
_LARGEST_LOG = math.log(LARGEST)


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A value over `count` repetitions with its interval. With a single repetition there is none: `low` and `high` are None."""

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


@functools.lru_cache(maxsize=4096)
def _student(level, freedom):
    """The quantile of Student's distribution that encloses `level` on both sides."""
    return float(scipy.special.stdtrit(freedom, 0.5 + level / 2))


@dataclasses.dataclass(frozen=True)
class Effect:
    """A mean with its standard error. `is_coarse`: the values differ by less than the step that they are told in, which the error
    then comes from. `is_log`: of logarithms of ratios, else of ratios or differences themselves."""

    mean: float
    error: float
    freedom: float
    count: int
    is_coarse: bool = False
    is_log: bool = False

    def _told(self, value):
        most = _LARGEST_LOG if self.is_log else LARGEST
        value = max(-most, min(most, value))
        return math.exp(value) if self.is_log else value

    def at(self, level):
        """(low, high): the interval of this level."""
        reach = _student(level, self.freedom) * self.error
        return self._told(self.mean - reach), self._told(self.mean + reach)

    @property
    def estimate(self):
        return Estimate(self._told(self.mean), *(self.at(CONFIDENCE) if self.freedom > 0 else (None, None)), self.count)

    @property
    def p(self):
        """Of Student's two-sided test that there is no effect at all."""
        if self.error == 0:
            return float(self.mean == (0 if self.is_log else 1))
        beyond = abs(self.mean - (0 if self.is_log else 1)) / self.error
        return float(2 * scipy.special.stdtr(self.freedom, -beyond))


def effect_of(values, step, is_log=False, bucket=0):
    """The trimmed mean and its error, by the winsorised deviations (Yuen's form). `step`: what the values are rounded to; a
    rounding error is spread evenly over the step. `bucket`: the same for values that may be rounded, which shows where all are equal."""
    ordered, count = sorted(values), len(values)
    cut = int(TRIMMED * count)
    kept = ordered[cut:count - cut]
    mean = math.fsum(kept) / len(kept)
    winsorised = [kept[0]] * cut + kept + [kept[-1]] * cut
    middle = math.fsum(winsorised) / count
    freedom = len(kept) - 1
    observed = math.sqrt(math.fsum((value - middle) ** 2 for value in winsorised) / (len(kept) * max(freedom, 1)))
    rounding = (step if observed > _ALIKE * abs(mean) + _ALIKE * is_log else max(step, bucket)) / math.sqrt(12 * len(kept))
    return Effect(mean, max(observed, rounding), freedom, count, rounding > observed, is_log)


def welch(above, below, is_log=False):
    """The effect of two independent samples: above - below."""
    squares = above.error ** 2, below.error ** 2
    spread, freedom = sum(squares), min(above.freedom, below.freedom)
    if freedom > 0 and 0 < spread < math.inf:
        freedom = 1 / sum((square / spread) ** 2 / effect.freedom for square, effect in zip(squares, (above, below)))
    return Effect(above.mean - below.mean, math.sqrt(spread), freedom, min(above.count, below.count),
                   above.is_coarse and below.is_coarse, is_log)


@functools.lru_cache(maxsize=1024)
def _outside(count):
    """How many values of `count` lie outside the interval of the median at each end: order statistics, exact for any distribution."""
    most = 0
    while 2 * scipy.special.bdtr(most + 1, count, 0.5) <= ALPHA:
        most += 1
    return most


def estimate(values):
    """The median of the values with the interval of order statistics, which for 5 values or fewer is their range; None when there is
    no value."""
    ordered = sorted(map(float, values))
    if not ordered:
        return None
    if len(ordered) == 1:
        return Estimate(ordered[0], None, None, 1)
    outside = _outside(len(ordered))
    return Estimate(statistics.median(ordered), ordered[outside], ordered[-1 - outside], len(ordered))


def range_coverage(count):
    """How often the range of `count` independent values contains the true median: the most that any interval within it can reach."""
    return 1 - 2.0 ** (1 - count)
