"""Cells of the simulated machine: a model's figures, beside what the model is worth, and held against none that was
measured."""

from ..quantities import BYTES, NANOSECONDS, PER_SECOND, PLAIN
from ..rows import Table
from ..setting import varying_axes
from ..sheet import Cell, Line, Sheet
from . import Column, Content, first_and_folded, setting_sheet

NOTE = ("Figures of a model of caches, interrupts and clocks (docs/project.md), not of a machine. They stand in no verdict and no "
        "claim of this page.")
NOT_HELD = "The model was not held against a host (--rounds 0): nothing says what these figures are worth."
COLUMNS = (
    Column("walks", "all vCPUs", "walks_per_second", PER_SECOND),
    Column("walk", "mean of a walk", "walk_ns_mean", NANOSECONDS),
    Column("lines a walk", "cache lines that a walk moved between caches", "line_transfers_per_walk", PLAIN),
    Column("commit p50", "the variant's commit()", "commit_zap_ns_p50", NANOSECONDS),
    Column("free p99", "from unlink to free", "free_ns_p99", NANOSECONDS),
    Column("retired, peak", "unlinked and not yet freed", "retired_bytes_peak", BYTES))


def _held_sheet(held):
    columns = [("simulated", "by the model, of this host's topology"), ("measured", "on this host"),
               ("error", "of the model, of the measured ratio")]
    lines = [Line(f"{vcpus:g} vCPU{'' if vcpus == 1 else 's'}", [],
                  [Cell(f"{simulated:.2f}x"), Cell(f"{measured:.2f}x"), Cell(f"{(simulated / measured - 1) * 100:+.0f} %")])
             for vcpus, simulated, measured in held if measured]
    return Sheet("What the model is worth: read side of rcu-counter over that of irq-ipi", columns, lines, corner="")


def content(run, _table):
    if run is None or not run.simulated:
        return None
    table = Table(run.simulated)
    axes = varying_axes(table.settings)
    settings = sorted(table.settings, key=lambda setting: (-setting.vcpus, setting))  # what no host here could measure first
    told = list(dict.fromkeys(result.simulated for result in run.simulated))
    notes = [NOTE, *(f"{one.topology}: {one.summary}. Figures: {one.source}." for one in told)]
    held = next((one.held for one in told if one.held), None)
    cells = first_and_folded([setting_sheet(setting, table.rows(setting), COLUMNS, axes) for setting in settings],
                             "The same")
    if held is None:
        return Content([*notes, NOT_HELD], cells.sheets, cells.details)
    return Content(notes, [_held_sheet(held), *cells.sheets], cells.details)
