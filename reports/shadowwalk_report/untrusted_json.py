"""Input that may be cut off or come from anywhere: reading JSON, checking values, and the error for bad input."""

import json
import re

LARGEST = 1e300

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


class InputError(Exception):
    """The input is bad. The message is one line: what is wrong, where, and what to do."""


def clean(value):
    """Without control characters and lone surrogates, which neither HTML nor UTF-8 can hold."""
    if isinstance(value, str):
        return _UNPRINTABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    return [clean(item) for item in value] if isinstance(value, list) else value


def read_json(path):
    """Raises OSError, or ValueError with the place when it is not JSON."""
    text = path.read_text(encoding="utf-8")
    try:
        data = json.loads(text)
        # JSON forbids raw control characters: they come as escapes, or as overrides of the writing direction.
        plain = text.isascii() and "\x7f" not in text  # a quicker test than the search
        return clean(data) if "\\u" in text or not plain and _UNPRINTABLE.search(text) else data
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def is_number(value):
    """A number that a float can hold; neither infinite nor NaN."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -LARGEST < value < LARGEST


def are_numbers(values):
    """Whether is_number holds for each value of a list, which may be long."""
    return set(map(type, values)) <= {int, float} and all(-LARGEST < bound < LARGEST for bound in (
        min(values, default=0), max(values, default=0))) and not any(value != value for value in values)


def text_of(value, default=""):
    return value if isinstance(value, str) else default


def strings_of(value):
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, dict) else {}


def one_line(error):
    """The text of an exception, on one line."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return " ".join(str(error).split())
