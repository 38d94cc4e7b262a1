"""What both commands share: options, progress, writing the result, exit codes."""

import argparse
import json
import os
import pathlib
import re
import signal
import sys

from ..errors import InputError
from ..untrusted_json import one_line
from .program import ProgramFailed

EXIT_BAD_INPUT = 2
EXIT_PROGRAM_FAILED = 3


class OneLineParser(argparse.ArgumentParser):
    def error(self, message):
        raise InputError(f"{message} (try --help)")


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
        raise argparse.ArgumentTypeError(f"'{text}' is no regular expression: {error}") from None
    return text


def result_file(text):
    """A path that can be written later: checked before minutes of measuring."""
    path = pathlib.Path(text)
    if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"'{text}' cannot be written: name a file in a directory that is there")
    return path


def write_json(path, document):
    """As a whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written: {one_line(error)}") from error


def show_progress(text):
    """To the terminal only: a log needs none."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def end_progress():
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def run_command(name, command, arguments):
    """Calls command(arguments), which returns the exit code; says in one line why it could not."""
    try:
        return command(arguments)
    except InputError as error:
        end_progress()
        print(f"{name}: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except ProgramFailed as error:
        end_progress()
        print(f"{name}: {error}", file=sys.stderr)
        return EXIT_PROGRAM_FAILED
    except KeyboardInterrupt:
        end_progress()
        return 128 + signal.SIGINT
    except BrokenPipeError:
        sys.stdout = None
        return 128 + signal.SIGPIPE
