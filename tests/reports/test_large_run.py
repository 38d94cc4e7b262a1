"""A thousand cells: the page stays small enough to send, and so does the work. How long it takes is told and not judged."""

import json
import os

from run_factory import PAGE, RunFactory

from shadowwalk_report.report import write_report

MOST_FIGURES = 20  # of a large run, however many cells it has: drawing is most of the time
SCHEMES = ("leak", "rcu-counter", "irq-ipi", "irq-ipi-2012", "hazard", "mutex", "floor", "unsafe")


def cpu_seconds():
    """Of this process and of its children that have ended."""
    return sum(os.times()[:4])


def test_a_thousand_cells_are_a_page_of_less_than_five_megabytes_and_few_figures(tmp_path, capsys):
    factory = RunFactory(tmp_path / "run", repetitions=1)
    for workload in ("mmio-poll", "demand-fault", "memslot-flip", "quota", "balloon"):
        for guest in ("thread", "kvm"):
            for vcpus in (1, 2, 4):
                for rate in (0, 100, 1000, 10_000):
                    for place, variant in enumerate(SCHEMES):
                        walk = 4 + 3 * place * vcpus
                        counters = {"walks_per_second": vcpus * 1e9 / walk, "walk_ns_mean": walk, "walk_ns_p99": 3 * walk}
                        histograms, peaks = {"walk_ns": range(walk, walk + 300)}, None
                        if rate:
                            counters |= {"free_ns_p99": 1e4 * walk, "zap_ns_p99": 2e4 * walk,
                                         "retired_bytes_peak": PAGE * (1 + place), "retired_bytes_mean": 10.0 * walk}
                            histograms |= {name: range(100 * walk, 100 * walk + 3000, 10) for name in ("free_ns", "zap_ns")}
                            peaks = [PAGE * ((7 * i + place) % (2 + place)) for i in range(250)]
                        factory.cell(counters, histograms, peaks, variant=variant, workload=workload, guest=guest, vcpus=vcpus,
                                     zappers=int(rate > 0), zap_rate=rate or 1000)
    assert len(factory.cells) == 960
    directory = factory.write()
    before = cpu_seconds()
    page = write_report(directory, directory / "report")
    with capsys.disabled():
        print(f"960 cells: {cpu_seconds() - before:.1f} s of CPU, {page.stat().st_size / 1e6:.2f} MB")
    assert page.stat().st_size < 5_000_000
    assert len(json.loads((page.parent / "report.json").read_text())["figures"]) <= MOST_FIGURES
