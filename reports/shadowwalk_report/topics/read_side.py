"""What each scheme adds to a walk, at each number of vCPUs."""

from ..drawing.bars import bar_panel
from ..drawing.plot import note_absence, place_plot, shown_places
from ..quantities import NANOSECONDS
from ..rows import SPEED_LIMIT, read_side
from ..setting import ROW_FIELDS, by_place, describe, row_fields, varying_axes
from ..statistics import estimate

KIND = "read_side"
CAPTION = (f"read_side_ns: walk_ns_mean less that of {SPEED_LIMIT} in the same repetition, cells without zappers only; "
           "medians with 95 % intervals. Paler bars and hollow dots are oversubscribed.")
COLUMNS = (*ROW_FIELDS, "read_side_ns", "low", "high", "repetitions", "oversubscribed")


def _costs(table, setting, absent, axes):
    """[(row, Estimate)]; rows without one go to `absent`."""
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


def plots(material):
    table = material.table
    quiet = [setting for setting in table.settings if setting.zappers == 0]
    places, left_out = shown_places(table, by_place(quiet))
    for place, settings in places:
        axes = varying_axes(settings)
        absent, records, panels = dict(left_out), [], {}
        for setting in settings:
            costs = _costs(table, setting, absent, axes)
            records += [(*row_fields(row), *found.fields, int(row.has_flag("oversubscribed"))) for row, found in costs]
            if costs:
                panels.setdefault(describe(setting, axes, vcpus=False), []).append((setting.vcpus, costs))
        if records:
            yield place_plot(KIND, place, "Read-side cost", CAPTION,
                             [bar_panel(table, groups, title, NANOSECONDS) for title, groups in panels.items()], COLUMNS,
                             records, absent, one_scale=True)
