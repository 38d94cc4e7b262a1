"""`--variant host-kvm` as a user meets it: the real binary, what it prints, what it refuses."""

import json
import os
import subprocess

import pytest

COMMAND = os.environ["SHADOWWALK"]
SHORT = ("--variant", "host-kvm", "--workload", "memslot-flip", "--duration", "200ms", "--warmup", "20ms")


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


@needs_kvm
def test_a_cell_prints_its_result():
    done = shadowwalk("cell", *SHORT, "--vcpus", "2")
    assert done.returncode == 0, done.stderr
    for word in ("touches_per_second", "touch_first_ns p50 ", "zap_ns p50 ", "not visible from user space"):
        assert word in done.stdout, done.stdout
    assert "walks_per_second" not in done.stdout.split("absent")[0]


@needs_kvm
def test_its_json_is_a_result():
    done = shadowwalk("cell", *SHORT, "--vcpus", "1", "--json", "-")
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads(done.stdout)["benchmarks"]
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
