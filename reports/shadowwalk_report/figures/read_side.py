"""What each scheme adds to a walk, at each number of vCPUs."""

from ..quantities import NANOSECONDS, quantity, significant
from ..rows import SPEED_LIMIT, read_side
from ..setting import describe, varying_axes
from ..statistics import estimate
from .canvas import printable
from .plot import SCHEME_COLUMNS, SETTING_COLUMNS, Panel, Plot, by_place, file_name, note_absence, place_title
from .svg import INK

KIND = "read_side"
CAPTION = (f"read_side_ns: walk_ns_mean less that of {SPEED_LIMIT} in the same repetition, cells without zappers only; "
           "medians with 95 % intervals. Paler bars are oversubscribed.")
COLUMNS = SETTING_COLUMNS + SCHEME_COLUMNS + ("read_side_ns", "low", "high", "repetitions", "oversubscribed")
# Above this ratio of the largest bar to the median one, the small ones could not be read on a linear axis.
LINEAR_UP_TO = 12


def _costs(table, setting, absent, axes):
    """[(row, Estimate)]; what has none goes to `absent`."""
    costs = []
    limit = table.plain_row(setting, SPEED_LIMIT)
    for row in table.plain_rows(setting):
        if row.variant == SPEED_LIMIT:
            continue
        found = estimate(read_side(row, limit).values())
        if found is None:
            reason = (row.why_absent("walk_ns_mean") if limit else f"{SPEED_LIMIT} was not measured") or "not measured"
            note_absence(absent, reason, f"{row.variant} at {describe(setting, axes)}")
        else:
            costs.append((row, found))
    return costs


def _panel(table, groups, title):
    """`groups`: [(vcpus, [(row, Estimate)])]."""
    variants = [v for v in table.variants if any(row.variant == v for _, costs in groups for row, _ in costs)]
    width = 0.86 / max(1, len(variants))

    def draw(axes):
        sizes = sorted(abs(found.value) for _, costs in groups for _, found in costs)
        if sizes[-1] > LINEAR_UP_TO * max(sizes[len(sizes) // 2], 1):
            axes.set_yscale("symlog", linthresh=10)
        labelled = set()
        for place, (_, costs) in enumerate(groups):
            for row, found in costs:
                x = place + (variants.index(row.variant) - (len(variants) - 1) / 2) * width
                axes.bar(x, found.value, width * 0.9, color=table.styles[row.variant].colour,
                         alpha=0.45 if row.has_flag("oversubscribed") else 1,
                         label=printable(row.variant) if row.variant not in labelled else None)
                labelled.add(row.variant)
                if found.low is not None:
                    axes.plot([x, x], [found.low, found.high], color=INK, linewidth=1.2, marker="_", markersize=5)
                top = max(found.value, found.high if found.high is not None else found.value, 0)
                axes.annotate(significant(found.value, 2 if abs(found.value) < 1 else 3), (x, top), (0, 3),
                              textcoords="offset points", ha="center", fontsize=7.5)
        axes.axhline(0, color=INK, linewidth=0.8)
        lowest = min(found.low if found.low is not None else found.value for _, costs in groups for _, found in costs)
        axes.margins(y=0.14)
        axes.set_ylim(bottom=min(lowest, 0) * 1.5)
        axes.set_xticks(range(len(groups)), [f"{vcpus} vCPU{'s' if vcpus > 1 else ''}" for vcpus, _ in groups])
        axes.tick_params(axis="x", length=0)
        axes.yaxis.set_major_formatter(lambda value, _: quantity(value, NANOSECONDS))
    return Panel(title, draw)


def _record(setting, row, found):
    return (*vars(setting).values(), *vars(row.scheme).values(), found.value, found.low, found.high, found.count,
            int(row.has_flag("oversubscribed")))


def plots(table):
    quiet = [setting for setting in table.settings if setting.zappers == 0]
    for place, settings in by_place(quiet):
        axes = varying_axes(settings)
        absent, records, panels = {}, [], {}
        for setting in settings:
            costs = _costs(table, setting, absent, axes)
            records += [_record(setting, row, found) for row, found in costs]
            if costs:
                panels.setdefault(describe(setting, axes, vcpus=False), []).append((setting.vcpus, costs))
        if records:
            yield Plot(file_name(KIND, *place), KIND, f"Read-side cost: {place_title(place)}", CAPTION,
                       [_panel(table, groups, title) for title, groups in panels.items()], COLUMNS, records, absent)
