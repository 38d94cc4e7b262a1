"""`project`: its table, its document, its complaints. The model is tested in tests/coherence and tests/projection."""

import json
import re
import subprocess

import pytest

QUICK = ("--duration", "300us", "--warmup", "50us")


@pytest.fixture(scope="module")
def held(command, tmp_path_factory):
    """One run that is held against this host, once: (what it said, its document)."""
    file = tmp_path_factory.mktemp("project") / "out.json"
    done = subprocess.run([command, "project", "--variants", "rcu-counter,irq-ipi", "--vcpus", "1,64", *QUICK, "--rounds",
                           "1", "--json", file], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(file.read_text())


def test_the_table_says_that_it_is_simulated(held):
    lines = held[0].splitlines()
    assert lines[0].startswith("SIMULATED: epyc-9005 (512 CPUs)")
    rows = [line.split()[:2] for line in lines if line.startswith(("rcu-counter", "irq-ipi "))]
    assert rows == [["rcu-counter", "1"], ["irq-ipi", "1"], ["rcu-counter", "64"], ["irq-ipi", "64"]]


def test_it_says_what_the_model_is_worth(held):
    said, document = held
    rows = document["benchmarks"][0]["shadowwalk"]["simulated"]["held_against_host"]
    told = re.findall(r"(\d) vCPUs? +simulated [\d.-]+, measured [\d.-]+ \([\d.-]+ to [\d.-]+\): the model is off by [+-]\d+ %", said)
    assert [int(vcpus) for vcpus in told] == [row["vcpus"] for row in rows]
    assert rows and rows[0]["vcpus"] == 1
    for row in rows:
        assert row["error_percent"] == pytest.approx((row["simulated_ratio"] / row["measured_ratio"] - 1) * 100)


def test_the_document_is_a_result_and_says_that_it_is_simulated(held):
    _, document = held
    assert document["context"]["executable"] == "shadowwalk project" and "host_id" in document["context"]
    names = [entry["run_name"] for entry in document["benchmarks"]]
    assert names[0].startswith("rcu-counter/mmio-poll/vcpus:1/zappers:1/") and len(set(names)) == 4
    for entry in document["benchmarks"]:
        detail = entry["shadowwalk"]
        assert detail["simulated"]["topology"] == detail["cell"]["placement"] == "epyc-9005"
        assert entry["walks_per_second"] > 0 and entry["violations"] == 0
        assert "rss_bytes" not in entry and detail["unavailable"]["rss_bytes"].startswith("simulated")


def test_the_same_command_gives_the_same_figures(shadowwalk, held):
    entry = held[1]["benchmarks"][2]
    command = entry["shadowwalk"]["command"].split()
    assert command[0] == "shadowwalk"
    done = shadowwalk(*command[1:], "--json", "-")
    assert done.returncode == 0, done.stderr
    [again] = json.loads(done.stdout)["benchmarks"]
    numbers = {key for key, value in entry.items() if isinstance(value, (int, float)) and key != "family_index"}
    assert {key: again[key] for key in numbers} == {key: entry[key] for key in numbers}
    assert "--rounds 0" in again["shadowwalk"]["unavailable"]["held_against_host"]


def test_options_of_a_cell_are_options_of_a_simulated_one(shadowwalk):
    """A workload's own working set too: quota cannot be simulated with 4,096 pages."""
    done = shadowwalk("project", "--variant", "irq-ipi", "--vcpus", 1, "--workload", "quota", "--mmu-lock", "mutex",
                      "--locality", "uniform", "--writes", 30, *QUICK, "--rounds", 0, "--json", "-")
    assert done.returncode == 0, done.stderr
    [entry] = json.loads(done.stdout)["benchmarks"]
    cell = entry["shadowwalk"]["cell"]
    assert cell["working_set_pages"] > 4096 and cell["mmu_lock"] == "mutex"
    assert cell["locality"] == "uniform" and cell["write_percent"] == 30
    command = entry["shadowwalk"]["command"]
    assert "--mmu-lock mutex" in command and "--locality uniform --writes 30" in command


def test_a_topology_of_ones_own(shadowwalk, tmp_path):
    file = tmp_path / "mine.toml"
    done = shadowwalk("project", "--variants", "leak", "--vcpus", 1, "--zappers", 0, "--topology", "host", *QUICK,
                      "--rounds", 0, "--write-topology", file)
    assert done.returncode == 0, done.stderr
    file.write_text(re.sub(r"sockets = \d+", "sockets = 2", file.read_text(), count=1))
    done = shadowwalk("project", "--variants", "leak", "--vcpus", 1, "--topology", file, *QUICK, "--rounds", 0)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("SIMULATED: host (")


@pytest.mark.parametrize("options, complaint", [
    (("--variants", "irq-ip"), "did you mean 'irq-ipi'?"),
    (("--variants", "leak", "--vcpus", "0"), "--vcpus is 0; it must be a whole number from 1 to 510"),
    (("--variants", "leak", "--vcpus", "1,x"), "--vcpus is x; it must be a whole number from 1 to 510"),
    (("--variants", "leak", "--topology", "sparc"), "--topology sparc: there is none of that name"),
    (("--variants", "leak", "--topology", "no.toml"), "no.toml"),
    (("--variants", "leak", "--vcpus", "300", "--topology", "spr-2s"), "topology 'spr-2s' has 224"),
    (("--variants", "leak", "--duration", "soon"), "--duration is 'soon'; it must be a time such as"),
    (("--variants", "leak", "--workload", "oversubscribed"), "its vCPUs share CPUs"),
    (("--variants", "leak", "--workload", "poll"), "unknown workload 'poll'"),
    (("--variants", "leak", "--guest", "kvm"), "--guest: the guest is simulated; leave it out"),
    (("--variants", "leak", "--placement", "smt"), "--placement: each simulated thread has"),
    (("--variants", "leak", "--events", "cycles"), "--events: the simulated machine has no performance counters"),
    (("--variants", "leak", "--think-ns", "5"), "--think-ns: a simulated guest's own work is in its --topology"),
])
def test_bad_input(shadowwalk, options, complaint):
    done = shadowwalk("project", *options, "--rounds", 0)
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and complaint in done.stderr
