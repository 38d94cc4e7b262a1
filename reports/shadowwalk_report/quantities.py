"""Numbers in words: units that suit the size, three significant digits, intervals that share the value's unit."""

import math

NANOSECONDS = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns"))
BYTES = ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1, "B"))
PER_SECOND = ((1e9, "G/s"), (1e6, "M/s"), (1e3, "k/s"), (1, "/s"))
SECONDS = ((1, "s"),)
PLAIN = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""))
RATIO = ((1, "x"),)
ABSENT = "–"


def significant(number, digits=3):
    """The number with this many significant digits, never in exponent notation. Thousands are not grouped: their commas
    would look like those of an interval."""
    if number == 0 or not math.isfinite(number):
        return f"{number:.0f}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(number))))
    text = f"{number:.{min(decimals, 6)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _scale(number, units):
    # 0.9995 and not 1: a value that rounds to 1,000 ns is written as 1 µs.
    return next(((factor, unit) for factor, unit in units if abs(number) >= factor * 0.9995), units[-1])


def quantity(number, units=PLAIN, digits=3):
    """The number in the unit that suits its size, with this many significant digits; zero has no unit."""
    if number == 0:
        return "0"
    factor, unit = _scale(number, units)
    return significant(number / factor, digits) + (f" {unit}" if unit and unit not in ("x", "/s") else unit)


def interval(estimate, units=PLAIN):
    """`[low, high]` in the unit of the estimate's value; empty when one repetition gives no interval."""
    if estimate is None or estimate.low is None:
        return ""
    factor, _ = _scale(estimate.value, units)
    return f"[{significant(estimate.low / factor)}, {significant(estimate.high / factor)}]"


def with_interval(estimate, units=PLAIN):
    if estimate is None:
        return ABSENT
    return f"{quantity(estimate.value, units)} {interval(estimate, units)}".rstrip()


def low_to_high(estimate, absent="-"):
    """`0.950 .. 1.050`, the interval as commands print it; `absent` where there is none."""
    return absent if estimate is None or estimate.low is None else f"{estimate.low:.3f} .. {estimate.high:.3f}"


def count_of(number, noun):
    """`1 vCPU`, `2 vCPUs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listing(words):
    """`a`, `a and b`, `a, b and c`."""
    words = list(words)
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
