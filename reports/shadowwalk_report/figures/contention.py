"""Cacheline contention: one panel a quantity, counted or estimated, never both in one."""

from ..contention import TRANSFERS, WAIT, contention_groups
from ..setting import describe, varying_axes
from .bars import bar_panel
from .plot import SCHEME_COLUMNS, SETTING_COLUMNS, note_absence, place_plot

KIND = "contention"
CAPTION = ("Cells without zappers; medians with 95 % intervals. A panel named by an event holds PMU counts of the "
           "scope in its title; one that says estimate holds the growth of a walk from 1 vCPU, or that growth over the "
           "cost of one line transfer. Paler bars and hollow dots are oversubscribed.")
COLUMNS = SETTING_COLUMNS + SCHEME_COLUMNS + ("quantity", "source", "value", "low", "high", "repetitions",
                                              "multiplexed", "oversubscribed")
_TITLES = {WAIT: "estimate: wait per walk, against 1 vCPU", TRANSFERS: "estimate: line transfers per walk"}


def _record(figure):
    row, found, quantity = figure.row, figure.found, figure.quantity
    return (*vars(row.setting).values(), *vars(row.scheme).values(), quantity.name, quantity.source, found.value,
            found.low, found.high, found.count, figure.multiplexed, int(row.has_flag("oversubscribed")))


def _panels(table, group, axes):
    by_quantity = {}
    for figure in group.figures:
        counts = by_quantity.setdefault(figure.quantity, {})
        counts.setdefault(figure.row.setting.vcpus, []).append((figure.row, figure.found))
    where = describe(group.setting, axes, vcpus=False, zaps=False)
    for quantity, counts in by_quantity.items():
        title = _TITLES.get(quantity) or f"{quantity.name} per walk ({quantity.source})"
        yield bar_panel(table, sorted(counts.items()), f"{title}, {where}" if where else title, quantity.units,
                        linear_to=10 if quantity is WAIT else 1)


def plots(table):
    places = {}
    for group in contention_groups(table):
        places.setdefault((group.setting.workload, group.setting.guest), []).append(group)
    for place, groups in places.items():
        axes = varying_axes(group.setting for group in groups)
        absent = {}
        for group in groups:
            for reason, what in group.absent.items():
                for item in what:
                    note_absence(absent, reason, item)
        panels = [panel for group in groups for panel in _panels(table, group, axes)]
        if panels:
            records = [_record(figure) for group in groups for figure in group.figures]
            yield place_plot(KIND, place, "Cacheline contention", CAPTION, panels, COLUMNS, records, absent, most_columns=2)
