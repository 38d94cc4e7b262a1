"""`python3 -m shadowwalk_report.plot ARGS`, which is what `shadowwalk plot ARGS` runs."""

from ..boundary import start

start("plot.cli")
