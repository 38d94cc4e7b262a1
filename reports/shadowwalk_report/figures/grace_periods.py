"""When a grace period of RCU was under way: a strip over the time of a lane."""

from ..latencies import GRACE_PERIOD
from ..quantities import NANOSECONDS, count_of, quantity
from .hover import hover
from .svg import MUTED

STRIP = (0.82, 0.1)  # above a lane's own floor, and its height, in lanes
LABEL = "grace periods"
COLUMNS = ("grace_periods_begun", "grace_period_under_way_ns")


def _by_each(pairs):
    """(times, heights) of a line that is 1 within each grace period and 0 between them."""
    times, heights = [], []
    for begin, end in pairs:
        times += [begin, begin, end, end]
        heights += [0, 1, 1, 0]
    return times, heights


def _by_interval(periods):
    """The same, of the share of each interval in which one was under way."""
    shares = [min(1.0, ns / periods.interval_ns) for ns in periods.under_way_ns]
    times = [periods.interval_ns * place for number in range(len(shares)) for place in (number, number + 1)]
    return times, [share for share in shares for _ in range(2)]


def _words(variant, result):
    periods, histogram = result.grace_periods, result.histograms.get(GRACE_PERIOD.histogram)
    share = sum(periods.under_way_ns) / (periods.interval_ns * len(periods.under_way_ns))
    text = f"{variant}: {count_of(int(sum(periods.began)), 'grace period')}, one under way for {share:.1%} of the time"
    if histogram is not None and histogram.total:
        text += f"; median {quantity(histogram.percentile(0.5), NANOSECONDS)}, longest {quantity(histogram.greatest, NANOSECONDS)}"
    return text


def draw_grace_periods(axes, variant, result, lane, colour):
    """Nothing where the scheme waits for none."""
    periods = result.grace_periods
    if periods is None or not any(periods.under_way_ns):
        return
    times, heights = _by_each(periods.each) if periods.each else _by_interval(periods)
    floor = lane + STRIP[0]
    # The edge keeps one visible that is far shorter than a pixel.
    strip = axes.fill_between(times, floor, [floor + STRIP[1] * height for height in heights], facecolor=colour,
                              edgecolor=colour, linewidth=0.5)
    hover(strip, _words(variant, result))
    axes.annotate(LABEL, (periods.interval_ns * len(periods.began), floor), (4, 0), color=MUTED, textcoords="offset points",
                  va="bottom", fontsize=6.5)


def grace_period_fields(result, interval):
    """The values of COLUMNS in one interval; None where there are none."""
    periods = result.grace_periods
    if periods is None or interval >= len(periods.began):
        return None, None
    return periods.began[interval], periods.under_way_ns[interval]
