"""The three pictures of the first screen: do walks scale, how much memory is held at which grace period, what does a zap cost?"""

from ..claims.scaling import FEWEST_CPUS, cpus_of
from ..drawing.bars import bar_panel
from ..drawing.plot import METRIC_COLUMNS, Plot, metric_records
from ..headline import row_at_host
from ..quantities import BYTES, count_of
from ..setting import row_fields, within
from ..sheet import Content
from . import rcu_sweep, throughput, zap_cost

WALKS, MEMORY, ZAP = "first_walks", "first_memory", "first_zap"
WIDTH_INCHES, PANEL_INCHES = 4.15, 3.0


def _plot(kind, title, caption, panel, columns, records, note=""):
    return Plot(kind, kind, title, caption, [panel], columns, records, panel_inches=PANEL_INCHES, width_inches=WIDTH_INCHES, note=note)


def _scaling_note(material, counts):
    cpus = cpus_of(material.run)
    if len(counts) < 2:
        return f"Only {count_of(counts[0], 'vCPU')} was measured: scaling is not shown."
    if cpus and cpus < FEWEST_CPUS:
        return f"{count_of(cpus, 'CPU')}: the cost beside a second vCPU, and no scaling."
    return ""


def _walks(material, headline):
    """The Plot, or the reason why there is none, as the other two."""
    table = material.table
    rows = [row for setting in headline.quiet for row in table.plain_rows(setting)
            if row.variant in headline.variants and row.estimate(throughput.METRIC)]
    if not rows:
        return "walks without zappers were not measured"
    counts = [setting.vcpus for setting in headline.quiet]
    records = [(*row_fields(row), *row.estimate(throughput.METRIC).fields, int(row.has_flag("oversubscribed"))) for row in rows]
    return _plot(WALKS, "Walks per second", f"{within(headline.quiet[-1])}. {throughput.CAPTION}",
                 throughput.panel(table, headline.quiet, "Walks/s over vCPUs, no zapper", variants=headline.variants),
                 throughput.COLUMNS, records, _scaling_note(material, counts))


def _sweep(material, headline):
    """That of the headline's setting, else the one with the most intervals."""
    table = material.table.first
    settings = [setting for setting in table.settings if setting.zappers > 0 and setting.is_plain]
    sweeps = [sweep for setting in settings if (sweep := rcu_sweep.sweep_of(table, setting))]
    return max(sweeps, default=None, key=lambda sweep: (sweep.setting == headline.zapped, len(sweep.rows)))


def _at_its_own(material, headline):
    """Bars, in a kernel, which has the one grace period that it has."""
    held, setting = headline.held, headline.zapped
    rows = [row for variant in headline.variants if (row := material.table.plain_row(setting, variant)) and row.estimate(held.peak.name)]
    if not rows:
        return "held memory was not measured"
    title = f"{held.peak.title} at the kernel's own grace period"
    return _plot(MEMORY, "Held memory", f"{within(setting)}. {title}: medians with 95 % intervals. {held.meaning}",
                 bar_panel(material.table, [(setting.vcpus, [(row, row.estimate(held.peak.name)) for row in rows])], title, BYTES),
                 METRIC_COLUMNS, metric_records(rows, [*(metric.name for metric in held.both), rcu_sweep.GRACE_PERIOD]))


def _memory(material, headline):
    sweep = _sweep(material, headline)
    if sweep is None and headline.zapped and headline.zapped.is_kernel:
        return _at_its_own(material, headline)
    if sweep is None:
        return "no scheme ran at several RCU intervals with zappers"
    held = headline.held
    if not any(row.estimate(held.peak.name) for row in sweep.rows):
        return "held memory was not measured over the RCU interval"
    kernel = material.run.host.grace_period_ns
    note = "" if kernel else "This kernel's grace period was not measured: it is not marked."
    records = metric_records(sweep.rows, [*(metric.name for metric in held.both), rcu_sweep.GRACE_PERIOD])
    return _plot(MEMORY, "Held memory", f"{within(sweep.setting)}. {rcu_sweep.CAPTION.format(held=held.meaning)}",
                 rcu_sweep.held_panel(material.table, sweep, held, kernel, f"{held.peak.title} (line) and mean (dotted)"),
                 METRIC_COLUMNS, records, note)


def _zap(material, headline):
    if headline.zapped is None:
        return "no cell has zappers"
    rows = [row_at_host(material.table, headline.zapped, variant) for variant in headline.variants]
    costs = [cost for row in rows if row and (cost := zap_cost.cost_of(row))]
    if not costs:
        return "zaps were not clocked (--instrumentation light or full)"
    records = [zap_cost.record_of(cost) for cost in costs]
    return _plot(ZAP, zap_cost.TITLE, f"{within(headline.zapped)}. {zap_cost.CAPTION}",
                 zap_cost.panel(material.table, costs, "Cost of a zap, mean"), zap_cost.COLUMNS, records)


def _pictures(material):
    """[(title, Plot or the reason why there is none)]."""
    headline = material.headline
    return [("Walks per second", _walks(material, headline)), ("Held memory over the grace period", _memory(material, headline)),
            ("The cost of a zap", _zap(material, headline))]


def plots(material):
    yield from (drawn for _, drawn in _pictures(material) if isinstance(drawn, Plot))


def content(material):
    """What could not be drawn; nothing where nothing was timed."""
    if not material.table.settings:
        return None
    missing = [f"{title}: not drawn, as {reason}." for title, reason in _pictures(material) if isinstance(reason, str)]
    return Content(missing) if missing else None
