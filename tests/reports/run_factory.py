"""Builds run directories as docs/result-format.md describes them. All figures are made up to have a known answer."""

import collections
import json
import pathlib
import random
import shutil
import sys

from shadowwalk_report.report import write_report
from shadowwalk_report.rows import Table
from shadowwalk_report.topics import Material
from shadowwalk_report.verdicts import Verdicts

PAGE = 4096

_OPTIONS = {"variant": "irq-ipi", "workload": "mmio-poll", "vcpus": 1, "zappers": 1, "zap_rate": 1000,
            "walks_per_exit": 1024, "guest": "thread", "placement": "auto", "mmu_lock": "ticket", "duration_s": 2.0,
            "warmup_s": 0.5, "seed": 1, "rcu_interval_ns": 0, "checks": "off", "read_delay": "off",
            "working_set_pages": 4096, "instrumentation": "full", "events": ""}

CONTEXT = {"date": "2030-01-01T00:00:00+00:00", "host_name": "testhost", "executable": "shadowwalk", "num_cpus": 2,
           "mhz_per_cpu": 2400, "caches": [], "shadowwalk_version": "0.1.0", "shadowwalk_build": "release",
           "shadowwalk_compiler": "g++ 12", "cpu_model": "Test CPU", "kernel": "6.1.0",
           "clock": "tsc 2400 MHz, invariant", "clock_read_ns": "11.2", "kvm": "available",
           "pmu": "unavailable: no PMU in this machine", "host_id": "abc"}


def histogram(values):
    """A histogram with one bucket a distinct value."""
    values = sorted(int(value) for value in values)
    buckets = [[value, value, count] for value, count in collections.Counter(values).items()]
    return {"unit": "ns", "sub_bucket_bits": 7, "count": len(values), "min": min(values, default=0),
            "max": max(values, default=0), "sum": sum(values), "buckets": buckets}


def series(peaks):
    return {"unit": "bytes", "interval_ns": 8_000_000, "peak": list(peaks), "last": list(peaks)}


