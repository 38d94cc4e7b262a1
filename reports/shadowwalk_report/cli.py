"""The command line: options, errors in one line, exit codes."""

import argparse
import pathlib
import signal
import sys

from .errors import InputError
from .report import DEFAULT_FORMATS, FORMATS, write_report
from .rows import SPEED_LIMIT
from .verdicts import DEFAULT_BASELINE

EXIT_BAD_INPUT = 2


class _OneLineParser(argparse.ArgumentParser):
    def error(self, message):
        raise InputError(f"{message} (try `shadowwalk report --help`)")


def _parse(arguments):
    parser = _OneLineParser(
        prog="shadowwalk report",
        description="Write an HTML report, with figures as PNG and CSV, about a directory that `shadowwalk run` left.",
        epilog="A run that is unfinished, or has failed cells, is reported as far as it goes.")
    parser.add_argument("directory", metavar="DIR", type=pathlib.Path, help="the run's directory, which holds run.json")
    parser.add_argument("--out", metavar="DIR", type=pathlib.Path,
                        help="where the report goes; a report that is there is replaced (default: DIR/report)")
    parser.add_argument("--baseline", metavar="VARIANT",
                        help=f"the variant that the others are held against (default: {DEFAULT_BASELINE}, else {SPEED_LIMIT})")
    parser.add_argument("--format", metavar="LIST", type=_formats, default=DEFAULT_FORMATS, dest="formats",
                        help=f"what to write: any of {','.join(FORMATS)} (default: {','.join(DEFAULT_FORMATS)})")
    parser.add_argument("--with-perturbed", action="store_true",
                        help="let verdicts rest on cells that tools looked into while they ran, too")
    return parser.parse_args(arguments)


def _formats(text):
    chosen = tuple(word.strip() for word in text.split(","))
    unknown = [word for word in chosen if word not in FORMATS]
    if unknown:
        raise argparse.ArgumentTypeError(f"'{unknown[0]}' is no format: give any of {','.join(FORMATS)}, parted by commas")
    return tuple(dict.fromkeys(chosen))


def _end_by_exception(signum, _frame):
    raise SystemExit(128 + signum)


def main(arguments=None):
    """Returns the exit code: 0 when the report is written, 2 (one line on stderr) when the input does not allow it."""
    signal.signal(signal.SIGTERM, _end_by_exception)  # so that the half-written directory is removed
    try:
        options = _parse(arguments)
        out = options.out if options.out is not None else options.directory / "report"
        index = write_report(options.directory, out, options.baseline, options.formats, options.with_perturbed)
    except InputError as error:
        print(f"shadowwalk: report: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    print(index)
    return 0
