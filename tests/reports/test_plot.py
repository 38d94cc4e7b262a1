"""`shadowwalk plot`: what is selected, how it is told, and one line for what cannot be plotted."""

import pytest
from run_factory import PAGE, RunFactory, spread
from test_host_kernel import REFERENCE

from shadowwalk_report.plot.cli import main
from shadowwalk_report.plot.selection import MOST_PANELS, select
from shadowwalk_report.run_directory import load
from shadowwalk_report.untrusted_json import InputError


@pytest.fixture
def run(factory):
    """irq-ipi and hazard at three zap rates and two numbers of vCPUs."""
    for rate in (100, 1000, 10_000):
        for vcpus in (1, 2):
            for variant, pages in (("irq-ipi", 1), ("hazard", rate // 100)):
                factory.cell({"retired_bytes_peak": [PAGE * pages * vcpus * times for times in (1, 2, 3, 4, 5)],
                              "walk_ns_mean": spread(5.0), "cycles_per_walk": 17.0}, variant=variant, zap_rate=rate, vcpus=vcpus)
    return factory.write()


def printed(run, capsys, *arguments):
    assert main([str(run), *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def refused(run, capsys, *arguments):
    assert main([str(run), *arguments]) == 2
    done = capsys.readouterr()
    assert done.out == "" and done.err.startswith("shadowwalk: plot: ") and done.err.count("\n") == 1
    return done.err


def test_the_table_has_a_line_per_point_and_a_part_per_combination_of_the_rest(run, capsys):
    lines = printed(run, capsys, "--x", "zap-rate", "--y", "retired_bytes_peak")
    assert [line for line in lines if line.endswith(":")] == ["vcpus 1:", "vcpus 2:"]
    assert lines[1].split() == ["zap_rate", "variant", "retired_bytes_peak", "95", "%", "interval", "n", "flags"]
    assert [line.split()[:5] for line in lines[2:8]] == [
        ["100/s", "hazard", "12", "KiB", "[4,"], ["100/s", "irq-ipi", "12", "KiB", "[4,"], ["1", "k/s", "hazard", "120", "KiB"],
        ["1", "k/s", "irq-ipi", "12", "KiB"], ["10", "k/s", "hazard", "1.17", "MiB"], ["10", "k/s", "irq-ipi", "12", "KiB"]]


@pytest.mark.parametrize("spelt, field", [("zap-rate", "zap_rate"), ("zap_rate", "zap_rate"), ("--zap-rate", "zap_rate"),
                                          ("rcu-interval", "rcu_interval_ns"), ("working-set", "working_set_pages"),
                                          ("duration", "duration_s"), ("writes", "write_percent"), ("think", "think_ns"),
                                          ("workload", "workload"), ("seed", "seed"), ("warmup", "warmup_s"), ("warmup_s", "warmup_s"),
                                          ("repetitions", "repetitions"), ("burst", "walks_per_exit")])
def test_axes_are_named_as_options_or_as_fields(run, spelt, field):
    assert select(load(run), spelt, "retired-bytes-peak").x == field


def test_by_any_axis_and_filtered(run, capsys):
    lines = printed(run, capsys, "--x", "zap-rate", "--y", "retired_bytes_peak", "--by", "vcpus", "--filter", "^hazard/.*zap_rate:1000/")
    assert [line.split()[:3] for line in lines] == [["zap_rate", "vcpus", "retired_bytes_peak"], ["1", "k/s", "1"], ["1", "k/s", "2"]]


def test_counters_of_events_are_known_where_they_were_counted(run, capsys):
    assert "17" in printed(run, capsys, "--x", "vcpus", "--y", "cycles_per_walk", "--filter", "irq-ipi.*rate:100/")[-1]


def test_rows_without_the_counter_are_counted_and_flags_are_told(factory, capsys):
    factory.cell({"walk_ns_mean": spread(5.0)}, variant="irq-ipi", noisy={0: ["load"]})
    factory.cell({"walks_per_second": 1.0}, variant="hazard")
    lines = printed(factory.write(), capsys, "--x", "vcpus", "--y", "walk_ns_mean")
    assert lines[1].endswith("noisy") and lines[-1] == "1 more without walk_ns_mean."


@pytest.mark.parametrize("kind, begin", [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("SVG", b"<?xml")])
def test_figures_of_each_kind(run, capsys, tmp_path, kind, begin):
    out = tmp_path / f"f.{kind}"
    assert printed(run, capsys, "--x", "zap-rate", "--y", "retired_bytes_peak", "-o", str(out)) == [str(out)]
    assert out.read_bytes().startswith(begin) and out.stat().st_size > 2000


def test_the_figure_names_axes_units_and_variants(run, capsys, tmp_path):
    printed(run, capsys, "--x", "zap-rate", "--y", "retired_bytes_peak", "-o", str(tmp_path / "f.svg"))
    drawn = (tmp_path / "f.svg").read_text()
    for words in ("zap_rate", "retired_bytes_peak", "hazard", "irq-ipi", "10 k/s", "KiB", "vcpus 2"):
        assert f">{words}" in drawn or f"{words}</text>" in drawn, words


@pytest.mark.parametrize("x", ["workload", "guest", "variant"])
def test_words_are_an_axis_too(factory, capsys, tmp_path, x):
    for workload in ("mmio-poll", "demand-fault"):
        for guest in ("thread", "kvm"):
            factory.cell({"walk_ns_mean": spread(5.0)}, workload=workload, guest=guest)
    run = factory.write()
    assert len(printed(run, capsys, "--x", x, "--y", "walk_ns_mean", "--by", "vcpus")) > 3
    printed(run, capsys, "--x", x, "--y", "walk_ns_mean", "--by", "vcpus", "-o", str(tmp_path / "f.svg"))


@pytest.mark.parametrize("option, field, values, words", [
    ("seed", "seed", (1, 2, 9_007_199_254_740_993), ["1", "2", "9,007,199,254,740,993"]),
    ("warmup", "warmup_s", (0.05, 0.5, 2.0), ["0.05 s", "0.5 s", "2 s"]),
    ("duration", "duration_s", (0.25, 0.2501), ["0.25 s", "0.2501 s"]),
    ("a-later-knob", "a_later_knob", (3, 4.5), ["3", "4.5"]),
    ("writes", "write_percent", (0, 30), ["0", "30"])])
def test_every_numeric_option_is_an_axis(factory, capsys, tmp_path, option, field, values, words):
    for value in reversed(values):
        factory.cell({"walk_ns_mean": spread(5.0)}, **{field: value})
    run = factory.write()
    lines = printed(run, capsys, "--x", option, "--y", "walk_ns_mean")
    assert lines[0].split()[0] == field and [line.strip().split("  ")[0] for line in lines[1:]] == words
    assert [part.title for part in select(load(run), option, "walk_ns_mean").parts] == [""]
    assert {point.by for point in select(load(run), "vcpus", "walk_ns_mean", option).points} == set(values)
    printed(run, capsys, "--x", option, "--y", "walk_ns_mean", "-o", str(tmp_path / "f.svg"))
    assert all(f">{word}</text>" in (tmp_path / "f.svg").read_text() for word in words)


def test_what_varies_beside_the_two_axes_is_never_mixed(factory):
    for seed in (1, 2):
        factory.cell({"walk_ns_mean": spread(5.0 * seed)}, seed=seed)
    parts = select(load(factory.write()), "vcpus", "walk_ns_mean").parts
    assert [(part.title, [point.found.value for point in part.points]) for part in parts] == [("seed 1", [5.0]), ("seed 2", [10.0])]


def test_the_number_of_repetitions_is_an_axis(factory, capsys):
    factory.cell({"walk_ns_mean": spread(5.0)}, vcpus=1)
    factory.path(factory.cell({"walk_ns_mean": spread(6.0)}, vcpus=2), 3).unlink()
    run = factory.write()
    lines = printed(run, capsys, "--x", "repetitions", "--y", "walk_ns_mean", "--by", "vcpus")
    assert [line.split()[:2] for line in lines[1:]] == [["4", "2"], ["5", "1"]]
    assert [part.title for part in select(load(run), "vcpus", "walk_ns_mean").parts] == [""]  # it makes no part of its own


@pytest.mark.parametrize("field, values, words", [
    ("locality", ("stride:17", "uniform"), ["stride:17", "uniform"]), ("placement", ("0,2", "auto"), ["0,2", "auto"]),
    ("speed", ("10", "2", "closed-loop"), ["2", "10", "closed-loop"]), ("write_percent", (-1, 30), ["30", "workload"]),
    ("a_later_word", ("", "b", 3), ["3", "none", "b"]), ("a_later_number", ("inf", "nan", "7"), ["7", "inf", "nan"])])
def test_every_option_of_words_separates_lines_and_is_an_axis(factory, capsys, tmp_path, field, values, words):
    for value in values:
        for rate in (1, 100):
            factory.cell({"zap_ns_p99": spread(5.0)}, zap_rate=rate, **({} if value == -1 else {field: value}))
    run = factory.write()
    lines = printed(run, capsys, "--x", "zap-rate", "--y", "zap_ns_p99", "--by", field)
    assert [line.split()[1] for line in lines[1:len(words) + 1]] == words
    for axes in (("--x", "zap-rate", "--by", field), ("--x", field, "--by", "zap-rate")):
        printed(run, capsys, *axes, "--y", "zap_ns_p99", "-o", str(tmp_path / "f.svg"))
        assert all(f">{word}</text>" in (tmp_path / "f.svg").read_text() for word in words)


@pytest.mark.parametrize("arguments, told", [
    (("--x", "zaprate", "--y", "walk_ns_mean"), "did you mean zap-rate?"),
    (("--x", "colour", "--y", "walk_ns_mean"), "no axis of this run: it has zap-rate, vcpus and variant; with one value each checks, "
     "duration, events, grace-period, guest, instrumentation, kernel, locality, machine, mmu-lock, placement, platform, rcu-interval, read-delay, repetitions, seed, "),
    (("--x", "warm-up", "--y", "walk_ns_mean"), "did you mean warmup?"),
    (("--x", "vcpus", "--y", "walk_ns_mean", "--by", "colour"), "'colour' is no axis of this run: it has zap-rate, vcpus and variant;"),
    (("--x", "vcpus", "--y", "retired_byte_peak"), "did you mean retired_bytes_peak?"),
    (("--x", "vcpus", "--y", "sheep"), "'sheep' is no counter"),
    (("--x", "vcpus", "--y", "walk_ns_mean", "--by", "varient"), "did you mean variant?"),
    (("--x", "vcpus", "--y", "walk_ns_mean", "--by", "vcpus"), "both vcpus"),
    (("--x", "vcpus", "--y", "walk_ns_mean", "--filter", "sheep"), "matches none of 12 cells"),
    (("--x", "vcpus", "--y", "walk_ns_mean", "--filter", "("), "not a regular expression"),
    (("--x", "vcpus", "--y", "shrink_ns_p50"), "was not measured; measured were e.g. retired_bytes_peak"),
    (("--x", "vcpus"), "--y"), (("--y", "walk_ns_mean"), "--x"),
    (("--x", "vcpus", "--y", "walk_ns_mean", "-o", "f.jpg"), "end the name in .svg, .png, .pdf"),
    (("--x", "vcpus", "--y", "walk_ns_mean", "-o", "no/such/place.svg"), "cannot be written"),
    (("--x", "vcpus", "--y", "walk_ns_mean", "--yy", "3"), "did you mean")])
def test_what_cannot_be_plotted_is_one_line(run, capsys, tmp_path, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    assert told in refused(run, capsys, *arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_references_are_plotted_beside_schemes(factory, capsys, tmp_path):
    for rate in (10, 1000):
        factory.cell({"zap_ns_p99": spread(5e3)}, variant="irq-ipi", zap_rate=rate)
        factory.cell({"zap_ns_p99": spread(9e3)}, variant="host-kvm", zap_rate=rate, extra=REFERENCE)
    run = factory.write()
    arguments = ("--x", "zap-rate", "--y", "zap_ns_p99")
    assert sum("host-kvm" in line for line in printed(run, capsys, *arguments)) == 2
    printed(run, capsys, *arguments, "-o", str(tmp_path / "f.svg"))
    assert "host-kvm</text>" in (tmp_path / "f.svg").read_text()


def test_why_it_was_not_measured(factory):
    factory.cell({"walk_ns_mean": 5.0}, extra={"unavailable": {"ipi_ns_p50": "no flush sent an IPI"}})
    with pytest.raises(InputError, match=r"ipi_ns_p50 was not measured \(no flush sent an IPI\)"):
        select(load(factory.write()), "vcpus", "ipi_ns_p50")


def test_more_panels_than_anyone_looks_at_are_refused(factory, capsys, tmp_path):
    factory.repetitions = 1
    for place in range(MOST_PANELS + 1):
        for rate in (1, 2):
            factory.cell({"zap_ns_p99": 5.0}, workload=f"w{place}", zap_rate=rate)
    run = factory.write()
    out = tmp_path / "f.svg"
    told = refused(run, capsys, "--x", "zap-rate", "--y", "zap_ns_p99", "-o", str(out))
    assert "13 panels, as workload vary" in told and "--filter" in told and not out.exists()
    assert len(printed(run, capsys, "--x", "zap-rate", "--y", "zap_ns_p99")) > 26  # a table of them is fine


def test_a_run_without_results_and_no_run(tmp_path, capsys):
    factory = RunFactory(tmp_path / "run")
    factory.plan()
    assert "no result yet" in refused(factory.write(), capsys, "--x", "vcpus", "--y", "walk_ns_mean")
    assert "no such directory" in refused(tmp_path / "none", capsys, "--x", "vcpus", "--y", "walk_ns_mean")


@pytest.mark.parametrize("name", ['"><script>', "_x", "$\\frac{$", "x" * 300, "日本\x1b[31m"])
def test_names_of_others_are_only_names(factory, capsys, tmp_path, name):
    for rate in (1, 20):
        factory.cell({"zap_ns_p99": 0.0}, variant=name, workload=name, zap_rate=rate)
    run = factory.write()
    lines = printed(run, capsys, "--x", "zap-rate", "--y", "zap_ns_p99")
    assert len(lines) == 3 and "\x1b" not in "".join(lines)
    printed(run, capsys, "--x", "zap-rate", "--y", "zap_ns_p99", "-o", str(tmp_path / "f.svg"))
    assert "<script>" not in (tmp_path / "f.svg").read_text()
