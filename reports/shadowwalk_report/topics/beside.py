"""The same cells in user space and in a kernel, side by side: what the user-space lab gets right, and what it gets wrong."""

import dataclasses
import functools

from matplotlib import ticker

from ..claims.claim import RIVALS, SUBJECT
from ..claims.memory import HEADLINE_WORKLOADS
from ..counters import Counter, counter
from ..drawing.plot import Panel, Plot
from ..drawing.scales import draw_names, printable
from ..drawing.svg import INK, hover
from ..grouping import grouped
from ..kernels import USER_SPACE, WHY_EMULATED
from ..quantities import ABSENT, RATIO, count_of, interval, listing, quantity, with_interval
from ..rows import SPEED_LIMIT
from ..setting import LATENCY, SETTING_FIELDS, Setting, describe
from ..sheet import Cell, Content, Line, Sheet, estimate_cell
from ..statistics import Estimate, Reason, differences, estimate, paired

KIND = "beside"
SCHEMES = (SUBJECT, RIVALS[0])
READERS = (SUBJECT, *RIVALS, "hazard", "rcu")
CLOSE = 2.0  # a factor that a reader of user-space figures may live with
CAPTION = ("Each figure in the kernel over the same one in user space, within each repetition and without noisy results: means with 95 % "
           "intervals, on a logarithmic axis. Right of the line the kernel's is larger. All options of the two cells are equal but the machine.")
NOTE = ("The same cell twice, in user space and as threads of a kernel: all options are equal but the machine. The factor is kernel over user "
        "space, within each repetition and without noisy results, with its 95 % interval.")
NO_USER_SPACE = 'these cells were not run in user space: give their [[group]] machine = ["kernel", "user"] and guest = "thread"'
COLUMNS = ("platform", "quantity", "metric", "scheme", *SETTING_FIELDS, *(f"{side}{end}" for side in ("user", "kernel", "factor")
                                                                         for end in ("", "_low", "_high")), "repetitions", "reason")


@dataclasses.dataclass(frozen=True)
class _Quantity:
    """`short`: its kind, for a mail. `adds`: over the speed limit, without zappers; else the counter itself, with zappers unless it is of a walk."""

    title: str
    short: str
    counter: Counter
    schemes: tuple[str, ...] = SCHEMES
    is_quiet: bool = False
    adds: bool = False

    def values(self, table, row, without_noise):
        """{repetition: value}."""
        found = row.values(self.counter.name, without_noise)
        if not self.adds:
            return found
        limit = table.plain_row(row.setting, SPEED_LIMIT)
        return differences(found, limit.values(self.counter.name, without_noise)) if limit else {}


_WALK = counter("walk_ns_mean")
QUANTITIES = (
    _Quantity("a walk", "walk", _WALK, (SPEED_LIMIT,), is_quiet=True),
    _Quantity("read side: adds to a walk", "read side", _WALK, READERS, is_quiet=True, adds=True),
    _Quantity("IPI, median", "IPI", counter("ipi_ns_p50")),
    _Quantity("grace period, median", "grace period", counter("grace_period_ns_p50")),
    _Quantity("free latency, median", "free", counter("free_ns_p50")),
    _Quantity("free latency, p99", "free", counter("free_ns_p99")),
    _Quantity("held memory, mean", "held", counter("deferred_bytes_mean")),
    _Quantity("held memory, peak", "held", counter("deferred_bytes_peak")),
    _Quantity("mmu_lock held by a zap, p99", "lock hold", counter("mmu_lock_hold_ns_p99")))


@dataclasses.dataclass(frozen=True)
class Beside:
    """One quantity of one scheme on both machines: medians of quiet results where there are any. `factor`: kernel over user space; without it `reason` says why."""

    quantity: _Quantity
    scheme: str
    setting: Setting  # of the kernel's cell
    user: Estimate | None
    kernel: Estimate | None
    factor: Estimate | None
    reason: str
    noisy: tuple[bool, bool] = (False, False)  # the two sides' values are of noisy results, as there are no others

    @property
    def words(self):
        return f"{self.quantity.title}, {self.scheme}"

    @property
    def record(self):
        nothing = (None,) * 3
        ends = [(found.value, found.low, found.high) if found else nothing for found in (self.user, self.kernel, self.factor)]
        return (self.setting.platform, self.quantity.title, self.quantity.counter.name, self.scheme, *vars(self.setting).values(),
                *(value for end in ends for value in end), self.factor.count if self.factor else None, self.reason)


