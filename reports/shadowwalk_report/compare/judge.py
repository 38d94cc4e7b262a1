"""Which cells became better or worse: one comparison per cell and metric; each metric is a family of its own."""

import collections
import dataclasses
import itertools

from ..counters import step_of
from ..kernels import WHY_EMULATED
from ..model import EMULATED
from ..quantities import NANOSECONDS
from ..setting import PLATFORM_AXES, varying_axes
from ..statistics import Comparison, Reason, Verdict, cliffs_delta, decide, independent
from ..verdicts import QUESTIONS

TIME = "time"
METRICS = {question.counter.name: question for question in QUESTIONS}
ALL_NOISE = "all results are noisy or perturbed"
# Ambiguous however much changed: repetitions are missing, whatever their values.
UNJUDGED = (Reason.TOO_FEW, Reason.ONLY_AGGREGATES)


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
    def ratio_words(self):
        return f"{self.comparison.ratio.value:.3f}x" if self.comparison.ratio else "-"

    @property
    def p_words(self):
        return "-" if self.comparison.p_corrected is None else f"{self.comparison.p_corrected:.2g}"

    @property
    def delta(self):
        """Cliff's: 1 when every new value is greater."""
        return cliffs_delta(self.base, self.new)


@dataclasses.dataclass(frozen=True)
class NotCompared:
    """`lost`: base has it, new has not. `is_unjudged`: both have it, but nothing that a gate could judge."""

    name: str
    reason: str
    lost: bool = False
    is_unjudged: bool = False


@dataclasses.dataclass(frozen=True)
class Findings:
    """`broken`: cells that handed out freed pages in new but not in base. `failed`: (name, why) of what new did not measure though it
    should have. `partly`: what was compared by some of its repetitions, as the others failed."""

    compared: list[Compared]
    without: list[NotCompared]
    broken: list[str]
    failed: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    partly: list[NotCompared] = dataclasses.field(default_factory=list)

    @property
    def is_empty(self):
        """Nothing has a ratio."""
        return not any(row.comparison.ratio for row in self.compared)

    def of(self, verdict):
        return [row for row in self.compared if row.verdict is verdict]

    @property
    def unjudged(self):
        """[(name, why)] of what would have no verdict however much it changed."""
        rows = [row for row in self.of(Verdict.AMBIGUOUS) if row.comparison.reason in UNJUDGED]
        return [(f"{row.metric} {row.ratio_words}: {row.name}", row.comparison.reason.value) for row in rows] + [
            (row.name, row.reason) for row in self.without if row.is_unjudged]


def _names(base, new):
    """{(setting, scheme): name}; knobs and axes distinguish equal names."""
    alike = {}
    for key, row in itertools.chain(_rows(base).items(), _rows(new).items()):
        alike.setdefault(row.results[0].name, {})[key] = row
    names = {}
    for name, rows in alike.items():
        axes = varying_axes(row.setting for row in rows.values())
        places = [place for place in ("kernel", "platform") if len({getattr(row.setting, place) for row in rows.values()}) > 1]
        for key, row in rows.items():
            more = [*row.scheme.knobs, *(PLATFORM_AXES[axis].format(getattr(row.setting, axis)) for axis in axes),
                    *(getattr(row.setting, place) for place in places)]
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
    if row.estimate(question.counter.name):
        return ALL_NOISE if any(EMULATED not in result.flags for result in row.results) else WHY_EMULATED
    return row.why_absent(question.counter.name) or "not measured"


def judge_metric(metric, units, lower_is_better, samples, minimum_effect, obstacles=None):
    """[Compared] of one family; samples: [(name, base, new)]. `obstacles`: {name: the Reason why it cannot be tested}."""
    contests = [independent(new, base, step_of(units)) for _, base, new in samples]
    contests = [dataclasses.replace(contest, obstacle=obstacle) if (obstacle := (obstacles or {}).get(name)) else contest
                for (name, _, _), contest in zip(samples, contests)]
    found = decide(contests, lower_is_better, minimum_effect)
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
            without.append(NotCompared(name, f"{counter.name} of {side}: {why}", is_unjudged=why == ALL_NOISE))
    return judge_metric(counter.name, counter.units, counter.lower_is_better, samples, minimum_effect), without


def _unshared(names, base, new):
    """The cells and benchmarks that one side lacks, with the reason."""
    there = [{names[key]: row.results[0].name for key, row in _rows(side).items()} for side in (base, new)]
    for side, found in zip((base, new), there):
        found.update({name: name for name in side.benchmarks if name in side.measured})
    for name in sorted(there[0].keys() ^ there[1].keys()):
        lacking, what = (new, "new") if name in there[0] else (base, "base")
        plain = (there[0] if name in there[0] else there[1])[name]
        failure = lacking.failed.get(plain)
        yield NotCompared(name, f"{what}: {failure.words if failure else 'absent'}", lost=lacking is new)
    for name in sorted((base.failed.keys() & new.failed.keys()) - base.measured - new.measured):
        yield NotCompared(name, f"base and new: {new.failed[name].words}")


def _failed(base, new):
    """[(name, why)]: what new did not measure though base did, and what went wrong in new only. What both could not measure is a matter
    of their host: before version 1.8 of Google Benchmark, also what is skipped on purpose is an error."""
    known = base.failed.keys() - base.measured
    return [(name, failure.words) for name, failure in new.failed.items()
            if name not in known and (failure.is_error or name in base.measured)]


def _judge_times(base, new, minimum_effect):
    """([Compared], [NotCompared] for benchmarks that cannot be told from others)."""
    samples, obstacles, confused = [], {}, []
    counts = [collections.Counter(found.title for found in side.benchmarks.values()) for side in (base, new)]
    for title in sorted(counts[0].keys() & counts[1].keys()):
        if counts[0][title] != counts[1][title]:
            confused.append((title, f"base has {counts[0][title]} benchmarks with this name, new {counts[1][title]}"))
    for name in base.benchmarks:
        pair = [side.benchmarks.get(name) for side in (base, new)]
        why = next((f"{what}: {found.confused}" for what, found in zip(("base", "new"), pair) if found and found.confused), None)
        if why:
            confused.append((name, why))
        elif name in base.measured and name in new.measured:
            if not all(found.times for found in pair):
                obstacles[name] = Reason.ONLY_AGGREGATES
            # Where one side has a median only, it is held against the median of the other.
            samples.append((name, *(found.times or [found.median] for found in pair)))
    return (judge_metric(TIME, NANOSECONDS, True, samples, minimum_effect, obstacles),
            [NotCompared(name, why, is_unjudged=True) for name, why in confused])


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
        found, lacking = _judge_times(base, new, minimum_effect)
        compared, without = compared + found, without + lacking
    broken = [name for name, old, row in pairs if row.broken and not old.broken]
    partly = [NotCompared(name, f"{what}: {failure.words}") for side, what in ((base, "base"), (new, "new"))
              for name, failure in side.failed.items() if name in side.measured]
    return Findings(compared, without, broken, _failed(base, new), partly)
