"""Is one build faster than another? One verdict a benchmark."""

import dataclasses

from ..statistics import Estimate, Reason, Verdict, cliffs_delta, decide, independent


@dataclasses.dataclass(frozen=True)
class Compared:
    """One benchmark in two builds. Times in ns, one a round. `reason` is set exactly when the verdict is AMBIGUOUS."""

    name: str
    base: list
    new: list
    verdict: Verdict
    ratio: Estimate  # new over base
    delta: float  # Cliff's: 1 when every new time is greater
    p: float | None  # None where there were too few rounds to try
    p_corrected: float | None
    reason: Reason | None = None


@dataclasses.dataclass(frozen=True)
class NotCompared:
    """A benchmark without times in at least one of the builds, and why."""

    name: str
    reason: str


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
    verdicts = decide([independent(new_ns, old_ns) for _, old_ns, new_ns in sound], minimum_effect=minimum_effect)
    compared = [Compared(name, old_ns, new_ns, found.verdict, found.ratio, cliffs_delta(old_ns, new_ns), found.p,
                         found.p_corrected, found.reason) for (name, old_ns, new_ns), found in zip(sound, verdicts)]
    return compared, without


def _why_unusable(measurements):
    if not measurements:
        return "not there"
    return next((m.error for m in measurements if m.ns is None), None)