def _why_unequal(kernel, user):
    """The options beside setting and scheme in which the two cells differ; empty: in none."""
    others = [row.results[0].others for row in (kernel, user)]
    unequal = sorted(name for name in {*others[0], *others[1]} if others[0].get(name) != others[1].get(name))
    return f"the two cells differ in {listing(unequal)}" if unequal else ""


def _why_no_value(row, shown, place):
    if row.broken:
        return f"violations {place}"
    if saturation := row.saturation(shown.counter):
        return f"{place}: {saturation}"
    if not row.has_quiet:
        return f"all results {place} are noisy or perturbed"
    if shown.adds and row.estimate(shown.counter.name):
        return f"{SPEED_LIMIT} was not measured beside it {place}, or not quietly"
    return f"{place}: {row.why_absent(shown.counter.name) or 'not measured'}"


def _beside(table, shown, kernel):
    """The Beside of the kernel's row; None where neither side has the quantity."""
    user = table.row(kernel.setting.in_user_space, kernel.scheme)
    rows = (user, kernel)
    timed = [row for row in rows if row and not row.is_emulated]
    if not any(row.estimate(shown.counter.name) for row in timed):
        return None
    sound = [row in timed and not row.broken and not row.saturation(shown.counter) for row in rows]
    values, noisy = ([shown.values(table, row, without_noise) if is_sound else {} for row, is_sound in zip(rows, sound)]
                     for without_noise in (True, False))
    found = [estimate((quiet or everything).values()) for quiet, everything in zip(values, noisy)]

    def beside(factor, reason):
        return Beside(shown, kernel.variant, kernel.setting, *found, factor, reason,
                      tuple(bool(everything) and not quiet for quiet, everything in zip(values, noisy)))

    if kernel.is_emulated:
        return beside(None, "the kernel was emulated")
    if user is None:
        return beside(None, f"not run in {USER_SPACE}")
    for row, part, place in zip(rows, values, (f"in {USER_SPACE}", "in the kernel")):
        if not part:
            return beside(None, _why_no_value(row, shown, place))
    if reason := _why_unequal(kernel, user):
        return beside(None, reason)
    nothing = [place for estimated, place in zip(found, (USER_SPACE, "the kernel")) if estimated.value <= 0]
    if nothing:
        return beside(None, f"0 in {' and in '.join(nothing)}, so that there is no factor")
    contest = paired(values[1], values[0], shown.counter.step)
    if contest.ratio is None or contest.ratio.value <= 0:
        return beside(None, (contest.obstacle or Reason.ZERO_BASELINE).value)
    return beside(contest.ratio, "")


def _settings(table, shown, kernels):
    """The settings that a quantity is shown at: of one workload, at the fewest and the most vCPUs without zappers, at the most with them."""
    def preference(setting):
        rows = [row for row in table.plain_rows(setting) if row.variant in shown.schemes]
        both = sum(found.factor is not None for row in rows if (found := _beside(table, shown, row)))
        workload = HEADLINE_WORKLOADS.index(setting.workload) if setting.workload in HEADLINE_WORKLOADS else len(HEADLINE_WORKLOADS)
        return (any(row.has_flag("oversubscribed") for row in rows), -both, -len(rows), not setting.with_default_pace.is_plain,
                setting.walk_mode != LATENCY, -workload if shown.is_quiet else workload, -setting.vcpus, -setting.zap_rate, setting)

    fitting = [setting for setting in kernels if (setting.zappers == 0) == shown.is_quiet]
    best = min(fitting, key=preference, default=None)
    if best is None:
        return []
    fewest = min((setting for setting in fitting if dataclasses.replace(setting, vcpus=best.vcpus) == best), key=lambda setting: setting.vcpus)
    return list(dict.fromkeys((fewest, best))) if shown.is_quiet else [best]


@functools.lru_cache(maxsize=2)  # page, text, JSON and pictures ask for the same
def besides(table):
    """{platform of a kernel: [Beside]}."""
    by_platform = grouped((setting.platform, setting) for setting in table.settings if setting.is_kernel)
    return {platform: [found for shown in QUANTITIES for setting in _settings(table, shown, by_platform[platform])
                       for row in table.plain_rows(setting) if row.variant in shown.schemes and (found := _beside(table, shown, row))]
            for platform in table.platforms if platform in by_platform}


