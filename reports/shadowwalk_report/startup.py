"""Starts a program of this package, and says in one line which package to install when one of its modules is missing."""

import importlib
import sys

_DEBIAN = {"matplotlib": "python3-matplotlib", "numpy": "python3-numpy", "scipy": "python3-scipy", "jinja2": "python3-jinja2"}


def start(module):
    """Calls main() of the module of this package and exits with what it returns."""
    try:
        main = importlib.import_module(f".{module}", __package__).main
    except ImportError as error:
        package = _DEBIAN.get((error.name or "").split(".")[0])
        if package is None:
            raise
        print(f"shadowwalk: reports need the Python module {error.name}: install the package {package}", file=sys.stderr)
        sys.exit(2)
    sys.exit(main())
