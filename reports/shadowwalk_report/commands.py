"""What all commands of this package share: options and their errors, writing JSON."""

import argparse
import contextlib
import difflib
import json
import os
import pathlib
import re
import secrets
import stat
import sys

from .boundary import say
from .untrusted_json import InputError, one_line


class OneLineParser(argparse.ArgumentParser):
    """Options have no abbreviations, and the last value of a repeated option holds. Raises InputError with one line; an unknown
    option gets the name of the nearest known one."""

    def __init__(self, **settings):
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message):
        raise InputError(f"{message} (try `{self.prog} --help`)")

    def _print_message(self, message, file=None):
        if message:
            say(*message.splitlines(), most=sys.maxsize)

    def parse_args(self, args=None, namespace=None):
        """Refuses an unknown option first, as whatever else is wrong may follow from it."""
        words = sys.argv[1:] if args is None else list(args)
        for word in words[:words.index("--") if "--" in words else None]:
            name = word.partition("=")[0] if word.startswith("--") else word[:2]
            if name.startswith("-") and len(name) > 1 and name not in self._option_string_actions:
                near = difflib.get_close_matches(name, self._option_string_actions, 1)
                self.error(f"unknown option {name}" + (f": did you mean {near[0]}?" if near else ""))
            if word == f"{name}=--":  # argparse takes it for the end of the options, and passes no value
                self.error(f"'--' is not a value of {name}")
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
    except (re.error, OverflowError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not a regular expression: {error}") from None
    return text


def result_file(text):
    """A path that can be written later; it is checked now, before minutes of measuring."""
    path = pathlib.Path(text)
    try:
        place = path if path.exists() and not path.is_file() else path.resolve().parent
        is_bad = path.is_dir() or not place.exists() or not os.access(place, os.W_OK)
    except OSError:  # a name that is too long, links in a circle
        is_bad = True
    if is_bad:
        raise argparse.ArgumentTypeError(f"'{text}' cannot be written: name a file in an existing directory")
    return path


def _write_beside(path, data):
    """Through a new file, which then takes the place and the permissions of the old one."""
    # No other process can have put a link there. Of this kind are the names that the lab itself writes under, and sweeps.
    partial = path.with_name(f".shadowwalk-{secrets.token_hex(8)}.tmp")
    try:
        with open(partial, "xb") as file:
            with contextlib.suppress(FileNotFoundError):
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            file.write(data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_bytes(path, data):
    """Writes the whole file or nothing; a link is followed, and a device or a pipe written to as it is. Raises InputError."""
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            _write_beside(path.resolve(), data)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {one_line(error)}") from error


def write_json(path, document):
    """Writes the whole document or nothing; a link is followed, and stdout, a device or a pipe written to as it is."""
    text = json.dumps(document, indent=1) + "\n"
    try:
        if path.exists() and os.path.samestat(path.stat(), os.fstat(1)):
            sys.stdout.write(text)
        else:
            write_bytes(path, text.encode("utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {one_line(error)}") from error
