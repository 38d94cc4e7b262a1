"""The trust strip: what a reader must know before trusting a figure."""

import collections
import dataclasses
import itertools
import re
import statistics

from .grouping import grouped
from .kernels import platform_words
from .quantities import NANOSECONDS, count_of, listing, quantity, significant
from .model import NEGATIVE_CONTROL
from .regimes import regimes_by_setting
from .statistics import MINIMUM_REPETITIONS, range_coverage

WIDE_UP_TO = 5  # repetitions: their whole range contains the true median less often than the intervals claim


@dataclasses.dataclass(frozen=True)
class Item:
    """`level`: good, note (read it) or warn (it weakens the report)."""

    label: str
    value: str
    level: str = "good"


def context_values(run, key):
    """The distinct values of a context field over all results that tell of the host, most frequent first."""
    counts = collections.Counter(r.context[key] for r in run.on_the_host if key in r.context)
    return [value for value, _ in counts.most_common()]


def _repetitions(run):
    """The least and the greatest number of repetitions of the cells that have results."""
    per_cell = grouped((result.cell_id, result.repetition) for result in run.results)
    counts = [len(set(repetitions)) for repetitions in per_cell.values()]
    low, high = min(counts, default=0), max(counts, default=0)
    value = f"{high} of {run.repetitions}" if low == high else f"{low} to {high} of {run.repetitions}"
    if high > run.repetitions:
        value = f"{low} to {high}, of which {run.repetitions} planned and the others added for precision" if run.rounds else value
    if high < MINIMUM_REPETITIONS:
        return Item("Repetitions", f"{value}: too few for any verdict", "warn")
    if high <= WIDE_UP_TO:
        return Item("Repetitions", f"{value}: the interval of a median is then the range, which contains the true one in "
                    f"{range_coverage(low) if low > 1 else 0:.0%} of cases", "note")
    return Item("Repetitions", f"{value}, intervals of 95 %")


def _interleaving(run):
    repetitions = [repetition for _, repetition in run.planned_order]
    interleaved = repetitions == sorted(repetitions) or len(run.plan) < 2
    first = [cell_id for cell_id, _ in itertools.takewhile(lambda step: step[1] == run.order[0][1], run.order)]
    shuffled = len(first) > 1 and first != sorted(first)
    if not interleaved:
        return Item("Order", "not interleaved: drift of the host can look like a difference", "warn")
    return Item("Order", f"interleaved{', randomised' if shuffled else ', in plan order'} (seed {run.seed})",
                "good" if shuffled or len(run.plan) < 2 else "note")


def _completeness(run):
    value = f"{run.measured} of {run.planned} measured"
    if run.left_out:
        kinds = collections.Counter(lost.status for lost in run.left_out)
        value += ", left out: " + ", ".join(f"{count} {status}" for status, count in sorted(kinds.items()))
    if run.missing:
        value += f", {len(run.missing)} not run"
    return Item("Results", value, "warn" if run.left_out or run.missing else "good")


def _flagged(run, flag, label, consequence):
    cells = {result.cell_id for result in run.results if flag in result.flags}
    if not cells:
        return Item(label, "no cell")
    return Item(label, f"{count_of(len(cells), 'cell')}: {consequence}", "note")


def _preempted(run):
    counts = [r.counters["sections_preempted"] for r in run.results if "sections_preempted" in r.counters]
    if not counts:
        return Item("Preempted sections", "not measured", "note")
    hit = sum(count > 0 for count in counts)
    return Item("Preempted sections", f"at most {significant(sum(counts))}, in {hit} of {len(counts)} results",
                "note" if hit else "good")


def _noise_reasons(noisy):
    """The reasons, counted; reasons that differ only in their numbers count as one, shown by the first of them."""
    kinds = grouped((re.sub(r"\d+(\.\d+)?", "N", reason), reason) for result in noisy
                    for reason in result.noise.reasons or ("no reason recorded",))
    ranked = sorted(kinds.values(), key=len, reverse=True)
    return "; ".join(f"{len(found)} x {'like ' if len(set(found)) > 1 else ''}{found[0]}" for found in ranked)


def _noisy(run):
    noisy = [result for result in run.results if result.is_noisy]
    if not noisy:
        return Item("Noisy", "no result")
    return Item("Noisy", f"{len(noisy)} of {count_of(len(run.results), 'result')}, shown but excluded from verdicts: "
                f"{_noise_reasons(noisy)}", "warn" if 2 * len(noisy) > len(run.results) else "note")


def _perturbed(run):
    perturbed = [result for result in run.results if result.perturbed]
    if not perturbed:
        return []
    tools = collections.Counter(result.perturbed for result in perturbed).most_common()
    left_out = any(result.is_left_out for result in perturbed)
    what = "shown but excluded from verdicts; --with-perturbed includes them" if left_out else "included in verdicts by --with-perturbed"
    return [Item("Perturbed", f"{len(perturbed)} of {count_of(len(run.results), 'result')}, {what}: "
                 + "; ".join(f"{count} x {tool}" for tool, count in tools), "warn")]


