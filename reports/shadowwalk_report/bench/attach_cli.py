"""scripts/attach-overhead: options and output."""

import dataclasses
import pathlib

from ..errors import InputError
from ..statistics import CONFIDENCE, estimate, ratios
from .attached_cell import COUNTERS, PERF, PROBES, TOP, AttachedCell
from .options import OneLineParser, count, end_progress, result_file, run_command, show_progress, write_json

NEXT_TO_HERE = pathlib.Path(__file__).resolve().parents[3] / "build" / "release" / "shadowwalk"


def _parse(arguments):
    parser = OneLineParser(
        prog="attach-overhead",
        description="What `shadowwalk attach` or `shadowwalk top` costs a cell: runs it with and without the tool, in pairs, and prints the "
                    "ratio of what it measured, with its interval.",
        epilog="The tool is on before the window begins, until after its end. Exit codes: 0, 2 bad input, 3 a cell or tool "
               "failed.  Example: attach-overhead --what zaps -- --variant irq-ipi --workload mmio-poll --duration 1s")
    parser.add_argument("--what", metavar="WHAT", action="append", choices=(*PERF, *PROBES, TOP), required=True,
                        help="as of `shadowwalk attach`, or top; may be given several times")
    parser.add_argument("--pairs", metavar="N", type=count, default=10, help="cells with and without the tool (default: 10)")
    parser.add_argument("--shadowwalk", metavar="FILE", type=pathlib.Path, default=NEXT_TO_HERE,
                        help="the command (default: that of build/release)")
    parser.add_argument("--json", metavar="FILE", type=result_file, help="write all of it, each cell's figures included")
    parser.add_argument("cell", metavar="OPTIONS", nargs="+", help="of `shadowwalk cell`, after --")
    options = parser.parse_args(arguments)
    if not options.shadowwalk.is_file():
        raise InputError(f"{options.shadowwalk} is no file: build it, or name it with --shadowwalk")
    return options


def _measure_pairs(cell, what, pairs):
    """({counter: {pair: value}} without the tool, the same with it). Who of a pair is first alternates."""
    values = [{name: {} for name in COUNTERS} for _ in range(2)]
    for pair in range(pairs):
        for tool in (None, what) if pair % 2 == 0 else (what, None):
            show_progress(f"{what}: pair {pair + 1} of {pairs}, {'with' if tool else 'without'} the tool")
            entry = cell.run(tool)
            for name, of_pairs in values[tool is not None].items():
                if name in entry:
                    of_pairs[pair] = entry[name]
    return values


def _ratios(without, attached):
    """[(counter, Estimate of with over without)], of those that were measured."""
    found = ((name, estimate(ratios(attached[name], without[name]).values())) for name in COUNTERS)
    return [(name, ratio) for name, ratio in found if ratio is not None]


def _lines(what, compared):
    for name, ratio in compared:
        interval = "-" if ratio.low is None else f"{ratio.low:.3f} .. {ratio.high:.3f}"
        yield f"{what:<6} {name:<20} {ratio.value:>12.3f} {interval:>17} {ratio.count:>6}"


def _run(arguments):
    options = _parse(arguments)
    document = {"format": "shadowwalk-attach-overhead-1", "cell": options.cell, "pairs": options.pairs,
                "confidence": CONFIDENCE, "what": {}}
    cell = AttachedCell(options.shadowwalk, options.cell)
    print(f"{'what':<6} {'counter':<20} {'with/without':>12} {'interval':>17} {'pairs':>6}", flush=True)
    for what in dict.fromkeys(options.what):
        without, attached = _measure_pairs(cell, what, options.pairs)
        end_progress()
        compared = _ratios(without, attached)
        print("\n".join(_lines(what, compared)), flush=True)
        document["what"][what] = {"without": without, "with": attached,
                                  "ratios": {name: dataclasses.asdict(ratio) for name, ratio in compared}}
    if options.json:
        write_json(options.json, document)
    return 0


def main(arguments=None):
    return run_command("attach-overhead", _run, arguments)
