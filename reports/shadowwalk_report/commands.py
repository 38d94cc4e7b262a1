"""What all commands of this package share: starting, options and their errors, progress, writing JSON, exit codes."""

import argparse
import difflib
import importlib
import json
import os
import pathlib
import re
import signal
import sys

from .untrusted_json import InputError, one_line

EXIT_BAD_INPUT = 2
EXIT_PROGRAM_FAILED = 3
_DEBIAN = {"matplotlib": "python3-matplotlib", "numpy": "python3-numpy", "scipy": "python3-scipy", "jinja2": "python3-jinja2"}


def start(module):
    """Calls main() of the module of this package and exits with its result. Where a module of Python is missing, says in one line
    which package to install."""
    try:
        main = importlib.import_module(f".{module}", __package__).main
    except ImportError as error:
        package = _DEBIAN.get((error.name or "").split(".")[0])
        if package is None:
            raise
        print(f"shadowwalk: reports need the Python module {error.name}: install the package {package}", file=sys.stderr)
        sys.exit(EXIT_BAD_INPUT)
    sys.exit(main())


class ProgramFailed(Exception):
    """A program that was run crashed, or wrote no result. The message is one line."""


class OneLineParser(argparse.ArgumentParser):
    """Options have no abbreviations, and the last value of a repeated option holds. Raises InputError with one line; an unknown
    option gets the name of the nearest known one."""

    def __init__(self, **settings):
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message):
        raise InputError(f"{message} (try `{self.prog} --help`)")

    def parse_args(self, args=None, namespace=None):
        """Refuses an unknown option first, as whatever else is wrong may follow from it."""
        words = sys.argv[1:] if args is None else list(args)
        for word in words[:words.index("--") if "--" in words else None]:
            name = word.partition("=")[0] if word.startswith("--") else word[:2]
            if name.startswith("-") and len(name) > 1 and name not in self._option_string_actions:
                near = difflib.get_close_matches(name, self._option_string_actions, 1)
                self.error(f"unknown option {name}" + (f": did you mean {near[0]}?" if near else ""))
        options, unknown = self.parse_known_args(words, namespace)
        if unknown:
            self.error(f"unexpected argument '{unknown[0]}'")
        return options


def count(text):
    value = int(text) if re.fullmatch(r"\d{1,6}", text) else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of rounds: give 1 to 999999")
    return value


def seconds(text):
    value = float(text) if re.fullmatch(r"\d+\.?\d*|\.\d+", text) else 0
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError(f"'{text}' is not a time: give seconds, above 0 and up to 3600")
    return value


def percent(text):
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)\s*%", text)
    if not match or not 0 < float(match[1]) < 100:
        raise argparse.ArgumentTypeError(f"'{text}' is not an effect: give e.g. 2%, above 0% and below 100%")
    return float(match[1]) / 100


def regex(text):
    try:
        re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not a regular expression: {error}") from None
    return text


def result_file(text):
    """A path that can be written later; it is checked now, before minutes of measuring."""
    path = pathlib.Path(text)
    if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"'{text}' cannot be written: name a file in an existing directory")
    return path


def write_json(path, document):
    """Writes the whole document or nothing."""
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written: {one_line(error)}") from error


def show_progress(text):
    """On a terminal only: a log needs no progress."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def end_progress():
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def run_command(name, command, arguments):
    """Calls command(arguments), which returns the exit code; where it fails, prints one line that begins with `name`."""
    try:
        return command(arguments)
    except (InputError, ProgramFailed) as error:
        end_progress()
        print(f"{name}: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT if isinstance(error, InputError) else EXIT_PROGRAM_FAILED
    except KeyboardInterrupt:
        end_progress()
        return 128 + signal.SIGINT
    except BrokenPipeError:
        sys.stdout = None
        return 128 + signal.SIGPIPE
