"""Runs that the claims of the patch are judged by, and what their verdicts are."""

from run_factory import PAGE, spread

from shadowwalk_report.claims.claim import LINE_WIDTH

LARGE_HOST = {"num_cpus": 8}


def zapped(pages=0, mean=None, **more):
    """What a scheme counts that has this many pages deferred at the peak; none if it frees in commit."""
    peaks = pages if isinstance(pages, list) else [PAGE * (pages + place % 2) for place in range(5)] if pages else [0.0] * 5
    means = mean if isinstance(mean, list) else spread(sum(peaks) / 20 if mean is None else mean)
    return {"retired_bytes_peak": spread(PAGE * 10), "deferred_bytes_peak": peaks, "deferred_bytes_mean": means,
            "commits_deferred": 0 if not any(peaks) else 20, "pages_deferred": 0 if not any(peaks) else 25, **more}


def memory_run(factory, rcu, irq=None, irq_2012=None, **options):
    factory.cell(rcu, variant="rcu-counter", **options)
    for variant, counters in (("irq-ipi", irq), ("irq-ipi-2012", irq_2012 or irq)):
        factory.cell(counters or zapped(), variant=variant, **{**options, "rcu_interval_ns": 0})


def quiet_run(factory, costs, **options):
    """`costs`: {variant: (read-side ns at 1 vCPU, at 2)}; repetitions drift together, as on a busy host."""
    for place, vcpus in enumerate((1, 2)):
        for variant, cost in {"leak": (0, 0), **costs}.items():
            walk = [(4 + cost[place]) * drift for drift in (1, 1.002, 1.004, 0.998, 1.001)]
            factory.cell({"walk_ns_mean": walk}, variant=variant, zappers=0, vcpus=vcpus, **{"context": LARGE_HOST, **options})


def verdicts(claim):
    assert len(claim.line) <= LINE_WIDTH and "\n" not in claim.line
    return {finding.rival: finding.outcome for finding in claim.headline}


def both(outcome):
    return {"irq-ipi": outcome, "irq-ipi-2012": outcome}
