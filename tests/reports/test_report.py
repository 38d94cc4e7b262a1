"""The report as files: what is written, that it is whole or not there at all, and that no text becomes markup."""

import base64
import csv
import hashlib
import html.parser
import json
import re

import pytest
from run_factory import PAGE, noise, pmu, without_issue_three

from shadowwalk_report import report as report_module
from shadowwalk_report.report import write_report
from shadowwalk_report.untrusted_json import InputError

COUNTERS = {"walks_per_second": 1e6, "walk_ns_mean": 20.0, "retired_bytes_peak": PAGE}


class Page(html.parser.HTMLParser):
    """Tags, attributes and visible text of a page."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.attributes, self.words = [], [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def make(factory):
    directory = factory.write()
    return Page(write_report(directory, directory / "report"))


def only_its_own_script(page):
    """One script, inline, with the very hash that the page's policy allows."""
    assert page.tags.count("script") == 1 and not [a for a in page.attributes if a[0] == "script"]
    [policy] = [value for tag, name, value in page.attributes if tag == "meta" and "default-src" in value]
    script = next(words for words in page.words if "use strict" in words)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy and "default-src 'none'" in policy


def test_files_of_a_full_report(full_report):
    figures = {path.stem for path in full_report.glob("*.png")}
    assert {name.split("-")[0] for name in figures} == {"throughput", "read_side", "contention", "latency", "retired",
                                                        "shadow", "free_latency", "zap_latency", "rcu_sweep",
                                                        "heatmap", "tradeoff", "held_memory", "zap_cost", "deferred",
                                                        "deferred_free", "first_walks", "first_memory", "first_zap"}
    assert figures | {"cells"} == {path.stem for path in full_report.glob("*.csv")}
    for name in figures:
        assert (full_report / f"{name}.png").stat().st_size > 5000
        with (full_report / f"{name}.csv").open(newline="") as file:
            header, *rows = csv.reader(file)
        assert header[0] in ("workload", "variant") and rows and all(len(row) == len(header) for row in rows)
    assert {path.name for path in full_report.iterdir()} == {
        "index.html", "report.json", "cells.csv", *(f"{name}.{kind}" for name in figures for kind in ("png", "csv"))}


def test_the_page_stands_on_its_own(full_report):
    page = Page(full_report / "index.html")
    assert "link" not in page.tags and "img" not in page.tags
    only_its_own_script(page)
    for tag, name, value in page.attributes:
        if name in ("href", "xlink:href", "src", "action"):
            local = value.startswith("#") or (full_report / value).is_file()
            assert local, f"<{tag} {name}={value}>"
    style = (full_report / "index.html").read_text()
    assert not re.search(r"url\((?!#)|@import", style)


def test_every_link_within_the_page_has_its_target(full_report):
    page = Page(full_report / "index.html")
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {v[1:] for _, name, v in page.attributes if name in ("href", "xlink:href") and v.startswith("#")} <= set(ids)


def test_the_first_screen_comes_first(full_report):
    text = (full_report / "index.html").read_text()
    order = [text.index(mark) for mark in ("<h1>", 'id="claim-memory"', 'id="claim-scaling"', 'id="first_walks"',
                                           'id="first_memory"', 'id="trust"', 'id="answers"', 'id="workloads"', 'id="heatmap"',
                                           'id="trade-off"', 'id="workload-mmio-poll"',
                                           'id="workload-mmio-poll-throughput"', 'id="left-out"', 'id="environment"', 'id="cells"')]
    assert order == sorted(order)


def test_the_brief_for_scripts_agrees_with_the_page(full_report):
    brief = json.loads((full_report / "report.json").read_text())
    text = Page(full_report / "index.html").text
    assert brief["format"] == "shadowwalk-report-1"
    assert [claim["name"] for claim in brief["claims"]] == ["memory", "scaling"]
    for claim in brief["claims"]:
        assert claim["sentence"] in text


def test_the_page_tells_failures_commands_and_environment(full_report):
    text = Page(full_report / "index.html").text
    assert "killed in the walker (signal 11)" in text
    assert "shadowwalk cell --variant irq-ipi-2012" in text
    assert "Test CPU" in text and "testhost" in text
    assert "no page was freed in the window" in text


HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}'


def test_hostile_text_stays_text(factory):
    factory.title = HOSTILE
    factory.cell(COUNTERS, {"free_ns": [100]}, [PAGE], variant=HOSTILE, workload=HOSTILE, guest=HOSTILE,
                 context={"host_name": HOSTILE, "pmu": HOSTILE, "cpu_model": HOSTILE},
                 extra={"command": HOSTILE, "violation": HOSTILE, "unavailable": {HOSTILE: HOSTILE},
                        "flags": [HOSTILE, "noisy"], "noise": noise([HOSTILE]),
                        "memory": {HOSTILE: {"before": 1, "after": 2}},
                        "kvm_stats": {HOSTILE: {"kind": HOSTILE, "delta": 3}}})
    for vcpus in (1, 2):
        factory.cell({"walk_ns_mean": 5.0, f"{HOSTILE}_per_walk": 3.0}, {HOSTILE: [1], "walk_ns": [1]}, zappers=0,
                     vcpus=vcpus, variant=HOSTILE, guest="kvm", events=f"contention,{HOSTILE}", instrumentation=HOSTILE,
                     extra={"unavailable": {HOSTILE: HOSTILE}, "pmu": [
                         pmu(HOSTILE, role=HOSTILE, scope=HOSTILE, encoded=f"{HOSTILE}2"),
                         pmu(HOSTILE, scope=HOSTILE)]})
        factory.cell({"walk_ns_mean": 5.0}, zappers=0, vcpus=vcpus, variant=HOSTILE,
                     extra={"unavailable": {"line_transfer_ns": HOSTILE}})
    failed = factory.plan(variant=HOSTILE)
    factory.fail(failed, 0, reason=HOSTILE, status=HOSTILE, command=HOSTILE)
    page = make(factory)
    assert "img" not in page.tags
    only_its_own_script(page)
    assert not [attribute for attribute in page.attributes if attribute[1].startswith("on")]
    assert page.text.count("{{ 7*7 }}") >= 8


