"""`python3 -m shadowwalk_report DIR`, which is what `shadowwalk report DIR` runs."""

import sys

try:
    from .cli import main
except ImportError as error:
    package = {"matplotlib": "python3-matplotlib", "numpy": "python3-numpy", "scipy": "python3-scipy",
               "jinja2": "python3-jinja2"}.get((error.name or "").split(".")[0])
    if package is None:
        raise
    print(f"shadowwalk: reports need the Python module {error.name}: install the package {package}", file=sys.stderr)
    sys.exit(2)

sys.exit(main())
