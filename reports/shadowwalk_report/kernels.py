"""Where a cell ran: in user space, in the kernel of this host, or in one that a virtual machine booted for it (docs/kernel.md)."""

import dataclasses

from .untrusted_json import is_number, text_of

USER, KERNEL, KERNEL_VM = "user", "kernel", "kernel-vm"  # the values of --machine
USER_SPACE = "user space"
EMULATED_WORDS = "EMULATED"
WHY_EMULATED = "its kernel was emulated, and times of an emulator mean nothing"


@dataclasses.dataclass(frozen=True)
class CellKernel:
    """The kernel that a cell ran in. `virtual_machine`: `kvm`, `tcg` (emulated), or empty: it is that of the host."""

    release: str
    module: str
    compiler: str
    hz: int | None
    clock: str
    preempt_rcu: bool
    virtual_machine: str

    @property
    def words(self):
        """What `platform_of` leaves out."""
        known = [f"module {self.module}" if self.module else "", f"HZ {self.hz}" if self.hz else "",
                 "preemptible RCU" if self.preempt_rcu else ""]
        return ", ".join(filter(None, known))

    @property
    def details(self):
        """The same and more."""
        known = [self.words, f"built by {self.compiler}" if self.compiler else "", f"clock {self.clock}" if self.clock else ""]
        return ", ".join(filter(None, known))


def parse_kernel(data):
    """CellKernel; None for a cell of user space."""
    if data is None:
        return None
    if not isinstance(data, dict) or not text_of(data.get("release")):
        raise ValueError("kernel.release is missing")
    hz = data.get("hz")
    return CellKernel(text_of(data["release"]), text_of(data.get("module")), text_of(data.get("compiler")),
                      int(hz) if is_number(hz) and hz >= 1 else None, text_of(data.get("clock")), data.get("preempt_rcu") is True,
                      text_of(data.get("virtual_machine")))


def platform_of(machine, kernel, is_emulated):
    """What ran a cell, in words: two kernels, or one on hardware and emulated, are two platforms. Empty: user space."""
    if machine == USER:
        return ""
    release = f"Linux {kernel.release}" if kernel else "Linux, release not recorded"
    return f"{release} {EMULATED_WORDS}" if is_emulated else f"{release} under KVM" if machine == KERNEL_VM else release


def platform_words(platform):
    """The platform, as a label."""
    return platform or USER_SPACE


def is_emulated(platform):
    return platform.endswith(f" {EMULATED_WORDS}")
