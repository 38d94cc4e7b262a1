"""Where all commands of this package begin and end: what they need of the process, what they print, errors and exit codes."""

import contextlib
import errno
import gc
import importlib
import logging
import os
import resource
import signal
import sys

from .untrusted_json import InputError, one_line
from .untrusted_text import MOST_SHOWN, shortened, visible

EXIT_BAD_INPUT = 2
EXIT_PROGRAM_FAILED = 3
_DEBIAN = {"matplotlib": "python3-matplotlib", "numpy": "python3-numpy", "scipy": "python3-scipy", "jinja2": "python3-jinja2"}
# The figures must not depend on a file of the user's, and threads of OpenBLAS gain nothing here and hang where the host starts none.
_ENVIRONMENT = {"MPLBACKEND": "agg", "MATPLOTLIBRC": os.devnull, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
# Of the garbage collector. With Python's own it looks at all objects of a large run again and again, a tenth of a report's time; the
# figures leave some megabytes of cycles.
_COLLECT_AFTER = (50_000, 20, 100)
# Of address space. Modules in C crash where they get less than they need, instead of saying so.
_LEAST_MEMORY = 128 << 20
_ENDINGS = (signal.SIGTERM, signal.SIGHUP)


class ProgramFailed(Exception):
    """A program that was run crashed, or wrote no result. The message is one line."""


def say(*lines, most=MOST_SHOWN):
    """Prints lines, which may quote text of any origin. Raises InputError; BrokenPipeError if the reader closed the pipe."""
    try:
        for line in lines:
            print(shortened(visible(line), most))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(_cannot_print(error)) from None


def _cannot_print(error):
    return f"cannot write to stdout: {one_line(error)}; what was printed is not complete"


def show_progress(text):
    """On a terminal only: a log needs no progress."""
    if sys.stderr.isatty():
        print(f"\r\033[K{shortened(visible(text))}", end="", file=sys.stderr, flush=True)


def end_progress():
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def _complain(name, words):
    """One line on stderr; where that cannot be written, the exit code alone is left."""
    try:
        end_progress()
        print(shortened(visible(f"{name}: {words}")), file=sys.stderr, flush=True)
    except (OSError, AttributeError):
        pass


def _words_of(error):
    """What an error that no module expected means to the user, on one line."""
    if isinstance(error, MemoryError) or isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return "not enough memory: end other programs, or raise the limit (ulimit -v)"
    if isinstance(error, RuntimeError) and "new thread" in str(error):
        return "the host starts no more threads: raise the limit (ulimit -u)"
    if isinstance(error, RecursionError):
        return "the input is nested too deeply"
    if isinstance(error, OSError):
        return f"{error.filename}: {one_line(error)}" if error.filename else one_line(error)
    place = error.__traceback__
    while place.tb_next:
        place = place.tb_next
    file = os.path.basename(place.tb_frame.f_code.co_filename)
    return f"internal error at {file}:{place.tb_lineno}: {type(error).__name__}: {one_line(error)}; please report it with the input"


def run_command(name, command, *arguments):
    """Calls command(*arguments), which returns the exit code; where it fails, prints one line that begins with `name`. No failure has
    the exit code 1, which says what a command found."""
    try:
        return command(*arguments)
    except InputError as error:
        _complain(name, error)
    except ProgramFailed as error:
        _complain(name, error)
        return EXIT_PROGRAM_FAILED
    except KeyboardInterrupt:
        end_progress()
        return 128 + signal.SIGINT
    except BrokenPipeError:
        return 128 + signal.SIGPIPE
    except Exception as error:  # pylint: disable=broad-exception-caught
        _complain(name, _words_of(error))
    return EXIT_BAD_INPUT


def _missing(error):
    """The InputError for a module that cannot be imported."""
    module = (error.name or "").split(".")[0]
    if module not in _DEBIAN:
        module = next((name for name in _DEBIAN if name in str(error)), "")
    if "memory" in str(error) or "failed to map" in str(error):
        return InputError(f"not enough memory to load {module or 'a module of Python'}: raise the limit (ulimit -v)")
    if not module:
        return InputError(f"a module of Python cannot be loaded: {one_line(error)}")
    return InputError(f"reports need the Python module {error.name or module}: install the package {_DEBIAN[module]}")


@contextlib.contextmanager
def _silence():
    """Nothing reaches stderr: libraries complain there about what the one line says."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _call(module):
    if 0 <= resource.getrlimit(resource.RLIMIT_AS)[0] < _LEAST_MEMORY:
        raise MemoryError
    try:
        with _silence():
            main = importlib.import_module(f".{module}", __package__).main
    except ImportError as error:
        raise _missing(error) from None
    except SystemError:  # of a module in C whose memory ran out
        raise MemoryError from None
    gc.set_threshold(*_COLLECT_AFTER)
    return main()


def _open_closed_descriptors():
    """A descriptor that the caller closed must not become that of the next file: what is printed to it fails."""
    while (fd := os.open(os.devnull, os.O_RDONLY)) <= 2:
        os.set_inheritable(fd, True)
    os.close(fd)
    for fd, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(fd, "w", encoding="utf-8", closefd=False))


def _end(number, _):
    """By an exception, so that what is half-written is removed and children end. It is asked once."""
    for ending in (*_ENDINGS, signal.SIGINT):
        signal.signal(ending, signal.SIG_IGN)
    sys.exit(128 + number)


def _prepare():
    _open_closed_descriptors()
    os.environ.update(_ENVIRONMENT)
    logging.getLogger("matplotlib").setLevel(logging.CRITICAL)  # where it cannot cache, it says so at each start
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # a locale may lack what a name or a unit has
    for ending in _ENDINGS:
        if signal.getsignal(ending) is not signal.SIG_IGN:  # nohup
            signal.signal(ending, _end)


def _flush_to(fd, stream):
    """Returns the error, if any; then the rest goes nowhere, as Python flushes again at its end."""
    try:
        stream.flush()
        return None
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), fd)
        return error


def _flushed(code):
    """The exit code, once all that was printed has reached stdout."""
    error = _flush_to(1, sys.stdout)
    if isinstance(error, BrokenPipeError):
        code = 128 + signal.SIGPIPE
    elif error:
        if code != EXIT_BAD_INPUT:  # else the one line has been printed
            _complain("shadowwalk", _cannot_print(error))
        code = EXIT_BAD_INPUT
    _flush_to(2, sys.stderr)
    return code


def start(module):
    """Calls main() of the module of this package and exits with its result."""
    try:
        _prepare()
        code = run_command("shadowwalk", _call, module)
    except SystemExit as end:  # of --help, or by a signal
        code = end.code or 0
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    sys.exit(_flushed(code))
