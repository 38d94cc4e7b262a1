"""The two claims of the 2012 patch, judged by the figures of one run.

Each claim compares `rcu-counter` (Linux 3.4) with the two rows of the scheme that replaced it: `irq-ipi-2012`, with the
fence that the kernel had then, and `irq-ipi`, with today's fence. The choice of fence can decide a claim, so the two rows are
judged separately.

Each kernel, and user space, is judged alone, and what was emulated not at all: a claim has the answer of the first platform that
has cells for it, kernels before user space, and the others' answers beside it.
"""

import dataclasses

from ..kernels import platform_words
from .emulated import untested_in_emulation
from .memory import judge_memory
from .scaling import judge_scaling


def _answers(judge, run, table):
    """The claim on each platform, those first that have cells for it."""
    timed = table.timed
    found = [dataclasses.replace(judge(run.on({platform}), timed.only(lambda setting, on=platform: setting.platform == on)),
                                 platform=platform_words(platform)) for platform in timed.platforms]
    if table.emulated.settings:
        found.append(untested_in_emulation(found[0] if found else judge(run.on(set()), timed), table.emulated))
    return sorted(found or [judge(run, table)], key=lambda claim: not claim.has_cells)


def judge_claims(run, table):
    """The claims in the patch's order."""
    claims = []
    for judge in (judge_memory, judge_scaling):
        first, *others = _answers(judge, run, table)
        claims.append(dataclasses.replace(first, others=tuple(others)))
    return claims
