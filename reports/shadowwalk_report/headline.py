"""Which settings the first screen, the text for a mail and the trade-off are about: those that answer the two claims, else those that
answer the questions best."""

import dataclasses

from .answers import answers
from .held import Held, held_by
from .setting import HOST, LATENCY, Setting
from .verdicts import RETIRED, WALK

MOST_SCHEMES = 8  # of the first screen: of a whole shelf, those of the mission come first


def walk_setting(table, setting):
    """The same setting with walks that depend on each other, if it was measured: after an exit a walk has nothing to overlap with."""
    latency = dataclasses.replace(setting, walk_mode=LATENCY)
    return latency if table.rows(latency) else setting


@dataclasses.dataclass(frozen=True)
class Headline:
    """`quiet`: the settings without zappers that differ in vCPUs only, ascending; empty where there are none. `zapped`: the setting
    with zappers, or None. `held`: the level of its memory. `variants`: the schemes to show, `others` those that are left out."""

    quiet: list[Setting]
    zapped: Setting | None
    held: Held | None
    variants: list[str]
    others: list[str]


def _of_claims(table, claims, name):
    """The setting of a claim's headline; None where it was not tested, or elsewhere."""
    return next((finding.setting for claim in claims if claim.name == name for finding in claim.headline
                 if finding.setting and table.rows(finding.setting)), None)


def _over_vcpus(table, setting):
    """The setting at every number of vCPUs; oversubscribed ones only where there are no others."""
    alike = sorted((other for other in table.settings if dataclasses.replace(other, vcpus=setting.vcpus) == setting),
                   key=lambda other: other.vcpus)
    clean = [other for other in alike if not any(row.has_flag("oversubscribed") for row in table.plain_rows(other))]
    return clean or alike


def headline_of(table, verdicts, claims):
    """Of what was timed on the first platform: pictures and table of the first screen are of one machine."""
    table = table.timed.first
    best = {answer.question: answer.setting for answer in answers(table, verdicts)}
    quiet = _of_claims(table, claims, "scaling") or best[WALK]
    zapped = _of_claims(table, claims, "memory") or best[RETIRED]
    settings = _over_vcpus(table, walk_setting(table, quiet)) if quiet else []
    rows = [row for setting in [*settings, *([zapped] if zapped else [])] for row in table.plain_rows(setting)]
    measured = {row.variant for row in rows if not row.is_negative_control}
    variants = [variant for variant in table.variants if variant in measured]
    return Headline(settings, zapped, held_by(table.rows(zapped)) if zapped else None, variants[:MOST_SCHEMES], variants[MOST_SCHEMES:])


def row_at_host(table, setting, variant):
    """The variant's row whose grace periods are the host's, if it has one; else that with its knobs at their defaults."""
    return next((row for row in table.rows(setting) if row.variant == variant and row.scheme.grace_period == HOST),
                table.plain_row(setting, variant))
