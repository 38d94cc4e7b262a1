"""The trade-off plane: what a walk costs against the memory that waits to be freed, on average; and which schemes no other scheme
beats in both."""

from ..answers import answers
from ..drawing.labels import label_points
from ..drawing.plot import Panel, Plot, file_name, note_absence
from ..drawing.scales import LONGEST_NAME, error_bars, printable, set_byte_axis, set_time_axis
from ..drawing.svg import MUTED, hover_points
from ..headline import row_at_host, walk_setting
from ..held import held_by
from ..quantities import BYTES, NANOSECONDS, with_interval
from ..setting import LATENCY, SCHEME_FIELDS, within
from ..verdicts import RETIRED, WALK

KIND = "tradeoff"
WIDTH_INCHES = 10.5
CAPTION = ("One point per variant: walk_ns_mean at {walk}{mode}; {held} at {zapped}. Medians with 95 % intervals, without noisy results. "
           "Left and below is better. Ringed and joined: the variants that no other beats in both. {meaning}")
IN_LATENCY, IN_THROUGHPUT = "each walk depends on the one before", "walks overlap: less than the latency of one"
COLUMNS = SCHEME_FIELDS + ("walk_ns_mean", "walk_low", "walk_high", "held_bytes_mean", "held_low", "held_high", "on_the_front")


def pareto_front(points):
    """The points (x, y, item) that no other point beats, by x. A point beats another if it is at least as good in both and better in
    one; less is better."""
    return sorted((point for point in points
                   if not any(x <= point[0] and y <= point[1] and (x, y) != point[:2] for x, y, _ in points)),
                  key=lambda point: point[:2])


def _lines(points, front):
    """The error bars, and the steps of the front."""
    for walk, waiting, _ in points:
        x, y = walk.value, waiting.value
        yield (walk.least, y), (walk.greatest, y)
        yield (x, waiting.least), (x, waiting.greatest)
    for (x, y, _), (next_x, next_y, _) in zip(front, front[1:]):
        yield (x, y), (next_x, y)
        yield (next_x, y), (next_x, next_y)


def _panel(table, points, front, held, walk_words):
    def draw(axes):
        axes.set_xscale("log")
        axes.grid(True, axis="x")
        for walk, waiting, row in points:
            style = table.styles[row.variant]
            axes.errorbar([walk.value], [waiting.value], xerr=error_bars([walk]), yerr=error_bars([waiting]), color=style.colour,
                          marker=style.marker, markersize=8, linestyle="none", zorder=4, clip_on=False)  # 0 lies on the edge
        axes.plot([x for x, _, _ in front], [y for _, y, _ in front], linestyle="none", marker="o", markersize=16,
                  markerfacecolor="none", color=MUTED, label="beaten by none", zorder=3)
        if len(front) > 1:
            axes.step([x for x, _, _ in front], [y for _, y, _ in front], where="post", color=MUTED, linewidth=1,
                      linestyle=(0, (2, 2)), label="Pareto front", zorder=2)
        hover_points(axes, [(walk.value, waiting.value,
                             f"{row.variant}: walk {with_interval(walk, NANOSECONDS)}, {held.mean.title} "
                             f"{with_interval(waiting, BYTES)}") for walk, waiting, row in points])
        axes.margins(x=0.12)
        set_time_axis(axes.xaxis)
        set_byte_axis(axes, max(waiting.greatest for _, waiting, _ in points))
        axes.set_xlabel(f"walk_ns_mean ({walk_words})")
        axes.set_ylabel(held.mean.name)
        label_points(axes, [(walk.value, waiting.value) for walk, waiting, _ in points],
                     [printable(row.variant, LONGEST_NAME) for _, _, row in points], _lines(points, front))
    return Panel("", draw)


def plots(material):
    table, verdicts = material.table.first, material.verdicts  # a walk and a zap of two machines are no trade-off
    settings = {answer.question: answer.setting for answer in answers(table, verdicts)}
    quiet, zapped = settings[WALK], settings[RETIRED]
    if quiet is None or zapped is None:
        return
    quiet, held = walk_setting(table, quiet), held_by(table.rows(zapped))
    points, absent = [], {}
    for row in filter(None, [verdicts.baseline_row(quiet), *verdicts.contestants(quiet)]):
        other = row_at_host(table, zapped, row.variant)
        walk = row.estimate(WALK.counter.name, without_noise=True)
        waiting = other.estimate(held.mean.name, without_noise=True) if other else None
        if walk and waiting and not row.broken and not other.broken:
            points.append((walk, waiting, row))
        else:
            note_absence(absent, "not measured quietly in both settings, or broken", row.variant)
    if len(points) < 2:
        return
    front = pareto_front([(walk.value, waiting.value, row) for walk, waiting, row in points])
    records = [(*vars(row.scheme).values(), walk.value, walk.low, walk.high, waiting.value, waiting.low, waiting.high,
                int(any(row is member for _, _, member in front))) for walk, waiting, row in points]
    mode = IN_LATENCY if quiet.walk_mode == LATENCY else IN_THROUGHPUT
    caption = CAPTION.format(walk=within(quiet), mode=f", where {mode}", held=held.mean.name, zapped=within(zapped), meaning=held.meaning)
    yield Plot(file_name(KIND), KIND, "Cost of a walk against memory that waits", caption, [_panel(table, points, front, held, mode)],
               COLUMNS, records, absent, panel_inches=4.2, width_inches=WIDTH_INCHES)
