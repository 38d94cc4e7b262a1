"""Cells in kernels: each platform is judged alone and kernels first, what was emulated is checked and never timed, and user space stands
beside the kernel where both have the same cell."""

import csv
import dataclasses
import json

import pytest
from run_factory import EMULATED, HOST, IN_KERNEL, IN_VM, KERNEL, USER, RunFactory, machine_cell, machine_cells, machine_run, material_of, spread

from shadowwalk_report.claims import judge_claims
from shadowwalk_report.claims.claim import LINE_WIDTH, Badge
from shadowwalk_report.compare.judge import judge
from shadowwalk_report.compare.side import host_differences, read_side
from shadowwalk_report.mail import COLUMNS, LINES
from shadowwalk_report.report import write_report
from shadowwalk_report.rows import Table
from shadowwalk_report.run_directory import load
from shadowwalk_report.topics import FIRST_SCREEN, RUN_TOPICS, all_plots
from shadowwalk_report.topics.beside import besides, content, plots
from shadowwalk_report.verdicts import QUESTIONS

NEWER = {**IN_VM, "kernel": "build/kernels/b", "told": {**IN_VM["told"], "release": "6.12.0-test"}}
LINUX, UNDER_KVM, NEWER_LINUX = "Linux 6.1.0-test", "Linux 6.1.0-test under KVM", "Linux 6.12.0-test under KVM"
EMULATED_LINUX = "Linux 6.1.0-test EMULATED"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """runs(machines...) -> the Material of their run, each written once."""
    known = {}

    def run(*machines):
        key = json.dumps(machines)
        if key not in known:
            read = load(machine_run(tmp_path_factory.mktemp("run"), *machines))
            material = material_of(read)
            known[key] = dataclasses.replace(material, claims=tuple(judge_claims(read, material.table)))
        return known[key]
    return run


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """reports(machines...) -> the directory of their report in all formats but pictures."""
    known = {}

    def report(*machines):
        key = json.dumps(machines)
        if key not in known:
            run = machine_run(tmp_path_factory.mktemp("run"), *machines)
            write_report(run, run / "report", None, ("html", "csv", "json", "md", "txt"))
            known[key] = run / "report"
        return known[key]
    return report


@pytest.mark.parametrize("machines, platforms", [
    ((IN_KERNEL,), [LINUX]), ((USER, IN_KERNEL), [LINUX, "user space"]), ((USER, IN_VM), [UNDER_KVM, "user space"]),
    ((USER, NEWER, IN_VM), [UNDER_KVM, NEWER_LINUX, "user space"]), ((USER, IN_VM, IN_KERNEL), [LINUX, UNDER_KVM, "user space"])])
def test_kernels_answer_before_user_space_and_each_alone(runs, machines, platforms):
    for claim in runs(*machines).claims:
        assert [part.platform for part in claim.everywhere] == platforms
        for part in claim.everywhere:
            assert part.badge is Badge.YES and len(part.line) <= LINE_WIDTH
            [platform] = {finding.setting.platform for finding in part.headline}
            assert platform == ("" if part.platform == "user space" else part.platform)


def test_no_pair_is_of_two_machines(runs):
    """Walks of the kernel cost 0.9 times as much: pooled, no cost would be that of either."""
    memory, scaling = runs(USER, IN_KERNEL).claims
    grown = [part.sentence for part in scaling.everywhere]
    assert "rcu-counter 8.9" in grown[0] and "rcu-counter 9.9" in grown[1]
    assert "kernel's grace period 8 ms" in memory.line and memory.line.startswith("640 KiB")
    assert memory.others[0].line.startswith("16 KiB")


def test_two_releases_that_ran_the_same_cell_are_two_platforms(tmp_path):
    """A host that was rebooted into another kernel in the middle of a run."""
    factory = RunFactory(tmp_path / "run", 4)
    for release in ("6.1.0-test", "6.2.0-test"):
        machine_cells(factory, {**IN_KERNEL, "told": {**KERNEL, "release": release}})
    run = load(factory.write())
    assert Table(run.results).platforms == ["Linux 6.1.0-test", "Linux 6.2.0-test"]
    assert [len(claim.everywhere) for claim in judge_claims(run, Table(run.results))] == [2, 2]


