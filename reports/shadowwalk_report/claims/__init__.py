"""The two claims of the 2012 patch, judged by the figures of one run.

Each claim compares `rcu-counter` (Linux 3.4) with the two rows of the scheme that replaced it: `irq-ipi-2012`, with the
fence that the kernel had then, and `irq-ipi`, with today's fence. The choice of fence can decide a claim, so the two rows are
judged separately.
"""

from .memory import judge_memory
from .scaling import judge_scaling


def judge_claims(run, table):
    """The claims in the patch's order."""
    return [judge_memory(run, table), judge_scaling(run, table)]
