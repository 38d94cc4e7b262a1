"""Puts the report in its place in one step: it is written beside the place and then renamed. What a killed report left is swept."""

import contextlib
import errno
import fcntl
import os
import pathlib
import secrets
import shutil

from .untrusted_file import read_bytes
from .untrusted_json import InputError

# Only a directory with this file, or an empty one, is replaced.
MARKER = "report.json"
_PREFIX, _SUFFIX = ".report-", ".tmp"  # of the directory that is renamed, whatever the report's own name is and however long
_PLACE = "place"  # the file in it with the name of the place


def _check_replaceable(out):
    if not out.exists() and not out.is_symlink():
        return
    if not out.is_dir():
        raise InputError(f"{out} is not a directory: choose another --out")
    if any(out.iterdir()) and not (out / MARKER).is_file():
        raise InputError(f"{out} contains files that are not a report (no {MARKER}): choose another --out")


def _lock(directory, how):
    """A descriptor that holds the directory until it is closed or its process has died. Raises OSError."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, how)
        if not os.path.samestat(os.fstat(fd), os.lstat(directory)):
            raise FileNotFoundError(f"{directory} is another one by now")
        return fd
    except OSError:
        os.close(fd)
        raise


def _restore(scratch):
    """A killed report may have moved the old one away without putting the new one in its place."""
    place = os.fsdecode(read_bytes(scratch / _PLACE))
    if os.path.basename(place) == place and not os.path.lexists(scratch.parent / place):
        (scratch / "old").rename(scratch.parent / place)


def _sweep(parent):
    """Removes what killed reports left: the scratch directories of this user that no living process holds."""
    for scratch in parent.glob(f"{_PREFIX}*{_SUFFIX}"):
        with contextlib.suppress(OSError):  # held, or swept by another
            fd = _lock(scratch, fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                if os.fstat(fd).st_uid == os.geteuid():
                    with contextlib.suppress(OSError, ValueError):
                        _restore(scratch)
                    shutil.rmtree(scratch, ignore_errors=True)
            finally:
                os.close(fd)


def _hold(scratch):
    """Makes the directory and holds it. Raises OSError."""
    while True:
        scratch.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # one that sweeps came between
            return _lock(scratch, fcntl.LOCK_EX)


@contextlib.contextmanager
def replacing(out):
    """Yields a temporary directory that becomes `out` if the block succeeds and is removed if it fails."""
    out = pathlib.Path(os.path.abspath(out))
    held = None
    # The name is known before the directory exists, so that a signal at any moment leaves nothing behind.
    scratch = out.parent / f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}"
    fresh, old = scratch / "new", scratch / "old"
    try:
        _check_replaceable(out)
        held = _hold(scratch)
        _sweep(out.parent)
        (scratch / _PLACE).write_bytes(os.fsencode(out.name))
        fresh.mkdir()
        yield fresh
        if out.exists():
            out.rename(old)
        fresh.rename(out)
    except OSError as error:
        if error.errno in (errno.ENOMEM, errno.EMFILE, errno.ENFILE):  # a limit of the process, not of the place
            raise
        raise InputError(f"cannot write {error.filename or out}: {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            if old.exists() and not out.exists():
                old.rename(out)
        shutil.rmtree(scratch, ignore_errors=True)
        if held is not None:
            os.close(held)
