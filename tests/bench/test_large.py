"""10^6 shadow pages: the families that grow, at their full size, for one variant."""

import pytest

PAGES = 1_000_000


@pytest.fixture(scope="module")
def run(measure):
    return measure(f"--benchmark_filter=^(walk|zap_all|memory)/leak/pages:{PAGES}/|^floor/pointer_chase/pages:{PAGES}/")


def test_all_ran_or_lacked_memory(run):
    _, entries = run
    assert len(entries) == 4
    short = [entry["error_message"] for entry in entries if entry.get("error_occurred")]
    if short:
        assert all("GiB" in message for message in short)
        pytest.skip(short[0])
    assert all(entry["real_time"] > 0 for entry in entries)


def test_memory_stays_within_its_bound(run):
    context, entries = run
    [memory] = [entry for entry in entries if entry["name"].startswith("memory/")]
    if memory.get("error_occurred"):
        pytest.skip(memory["error_message"])
    if context["shadowwalk_build"].endswith(("asan", "tsan")):
        pytest.skip("a sanitizer's own memory is in the count")
    assert memory["shadow_pages"] == PAGES + 1954 + 4 + 1
    assert 1 <= memory["bytes_over_tables"] <= 1.1
