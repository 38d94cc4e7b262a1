"""What a reader wants in ten seconds: what ran where, what limits it, the two claims, and one table. The page's first screen and the
text for a mail show the same."""

import dataclasses
import shlex

from .claims.claim import Claim
from .claims.scaling import FEWEST_CPUS, cpus_of
from .counters import counter
from .headline import Headline, row_at_host
from .held import RETIRED
from .kernels import USER
from .quantities import ABSENT, NANOSECONDS, count_of, interval, listing, quantity
from .rows import SPEED_LIMIT, read_side
from .setting import describe, place_title, within
from .sheet import Cell, Line, Sheet
from .statistics import estimate
from .topics import emulated
from .trust import context_values

PACE = ("walk_mode", "think_ns")  # the axes of how walks follow each other
ZAP_COST, FREE, LOCK = counter("zap_ns_p50"), counter("free_ns_p99"), counter("mmu_lock_hold_ns_p99")
# What the trust strip says at length, in a word or two: {(label, level): words}; other items are named by their label.
_SHORT = {("KVM", "note"): "no KVM", ("PMU", "note"): "no PMU", ("Negative control", "note"): "no negative control",
          ("Negative control", "warn"): "negative control not caught", ("Violations elsewhere", "warn"): "violations",
          ("Hosts", "warn"): "several hosts", ("Order", "warn"): "not interleaved", ("Order", "note"): "not shuffled",
          ("Build", "warn"): "no release build", ("Repetitions", "warn"): "too few repetitions",
          ("Repetitions", "note"): "few repetitions"}
# Told elsewhere in the line, or no limit of what the run can show.
_NOT_A_LIMIT = {"Known to be broken", "Steal", "Other load", "Core speed", "Preempted sections", "Results", "Noisy"}
FLOORS = (("xchg_ns", "xchg"), ("mfence_ns", "mfence"), ("line_transfer_ns", "line transfer"), ("signal_ipi_ns", "IPI (signal)"),
          ("membarrier_global_ns_p50", "grace period"))


@dataclasses.dataclass(frozen=True)
class Overview:
    """`where`: CPU, CPUs, VM and kernel; `kernels`: those that cells ran in. `floors`: [(name, words)]. `notes`: at which settings the
    table's figures are."""

    where: str
    kernels: list[str]
    floors: list[tuple[str, str]]
    no_floors: list[str]  # those that the host could not measure, with the reason
    limits: list[str]
    claims: list[Claim]
    headline: Headline
    sheet: Sheet
    notes: list[str]


def _context(run, key):
    return "/".join(context_values(run, key))


def kernel_words(run):
    """`Linux 6.18.5, HZ 250, voluntary`: what is known."""
    kernel = run.host.kernel
    release = kernel.release or _context(run, "kernel")
    words = [f"Linux {release.removeprefix('Linux ')}"] if release else []
    words += [f"HZ {kernel.hz}"] if kernel.hz else []
    words += [f"preemption {kernel.preemption}"] if kernel.preemption else []
    return words + (["rcu_expedited"] if kernel.rcu_expedited else [])


def _where(run):
    host = run.host
    cpus = cpus_of(run)
    words = [host.cpu or _context(run, "cpu_model"), count_of(cpus, "CPU") if cpus else "",
             "virtual machine" if host.virtual_machine else "", *kernel_words(run)]
    return ", ".join(filter(None, words)) or "host not recorded"


def _kernels(run, table):
    """`Linux 6.1.0 EMULATED (module 0.1.0, HZ 250), machine:kernel-vm, 28 cells` of each kernel that cells ran in."""
    words = []
    for platform in filter(None, table.platforms):
        results = run.on({platform}).results
        told = listing(dict.fromkeys(result.kernel.words for result in results if result.kernel))
        words.append(f"{platform}{f' ({told})' if told else ''}, machine:{results[0].setting.machine}, "
                     f"{count_of(len({result.cell_id for result in results}), 'cell')}")
    return words


def _within_a_sentence(label):
    """`Order` as `order`; `CPUs moved` as it is."""
    return label if label[:2].isupper() else label[:1].lower() + label[1:]


def _limits(run, trust):
    """What is wrong, in few words."""
    cpus = cpus_of(run)
    words = [count_of(cpus, "CPU")] if cpus and cpus < FEWEST_CPUS else []
    words += [f"{len(run.missing)} results not run"] if run.missing else []
    words += [f"{len(run.left_out)} failed or refused"] if run.left_out else []
    noisy = sum(result.is_noisy for result in run.results)
    words += [f"{noisy} of {len(run.results)} results noisy"] if noisy else []
    for item in trust:
        if item.level != "good" and item.label not in _NOT_A_LIMIT:
            words.append(_SHORT.get((item.label, item.level)) or _within_a_sentence(item.label))
    return words


