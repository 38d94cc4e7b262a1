"""What a scheme adds to a walk, at 1 and at N vCPUs, and how it grows: the figures that claim 2 is judged by."""

import dataclasses
import statistics

from ..grouping import grouped
from ..quantities import NANOSECONDS, count_of
from ..rows import SPEED_LIMIT, Row, figure_words
from ..setting import Setting
from ..statistics import MINIMUM_REPETITIONS, differences, estimate, growth
from ..untrusted_json import is_number

WALK = "walk_ns_mean"
RATE = "walks_per_second"


@dataclasses.dataclass(frozen=True)
class Yardstick:
    """How walks are compared. `metric`: what they are told by. `core_speed`: the speed of the core, in multiplications per ns, at which
    all times are told: a core that was faster meanwhile, as by turbo, does not look like a cheaper scheme. None: it was not recorded."""

    metric: str
    core_speed: float | None

    @property
    def words(self):
        what = "walk_ns_mean" if self.metric == WALK else ("the CPU time per walk by walks_per_second, exits included, as bursts of one walk "
                                                           "are not clocked")
        return what + (", at one core speed" if self.core_speed else ", as measured: no core speed was recorded")

    def walks(self, row, use):
        """{repetition: ns of a walk} of the results that `use` accepts; a rate that no walk can have tells nothing."""
        told = ((result.repetition, self._ns(result)) for result in row.results if self.metric in result.counters and use(result))
        blocks = grouped((repetition, ns) for repetition, ns in told if is_number(ns))
        return {repetition: statistics.median(block) for repetition, block in blocks.items()}

    def _ns(self, result):
        value = result.counters[self.metric]
        if self.metric == RATE:
            value = result.setting.vcpus * 1e9 / value if value > 0 else 0.0
        return value * result.noise.core_speed / self.core_speed if self.core_speed else value


def yardstick_of(rows, walks_per_exit):
    """The yardstick for all these rows."""
    metric = RATE if walks_per_exit == 1 and not any(WALK in result.counters for row in rows for result in row.results) else WALK
    speeds = [result.noise.core_speed for row in rows for result in row.results]
    return Yardstick(metric, statistics.median(speeds) if speeds and all(speeds) else None)


def is_quiet(result):
    return not result.is_left_out


def is_unperturbed(result):
    return result.is_noisy or not result.is_left_out


@dataclasses.dataclass(frozen=True)
class Cost:
    """A scheme and the speed limit at 1 and at N vCPUs. Walks: {repetition: ns}."""

    variant: str
    one: Row
    many: Row
    limits: tuple[Row, Row]
    yardstick: Yardstick

    @property
    def rows(self):
        return [self.one, self.many, *self.limits]

    def at(self, many, use=is_quiet):
        """{repetition: what the scheme adds to a walk}, at N vCPUs or at one."""
        row, limit = (self.many, self.limits[1]) if many else (self.one, self.limits[0])
        return differences(self.yardstick.walks(row, use), self.yardstick.walks(limit, use))

    def over(self, other, many, use=is_quiet):
        """{repetition: what it costs more than another scheme}: the two alone must be measured and quiet for that."""
        rows = (self.many, other.many) if many else (self.one, other.one)
        return differences(*(self.yardstick.walks(row, use) for row in rows))

    @property
    def has_enough_quiet(self):
        return min(len(self.at(many)) for many in (False, True)) >= MINIMUM_REPETITIONS

    @property
    def mark(self):
        """What marks a figure that noisy results are in, as too few are quiet."""
        return "" if self.has_enough_quiet or not any(row.has_noisy for row in self.rows) else " (noisy)"

    @property
    def growth(self):
        """The Estimate of the growth from 1 to N vCPUs; over all results where too few are quiet; None without any."""
        use = is_quiet if self.has_enough_quiet else is_unperturbed
        return growth(self.at(True, use).values(), self.at(False, use).values())

    @property
    def words(self):
        """`10 ns [9.8, 10.2] to 24 ns [23, 25]`."""
        return " to ".join(figure_words(estimate(self.at(many).values()), estimate(self.at(many, is_unperturbed).values()), NANOSECONDS)
                           for many in (False, True))


def cost_of(table, variant, one: Setting, many: Setting, yardstick: Yardstick):
    """Cost, or the reason (a string) why there is none."""
    found = []
    for setting in (one, many):
        at = count_of(setting.vcpus, "vCPU")
        row, limit = table.plain_row(setting, variant), table.plain_row(setting, SPEED_LIMIT)
        for name, wanted in ((variant, row), (SPEED_LIMIT, limit)):
            if wanted is None:
                return f"{name} was not measured at {at}"
        if not differences(*(yardstick.walks(each, is_unperturbed) for each in (row, limit))):
            reason = row.why_absent(WALK) or limit.why_absent(WALK)
            return f"no read_side_ns of {variant} at {at}" + (f": {reason}" if reason else "")
        found.append((row, limit))
    (row_one, limit_one), (row_many, limit_many) = found
    return Cost(variant, row_one, row_many, (limit_one, limit_many), yardstick)
