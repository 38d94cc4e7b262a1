"""Options of a cell for tests of tools that attach."""

# Small enough to be quick under a tool, busy enough that all it counts is more than a handful.
CELL = ("--workload", "mmio-poll", "--guest", "thread", "--duration", "300ms", "--warmup", "50ms", "--working-set", "64")
