"""Every variant against the baseline in every setting at once: one column per setting, coloured by the ratio."""

import collections
import itertools
import math

import matplotlib
from matplotlib.patches import Rectangle

from ..drawing.heat import HATCH, HATCH_COLOUR, HIGH, WIDE, HeatCell, HeatCells
from ..drawing.plot import Panel, Plot, file_name, is_large, workload_anchors
from ..drawing.scales import LONGEST_NAME, printable
from ..quantities import PER_SECOND, RATIO, count_of, quantity, significant, with_interval
from ..setting import ROW_FIELDS, by_place, describe, row_fields, varying_axes
from ..statistics import Verdict
from ..verdicts import QUESTIONS, WALKS

KIND = "heatmap"
CAPTION = ("{what}: median ratio to {baseline} within each repetition, without noisy results. {better} is better. Purple is better, "
           "orange is worse; the colour is full at a factor of {most}. Hatched: AMBIGUOUS. A dash: not measured here, or not "
           "comparable. A workload's name leads to its page.")
COLUMNS = (*ROW_FIELDS, "baseline", "metric", "ratio", "low", "high", "repetitions", "verdict", "reason", "p", "p_corrected",
           "comparisons")
MOST_FACTOR = 4  # beyond it the colour stays the same
MOST_COLUMNS = 20
LEAST_COLUMNS = 6
WIDTH_INCHES = 12.2
LONGEST_COLUMN, LONGEST_UNCUT = 34, 200  # characters of its label, and of what is looked at
CHARACTERS = 150  # of a place's name, across all columns
# PuOr is readable with any common colour blindness, and by its lightness in grey. The numbers on it have one of these two
# colours, whatever the page's colours are, as a cell is their background.
DARK_TEXT, LIGHT_TEXT = "#000000", "#fffffe"
_PALETTE = matplotlib.colormaps["PuOr"]


def _shade(question, ratio):
    """-1 (worse by MOST_FACTOR or more) to 1 (better)."""
    share = math.log(max(ratio, 1e-9)) / math.log(MOST_FACTOR)
    return min(1.0, max(-1.0, -share if question.counter.lower_is_better else share))


def _colour(shade):
    return matplotlib.colors.to_hex(_PALETTE(0.5 + 0.5 * shade))


def _text_colour(colour):
    red, green, blue = matplotlib.colors.to_rgb(colour)
    return DARK_TEXT if 0.299 * red + 0.587 * green + 0.114 * blue > 0.52 else LIGHT_TEXT


def _words(question, ruling, row):
    """What pointing at a cell shows."""
    found = ruling.comparison
    text = f"{row.variant}, {describe(row.setting)}: {question.counter.name} {with_interval(found.ratio, RATIO)}, {ruling.verdict.value}"
    return f"{text} ({ruling.code})" if ruling.reason else text


def _heat_cell(question, x, y, row, ruling):
    ratio = ruling.comparison.ratio.value
    colour = _colour(_shade(question, ratio))
    return HeatCell(x, y, colour, significant(ratio, 2 if ratio < 100 else 3), _text_colour(colour),
                    ruling.verdict is Verdict.AMBIGUOUS, _words(question, ruling, row))


def _labels_of(members, axes):
    """{setting: vCPUs and zaps, and what else distinguishes it}."""
    labels = {}
    for setting in members:
        zaps = quantity(setting.zap_rate, PER_SECOND) if setting.zappers else "no"
        more = describe(setting, axes, vcpus=False, zaps=False)
        labels[setting] = ", ".join(filter(None, (count_of(setting.vcpus, "vCPU"), f"{zaps} zaps", more)))
    return labels


def _cut(label):
    """In its middle: labels differ at their begins and ends."""
    return label if len(label) <= LONGEST_COLUMN else f"{label[:LONGEST_COLUMN // 2 - 1]}…{label[-LONGEST_COLUMN // 2:]}"


def _column_labels(settings):
    """The labels of all columns. The duration differs by group and says little: it is named only where columns of a place would
    otherwise have the same label."""
    labels = {}
    for _, members in by_place(settings):
        axes = varying_axes(members)
        short = _labels_of(members, [axis for axis in axes if axis != "duration_s"])
        uses = collections.Counter(short.values())
        full = _labels_of(members, axes)
        labels |= {setting: _cut(printable(label if uses[label] == 1 else full[setting], LONGEST_UNCUT)) for setting, label in short.items()}
    return labels