def _machine_words(run):
    """`--machine` and `--kernel`, which may have been given in place of the matrix's: those of all cells."""
    places = {(cell.options.get("machine", USER), cell.options.get("kernel", "")) for cell in run.plan.values()}
    if len(places) != 1 or not all(isinstance(word, str) for word in next(iter(places))):
        return []
    machine, kernel = places.pop()
    return [*(["--machine", machine] if machine != USER or run.names_machines else []), *(["--kernel", kernel] if kernel else [])]


def command_words(run):
    """The words of the command that measures the run again, quoted for a shell; empty where its plan has no matrix."""
    if not run.matrix:
        return []
    folder, _, file = run.matrix.rpartition("/")
    # A matrix that ships has a name; that of a user has no better path than its name for another reader.
    matrix = file.removesuffix(".toml") if folder.endswith("/matrices") or folder == "matrices" else file
    words = ["shadowwalk", "run", matrix, *_machine_words(run), "--out", "again", "--seed", str(run.seed),
             "--repetitions", str(run.repetitions)]
    return [shlex.quote(word) for word in [*words, *(["--filter", run.filter] if run.filter else [])]]


def _floors(run):
    return [(name, quantity(run.host.floors[key], NANOSECONDS)) for key, name in FLOORS if key in run.host.floors]


def _no_floors(run):
    return [f"{name} ({run.host.unavailable[key]})" for key, name in FLOORS if key in run.host.unavailable]


def _cell(found, units, reason):
    """The interval shows when pointed at: in the pictures it is a whisker."""
    if found is None:
        return Cell(ABSENT, hint=reason or "not measured")
    repetitions = count_of(found.count, "repetition")
    return Cell(quantity(found.value, units), hint=" over ".join(filter(None, (interval(found, units), repetitions))))


def _read_cell(table, setting, variant):
    row, limit = table.plain_row(setting, variant), table.plain_row(setting, SPEED_LIMIT)
    if row is None or limit is None:
        return Cell(ABSENT, hint=f"{variant if row is None else SPEED_LIMIT} was not measured in this setting")
    if row is limit:
        return Cell("0", hint="by definition: the other costs are relative to it")
    return _cell(estimate(read_side(row, limit).values()), NANOSECONDS, row.why_absent("walk_ns_mean"))


def _counter_cell(row, shown):
    if row is None:
        return Cell(ABSENT, hint="not measured in this setting")
    doubt = row.saturation(shown)
    cell = _cell(row.estimate(shown.name), shown.units, row.why_absent(shown.name))
    return dataclasses.replace(cell, hint=doubt, verdict="doubtful") if doubt and cell.value != ABSENT else cell


def _sheet(table, headline):
    ends = headline.quiet if len(headline.quiet) < 2 else [headline.quiet[0], headline.quiet[-1]]
    held = headline.held or RETIRED
    columns = [(f"read @{setting.vcpus}", f"what the scheme adds to a walk at {count_of(setting.vcpus, 'vCPU')}: its mean less that "
                f"of {SPEED_LIMIT}") for setting in ends]
    columns += [("held mean", held.meaning), ("held peak", held.meaning), *((shown.title, shown.meaning) for shown in (FREE, ZAP_COST)),
                ("lock hold p99", LOCK.meaning)]
    lines = []
    for variant in headline.variants:
        row = row_at_host(table, headline.zapped, variant) if headline.zapped else None
        cells = [_read_cell(table, setting, variant) for setting in ends]
        cells += [_counter_cell(row, shown) for shown in (*held.both, FREE, ZAP_COST, LOCK)]
        lines.append(Line(variant, [], cells))
    return Sheet("", columns, lines, corner="scheme")


def _notes(table, headline):
    notes = []
    if headline.quiet:
        counts = "/".join(str(setting.vcpus) for setting in headline.quiet)
        setting = headline.quiet[0]
        notes.append(f"Read side: {counts} vCPUs, {describe(setting, PACE, vcpus=False)} ({place_title(*setting.place)}).")
    if headline.zapped:
        rows = [row for variant in headline.variants if (row := row_at_host(table, headline.zapped, variant))]
        knobs = "".join(f"; {row.scheme.words}" for row in rows if row.scheme.knobs)
        notes.append(f"Memory and zaps: {within(headline.zapped)}{knobs}.")
    if headline.others:
        notes.append(f"{count_of(len(headline.others), 'more scheme')}: {', '.join(headline.others)}.")
    return notes


def overview_of(material, trust):
    run, table, claims, headline = material.run, material.table, list(material.claims), material.headline
    # Of a run that only emulated, what it checked.
    sheet = _sheet(table, headline) if headline.variants or not table.emulated.settings else emulated.sheets(table.emulated.all_rows)[0]
    return Overview(_where(run), _kernels(run, table), _floors(run), _no_floors(run), _limits(run, trust), claims, headline, sheet,
                    _notes(table, headline))
