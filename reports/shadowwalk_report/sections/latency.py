"""Percentiles of every latency and variant, in the one setting that the figure shows as well."""

from ..latencies import COORDINATED_OMISSION, LATENCIES, censored, profiled_setting, why_absent
from ..quantities import ABSENT, NANOSECONDS, count_of, quantity
from ..setting import describe, guest_words, varying_axes
from ..sheet import Cell, Line, Sheet
from . import Content

MOST_COLUMNS = 9  # variants: past these, the few latencies are the columns
PERCENTILES = ((0.5, "p50"), (0.99, "p99"), (0.999, "p99.9"))


def _percentile(histogram, share, beyond):
    """In words. Too few samples to have one beyond it give none; one among the censored is known by its bound alone."""
    everything = histogram.total + beyond
    if everything * (1 - share) < 1 - 1e-9:
        return ABSENT
    if share * everything > histogram.total:
        return f"> {quantity(histogram.greatest, NANOSECONDS)}"
    return quantity(histogram.percentile(share * everything / histogram.total), NANOSECONDS)


def _cell(row, latency):
    reason = why_absent(row, latency)
    if reason:
        return Cell(ABSENT, hint=reason)
    histogram, beyond = row.histogram(latency.histogram), censored(row, latency)
    median, *tail = (f"{name} {_percentile(histogram, share, beyond)}" for share, name in PERCENTILES)
    hint = count_of(int(histogram.total), "sample") + (f" and {beyond:,} censored" if beyond else "")
    return Cell(median.removeprefix("p50 "), hint=hint,
                more=(*tail, f"max {quantity(histogram.greatest, NANOSECONDS)}{' +' if beyond else ''}"))


def _a_column_a_variant(title, rows, latencies):
    columns = [(row.variant, "; ".join(row.scheme.knobs) or "p50, and further percentiles below it") for row in rows]
    lines = [Line(latency.title, [latency.meaning], [_cell(row, latency) for row in rows]) for latency in latencies]
    return Sheet(title, columns, lines, corner="latency")


def _a_line_a_variant(title, rows, latencies):
    lines = [Line(row.variant, row.scheme.knobs, [_cell(row, latency) for latency in latencies]) for row in rows]
    return Sheet(title, [(latency.title, latency.meaning) for latency in latencies], lines)


def content(_run, table):
    setting = profiled_setting(table)
    if setting is None:
        return None
    rows = table.plain_rows(setting)
    told = [latency for latency in LATENCIES if any(row.histogram(latency.histogram).total for row in rows)]
    place = f"{setting.workload}, {guest_words(setting.guest)}, {describe(setting, varying_axes(table.settings))}"
    note = ("All repetitions together, from the saved histograms (buckets at most 1 % wide): the median, and p99, "
            "p99.9 and the maximum below it. A percentile needs a sample beyond it. The other settings' percentiles "
            "are with every cell at the end of the page.")
    sheet = _a_line_a_variant if len(rows) > MOST_COLUMNS else _a_column_a_variant
    return Content([note, COORDINATED_OMISSION], [sheet(place, rows, told)])
