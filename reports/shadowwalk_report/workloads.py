"""The page of one workload: its verdicts, tables, figures and cells in one place."""

import collections
import dataclasses

from .answers import ORDER, Answer, answers
from .drawing.plot import workload_anchors
from .quantities import count_of, listing
from .setting import where_words
from .statistics import Verdict
from .summary import Group, summary_groups
from .topics import WORKLOAD_TOPICS, Material, sections_of
from .verdicts import QUESTIONS


@dataclasses.dataclass(frozen=True)
class Place:
    """A workload in one guest or kernel, as `where` says. `untested`: the questions that it does not answer. `tallies`: for each
    question, the number of cells with each verdict, {Verdict: count}; empty where the question does not apply."""

    where: str
    answers: list[Answer]
    untested: list[str]
    cells: int
    tallies: list[dict]


@dataclasses.dataclass(frozen=True)
class WorkloadPage:
    """`slug` is its id on the page; `summary`: the case that it stands for, empty if no result says; `cells` are CellLines."""

    workload: str
    slug: str
    summary: str
    places: list[Place]
    groups: list[Group]
    sections: list
    cells: list
    left_out: list[str]


def _tally(question, table, verdicts):
    counts = collections.Counter(ruling.verdict for setting in table.settings for row in verdicts.contestants(setting)
                                 if (ruling := verdicts.ruling(question, row)))
    return {verdict: counts[verdict] for verdict in ORDER if verdict in counts}


def _place(table, verdicts, where):
    found = answers(table, verdicts)
    return Place(where_words(where), [answer for answer in found if answer.clauses],
                 [answer.question.title for answer in found if not answer.clauses],
                 len({result.cell_id for row in table.all_rows for result in row.results}),
                 [_tally(question, table, verdicts) for question in QUESTIONS])


def _left_out(run, workload):
    """In words: results of the workload that were planned and are in no figure."""
    lost = [lost for lost in run.left_out
            if lost.cell_id in run.plan and run.plan[lost.cell_id].options.get("workload") == workload]
    missing = sum(run.plan[cell_id].options.get("workload") == workload for cell_id, _ in run.missing if cell_id in run.plan)
    words = [f"{count_of(len(lost), 'result')} failed or {'was' if len(lost) == 1 else 'were'} refused"] if lost else []
    return words + ([f"{count_of(missing, 'result')} {'is' if missing == 1 else 'are'} missing"] if missing else [])


def workload_pages(run, table, verdicts, figures, cells):
    anchors = workload_anchors(table.workloads)
    pages = []
    for workload, slug in anchors.items():
        part = table.part(workload)
        places = dict.fromkeys(setting.where for setting in part.settings)
        summaries = (result.workload_summary for row in part.all_rows for result in row.results)
        pages.append(WorkloadPage(
            workload, slug, next(filter(None, summaries), ""), [_place(part.part(workload, where), verdicts, where) for where in places],
            summary_groups(part, verdicts),
            sections_of(WORKLOAD_TOPICS, Material(run, part, verdicts), [figure for figure in figures if figure.plot.workload == workload]),
            [cell for cell in cells if cell.workload == workload], _left_out(run, workload)))
    return pages


def tally_words(question, tally):
    """`2 later, 1 same and 3 ambiguous`."""
    words = {Verdict.FASTER: question.better, Verdict.SLOWER: question.worse}
    return listing(f"{count} {words.get(verdict, verdict.value.lower())}" for verdict, count in tally.items())
