"""`python3 -m shadowwalk_report.compare ARGS`, which is what `shadowwalk compare ARGS` runs."""

from ..boundary import start

start("compare.cli")