def test_a_platform_without_cells_for_a_claim_does_not_answer_it(tmp_path):
    factory = RunFactory(tmp_path / "run", 7, host={**HOST, "cpus": 8})
    machine_cells(factory, USER)
    machine_cell(factory, {"walk_ns_mean": spread(5, 7)}, variant="leak", zappers=0, **IN_KERNEL)
    run = load(factory.write())
    for claim in judge_claims(run, Table(run.results)):
        assert (claim.platform, claim.badge) == ("user space", Badge.YES)
        assert [(other.platform, other.badge) for other in claim.others] == [(LINUX, Badge.NOT_TESTED)]


def test_an_emulated_run_answers_nothing_and_says_what_it_checked(runs):
    material = runs(EMULATED)
    for claim in material.claims:
        assert (claim.badge, claim.others) == (Badge.NOT_TESTED, ())
        assert claim.line == "12 cells checked, 0 violations, unsafe caught 7 of 7"
        assert "its kernel was emulated" in claim.sentence and EMULATED_LINUX in claim.sentence
    assert list(all_plots(material)) == []
    assert not any(material.verdicts.ruling(question, row) for question in QUESTIONS for row in material.table.all_rows)


def test_emulated_cells_beside_timed_ones_are_in_no_verdict_and_no_figure(runs):
    material = runs(USER, EMULATED)
    for claim in material.claims:
        assert (claim.platform, claim.badge) == ("user space", Badge.YES)
        assert [(other.platform, other.badge) for other in claim.others] == [("emulated kernels", Badge.NOT_TESTED)]
    drawn = [str(field) for plot in all_plots(material) for record in plot.records for field in record]
    assert drawn and not any("EMULATED" in field for field in drawn)
    alone = runs(USER)
    assert [claim.sentence for claim in material.claims] == [claim.sentence for claim in alone.claims]


def test_a_violation_in_an_emulated_kernel_is_told(tmp_path):
    factory = RunFactory(tmp_path / "run", 1)
    machine_cell(factory, {"violations": 3, "zaps_total": 10}, variant="irq-ipi", **EMULATED)
    material = material_of(load(factory.write()))
    [claim, _] = judge_claims(material.run, material.table)
    assert claim.line == "1 cell checked, 3 violations, unsafe not run"
    machine_cells(factory, USER)
    material = material_of(load(factory.write()))
    [sheet] = next(topic for topic in RUN_TOPICS if topic.slug == "emulated").content(material).sheets
    assert [(line.cells[-1].value, line.cells[-1].verdict) for line in sheet.lines] == [("3", "bad")]


def factors(material):
    return {platform: {(row.quantity.title, row.scheme, row.setting.vcpus): row for row in found}
            for platform, found in besides(material.table).items()}


@pytest.mark.parametrize("machine, platform", [(IN_KERNEL, LINUX), (IN_VM, UNDER_KVM)])
def test_user_space_beside_the_kernel_has_the_true_factors(runs, machine, platform):
    found = factors(runs(USER, machine))
    assert list(found) == [platform]
    for (title, scheme, vcpus), true in {
            ("a walk", "leak", 1): 0.9, ("a walk", "leak", 2): 0.9, ("read side: adds to a walk", "rcu-counter", 2): 0.9,
            ("IPI, median", "irq-ipi", 1): 0.02, ("grace period, median", "rcu-counter", 1): 40, ("free latency, p99", "irq-ipi", 1): 3,
            ("held memory, mean", "rcu-counter", 1): 40, ("mmu_lock held by a zap, p99", "irq-ipi", 1): 0.4}.items():
        factor = found[platform][title, scheme, vcpus].factor
        assert factor.low <= factor.value <= factor.high and factor.value == pytest.approx(true, rel=0.02), title
    nothing = found[platform]["held memory, peak", "irq-ipi", 1]
    assert nothing.factor is None and nothing.reason == "0 in user space and in the kernel, so that there is no factor"
    assert not any(title == "grace period, median" and scheme == "irq-ipi" for title, scheme, _ in found[platform])
    [sheet] = content(runs(USER, machine)).sheets
    assert sheet.remark == (
        "User space is right within a factor of 2: a walk; read side: adds to a walk. It is further off: IPI, median; grace period, median; "
        "free latency, median; free latency, p99; held memory, mean; held memory, peak; mmu_lock held by a zap, p99.")


