"""Figures: what is in them, what is not and why, and that no name can break them."""

import re
import xml.etree.ElementTree as xml

import pytest
from run_factory import PAGE, material_of, pmu

from shadowwalk_report.drawing import canvas, lanes, scales
from shadowwalk_report.drawing.canvas import render_all
from shadowwalk_report.drawing.plot import file_name, unique_names
from shadowwalk_report.report import write_report
from shadowwalk_report.run_directory import load
from shadowwalk_report.topics import all_plots
from shadowwalk_report.untrusted_text import visible
from shadowwalk_report.variants import COLOURS, styles

ZAPPED = {"walks_per_second": 1e6, "walk_ns_mean": 20.0, "retired_bytes_peak": PAGE, "retired_bytes_mean": 10.0,
          "free_ns_p99": 9e3, "zap_ns_p99": 2e4}
HISTOGRAMS = {"free_ns": [100, 200, 300, 400], "zap_ns": [1000, 2000, 4000]}


def plots_of(factory):
    return {plot.kind: plot for plot in all_plots(material_of(load(factory.write())))}


def records(plot, *columns):
    places = [plot.columns.index(column) for column in columns]
    return [tuple(record[place] for place in places) for record in plot.records]


def test_each_kind_is_drawn_from_what_it_needs(factory):
    factory.cell(ZAPPED, HISTOGRAMS, [PAGE, 0, PAGE])
    assert set(plots_of(factory)) == {"throughput", "latency", "retired", "free_latency", "zap_latency"}
    for variant in ("leak", "irq-ipi"):
        factory.cell({"walk_ns_mean": 4.0, "walks_per_second": 1e6}, variant=variant, zappers=0)
    factory.cell(ZAPPED, HISTOGRAMS, [PAGE], variant="rcu-counter")
    factory.cell(ZAPPED, HISTOGRAMS, [PAGE], variant="rcu-counter", rcu_interval_ns=4_000_000)
    assert {"read_side", "rcu_sweep"} <= set(plots_of(factory))
    factory.cell({"walk_ns_mean": 9.0}, zappers=0, vcpus=2)
    assert "contention" in plots_of(factory)
    factory.cell({"shadow_bytes_peak": PAGE}, peaks={"shadow_bytes": [PAGE]}, variant="hazard")
    assert "shadow" in plots_of(factory)


def test_throughput_data(factory):
    for vcpus in (1, 2):
        factory.cell({"walks_per_second": [vcpus * 1e6 * n for n in (1, 2, 3, 4, 5)]}, vcpus=vcpus, zappers=0)
    data = records(plots_of(factory)["throughput"], "vcpus", "walks_per_second", "low", "high", "repetitions")
    assert data == [(1, 3e6, 1e6, 5e6, 5), (2, 6e6, 2e6, 10e6, 5)]


def test_read_side_data(factory):
    factory.cell({"walk_ns_mean": 4.0}, variant="leak", zappers=0)
    factory.cell({"walk_ns_mean": 19.0}, variant="rcu-counter", zappers=0)
    assert records(plots_of(factory)["read_side"], "variant", "read_side_ns") == [("rcu-counter", 15)]


def test_the_retired_series_is_one_real_repetition(factory):
    cell = factory.plan()
    for repetition, peak in enumerate((5, 1, 3)):
        factory.put(cell, repetition, factory.result(cell, repetition, {"retired_bytes_peak": peak * PAGE},
                                                     peaks=[peak * PAGE, 0]))
    data = records(plots_of(factory)["retired"], "repetition", "interval_end_ns", "retired_bytes_peak")
    assert data == [(2, 8_000_000, 3 * PAGE), (2, 16_000_000, 0)]


def test_free_latency_merges_repetitions_and_counts_the_censored(factory):
    factory.cell(ZAPPED, {"free_ns": [100, 200, 300, 400]}, extra={"freed_by_drain": 1})
    data = records(plots_of(factory)["free_latency"], "free_ns", "share_not_free", "pages", "censored_pages")
    assert data == [(ns, pytest.approx(share), 20, 5) for ns, share in ((100, 0.8), (200, 0.6), (300, 0.4), (400, 0.2))]


