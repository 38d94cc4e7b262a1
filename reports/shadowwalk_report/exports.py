"""The report for scripts (report.json) and for a pull request or a mail (report.md)."""

import json
import re

from .statistics import ALPHA, CONFIDENCE, MINIMUM_EFFECT, MINIMUM_REPETITIONS
from .topics.beside import COLUMNS as BESIDE_COLUMNS, besides, sheets
from .untrusted_text import visible
from .verdicts import QUESTIONS

FORMAT = "shadowwalk-report-1"
# Also the characters that begin HTML, a link and a code span: the text of a result must stay text.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~#!&])")


def _ruling(question, row, found):
    ratio = found.comparison.ratio
    return {"question": question.name, "metric": question.counter.name, "variant": row.variant, "knobs": row.scheme.knobs,
            "setting": vars(row.setting), "verdict": found.verdict.value, "reason": found.code or None,
            "ratio": ratio and [ratio.value, ratio.low, ratio.high], "p": found.comparison.p,
            "p_corrected": found.comparison.p_corrected, "comparisons": found.comparison.family}


def _claim(claim):
    return {"platform": claim.platform, "badge": claim.badge.value, "line": claim.line, "sentence": claim.sentence,
            "verdicts": {finding.rival: finding.outcome.value for finding in claim.headline}}


def brief_of(report, whole):
    """report.json as text. It is always written, as it marks a directory as a report. `whole`: with every verdict."""
    run = report.run
    brief = {"format": FORMAT, "title": run.title, "started": run.started, "results": run.measured, "planned": run.planned,
             "claims": [{"name": claim.name, **_claim(claim), "elsewhere": [_claim(other) for other in claim.others]}
                        for claim in report.claims],
             "baseline": report.verdicts.baseline,
             "answers": [{"question": answer.question.name, "title": answer.question.title, "sentence": answer.sentence}
                         for answer in report.answers],
             "figures": [{"name": figure.plot.name, "title": figure.plot.title} for figure in report.figures]}
    if whole:
        brief |= {"trust": [{"label": item.label, "value": item.value, "level": item.level} for item in report.trust],
                  "rules": {"confidence": CONFIDENCE, "alpha": ALPHA, "minimum_effect": MINIMUM_EFFECT,
                            "minimum_repetitions": MINIMUM_REPETITIONS},
                  "user_space_beside_kernel": [dict(zip(BESIDE_COLUMNS, row.record))
                                               for rows in besides(report.table).values() for row in rows],
                  "verdicts": [_ruling(question, row, found) for question in QUESTIONS for row in report.table.all_rows
                               if (found := report.verdicts.ruling(question, row))]}
    return json.dumps(brief, indent=1) + "\n"


def _text(words):
    return _SPECIAL.sub(r"\\\1", visible(" ".join(str(words).split())))


def _row(cells):
    return "| " + " | ".join(cells) + " |"


def _cell(cell):
    verdict = cell.verdict.upper() if cell.verdict in ("same", "faster", "slower", "ambiguous") else ""
    return _text(" ".join(filter(None, (cell.value, verdict, cell.interval, *cell.more))))


def _sheet(sheet):
    yield f"**{_text(sheet.title)}**\n"
    yield _row([_text(sheet.corner), *(_text(title) for title, _ in sheet.columns)])
    yield _row(["---", *("---:" for _ in sheet.columns)])
    for line in sheet.lines:
        yield _row([_text(", ".join([line.head, *line.notes])), *map(_cell, line.cells)])
    if sheet.remark:
        yield f"\n{_text(sheet.remark)}"
    yield ""


def _lines(report):
    run = report.run
    yield f"# {_text(run.title)}\n"
    yield f"{run.measured} of {run.planned} results, shadowwalk {_text(run.version)}, started {_text(run.started)}.\n"
    yield "## The two claims of the patch\n"
    for number, claim in enumerate(report.claims, 1):
        line = f"{claim.label}: {claim.line}" if claim.label else claim.line
        yield f"{number}. “{_text(claim.quote)}”: **{claim.badge.value}**, {_text(line)}. {_text(claim.sentence)}"
        for other in claim.others:
            yield f"   - {_text(other.platform)}: **{other.badge.value}**, {_text(other.line)}. {_text(other.sentence)}"
    yield f"\n## Against {_text(report.verdicts.baseline)}\n"
    for answer in report.answers:
        yield f"- **{_text(answer.question.title)}** {_text(answer.sentence)}"
    yield "\n## How far to trust it\n"
    for item in report.trust:
        yield f"- {_text(item.label)}: {_text(item.value)}"
    found = sheets(report.table)
    if found:
        yield "\n## User space beside the kernel\n"
    for sheet in found:
        yield from _sheet(sheet)
    yield "\n## Summary\n"
    for group in (group for page in report.pages for group in page.groups):
        yield f"### {_text(group.title)}\n"
        for sheet in group.sheets:
            yield from _sheet(sheet)
    if "png" in report.formats and report.figures:
        yield "## Figures\n"
        for figure in report.figures:
            yield f"![{_text(figure.plot.title)}]({figure.plot.name}.png)\n"


def render_markdown(report):
    """What the first screen says, and the summary tables."""
    return "\n".join(_lines(report)).rstrip() + "\n"
