"""The USDT probes: the built executable has exactly those of docs/probes.md, and tools count what the result says."""

import json
import pathlib
import re
import subprocess

import pytest

from small_cell import CELL
from under_bpftrace import cell_under_bpftrace

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "probes.md"
NOTE = re.compile(r"Provider: shadowwalk\n\s+Name: (\S+)\n\s+Location: (\S+), Base: \S+, Semaphore: (\S+)\n\s+Arguments:(.*)")
SIZES = {"u64": "8", "i64": "-8", "const char*": "8"}


def documented():
    """{probe: [type of each argument]} by the page's table."""
    probes = {}
    for row in re.findall(r"^\| (`\S+`)? *\| `arg(\d)` \| (\S.*?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE):
        name = row[0].strip("`") or name
        types = probes.setdefault(name, [])
        assert int(row[1]) == len(types), f"{name}: arguments out of order"
        types.append(row[2])
    return probes


def notes(command):
    text = subprocess.run(["readelf", "--notes", "--wide", command], capture_output=True, text=True, check=True).stdout
    assert text.count("Provider: shadowwalk") == len(NOTE.findall(text)), "a note that this test cannot read"
    return NOTE.findall(text)


def test_the_executable_has_the_documented_probes_with_their_arguments(command):
    built = {name: arguments.split() for name, _, _, arguments in notes(command)}
    assert set(built) == set(documented())
    for name, types in documented().items():
        assert [argument.partition("@")[0] for argument in built[name]] == [SIZES[type_] for type_ in types], name


def test_each_probe_is_one_place_with_a_semaphore_and_arguments_in_registers(command):
    found = notes(command)
    assert len({name for name, *_ in found}) == len(found), "perf would need an event for each place"
    semaphores = [semaphore for _, _, semaphore, _ in found]
    assert len(set(semaphores)) == len(found) and "0x0000000000000000" not in semaphores
    for name, _, _, arguments in found:
        for argument in arguments.split():
            assert re.fullmatch(r"-?8@%r\w+", argument), f"{name}: perf may drop {argument}"


def run_under_bpftrace(bpftrace, command, result, actions, *options):
    """(maps, printed lines, the result's entry) of a cell whose probes have these actions: {probe: action}."""
    script = " ".join(f"usdt:{command}:shadowwalk:{probe} {{ {action} }}" for probe, action in actions.items())
    said, entry = cell_under_bpftrace(bpftrace, command, result, ["-e", script], *options)
    maps = {name: value for line in said if line["type"] == "map" for name, value in line["data"].items()}
    printed = "".join(line["data"] for line in said if line["type"] == "printf").splitlines()
    return maps, printed, entry


@pytest.mark.parametrize("variant", ["irq-ipi", "rcu-counter", "hazard"])
def test_bpftrace_counts_what_the_result_says(command, bpftrace, tmp_path, variant):
    maps, phases, entry = run_under_bpftrace(bpftrace, command, tmp_path / "result.json", {
        "page__free": "@freed = count(); @levels[arg2] = count();",
        "page__retire": "@retired = count();",
        "zap__start": "@started = count();",
        "zap__done": "@zaps = count();",
        "zap__empty": "@empty = count();",
        "commit__start": "@committed = sum(arg0);",
        "commit__done": "@done = sum(arg0);",
        "phase": 'printf("phase %d of %d: %s\\n", arg0, (int64)arg1, str(arg2));',
        "violation": "@violations = count();"}, "--variant", variant)
    assert entry["pages_freed_total"] > 0 and entry["zaps_total"] > 0
    assert maps["@freed"] == maps["@retired"] == maps["@committed"] == maps["@done"] == entry["pages_freed_total"]
    assert maps["@zaps"] == entry["zaps_total"]
    assert maps["@started"] == maps["@zaps"] + maps["@empty"]
    assert maps["@violations"] == 0
    assert set(maps["@levels"]) <= {"1", "2", "3", "4"}
    assert [phase.partition(":")[0] for phase in phases] == [f"phase {number} of -1" for number in (1, 2, 3)]
    for phase in phases:  # bpftrace cuts strings at 63 characters
        assert entry["run_name"].startswith(phase.partition(": ")[2][:63]) and f"{variant}/mmio-poll" in phase


def test_bpftrace_sees_each_ipi_answered(command, bpftrace, tmp_path):
    maps, _, entry = run_under_bpftrace(bpftrace, command, tmp_path / "result.json", {
        "ipi__send": "@sends = count(); @sent[arg0] = max(arg1);",
        "ipi__ack": "@acknowledged[tid] = max(arg0);",
        "vcpu__exit": "@exits = count(); @accesses = sum(arg1);",
        "fault": "@faults = count(); @kinds[arg1] = count();"}, "--variant", "irq-ipi", "--zap-rate", "2000")
    assert maps["@sends"] >= entry["ipis"] and maps["@sends"] > 0
    assert maps["@sent"] == maps["@acknowledged"], "the last request of each thread, by the thread itself"
    assert maps["@exits"] >= entry["exits"] > 0 and maps["@accesses"] > 0
    assert maps["@faults"] > 0 and set(maps["@kinds"]) == {"2"}, "mmio-poll makes MMIO accesses"


def test_bpftrace_sees_each_violation(command, bpftrace, tmp_path):
    maps, _, entry = run_under_bpftrace(bpftrace, command, tmp_path / "result.json", {
        "violation": "@violations = count(); @what[str(arg2)] = count();"}, "--variant", "unsafe", "--zap-rate", "2000")
    assert maps["@violations"] == entry["violations"] > 0
    assert all("freed" in what or "reused" in what for what in maps["@what"])


def test_perf_counts_what_the_result_says_and_drops_no_argument(command, perf_probe, tmp_path):
    result = tmp_path / "result.json"
    assert set(re.findall(r"sdt_shadowwalk:(\w+)", perf_probe.run("list", "sdt").stdout)) == set(documented())
    events = {perf_probe.add(probe): probe for probe in documented()}
    for event, probe in events.items():
        arguments = " ".join(f"arg{number + 1}" for number in range(len(documented()[probe])))
        told = perf_probe.run("probe", "-l", event).stdout
        assert re.search(rf"with {arguments}\)", told), f"perf dropped arguments: {told}"
    counted = perf_probe.run("stat", "-x,", "-e", ",".join(events), "--", command, "cell", "--variant", "irq-ipi", *CELL,
                             "--json", result)
    counts = {events[fields[2]]: int(fields[0]) for fields in (line.split(",") for line in counted.stderr.splitlines())
              if len(fields) > 2 and fields[2] in events}
    entry = json.loads(result.read_text(encoding="utf-8"))["benchmarks"][0]
    assert counts["page__free"] == counts["page__retire"] == entry["pages_freed_total"]
    assert counts["zap__done"] == entry["zaps_total"] > 0
    assert counts["zap__start"] == counts["zap__done"] + counts["zap__empty"]
    assert counts["phase"] == 3 and counts["violation"] == 0
