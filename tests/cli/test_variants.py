"""`list variants`, and a variant on a host that lacks what it needs: a kernel without membarrier, made by seccomp."""

import ctypes
import errno
import json
import os
import platform
import struct

import pytest

FAMILIES = {"kernel", "epoch", "pointer", "optimistic", "lock", "control", "negative"}
SYS_MEMBARRIER = {"x86_64": 324, "aarch64": 283}
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW = 0x00050000, 0x7fff0000
BPF_LOAD_WORD, BPF_JUMP_IF_EQUAL, BPF_RETURN = 0x20, 0x15, 0x06


def forbid_membarrier():
    """For the calling process and its children, membarrier(2) fails as on a kernel that has none."""
    instructions = [(BPF_LOAD_WORD, 0, 0, 0),  # the system call's number
                    (BPF_JUMP_IF_EQUAL, 0, 1, SYS_MEMBARRIER[platform.machine()]),
                    (BPF_RETURN, 0, 0, SECCOMP_RET_ERRNO | errno.ENOSYS),
                    (BPF_RETURN, 0, 0, SECCOMP_RET_ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *instruction) for instruction in instructions))
    program = struct.pack("HxxxxxxP", len(instructions), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
    pointer = ctypes.create_string_buffer(program)
    if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
            or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(pointer), 0, 0) != 0):
        os._exit(99)


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


def test_negative_ones_are_marked(shadowwalk):
    marked, name = set(), None
    for line in shadowwalk("list", "variants").stdout.splitlines():
        if not line.startswith(" "):
            name = line.partition(":")[0]
        elif "NEGATIVE" in line:
            marked.add(name)
    assert marked == {"unsafe", "irq-ipi-nofence", "irq-ipi-early-return", "ebr-nofence", "hazard-novalidate"}


@pytest.mark.skipif(platform.machine() not in SYS_MEMBARRIER, reason="the number of membarrier(2) here is not known")
def test_without_membarrier(variants, refused, shadowwalk):
    listed = variants(preexec_fn=forbid_membarrier)
    lacking = {name for name, variant in listed.items() if not variant["available"]}
    assert lacking == {"mode-membarrier", "hazard-asym"}
    assert listed["hazard-asym"]["here"] == "no: membarrier: Function not implemented"
    message = refused("cell", "--variant", "mode-membarrier", "--workload", "mmio-poll", preexec_fn=forbid_membarrier)
    assert "variant 'mode-membarrier' cannot run here: membarrier: Function not implemented" in message
    done = shadowwalk("cell", "--variant", "hazard", "--workload", "mmio-poll", "--guest", "thread", "--duration", "20ms",
                      preexec_fn=forbid_membarrier)
    assert done.returncode == 0, done.stderr
