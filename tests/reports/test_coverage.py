"""The intervals hold the truth as often as they promise, by simulation: normal, lognormal and bimodal noise, drift that is
autocorrelated over the repetitions, heavy tails and outliers. docs/reports.md has the figures."""

import numpy as np
import pytest

from shadowwalk_report.statistics import ALPHA, MINIMUM_REPETITIONS, TRIMMED, decide, independent, paired

TRUTH = 1.1
RUNS = 2500
COUNTS = range(5, 16)
LEAST = 0.94
NOISE = 3.3 * (LEAST * (1 - LEAST) / RUNS) ** 0.5  # of the simulation itself, one in a thousand


def normal(dice, shape):
    return dice.normal(1, 0.1, shape)


def lognormal(dice, shape):
    return dice.lognormal(0, 0.4, shape)


def bimodal(dice, shape):
    """A host that doubles every time in half of the cells."""
    return dice.normal(1, 0.02, shape) * 2 ** dice.integers(0, 2, shape)


def heavy(dice, shape):
    return np.exp(0.02 * dice.standard_t(2, shape))


def outlying(dice, shape):
    """One cell of 20 takes twice as long."""
    return dice.normal(1, 0.01, shape) * 2 ** (dice.random(shape) < 0.05)


def drift(dice, runs, count):
    """What both cells of a pair share: a walk that forgets a tenth from pair to pair, and a hundredth from cell to cell."""
    steps = dice.normal(0, 1, (runs, count, 2))
    level, cells = np.zeros(runs), np.empty((runs, count, 2))
    for repetition in range(count):
        for cell, memory in ((0, 0.9), (1, 0.99)):
            level = memory * level + (1 - memory ** 2) ** 0.5 * steps[:, repetition, cell]
            cells[:, repetition, cell] = level
    swapped = dice.random((runs, count)) < 0.5  # the variants within a setting are shuffled
    cells[swapped] = cells[swapped][:, ::-1]
    return np.exp(0.2 * cells)


def samples(dice, noise, runs, count):
    """[(candidate, baseline)] of runs whose true ratio is TRUTH."""
    if noise == "autocorrelated":
        pairs = drift(dice, runs, count) * dice.normal(1, 0.01, (runs, count, 2))
        return zip(TRUTH * pairs[:, :, 0], pairs[:, :, 1])
    return zip(TRUTH * noise(dice, (runs, count)), noise(dice, (runs, count)))


def coverage(contest_of, noise, count, level=None):
    """The share of intervals that hold the truth. `level`: the interval of one of so many comparisons."""
    held = 0
    for candidate, baseline in samples(np.random.default_rng(count), noise, RUNS, count):
        contest = contest_of(candidate, baseline)
        low, high = contest.effect.at(level) if level else (contest.ratio.low, contest.ratio.high)
        held += low <= TRUTH <= high
    return held / RUNS


def of_one_run(candidate, baseline):
    return paired(dict(enumerate(candidate)), dict(enumerate(baseline)))


PAIRED = (normal, lognormal, bimodal, "autocorrelated", heavy, outlying)
INDEPENDENT = (normal, lognormal, heavy, outlying)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("noise", PAIRED, ids=lambda noise: getattr(noise, "__name__", noise))
def test_the_interval_of_two_cells_of_one_run_holds_the_truth(noise, count):
    assert coverage(of_one_run, noise, count) >= LEAST - NOISE


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("noise", INDEPENDENT, ids=lambda noise: noise.__name__)
def test_the_interval_of_two_runs_holds_the_truth(noise, count):
    assert coverage(independent, noise, count) >= LEAST - NOISE


@pytest.mark.parametrize("noise", PAIRED, ids=lambda noise: getattr(noise, "__name__", noise))
@pytest.mark.parametrize("count", (5, 7, 10, 15))
def test_simultaneous_intervals_hold_the_truth_too(noise, count):
    """One of 20: the tails that a verdict among many is decided in."""
    assert coverage(of_one_run, noise, count, 1 - ALPHA / 20) >= 1 - 2 * ALPHA / 20 - 0.001


def test_one_bad_repetition_of_seven_is_what_the_trimming_bears():
    assert int(TRIMMED * 7) == 1 and int(TRIMMED * 6) == 0 and MINIMUM_REPETITIONS > 3


def test_a_whole_family_holds_its_truths_together():
    """Of 20 comparisons with 7 repetitions, all intervals of the family hold theirs in 95 % of families."""
    dice, families = np.random.default_rng(3), 500
    held = 0
    for _ in range(families):
        contests = [of_one_run(*pair) for pair in samples(dice, lognormal, 20, 7)]
        held += all(low <= TRUTH <= high for low, high in (found.simultaneous for found in decide(contests)))
    assert held / families >= 0.95 - 3 * (0.05 * 0.95 / families) ** 0.5
