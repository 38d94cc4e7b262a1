"""The order, colour, marker and line of each variant: the same in every figure of every report.

The colours are those of Okabe and Ito, which differ with any common colour blindness; no figure distinguishes variants only by
colour. Each has a second shade for dark pages.
"""

import dataclasses
import zlib


@dataclasses.dataclass(frozen=True)
class Style:
    colour: str
    dark_colour: str
    marker: str
    line: object


_KNOWN = {
    "floor": Style("#4d4d4d", "#c9c9c9", "_", (0, (1, 1))),
    "leak": Style("#8a8a8a", "#a0a0a0", "x", (0, (4, 2))),
    "rcu-counter": Style("#d55e00", "#f0783c", "o", "-"),
    "irq-ipi": Style("#0072b2", "#4ba3e3", "s", "-"),
    "irq-ipi-2012": Style("#56b4e9", "#9fd8ff", "D", (0, (5, 1))),
    "hazard": Style("#009e73", "#2bc496", "^", "-"),
    "mutex": Style("#cc79a7", "#e39ac4", "v", (0, (3, 1, 1, 1))),
    "unsafe": Style("#b8860b", "#e0b040", "P", (0, (1, 2))),
}
# For variants outside the mission: Tol's muted colours and two of his bright ones, each with every marker once.
_COLOURS = (("#332288", "#9a8cff"), ("#882255", "#d9709f"), ("#117733", "#5fbf7f"), ("#999933", "#cccc66"), ("#aa4499", "#da8fce"),
            ("#44aa99", "#7fd6c8"), ("#4477aa", "#84b3dd"), ("#a05000", "#dd9a55"))
_MARKERS = ("<", ">", "p", "h", "d", "*", "X", "8")
_LINES = ("-", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
_OTHERS = tuple(Style(*_COLOURS[place % 8], _MARKERS[(place + place // 8) % 8], _LINES[(place + place // 8) % 4])
                for place in range(len(_COLOURS) * len(_MARKERS)))

COLOURS = {style.colour: style.dark_colour for style in (*_KNOWN.values(), *_OTHERS)}


def _choose(variant, taken):
    """A style by the variant's name, so that it is the same in each run, among those with the least used colours and markers."""
    first = zlib.crc32(variant.encode("utf-8"))
    uses = [(sum(style.colour == other.colour for other in taken), sum(style.marker == other.marker for other in taken))
            for style in _OTHERS]
    places = ((first + step) % len(_OTHERS) for step in range(len(_OTHERS)))
    return _OTHERS[min(places, key=lambda place: (_OTHERS[place] in taken, uses[place]))]


def styles(variants):
    """{variant: Style}. A variant outside the mission has the same style in each run unless two clash; past 64 of them some
    styles repeat."""
    chosen = {variant: _KNOWN[variant] for variant in variants if variant in _KNOWN}
    taken = []
    for variant in sorted(set(variants) - chosen.keys()):
        taken.append(_choose(variant, taken))
        chosen[variant] = taken[-1]
    return chosen


def is_of_the_mission(variant):
    return variant in _KNOWN


def rank(variant):
    """Sort key: the known variants in the order of the table above, then all others by name."""
    known = list(_KNOWN)
    return (known.index(variant), "") if variant in _KNOWN else (len(known), variant)
