"""`shadowwalk cell --trace`: the file is what Chrome's trace-event format asks for, and its counts are the result's."""

import collections
import json
import os
import pathlib
import subprocess

import pytest

CELL = ("--workload", "mmio-poll", "--guest", "thread", "--duration", "200ms", "--warmup", "20ms", "--working-set", "64",
        "--walks-per-exit", "4096", "--zap-rate", "500", "--mmu-lock", "mutex")
REPLAYED = pathlib.Path(__file__).parents[2] / "workloads" / "traces" / "churn.swtrace"
ALL_KEPT = ("--trace-records", "1048576")


def run(command, *arguments, env=None):
    return subprocess.run([command, "cell", *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=300, check=False, env={**os.environ, **(env or {})})


def without_duration(options, longer):
    """The options, with another duration."""
    if not longer:
        return options
    at = options.index("--duration")
    return (*options[:at], *options[at + 2:], *longer)


@pytest.fixture
def traced(command, tmp_path):
    """traced(options...) -> (the trace, the result's entry, what stood on stderr). Of a vCPU that others kept off its CPU
    for the whole window there is nothing to see: then once more, with a longer one."""
    def cell(*options):
        trace, result = tmp_path / "trace.json", tmp_path / "result.json"
        for longer in ((), ("--duration", "1s"), ("--duration", "5s"), ("--duration", "20s")):
            done = run(command, *without_duration(options, longer), "--trace", trace, "--json", result)
            starved = "no access of the trace fell into the window" in done.stderr
            if not starved and json.loads(result.read_text(encoding="utf-8"))["benchmarks"][0].get("exits") != 0:
                break
        assert done.returncode == 0, done.stderr
        assert sorted(file.name for file in tmp_path.iterdir()) == ["result.json", "trace.json"], "no other file is left"
        entry = json.loads(result.read_text(encoding="utf-8"))["benchmarks"][0]
        assert entry["shadowwalk"]["perturbed"] == "--trace"
        return json.loads(trace.read_text(encoding="utf-8")), entry, done.stderr
    return cell


def threads(trace):
    return {event["tid"]: event["args"]["name"] for event in trace["traceEvents"] if event["name"] == "thread_name"}


def spans(trace, name):
    return [event for event in trace["traceEvents"] if event["ph"] == "X" and event["name"] == name]


def nanoseconds(us):
    return round(us * 1000)


def check_format(trace):
    """What a reader of the format may rely on."""
    known = threads(trace)
    last = {}
    around = collections.defaultdict(list)
    flows = collections.Counter()
    begun = {}
    for event in trace["traceEvents"]:
        assert event["ph"] in "MXisfC", event
        if event["ph"] == "M":
            continue
        track = event.get("tid", event["name"])
        assert event["ph"] == "C" or track in known, event
        ts = nanoseconds(event["ts"])
        assert ts >= last.get(track, 0), "a track is in order of time"
        last[track] = ts
        if event["ph"] == "X":
            assert event["dur"] >= 0
            open_ = around[track]
            while open_ and open_[-1] <= ts:
                open_.pop()
            end = ts + nanoseconds(event["dur"])
            assert not open_ or end <= open_[-1], f"{event} reaches out of what it began in"
            open_.append(end)
        if event["ph"] in "sf":
            flows[event["id"], event["ph"]] += 1
            begun.setdefault(event["id"], {})[event["ph"]] = (ts, track)
        if event["ph"] == "C":
            assert event["args"]["pages"] >= 0
    assert set(flows.values()) <= {1}
    for number, ends in begun.items():
        assert set(ends) == {"s", "f"}, f"flow {number} has one end"
        assert ends["f"][0] >= ends["s"][0] and ends["f"][1] != ends["s"][1]


def check_counts(trace, entry):
    assert trace["otherData"]["dropped"] == {}
    assert len(spans(trace, "zap")) == entry["zaps_total"] > 0
    for name in ("retire", "free", "commit"):
        assert sum(span["args"]["pages"] for span in spans(trace, name)) == entry["pages_freed_total"] > 0, name
    if "ipis_total" in entry:
        assert sum(span["args"].get("sent", 0) for span in spans(trace, "IPIs")) == entry["ipis_total"]
    levels = [event["args"]["pages"] for event in trace["traceEvents"] if event["ph"] == "C"]
    assert levels[-1] == 0 and max(levels) > 0, "all that was unlinked is free in the end"
    assert [span["name"] for span in trace["traceEvents"] if span.get("name") in ("warm-up", "measure", "drain")] == [
        "warm-up", "measure", "drain"]


@pytest.mark.parametrize("variant", ["irq-ipi", "rcu-counter", "hazard"])
@pytest.mark.parametrize("guest", ["thread", "kvm"])
def test_counts_are_the_results(traced, variant, guest):
    if guest == "kvm" and not os.access("/dev/kvm", os.R_OK | os.W_OK):
        pytest.skip("/dev/kvm does not open")
    options = [{"thread": guest}.get(word, word) for word in CELL]
    trace, entry, errors = traced("--variant", variant, *options, *ALL_KEPT)
    assert errors == ""
    check_format(trace)
    check_counts(trace, entry)
    reclaimer = ["reclaim-0"] if variant == "rcu-counter" else []
    assert sorted(threads(trace).values()) == ["main", *reclaimer, "vcpu-0", "zapper-0"]
    vcpu = next(tid for tid, name in threads(trace).items() if name == "vcpu-0")
    guests = [span for span in spans(trace, "guest") if span["tid"] == vcpu]
    assert len(guests) >= entry["exits"] > 0
    assert spans(trace, "walks") and all(span["tid"] == vcpu for span in spans(trace, "walks"))
    assert spans(trace, "fault")
    assert trace["otherData"]["cell"] == entry["run_name"].removesuffix("/iterations:1/manual_time")
    if variant == "irq-ipi":
        assert entry["ipis_total"] >= entry["ipis"]
        arrows = [event for event in trace["traceEvents"] if event["ph"] == "f"]
        acks = {(span["tid"], nanoseconds(span["ts"])) for span in spans(trace, "IPI ack")}
        assert arrows and all((arrow["tid"], nanoseconds(arrow["ts"])) in acks for arrow in arrows)
    if variant == "rcu-counter":
        assert len(spans(trace, "grace period")) == entry["shadowwalk"].get("grace_periods", 0)


def test_a_replays_vcpus_have_their_zaps(traced):
    trace, entry, _ = traced("--variant", "irq-ipi", "--workload", f"trace:{REPLAYED}", "--closed-loop", "--vcpus", "2",
                             "--duration", "1s", "--warmup", "10ms", *ALL_KEPT)
    check_format(trace)
    check_counts(trace, entry)
    known = threads(trace)
    assert {"vcpu-0", "vcpu-1", "zapper-0"} <= set(known.values())


def test_stalls_and_violations_of_the_negative_control(traced):
    busier = [{"500": "2000"}.get(word, word) for word in CELL]
    trace, entry, _ = traced("--variant", "unsafe", *busier, *ALL_KEPT)
    check_format(trace)
    check_counts(trace, entry)
    violations = [event for event in trace["traceEvents"] if event["name"] == "violation"]
    assert len(violations) == entry["violations"]
    assert len(spans(trace, "stall")) == entry["walker_stalls_total"] > 0


def test_small_buffers_keep_the_newest_and_tell_of_the_rest(traced):
    trace, entry, errors = traced("--variant", "irq-ipi", *CELL, "--trace-records", "16")
    check_format(trace)
    dropped = trace["otherData"]["dropped"]
    assert dropped["zap__done"] + len(spans(trace, "zap")) <= entry["zaps_total"] < dropped["zap__done"] + 16
    assert dropped["vcpu__exit"] > 0
    for probe, count in dropped.items():
        assert f"{count} {probe}" in errors
    assert errors.count("\n") == 1 and "--trace-records 32 keeps more" in errors
    records = collections.Counter(event["tid"] for event in trace["traceEvents"] if event["ph"] in "Xi")
    assert max(records.values()) <= 2 * 16 + 2, "a track is as long as its buffers"
    assert [event["name"] for event in trace["traceEvents"] if event["ph"] == "X" and event["name"] == "measure"]


def test_the_references_beats_and_phases(traced):
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        pytest.skip("/dev/kvm does not open")
    trace, entry, _ = traced("--variant", "host-kvm", "--workload", "memslot-flip", "--duration", "300ms", "--warmup", "50ms")
    check_format(trace)
    assert sorted(threads(trace).values()) == ["main", "zapper-0"]
    assert len(spans(trace, "zap")) >= entry["zaps_per_second"] * entry["duration_s"] - 1 > 0
    assert len(spans(trace, "measure")) == 1


def test_a_cell_that_is_not_traced_is_not_marked(command):
    done = run(command, "--variant", "irq-ipi", *CELL, "--json", "-")
    assert done.returncode == 0, done.stderr
    assert "perturbed" not in json.loads(done.stdout)["benchmarks"][0]["shadowwalk"]


@pytest.mark.parametrize("options, said", [
    (["--trace", "/nowhere/trace.json"], "/nowhere"),
    (["--trace", "."], "--trace: cannot write .: Is a directory"),
    (["--trace", "-"], "give it a name"),
    (["--trace", "{tmp}/t.json", "--benchmark_repetitions=2"], "--benchmark_repetitions"),
    (["--trace", "{tmp}/t.json", "--json", "{tmp}/t.json"], "--json"),
    (["--trace", "{tmp}/t.json", "--trace-records", "1"], "--trace-records"),
    (["--trace-records", "100"], "--trace"),
])
def test_bad_input_is_refused_before_the_cell_runs(command, tmp_path, options, said):
    options = [option.replace("{tmp}", str(tmp_path)) for option in options]
    done = run(command, "--variant", "irq-ipi", *CELL, *options)
    assert done.returncode == 2 and done.stdout == "", done.stdout
    assert done.stderr.count("\n") == 1 and said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_old_trace_stands_when_the_new_one_cannot_be(command, tmp_path):
    trace = tmp_path / "trace.json"
    trace.write_text("old", encoding="utf-8")
    done = run(command, "--variant", "no-such", *CELL, "--trace", trace)
    assert done.returncode == 2 and trace.read_text(encoding="utf-8") == "old"
    assert run(command, "--variant", "irq-ipi", *CELL, "--trace", trace).returncode == 0
    assert json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
