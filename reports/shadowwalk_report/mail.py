"""The report as text for a mail: what the first screen says, in at most 72 columns and 25 lines of ASCII."""

import textwrap

from .claims.claim import Badge
from .overview import command_words
from .quantities import count_of
from .topics.beside import besides, brief
from .trust import context_values
from .untrusted_text import visible

COLUMNS, LINES = 72, 25
NOISY_DIFFERS = " (with noisy results: another answer)"
LONGEST_SCHEME = 16
MOST_COMMAND_LINES = 3
_ASCII = str.maketrans({"µ": "u", "–": "-", "…": "...", "“": '"', "”": '"', "’": "'", "±": "+-", "×": "x", "→": "->"})
_HEADS = (("held mean", "held"), ("held peak", "peak"), ("free p99", "free99"), ("zap p50", "zap50"), ("lock hold p99", "lock99"))


def _ascii(words):
    return visible(str(words)).translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")


def _wrapped(label, words, most):
    """At most so many lines; what does not fit is cut, and says so."""
    text = _ascii(f"{label}{words}")
    return textwrap.wrap(text, COLUMNS, max_lines=most, placeholder=" ...", subsequent_indent="  ")


def _short(value):
    """A quantity without its space: `15.8ms`."""
    return _ascii(value).replace(" ", "")


def _head(title):
    return dict(_HEADS).get(title, title.replace("read ", "read"))


def _table(sheet, others, most):
    """The header and at most `most` further lines. `others`: the number of schemes that are not in the sheet."""
    lines = sheet.lines if len(sheet.lines) + (others > 0) <= most else sheet.lines[:most - 1]
    others += len(sheet.lines) - len(lines)
    rows = [["scheme", *(_head(title) for title, _ in sheet.columns)]]
    rows += [[line.head, *(_short(cell.value) for cell in line.cells)] for line in lines]
    widths = [max(len(row[place]) for row in rows) for place in range(1, len(rows[0]))]
    longest = min(LONGEST_SCHEME, COLUMNS - sum(widths) - len(widths))
    for row in rows:
        name = _ascii(row[0])
        name = name if len(name) <= longest else name[:longest - 1] + "~"
        yield (name.ljust(longest) + "".join(f" {text:>{width}}" for text, width in zip(row[1:], widths))).rstrip()
    if others:
        yield f"... and {count_of(others, 'more scheme')}"


def claim_lines(claims):
    """Two lines per claim, its badge, and what it found; and one for the other platforms."""
    for number, claim in enumerate(claims, 1):
        where = f" in {claim.label}" if claim.label else ""
        yield _ascii(f"Claim {number}, {claim.name}: {claim.badge.value}{where}{NOISY_DIFFERS if claim.differs_with_noisy else ''}")
        yield from _wrapped("", claim.line, 1)
        # Of one other platform, what it found, which says what NOT TESTED means there; of several, their badges.
        told = [other.line if other.badge is Badge.NOT_TESTED else f"{other.badge.value}: {other.line}" for other in claim.others]
        told = told if len(told) == 1 else [other.badge.value for other in claim.others]
        if told:
            yield from _wrapped("  ", "; ".join(f"{other.platform}: {words}" for other, words in zip(claim.others, told)), 1)


def _command_lines(run):
    """The command, broken between its words where it is too long; where even that does not fit, where it is."""
    lines = [""]
    for word in map(_ascii, command_words(run)):
        if lines[-1] and len(lines[-1]) + len(word) + 3 > COLUMNS:  # a space before it, a space and \\ behind it
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    if len(lines) > MOST_COMMAND_LINES or any(len(line) > COLUMNS - 2 for line in lines):
        return ["Its command is in the report's table of the environment."]
    return [*(f"{line} \\" for line in lines[:-1]), *filter(None, lines[-1:])]


def _build(run):
    words = [f"shadowwalk {run.version}", *context_values(run, "shadowwalk_build"), *context_values(run, "shadowwalk_compiler")]
    return ", ".join([*words, *([f"build {run.build_id[:12]}"] if run.build_id else [])])


def render_text(report):
    run, overview = report.run, report.overview
    floors = ", ".join(f"{name} {words}" for name, words in overview.floors) or "not measured"
    kernels = _wrapped("In a kernel: ", "; ".join(overview.kernels), 2) if overview.kernels else []
    most = 1 if kernels else 2  # lines of what matters less
    above = [*_wrapped("", run.title, 1), *_wrapped("", overview.where, 2), *kernels, *_wrapped("Floors: ", floors, most),
             *_wrapped("Limits: ", ", ".join(overview.limits) or "none known", most), "", *claim_lines(overview.claims), ""]
    ending = ["", *_wrapped("", _build(run), 1), *_command_lines(run)]
    others, schemes = len(overview.headline.others), len(overview.sheet.lines)
    room = LINES - len(above) - len(ending) - 1
    notes = [_wrapped("", note, 2) for note in overview.notes[:2]]
    if schemes + (others > 0) + sum(map(len, notes)) > room:  # schemes are worth more than whole sentences
        notes = [_wrapped("", note, 1) for note in overview.notes[:2]]
    below = [line for note in notes for line in note] + ending
    factors = next(filter(None, map(brief, besides(report.table).values())), "")
    if factors and schemes + (others > 0) + sum(map(len, notes)) < room:
        below = _wrapped("Kernel/user: ", factors, min(2, room - schemes - (others > 0) - sum(map(len, notes)))) + below
    table = list(_table(overview.sheet, others, LINES - len(above) - len(below) - 1)) if schemes else ["No scheme was measured."]
    return "\n".join([*above, *table, *below]).rstrip() + "\n"


def render_claims(claims):
    """The claims alone."""
    return "\n".join(claim_lines(claims)) + "\n"
