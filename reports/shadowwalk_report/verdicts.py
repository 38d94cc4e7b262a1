"""Who is better than the baseline, and by how much: one verdict a question and row.

A question is asked of one counter. All its comparisons within one workload and guest are one family, over which
significance is corrected.
"""

import dataclasses

from .errors import InputError
from .quantities import BYTES, NANOSECONDS, PER_SECOND
from .rows import FLOOR, SPEED_LIMIT, reason_words
from .statistics import Comparison, Verdict, decide, paired

DEFAULT_BASELINE = "irq-ipi"


@dataclasses.dataclass(frozen=True)
class Question:
    """`with_zappers`: asked of cells with (True) or without (False) zappers, or of all (None). `does`, `worse` and
    `better` make the sentence: `hazard walks 1.4x slower`."""

    name: str
    title: str
    counter: str
    units: tuple
    does: str
    worse: str
    better: str
    with_zappers: bool | None = True
    lower_is_better: bool = True
    fails_when_saturated: bool = False


WALK = Question("walk", "What does a walk cost?", "walk_ns_mean", NANOSECONDS, "walks", "slower", "faster",
                with_zappers=False)
WALKS = Question("walks", "How many walks are left?", "walks_per_second", PER_SECOND, "walks", "less", "more",
                 with_zappers=None, lower_is_better=False)
RETIRED = Question("retired", "How much memory waits to be freed?", "retired_bytes_peak", BYTES, "retires (peak)", "more",
                   "less")
FREE = Question("free", "How late is memory free?", "free_ns_p99", NANOSECONDS, "frees (p99)", "later", "sooner",
                fails_when_saturated=True)
ZAP = Question("zap", "What does a zap cost?", "zap_ns_p99", NANOSECONDS, "zaps (p99)", "slower", "faster",
               fails_when_saturated=True)
QUESTIONS = (WALK, WALKS, RETIRED, FREE, ZAP)


@dataclasses.dataclass(frozen=True)
class Ruling:
    """The comparison of a row with the baseline's. `doubt`: why its ratio is no verdict on the two schemes, whatever the
    figures; `reason`: why there is no verdict, in words. Both empty when there is one."""

    comparison: Comparison
    doubt: str
    reason: str

    @property
    def verdict(self):
        return Verdict.AMBIGUOUS if self.doubt else self.comparison.verdict

    @property
    def code(self):
        """The reason code of a verdict that is none; empty when there is one."""
        if self.doubt:
            return "NOT_COMPARABLE"
        return self.comparison.reason.name if self.comparison.reason else ""


def _doubt(question, row, baseline):
    if row.broken or baseline.broken:
        return "violations"
    for knob in ("checks", "read_delay"):
        if getattr(row.scheme, knob) != getattr(baseline.scheme, knob):
            return f"they differ in {knob.replace('_', ' ')}"
    if question.fails_when_saturated and (row.has_flag("saturated") or baseline.has_flag("saturated")):
        return "saturated, so that it grows with the length of the run"
    return ""


def _choose_baseline(table, asked=None):
    if asked is not None:
        if asked not in table.variants:
            known = ", ".join(table.variants) or "there is no result yet"
            raise InputError(f"no result is of the variant '{asked}': give --baseline one of {known}")
        return asked
    preferred = (name for name in (DEFAULT_BASELINE, SPEED_LIMIT, *table.variants) if name in table.variants)
    return next(preferred, DEFAULT_BASELINE)


class Verdicts:
    """The rulings on all rows of a table against one variant. Raises InputError when that was not measured."""

    def __init__(self, table, baseline=None):
        self.baseline = _choose_baseline(table, baseline)
        self._table = table
        self._rulings = {}
        places = {}
        for setting in table.settings:
            places.setdefault((setting.workload, setting.guest), []).append(setting)
        for question in QUESTIONS:
            for settings in places.values():
                self._rule(question, settings)

    def _rule(self, question, settings):
        rows = [row for setting in settings if question.with_zappers in (None, setting.zappers > 0)
                for row in self._table.rows(setting)]
        pairs = [(row, base) for row in rows if (base := self.baseline_row(row.setting)) not in (None, row)]
        doubts = [_doubt(question, *pair) for pair in pairs]
        contests = [paired(*(r.values(question.counter, without_noise=True) for r in pair)) for pair in pairs]
        sound = iter(decide([contest for contest, doubt in zip(contests, doubts) if not doubt], question.lower_is_better))
        for (row, base), doubt, contest in zip(pairs, doubts, contests):
            found = Comparison(Verdict.AMBIGUOUS, contest.ratio, contest.obstacle) if doubt else next(sound)
            reason = doubt or (reason_words(found.reason, (row, base)) if found.reason else "")
            self._rulings[question, row.setting, row.scheme] = Ruling(found, doubt, reason)

    def baseline_row(self, setting):
        return self._table.plain_row(setting, self.baseline)

    def ruling(self, question, row):
        """None for the baseline itself, where it was not measured, and where the question is not asked."""
        return self._rulings.get((question, row.setting, row.scheme))

    def contestants(self, setting):
        """The rows that are schemes to choose from, the baseline's left out: neither controls nor the floor."""
        baseline = self.baseline_row(setting)
        return [row for row in self._table.plain_rows(setting)
                if row is not baseline and row.variant != FLOOR and not row.is_negative_control]
