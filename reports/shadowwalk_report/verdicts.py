"""Which variants are better than the baseline, and by how much: one verdict per question and row.

A question is about one counter. All its comparisons within one workload and guest are one family, over which significance is
corrected.
"""

import dataclasses

from .counters import Counter, counter
from .rows import FLOOR, SPEED_LIMIT, reason_words
from .setting import by_place
from .statistics import Comparison, Verdict, decide, paired
from .untrusted_json import InputError

DEFAULT_BASELINE = "irq-ipi"


@dataclasses.dataclass(frozen=True)
class Question:
    """`with_zappers`: for cells with (True) or without (False) zappers, or for all (None). `does`, `worse` and `better` make
    the sentence: `hazard walks 1.4x slower`."""

    name: str
    title: str
    counter: Counter
    does: str
    worse: str
    better: str
    with_zappers: bool | None = True


WALK = Question("walk", "What does a walk cost?", counter("walk_ns_mean"), "walks", "slower", "faster", with_zappers=False)
WALKS = Question("walks", "How many walks are left?", counter("walks_per_second"), "walks", "less", "more", with_zappers=None)
RETIRED = Question("retired", "How much memory waits to be freed?", counter("retired_bytes_peak"), "retires (peak)", "more", "less")
FREE = Question("free", "How late is memory free?", counter("free_ns_p99"), "frees (p99)", "later", "sooner")
ZAP = Question("zap", "What does a zap cost?", counter("zap_ns_p99"), "zaps (p99)", "slower", "faster")
QUESTIONS = (WALK, WALKS, RETIRED, FREE, ZAP)


@dataclasses.dataclass(frozen=True)
class Ruling:
    """The comparison of a row with the baseline's. `doubt`: why its ratio is no verdict on the two schemes, whatever its value;
    `reason`: why there is no verdict, in words. Both are empty when there is one."""

    comparison: Comparison
    doubt: str
    reason: str

    @property
    def verdict(self):
        return Verdict.AMBIGUOUS if self.doubt else self.comparison.verdict

    @property
    def code(self):
        """The code of the reason why there is no verdict; empty when there is one."""
        if self.doubt:
            return "NOT_COMPARABLE"
        return self.comparison.reason.name if self.comparison.reason else ""


def _doubt(question, row, baseline):
    if row.broken or baseline.broken:
        return "violations"
    for knob in ("checks", "read_delay"):
        if getattr(row.scheme, knob) != getattr(baseline.scheme, knob):
            return f"they differ in {knob.replace('_', ' ')}"
    return row.saturation(question.counter) or baseline.saturation(question.counter)


def _choose_baseline(table, wanted=None):
    if wanted is not None:
        if wanted not in table.variants:
            known = ", ".join(table.variants) or "there is no result yet"
            raise InputError(f"no result is of the variant '{wanted}': give --baseline one of {known}")
        return wanted
    preferred = (name for name in (DEFAULT_BASELINE, SPEED_LIMIT, *table.variants) if name in table.variants)
    return next(preferred, DEFAULT_BASELINE)


class Verdicts:
    """The rulings on all rows of a table against one variant. Raises InputError when that variant was not measured."""

    def __init__(self, table, baseline=None):
        self.baseline = _choose_baseline(table, baseline)
        self._table = table
        self._rulings = {}
        for question in QUESTIONS:
            for _, settings in by_place(table.settings):
                self._rule(question, settings)

    def _rule(self, question, settings):
        rows = [row for setting in settings if question.with_zappers in (None, setting.zappers > 0)
                for row in self._table.rows(setting)]
        pairs = [(row, base) for row in rows if (base := self.baseline_row(row.setting)) not in (None, row)]
        doubts = [_doubt(question, *pair) for pair in pairs]
        contests = [paired(*(r.values(question.counter.name, without_noise=True) for r in pair)) for pair in pairs]
        sound = iter(decide([contest for contest, doubt in zip(contests, doubts) if not doubt], question.counter.lower_is_better))
        for (row, base), doubt, contest in zip(pairs, doubts, contests):
            found = Comparison(Verdict.AMBIGUOUS, contest.ratio, contest.obstacle) if doubt else next(sound)
            reason = doubt or (reason_words(found.reason, (row, base)) if found.reason else "")
            self._rulings[question, row.setting, row.scheme] = Ruling(found, doubt, reason)

    def baseline_row(self, setting):
        return self._table.plain_row(setting, self.baseline)

    def ruling(self, question, row):
        """None for the baseline itself, where it was not measured, and where the question does not apply."""
        return self._rulings.get((question, row.setting, row.scheme))

    def contestants(self, setting):
        """The rows of schemes to choose from: without the baseline, negative controls and the floor."""
        baseline = self.baseline_row(setting)
        return [row for row in self._table.plain_rows(setting)
                if row is not baseline and row.variant != FLOOR and not row.is_negative_control]
