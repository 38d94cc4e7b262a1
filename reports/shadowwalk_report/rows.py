"""Results grouped: a row is one scheme in one setting over all repetitions."""

import functools
import statistics

from .grouping import grouped
from .histogram import Histogram
from .quantities import listing, with_interval
from .setting import HOST
from .statistics import Reason, differences, estimate
from .variants import rank, styles

SPEED_LIMIT = "leak"
FLOOR = "floor"
PREFERRED_WORKLOAD = "mmio-poll"


class Row:
    """One scheme in one setting. Never empty."""

    def __init__(self, results):
        self.results = sorted(results, key=lambda result: (result.repetition, result.cell_id))
        self.setting = self.results[0].setting
        self.scheme = self.results[0].scheme

    @property
    def variant(self):
        return self.scheme.variant

    @functools.cache
    def values(self, metric, without_noise=False):
        """{repetition: value}. The entries of one repetition are one block, represented by their median.

        Verdicts use values `without_noise`, which exclude noisy and perturbed results.
        """
        return self._values(metric, lambda result: without_noise and result.is_left_out)

    def values_with_noisy(self, metric):
        """{repetition: value} as verdicts would use them if noise did not matter: without perturbed results only."""
        return self._values(metric, lambda result: result.is_left_out and not result.is_noisy)

    def _values(self, metric, is_excluded):
        blocks = grouped((result.repetition, result.counters[metric]) for result in self.results
                         if metric in result.counters and not is_excluded(result))
        return {repetition: float(statistics.median(block)) for repetition, block in blocks.items()}

    @property
    def has_noisy(self):
        return any(result.is_noisy for result in self.results)

    @functools.cache
    def estimate(self, metric, without_noise=False):
        """Median and interval over repetitions, or None when it was never measured."""
        return estimate(self.values(metric, without_noise).values())

    @property
    def noise_words(self):
        """`2 of 5 of irq-ipi`: how many of its results are excluded as noisy or perturbed; empty when none is."""
        noisy = sum(result.is_left_out for result in self.results)
        return f"{noisy} of {len(self.results)} of {self.variant}" if noisy else ""

    def why_absent(self, metric):
        """The recorded reason why a metric was not measured; empty when none was recorded."""
        return next((r.unavailable[metric] for r in self.results if metric in r.unavailable), "")

    def saturation(self, counter):
        """Why a counter or a distribution says nothing about the scheme; empty where it does."""
        grown = counter.grows_with_run and self.has_flag("saturated", without_noise=self.has_quiet)
        return "saturated, so that it grows with the length of the run" if grown else ""

    def happened(self, counter):
        """Whether a count is above zero in any repetition."""
        return any(count > 0 for count in self.values(counter).values())

    def has_flag(self, flag, without_noise=False):
        """Whether a result has the flag; `without_noise`: one that verdicts use."""
        return any(flag in result.flags for result in self.results if not (without_noise and result.is_left_out))

    @property
    def is_emulated(self):
        return self.setting.is_emulated

    @property
    def has_quiet(self):
        return not all(result.is_left_out for result in self.results)

    @property
    def violations(self):
        return int(sum(result.counters.get("violations", 0) for result in self.results))

    @property
    def is_negative_control(self):
        """It is known to be broken and must be caught."""
        return any(result.is_negative_control for result in self.results)

    @property
    def broken(self):
        """It handed out freed pages and is not a negative control: its figures are not comparable."""
        return self.violations > 0 and not self.is_negative_control

    @property
    def freed_by_drain(self):
        return sum(result.freed_by_drain for result in self.results)

    def histogram(self, name):
        return Histogram.merge(result.histograms[name] for result in self.results if name in result.histograms)

    def representative(self, metric):
        """The result whose metric is the (lower) median: one real repetition, not an average; None when no result has the metric."""
        measured = sorted((r for r in self.results if metric in r.counters), key=lambda r: r.counters[metric])
        return measured[(len(measured) - 1) // 2] if measured else None


def _rows_of(results):
    groups = grouped(((result.setting, result.scheme), result) for result in results)
    return [Row(groups[key]) for key in sorted(groups)]


class Table:
    """All rows of a run. References are not schemes of the lab: they are kept apart, so that nothing compares them."""

    def __init__(self, results):
        self.references = _rows_of(result for result in results if result.is_reference)
        rows = _rows_of(result for result in results if not result.is_reference)
        self._by_setting = grouped((row.setting, row) for row in rows)
        self.styles = styles(self.variants)
        for rows in self._by_setting.values():
            rows.sort(key=lambda row: (rank(row.variant), _knobs(row)))

    @property
    def all_rows(self):
        return [row for setting in self.settings for row in self.rows(setting)]

    @property
    def settings(self):
        """All settings, in the order of the page: the patch's own workload first, kernels first, without zappers first, and those with
        other instrumentation or with counted events last."""
        return sorted(self._by_setting, key=lambda s: (s.workload != PREFERRED_WORKLOAD, s.workload, s.standing, s.guest, s.zappers,
                                                       s.zap_rate, not s.is_plain, s))

    @property
    def platforms(self):
        """What cells ran on, in the order in which it answers."""
        ranks = {setting.platform: setting.standing for setting in self._by_setting}
        return sorted(ranks, key=ranks.get)

    @property
    def variants(self):
        return sorted({row.variant for rows in self._by_setting.values() for row in rows}, key=rank)

    @property
    def workloads(self):
        """All workloads, in the order of the page."""
        return list(dict.fromkeys(setting.workload for setting in self.settings))

    def only(self, chosen):
        """The rows whose setting is `chosen`, in the same styles."""
        part = Table([])
        part._by_setting = {setting: rows for setting, rows in self._by_setting.items() if chosen(setting)}
        part.references = [row for row in self.references if chosen(row.setting)]
        part.styles = self.styles
        return part

    def part(self, workload, where=None):
        """The rows of one workload, wherever they ran or at one place."""
        return self.only(lambda setting: setting.workload == workload and where in (None, setting.where))

    @functools.cached_property
    def timed(self):
        """Without what was emulated, of which only counts and checks hold."""
        return self.only(lambda setting: not setting.is_emulated)

    @functools.cached_property
    def emulated(self):
        """The others."""
        return self.only(lambda setting: setting.is_emulated)

    @functools.cached_property
    def first(self):
        """The platform that answers first, alone: what stands in one table or figure without a title of its own."""
        return self.only(lambda setting: setting.platform in self.platforms[:1])

    def rows(self, setting):
        """All rows of a setting, in the fixed order of variants."""
        return self._by_setting.get(setting, [])

    def rows_by_place(self, is_chosen):
        """[(place, its chosen rows)] of those that have any."""
        return list(grouped((row.setting.place, row) for row in self.all_rows if is_chosen(row)).items())

    def row(self, setting, scheme):
        """The row of exactly this scheme in exactly this setting, or None."""
        return next((row for row in self.rows(setting) if row.scheme == scheme), None)

    @functools.cache
    def plain_rows(self, setting):
        """One row per variant: the one with its knobs nearest to their defaults."""
        plain = grouped((row.variant, row) for row in self.rows(setting))
        return [min(rows, key=_knobs) for rows in plain.values()]

    def plain_row(self, setting, variant):
        return next((row for row in self.plain_rows(setting) if row.variant == variant), None)


def _knobs(row):
    return row.scheme.grace_period == HOST, row.scheme.rcu_interval_ns, row.scheme.checks != "off", row.scheme.read_delay != "off", row.scheme


def read_side(row, speed_limit, without_noise=False):
    """What a scheme adds to a walk, ns: {repetition: walk_ns_mean less that of `leak`}.

    Empty with zappers, where caches and faults differ too, and where either was not measured.
    """
    if speed_limit is None or row.setting.zappers != 0:
        return {}
    return differences(row.values("walk_ns_mean", without_noise), speed_limit.values("walk_ns_mean", without_noise))


def noise_decided(reason, rows):
    """Whether the exclusion of noisy results may be the reason why the rows have no verdict."""
    return reason in (Reason.TOO_FEW, Reason.NO_PAIR) and any(row.noise_words for row in rows)


def figure_words(quiet, everything, units):
    """The estimate behind a verdict; where only noisy results exist, their estimate, marked as noisy."""
    if quiet is None and everything is not None:
        return f"{with_interval(everything, units)} (noisy)"
    return with_interval(quiet, units)


def brief_reason(reason, rows):
    """The same in a few words."""
    if not noise_decided(reason, rows):
        return reason.value
    worst = max(rows, key=lambda row: sum(result.is_left_out for result in row.results) / len(row.results))
    return f"too few quiet repetitions (noisy: {worst.noise_words})"


def reason_words(reason, rows):
    """Why the rows have no verdict."""
    if not noise_decided(reason, rows):
        return reason.value
    noisy = dict.fromkeys(filter(None, (row.noise_words for row in rows)))
    return f"{reason.value}, as noisy results are excluded ({listing(noisy)})"
