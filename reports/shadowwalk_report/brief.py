"""report.json: the report for scripts. It is always written, for it tells a report from any other directory."""

import json

from .statistics import ALPHA, CONFIDENCE, MINIMUM_EFFECT, MINIMUM_REPETITIONS
from .verdicts import QUESTIONS

FORMAT = "shadowwalk-report-1"


def _ruling(question, row, found):
    ratio = found.comparison.ratio
    return {"question": question.name, "metric": question.counter, "variant": row.variant, "knobs": row.scheme.knobs,
            "setting": vars(row.setting), "verdict": found.verdict.value, "reason": found.code or None,
            "ratio": ratio and [ratio.value, ratio.low, ratio.high], "p": found.comparison.p,
            "p_corrected": found.comparison.p_corrected, "comparisons": found.comparison.family}


def _rulings(report):
    return [_ruling(question, row, found) for question in QUESTIONS for row in report.table.all_rows
            if (found := report.verdicts.ruling(question, row))]


def brief_of(report, whole):
    """As text. `whole`: with every verdict, where not only the mark is wanted."""
    run = report.run
    brief = {"format": FORMAT, "title": run.title, "started": run.started, "results": run.measured, "planned": run.planned,
             "claims": [{"name": claim.name, "sentence": claim.sentence,
                         "verdicts": {finding.rival: finding.outcome.value for finding in claim.headline}}
                        for claim in report.claims],
             "baseline": report.verdicts.baseline,
             "answers": [{"question": answer.question.name, "title": answer.question.title, "sentence": answer.sentence}
                         for answer in report.answers],
             "figures": [{"name": figure.plot.name, "title": figure.plot.title} for figure in report.figures]}
    if whole:
        brief |= {"trust": [{"label": item.label, "value": item.value, "level": item.level} for item in report.trust],
                  "rules": {"confidence": CONFIDENCE, "alpha": ALPHA, "minimum_effect": MINIMUM_EFFECT,
                            "minimum_repetitions": MINIMUM_REPETITIONS},
                  "verdicts": _rulings(report)}
    return json.dumps(brief, indent=1) + "\n"
