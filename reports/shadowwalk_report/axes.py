"""The axes of a run that figures can have as x: what varies between cells, by the names of fields and of options."""

import difflib
import math

from .quantities import NANOSECONDS, PER_SECOND, PLAIN, SECONDS, listing, quantity
from .setting import ROW_FIELDS
from .untrusted_json import is_number

# The zap rate first: memory, frees and zaps depend on it most.
FIELDS = ("zap_rate", *(field for field in ROW_FIELDS if field != "zap_rate"))
REPETITIONS = "repetitions"  # how many a row has: added rounds and failures make it differ
_UNITS = {"_rate": PER_SECOND, "_ns": NANOSECONDS, "_s": SECONDS}  # by the end of a field's name; else plain
_OPTIONS = {"writes": "write_percent"}  # options whose fields have other names; for the rest, see below
_IN_NAMES = {"burst": "walks_per_exit"}  # how the name of a cell calls a field
_ENDINGS = ("_ns", "_s", "_pages")  # of fields; options have none
_DIGITS = 6  # of a value: two that a matrix tells apart must not read the same
_LEFT_TO_WORKLOAD = {("locality", ""), ("write_percent", -1)}


def units_of(field):
    return next((units for ending, units in _UNITS.items() if field.endswith(ending)), PLAIN)


def axis_words(field, value):
    """A value of an axis: words as they are, numbers with the axis' unit, and whole numbers without a unit in full."""
    if (field, value) in _LEFT_TO_WORKLOAD:
        return "workload"
    if isinstance(value, str):
        return value or "none"
    units = units_of(field)
    if units is PLAIN:
        return f"{int(value):,}" if value == int(value) else f"{value:,.{_DIGITS}g}"
    return quantity(value, units, _DIGITS)


def number_of(value):
    """The place of a value on an axis; None where it has none: words, and the -1 of what the workload decides."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if 0 <= number < math.inf else None


def order_of(value):
    """The sort key of values of an axis: numbers by their size, then words."""
    number = number_of(value)
    return number is None, number or 0.0, str(value)


def other_values(results):
    """{field: its value in each result} of the options that are neither of the setting nor of the scheme: numbers if all results have
    one, else texts."""
    fields = sorted({name for result in results for name in result.others} - {*FIELDS, REPETITIONS})
    columns = {field: [result.others.get(field, "") for result in results] for field in fields}
    return {field: values if all(map(is_number, values)) else list(map(str, values)) for field, values in columns.items()}


def _stem(field):
    """`rcu_interval` of `rcu_interval_ns`."""
    ending = next(filter(field.endswith, _ENDINGS), "")
    return field.removesuffix(ending)


def _as_options(fields):
    """The fields as a user may spell them: `zap-rate, rcu-interval and writes`."""
    options = {field: option for option, field in _OPTIONS.items()}
    return listing(options.get(field, _stem(field)).replace("_", "-") for field in fields)


def _spellings(fields):
    """{name: field}: `zap_rate`, `rcu_interval_ns` and, as the option is spelt, `rcu_interval`."""
    names = {field: field for field in fields} | {name: field for name, field in (_OPTIONS | _IN_NAMES).items() if field in fields}
    for field in fields:
        names.setdefault(_stem(field), field)
    return names


def nearest(name, known):
    """` (did you mean zap-rate?)` for a misspelt name, or nothing."""
    near = difflib.get_close_matches(name, known, 1, 0.5)
    return f" (did you mean {near[0]}?)" if near else ""


def field_named(name, fields, varying):
    """The one of the fields that an axis names, which may be spelt as the option: `zap-rate`, `rcu-interval`. `varying`: those that have
    several values. Raises ValueError that tells what there is."""
    names = _spellings(fields)
    field = names.get(name.removeprefix("--").replace("-", "_"))
    if field is None:
        options = [known.replace("_", "-") for known in names]
        constant = [known for known in fields if known not in varying]
        raise ValueError(f"'{name}' is no axis of this run{nearest(name, options)}: it has "
                         + "; ".join(filter(None, (_as_options(varying), constant and f"with one value each {_as_options(constant)}"))))
    return field