def summary(found):
    """What is alike and what is not, by the intervals; empty where there is no factor."""
    def kind(factor):
        if 1 / CLOSE <= factor.least and factor.greatest <= CLOSE:
            return f"User space is right within a factor of {CLOSE:g}"
        return "It is further off" if factor.least > CLOSE or factor.greatest < 1 / CLOSE else "Not clear"

    rows = [row for row in found if row.factor]
    alike = grouped((row.quantity.title, kind(row.factor)) for row in rows)
    told = grouped((kind(row.factor), row.quantity.title if len(set(alike[row.quantity.title])) == 1 else row.words) for row in rows)
    return " ".join(f"{words}: {'; '.join(dict.fromkeys(what))}." for words, what in told.items())


def brief(found):
    """The first factor of each kind: `IPI 0.02x, grace period 40x`."""
    first = {}
    for row in found:
        if row.factor:
            first.setdefault(row.quantity.short, f"{row.quantity.short} {quantity(row.factor.value, RATIO)}")
    return ", ".join(first.values())


def _panel(table, platform, found):
    rows = [row for row in found if row.factor]

    def draw(axes):
        axes.set_xscale("log")
        axes.grid(True, axis="x")
        axes.grid(False, axis="y")
        axes.axvline(1, color=INK, linewidth=0.9)
        for y, row in enumerate(reversed(rows)):
            style = table.styles[row.scheme]
            axes.plot([row.factor.least, row.factor.greatest], [y, y], color=INK, linewidth=1, zorder=3)
            mark, = axes.plot([row.factor.value], [y], linestyle="none", marker=style.marker, color=style.colour, markersize=7, zorder=4,
                              label=printable(row.scheme))
            units = row.quantity.counter.units
            hover(mark, f"{row.words}: {with_interval(row.factor, RATIO)}: {with_interval(row.kernel, units)} in the kernel, "
                        f"{with_interval(row.user, units)} in {USER_SPACE}")
        # The line of no difference is in sight, and a decade at least.
        low, high = min(1, *(row.factor.least for row in rows)), max(1, *(row.factor.greatest for row in rows))
        axes.set_xlim(min(low / 1.6, 0.3), max(high * 1.6, 3))
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}x"))
        axes.xaxis.set_minor_formatter(ticker.NullFormatter())
        draw_names(axes, [printable(f"{row.quantity.title}, {count_of(row.setting.vcpus, 'vCPU')}") for row in reversed(rows)])
    return Panel(platform, draw)


def plots(material):
    table = material.table
    found = besides(table)
    shown = {platform: rows for platform, rows in found.items() if sum(row.factor is not None for row in rows) > 1}
    if shown:
        most = max(sum(row.factor is not None for row in rows) for rows in shown.values())
        yield Plot(KIND, KIND, "The kernel over user space", CAPTION, [_panel(table, *item) for item in shown.items()], COLUMNS,
                   [row.record for rows in found.values() for row in rows], most_columns=1, panel_inches=0.9 + 0.24 * most)


def _line(row):
    factor = (Cell(quantity(row.factor.value, RATIO), interval(row.factor, RATIO)) if row.factor
              else Cell(ABSENT, hint=row.reason, more=(row.reason,)))
    cells = [dataclasses.replace(estimate_cell(side, row.quantity.counter.units, row.reason), more=("noisy",) if is_noisy else ())
             for side, is_noisy in zip((row.user, row.kernel), row.noisy)]
    return Line(row.words, [f"{row.setting.workload}, {describe(row.setting)}"], [*cells, factor])


def sheets(table):
    columns = [(USER_SPACE, "medians over repetitions, with 95 % intervals"), ("kernel", "the same"),
               ("kernel / user", "mean of the ratios within repetitions, with its 95 % interval")]
    return [Sheet(platform, columns, [_line(row) for row in rows], summary(rows), corner="figure")
            for platform, rows in besides(table).items() if rows]


def content(material):
    table = material.table
    platforms = [platform for platform in table.platforms if platform]
    if not platforms:
        return None
    without = [setting for setting in table.settings if setting.is_kernel and not table.rows(setting.in_user_space)]
    emulated = [platform for platform in platforms if not any(s.platform == platform for s in table.timed.settings)]
    notes = [NOTE, *([f"Where there is no user-space half: {NO_USER_SPACE}."] if without else []),
             *([f"{listing(emulated)}: {WHY_EMULATED}."] if emulated else [])]
    return Content(notes, sheets(table))
