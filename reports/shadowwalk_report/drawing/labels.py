"""Names beside points, each where it covers no other name and no point."""

import itertools

from .svg import MUTED

SIZE = 7.5
CHARACTER = 0.56  # of the font's size, on average
# Beside a point, in points: the nearest places first, then farther ones.
_NEAR = ((9, 0, "left"), (-9, 0, "right"), (0, 11, "center"), (0, -11, "center"), (8, 9, "left"), (8, -9, "left"), (-8, 9, "right"),
         (-8, -9, "right"))
_PLACES = tuple((x * far, y * far, side) for far in (1, 2, 3, 4.5) for x, y, side in _NEAR)


def _box(at, place, text):
    width, height = len(text) * SIZE * CHARACTER, SIZE * 1.2
    x, y = at[0] + place[0], at[1] + place[1]
    left = {"left": x, "right": x - width, "center": x - width / 2}[place[2]]
    return left, y - height / 2, left + width, y + height / 2


def _overlap(one, other):
    """The area, in square points."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, wide) * max(0.0, high)


def placed(points, texts, bounds, boxes=()):
    """A place (dx, dy, side) for each text, in points; `points`, `bounds` and the `boxes` to keep free (left, bottom, right, top) are in
    points, too."""
    taken = [*boxes, *((x - 5, y - 5, x + 5, y + 5) for x, y in points)]
    chosen = []
    for at, text in zip(points, texts):
        def cost(number_and_place):
            number, place = number_and_place
            box = _box(at, place, text)
            outside = sum(max(0, gap) for gap in (bounds[0] - box[0], bounds[1] - box[1], box[2] - bounds[2], box[3] - bounds[3]))
            return sum(_overlap(box, other) for other in taken) + 20 * outside, number
        _, place = min(enumerate(_PLACES), key=cost)
        taken.append(_box(at, place, text))
        chosen.append(place)
    return chosen


def label_points(axes, points, texts, lines=()):
    """Call it when the axes have their scales and limits. `points` and `lines` are in data coordinates; each line ((x, y), (x, y)) is
    level or upright, and names avoid it."""
    figure = axes.figure
    to_points = 72 / figure.dpi
    window = axes.get_window_extent()

    def place(point):
        return tuple(axes.transData.transform(point) * to_points)

    at = [place(point) for point in points]
    boxes = [(min(a[0], b[0]) - 1, min(a[1], b[1]) - 1, max(a[0], b[0]) + 1, max(a[1], b[1]) + 1)
             for a, b in ((place(begin), place(end)) for begin, end in lines)]
    bounds = tuple(side * to_points for side in itertools.chain(window.min, window.max))
    for point, text, (x, y, side) in zip(points, texts, placed(at, texts, bounds, boxes)):
        far = abs(x) + abs(y) > 20
        axes.annotate(text, point, (x, y), textcoords="offset points", ha=side, va="center", fontsize=SIZE, zorder=6,
                      arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 4} if far else None)
