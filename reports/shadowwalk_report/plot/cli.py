"""`shadowwalk plot`: one counter of a run over one axis."""

import argparse
import pathlib
import sys

from ..boundary import run_command, say
from ..commands import OneLineParser, regex, result_file, write_bytes
from ..run_directory import load
from .chart import draw_selection
from .listing import lines_of
from .selection import check_panels, select

KINDS = ("svg", "png", "pdf")


def _figure(text):
    path = result_file(text)
    if path.suffix.lower().removeprefix(".") not in KINDS:
        raise argparse.ArgumentTypeError(f"'{text}' does not say what to draw: end the name in {', '.join('.' + kind for kind in KINDS)}")
    return path


def _parse(arguments):
    parser = OneLineParser(
        prog="shadowwalk plot",
        description="Show one counter of a run over one axis: as a table, or with -o as a figure. Medians over repetitions with 95 % "
                    "intervals, noisy results included. Where more than two axes vary, each combination of the others is a part of its own.",
        epilog="Example: shadowwalk plot results/full --x zap-rate --y retired_bytes_peak -o held.svg. Exit codes: 0 done, 2 bad input.")
    parser.add_argument("directory", metavar="DIR", type=pathlib.Path, help="the run's directory, which holds run.json")
    parser.add_argument("--x", metavar="AXIS", required=True,
                        help="an option of the cells, or what a result names it: zap-rate, vcpus, rcu-interval, seed, warmup, "
                             "workload, ...; or repetitions, their number")
    parser.add_argument("--y", metavar="COUNTER", required=True, help="a counter of `shadowwalk list figures`")
    parser.add_argument("--by", metavar="AXIS", default="variant", help="one line per value of this axis (default: variant)")
    parser.add_argument("--filter", metavar="REGEX", type=regex, help="only the cells whose name matches, as `shadowwalk run --filter`")
    parser.add_argument("-o", "--out", metavar="FILE", type=_figure, help="draw it into this file: .svg, .png or .pdf")
    return parser.parse_args(arguments)


def _run(arguments):
    options = _parse(arguments)
    selection = select(load(options.directory), options.x, options.y, options.by, options.filter)
    if options.out is None:
        say(*lines_of(selection), most=sys.maxsize)
        return 0
    check_panels(selection)
    write_bytes(options.out, draw_selection(selection, options.out.suffix.lower().removeprefix(".")))
    say(options.out, most=sys.maxsize)
    return 0


def main(arguments=None):
    """Returns the exit code: 0, or 2 (with one line on stderr) when the input is bad."""
    return run_command("shadowwalk: plot", _run, arguments)
