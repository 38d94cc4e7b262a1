"""The report as text for a mail: its width, its length, its characters, and that it says what the page says."""

import json
import shlex

import pytest
from run_factory import HOST, MANY_SCHEMES, PAGE, RunFactory, spread

from shadowwalk_report import report as report_module
from shadowwalk_report.claims import judge_claims
from shadowwalk_report.mail import COLUMNS, LINES
from shadowwalk_report.overview import command_words
from shadowwalk_report.report import main, write_report
from shadowwalk_report.rows import Table
from shadowwalk_report.run_directory import load


def fill(factory, variants=("leak", "rcu-counter", "irq-ipi"), **options):
    for place, variant in enumerate(variants):
        for vcpus in (1, 2):
            factory.cell({"walk_ns_mean": spread(5.0 + place * vcpus), "walks_per_second": spread(1e8)}, variant=variant, zappers=0,
                         vcpus=vcpus, **options)
        factory.cell({"deferred_bytes_mean": place * 100.0, "deferred_bytes_peak": place * PAGE, "retired_bytes_peak": 10.0 * PAGE,
                      "retired_bytes_mean": 200.0, "free_ns_p99": spread(4e4), "zap_ns_p50": spread(9e3),
                      "mmu_lock_hold_ns_p99": spread(3e4)}, {"commit_zap_ns": [100]}, variant=variant, **options)
    return factory


def text_of(factory):
    out = factory.directory / "report"
    return write_report(factory.write(), out, None, ("txt",)).read_text(encoding="ascii")


def is_for_a_mail(text):
    lines = text.splitlines()
    return len(lines) <= LINES == 25 and all(len(line) <= COLUMNS == 72 for line in lines) and text.isascii()


def test_it_says_what_ran_where_and_what_came_out(factory):
    factory.host = HOST
    text = text_of(fill(factory))
    assert is_for_a_mail(text)
    words = " ".join(text.split())
    for told in ("a test run", "Test CPU, 2 CPUs, virtual machine, Linux 6.1.0, HZ 250, preemption voluntary",
                 "Floors: xchg 5.7 ns, mfence 9.1 ns, line transfer 31 ns, IPI (signal) 2.4 us, grace period 5.8 ms",
                 "Claim 1, memory:", "Claim 2, scaling:", "read@1 read@2", "shadowwalk 0.1.0, release, g++ 12"):
        assert told in words, told
    [row] = [line.split() for line in text.splitlines() if line.startswith("irq-ipi ")]
    assert row[1:] == ["2ns", "4ns", "200B", "8KiB", "40us", "9us", "30us"]


def test_badge_and_line_are_those_of_the_claims(factory):
    text = text_of(fill(factory))
    run = load(factory.directory)
    for claim in judge_claims(run, Table(run.results)):
        assert f"{claim.name}: {claim.badge.value}" in text and claim.line in text


@pytest.mark.parametrize("fields", [{}, {"cpu": "An Unusually Long Name of a CPU That a Vendor Chose @ 2.40GHz With More Words Yet " * 2},
                                    {"kernel": {"release": "6.1.0-" + "x" * 300}}, {"kernel": {}, "floors": {}, "cpus": 1},
                                    {"cpu": "µ – “CPU” 日本 \x1b[31m"}])
@pytest.mark.parametrize("variants", [("leak",), tuple(MANY_SCHEMES), ("leak", "x" * 200, "名前", "a\nb")])
def test_it_fits_whatever_the_run_is(factory, fields, variants):
    factory.host = {**HOST, **fields}
    factory.title = "a title that goes on " * 20
    factory.repetitions = 1
    text = text_of(fill(factory, variants, workload="w" * 90))
    assert is_for_a_mail(text), text


def test_schemes_that_do_not_fit_are_counted(factory):
    factory.repetitions = 1
    text = text_of(fill(factory, MANY_SCHEMES))
    shown = sum(any(line.startswith(f"{name[:12]}") for name in MANY_SCHEMES) for line in text.splitlines())
    assert f"... and {len(MANY_SCHEMES) - 1 - shown} more schemes" in text  # unsafe is no scheme to choose


def test_a_run_without_results_is_text_too(factory):
    factory.plan()
    text = text_of(factory)
    assert is_for_a_mail(text) and "No scheme was measured." in text and "NOT TESTED" in text


def planned(tmp_path, **fields):
    factory = RunFactory(tmp_path / "run")
    factory.plan()
    path = factory.write() / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    return load(factory.directory)


@pytest.mark.parametrize("fields, command", [
    ({"matrix": {"file": "/usr/share/shadowwalk/matrices/quick.toml"}}, "shadowwalk run quick --out again --seed 7 --repetitions 5"),
    ({"matrix": {"file": "/home/me/a b.toml"}, "filter": "irq|hazard"},
     "shadowwalk run 'a b.toml' --out again --seed 7 --repetitions 5 --filter 'irq|hazard'"),
    ({}, ""), ({"matrix": 7, "filter": ["x"]}, ""), ({"matrix": {"file": None}}, "")])
def test_the_one_command_measures_it_again(tmp_path, fields, command):
    assert " ".join(command_words(planned(tmp_path, **fields))) == command


@pytest.mark.parametrize("pattern, told", [("irq|hazard", "--filter 'irq|hazard'"), ("a b " * 12, f"--filter '{'a b ' * 12}'"),
                                           ("x" * 300, "Its command is in the report's table of the environment.")])
def test_a_long_command_is_broken_between_its_words(tmp_path, pattern, told):
    run = planned(tmp_path, matrix={"file": "/home/me/results/matrices/quick.toml"}, filter=pattern)
    text = write_report(tmp_path / "run", tmp_path / "out", None, ("txt",)).read_text()
    assert is_for_a_mail(text) and told in text.replace(" \\\n", " ")
    begin = text.find("shadowwalk run")
    if begin >= 0:
        assert shlex.split(text[begin:].replace("\\\n", "")) == shlex.split(" ".join(command_words(run)))


def test_on_stdout(factory, capsys):
    directory = fill(factory).write()
    assert main([str(directory), "--format", "txt", "--out", "-"]) == 0
    printed = capsys.readouterr().out
    assert printed == text_of(factory)
    assert main([str(directory), "--format", "md", "--out", "-"]) == 0
    assert capsys.readouterr().out.startswith("# a test run\n")


def test_the_claims_alone_are_printed_and_nothing_is_written(factory, capsys, monkeypatch):
    directory = fill(factory).write()
    monkeypatch.setattr(report_module, "render_all", None)  # nothing is drawn
    assert main([str(directory), "--claims-only"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and lines[0].startswith("Claim 1, memory: ") and lines[2].startswith("Claim 2, scaling: ")
    assert {path.name for path in directory.iterdir()} == {"cells", "run.json"}


@pytest.mark.parametrize("arguments, told", [(("--out", "-"), "md or txt"), (("--out", "-", "--format", "txt,md"), "md or txt"),
                                             (("--out", "-", "--format", "html"), "md or txt"),
                                             (("--claims-only", "--format", "txt"), "leave out --format"),
                                             (("--claims-only", "--out", "x"), "leave out --format")])
def test_what_cannot_be_printed_is_refused(factory, capsys, arguments, told):
    factory.cell({"walk_ns_mean": 5.0})
    assert main([str(factory.write()), *arguments]) == 2
    done = capsys.readouterr()
    assert done.out == "" and told in done.err and done.err.count("\n") == 1