def test_zap_latency_is_told_by_percentile(factory):
    factory.cell(ZAPPED, {"zap_ns": [10] * 9 + [100]})
    assert records(plots_of(factory)["zap_latency"], "percentile", "zap_ns") == [(0, 10), (pytest.approx(90), 100)]


def test_saturated_cells_have_no_latency_curve_and_say_why(factory):
    factory.cell({**ZAPPED, "saturated": 1}, HISTOGRAMS, variant="mutex")
    factory.cell(ZAPPED, HISTOGRAMS)
    plot = plots_of(factory)["free_latency"]
    assert {variant for variant, in records(plot, "variant")} == {"irq-ipi"}
    assert plot.absences == ["mutex at 1 vCPU, 1 zapper at 1,000 zaps/s: saturated, so that latency grows with the "
                             "length of the run"]


def test_a_scheme_that_frees_nothing_says_so(factory):
    factory.cell(ZAPPED, HISTOGRAMS)
    factory.cell(ZAPPED, variant="leak", extra={"freed_by_drain": 9})
    assert "leak at 1 vCPU, 1 zapper at 1,000 zaps/s: frees no page within the window" in \
        plots_of(factory)["free_latency"].absences


def test_level_stretches_are_drawn_by_their_corners():
    assert lanes._corners([1, 1, 1, 5, 5, 5, 5, 2]) == ([0, 2, 3, 6, 7], [1, 1, 5, 5, 2])
    assert lanes._corners([3, 3, 3]) == ([0, 2], [3, 3]) and lanes._corners([1, 2]) == ([0, 1], [1, 2])


HOSTILE = ("<script>alert(1)</script>", "$\\frac{$", "_hidden", "a & b", "日本語", "x" * 500, "%s{}", "two\nlines", '"quoted"')


