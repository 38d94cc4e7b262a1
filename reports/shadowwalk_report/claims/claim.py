"""The parts of a claim's judgement, and the rules that both claims share."""

import collections
import dataclasses
import enum
import textwrap

from ..grouping import grouped
from ..kernels import USER_SPACE
from ..quantities import NANOSECONDS, listing, quantity
from ..rows import brief_reason, reason_words
from ..setting import HOST_INTERVAL, LIBURCU, OWN_INTERVAL, Setting

SUBJECT = "rcu-counter"
RIVALS = ("irq-ipi", "irq-ipi-2012")
LINE_WIDTH = 72  # of a mail


class Outcome(enum.Enum):
    BORNE_OUT = "BORNE OUT"
    NOT_BORNE_OUT = "NOT BORNE OUT"
    AMBIGUOUS = "AMBIGUOUS"
    NOT_TESTED = "NOT TESTED"

    @property
    def slug(self):
        return self.value.lower().replace(" ", "-")


class Badge(enum.Enum):
    """The answer to a claim in a word or two."""

    YES = "YES"
    NO = "NO"
    AMBIGUOUS = "AMBIGUOUS"
    NOT_TESTED = "NOT TESTED"

    @property
    def slug(self):
        """That of the outcome that it stands for."""
        return next(outcome.slug for outcome, badge in _BADGES.items() if badge is self)


_BADGES = {Outcome.BORNE_OUT: Badge.YES, Outcome.NOT_BORNE_OUT: Badge.NO, Outcome.AMBIGUOUS: Badge.AMBIGUOUS,
           Outcome.NOT_TESTED: Badge.NOT_TESTED}


@dataclasses.dataclass(frozen=True)
class Finding:
    """The outcome against one row in one setting. `why` is what decided it; `figures` is one clause, or empty. `short`: `why` in a few
    words. `with_noisy`: the outcome with noisy results; None where that was not asked for or none is noisy."""

    rival: str
    outcome: Outcome
    why: str
    figures: str = ""
    setting: Setting | None = None
    rcu_interval_ns: int = 0
    grace_period: str = LIBURCU
    short: str = ""
    with_noisy: Outcome | None = None

    @property
    def interval_words(self):
        """The RCU interval as a column shows it."""
        if self.setting and self.setting.is_kernel:
            return OWN_INTERVAL
        return quantity(self.rcu_interval_ns, NANOSECONDS) if self.grace_period == LIBURCU else HOST_INTERVAL

    @property
    def differs_with_noisy(self):
        return self.with_noisy not in (None, self.outcome)


@dataclasses.dataclass(frozen=True)
class Claim:
    """A claim's verdict on one platform: `sentence` and `headline`, with one finding per rival, for the headline setting; `findings` for
    all settings. `badge` and `line`, which has at most LINE_WIDTH characters, answer it at a glance. `others`: the same claim elsewhere."""

    name: str
    quote: str
    criterion: str
    headline: list[Finding]
    sentence: str
    remarks: list[str]
    findings: list[Finding]
    badge: Badge
    line: str
    platform: str = ""  # in words; empty: there are no cells at all
    others: tuple = ()

    @property
    def everywhere(self):
        """It and the others."""
        return self, *self.others

    @property
    def label(self):
        """The platform, where a reader might take it for another."""
        return self.platform if self.others or self.platform != USER_SPACE else ""

    @property
    def has_cells(self):
        """The platform has cells by which it is judged, whatever they say."""
        return any(finding.setting for finding in self.headline)

    @property
    def differs_with_noisy(self):
        return any(finding.differs_with_noisy for finding in self.headline)


def badge_of(findings):
    """YES if borne out against one of the rows: the line says against which. Without that, what was judged prevails over what was
    not tested, and doubt over a NO."""
    outcomes = {finding.outcome for finding in findings}
    order = (Outcome.BORNE_OUT, Outcome.AMBIGUOUS, Outcome.NOT_BORNE_OUT, Outcome.NOT_TESTED)
    return _BADGES[next((outcome for outcome in order if outcome in outcomes), Outcome.NOT_TESTED)]


def line_of(words):
    """The words on one line of a mail."""
    return textwrap.shorten(words, LINE_WIDTH, placeholder=" ...")


def values_of(row, metric, with_noisy):
    """{repetition: value} of the quiet results, or of the noisy ones too."""
    return row.values_with_noisy(metric) if with_noisy else row.values(metric, without_noise=True)


def blocker(run, rows):
    """Why rows may not be compared at all; empty when they may."""
    if len(run.hosts) > 1:
        return "the results come from several hosts"
    for row in rows:
        if row.broken:
            return f"{row.variant} has violations"
        if row.has_flag("oversubscribed", without_noise=True):
            return "oversubscribed: more busy threads than CPUs"
    return ""


def unclear_words(judged, rows):
    """`peak and mean: <reason>` over [(what, Judgement)]; empty when all are clear."""
    reasons = grouped((reason_words(found.reason, rows), what) for what, found in judged if found.reason)
    return "; ".join(f"{listing(what)}: {reason}" for reason, what in reasons.items())


def unclear_brief(judged, rows):
    """The first reason of them in a few words."""
    return next(brief_reason(found.reason, rows) for _, found in judged if found.reason)


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


def noise_remarks(findings):
    """[one sentence] where the exclusion of noisy results decides a headline's outcome."""
    changed = [f"{finding.with_noisy.value} against {finding.rival}" for finding in findings if finding.differs_with_noisy]
    return [f"With noisy results it would be {listing(changed)}."] if changed else []


def remarks_elsewhere(findings):
    """[`In the run's other settings: irq-ipi 4 BORNE OUT, 1 AMBIGUOUS; ...`], if there are findings in others."""
    tallies = []
    for rival in RIVALS:
        counts = collections.Counter(finding.outcome.value for finding in findings if finding.rival == rival)
        tallies += [f"{rival} " + ", ".join(f"{count} {outcome}" for outcome, count in counts.items())] if counts else []
    return [f"In the run's other settings (exploratory): {'; '.join(tallies)}."] if tallies else []