def grace_periods(pairs, intervals=250, most=256):
    """What shadowwalk.grace_period_times tells of these [begin, end], ns since the window's start."""
    length = 8_000_000
    began, under_way = [0] * intervals, [0.0] * intervals
    for begin, end in pairs:
        began[int(begin // length)] += 1
        for place in range(int(begin // length), min(intervals - 1, int(end // length)) + 1):
            under_way[place] += min(end, length * (place + 1)) - max(begin, length * place)
    return {"interval_ns": length, "began": began, "under_way_ns": under_way, **({"each": pairs} if len(pairs) <= most else {})}


def _all_series(peaks):
    """From the peaks of the retired bytes, or of several series by name."""
    by_name = peaks if isinstance(peaks, dict) else {"retired_bytes": peaks} if peaks else {}
    return {name: series(values) for name, values in by_name.items()}


def noise(reasons=(), core_speed=0.8):
    return {"involuntary_switches": {"walkers": 0, "zappers": 0}, "steal_ns": 0, "other_load_cpus": 0.02,
            "core_speed_change": 1.003, "core_speed": core_speed, "reasons": list(reasons)}


def pmu(event, role="walkers", scope="walks", count=1e6, multiplexed=0.0, encoded="test_pmu::EVENT:u", set_="contention"):
    """One entry of shadowwalk.pmu over a window of 2 s."""
    return {"event": event, "set": set_, "encoded": encoded, "role": role, "scope": scope, "group": 0, "count": count,
            "enabled_ns": 2_000_000_000, "running_ns": int(2_000_000_000 * (1 - multiplexed)),
            "multiplexed": multiplexed}


HOST = {"floors": {"xchg_ns": 5.7, "mfence_ns": 9.1, "line_transfer_ns": 31.0, "signal_ipi_ns": 2_400.0,
                   "membarrier_global_ns_p50": 5_800_000.0, "membarrier_global_ns_p99": 12_000_000.0},
        "kernel": {"release": "6.1.0", "hz": 250, "preemption": "voluntary", "rcu_expedited": False},
        "cpu": "Test CPU", "cpus": 2, "virtual_machine": True, "unavailable": {}}


def without_issue_three(data):
    """The result as it was before noise had reasons, and before memory, kernel statistics, PMU and levels."""
    detail = data["benchmarks"][0]["shadowwalk"]
    detail["noise"] = {"involuntary_switches": {}, "steal_ns": 0}
    for name in ("memory", "kvm_stats", "pmu", "events_refused"):
        detail.pop(name, None)
    detail["cell"] = {key: value for key, value in detail["cell"].items() if key not in ("instrumentation", "events")}
    return data


class RunFactory:
    """A run in `directory`. `cell` plans a cell and writes its results; `write` writes the plan, returns the path."""

    def __init__(self, directory, repetitions=5, title="a test run", order=None, host=None):
        self.directory = directory
        self.repetitions = repetitions
        self.title = title
        self.order = order
        self.host = host
        self.rounds = None
        self.cells = []
        (directory / "cells").mkdir(parents=True, exist_ok=True)

    def plan(self, **options):
        """Plans a cell without any result; returns its id."""
        full = {**_OPTIONS, **options}
        cell_id = len(self.cells)
        name = ("{variant}/{workload}/vcpus:{vcpus}/zappers:{zappers}/zap_rate:{zap_rate}/burst:{walks_per_exit}/"
                "guest:{guest}/placement:{placement}").format(**full)
        self.cells.append({"id": cell_id, "group": "test", "name": name, "options": full})
        return cell_id

    def path(self, cell_id, repetition, failed=False):
        return self.directory / "cells" / f"{cell_id:04}-r{repetition}{'.failed' if failed else ''}.json"

    def result(self, cell_id, repetition, counters, histograms=None, peaks=None, context=None, **extra):
        """The JSON of one result; `put` writes it."""
        name = self.cells[cell_id]["name"]
        detail = {"cell": self.cells[cell_id]["options"], "flags": [], "unavailable": {}, "placement": {},
                  "noise": noise(), "freed_by_drain": 0,
                  "histograms": {key: histogram(values) for key, values in (histograms or {}).items()},
                  "series": _all_series(peaks),
                  "command": f"shadowwalk cell --variant {self.cells[cell_id]['options']['variant']}", **extra}
        entry = {"name": f"{name}/iterations:1/manual_time", "run_name": name, "run_type": "iteration",
                 "repetition_index": 0, "iterations": 1, "real_time": counters.get("walk_ns_mean", 1.0),
                 "cpu_time": 1.0, "time_unit": "ns", **counters, "shadowwalk": detail}
        return {"context": {**CONTEXT, **(context or {})}, "benchmarks": [entry]}

    def put(self, cell_id, repetition, data):
        self.path(cell_id, repetition).write_text(json.dumps(data))

    def fail(self, cell_id, repetition, **fields):
        failure = {"id": cell_id, "repetition": repetition, "status": "failed", "reason": "the guest crashed",
                   "exit_code": 1, "command": "shadowwalk cell", **fields}
        self.path(cell_id, repetition, failed=True).write_text(json.dumps(failure))

    def cell(self, counters, histograms=None, peaks=None, context=None, extra=None, noisy=None, **options):
        """A cell with a result for each repetition; a counter is one number, or a list with one a repetition.

        `noisy`: {repetition: [reasons]} of those that are.
        """
        cell_id = self.plan(**options)
        for repetition in range(self.repetitions):
            values = {name: value[repetition] if isinstance(value, list) else value for name, value in counters.items()}
            own = dict(extra or {})
            if repetition in (noisy or {}):
                own |= {"flags": [*own.get("flags", []), "noisy"], "noise": noise(noisy[repetition])}
            self.put(cell_id, repetition, self.result(cell_id, repetition, values, histograms, peaks, context, **own))
        return cell_id

    def write(self):
        ids = [cell["id"] for cell in self.cells]
        order = self.order or [[cell_id, r] for r in range(self.repetitions)
                               for cell_id in random.Random(r).sample(ids, len(ids))]
        (self.directory / "run.json").write_text(json.dumps({
            "format": "shadowwalk-run-1", "title": self.title, "seed": 7, "repetitions": self.repetitions,
            "shadowwalk_version": "0.1.0", "started": "2030-01-01T00:00:00Z", "cells": self.cells, "order": order,
            **({} if self.host is None else {"host": self.host}), **({} if self.rounds is None else {"rounds": self.rounds})}))
        return self.directory


def spread(value, count=5, share=0.01):
    """`count` values around one, a little apart."""
    return [value * (1 + share * (i - (count - 1) / 2)) for i in range(count)]


_SCHEMES = {  # read side ns at 1 vCPU and growth a vCPU; free ns; retired pages
    "floor": (-0.2, 0, None, 0), "leak": (0, 0, None, 2000), "rcu-counter": (14, 12, 40_000, 3),
    "irq-ipi": (9, 0.2, 9_000, 1), "irq-ipi-2012": (50, 0.3, 9_500, 1), "hazard": (22, 0.5, 900_000, 64),
    "mutex": (12, 90, 700, 1), "unsafe": (0.2, 0, 150, 1)}


_DEFERRING = ("leak", "rcu-counter", "hazard")  # the schemes whose commit may return before its pages are free

# As many as a full shelf has, of every kind: those of the house, and others.
MANY_SCHEMES = {**_SCHEMES, **{
    name: (2.0 + 1.7 * place, 0.2 * (place % 5), 3_000 * (place + 1), 1 + 5 * (place % 7))
    for place, name in enumerate(("urcu-memb", "urcu-qsbr", "urcu-mb", "ebr", "ebr-debra", "qsbr-tick", "hazard-asymmetric",
                                  "hazard-eras", "ibr-2ge", "seqlock", "per-cpu-refcount", "hyaline", "membarrier-ipi", "nbr-plus",
                                  "tdp-rcu", "rcu-callback", "mode-asymmetric"))}}


def full_run(directory, repetitions=5, workloads=("mmio-poll", "demand-fault", "memslot-flip"),
             guests=("thread", "kvm"), vcpu_counts=(1, 2), seed=1, schemes=None):
    """A run with everything that a page can show, of the shape that `matrices/quick.toml` has, at random."""
    dice = random.Random(seed)
    factory = RunFactory(directory, repetitions, "quick: three workloads, two guests", host=HOST)

    def noisy(value, share=0.03):
        return [max(0.0, value * dice.gauss(1, share)) for _ in range(repetitions)]

    schemes = schemes or _SCHEMES

    def add(variant, zappers, vcpus, **options):
        cost, growth, free, pages = schemes[variant]
        walk = 4 + cost + growth * (vcpus - 1)
        counters = {"walks_per_second": noisy(vcpus * 1e9 / walk), "walk_ns_mean": noisy(walk, 0.02),
                    "walk_ns_p50": noisy(walk + 11), "walk_ns_p99": noisy(walk * 3 + 11), "violations": 0,
                    "sections_preempted": dice.randrange(5), "duration_s": 2.0, "exits": 1000.0,
                    "shadow_bytes_peak": PAGE * 12, "shadow_bytes_mean": PAGE * 12.0, "rss_bytes": noisy(3e7)}
        extra, peaks = {"unavailable": {}}, None
        histograms = {name: [mean * dice.lognormvariate(0, 0.3) for _ in range(400)]
                      for name, mean in (("walk_ns", walk + 11), ("section_ns", walk), ("exit_ns", 30_000))}
        if not zappers and vcpus == 2:
            counters["line_transfer_ns"] = noisy(23, 0.1)
        if options.get("events"):
            extra["pmu"] = [pmu("fills_from_near_cache", count=1e7 * growth, multiplexed=0.25 * (vcpus > 1)),
                            pmu("cycles", role="reclaimers", scope="thread")]
            extra["unavailable"]["ls_locks"] = "no such event on this PMU"
            extra["events_refused"] = ["ls_locks"]
            counters["fills_from_near_cache_per_walk"] = noisy(0.01 + growth * (vcpus - 1) / 20)
        if options.get("guest") == "kvm":
            extra["memory"] = {"rss_bytes": {"before": 3e7, "after": 3.2e7},
                               "sec_page_tables_bytes": {"before": 0, "after": 4 * PAGE}}
            extra["kvm_stats"] = {"exits": {"kind": "cumulative", "delta": dice.randrange(30_000, 40_000)},
                                  "pages_4k": {"kind": "instant", "before": 12, "after": 12},
                                  "halt_exits": {"kind": "cumulative", "delta": 0}}
        interval = options.get("rcu_interval_ns", 0)
        if zappers:
            free = free and free + interval * 0.6
            zap = {"rcu-counter": 8_000, "hazard": 5_000}.get(variant, 12_000)
            pages += interval // 1_000_000
            counters |= {"zaps_per_second": 1000.0, "zaps_empty": 0, "zap_ns_p50": noisy(zap),
                         "zap_ns_p99": noisy(zap * 9), "mmu_lock_hold_ns_p99": noisy(zap * 5),
                         "ipis": float(dice.randrange(1500, 2500)),
                         "retired_bytes_peak": [PAGE * pages * (1 + dice.randrange(2)) for _ in range(repetitions)],
                         "retired_bytes_mean": noisy(PAGE * pages / 20, 0.1), "oversubscribed": int(vcpus > 1)}
            peaks = [PAGE * (8 * i if variant == "leak" else dice.randrange(1, pages + 1)) for i in range(250)]
            peaks = {"retired_bytes": peaks, "shadow_bytes": [PAGE * 12 + value for value in peaks]}
            counters |= {"shadow_bytes_peak": float(max(peaks["shadow_bytes"])), "shadow_bytes_mean": PAGE * 13.0}
            is_deferred = variant in _DEFERRING
            peaks["deferred_bytes"] = [value * is_deferred for value in peaks["retired_bytes"]]
            counters |= {"deferred_bytes_peak": float(max(peaks["deferred_bytes"])), "commits_deferred": 20 * is_deferred,
                         "deferred_bytes_mean": noisy(PAGE * pages / 25) if is_deferred else 0, "pages_deferred": 60 * is_deferred}
            if is_deferred and free:
                histograms["deferred_free_ns"] = [2 * free * dice.lognormvariate(0, 0.5) for _ in range(60)]
            histograms["zap_ns"] = [zap * dice.lognormvariate(0, 0.6) for _ in range(2000)]
            histograms |= {name: [zap * share * dice.lognormvariate(0, 0.5) for _ in range(300)]
                           for name, share in (("zap_service_ns", 0.8), ("prepare_zap_ns", 0.1), ("commit_zap_ns", 0.6),
                                               ("ipi_ns", 0.4), ("fault_ns", 0.2))}
            if free:
                counters |= {"free_ns_p50": noisy(free), "free_ns_p99": noisy(free * 6, 0.1)}
                histograms["free_ns"] = [free * dice.lognormvariate(0, 0.7) for _ in range(2000)]
                extra["freed_by_drain"] = 17 if variant == "hazard" else 0
            else:
                extra["freed_by_drain"] = 2000
                extra["unavailable"]["free_ns_p99"] = "no page was freed in the window"
            if variant == "rcu-counter":
                begins = range(0, 1_990_000_000, max(interval, 1_000_000))
                pairs = [[float(begin), begin + 40_000.0 + begin % 900_000] for begin in begins]
                extra["grace_period_times"] = grace_periods(pairs)
                histograms["grace_period_ns"] = [end - begin for begin, end in pairs]
                counters["grace_period_ns_p50"] = noisy(490_000)
            else:
                extra["unavailable"]["grace_period_times"] = "the variant waits for no grace period of RCU"
            if variant == "unsafe":
                counters["violations"] = 12
            if variant == "mutex" and vcpus > 1:
                counters["saturated"] = 1
        noisy_ones = {2: ["other processes took 0.4 of 2 CPUs"]} if variant == "hazard" else None
        factory.cell(counters, histograms, peaks, extra=extra, noisy=noisy_ones, variant=variant, zappers=zappers,
                     vcpus=vcpus, **options)

    for guest in guests:
        for workload in workloads:
            for vcpus in vcpu_counts:
                for variant in schemes:
                    if variant not in ("floor",):
                        add(variant, 1, vcpus, workload=workload, guest=guest,
                            read_delay="1/1000:50us" if variant == "unsafe" else "off")
    for vcpus in vcpu_counts:
        for variant in schemes:
            if variant != "unsafe":
                add(variant, 0, vcpus)
            if variant in ("leak", "rcu-counter", "irq-ipi"):
                add(variant, 0, vcpus, workload="ring-poll", events="contention")
    for level in ("none", "light"):
        add("irq-ipi", 0, 1, instrumentation=level)
    for interval in (100_000, 1_000_000, 4_000_000, 10_000_000):
        add("rcu-counter", 1, 1, rcu_interval_ns=interval)
    crashed = factory.plan(variant="hazard", zap_rate=50000)
    for repetition in range(repetitions):
        factory.fail(crashed, repetition, status="crashed", reason="killed in the walker", signal=11)
    return factory.write()


KERNEL = {"release": "6.1.0-test", "module": "0.1.0", "compiler": "g++ 12.2.0", "hz": 250, "clock": "tsc", "preemption": False,
          "preempt_rcu": False, "pool_pages": 184, "bytes_held": 1204224}
# What cells of one machine differ in: options of a cell, and what its result says of the kernel.
USER = {"machine": "user"}
IN_KERNEL = {"machine": "kernel", "told": KERNEL}
IN_VM = {"machine": "kernel-vm", "kernel": "build/kernels/a", "told": {**KERNEL, "virtual_machine": "kvm"}}
EMULATED = {"machine": "kernel-vm", "kernel": "build/kernels/a", "told": {**KERNEL, "virtual_machine": "tcg"}}
_UNTIMED = "the kernel ran under emulation"
_KERNEL_OVER_USER = {"walk": 0.9, "ipi": 0.02, "grace": 40, "free": 3, "hold": 0.4}  # the true factors of machine_cells


def machine_cell(factory, counters, told=None, extra=None, **options):
    """A cell of USER, IN_KERNEL, ...; an emulated one has counts and no times, as the lab writes it."""
    extra = dict(extra or {})
    if told:
        extra["kernel"] = told
    context = {"kernel": told["release"]} if told else {}
    if told and "virtual_machine" in told:
        context |= {"host_id": f"vm of {told['release']}", "host_name": "(none)", "cpu_model": "QEMU CPU", "num_cpus": 3}
    if told and told.get("virtual_machine") == "tcg":
        timed = [name for name in counters if "_ns" in name or "per_second" in name]
        extra |= {"flags": ["emulated"], "unavailable": dict.fromkeys(timed, _UNTIMED)}
        counters = {name: value for name, value in counters.items() if name not in timed}
    return factory.cell(counters, context=context, extra=extra, **options)


def machine_cells(factory, machine, vcpus=(1, 2)):
    """Read side, memory and the control on one machine, by which both claims are borne out; in a kernel times are
    _KERNEL_OVER_USER times those of user space, and so is what grace periods hold back."""
    is_kernel = machine["machine"] != "user"
    factor = collections.defaultdict(lambda: 1, _KERNEL_OVER_USER if is_kernel else {})
    options = {**machine, "guest": "thread"}
    dice = random.Random(3)

    def of(value, key):
        return [value * factor[key] * dice.gauss(1, 0.004) for _ in range(factory.repetitions)]

    for count in vcpus:
        for variant, cost in (("leak", 0), ("rcu-counter", 10 * count), ("irq-ipi", 1), ("irq-ipi-2012", 20)):
            machine_cell(factory, {"walk_ns_mean": of(5 + cost, "walk"), "walks_per_second": of(count * 1e9 / (5 + cost), "rate"),
                                   "violations": 0}, variant=variant, zappers=0, vcpus=count, walk_mode="latency", **options)
    for variant, pages in (("rcu-counter", 4), ("irq-ipi", 0), ("irq-ipi-2012", 0)):
        counters = {"retired_bytes_peak": PAGE * 10, "retired_bytes_mean": 200.0, "violations": 0, "zaps_total": 300, "pages_freed_total": 300,
                    "deferred_bytes_peak": [PAGE * pages * factor["grace"] + PAGE * (n % 2) * (pages > 0) for n in range(factory.repetitions)],
                    "deferred_bytes_mean": of(pages * 900, "grace") if pages else 0, "commits_deferred": 20 * (pages > 0),
                    "pages_deferred": 25 * (pages > 0), "free_ns_p50": of(2e4, "free"), "free_ns_p99": of(9e4, "free"),
                    "zap_ns_p50": of(9e3, "hold"), "mmu_lock_hold_ns_p99": of(3e4, "hold")}
        counters |= {"grace_period_ns_p50": of(2e5, "grace")} if pages else {"ipi_ns_p50": of(6e4, "ipi")}
        machine_cell(factory, counters, variant=variant, workload="mmio-beside-reclaim", **options)
    machine_cell(factory, {"violations": 7, "zaps_total": 300, "pages_freed_total": 300}, variant="unsafe", read_delay="1/1000:50us", **options)


def machine_run(directory, *machines, repetitions=7):
    """A run of these machines' cells on a host with 8 CPUs."""
    factory = RunFactory(directory, repetitions, "kernel and user space", host={**HOST, "cpus": 8})
    for machine in machines:
        machine_cells(factory, machine)
    return factory.write()


def material_of(run):
    """What the topics get of a run that was read: all rows, against the usual baseline."""
    table = Table(run.results)
    return Material(run, table, Verdicts(table))


def write_full_report(directory):
    """The report directory of a run that has everything."""
    shutil.rmtree(directory, ignore_errors=True)
    run = full_run(directory, workloads=("mmio-poll",), guests=("thread", "kvm"))
    write_report(run, run / "report", None, ("html", "png", "csv", "json"))
    return run / "report"


if __name__ == "__main__":  # for CTest, once for several files of tests
    write_full_report(pathlib.Path(sys.argv[1]))
