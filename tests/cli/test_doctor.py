"""`shadowwalk doctor`: its JSON against the schema that it promises, its text, and what it says to wrong options."""

import copy
import json
import os
import pathlib
import subprocess
import time

import jsonschema
import pytest

SCHEMA = json.loads((pathlib.Path(__file__).parents[2] / "docs/doctor.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def validator():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    return jsonschema.Draft202012Validator(SCHEMA)


@pytest.fixture
def doctor(shadowwalk):
    """doctor(arguments...) -> what it found."""
    def run(*arguments, **options):
        done = shadowwalk("doctor", "--json", *arguments, **options)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
    return run


def allowed_cpus():
    return sorted(os.sched_getaffinity(0))


def by(key, items):
    return {item[key]: item for item in items}


def names_in_schema(definition, key):
    return SCHEMA["$defs"][definition]["properties"][key]["enum"]


def test_json_keeps_to_the_schema(doctor, validator):
    found = doctor()
    validator.validate(found)
    assert [ability["name"] for ability in found["abilities"]] == names_in_schema("ability", "name")
    assert [finding["subject"] for finding in found["findings"]] == names_in_schema("finding", "subject")


def test_topology_keeps_to_the_schema(doctor, validator):
    found = doctor("--topology")
    validator.validate(found)
    cpus = allowed_cpus()
    topology = found["topology"]
    assert [cpu["cpu"] for cpu in topology["cpus"]] == cpus
    assert len(topology["pairs"]) == len(cpus) * (len(cpus) - 1) // 2
    for pair in topology["pairs"]:
        if "median_ns" in pair:
            assert pair["q1_ns"] <= pair["median_ns"] <= pair["q3_ns"]


BREAKS = {
    "another format": lambda found: found.update(format="shadowwalk-doctor-2"),
    "an unknown key": lambda found: found.update(extra=1),
    "no abilities": lambda found: found.pop("abilities"),
    "a finding less": lambda found: found["findings"].pop(),
    "an unknown subject": lambda found: found["findings"][0].update(subject="weather"),
    "an unknown state": lambda found: found["findings"][0].update(state="fine"),
    "an empty value": lambda found: found["findings"][0].update(value=""),
    "a lack without a mend": lambda found: found["findings"][0].update(state="lack", mend=None),
    "a no without a mend": lambda found: found["abilities"][0].update(verdict="no", mend=None),
    "a mend of two kinds": lambda found: found["abilities"][0].update(mend={"command": "a", "advice": "b"}),
    "an empty command": lambda found: found["abilities"][0].update(mend={"command": ""}),
    "a pair of one CPU": lambda found: found["topology"]["pairs"][0].update(cpus=[0, 0]),
    "a pair that is both": lambda found: found["topology"]["pairs"][0].update(unavailable="why"),
    "a transfer of no time": lambda found: found["topology"]["pairs"][0].update(median_ns=0),
    "a batch of none": lambda found: found["topology"]["pairs"][0].update(batches=0),
    "no host": lambda found: found.pop("host"),
    "a floor of no time": lambda found: found["host"]["floors"].update(xchg_ns=0),
    "an unknown floor": lambda found: found["host"]["floors"].update(weather_ns=1),
    "no reason": lambda found: found["host"].update(unavailable={"hz": ""}),
    "an unknown tier": lambda found: found["topology"]["tiers"][0].update(tier="next door"),
}


@pytest.fixture(scope="module")
def sound():
    """The real output once, with a topology: this machine's, or a made-up pair where there is but one CPU."""
    done = subprocess.run([os.environ["SHADOWWALK"], "doctor", "--json", "--topology"], capture_output=True, text=True,
                          timeout=300, check=True)
    found = json.loads(done.stdout)
    found["topology"]["pairs"] = [{"cpus": [0, 1], "tier": "same L3", "median_ns": 25.0, "q1_ns": 24.0, "q3_ns": 26.0,
                                   "batches": 100}]
    found["topology"]["tiers"] = [{"tier": "same L3", "pairs": 1, "least_ns": 25.0, "median_ns": 25.0,
                                   "greatest_ns": 25.0}]
    return found


@pytest.mark.parametrize("name", BREAKS)
def test_schema_refuses(name, sound, validator):
    assert validator.is_valid(sound)
    broken = copy.deepcopy(sound)
    BREAKS[name](broken)
    assert not validator.is_valid(broken), name


def test_findings_agree_with_the_host(doctor):
    found = by("subject", doctor()["findings"])
    assert found["cpus"]["value"].startswith(f"{len(allowed_cpus())} allowed")
    assert os.uname().release in found["kernel"]["value"]
    assert found["usdt"]["state"] == "ok" and "shadowwalk:" in found["usdt"]["meaning"], "the executable has its probes"
    available = by("name", doctor()["abilities"])["kvm_guests"]["verdict"] == "yes"
    assert available == (found["kvm"]["state"] == "ok")


def test_kernel_status_says_what_doctor_says(doctor, shadowwalk):
    found = doctor()
    module, ability = by("subject", found["findings"])["kernel_module"], by("name", found["abilities"])["kernel_cells"]
    done = shadowwalk("kernel", "status")
    told = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert told["kernel"] == os.uname().release and told["device"].startswith(module["value"])
    assert done.returncode == (0 if ability["verdict"] == "yes" else 1)
    if "build" in told and not told["build"].startswith("it can be built"):
        assert told["build"].startswith(by("subject", found["findings"])["kernel_build"]["value"])


def test_the_kernels_that_can_be_booted_are_those_that_are_there(doctor):
    images = by("subject", doctor()["findings"])["kernel_images"]
    kernels = pathlib.Path(__file__).parents[2] / "build/kernels"
    there = [folder for folder in kernels.glob("*") if list(folder.glob("boot/vmlinuz-*"))]
    assert all(f"({folder})" in images["value"] for folder in there)
    assert images["state"] != "ok" or os.uname().release in images["value"]


def test_the_grace_period_is_the_running_kernels(doctor):
    found = doctor()
    host, floors = found["host"], found["host"]["floors"]
    finding = by("subject", found["findings"])["grace_period"]
    if finding["state"] == "lack":
        assert host["unavailable"]["membarrier_global_ns_p50"] == finding["value"]
    else:
        assert 0 < floors["membarrier_global_ns_p50"] <= floors["membarrier_global_ns_p99"]
    expedited = pathlib.Path("/sys/kernel/rcu_expedited")
    if expedited.exists():
        assert host["kernel"]["rcu_expedited"] == (expedited.read_text().strip() != "0")
    coarse_clock = 6  # CLOCK_MONOTONIC_COARSE, which Python has no name for
    if "hz" in host["kernel"]:
        assert host["kernel"]["hz"] == round(1 / time.clock_getres(coarse_clock))


def test_one_cpu(shadowwalk, doctor):
    cpu = allowed_cpus()[0]
    pinned = {"preexec_fn": lambda: os.sched_setaffinity(0, {cpu})}
    found = doctor("--topology", **pinned)
    assert found["topology"]["pairs"] == []
    assert by("name", found["abilities"])["cacheline_contention"]["verdict"] == "no"
    assert found["host"]["cpus"] == 1 and found["host"]["unavailable"]["line_transfer_ns"] == "only one CPU"
    text = shadowwalk("doctor", "--topology", **pinned)
    assert text.returncode == 0 and "one CPU: there is no pair to measure" in text.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_ordinary_user(doctor, validator):
    def give_up_root():
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
    if not other_users_can_run(os.environ["SHADOWWALK"]):
        pytest.skip("another user cannot reach the executable in this build directory")
    found = doctor(preexec_fn=give_up_root)
    validator.validate(found)
    commands = [item["mend"]["command"] for item in found["findings"] + found["abilities"]
                if item["mend"] and "command" in item["mend"]]
    unprivileged = ("taskset", "shadowwalk kernel build", "scripts/fetch-kernels")
    assert commands and all("sudo" in command or command.startswith(unprivileged) for command in commands), commands


def other_users_can_run(executable):
    folders = pathlib.Path(executable).resolve().parents
    return all(folder.stat().st_mode & 0o001 for folder in folders)


def test_text_says_what_can_be_measured_first(shadowwalk):
    done = shadowwalk("doctor")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith("What can be measured here")
    for title in ("Machine", "CPUs", "Floors", "Memory", "Counting", "Tracing", "KVM", "Cells in a kernel"):
        assert f"\n\n{title}\n" in done.stdout
    assert "Cache-line transfer" not in done.stdout, "only on demand"


def test_chosen_cpus_each_once(doctor):
    cpu = allowed_cpus()[0]
    found = doctor("--topology", "--cpus", f"{cpu},{cpu}")
    assert [there["cpu"] for there in found["topology"]["cpus"]] == [cpu]


@pytest.mark.parametrize("cpus, message", [
    ("x", "doctor: --cpus x: 'x' is not a CPU number; use a list such as 0,2-5"),
    ("999999", "CPU 999999 is not there or not allowed to this process"),
    ("1-0", "runs backwards"),
    ("0,", "'' is not a CPU number"),
])
def test_wrong_cpus(refused, cpus, message):
    assert message in refused("doctor", "--topology", "--cpus", cpus)


def test_cpus_without_topology(refused):
    assert "--topology" in refused("doctor", "--cpus", "0")


def test_surplus_words(refused):
    assert "nonsense" in refused("doctor", "nonsense")