def test_no_name_breaks_a_figure(factory):
    """All of them as variants of one run: what one breaks, it breaks for all."""
    factory.repetitions = 2
    for name in HOSTILE:
        factory.cell({**ZAPPED, "shadow_bytes_peak": PAGE}, HISTOGRAMS, {"retired_bytes": [PAGE], "shadow_bytes": [PAGE]}, variant=name)
        for vcpus in (1, 2):
            factory.cell({"walk_ns_mean": 9.0 * vcpus}, variant=name, zappers=0, vcpus=vcpus)
            factory.cell({f"{name}_per_walk": 2.0}, variant=name, zappers=0, vcpus=vcpus, workload="w", events="contention",
                         extra={"pmu": [pmu(name)]})
    factory.cell({"walk_ns_mean": 4.0}, variant="leak", zappers=0)
    for plot in plots_of(factory).values():
        svg, png = canvas.draw(plot)
        root = xml.fromstring(svg)
        assert not [element for element in root.iter() if element.tag.endswith("script")]
        words = [text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")]
        longest = scales.LONGEST_NAME if plot.kind in ("retired", "shadow", "heatmap") else scales.LONGEST_LABEL
        for name in HOSTILE:
            shown = scales.printable(visible(name), longest)
            assert any(shown in text for text in words), (plot.kind, name)
        assert png.startswith(b"\x89PNG")


def test_ids_of_two_figures_never_clash(factory):
    factory.cell(ZAPPED, HISTOGRAMS, [PAGE])
    ids = [{element.get("id") for element in xml.fromstring(svg).iter() if "id" in element.attrib}
           for svg, _ in render_all(list(plots_of(factory).values()))]
    assert all(ids) and len(set.union(*ids)) == sum(map(len, ids))


def test_references_within_a_figure_hold(factory):
    factory.cell(ZAPPED, HISTOGRAMS, [PAGE])
    for plot in plots_of(factory).values():
        root = xml.fromstring(canvas.draw(plot)[0])
        ids = {element.get("id") for element in root.iter()}
        links = [element.get("{http://www.w3.org/1999/xlink}href") for element in root.iter()]
        clips = [element.get("clip-path") for element in root.iter()]
        assert {link[1:] for link in links if link} <= ids
        assert {clip[5:-1] for clip in clips if clip} <= ids


def test_no_empty_panel_is_shown(factory):
    for zap_rate in range(1, 6):
        factory.cell(ZAPPED, HISTOGRAMS, [PAGE], zap_rate=zap_rate)
    for kind, plot in plots_of(factory).items():
        root = xml.fromstring(canvas.draw(plot)[0])
        ids = [element.get("id", "") for element in root.iter()]
        assert sum(".axes_" in name for name in ids) == len(plot.panels) == {"latency": 2, "held_memory": 1}.get(kind, 5), kind


def test_drawing_in_parallel_changes_nothing(factory):
    for workload in ("mmio-poll", "demand-fault"):
        factory.cell(ZAPPED, HISTOGRAMS, [PAGE], workload=workload)
    plots = unique_names(all_plots(material_of(load(factory.write()))))
    assert len(plots) >= 4
    assert render_all(plots) == [canvas.draw(plot) for plot in plots]


def test_file_names_are_safe_and_unique(factory):
    assert file_name("retired", "../../etc", "a b") == "retired-..-..-etc-a-b"
    for workload in ("a/b", "a b", "A b"):
        factory.cell(ZAPPED, workload=workload)
    names = [plot.name for plot in unique_names(all_plots(material_of(load(factory.write()))))]
    assert len({name.lower() for name in names}) == len(names) == 3
    assert not any("/" in name or " " in name for name in names)


def test_every_variant_has_its_own_style():
    house = ["floor", "leak", "rcu-counter", "irq-ipi", "irq-ipi-2012", "hazard", "mutex", "unsafe"]
    chosen = styles([*house, "mine", "yours", "theirs"])
    assert len(set(chosen.values())) == 11
    assert styles(["irq-ipi"])["irq-ipi"] == chosen["irq-ipi"]
    assert len({(style.marker, str(style.line)) for style in chosen.values()}) == 11


def test_colours_of_the_house_can_be_read_on_their_page():
    def luminance(colour):
        parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for light, dark in COLOURS.items():
        assert 1.05 / (luminance(light) + 0.05) >= 2, light
        assert (luminance(dark) + 0.05) / (luminance("#16191e") + 0.05) >= 4.5, dark


def test_a_large_run_draws_a_share_and_says_so(factory):
    factory.repetitions = 1
    for workload in ("a", "b", "c", "d", "e"):
        for rate in range(1, 11):
            for variant in ("irq-ipi", "hazard"):
                factory.cell(ZAPPED, HISTOGRAMS, [PAGE], variant=variant, workload=workload, zap_rate=rate)
    plots = list(all_plots(material_of(load(factory.write()))))
    for kind in ("free_latency", "zap_latency", "retired"):
        drawn = [plot for plot in plots if plot.kind == kind]
        assert [len(plot.panels) for plot in drawn] == [1] * 2
        assert all("49 more settings: so large a run" in " ".join(plot.absences) for plot in drawn)
    [latencies] = [plot for plot in plots if plot.kind == "latency"]
    assert latencies.workload == "a" and any(absence.startswith("4 more workloads: so large a run") for absence in latencies.absences)
    assert [plot.name for plot in plots if plot.kind.startswith("heatmap")] == ["heatmap-walks"]
    throughput = [plot for plot in plots if plot.kind == "throughput"]
    assert [plot.workload for plot in throughput] == ["a", "b"]
    assert all(any(absence.startswith("3 more places: so large a run") for absence in plot.absences) for plot in throughput)


def test_percentile_curves_tell_their_values_when_pointed_at(factory):
    factory.cell({"walks_per_second": 1e8, "zap_ns_p99": 400.0}, {"zap_ns": [100] * 985 + [400] * 10 + [800] * 5}, variant="irq-ipi")
    write_report(factory.write(), factory.directory / "report", None, ["html"])
    page = (factory.directory / "report" / "index.html").read_text()
    told = dict(re.findall(r"<title>irq-ipi, (p[\d.]+): ([^<]*)</title>", page))
    assert {"p50", "p90", "p99"} <= told.keys() and told["p50"] != told["p99"]
    assert re.fullmatch(r"(39|40|41)\d ns", told["p99"]), told
