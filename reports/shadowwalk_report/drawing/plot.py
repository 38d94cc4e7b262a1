"""A plot before it is drawn: panels, the data behind them, what is not in them; its name, and which settings it shows."""

import dataclasses
import re
from collections.abc import Callable

from ..quantities import count_of, listing
from ..setting import ROW_FIELDS, by_place, place_title, row_fields

# Figures that show several metrics: one line per row and metric.
METRIC_COLUMNS = (*ROW_FIELDS, "metric", "value", "low", "high", "repetitions")
# A run with more settings is large: it shows the cleanest setting of its first few workloads and guests.
MOST_SETTINGS = 32
MOST_PLACES = 2
FEW_PLACES = "so large a run shows its first workloads only; cells.csv has the others, and `shadowwalk plot` draws them"
LARGE_RUN = "so large a run shows the cleanest setting of its first workloads only; the results have the others"


def metric_records(rows, metrics):
    return [(*row_fields(row), metric, *found.fields)
            for metric in metrics for row in rows if (found := row.estimate(metric))]


@dataclasses.dataclass(frozen=True)
class Panel:
    """`draw` gets matplotlib axes. It labels artists for the legend with a variant's name or other words."""

    title: str
    draw: Callable
    inches: float = 0  # the least height


@dataclasses.dataclass
class Plot:
    """`name` is a file name without its ending. `columns` and `records` are the CSV; `absent`: {reason: [what]}."""

    name: str
    kind: str
    title: str
    caption: str
    panels: list[Panel]
    columns: tuple[str, ...]
    records: list[tuple]
    absent: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    most_columns: int = 3
    panel_inches: float = 2.9
    width_inches: float | None = None  # None: by the number of columns
    one_scale: bool = False  # all panels get the y axis that fits all of them
    workload: str | None = None  # None: the plot shows the whole run
    note: str = ""  # what the reader must know before the figure is believed; shown below it
    topic: str = ""  # the section that shows it; set by topics.all_plots

    @property
    def absences(self):
        return [f"{listing(what)}: {reason}" for reason, what in self.absent.items()]


def file_name(kind, *parts):
    """A name that is a file name on any system, whatever the parts are. `unique_names` makes names unique."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", "-".join((kind, *parts)))[:80].strip(".-")


def _distinct(stems):
    """Each stem, with a number behind it where it equals an earlier one but for case."""
    taken = set()
    for stem in stems:
        name, number = stem, 2
        while name.lower() in taken:
            name, number = f"{stem}-{number}", number + 1
        taken.add(name.lower())
        yield name


def unique_names(plots):
    """Renames plots whose names became equal when odd characters were replaced."""
    for plot, name in zip(plots, list(_distinct(plot.name for plot in plots))):
        plot.name = name
    return plots


def workload_anchors(workloads):
    """{workload: the id of its page}: safe in a link, and all different."""
    stems = ("workload-" + (re.sub(r"[^A-Za-z0-9]+", "-", workload)[:40].strip("-") or "unnamed") for workload in workloads)
    return dict(zip(workloads, _distinct(stems)))


def place_plot(kind, place, title, *rest, **more):
    """A Plot of one workload and guest, with their names in its own; the other arguments are those of Plot from `caption` on."""
    return Plot(file_name(kind, *place), kind, f"{title}: {place_title(*place)}", *rest, workload=place[0], **more)


def note_absence(absent, reason, what):
    """Adds `what` under the reason, once."""
    known = absent.setdefault(reason, [])
    if what not in known:
        known.append(what)


def is_large(settings):
    return len(settings) > MOST_SETTINGS


def shown_places(table, places):
    """(the places that get figures, {reason: [what]} of the others). `places`: [((workload, guest), anything)]."""
    places = list(places)
    if not is_large(table.settings) or len(places) <= MOST_PLACES:
        return places, {}
    return places[:MOST_PLACES], {FEW_PLACES: [count_of(len(places) - MOST_PLACES, "more place")]}


def chosen_by_place(table, settings):
    """[((workload, guest), settings, {reason: [what]} that is not drawn)]: distributions take one panel per setting, and a
    large run has more settings than anyone looks at."""
    def preference(setting):
        """Clean and plain first, then the most vCPUs and zaps."""
        rows = table.plain_rows(setting)
        return (any(row.has_flag("oversubscribed") for row in rows), any(row.has_flag("saturated") for row in rows),
                not setting.is_plain, -len(rows), -setting.vcpus, -setting.zap_rate, setting)

    places = by_place(settings)
    if not is_large(settings):
        return [(place, members, {}) for place, members in places]
    return [(place, [min(members, key=preference)],
             {LARGE_RUN: [count_of(len(settings) - 1, "more setting")]}) for place, members in places[:MOST_PLACES]]
