"""One sentence per question: which variants are better than the baseline, by how much and how certainly, in the setting that answers
it best. Only the two claims were registered before the run (claims/): each of these sentences says that it is exploratory."""

import dataclasses

from .quantities import RATIO, listing, with_interval
from .rows import PREFERRED_WORKLOAD, figure_words
from .setting import LATENCY, Setting, describe, place_title, telling_axes
from .statistics import Estimate, Verdict
from .verdicts import QUESTIONS, WALK, WALKS, Question

MOST_IN_A_SENTENCE = 9
ORDER = (Verdict.FASTER, Verdict.SLOWER, Verdict.SAME, Verdict.AMBIGUOUS)


@dataclasses.dataclass(frozen=True)
class Clause:
    """The answer for one variant, such as `hazard walks 1.38x [1.34, 1.41] slower`, or for several with the same answer."""

    verdict: Verdict
    words: str
    count: int = 1  # of variants


@dataclasses.dataclass(frozen=True)
class Answer:
    """`place` names the setting and the baseline; without clauses, it says why there is no answer."""

    question: Question
    place: str
    clauses: list[Clause]
    setting: Setting | None = None

    @property
    def is_long(self):
        """It has so many variants that one line per verdict reads better than a sentence."""
        return sum(clause.count for clause in self.clauses) > MOST_IN_A_SENTENCE

    @property
    def sentence(self):
        return f"{self.place}: {'; '.join(clause.words for clause in self.clauses)}." if self.clauses else f"{self.place}."


def _headline(question, table, verdicts):
    """The setting without doubtful results, then of a kernel, then with the most rulings, then with the most vCPUs and zaps; of walks,
    that in which they depend on each other, as walks after an exit do not overlap."""
    # Exits of a KVM guest hide the cost of a walk; memory is measured with real guests.
    guest = "thread" if question.with_zappers is False else "kvm"

    def preference(setting):
        rows = [verdicts.baseline_row(setting), *verdicts.contestants(setting)]
        rulings = [found for row in rows if (found := verdicts.ruling(question, row))]
        return (any(row.has_flag("oversubscribed") for row in rows), any(row.saturation(question.counter) for row in rows),
                setting.standing, question is WALK and setting.walk_mode != LATENCY, not setting.with_default_pace.is_plain,
                setting.workload != PREFERRED_WORKLOAD,
                -sum(found.comparison.ratio is not None for found in rulings), setting.guest != guest, -setting.vcpus,
                -setting.zap_rate, setting)

    def is_measured(row):
        return bool(row.values_with_noisy(question.counter.name))

    # Without any ratio, as all results are noisy, the setting still has the reasons.
    compared = [setting for setting in table.settings if (base := verdicts.baseline_row(setting)) and is_measured(base)
                and any(is_measured(row) and verdicts.ruling(question, row) for row in verdicts.contestants(setting))]
    return min(compared, key=preference, default=None)


def _factor(ratio):
    """At least one where possible: an interval that reaches to zero has no inverse."""
    if ratio.value >= 1 or not ratio.value or ratio.low == 0:
        return ratio
    low, high = (None, None) if ratio.low is None else (1 / ratio.high, 1 / ratio.low)
    return Estimate(1 / ratio.value, low, high, ratio.count)


def _noise(ruling):
    return f" ({ruling.reason})" if ruling.differs_with_noisy else ""


def _direction(question, ratio):
    return question.worse if (ratio.value >= 1) == question.counter.lower_is_better else question.better


def _together(question, verdict, differing):
    """`12 slower: mutex 9.1x [8.8, 9.3], ...`, the farthest from the baseline first."""
    by_effect = sorted(differing, key=lambda pair: -_factor(pair[1].comparison.ratio).value)
    words = _direction(question, by_effect[0][1].comparison.ratio)
    effects = [f"{row.variant} {with_interval(_factor(ruling.comparison.ratio), RATIO)}{_noise(ruling)}" for row, ruling in by_effect]
    return Clause(verdict, f"{len(effects)} {words}: {', '.join(effects)}", len(effects))


def _clauses(question, rulings):
    """One clause per variant that differs or, with many variants, one per direction. Variants that are the same share a clause, as do
    those without a verdict for the same reason."""
    alike, differing, clauses = {}, {}, []
    for row, ruling in rulings:
        if ruling.verdict in (Verdict.FASTER, Verdict.SLOWER):
            differing.setdefault(ruling.verdict, []).append((row, ruling))
        else:
            ratio = ruling.comparison.ratio
            figure = f"{row.variant} ({with_interval(ratio, RATIO)})" if ratio else row.variant
            alike.setdefault((ruling.verdict, ruling.reason), []).append(figure)
    for verdict, pairs in differing.items():
        if len(rulings) > MOST_IN_A_SENTENCE:
            clauses.append(_together(question, verdict, pairs))
        else:
            clauses += [Clause(verdict, f"{row.variant} {question.does} {with_interval(_factor(ruling.comparison.ratio), RATIO)} "
                               f"{_direction(question, ruling.comparison.ratio)}{_noise(ruling)}") for row, ruling in pairs]
    for (verdict, reason), figures in alike.items():
        clauses.append(Clause(verdict, f"{verdict.value}: {listing(figures)}" + (f", as {reason}" if reason else ""), len(figures)))
    return sorted(clauses, key=lambda clause: ORDER.index(clause.verdict))


def _answer(question, table, verdicts):
    setting = _headline(question, table, verdicts)
    if setting is None:
        zaps = {True: " with zappers", False: " without zappers"}.get(question.with_zappers, "")
        return Answer(question, f"NOT TESTED: no setting{zaps} has {question.counter.name} of {verdicts.baseline} and of "
                      "another variant", [])
    base = verdicts.baseline_row(setting)
    figure = figure_words(base.estimate(question.counter.name, without_noise=True), base.estimate(question.counter.name),
                          question.counter.units)
    rulings = [(row, found) for row in verdicts.contestants(setting) if (found := verdicts.ruling(question, row))]
    crowded = ", oversubscribed" if any(row.has_flag("oversubscribed") for row, _ in rulings) else ""
    place = (f"At {describe(setting, telling_axes(setting, table.settings))} ({place_title(*setting.place)}{crowded}), against "
             f"{verdicts.baseline} ({figure}), exploratory")
    return Answer(question, place, _clauses(question, rulings), setting)


def answers(table, verdicts):
    """One Answer per question but WALKS: the cost of a walk says the same without zappers, and the summary has it with zappers."""
    return [_answer(question, table, verdicts) for question in QUESTIONS if question is not WALKS]
