"""`--events` and `list events` on the real binary."""

import json
import os
import pathlib
import subprocess

import pytest

CELL = ("cell", "--variant", "irq-ipi", "--workload", "mmio-poll", "--guest", "thread", "--duration", "100ms",
        "--warmup", "10ms", "--zap-rate", "100")


@pytest.mark.parametrize("events, says", [
    ("cycles,,instructions", "empty event"), ("msr/tsc", "one '/'"), ("cycles instructions", "' '"),
    ("/tsc/", "without a PMU"), ("a" * 5000, "longer than")])
def test_malformed_events(refused, events, says):
    assert says in refused(*CELL, f"--events={events}")


def test_malformed_events_of_a_matrix(refused, tmp_path):
    (tmp_path / "bad.toml").write_text(
        '[[group]]\nname = "g"\nvariant = "leak"\nworkload = "mmio-poll"\nevents = ["cycles", "msr/tsc"]\n', encoding="utf-8")
    message = refused("run", "bad.toml", "--out", "out")
    assert "bad.toml:5:" in message and "one '/'" in message


@pytest.mark.parametrize("events, meant", [("cyclez", "cycles"), ("page-faults,INSTRUCTIONZ", "INSTRUCTIONS"),
                                           ("contenton", "contention")])
def test_a_misspelt_event_is_refused_with_the_nearest(refused, events, meant):
    assert f"did you mean '{meant}'?" in refused(*CELL, f"--events={events}")


def test_a_misspelt_event_of_a_matrix(refused, tmp_path):
    (tmp_path / "bad.toml").write_text(
        '[[group]]\nname = "g"\nvariant = "leak"\nworkload = "mmio-poll"\nevents = ["cycles", "cyclez"]\n', encoding="utf-8")
    message = refused("run", "bad.toml", "--out", "out")
    assert "bad.toml:5:" in message and "did you mean 'cycles'?" in message


def test_what_is_counted_and_what_is_not(shadowwalk):
    done = shadowwalk(*CELL, "--events", "page-faults,no-such-event", "--json", "-")
    assert done.returncode == 0, done.stderr
    entry = json.loads(done.stdout)["benchmarks"][0]
    details = entry["shadowwalk"]
    assert details["cell"]["events"] == "page-faults,no-such-event"
    assert "list events" in details["unavailable"]["no-such-event"]
    assert "--events page-faults,no-such-event" in details["command"]
    if "page-faults" in details["unavailable"]:
        pytest.skip(f"page-faults cannot be counted here: {details['unavailable']['page-faults']}")
    assert {(event["role"], event["event"]) for event in details["pmu"]} == {("walkers", "page-faults"),
                                                                            ("zappers", "page-faults")}
    assert "page-faults_per_walk" in entry and "page-faults_per_zap" in entry


def test_unprivileged_user_counts_the_rest(command):
    """What only root may count is refused with the level and the command; the cell goes on with the rest."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    paranoid = int(pathlib.Path("/proc/sys/kernel/perf_event_paranoid").read_text(encoding="ascii"))
    if paranoid != 2:
        pytest.skip(f"kernel.perf_event_paranoid is {paranoid}: not the level at which user code alone may be counted")
    nobody = {"user": 65534, "group": 65534, "extra_groups": []}
    try:
        subprocess.run([command, "--version"], capture_output=True, check=True, **nobody)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"nobody may not run {command}: {error}")
    done = subprocess.run([command, *CELL, "--events", "page-faults,context-switches,sched:sched_switch", "--json", "-"],
                          cwd="/", capture_output=True, text=True, check=False, timeout=300, **nobody)
    assert done.returncode == 0, done.stderr
    details = json.loads(done.stdout)["benchmarks"][0]["shadowwalk"]
    assert "`sysctl kernel.perf_event_paranoid=1`" in details["unavailable"]["context-switches"]
    assert "tracefs" in details["unavailable"]["sched:sched_switch"]
    assert {event["event"] for event in details["pmu"]} == {"page-faults"}


def test_list_events_of_a_set(shadowwalk):
    done = shadowwalk("list", "events", "^set default")
    assert done.returncode == 0 and done.stderr == ""
    assert "page-faults" in done.stdout and "set default" in done.stdout


def test_list_events_as_json(shadowwalk):
    events = json.loads(shadowwalk("list", "events", "--json", "PAGE.faults").stdout)
    assert any(event["name"] == "page-faults" and event["source"] == "set default" for event in events)
    for event in events:
        assert event["available"] or event["reason"]
        assert "page-faults" in event["name"].lower().replace("_", "-")


def test_list_events_of_another_cpu(shadowwalk):
    """As on that CPU, with the reason why nothing of it opens here."""
    done = shadowwalk("list", "events", "--json", "^set contention",
                      env={**os.environ, "LIBPFM_FORCE_PMU": "amd64_fam19h_zen4"})
    events = json.loads(done.stdout)
    assert any(event["name"].endswith(":LOCAL_CCX") for event in events)
    assert all("caveat" in event for event in events)


@pytest.mark.parametrize("pattern, says", [("(", "no regular expression"), ("zebra-crossing", "no event matches")])
def test_list_events_bad_pattern(refused, pattern, says):
    assert says in refused("list", "events", pattern)


def has_tracefs():
    return any(pathlib.Path(root, "events").is_dir() for root in ("/sys/kernel/tracing", "/sys/kernel/debug/tracing"))


def test_list_events_finds_tracepoints_or_says_why_not(shadowwalk):
    done = shadowwalk("list", "events", "--json", "^sched:sched_sw")
    if has_tracefs():
        assert any(event["name"] == "sched:sched_switch" and event["source"] == "tracepoint"
                   for event in json.loads(done.stdout)), done.stderr
    else:
        assert done.returncode == 2 and "tracefs" in done.stderr
