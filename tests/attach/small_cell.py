"""Options of cells for tests of tools that attach."""

import pathlib

# Small enough to be quick under a tool, busy enough that all it counts is more than a handful.
CELL = ("--workload", "mmio-poll", "--guest", "thread", "--duration", "300ms", "--warmup", "50ms", "--working-set", "64",
        "--mmu-lock", "mutex")  # beside other load a ticket lock waits for the scheduler, and no burst ends in so short a window


def long_cell(duration="60s", warmup="50ms"):
    return [{"300ms": duration, "50ms": warmup}.get(word, word) for word in CELL]


TRACE = pathlib.Path(__file__).parents[2] / "workloads" / "traces" / "churn.swtrace"
REPLAY = ("--workload", f"trace:{TRACE}", "--closed-loop", "--vcpus", "2", "--duration", "2s", "--warmup", "50ms")

# Of a run: no wait for a quiet host, which comes in vain beside other tests, and no second try after a noisy one.
AT_ONCE = ("--quiet-wait", "0", "--retry-noisy", "0")
