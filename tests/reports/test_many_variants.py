"""As many variants as a full shelf has: styles that are told apart, figures that stay readable, sentences that end."""

import itertools

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from run_factory import MANY_SCHEMES, PAGE, RunFactory, material_of

from shadowwalk_report.answers import answers
from shadowwalk_report.drawing import bars, canvas
from shadowwalk_report.drawing.labels import _box, _overlap, placed
from shadowwalk_report.run_directory import load
from shadowwalk_report.statistics import Verdict
from shadowwalk_report.topics import all_plots, latency
from shadowwalk_report.variants import styles
from shadowwalk_report.verdicts import WALK

NAMES = list(MANY_SCHEMES)


def test_there_are_as_many_as_that():
    assert len(NAMES) == 25


def test_each_has_a_style_that_is_told_apart_without_colour():
    chosen = styles(NAMES)
    assert len(set(chosen.values())) == len(NAMES)
    by_colour = {}
    for style in chosen.values():
        by_colour.setdefault(style.colour, []).append(style.marker)
    assert all(len(set(markers)) == len(markers) for markers in by_colour.values())
    assert max(map(len, by_colour.values())) <= 3, "colours are used evenly"


def test_those_of_the_house_keep_theirs_and_order_plays_no_part():
    assert styles(NAMES)["irq-ipi"] == styles(["irq-ipi"])["irq-ipi"]
    assert styles(NAMES) == styles(NAMES[::-1])
    assert len(set(styles([f"mine-{number}" for number in range(64)]).values())) == 64


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """The material of a run with all of them; do not change it."""
    factory = RunFactory(tmp_path_factory.mktemp("many") / "run", repetitions=9)
    for place, variant in enumerate(NAMES):
        for vcpus in (1, 2):
            walk = 4.0 + place * vcpus
            factory.cell({"walk_ns_mean": [walk * (1 + 0.002 * i) for i in range(9)], "walks_per_second": 1e9 / walk}, variant=variant,
                         zappers=0, vcpus=vcpus)
        factory.cell({"walk_ns_mean": 9.0, "walks_per_second": 1e8, "retired_bytes_peak": PAGE * (1 + place),
                      "retired_bytes_mean": 100.0 * (1 + place), "zap_ns_p99": 1e4 + place},
                     {"zap_ns": [1000 + place, 5000], "walk_ns": [10 + place, 20 + place]}, [PAGE], variant=variant)
    return material_of(load(factory.write()))


def test_the_sentence_of_many_has_a_line_a_direction_with_the_farthest_first(many):
    answer = next(answer for answer in answers(many.table, many.verdicts) if answer.question is WALK)
    assert answer.is_long
    slower = next(clause for clause in answer.clauses if clause.verdict is Verdict.SLOWER)
    names = [part.split()[0] for part in slower.words.partition(": ")[2].split("], ")]
    assert slower.words.startswith(f"{slower.count} slower: {NAMES[-1]} ") and slower.count == len(names) > 15
    assert names == sorted(names, key=NAMES.index, reverse=True)
    told = sum(clause.count for clause in answer.clauses)
    assert told == len(NAMES) - 3  # without the baseline, the floor and the control


def test_few_still_have_a_clause_each(factory):
    for place, variant in enumerate(NAMES[:6]):
        factory.cell({"walk_ns_mean": [(5.0 + 5 * place) * (1 + 0.002 * i) for i in range(5)]}, variant=variant, zappers=0)
    few = material_of(load(factory.write()))
    answer = next(answer for answer in answers(few.table, few.verdicts) if answer.question is WALK)
    assert not answer.is_long and all(clause.count == 1 for clause in answer.clauses if clause.verdict in (Verdict.SLOWER, Verdict.FASTER))


def test_bars_of_many_are_lines_of_dots_with_room_for_each_name(many):
    plot = next(plot for plot in all_plots(many) if plot.kind == "read_side")
    [panel] = plot.panels
    assert panel.inches > bars.LINE_INCHES * (len(NAMES) - 3)
    svg = canvas.draw(plot, ("html",))[0]
    for variant in set(NAMES) - {"leak", "unsafe"}:
        assert f">{variant}</text>" in svg
        assert f"<title>{variant}, 1 vCPU" in svg and f"<title>{variant}, 2 vCPUs" in svg


def test_the_table_of_latencies_has_a_line_a_variant(many):
    [sheet] = latency.content(many).sheets
    assert [line.head for line in sheet.lines] == many.table.variants
    assert [title for title, _ in sheet.columns] == ["walk", "zap"]


def test_the_trade_off_names_each_point(many):
    plot = next(plot for plot in all_plots(many) if plot.kind == "tradeoff")
    svg = canvas.draw(plot, ("html",))[0]
    assert all(f">{variant}</text>" in svg for variant in set(NAMES) - {"floor", "unsafe"})


def test_names_beside_points_lie_on_nothing():
    points = [(60.0 + 40 * (i % 5), 40.0 + 25 * (i // 5)) for i in range(25)]
    places = placed(points, NAMES, (0, 0, 400, 250))
    boxes = [_box(at, place, name) for at, place, name in zip(points, places, NAMES)]
    crowded = [placed([(100.0, 100.0)] * 2, ["one", "two"], (0, 0, 200, 200))]
    assert crowded[0][0] != crowded[0][1]
    assert sum(_overlap(a, b) for a, b in itertools.combinations(boxes, 2)) < 0.1 * sum((b[2] - b[0]) * (b[3] - b[1]) for b in boxes)
    assert all(box[0] >= 0 and box[2] <= 400 for box in boxes)


@pytest.mark.parametrize("count", [1, 7, 12, 25, 40])
def test_a_legend_fits_its_width(count):
    widths = [0.9 + 0.1 * (i % 9) for i in range(count)]
    rows, columns = canvas._legend_grid(widths, 10)
    few, longer = divmod(count, columns)
    borders = [few * column + min(column, longer) for column in range(columns + 1)]
    assert sum(max(widths[a:b]) for a, b in zip(borders, borders[1:])) <= 10 and rows * columns >= count


@pytest.mark.parametrize("kind", ["throughput", "latency", "zap_latency"])
def test_every_name_of_the_legend_is_within_the_picture(many, monkeypatch, kind):
    reached = []

    def measure(figure, _plot):
        renderer = FigureCanvasAgg(figure).get_renderer()
        [legend] = figure.legends
        reached.append((figure.bbox, [text.get_window_extent(renderer) for text in legend.get_texts()]))

    monkeypatch.setattr(canvas, "_svg", measure)
    for plot in all_plots(many):
        if plot.kind == kind:
            canvas.draw(plot, ("html",))
    for whole, boxes in reached:
        assert len(boxes) >= 24
        assert all(box.x0 >= 0 and box.x1 <= whole.x1 and box.y1 <= whole.y1 for box in boxes)
