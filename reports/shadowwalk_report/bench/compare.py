"""Is one build faster than another? One verdict a benchmark."""

import dataclasses
import enum

from .. import statistics
from ..statistics import Estimate, Verdict
from ..two_samples import cliffs_delta, holm, mann_whitney_p, smallest_p

ALPHA = 1 - statistics.CONFIDENCE


class Reason(enum.Enum):
    """Why there is no verdict."""

    TOO_FEW = "too few rounds: not even samples without overlap would be significant"
    SPANS = "the interval reaches across the smallest effect that counts"
    NOT_SIGNIFICANT = "the samples overlap too much"


@dataclasses.dataclass(frozen=True)
class Compared:
    """One benchmark in two builds. Times in ns, one a round. `reason` is set exactly when the verdict is AMBIGUOUS."""

    name: str
    base: list
    new: list
    verdict: Verdict
    ratio: Estimate  # new over base
    delta: float  # Cliff's: 1 when every new time is greater
    p: float
    p_corrected: float
    reason: Reason | None = None


@dataclasses.dataclass(frozen=True)
class NotCompared:
    """A benchmark without times in at least one of the builds, and why."""

    name: str
    reason: str


def _judge(base, new, p_corrected, ratio, benchmarks, minimum_effect):
    """FASTER and SLOWER take significance and an effect that is certainly beyond the minimum; SAME an effect that is
    certainly within it. The bounds are reciprocal: swapping the builds mirrors the verdict."""
    most = 1 + minimum_effect
    least = 1 / most
    if smallest_p(len(base), len(new)) * benchmarks >= ALPHA or ratio.low is None:
        return Verdict.AMBIGUOUS, Reason.TOO_FEW
    if least <= ratio.low and ratio.high <= most:
        return Verdict.SAME, None
    if ratio.low > most or ratio.high < least:
        if p_corrected >= ALPHA:
            return Verdict.AMBIGUOUS, Reason.NOT_SIGNIFICANT
        return (Verdict.SLOWER if ratio.low > most else Verdict.FASTER), None
    return Verdict.AMBIGUOUS, Reason.SPANS


def compare(base, new, minimum_effect):
    """base, new: {name: [Measurement of each round]}. Returns ([Compared], [NotCompared]), in the order of `base`."""
    sound, without = [], []
    for name in [*base, *(name for name in new if name not in base)]:
        why = next((f"{side}: {why}" for side, runs in (("base", base), ("new", new))
                    if (why := _why_unusable(runs.get(name)))), None)
        if why is None:
            sound.append((name, *([m.ns for m in runs[name]] for runs in (base, new))))
        else:
            without.append(NotCompared(name, why))
    p_values = [mann_whitney_p(old_ns, new_ns) for _, old_ns, new_ns in sound]
    compared = []
    for (name, old_ns, new_ns), p, p_corrected in zip(sound, p_values, holm(p_values)):
        ratio = statistics.quotient(new_ns, old_ns)
        verdict, reason = _judge(old_ns, new_ns, p_corrected, ratio, len(sound), minimum_effect)
        compared.append(Compared(name, old_ns, new_ns, verdict, ratio, cliffs_delta(old_ns, new_ns), p, p_corrected,
                                 reason))
    return compared, without


def _why_unusable(measurements):
    if not measurements:
        return "not there"
    return next((m.error for m in measurements if m.ns is None), None)
