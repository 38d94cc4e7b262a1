"""The line that walks per second would follow if vCPUs cost each other nothing."""

from ..rows import FLOOR, SPEED_LIMIT
from .canvas import printable
from .svg import MUTED


def draw_ideal(axes, lines, counts):
    """From the speed limit, or the first variant that ran on the fewest vCPUs. `lines`: {variant: {vCPUs: walks a second}}."""
    for variant in (SPEED_LIMIT, FLOOR, *lines):
        points = lines.get(variant, {})
        if counts[0] in points:
            per_vcpu = points[counts[0]] / counts[0]
            axes.plot(counts, [per_vcpu * n for n in counts], color=MUTED, linestyle=(0, (2, 2)), linewidth=1,
                      label=f"ideal ({printable(variant)} at {counts[0]} vCPU)", zorder=1)
            return
