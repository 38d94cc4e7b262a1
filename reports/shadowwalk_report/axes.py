"""The axes of a run that figures can have as x: what varies between cells, by the names of fields and of options."""

import difflib

from .quantities import NANOSECONDS, PER_SECOND, PLAIN, SECONDS, quantity
from .setting import ROW_FIELDS

# The zap rate first: memory, frees and zaps depend on it most.
FIELDS = ("zap_rate", *(field for field in ROW_FIELDS if field != "zap_rate"))
_UNITS = {"_rate": PER_SECOND, "_ns": NANOSECONDS, "_s": SECONDS}  # by the end of a field's name; else plain
_OPTIONS = {"writes": "write_percent", "burst": "walks_per_exit"}  # options whose fields have other names; for the rest, see below
_ENDINGS = ("_ns", "_s", "_pages")  # of fields; options have none


def units_of(field):
    return next((units for ending, units in _UNITS.items() if field.endswith(ending)), PLAIN)


def axis_words(field, value):
    """A value of an axis: numbers with the axis' unit, words as they are."""
    return value or "none" if isinstance(value, str) else quantity(value, units_of(field))


def number_of(value):
    """The place of a value on an axis; None where it has none: words, and the -1 of what the workload decides."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if number >= 0 else None


def _spellings():
    """{name: field}: `zap_rate`, `rcu_interval_ns` and, as the option is spelt, `rcu_interval`."""
    names = {field: field for field in FIELDS} | _OPTIONS
    for field in FIELDS:
        for ending in _ENDINGS:
            names.setdefault(field.removesuffix(ending), field)
    return names


def nearest(name, known):
    """` (did you mean zap-rate?)` for a misspelt name, or nothing."""
    near = difflib.get_close_matches(name, known, 1, 0.5)
    return f" (did you mean {near[0]}?)" if near else ""


def field_named(name):
    """The field of an axis, which may be spelt as the option: `zap-rate`, `rcu-interval`. Raises ValueError with a suggestion."""
    names = _spellings()
    field = names.get(name.removeprefix("--").replace("-", "_"))
    if field is None:
        options = {known.replace("_", "-"): known for known in names}
        raise ValueError(f"'{name}' is no axis of a run{nearest(name, options)}; the axes are "
                         + ", ".join(sorted(field.replace("_", "-") for field in FIELDS)))
    return field
