"""Which settings are drawn where a run has more than anybody looks at: distributions take a panel each."""

from ..quantities import count_of
from .plot import by_place

# A run that has more is large: it shows the cleanest setting of its first few workloads and guests.
MOST_SETTINGS = 32
MOST_PLACES = 2
REASON = "so large a run shows the cleanest setting of its first workloads alone; the results have the others"


def is_large(settings):
    return len(settings) > MOST_SETTINGS


def _preference(table, setting):
    """Clean and plain first, then the most vCPUs and zaps."""
    rows = table.plain_rows(setting)
    return (any(row.has_flag("oversubscribed") for row in rows), any(row.has_flag("saturated") for row in rows),
            not setting.is_plain, -len(rows), -setting.vcpus, -setting.zap_rate, setting)


def chosen_by_place(table, settings):
    """[((workload, guest), settings, {reason: [what]} that is not drawn)]."""
    places = by_place(settings)
    if not is_large(settings):
        return [(place, members, {}) for place, members in places]
    chosen = []
    for place, members in places[:MOST_PLACES]:
        best = min(members, key=lambda setting: _preference(table, setting))
        chosen.append((place, [best], {REASON: [count_of(len(settings) - 1, "more setting")]}))
    return chosen
