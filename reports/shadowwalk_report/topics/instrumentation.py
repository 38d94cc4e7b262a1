"""The cost of the lab's own probes: walks per second at each level over those at the level that only counts."""

import dataclasses

from ..quantities import ABSENT, RATIO, interval, quantity
from ..rows import noise_decided, reason_words
from ..setting import full_title, varying_axes
from ..sheet import Cell, Content, Line, Sheet
from ..statistics import Reason, Shift, estimate, judge, ratios
from ..summary import noisy_ratio

BASE = "none"
LEVELS = ("light", "full")
BUDGET = 0.97
EXPLANATION = (f"Walks per second over those with instrumentation {BASE}, paired by repetition, without noisy results. The "
               f"budget for full is {BUDGET}: WITHIN BUDGET when the whole interval is, OVER BUDGET when none of it is.")
_VERDICTS = {Shift.MORE: ("WITHIN BUDGET", "faster"), Shift.SAME: ("WITHIN BUDGET", "faster"),
             Shift.LESS: ("OVER BUDGET", "slower"), Shift.AMBIGUOUS: ("AMBIGUOUS", "ambiguous")}


def _cell(row, base, level):
    if row is None or base is None:
        return Cell(ABSENT, hint=f"not measured with instrumentation {level if row is None else BASE}")
    quotients = ratios(*(r.values("walks_per_second", without_noise=True) for r in (row, base))).values()
    found = judge([quotient - BUDGET for quotient in quotients], 0)
    reason = reason_words(found.reason, (row, base)) if found.reason else ""
    if noise_decided(found.reason, (row, base)):
        return noisy_ratio((row, base), "walks_per_second", reason)
    if found.estimate is None:
        return Cell(ABSENT, hint=reason)
    ratio = estimate(quotients)
    words, style = _VERDICTS[found.shift]
    if found.reason is Reason.SPANS:
        reason = "the interval reaches across the budget"
    hint = f"{words}: {reason}" if reason else words
    below = f"{words} {interval(ratio, RATIO)}".strip()
    return Cell(quantity(ratio.value, RATIO), more=(below,), hint=hint, verdict=style)


def _sheet(table, setting, levels, axes):
    """`setting` is that of the base; `levels`: {level: setting}."""
    schemes = {row.scheme: row.variant for level in levels.values() for row in table.rows(level)}
    lines = []
    for scheme, variant in schemes.items():
        rows = {level: table.row(at, scheme) for level, at in levels.items()}
        if sum(row is not None for row in rows.values()) > 1:
            lines.append(Line(variant, scheme.knobs,
                              [_cell(rows.get(level), rows.get(BASE), level) for level in LEVELS if level in levels]))
    columns = [(f"{level} / {BASE}", f"walks per second, {level} over {BASE}") for level in LEVELS if level in levels]
    return Sheet(full_title(setting, axes), columns, lines) if lines else None


def content(material):
    table, levels = material.table, {}
    for setting in table.settings:
        levels.setdefault(dataclasses.replace(setting, instrumentation=BASE), {})[setting.instrumentation] = setting
    several = {base: found for base, found in levels.items() if len(found) > 1}
    axes = varying_axes(several)
    sheets = [sheet for base, found in several.items() if (sheet := _sheet(table, base, found, axes))]
    return Content([EXPLANATION], sheets) if sheets else None
