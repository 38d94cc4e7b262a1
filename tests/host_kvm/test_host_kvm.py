"""`--variant host-kvm` as a user meets it: the real binary, what it prints, what it refuses."""

import json
import os
import subprocess

import pytest

COMMAND = os.environ["SHADOWWALK"]
MEMSLOT_FLIP = ("--variant", "host-kvm", "--workload", "memslot-flip", "--warmup", "20ms")


def shadowwalk(*arguments):
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=300, check=False)


def kvm_missing():
    if os.access("/dev/kvm", os.R_OK | os.W_OK):
        return ""
    return "/dev/kvm does not open"


needs_kvm = pytest.mark.skipif(bool(kvm_missing()), reason=kvm_missing() or "-")


def refused(*arguments):
    done = shadowwalk("cell", *arguments)
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert done.stderr.startswith("shadowwalk: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_it_is_listed_as_a_reference():
    listed = {item["name"]: item for item in json.loads(shadowwalk("list", "variants", "--json").stdout)}
    assert listed["host-kvm"]["reference"] is True
    assert listed["host-kvm"]["summary"].startswith("kernel (reference)")
    assert not any(item["reference"] for name, item in listed.items() if name != "host-kvm")


def run_until(holds, *arguments):
    """What a cell prints, in a window that is longer each time until that holds: where vCPUs wait for a CPU, a short
    one passes without a touch of some kind."""
    for duration in ("200ms", "800ms", "3200ms", "12800ms"):
        done = shadowwalk("cell", *MEMSLOT_FLIP, "--zap-rate", "100", "--duration", duration, *arguments)
        assert done.returncode == 0, done.stderr
        if holds(done.stdout):
            break
    return done.stdout


@needs_kvm
def test_a_cell_prints_its_result():
    words = ("touches_per_second", "touch_first_ns p50 ", "zap_ns p50 ", "not visible from user space")
    printed = run_until(lambda text: all(word in text for word in words), "--vcpus", "2")
    for word in words:
        assert word in printed, printed
    assert "walks_per_second" not in printed.split("absent")[0]


@needs_kvm
def test_its_json_is_a_result():
    def entry_of(text):
        (entry,) = json.loads(text)["benchmarks"]
        return entry
    entry = entry_of(run_until(lambda text: entry_of(text).get("touches_per_second", 0) > 0,
                               "--vcpus", "1", "--json", "-"))
    assert entry["shadowwalk"]["cell"]["variant"] == "host-kvm"
    assert entry["shadowwalk"]["reference"]["host_action"].startswith("KVM_SET_USER_MEMORY_REGION")
    assert entry["touches_per_second"] > 0
    assert "walks_per_second" not in entry
    assert entry["real_time"] > 0


@pytest.mark.parametrize("arguments, word", [
    (("--guest", "thread"), "--guest kvm"),
    (("--guest", "kvm", "--zappers", "2"), "--zappers 1"),
    (("--guest", "kvm", "--checks", "full"), "--checks full"),
    (("--guest", "kvm", "--events", "cache"), "--events"),
    (("--guest", "kvm", "--working-set", "100000000"), "pages"),
    (("--guest", "kvm", "--workload", "quota", "--zappers", "1"), "--zappers 0"),
    (("--guest", "kvm", "--placement", "4095"), "4095"),
])
def test_what_it_cannot_do_is_refused(arguments, word):
    if missing := kvm_missing():
        pytest.skip(missing)
    workload = () if "--workload" in arguments else ("--workload", "memslot-flip")
    assert word in refused("--variant", "host-kvm", *workload, *arguments)
