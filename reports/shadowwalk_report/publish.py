"""Puts the report in its place in one step: it is written beside the place and then renamed."""

import contextlib
import os
import pathlib
import secrets
import shutil

from .untrusted_json import InputError

# Only a directory with this file, or an empty one, is replaced.
MARKER = "report.json"


def _check_replaceable(out):
    if not out.exists() and not out.is_symlink():
        return
    if not out.is_dir():
        raise InputError(f"{out} is not a directory: choose another --out")
    if any(out.iterdir()) and not (out / MARKER).is_file():
        raise InputError(f"{out} contains files that are not a report (no {MARKER}): choose another --out")


@contextlib.contextmanager
def replacing(out):
    """Yields a temporary directory that becomes `out` if the block succeeds and is removed if it fails."""
    out = pathlib.Path(os.path.abspath(out))
    _check_replaceable(out)
    # The name is known before the directory exists, so that a signal at any moment leaves nothing behind.
    scratch = out.parent / f".{out.name}-{os.getpid()}-{secrets.token_hex(4)}"
    fresh, old = scratch / "new", scratch / "old"
    try:
        fresh.mkdir(parents=True)
        yield fresh
        if out.exists():
            out.rename(old)
        fresh.rename(out)
    except OSError as error:
        raise InputError(f"cannot write {error.filename or out}: {error.strerror}") from None
    finally:
        if old.exists() and not out.exists():
            old.rename(out)
        shutil.rmtree(scratch, ignore_errors=True)
