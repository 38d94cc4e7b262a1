"""A seccomp filter, as containers and services set one: system calls fail, or kill the process that makes them."""

import ctypes
import os
import platform
import struct

NUMBERS = {
    "x86_64": {"sched_setaffinity": 203, "perf_event_open": 298, "memfd_create": 319, "membarrier": 324,
               "pidfd_open": 434},
    "aarch64": {"sched_setaffinity": 122, "perf_event_open": 241, "memfd_create": 279, "membarrier": 283,
                "pidfd_open": 434},
}
KILL = "kill"
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW = 0x80000000, 0x00050000, 0x7fff0000
BPF_LOAD_WORD, BPF_JUMP_IF_EQUAL, BPF_RETURN = 0x20, 0x15, 0x06


def deny(call, error):
    """A preexec_fn for subprocess: in the child and its children, the system call fails by `error`, or KILLs."""
    instructions = [(BPF_LOAD_WORD, 0, 0, 0),  # the system call's number
                    (BPF_JUMP_IF_EQUAL, 0, 1, NUMBERS[platform.machine()][call]),
                    (BPF_RETURN, 0, 0, SECCOMP_RET_KILL_PROCESS if error == KILL else SECCOMP_RET_ERRNO | error),
                    (BPF_RETURN, 0, 0, SECCOMP_RET_ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *instruction) for instruction in instructions))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(instructions), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4

    def set_filter():
        assert code  # what the filter points to lives as long as this function
        if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
                or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(program), 0, 0) != 0):
            os._exit(99)
    return set_filter
