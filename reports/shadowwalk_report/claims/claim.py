"""The parts of a claim's judgement, and the rules that both claims share."""

import collections
import dataclasses
import enum

from ..grouping import grouped
from ..quantities import listing, with_interval
from ..rows import reason_words
from ..setting import Setting

SUBJECT = "rcu-counter"
RIVALS = ("irq-ipi", "irq-ipi-2012")


class Outcome(enum.Enum):
    BORNE_OUT = "BORNE OUT"
    NOT_BORNE_OUT = "NOT BORNE OUT"
    AMBIGUOUS = "AMBIGUOUS"
    NOT_TESTED = "NOT TESTED"

    @property
    def slug(self):
        return self.value.lower().replace(" ", "-")


@dataclasses.dataclass(frozen=True)
class Finding:
    """The outcome against one row in one setting. `why` is what decided it; `figures` is one clause, or empty."""

    rival: str
    outcome: Outcome
    why: str
    figures: str = ""
    setting: Setting | None = None
    rcu_interval_ns: int = 0


@dataclasses.dataclass(frozen=True)
class Claim:
    """A claim's verdict: `sentence` and `headline`, with one finding per rival, for the headline setting; `findings` for all settings."""

    name: str
    quote: str
    criterion: str
    headline: list[Finding]
    sentence: str
    remarks: list[str]
    findings: list[Finding]


def blocker(run, rows):
    """Why rows may not be compared at all; empty when they may."""
    if len(run.hosts) > 1:
        return "the results come from several hosts"
    for row in rows:
        if row.broken:
            return f"{row.variant} has violations"
        if row.has_flag("oversubscribed"):
            return "oversubscribed: more busy threads than CPUs"
    return ""


def figure_words(quiet, everything, units):
    """The estimate behind a verdict; where only noisy results exist, their estimate, marked as noisy."""
    if quiet is None and everything is not None:
        return f"{with_interval(everything, units)} (noisy)"
    return with_interval(quiet, units)


def unclear_words(judged, rows):
    """`peak and mean: <reason>` over [(what, Judgement)]; empty when all are clear."""
    reasons = grouped((reason_words(found.reason, rows), what) for what, found in judged if found.reason)
    return "; ".join(f"{listing(what)}: {reason}" for reason, what in reasons.items())


def untested(reason):
    """One NOT TESTED finding per rival."""
    return [Finding(rival, Outcome.NOT_TESTED, reason) for rival in RIVALS]


def verdict_words(findings):
    """`BORNE OUT against irq-ipi and irq-ipi-2012`, or each outcome with its rows."""
    by_outcome = grouped((finding.outcome, finding.rival) for finding in findings)
    return " and ".join(f"{outcome.value} against {listing(rivals)}" for outcome, rivals in by_outcome.items())


def reasons_words(findings):
    """The reasons of findings without a verdict, each once."""
    reasons = grouped((finding.why, finding.rival) for finding in findings
                      if finding.outcome in (Outcome.AMBIGUOUS, Outcome.NOT_TESTED))
    return "; ".join(f"{listing(rivals)}: {why}" for why, rivals in reasons.items())


def remarks_elsewhere(findings, where=""):
    """[`In the run's other settings: irq-ipi 4 BORNE OUT, 1 AMBIGUOUS; ...`], if there are findings in others."""
    tallies = []
    for rival in RIVALS:
        counts = collections.Counter(finding.outcome.value for finding in findings if finding.rival == rival)
        tallies += [f"{rival} " + ", ".join(f"{count} {outcome}" for outcome, count in counts.items())] if counts else []
    return [f"In the run's other settings{where}: {'; '.join(tallies)}."] if tallies else []
