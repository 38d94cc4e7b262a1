"""The real shadowwalk-bench: every benchmark runs, every variant has its own, bad input is refused."""

import json
import os
import re
import subprocess

import pytest

from shadowwalk_report.google_benchmark import stem

BRIEF = "--benchmark_min_time=0.001"
PAGE_BYTES = 4096
HUGE_PAGE_BYTES = 1 << 21
ENGINE_BYTES = 4 << 20
SANITIZED = ("asan", "tsan")
# What the engine's own families measure (bench/benched_variants.hpp).
OF_EACH_KIND = {"rcu-counter", "irq-ipi", "irq-ipi-2012", "hazard", "hazard-eras", "hyaline", "mutex", "leak", "unsafe"}


@pytest.fixture(scope="module")
def small_run(measure):
    """All benchmarks, once, but for trees of 100,000 leaf tables and more."""
    return measure(BRIEF, "--benchmark_filter=-pages:100000")


@pytest.fixture(scope="module")
def variants():
    done = subprocess.run([os.environ["SHADOWWALK"], "list", "variants", "--json"], capture_output=True, text=True,
                          check=True)
    return [variant["name"] for variant in json.loads(done.stdout)
            if not variant["reference"] and variant["family"] != "negative" and variant["available"]]


def test_every_benchmark_gives_a_time(small_run):
    _, entries = small_run
    assert len(entries) > 50
    for entry in entries:
        if entry.get("error_occurred"):
            assert stem(entry["name"]).startswith(("exit/", "floor/kvm_run/", "ipi/membarrier", "kernel/floor", "peer/", "peer-reclaim/")), entry
            assert entry["error_message"]
        else:
            assert entry["real_time"] > 0 and entry["iterations"] > 0, entry


def test_what_is_skipped_for_lack_of_kvm_says_so(small_run):
    context, entries = small_run
    exits = [entry for entry in entries if entry["name"].startswith(("exit/", "floor/kvm_run/"))]
    assert len(exits) == 6
    for entry in exits:
        if context["kvm"] == "available":
            assert not entry.get("error_occurred"), entry
        else:
            assert context["kvm"] == f"unavailable: {entry['error_message']}"


def test_the_kernel_is_timed_or_says_why_not(small_run):
    _, entries = small_run
    rows = [entry for entry in entries if entry["name"].startswith("kernel/")]
    status = subprocess.run([os.environ["SHADOWWALK"], "kernel", "status"], capture_output=True, text=True)
    if status.returncode == 0:
        assert {"kernel/floor/xchg", "kernel/section/irq-ipi"} <= {stem(entry["name"]).partition("/cpus:")[0] for entry in rows}
    else:
        (row,) = rows
        assert row["error_occurred"] and f"device   {row['error_message']}\n" in status.stdout


def test_peers_are_measured_or_say_why_not(small_run):
    context, entries = small_run
    walks, reclaims = ({stem(entry["name"]).removeprefix(family).rpartition("/")[0]: entry for entry in entries
                        if entry["name"].startswith(family) and last in entry["name"]}
                       for family, last in (("peer/", "threads:1"), ("peer-reclaim/", "walker:steady")))
    assert walks.keys() == reclaims.keys() and len(walks) > 15
    for scheme, entry in walks.items():
        why = context.get(f"absent_peer/{scheme}")
        assert entry.get("error_message") == reclaims[scheme].get("error_message") == why, scheme
    assert "error_message" not in walks["std/shared_mutex"]
    assert walks["xenium/lock_free_ref_count"]["error_message"]


def test_nobody_but_unsafe_frees_under_a_walker(small_run):
    _, entries = small_run
    reclaims = [entry for entry in entries if entry["name"].startswith(("reclaim/", "peer-reclaim/"))
                and "error_message" not in entry]
    assert len(reclaims) > 20
    for entry in reclaims:
        assert entry["violations"] == 0 or entry["name"].startswith("reclaim/unsafe/"), entry


