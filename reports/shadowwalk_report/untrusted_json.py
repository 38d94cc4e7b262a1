"""Input that may be cut off or come from anywhere: reading JSON, checking values, and the error for bad input."""

import json
import re

from .untrusted_file import read_bytes
from .untrusted_text import has_unprintable_beyond_c0, visible

LARGEST = 1e100  # ratios and squares of such numbers are still numbers

_ESCAPE = re.compile(r"\\[bfnrtu]")  # how JSON writes control characters


class InputError(Exception):
    """The input is bad. The message is one line: what is wrong, where, and what to do."""


def clean(value):
    """The value with all its texts, keys included, made visible: they go to pages, tables and terminals as they are."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    return [clean(item) for item in value] if isinstance(value, list) else value


def read_json(path, may_be_pipe=False):
    """Raises OSError, or ValueError with the place when it is not JSON. `may_be_pipe`: the user named it, not a directory."""
    content = read_bytes(path, may_be_pipe)
    text = content.decode(json.detect_encoding(content))
    try:
        data = json.loads(text)
        # JSON forbids raw control characters of C0: they come as escapes. A search of the text is quicker than a look at each value.
        return clean(data) if _ESCAPE.search(text) or has_unprintable_beyond_c0(text) else data
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def is_number(value):
    """A number of sane size; neither infinite nor NaN."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -LARGEST < value < LARGEST


def are_numbers(values):
    """Whether is_number holds for each value of a list, which may be long."""
    return set(map(type, values)) <= {int, float} and all(-LARGEST < bound < LARGEST for bound in (
        min(values, default=0), max(values, default=0))) and not any(value != value for value in values)


def is_whole(value, least, most):
    """An integer, and no boolean, of this range."""
    return type(value) is int and least <= value <= most


def text_of(value, default=""):
    return value if isinstance(value, str) else default


def strings_of(value):
    """The scalars of an object, as text; lists and objects within it are left out."""
    return {key: str(item) for key, item in value.items() if not isinstance(item, (dict, list))} if isinstance(value, dict) else {}


def one_line(error):
    """The text of an exception, on one line."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return " ".join(str(error).split())
