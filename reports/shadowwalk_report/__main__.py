"""`python3 -m shadowwalk_report ARGS`, which is what `shadowwalk report ARGS` runs."""

from .boundary import start

start("report")
