"""Whether two samples differ, and by how much, without assuming a distribution."""

import math

import numpy as np
import scipy.stats

EXACT_UP_TO = 50  # values a side: beyond, the normal approximation is as good and much faster


def mann_whitney_p(first, second):
    """Two-sided p of the Mann-Whitney U test: exact, unless values are tied or many."""
    values = np.concatenate([first, second])
    exact = len(np.unique(values)) == len(values) and max(len(first), len(second)) <= EXACT_UP_TO
    return float(scipy.stats.mannwhitneyu(first, second, method="exact" if exact else "asymptotic").pvalue)


def smallest_p(first_count, second_count):
    """The least p that the exact test can give: that of samples which do not overlap."""
    return min(1.0, 2 / math.comb(first_count + second_count, first_count))


def cliffs_delta(first, second):
    """P(second > first) - P(second < first), which is the rank-biserial correlation: -1 to 1, 0 where neither tends to
    be the greater."""
    return float(np.sign(np.subtract.outer(np.asarray(second, float), np.asarray(first, float))).mean())


def holm(p_values):
    """The p values, corrected so that the chance of any false alarm among them all stays below what one is tested at
    (Holm 1979). In the order given."""
    order = np.argsort(p_values, kind="stable")
    corrected = [0.0] * len(p_values)
    greatest = 0.0
    for rank, index in enumerate(order):
        greatest = max(greatest, min(1.0, p_values[index] * (len(p_values) - rank)))
        corrected[index] = float(greatest)
    return corrected
