"""Text from anywhere (files, paths, arguments) on its way to a reader: nothing in it may act on a terminal, a table or a spreadsheet."""

import re

MOST_SHOWN = 600  # characters of a line on a terminal: a message ends with what to do, so that its middle is cut
_KEPT_AT_END = 200

# C1, breaks of lines, overrides of the writing direction, invisible tags, and what UTF-8 cannot hold.
_BEYOND_C0 = ("\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff"
              "\U000e0000-\U000e007f")
_UNPRINTABLE_BEYOND_C0 = re.compile(f"[{_BEYOND_C0}]")
_UNPRINTABLE = re.compile(f"[\x00-\x1f{_BEYOND_C0}]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # how a spreadsheet tells a formula from a text


def _escaped(match):
    return match[0].encode("unicode_escape").decode("ascii")


def has_unprintable_beyond_c0(text):
    """Whether `visible` would change the text, control characters of ASCII apart: those are also tabs and breaks of lines."""
    return not text.isascii() and _UNPRINTABLE_BEYOND_C0.search(text) is not None or "\x7f" in text


def visible(text):
    """On one line, each character that would act on the reader's terminal as its escape, such as `\\x1b`. Texts that differ stay
    different."""
    return _UNPRINTABLE.sub(_escaped, str(text))


def shortened(text, most=MOST_SHOWN):
    """The text, its middle cut out where it is longer than `most` characters."""
    return text if len(text) <= most else f"{text[:most - _KEPT_AT_END - 3]}...{text[-_KEPT_AT_END:]}"


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def spreadsheet_cell(value):
    """A value of a CSV file: empty for None, and no formula. Numbers stay numbers, also those that are texts."""
    if not isinstance(value, str):
        return "" if value is None else value
    text = visible(value)
    return f"'{text}" if value.startswith(_FORMULA) and not _is_number(value) else text
