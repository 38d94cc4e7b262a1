"""Bars of several variants side by side at each number of vCPUs, with intervals and their values above them. With many
variants, one line per variant with one dot per number of vCPUs."""

from ..quantities import BYTES, count_of, quantity, significant, with_interval
from ..setting import describe
from .plot import Panel
from .scales import LONGEST_NAME, draw_names, printable, set_byte_axis, set_units
from .svg import INK, hover

# Above this ratio of the largest bar to the median one, the small bars are unreadable on a linear axis.
LINEAR_UP_TO = 12
MOST_BARS = 10  # variants: more leave no room for the values above them
DOTS = ("o", "s", "^", "D", "v", "P")
LINE_INCHES = 0.21


def _figure(value, units):
    """The value above a bar, in few characters: with a unit only where the number alone would be long."""
    return quantity(value, units) if abs(value) >= 1000 else significant(value, 2 if abs(value) < 1 else 3)


def _draw_bar(axes, row, found, x, width, colour, label, units):
    alpha = 0.45 if row.has_flag("oversubscribed") else 1
    [bar] = axes.bar(x, found.value, width * 0.9, color=colour, alpha=alpha, label=label)
    hover(bar, f"{row.variant}, {describe(row.setting)}: {with_interval(found, units)}")
    if found.low is not None:
        axes.plot([x, x], [found.low, found.high], color=INK, linewidth=1.2, marker="_", markersize=5)
    top = max(found.value, found.greatest, 0)
    axes.annotate(_figure(found.value, units), (x, top), (0, 3), textcoords="offset points", ha="center", fontsize=7.5)


def _is_spread(sizes, linear_to):
    return sizes[-1] > LINEAR_UP_TO * max(sizes[len(sizes) // 2], linear_to / 10)


def _draw_dot(axes, row, found, y, marker, colour, units):
    if found.low is not None:
        axes.plot([found.low, found.high], [y, y], color=INK, linewidth=1, zorder=3)
    mark, = axes.plot([found.value], [y], linestyle="none", marker=marker, markersize=6, color=colour, zorder=4,
                      markerfacecolor="#ffffff" if row.has_flag("oversubscribed") else colour)
    hover(mark, f"{row.variant}, {describe(row.setting)}: {with_interval(found, units)}")


def _dot_panel(table, variants, groups, title, units, linear_to):
    lines = {variant: len(variants) - 1 - place for place, variant in enumerate(variants)}

    def draw(axes):
        sizes = sorted(abs(found.value) for _, bars in groups for _, found in bars)
        if _is_spread(sizes, linear_to):
            axes.set_xscale("symlog", linthresh=linear_to)
        for place, (vcpus, bars) in enumerate(groups):
            marker = DOTS[place % len(DOTS)]
            for row, found in bars:
                offset = 0.24 * ((len(groups) - 1) / 2 - place) / max(1, len(groups) - 1)
                _draw_dot(axes, row, found, lines[row.variant] + offset, marker, table.styles[row.variant].colour, units)
            axes.plot([], [], linestyle="none", marker=marker, color=INK, label=count_of(vcpus, "vCPU"))
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.grid(True, axis="both")
        draw_names(axes, [printable(variant, LONGEST_NAME) for variant in reversed(variants)])
        axes.set_ylim(-0.7, len(lines) - 0.3)
        axes.margins(x=0.06)
        set_units(axes.xaxis, units)
    return Panel(title, draw, 0.7 + LINE_INCHES * len(variants))


def bar_panel(table, groups, title, units, linear_to=10):
    """`groups`: [(vcpus, [(row, Estimate)])]. Where sizes differ too much, the axis is logarithmic above `linear_to`.
    Bars of oversubscribed rows are paler, their dots hollow."""
    variants = [v for v in table.variants if any(row.variant == v for _, bars in groups for row, _ in bars)]
    if len(variants) > MOST_BARS:
        return _dot_panel(table, variants, groups, title, units, linear_to)
    width = 0.86 / max(1, len(variants))

    def draw(axes):
        sizes = sorted(abs(found.value) for _, bars in groups for _, found in bars)
        if _is_spread(sizes, linear_to):
            axes.set_yscale("symlog", linthresh=linear_to)
        labelled = set()
        for place, (_, bars) in enumerate(groups):
            for row, found in bars:
                x = place + (variants.index(row.variant) - (len(variants) - 1) / 2) * width
                _draw_bar(axes, row, found, x, width, table.styles[row.variant].colour,
                          printable(row.variant) if row.variant not in labelled else None, units)
                labelled.add(row.variant)
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.margins(y=0.14)
        axes.set_ylim(bottom=min(0, *(found.least for _, bars in groups for _, found in bars)) * 1.5)
        axes.set_xticks(range(len(groups)), [count_of(vcpus, "vCPU") for vcpus, _ in groups])
        axes.tick_params(axis="x", length=0)
        set_units(axes.yaxis, units)
        if units is BYTES:
            set_byte_axis(axes, sizes[-1])
    return Panel(title, draw)
