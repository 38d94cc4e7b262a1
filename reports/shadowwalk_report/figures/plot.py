"""A plot before it is drawn: panels, the data behind them, and what is not in them."""

import dataclasses
import re
from collections.abc import Callable

from ..quantities import listing
from ..setting import SCHEME_FIELDS as SCHEME_COLUMNS
from ..setting import SETTING_FIELDS as SETTING_COLUMNS
from ..setting import guest_words

# Of figures that show several metrics: a line a row and metric.
METRIC_COLUMNS = SETTING_COLUMNS + SCHEME_COLUMNS + ("metric", "value", "low", "high", "repetitions")


def metric_records(rows, metrics):
    return [(*vars(row.setting).values(), *vars(row.scheme).values(), metric, e.value, e.low, e.high, e.count)
            for metric in metrics for row in rows if (e := row.estimate(metric))]


@dataclasses.dataclass(frozen=True)
class Panel:
    """`draw` gets matplotlib axes. It labels artists for the legend with a variant's name or other words."""

    title: str
    draw: Callable
    inches: float = 0  # high at least


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
    workload: str | None = None  # None: it is of the run

    @property
    def absences(self):
        return [f"{listing(what)}: {reason}" for reason, what in self.absent.items()]


def by_place(settings):
    """[((workload, guest), settings)]: one plot each."""
    places = {}
    for setting in settings:
        places.setdefault((setting.workload, setting.guest), []).append(setting)
    return list(places.items())


def file_name(kind, *parts):
    """A name that is a file name on any system, whatever the parts are. Uniqueness is up to `unique_names`."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", "-".join((kind, *parts)))[:80].strip(".-")


def unique_names(plots):
    """Renames those whose names became equal by leaving out odd characters."""
    taken = set()
    for plot in plots:
        stem, number = plot.name, 2
        while plot.name.lower() in taken:
            plot.name, number = f"{stem}-{number}", number + 1
        taken.add(plot.name.lower())
    return plots


def place_title(place):
    workload, guest = place
    return f"{workload}, {guest_words(guest)}"


def place_plot(kind, place, title, *rest, **more):
    """A Plot of one workload and guest, named and titled so; what follows is as Plot has it from its caption on."""
    return Plot(file_name(kind, *place), kind, f"{title}: {place_title(place)}", *rest, workload=place[0], **more)


def note_absence(absent, reason, what):
    """Adds `what` under the reason, once."""
    known = absent.setdefault(reason, [])
    if what not in known:
        known.append(what)
