"""The order, colour, marker and line of each variant: the same in every figure of every report.

The colours are those of Okabe and Ito, told apart with any common colour blindness; no figure tells variants apart by
colour alone. A second shade of each serves dark pages.
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
# For variants that are not of the house: Tol's muted colours, chosen by name so that each keeps its own.
_OTHERS = (
    Style("#332288", "#9a8cff", "<", "-"), Style("#882255", "#d9709f", ">", "-"),
    Style("#117733", "#5fbf7f", "p", (0, (5, 1))), Style("#999933", "#cccc66", "h", (0, (5, 1))),
    Style("#aa4499", "#da8fce", "d", (0, (3, 1, 1, 1))), Style("#44aa99", "#7fd6c8", "*", (0, (3, 1, 1, 1))),
)

COLOURS = {style.colour: style.dark_colour for style in (*_KNOWN.values(), *_OTHERS)}


def styles(variants):
    """{variant: Style}. A variant that is not of the house keeps its style from run to run unless two clash."""
    chosen, taken = {}, 0
    for variant in sorted(variants):
        if variant in _KNOWN:
            chosen[variant] = _KNOWN[variant]
            continue
        place = zlib.crc32(variant.encode("utf-8"))
        while taken < len(_OTHERS) and _OTHERS[place % len(_OTHERS)] in chosen.values():
            place += 1
        chosen[variant] = _OTHERS[place % len(_OTHERS)]
        taken += 1
    return chosen


def rank(variant):
    """Sorts the known variants in the order of the table above, and others by name behind them."""
    known = list(_KNOWN)
    return (known.index(variant), "") if variant in _KNOWN else (len(known), variant)