def test_context_names_build_clock_and_host(small_run):
    context, _ = small_run
    assert {"shadowwalk_build", "shadowwalk_version", "clock", "cpu_model", "host_id"} <= set(context)


def test_every_variant_has_its_benchmarks(bench, variants):
    listed = {stem(line) for line in bench("--benchmark_list_tests=true").stdout.splitlines()}
    schemes = {name for name in variants if name != "floor"}
    assert len(schemes) >= 20
    for family in ("section/{}/threads:1", "walk/{}/threads:1", "commit/{}", "reclaim/{}/walker:stalled",
                   "walk/{}/pages:1000000", "cell/{}/instrumentation:full", "zap_all/{}/pages:1000",
                   "memory/{}/pages:1000000"):
        prefix, _, suffix = family.partition("{}")
        named = {name[len(prefix):len(name) - len(suffix)] for name in listed
                 if name.startswith(prefix) and name.endswith(suffix) and name.count("/") == family.count("/")}
        in_depth = family.startswith(("cell/", "zap_all/", "memory/")) or "pages:" in family
        assert named - {"floor"} == (schemes & OF_EACH_KIND if in_depth else schemes), family
    assert {"floor/pointer_chase/threads:1", "floor/xchg/threads:1", "floor/atomic_inc_shared/threads:1",
            "floor/rcu_counter_by_hand/threads:1", "ipi/signal/targets:1", "ipi/membarrier/targets:1", "exit/mmio",
            "exit/doorbell/burst:1024", "floor/kvm_run/mmio", "floor/kvm_run/doorbell/burst:1024"} <= listed


def test_memory_is_counted(small_run):
    """10,000 leaf tables, 20 of level 2, one of level 3 and the root."""
    context, entries = small_run
    if context["shadowwalk_build"].endswith(SANITIZED):
        pytest.skip("a sanitizer's own memory is in the count")
    rows = [entry for entry in entries if entry["name"].startswith("memory/") and "/pages:10000/" in entry["name"]]
    assert len(rows) >= 7
    for entry in rows:
        assert entry["shadow_pages"] == 10_000 + 20 + 1 + 1
        grown = entry["bytes_per_page"] * entry["shadow_pages"]
        assert grown == pytest.approx(round(grown / PAGE_BYTES) * PAGE_BYTES, abs=1), "whole pages of the host"
        tables = entry["shadow_pages"] * PAGE_BYTES
        # Beside the tree: up to a huge page each of tables and of descriptions that is not needed yet, and the engine.
        assert tables <= grown <= 1.1 * tables + 2 * HUGE_PAGE_BYTES + ENGINE_BYTES, entry["name"]
        assert entry["bytes_over_tables"] == pytest.approx(grown / tables)


def test_floors_and_subjects_count_alike(small_run):
    """Blocks of the same size on both sides: neither pays more of the harness loop."""
    _, entries = small_run
    for entry in entries:
        if stem(entry["name"]).startswith(("floor/pointer", "floor/xchg", "floor/rcu", "walk/", "section/")):
            assert entry["iterations"] % 1024 == 0, entry["name"]


@pytest.mark.parametrize("argument", ["--nonsense", "stray", "--benchmark_format=punch-cards"])
def test_bad_input_is_one_line_and_exit_code_2(bench, argument):
    done = bench(argument)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("shadowwalk-bench: ")


@pytest.mark.parametrize("flag, said", [("--benchmark_filter=sheep", "sheep"), ("--benchmark_filter=(", "(re|regex)"),
                                        ("--benchmark_min_time=soon", "soon")])
def test_values_that_google_benchmark_refuses_are_exit_code_2(bench, flag, said):
    done = bench(flag)
    assert done.returncode == 2
    assert re.search(said, done.stderr) and done.stderr.count("\n") == 1


def test_help(bench):
    done = bench("--help")
    assert done.returncode == 0
    for word in ("floor/pointer_chase", "--benchmark_filter", "bench-bounds"):
        assert word in done.stdout