def test_two_kernels_have_a_table_and_a_panel_each(runs):
    material = runs(USER, IN_VM, NEWER)
    assert [sheet.title for sheet in content(material).sheets] == [UNDER_KVM, NEWER_LINUX]
    [plot] = plots(material)
    assert [panel.title for panel in plot.panels] == [UNDER_KVM, NEWER_LINUX]
    assert {record[0] for record in plot.records} == {UNDER_KVM, NEWER_LINUX}


@pytest.mark.parametrize("machines, reason", [
    ((IN_KERNEL,), "not run in user space"), ((EMULATED, USER), "the kernel was emulated")])
def test_where_a_side_is_missing_the_row_says_why(runs, machines, reason):
    material = runs(*machines)
    [found] = besides(material.table).values()
    assert found and {row.reason for row in found} == {reason} and not any(row.factor for row in found)
    [sheet] = content(material).sheets
    assert all(line.cells[2].value == "–" and reason in line.cells[2].more for line in sheet.lines)
    assert list(plots(material)) == []


def test_noise_on_either_side_is_the_reason_of_its_rows(tmp_path):
    factory = RunFactory(tmp_path / "run", 5)
    noisy = {"flags": ["noisy"]}
    for machine, extra in ((IN_KERNEL, noisy), (USER, {})):
        for variant, cost in (("leak", 5), ("rcu-counter", 15)):
            machine_cell(factory, {"walk_ns_mean": spread(cost)}, variant=variant, zappers=0, extra=extra, **machine)
    [found] = besides(material_of(load(factory.write())).table).values()
    assert [(row.words, row.reason, row.noisy) for row in found] == [
        (words, "all results in the kernel are noisy or perturbed", (False, True))
        for words in ("a walk, leak", "read side: adds to a walk, rcu-counter")]
    assert [round(row.kernel.value) for row in found] == [5, 10] and not any(row.factor for row in found)


def test_a_read_side_needs_the_speed_limit(tmp_path):
    factory = RunFactory(tmp_path / "run", 5)
    for machine in (IN_KERNEL, USER):
        machine_cell(factory, {"walk_ns_mean": spread(15)}, variant="rcu-counter", zappers=0, **machine)
    [[found]] = besides(material_of(load(factory.write())).table).values()
    assert found.reason == "leak was not measured beside it in user space, or not quietly"


def test_an_option_that_differs_makes_no_pair(tmp_path):
    factory = RunFactory(tmp_path / "run", 5)
    machine_cells(factory, {**USER, "warmup_s": 2.0})
    machine_cells(factory, {**IN_KERNEL, "warmup_s": 0.5})
    [found] = besides(material_of(load(factory.write())).table).values()
    assert {row.reason for row in found if row.user and row.kernel} == {"the two cells differ in warmup_s"}


def test_no_section_without_kernels(runs):
    assert content(runs(USER)) is None and list(plots(runs(USER))) == []


def test_pictures_and_table_of_the_first_screen_are_of_one_machine(runs):
    material = runs(USER, IN_KERNEL)
    shown = {record[plot.columns.index("platform")] for plot in FIRST_SCREEN.plots(material) for record in plot.records}
    assert shown == {LINUX}
    assert {setting.platform for setting in (*material.headline.quiet, material.headline.zapped)} == {LINUX}


