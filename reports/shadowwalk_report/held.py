"""How much memory a scheme holds back, and since when: from the return of the commit where that was recorded, else from the unlink."""

import dataclasses

from .counters import Counter, counter


@dataclasses.dataclass(frozen=True)
class Held:
    """The two counters, and a sentence on what they count."""

    mean: Counter
    peak: Counter
    meaning: str

    @property
    def both(self):
        return self.mean, self.peak

    def greatest(self, rows):
        """The upper end of a scale for these rows."""
        return max(found.greatest for row in rows for metric in self.both if (found := row.estimate(metric.name)))


DEFERRED = Held(counter("deferred_bytes_mean"), counter("deferred_bytes_peak"),
                "Held: the commit has returned and the page is not free; 0 by construction where commit() itself frees.")
RETIRED = Held(counter("retired_bytes_mean"), counter("retired_bytes_peak"),
               "Held: unlinked and not yet free, the batch in hand included: these results do not count deferred memory.")


def held_by(rows):
    """The level by which these rows are compared: DEFERRED if any of them has it."""
    return DEFERRED if any(row.estimate(DEFERRED.peak.name) for row in rows) else RETIRED
