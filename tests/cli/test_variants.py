"""`list variants`, and a variant on a host that lacks what it needs."""

import errno
import json

import pytest
from seccomp_filter import deny

FAMILIES = {"kernel", "epochs", "pointers", "optimistic", "locks", "controls", "negative"}


@pytest.fixture
def variants(shadowwalk):
    def listed(**options):
        done = shadowwalk("list", "variants", "--json", **options)
        assert done.returncode == 0, done.stderr
        return {variant["name"]: variant for variant in json.loads(done.stdout)}
    return listed


def test_each_says_what_it_is(variants):
    listed = variants()
    assert len(listed) >= 32
    for variant in listed.values():
        assert variant["family"] in FAMILIES
        assert all(variant[key] for key in ("summary", "read_side", "unreclaimed", "needs", "source"))
        assert variant["available"] == (variant["here"] == "yes")
    assert {name for name, variant in listed.items() if not variant["safe"]} == {
        "unsafe", "irq-ipi-nofence", "irq-ipi-early-return", "ebr-nofence", "hazard-novalidate"}


def test_each_says_whether_a_kernel_can_have_it(variants, refused):
    listed = variants()
    said = {name: variant["in_a_kernel"].partition(":")[0] for name, variant in listed.items()}
    assert {name for name, words in said.items() if words == "no"} == {"floor", "host-kvm"}
    assert {name for name, words in said.items() if words == "only with --mmu-lock mutex"} == {
        "rcu-expedited", "srcu", "mode-membarrier", "rwlock", "hyaline"}
    assert set(said.values()) == {"yes", "no", "only with --mmu-lock mutex"}
    for name in ("floor", "host-kvm"):
        why = listed[name]["in_a_kernel"].removeprefix("no: ")
        assert why in refused("cell", "--machine", "kernel", "--variant", name, "--workload", "mmio-poll")


def test_negative_ones_are_marked(shadowwalk):
    marked, name = set(), None
    for line in shadowwalk("list", "variants").stdout.splitlines():
        if not line.startswith(" "):
            name = line.partition(":")[0]
        elif "NEGATIVE" in line:
            marked.add(name)
    assert marked == {"unsafe", "irq-ipi-nofence", "irq-ipi-early-return", "ebr-nofence", "hazard-novalidate"}


def test_without_membarrier(variants, refused, shadowwalk):
    without = {"preexec_fn": deny("membarrier", errno.ENOSYS)}
    listed = variants(**without)
    lacking = {name for name, variant in listed.items() if not variant["available"]}
    assert lacking == {"srcu-kernel", "srcu-kernel-fast", "mode-membarrier", "hazard-asym", "rcu", "rcu-batch", "rcu-counter", "rcu-expedited"}
    assert listed["hazard-asym"]["here"] == "no: membarrier: Function not implemented"
    for variant in "mode-membarrier", "rcu-counter":
        message = refused("cell", "--variant", variant, "--workload", "mmio-poll", **without)
        assert f"variant '{variant}' cannot run here: membarrier: Function not implemented" in message
    done = shadowwalk("cell", "--variant", "hazard", "--workload", "mmio-poll", "--guest", "thread", "--duration", "150ms",
                      **without)
    assert done.returncode == 0, done.stderr


def test_a_kernels_own_scheme_is_refused_in_user_space(variants, refused):
    reason = "needs call_srcu() of Linux: give --machine kernel or kernel-vm"
    assert variants()["srcu-kernel"]["here"] == f"no: {reason}"
    message = refused("cell", "--variant", "srcu-kernel", "--workload", "mmio-poll")
    assert f"variant 'srcu-kernel' cannot run here: {reason}" in message


def test_advice_for_host_kvm_is_one_that_host_kvm_takes(refused):
    message = refused("cell", "--variant", "host-kvm", "--workload", "mmio-poll", "--duration", "150ms", "--guest", "kvm",
                      "--think-ns", "5")
    assert "--guest thread" not in message and ("leave --think-ns out" in message or "/dev/kvm" in message)