def test_results_from_before_issue_three_are_reported(factory):
    cell = factory.cell(COUNTERS, {"free_ns": [100], "zap_ns": [5]}, [PAGE])
    for repetition in range(5):
        factory.put(cell, repetition, without_issue_three(
            factory.result(cell, repetition, COUNTERS, {"free_ns": [100], "zap_ns": [5]}, [PAGE])))
    text = make(factory).text
    assert "5 of 5 measured" in text and "not recorded" in text and "PMU counts" not in text


def test_new_sections_are_on_the_page(full_report):
    text = Page(full_report / "index.html").text
    for words in ("line_wait_ns_per_walk (estimate)", "fills_from_near_cache (PMU, walks alone)", "uncorrected zap",
                  "coordinated omission", "shadow peak", "Instrumentation cost", "The kernel's statistics of",
                  "Not counted: ls_locks: no such event on this PMU", "shown but excluded from verdicts"):
        assert words in text, words


def test_characters_that_utf8_cannot_hold(factory):
    factory.title = "half \ud83d and \x00"
    factory.cell(COUNTERS)
    assert r"half \ud83d and \x00" in make(factory).text


def test_an_unfinished_run_says_so(factory):
    cell = factory.cell(COUNTERS)
    factory.path(cell, 4).unlink()
    text = make(factory).text
    assert "This run is unfinished: 4 of 5 results exist" in text


def test_a_run_without_any_result_yet(factory):
    factory.plan()
    text = make(factory).text
    assert "No result yet." in text and "NOT TESTED" in text


def test_a_run_of_one_repetition_has_no_intervals(factory):
    factory.repetitions = 1
    for variant in ("leak", "irq-ipi", "rcu-counter"):
        factory.cell(COUNTERS, variant=variant, zappers=0)
    assert "too few for any verdict" in make(factory).text


def test_the_same_run_gives_the_same_report(factory):
    factory.cell(COUNTERS, {"free_ns": [100, 200]}, [PAGE])
    directory = factory.write()
    first, second = directory.parent / "one", directory.parent / "two"
    write_report(directory, first)
    write_report(directory, second)
    assert {path.name: path.read_bytes() for path in first.iterdir()} == {
        path.name: path.read_bytes() for path in second.iterdir()}


def test_a_report_replaces_the_one_before(factory):
    factory.cell(COUNTERS)
    directory = factory.write()
    out = directory / "report"
    write_report(directory, out)
    (out / "stale.png").write_text("x")
    write_report(directory, out)
    assert not (out / "stale.png").exists() and (out / "index.html").exists()


def test_foreign_directories_are_not_replaced(factory):
    factory.cell(COUNTERS)
    directory = factory.write()
    (directory / "mine").mkdir()
    (directory / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="contains files that are not a report"):
        write_report(directory, directory / "mine")
    assert (directory / "mine" / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("failure", [RuntimeError("broken"), KeyboardInterrupt(), SystemExit(143),
                                     OSError(28, "No space left on device")])
def test_nothing_half_written_remains(factory, monkeypatch, failure):
    factory.cell(COUNTERS)
    directory = factory.write()
    write_report(directory, directory / "report")
    before = {path.name: path.read_bytes() for path in (directory / "report").iterdir()}

    def fail(*_):
        raise failure
    monkeypatch.setattr(report_module, "render_page", fail)
    with pytest.raises((type(failure), InputError)):
        write_report(directory, directory / "report")
    assert {path.name for path in directory.iterdir()} == {"cells", "run.json", "report"}
    assert {path.name: path.read_bytes() for path in (directory / "report").iterdir()} == before


def test_a_failed_rename_puts_the_old_report_back(factory, monkeypatch):
    factory.cell(COUNTERS)
    directory = factory.write()
    out = directory / "report"
    write_report(directory, out)
    (out / "old.png").write_text("the old one")
    rename = type(out).rename

    def fail_for_the_new_one(self, target):
        if self.name == "new":
            raise OSError(5, "Input/output error")
        return rename(self, target)
    monkeypatch.setattr(type(out), "rename", fail_for_the_new_one)
    with pytest.raises(InputError, match="cannot write"):
        write_report(directory, out)
    assert (out / "old.png").read_text() == "the old one"
    assert {path.name for path in directory.iterdir()} == {"cells", "run.json", "report"}
