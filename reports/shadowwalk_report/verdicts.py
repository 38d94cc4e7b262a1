"""Which variants are better than the baseline, and by how much: one verdict per question and row.

A question is about one counter. All its comparisons within one workload at one place (a guest, or a kernel) are one family, over which
intervals are corrected. None of these comparisons was registered before the run, as the two claims were (claims/): they are exploratory.
"""

import dataclasses

from .counters import Counter, counter
from .rows import FLOOR, SPEED_LIMIT, reason_words
from .setting import by_place
from .statistics import Comparison, Reason, Verdict, decide, paired
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
    `reason`: why there is no verdict, in words, and what it would be with noisy results if that is another. Both are empty when there
    is one that noise does not change."""

    comparison: Comparison
    doubt: str
    reason: str
    with_noisy: Verdict | None = None  # the verdict over all results; None where none is noisy

    @property
    def verdict(self):
        return Verdict.AMBIGUOUS if self.doubt else self.comparison.verdict

    @property
    def differs_with_noisy(self):
        """Whether the exclusion of noisy results decides the verdict."""
        return not self.doubt and self.with_noisy not in (None, self.verdict)

    @property
    def code(self):
        """The code of the reason; empty where there is none."""
        if self.doubt:
            return "NOT_COMPARABLE"
        if self.comparison.reason:
            return self.comparison.reason.name
        return "DIFFERS_WITH_NOISY" if self.differs_with_noisy else ""


def _doubt(question, row, baseline):
    if row.broken or baseline.broken:
        return "violations"
    for knob in ("checks", "read_delay"):
        if getattr(row.scheme, knob) != getattr(baseline.scheme, knob):
            return f"they differ in {knob.replace('_', ' ')}"
    return row.saturation(question.counter) or baseline.saturation(question.counter)


def _reason(counter, reason, pair):
    """Why a pair has no verdict, in words: where one of the two never has the counter, that is the reason."""
    for row in pair if reason is Reason.NO_PAIR else ():
        if not row.values_with_noisy(counter.name):
            why = row.why_absent(counter.name)
            return f"{counter.name} of {row.variant} was not measured" + (f": {why}" if why else "")
    return reason_words(reason, pair)


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
                for row in self._table.rows(setting) if not row.is_emulated]
        pairs = [(row, base) for row in rows if (base := self.baseline_row(row.setting)) not in (None, row)]
        doubts = [_doubt(question, *pair) for pair in pairs]
        counter = question.counter
        quiet = [paired(*(row.values(counter.name, without_noise=True) for row in pair), counter.step) for pair in pairs]
        sound = [place for place, doubt in enumerate(doubts) if not doubt]
        decided = dict(zip(sound, decide([quiet[place] for place in sound], counter.lower_is_better)))
        noisy = self._with_noisy(counter, {place: pairs[place] for place in sound}, quiet)
        for place, ((row, base), doubt) in enumerate(zip(pairs, doubts)):
            found = decided.get(place) or Comparison(Verdict.AMBIGUOUS, quiet[place].ratio, quiet[place].obstacle)
            ruling = Ruling(found, doubt, doubt, noisy.get(place))
            if not doubt:
                words = [_reason(counter, found.reason, (row, base))] if found.reason else []
                words += [f"with noisy results {ruling.with_noisy.value}"] if ruling.differs_with_noisy else []
                ruling = dataclasses.replace(ruling, reason="; ".join(words))
            self._rulings[question, row.setting, row.scheme] = ruling

    @staticmethod
    def _with_noisy(counter, pairs, quiet):
        """{place: the verdict over all results, noisy or not} of the pairs that have noisy ones."""
        noisy = {place for place, pair in pairs.items() if any(row.has_noisy for row in pair)}
        if not noisy:
            return {}
        contests = [paired(*(row.values_with_noisy(counter.name) for row in pair), counter.step) if place in noisy else quiet[place]
                    for place, pair in pairs.items()]
        return {place: found.verdict for place, found in zip(pairs, decide(contests, counter.lower_is_better)) if place in noisy}

    def baseline_row(self, setting):
        return self._table.plain_row(setting, self.baseline)

    def ruling(self, question, row):
        """None for the baseline itself, where it was not measured, where it was emulated, and where the question does not apply."""
        return self._rulings.get((question, row.setting, row.scheme))

    def contestants(self, setting):
        """The rows of schemes to choose from: without the baseline, negative controls and the floor."""
        baseline = self.baseline_row(setting)
        return [row for row in self._table.plain_rows(setting)
                if row is not baseline and row.variant != FLOOR and not row.is_negative_control]