def _noise(run, label, field, words):
    """words(values, level): the value and the level of the item. `level`: the lab has flagged the results over its thresholds."""
    values = [value for r in run.results if not r.setting.is_emulated and (value := getattr(r.noise, field)) is not None]
    level = "note" if any(result.is_noisy for result in run.results) else "good"
    return Item(label, *words(values, level)) if values else Item(label, "not recorded", "note")


def _other_load(loads, level):
    return f"{significant(statistics.median(loads), 2)} CPUs, at most {significant(max(loads), 2)}", level


def _steal(steals, _):
    hit = sum(steal > 0 for steal in steals)
    if not hit:
        return "none", "good"
    return (f"{quantity(sum(steals), NANOSECONDS)} in {hit} of {count_of(len(steals), 'result')}, "
            f"at most {quantity(max(steals), NANOSECONDS)} in one", "note")


def _core_speed(changes, level):
    return f"{min(changes):.3f}x to {max(changes):.3f}x over a window, median {statistics.median(changes):.3f}x", level


def _from_context(run, key, label, expected=""):
    values = context_values(run, key)
    if not values:
        return Item(label, "not recorded", "note")
    return Item(label, "; ".join(values), "good" if all(value.startswith(expected) for value in values) else "note")


def _clock(run):
    item = _from_context(run, "clock", "Clock", "tsc")
    cost = context_values(run, "clock_read_ns")
    return dataclasses.replace(item, value=item.value + (f"; a read costs {cost[0]} ns" if cost else ""))


def _build(run):
    values = context_values(run, "shadowwalk_build")
    level = "good" if values == ["release"] else "warn"
    return Item("Build", "; ".join(values) or "not recorded", level)


def _control(table):
    rows = [row for row in table.all_rows if row.variant == NEGATIVE_CONTROL and row.setting.zappers > 0]
    if not rows:
        return Item("Negative control", f"{NEGATIVE_CONTROL} was not run with zappers", "note")
    results = [result for row in rows for result in row.results]
    caught = sum(result.counters.get("violations", 0) > 0 for result in results)
    value = f"{NEGATIVE_CONTROL} caught in {caught} of {count_of(len(results), 'result')}"
    return Item("Negative control", value, "good" if caught == len(results) else "warn")


def _known_broken(table):
    """Negative controls that need not be caught in every result: some fail only in a window of nanoseconds."""
    rows = [row for row in table.all_rows if row.is_negative_control and row.variant != NEGATIVE_CONTROL]
    caught = collections.Counter()
    for row in rows:
        caught[row.variant] += row.violations
    counts = "; ".join(f"{variant}: {count_of(count, 'violation')}" for variant, count in sorted(caught.items()))
    return [Item("Known to be broken", counts, "note")] if counts else []


def _violations(table):
    broken = [row for row in table.all_rows if row.broken]
    if not broken:
        return Item("Violations elsewhere", "none")
    names = sorted({row.variant for row in broken})
    return Item("Violations elsewhere", f"{sum(row.violations for row in broken):,} by {', '.join(names)}", "warn")


def _hosts(run, table):
    """A kernel that was booted for its cells counts as a host of its own: only within a platform no two may be mixed."""
    mixed = {platform: hosts for platform in table.timed.platforms if len(hosts := run.on({platform}).hosts) > 1}
    return [Item("Hosts", f"results of {len(hosts)} hosts are mixed in {platform_words(platform)}: no claim is judged there", "warn")
            for platform, hosts in mixed.items()]


def _emulated(run, table):
    """What emulated kernels add, and what they cannot."""
    if not table.emulated.settings:
        return []
    count = sum(len(row.results) for row in table.emulated.all_rows)
    return [Item("Emulated", f"{count} of {count_of(len(run.results), 'result')}, checked and not timed, in no verdict and no figure: "
                 f"{listing(table.emulated.platforms)}", "note")]


def _regimes(table):
    found = regimes_by_setting(table)
    if not found:
        return []
    where = count_of(len(found), "setting")
    return [Item("CPUs moved", f"two regimes of the host in {where}, as {' and as '.join(r.words for r in next(iter(found.values())))}: "
                 "figures of contention of different repetitions are of different machines", "warn")]


def _disturbances(run):
    return [_noise(run, "Other load", "other_load_cpus", _other_load), _noise(run, "Steal", "steal_ns", _steal),
            _noise(run, "Core speed", "core_speed_change", _core_speed)]


def _sources(run):
    return [_clock(run), _from_context(run, "pmu", "PMU", "available"), _from_context(run, "kvm", "KVM", "available")]


def trust_items(run, table):
    has_times = table.timed.settings or not run.results  # which a run of emulated cells has not
    return [
        *_hosts(run, table), *_emulated(run, table), *_regimes(table), _repetitions(run), _interleaving(run), _completeness(run),
        _flagged(run, "saturated", "Saturated", "no latency verdict"),
        _flagged(run, "oversubscribed", "Oversubscribed", "no verdict on the claims"),
        _preempted(run), _noisy(run), *_perturbed(run), *(_disturbances(run) if has_times else []),
        _control(table), *_known_broken(table), _violations(table), *(_sources(run) if has_times else []), _build(run)]
