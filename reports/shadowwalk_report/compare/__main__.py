"""`python3 -m shadowwalk_report.compare BASE NEW`, which is what `shadowwalk compare BASE NEW` runs."""

from ..startup import start

start("compare.cli")
