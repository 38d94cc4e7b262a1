"""Which cells became better or worse: one comparison per cell and metric; each metric is a family of its own."""

import dataclasses

from ..quantities import NANOSECONDS
from ..setting import PLATFORM_AXES, varying_axes
from ..statistics import Comparison, cliffs_delta, decide, independent
from ..verdicts import QUESTIONS

TIME = "time"
METRICS = {question.counter: question for question in QUESTIONS}


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
    for row in (row for side in (base, new) for row in _rows(side)):
        alike.setdefault(row.results[0].name, {})[row.setting, row.scheme] = row
    names = {}
    for name, rows in alike.items():
        axes = varying_axes(row.setting for row in rows.values())
        for key, row in rows.items():
            more = [*row.scheme.knobs, *(PLATFORM_AXES[axis].format(getattr(row.setting, axis)) for axis in axes)]
            names[key] = f"{name} ({', '.join(more)})" if len(rows) > 1 and more else name
    return names


def _rows(side):
    """Without negative controls, which are not compared."""
    return [row for row in side.table.all_rows if not row.is_negative_control]


def _values(row, question):
    return list(row.values(question.counter, without_noise=True).values())


def _why_not(row, question):
    """Why a cell has no values for a question; empty when it has some."""
    if row.violations:
        return "violations"
    if question.fails_when_saturated and row.has_flag("saturated"):
        return "saturated, so that it grows with the length of the run"
    if _values(row, question):
        return ""
    return row.why_absent(question.counter) or ("all results are noisy or perturbed" if row.noise_words else "not measured")


def _judge_metric(metric, units, lower_is_better, samples, minimum_effect):
    """samples: [(name, base, new)]."""
    found = decide([independent(new, base) for _, base, new in samples], lower_is_better, minimum_effect)
    return [Compared(metric, units, name, base, new, comparison) for (name, base, new), comparison in zip(samples, found)]


def _judge_question(question, pairs, minimum_effect):
    samples, without = [], []
    for name, old, new in pairs:
        if question.with_zappers not in (None, old.setting.zappers > 0):
            continue
        reasons = [_why_not(row, question) for row in (old, new)]
        if not any(reasons):
            samples.append((name, _values(old, question), _values(new, question)))
        elif old.estimate(question.counter) or new.estimate(question.counter):  # else the cell does not have this metric
            side, why = next((side, why) for side, why in zip(("base", "new"), reasons) if why)
            without.append(NotCompared(name, f"{question.counter} of {side}: {why}"))
    return _judge_metric(question.counter, question.units, question.lower_is_better, samples, minimum_effect), without


def _unshared(names, base, new):
    """The cells that one side lacks, with the reason."""
    rows = [{(row.setting, row.scheme): row for row in _rows(side)} for side in (base, new)]
    there = [{names[key]: row.results[0].name for key, row in found.items()} for found in rows]
    for side, found in zip((base, new), there):
        found.update({name: name for name in side.times})
    for name in sorted(there[0].keys() ^ there[1].keys()):
        lacking, what = (new, "new") if name in there[0] else (base, "base")
        plain = (there[0] if name in there[0] else there[1])[name]
        yield NotCompared(name, f"{what}: {lacking.failed.get(plain, 'absent')}", lost=lacking is new)


def judge(base, new, minimum_effect, metrics=None):
    """Findings on the cells of both sides, by the metrics (all of METRICS and TIME unless given)."""
    names = _names(base, new)
    newer = {(row.setting, row.scheme): row for row in _rows(new)}
    pairs = [(names[row.setting, row.scheme], row, found) for row in _rows(base)
             if (found := newer.get((row.setting, row.scheme)))]
    compared, without = [], list(_unshared(names, base, new))
    for counter, question in METRICS.items():
        if metrics is None or counter in metrics:
            found, lacking = _judge_question(question, pairs, minimum_effect)
            compared, without = compared + found, without + lacking
    if metrics is None or TIME in metrics:
        shared = [(name, times, new.times[name]) for name, times in base.times.items() if name in new.times]
        compared += _judge_metric(TIME, NANOSECONDS, True, shared, minimum_effect)
    broken = [name for name, old, row in pairs if row.broken and not old.broken]
    return Findings(compared, without, broken)