def _panel(question, settings, variants, cells, labels, anchors):
    columns = max(len(settings), LEAST_COLUMNS)

    def draw(axes):
        axes.grid(False)
        for spine in axes.spines.values():
            spine.set_visible(False)
        drawn = []
        for y, variant in enumerate(reversed(variants)):
            for x, setting in enumerate(settings):
                found = cells.get((setting, variant))
                if found is None:
                    axes.text(x + WIDE / 2, y + HIGH / 2, "–", ha="center", va="center", fontsize=8)
                else:
                    drawn.append(_heat_cell(question, x, y, *found))
        axes.add_artist(HeatCells(drawn))
        for (workload, guest), neighbours in itertools.groupby(range(len(settings)), lambda x: settings[x].place):
            first, *others = neighbours
            count = 1 + len(others)
            # As much of the name as fits above its columns.
            axes.text(first + 0.02, len(variants) + 0.12, printable(f"{workload}, {guest}", max(4, int(count * CHARACTERS / columns))),
                      fontsize=8, url=f"#{anchors[workload]}")
            if first:
                axes.plot([first - 0.02] * 2, [0, len(variants) + 0.9], color="#6e7781", linewidth=0.8, clip_on=False)
        axes.set_xlim(0, columns)
        axes.set_ylim(0, len(variants) + 0.7)
        axes.set_yticks([y + HIGH / 2 for y in range(len(variants))], [printable(v, LONGEST_NAME) for v in reversed(variants)])
        axes.set_xticks([x + WIDE / 2 for x in range(len(settings))], [labels[s] for s in settings],
                        rotation=38, ha="right", rotation_mode="anchor", fontsize=7.5)
        axes.tick_params(length=0)
        _draw_key(axes)
    return Panel("", draw)


def _draw_key(axes):
    """Legend entries: the meaning of the ends and the middle of the scale."""
    for shade, words in ((1, f"{MOST_FACTOR}x better"), (0.5, f"{MOST_FACTOR ** 0.5:g}x better"), (0, "the same"),
                         (-0.5, f"{MOST_FACTOR ** 0.5:g}x worse"), (-1, f"{MOST_FACTOR}x worse")):
        axes.add_patch(Rectangle((0, 0), 0, 0, facecolor=_colour(shade), edgecolor=HATCH_COLOUR, linewidth=0.7, label=words))
    axes.add_patch(Rectangle((0, 0), 0, 0, facecolor="#f2f2f2", edgecolor=HATCH_COLOUR, linewidth=0, hatch=HATCH, label="AMBIGUOUS"))


def _record(question, baseline, row, ruling):
    found = ruling.comparison
    return (*row_fields(row), baseline, question.counter.name, *found.ratio.fields, ruling.verdict.value, ruling.code, found.p,
            found.p_corrected, found.family)


def _plot(question, table, verdicts):
    cells, records, settings = {}, [], []
    for setting in table.settings:
        ruled = [(row, found) for row in table.plain_rows(setting)
                 if (found := verdicts.ruling(question, row)) and found.comparison.ratio is not None]
        records += [_record(question, verdicts.baseline, row, found) for row, found in ruled]
        sound = [(row, found) for row, found in ruled if not found.doubt]
        cells |= {(setting, row.variant): (row, found) for row, found in sound}
        settings += [setting] if sound else []
    if not cells or is_large(settings) and question is not WALKS:  # thousands of marks: report.json has their numbers
        return None
    variants = [variant for variant in table.variants if any((setting, variant) in cells for setting in settings)]
    labels, anchors = _column_labels(settings), workload_anchors(table.workloads)
    panels = [_panel(question, settings[first:first + MOST_COLUMNS], variants, cells, labels, anchors)
              for first in range(0, len(settings), MOST_COLUMNS)]
    caption = CAPTION.format(what=question.counter.name, baseline=verdicts.baseline, most=MOST_FACTOR,
                             better="Less" if question.counter.lower_is_better else "More")
    return Plot(file_name(KIND, question.name), KIND,
                f"{question.title} Ratio to {verdicts.baseline}", caption, panels, COLUMNS, records, most_columns=1,
                panel_inches=1.15 + 0.3 * len(variants), width_inches=WIDTH_INCHES)


def plots(material):
    yield from filter(None, (_plot(question, material.table, material.verdicts) for question in QUESTIONS))
