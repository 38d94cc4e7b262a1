"""The latencies that results hold as histograms, and the one setting in which all of them are shown side by side."""

import dataclasses

from .rows import PREFERRED_WORKLOAD


@dataclasses.dataclass(frozen=True)
class Latency:
    """`grows_when_saturated`: it then tells the length of the run and nothing of the scheme."""

    histogram: str
    title: str
    meaning: str
    grows_when_saturated: bool = False


GRACE_PERIOD = Latency("grace_period_ns", "grace period", "of RCU, from the begin of the wait to its end, on the reclaimer")
UNCORRECTED = Latency("zap_service_ns", "uncorrected zap", "from when the zap really began to the end of its commit")
CORRECTED = Latency("zap_ns", "zap", "from the intended start to the end of its commit", True)
LATENCIES = (
    Latency("walk_ns", "walk", "single walks, sampled; each contains one clock read"),
    Latency("section_ns", "read-side section", "from the return of begin() to the call of end(), sampled"),
    Latency("fault_ns", "fault", "the fault path, lock wait included"),
    Latency("exit_ns", "exit", "from entering the guest until it is left again, the guest's own work included"),
    CORRECTED, UNCORRECTED,
    Latency("prepare_zap_ns", "prepare_zap", "from holding mmu_lock until the batch is ready to commit"),
    Latency("commit_zap_ns", "commit_zap", "flush, waiting, freeing or handing over"),
    Latency("ipi_ns", "IPI", "from send to the last acknowledgement"),
    GRACE_PERIOD,
    Latency("free_ns", "free", "from unlink to free; pages that only the drain freed count as slower than all others",
            True))
COORDINATED_OMISSION = (
    "A zap is clocked from its intended start, so that a slow one counts against those that it delayed; the "
    "uncorrected figure starts the clock when the zap really began, which leaves these out (coordinated omission) and "
    "is what a closed loop would have reported.")


def censored(row, latency):
    """Samples known only to be longer than all recorded ones."""
    return row.freed_by_drain if latency.histogram == "free_ns" else 0


def why_absent(row, latency):
    """Why a row's latency is not to be shown; empty when it is."""
    name = latency.histogram
    if row.histogram(name).total == 0:
        recorded = (row.why_absent(f"{name}{suffix}") for suffix in ("", "_p50", "_p99"))
        return next(filter(None, recorded), "") or "no samples"
    if latency.grows_when_saturated and row.has_flag("saturated"):
        return "saturated, so that it grows with the length of the run"
    return ""


def profiled_setting(table):
    """The setting to show: clean, with zappers, the patch's own workload, as many schemes and latencies as any. None when no
    setting has a histogram."""
    def preference(setting):
        rows = table.plain_rows(setting)
        recorded = {latency for latency in LATENCIES for row in rows if row.histogram(latency.histogram).total}
        return (not recorded, not setting.is_plain, setting.zappers == 0,
                any(row.has_flag("oversubscribed") for row in rows), any(row.has_flag("saturated") for row in rows),
                setting.workload != PREFERRED_WORKLOAD, -len(rows), -len(recorded), setting.guest != "kvm", -setting.vcpus,
                -setting.zap_rate, setting)
    best = min(table.settings, key=preference, default=None)
    return None if best is None or preference(best)[0] else best
