"""Files that may be anything: what they are and how long is checked before they are read."""

import os
import select
import stat

MOST_BYTES = 64 << 20  # a result of the lab has some 100 kB, a plan of 10,000 cells 10 MB
PATIENCE_S = 10  # for the first byte of a pipe
_PIECE = 1 << 20
_KINDS = ((stat.S_ISDIR, "a directory"), (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"), (stat.S_ISSOCK, "a socket"),
          (stat.S_ISFIFO, "a pipe"))


def _check_kind(mode, may_be_pipe):
    if stat.S_ISREG(mode) or may_be_pipe and stat.S_ISFIFO(mode):
        return
    raise ValueError(f"is {next(words for is_kind, words in _KINDS if is_kind(mode))}, not a file")


def _wait_for_writer(fd):
    """Returns when a pipe has bytes or its writers are gone."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    if not poll.poll(PATIENCE_S * 1000):
        raise ValueError(f"is a pipe into which nothing was written for {PATIENCE_S} s")
    os.set_blocking(fd, True)


def read_bytes(path, may_be_pipe=False):
    """The content of a regular file or, where that is allowed, of a pipe such as `<(zcat FILE)`. Raises OSError; ValueError for
    anything else, and for more than MOST_BYTES."""
    # A pipe without a writer would otherwise block here.
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        status = os.fstat(fd)
        _check_kind(status.st_mode, may_be_pipe)
        if stat.S_ISFIFO(status.st_mode):
            _wait_for_writer(fd)
        pieces, left = [], MOST_BYTES + 1  # files of /proc say that they are empty: what counts is what is read
        if status.st_size < left:
            while left and (piece := os.read(fd, min(left, _PIECE))):
                pieces.append(piece)
                left -= len(piece)
            if left:
                return b"".join(pieces)
        raise ValueError(f"has more than {MOST_BYTES >> 20} MiB, which no result has")
    finally:
        os.close(fd)
