"""Puts the report in its place all at once: written beside it, then renamed."""

import contextlib
import os
import pathlib
import secrets
import shutil

from .untrusted_json import InputError

# A directory that holds anything else is not ours to replace.
MARKER = "report.json"


def _check_replaceable(out):
    if not out.exists() and not out.is_symlink():
        return
    if not out.is_dir():
        raise InputError(f"{out} is not a directory: choose another --out")
    if any(out.iterdir()) and not (out / MARKER).is_file():
        raise InputError(f"{out} holds files that are no report (no {MARKER}): choose another --out")


@contextlib.contextmanager
def replacing(out):
    """Yields a temporary directory that becomes `out` if the block succeeds, and vanishes if it does not."""
    out = pathlib.Path(os.path.abspath(out))
    _check_replaceable(out)
    # Named before it is made, so that a signal at any moment finds it to remove.
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
