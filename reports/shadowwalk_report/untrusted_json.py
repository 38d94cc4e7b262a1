"""Reads JSON that may be cut off, or come from anywhere."""

import json
import re

LARGEST = 1e300

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


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
        # JSON forbids control characters in the raw: they come as escapes, or as overrides of the writing direction.
        plain = text.isascii() and "\x7f" not in text  # which is quicker to see than that nothing matches
        return clean(data) if "\\u" in text or not plain and _UNPRINTABLE.search(text) else data
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def is_number(value):
    """A number that a float can hold; neither infinite nor NaN."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -LARGEST < value < LARGEST


def are_numbers(values):
    """The same of each value of a list, which may be long."""
    return set(map(type, values)) <= {int, float} and all(-LARGEST < bound < LARGEST for bound in (
        min(values, default=0), max(values, default=0))) and not any(value != value for value in values)


def text_of(value, default=""):
    return value if isinstance(value, str) else default


def strings_of(value):
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, dict) else {}


def one_line(error):
    """What an exception says, for a message of one line."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return " ".join(str(error).split())