def test_the_page_says_which_kernel_and_the_files_have_the_same(reports):
    folder = reports(IN_KERNEL, USER)
    page, text, brief = ((folder / name).read_text() for name in ("index.html", "report.txt", "report.json"))
    assert f"Cells in a kernel: {LINUX} (module 0.1.0, HZ 250), machine:kernel, 12 cells." in page
    assert f"{LINUX}, machine:kernel" not in text and f"In a kernel: {LINUX} (module 0.1.0, HZ 250), machine:kernel" in text
    lines = text.splitlines()
    assert len(lines) <= LINES and max(map(len, lines)) <= COLUMNS
    assert any(line.startswith("Kernel/user: ") and "0.02x" in line for line in lines)
    assert f"Claim 1, memory: YES in {LINUX}" in lines and any(line.startswith("  user space: YES: ") for line in lines)
    brief = json.loads(brief)
    assert [(claim["platform"], [other["platform"] for other in claim["elsewhere"]]) for claim in brief["claims"]] == [(LINUX, ["user space"])] * 2
    beside = brief["user_space_beside_kernel"]
    with (folder / "beside.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(beside) and [row["metric"] for row in rows] == [row["metric"] for row in beside]
    ipi = next(row for row in rows if row["metric"] == "ipi_ns_p50")
    assert float(ipi["kernel"]) / float(ipi["user"]) == pytest.approx(float(ipi["factor"]), rel=0.03)
    assert "## User space beside the kernel" in (folder / "report.md").read_text()


@pytest.mark.parametrize("machines", [(EMULATED,), (EMULATED, USER), (IN_VM, NEWER, EMULATED, USER)])
def test_the_text_keeps_its_size(reports, machines):
    lines = (reports(*machines) / "report.txt").read_text().splitlines()
    assert len(lines) <= LINES and max(map(len, lines)) <= COLUMNS
    assert any("irq-ipi" in line and not line.startswith(" ") for line in lines), "there is room for the table"


def test_an_emulated_run_shows_its_checks_first(reports):
    page = (reports(EMULATED) / "index.html").read_text()
    first = page[page.index('id="first-screen"'):page.index('id="trust"')]
    assert "12 cells checked, 0 violations, unsafe caught 7 of 7" in first and "caught" in first
    assert "too few quiet" not in page and "<svg" not in page


def test_a_booted_kernel_is_no_second_host(reports):
    page = (reports(IN_VM, USER) / "index.html").read_text()
    assert "hosts are mixed" not in page and "results disagree" not in page and "QEMU CPU" not in page
    assert f"Cells in {UNDER_KVM}" in page and "module 0.1.0, HZ 250, built by g++ 12.2.0, clock tsc" in page


@pytest.mark.parametrize("kernel", [7, "6.1", {}, {"release": 6}, {"release": ""}])
def test_a_damaged_kernel_makes_a_result_unreadable(factory, kernel):
    factory.cell({"walk_ns_mean": 5.0}, extra={"kernel": kernel}, machine="kernel")
    run = load(factory.write())
    assert run.results == [] and {lost.status for lost in run.left_out} == {"unreadable"}
    assert all("kernel.release is missing" in lost.reason for lost in run.left_out)


def test_a_cell_is_compared_with_itself_in_another_kernel(tmp_path):
    sides = []
    for release in ("6.1.0-test", "6.2.0-test"):
        factory = RunFactory(tmp_path / release, 7)
        machine_cells(factory, {**IN_KERNEL, "told": {**KERNEL, "release": release}})
        sides.append(read_side(factory.write()))
    found = judge(*sides, 0.05)
    assert len(found.compared) > 5 and not any("absent" in lacking.reason for lacking in found.without)


def test_a_run_of_a_host_and_its_virtual_machine_is_of_one_host(tmp_path):
    sides = [read_side(machine_run(tmp_path / name, USER, IN_VM)) for name in ("base", "new")]
    assert host_differences(*sides) == [] and sides[0].recorded("cpu_model") == ["Test CPU"]


def test_emulated_times_are_not_compared(tmp_path):
    sides = []
    for name in ("base", "new"):
        factory = RunFactory(tmp_path / name, 7)
        machine_cell(factory, {"retired_bytes_peak": 4096.0, "violations": 0}, variant="irq-ipi", **EMULATED)
        sides.append(read_side(factory.write()))
    found = judge(*sides, 0.05)
    assert found.compared == []
    assert ["emulated" in lacking.reason for lacking in found.without] == [True]
