"""Histograms as results contain them: non-empty buckets `[lowest value, highest value, count]`, ascending."""

import dataclasses

import numpy as np

from .untrusted_json import LARGEST, is_number


@dataclasses.dataclass(frozen=True)
class Histogram:
    """Counts of values, each known to within its bucket. A value counts as its bucket's highest one.

    `greatest` is the greatest value where that was recorded, else the upper bound of its bucket; 0 without values.
    """

    upper: np.ndarray
    counts: np.ndarray
    greatest: float = 0

    @staticmethod
    def parse(data):
        """From the JSON object. Raises ValueError with the reason when it is not a histogram."""
        buckets = data.get("buckets") if isinstance(data, dict) else None
        if not isinstance(buckets, list):
            raise ValueError("no list of buckets")
        try:
            table = np.array(buckets, dtype=float).reshape(-1, 3)
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError("a bucket is not [lowest, highest, count]") from error
        if not (table < LARGEST).all() or (table < 0).any():
            raise ValueError("a bucket contains a negative or infinite number")
        bound = float(table[:, 1].max(initial=0))
        greatest = data.get("max")
        return Histogram(table[:, 1], table[:, 2], min(float(greatest), bound) if is_number(greatest) else bound)

    @staticmethod
    def merge(histograms):
        """One histogram of all samples; the histograms may have different buckets."""
        histograms = list(histograms)
        if not histograms:
            return Histogram(np.empty(0), np.empty(0))
        upper, place = np.unique(np.concatenate([h.upper for h in histograms]), return_inverse=True)
        return Histogram(upper, np.bincount(place, np.concatenate([h.counts for h in histograms]), len(upper)),
                         max(h.greatest for h in histograms))

    @property
    def total(self):
        return float(self.counts.sum())

    @property
    def sum(self):
        """Of all values, each as its bucket's highest one."""
        return float(self.upper @ self.counts)

    def cumulative(self, censored=0):
        """Share of samples at or below each `upper`. Censored samples are larger than all others."""
        return np.cumsum(self.counts) / (self.total + censored)

    def percentile(self, share):
        """The smallest bucket bound with at least `share` (0 to 1) of the samples at or below it."""
        if self.total == 0:
            raise ValueError("an empty histogram has no percentile")
        place = np.searchsorted(np.cumsum(self.counts), share * self.total * (1 - 1e-12))
        return float(self.upper[min(place, len(self.upper) - 1)])
