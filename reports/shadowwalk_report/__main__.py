"""`python3 -m shadowwalk_report DIR`, which is what `shadowwalk report DIR` runs."""

from .startup import start

start("cli")
