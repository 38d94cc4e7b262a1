"""Which cells became better or worse: one comparison per cell and metric; each metric is a family of its own."""

import dataclasses
import itertools

from ..quantities import NANOSECONDS
from ..setting import PLATFORM_AXES, varying_axes
from ..statistics import Comparison, cliffs_delta, decide, independent
from ..verdicts import QUESTIONS

TIME = "time"
METRICS = {question.counter.name: question for question in QUESTIONS}


@dataclasses.dataclass(frozen=True)
class Compared:
    """One cell by one metric. One value per repetition; `comparison` is of new over base."""

    metric: str
    units: tuple
    name: str
    base: list[float]
    new: list[float]
    comparison: Comparison

    @property
    def verdict(self):
        return self.comparison.verdict

    @property
    def p_words(self):
        return "-" if self.comparison.p_corrected is None else f"{self.comparison.p_corrected:.2g}"

    @property
    def delta(self):
        """Cliff's: 1 when every new value is greater."""
        return cliffs_delta(self.base, self.new)


@dataclasses.dataclass(frozen=True)
class NotCompared:
    """`lost`: base has it, new has not."""

    name: str
    reason: str
    lost: bool = False


@dataclasses.dataclass(frozen=True)
class Findings:
    """`broken`: cells that handed out freed pages in new but not in base."""

    compared: list[Compared]
    without: list[NotCompared]
    broken: list[str]

    def of(self, verdict):
        return [row for row in self.compared if row.verdict is verdict]


def _names(base, new):
    """{(setting, scheme): name}; knobs and axes distinguish equal names."""
    alike = {}
    for key, row in itertools.chain(_rows(base).items(), _rows(new).items()):
        alike.setdefault(row.results[0].name, {})[key] = row
    names = {}
    for name, rows in alike.items():
        axes = varying_axes(row.setting for row in rows.values())
        for key, row in rows.items():
            more = [*row.scheme.knobs, *(PLATFORM_AXES[axis].format(getattr(row.setting, axis)) for axis in axes)]
            names[key] = f"{name} ({', '.join(more)})" if len(rows) > 1 and more else name
    return names


def _rows(side):
    """{(setting, scheme): Row}, without negative controls, which are not compared."""
    return {(row.setting, row.scheme): row for row in side.table.all_rows if not row.is_negative_control}


def _values(row, question):
    return list(row.values(question.counter.name, without_noise=True).values())


def _why_not(row, question):
    """Why a cell has no values for a question; empty when it has some."""
    if row.violations:
        return "violations"
    saturation = row.saturation(question.counter)
    if saturation or _values(row, question):
        return saturation
    return row.why_absent(question.counter.name) or ("all results are noisy or perturbed" if row.noise_words else "not measured")


def judge_metric(metric, units, lower_is_better, samples, minimum_effect):
    """[Compared] of one family; samples: [(name, base, new)]."""
    found = decide([independent(new, base) for _, base, new in samples], lower_is_better, minimum_effect)
    return [Compared(metric, units, name, base, new, comparison) for (name, base, new), comparison in zip(samples, found)]


def _judge_question(question, pairs, minimum_effect):
    counter, samples, without = question.counter, [], []
    for name, old, new in pairs:
        if question.with_zappers not in (None, old.setting.zappers > 0):
            continue
        reasons = [_why_not(row, question) for row in (old, new)]
        if not any(reasons):
            samples.append((name, _values(old, question), _values(new, question)))
        elif old.estimate(counter.name) or new.estimate(counter.name):  # else the cell does not have this metric
            side, why = next((side, why) for side, why in zip(("base", "new"), reasons) if why)
            without.append(NotCompared(name, f"{counter.name} of {side}: {why}"))
    return judge_metric(counter.name, counter.units, counter.lower_is_better, samples, minimum_effect), without


def _unshared(names, base, new):
    """The cells that one side lacks, with the reason."""
    there = [{names[key]: row.results[0].name for key, row in _rows(side).items()} for side in (base, new)]
    for side, found in zip((base, new), there):
        found.update({name: name for name in side.times})
    for name in sorted(there[0].keys() ^ there[1].keys()):
        lacking, what = (new, "new") if name in there[0] else (base, "base")
        plain = (there[0] if name in there[0] else there[1])[name]
        yield NotCompared(name, f"{what}: {lacking.failed.get(plain, 'absent')}", lost=lacking is new)


def judge(base, new, minimum_effect, metrics=None):
    """Findings on the cells of both sides, by the metrics (all of METRICS and TIME unless given)."""
    names = _names(base, new)
    newer = _rows(new)
    pairs = [(names[key], row, newer[key]) for key, row in _rows(base).items() if key in newer]
    compared, without = [], list(_unshared(names, base, new))
    for counter, question in METRICS.items():
        if metrics is None or counter in metrics:
            found, lacking = _judge_question(question, pairs, minimum_effect)
            compared, without = compared + found, without + lacking
    if metrics is None or TIME in metrics:
        shared = [(name, times, new.times[name]) for name, times in base.times.items() if name in new.times]
        compared += judge_metric(TIME, NANOSECONDS, True, shared, minimum_effect)
    broken = [name for name, old, row in pairs if row.broken and not old.broken]
    return Findings(compared, without, broken)
