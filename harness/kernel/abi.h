/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#ifndef SHADOWWALK_HARNESS_KERNEL_ABI_H
#define SHADOWWALK_HARNESS_KERNEL_ABI_H

/*
 * What the command and shadowwalk.ko agree on: C and C++, kernel and user space read this one file.
 *
 * The module has one character device, /dev/shadowwalk, mode 0600:
 *
 *   ABOUT    what the module is; its layout never changes, so that any two versions can tell that they differ
 *   VARIANT  one row of the list of variants, by index: what it is, or why a kernel cannot have it
 *   RUN      runs one cell, and returns when it is over: 0, or -1 and errno, with the reason by WHY
 *   WHY      the reason of the last error of this open file, in one line; empty: none
 *   STREAM   the first accesses that a vCPU of a request would make
 *   FLOOR    one row of the list of primitives and read-side sections, by index; or times it on some CPUs
 *
 * After a RUN that returned 0, read() returns the struct shadowwalk_result at the file's beginning (pread() any part of
 * it). The result lives until the next RUN of the same open file, or its close.
 *
 * A cell belongs to the thread that called RUN. A signal to it ends the cell: EINTR, everything freed, no result. One
 * cell runs at a time: EBUSY otherwise. The module cannot go while a file is open.
 *
 * A FLOOR that times runs alone and ends by a signal as a cell does.
 *
 * errno of RUN: EBUSY (another cell runs), EINVAL (a field is out of its range, or two contradict each other),
 * EOPNOTSUPP (the variant cannot run so in this kernel, or the kernel does not trust the clock any more), ENOENT (no
 * such variant), ENOMEM (the pages do not fit, or ran out), EPROTO (another ABI version), ENODEV (a CPU of the cell is,
 * or went, offline), EIO (the variant left pages unfreed), ETIMEDOUT (a thread did not end: the cell is kept, and the
 * module with it), EINTR, EFAULT. STREAM has the same for its request, FLOOR for
 * its fields; ENOENT past its last row. Opening the device needs CAP_SYS_ADMIN: EPERM.
 *
 * Numbers are unsigned, of the host's byte order. Times are in nanoseconds, unless a name says ticks. All bytes that
 * are named reserved are 0, both ways. What a request does not use (the rows of an array past its count, a phase's
 * streams past stream_count) is not read.
 */

#ifdef __KERNEL__
#include <linux/ioctl.h>
#include <linux/types.h>
#else
#include <stdint.h>
#include <sys/ioctl.h>
#endif

#define SHADOWWALK_DEVICE "/dev/shadowwalk"
#define SHADOWWALK_ABI_VERSION 2u

#define SHADOWWALK_MAX_VCPUS 1024u
#define SHADOWWALK_MAX_ZAPPERS 1024u
#define SHADOWWALK_MAX_ACTIONS 16u
#define SHADOWWALK_MAX_EVENTS 8u
#define SHADOWWALK_NAME_BYTES 32u  /* a variant's name with its 0 */
#define SHADOWWALK_LINE_BYTES 256u /* one line of text with its 0 */
#define SHADOWWALK_ANY_CPU 0xffffu

/* Bounds of a request's times and sizes, beside what each field says. */
#define SHADOWWALK_MAX_DURATION_NS (3600ull * 1000 * 1000 * 1000) /* of warm-up and window, each */
#define SHADOWWALK_MAX_STALL_NS (10ull * 1000 * 1000)             /* of one read delay: interrupts may be off */
#define SHADOWWALK_MAX_THINK_NS (1000ull * 1000 * 1000)
#define SHADOWWALK_MAX_IDLE_US (1000ull * 1000)
#define SHADOWWALK_MAX_WALKS_PER_EXIT 65536u
#define SHADOWWALK_MAX_ZAP_RATE 10000000ull
#define SHADOWWALK_MIN_POOL_PAGES 64ull
#define SHADOWWALK_POOL_PAGES_PER_VCPU 8ull    /* at least, beside these: what a fault may take while it has mmu_lock */
#define SHADOWWALK_MAX_POOL_PAGES (1ull << 22) /* 16 GiB of tables, and never more than half of what is free */
#define SHADOWWALK_MAX_STREAM_ACCESSES 65536u
#define SHADOWWALK_MAX_FLOOR_ITERATIONS (1ull << 32)

/* --- ABOUT */

#define SHADOWWALK_KERNEL_USES_TSC (1u << 0)    /* the cell's clock is the TSC; else ktime_get_ns() */
#define SHADOWWALK_KERNEL_PREEMPT_RCU (1u << 1) /* CONFIG_PREEMPT_RCU: readers can be preempted */
#define SHADOWWALK_KERNEL_PREEMPTION (1u << 2)  /* CONFIG_PREEMPTION (with PREEMPT_DYNAMIC: what the boot chose) */
#define SHADOWWALK_KERNEL_RETPOLINE (1u << 4)   /* the module is compiled with retpolines */
#define SHADOWWALK_KERNEL_RETHUNK (1u << 5)     /* the module's returns go through the return thunk */
#define SHADOWWALK_KERNEL_IBT (1u << 6)         /* the module has ENDBR */

struct shadowwalk_about {
  uint32_t abi_version;  /* SHADOWWALK_ABI_VERSION of the module */
  uint32_t request_size; /* sizeof(struct shadowwalk_request) there */
  uint32_t result_size;
  uint32_t variants; /* rows of VARIANT */
  uint32_t kernel;   /* SHADOWWALK_KERNEL_* */
  uint32_t hz;       /* CONFIG_HZ */
  uint32_t cpus_online;
  uint32_t tsc_khz;    /* 0: the clock is not the TSC */
  uint64_t free_pages; /* 4 KiB pages that are free or easily made so (MemAvailable) */
  char version[32];    /* of the module */
  char release[64];    /* of the kernel: uname -r */
  char compiler[64];   /* of the module's C++ part */
  uint8_t reserved[56];
};

/* --- VARIANT */

#define SHADOWWALK_VARIANT_SAFE (1u << 0)        /* 0: a negative control, which the lab must catch */
#define SHADOWWALK_VARIANT_RUNS (1u << 1)        /* 0: why_not says why a kernel cannot have it */
#define SHADOWWALK_VARIANT_NEEDS_MUTEX (1u << 2) /* only with mmu_lock = mutex: why_not says why */
#define SHADOWWALK_VARIANT_USES_RCU (1u << 3)    /* has grace periods */

struct shadowwalk_variant {
  uint32_t index; /* in: 0 .. about.variants - 1, else ENOENT */
  uint32_t flags;
  char name[SHADOWWALK_NAME_BYTES];
  char why_not[SHADOWWALK_LINE_BYTES];
};

/* --- RUN: the request */

/* GuestParams of harness/guest/guest_params.hpp, field by field; the module checks every range that check_guest() does.
 */

struct shadowwalk_stream {
  uint32_t weight;
  uint32_t locality; /* Locality: 0 uniform, 1 stride, 2 zipf, 3 growth, 4 churn */
  uint32_t write_percent;
  uint32_t mmio_percent;
  uint64_t first_page;
  uint64_t pages;
  uint64_t stride;
  uint32_t first_touch_one_in;
  uint32_t processes;
  uint64_t touches;
};

#define SHADOWWALK_MAX_STREAMS 4u
#define SHADOWWALK_MAX_PHASES 4u

struct shadowwalk_phase {
  uint64_t accesses;
  uint64_t idle_us;
  uint32_t stream_count;
  uint32_t reserved;
  struct shadowwalk_stream streams[SHADOWWALK_MAX_STREAMS];
};

struct shadowwalk_zipf_bucket {
  uint32_t keep;
  uint32_t alias;
};

#define SHADOWWALK_ZIPF_BUCKETS 304u

struct shadowwalk_zipf {
  uint64_t pages;
  uint64_t bucket_count;
  uint64_t scatter_high;
  uint64_t scatter_low;
  struct shadowwalk_zipf_bucket buckets[SHADOWWALK_ZIPF_BUCKETS];
};

struct shadowwalk_guest {
  uint32_t vcpu;  /* 0: the module sets it */
  uint32_t burst; /* 0: the module sets it */
  uint64_t seed;
  uint64_t base_gfn;
  uint64_t idle_us;
  uint32_t phase_count;
  uint32_t reserved;
  struct shadowwalk_phase phases[SHADOWWALK_MAX_PHASES];
  struct shadowwalk_zipf zipf;
};

#define SHADOWWALK_ACTION_ZAP_OLDEST 0u     /* level */
#define SHADOWWALK_ACTION_ZAP_EVERYTHING 1u /* a memslot's delete or move */
#define SHADOWWALK_ACTION_WRITE_PROTECT 2u  /* pages */
#define SHADOWWALK_ACTION_INVALIDATE 3u     /* pages */
#define SHADOWWALK_ACTION_SHRINK 4u         /* pages */

/* HostAction of workloads/host_action.hpp. */
struct shadowwalk_action {
  uint32_t kind;
  uint32_t weight; /* 1 .. 10,000 */
  uint32_t level;  /* zap_oldest: 1 .. 3; else not read */
  uint32_t reserved;
  uint64_t pages; /* write_protect, invalidate: guest pages, shrink: shadow pages: 1 .. 2^20; else not read */
};

#define SHADOWWALK_EXCLUDE_USER (1u << 0)
#define SHADOWWALK_EXCLUDE_KERNEL (1u << 1)
#define SHADOWWALK_EXCLUDE_HV (1u << 2)
#define SHADOWWALK_EXCLUDE_HOST (1u << 3)
#define SHADOWWALK_EXCLUDE_GUEST (1u << 4)
#define SHADOWWALK_EXCLUDE_ALL 31u

/* The fields of struct perf_event_attr by which an event is counted. */
struct shadowwalk_event {
  uint32_t type;    /* PERF_TYPE_*, or a PMU's own */
  uint32_t exclude; /* SHADOWWALK_EXCLUDE_*, or-ed */
  uint64_t config;
  uint64_t config1;
  uint64_t config2;
};

struct shadowwalk_read_delay {
  uint64_t one_in; /* walks between two stalls, on average; 0: off. 1 .. 10^9 */
  uint64_t stall_ns;
  uint64_t every_ns; /* at least so long from one stall to the next */
};

#define SHADOWWALK_LOCK_TICKET 0u /* the lab's ticket lock, preemption off while it is held */
#define SHADOWWALK_LOCK_MUTEX 1u  /* the kernel's struct mutex: sleeps */
#define SHADOWWALK_LOCK_RWLOCK 2u /* the kernel's rwlock_t, as KVM's mmu_lock: held for writing */

#define SHADOWWALK_WALK_THROUGHPUT 0u
#define SHADOWWALK_WALK_LATENCY 1u /* no walk begins before the leaf of the one before it was read */

#define SHADOWWALK_INSTRUMENTATION_NONE 0u
#define SHADOWWALK_INSTRUMENTATION_LIGHT 1u
#define SHADOWWALK_INSTRUMENTATION_FULL 2u

struct shadowwalk_request {
  uint32_t abi_version; /* SHADOWWALK_ABI_VERSION */
  uint32_t size;        /* sizeof(struct shadowwalk_request) */
  char variant[SHADOWWALK_NAME_BYTES];
  uint32_t vcpus;          /* 1 .. SHADOWWALK_MAX_VCPUS */
  uint32_t zappers;        /* 0 .. SHADOWWALK_MAX_ZAPPERS; 0 without actions */
  uint64_t zap_rate;       /* beats per second, all zappers together, 1 .. SHADOWWALK_MAX_ZAP_RATE; 0 without zappers */
  uint32_t walks_per_exit; /* 1 .. SHADOWWALK_MAX_WALKS_PER_EXIT */
  uint32_t walk_mode;      /* SHADOWWALK_WALK_*; with full_checks or a read delay always throughput */
  uint32_t mmu_lock;       /* SHADOWWALK_LOCK_* */
  uint32_t instrumentation; /* SHADOWWALK_INSTRUMENTATION_* */
  uint32_t full_checks;     /* 0 or 1: the identity of each table at each level */
  uint32_t active_vcpus; /* the vCPUs from this index on halt for extra_idle_us more after each burst; >= vcpus: none */
  uint64_t extra_idle_us; /* with all other idling at most SHADOWWALK_MAX_IDLE_US */
  uint64_t think_ns;      /* that a vCPU spins after each burst, outside sections */
  uint64_t warmup_ns;
  uint64_t duration_ns;                          /* of the window, >= 1,000,000 */
  struct shadowwalk_read_delay read_delay;       /* of all vCPUs */
  struct shadowwalk_read_delay first_vcpu_delay; /* of vCPU 0 instead, if on */
  uint64_t working_set;                          /* guest pages that actions on ranges go through, 1 .. 2^36 */
  uint64_t pool_pages; /* shadow pages at most, retired ones included; all of their memory is there before it starts */
  uint64_t pretouch_pages; /* shadow pages that are written once before, so that none is new to the caches' TLBs */
  uint64_t quota_pages;    /* shadow pages in use at most, by recycling; 0: no quota; else >= 64 */
  uint32_t action_count;   /* 0 .. SHADOWWALK_MAX_ACTIONS */
  uint32_t event_count;    /* 0 .. SHADOWWALK_MAX_EVENTS */
  struct shadowwalk_action actions[SHADOWWALK_MAX_ACTIONS];
  struct shadowwalk_event events[SHADOWWALK_MAX_EVENTS]; /* of each thread, in the window */
  uint16_t cpu_of_vcpu[SHADOWWALK_MAX_VCPUS];            /* an online CPU each: vCPUs are bound */
  uint16_t cpu_of_zapper[SHADOWWALK_MAX_ZAPPERS];        /* an online CPU, or SHADOWWALK_ANY_CPU */
  struct shadowwalk_guest guest;                         /* guest.seed is the cell's seed */
  uint64_t reserved[8];
};

/* --- The result */

#define SHADOWWALK_HISTOGRAM_BUCKETS 4864u /* HistogramScale::kBuckets of harness/measure/histogram_scale.hpp */
#define SHADOWWALK_INTERVALS 256u          /* of the time series: equal parts of the window */

struct shadowwalk_histogram {
  uint64_t count; /* 0: min and max are 0, too */
  uint64_t sum;
  uint64_t min;
  uint64_t max;
  uint64_t buckets[SHADOWWALK_HISTOGRAM_BUCKETS];
};

/* FootprintCounters::Arrivals: pages that enter a state. */
struct shadowwalk_arrivals {
  uint64_t total;
  uint64_t before;    /* the window */
  uint64_t ticks_sum; /* in the window, relative to its start; modulo 2^64 */
  uint64_t peak;
  uint64_t count[SHADOWWALK_INTERVALS];
  uint64_t interval_peak[SHADOWWALK_INTERVALS];
};

/* FootprintCounters::Departures, of all freers together: pages that leave a state. */
struct shadowwalk_departures {
  uint64_t total;
  uint64_t before;
  uint64_t ticks_sum;
  uint64_t count[SHADOWWALK_INTERVALS];
  struct shadowwalk_histogram free_ns;
};

/* FootprintCounters with one freer: Footprint::result_of() makes the figures of it. */
struct shadowwalk_footprint {
  struct shadowwalk_arrivals allocated;
  struct shadowwalk_arrivals unlinked;
  struct shadowwalk_arrivals deferred;
  struct shadowwalk_departures freed;
  struct shadowwalk_departures freed_deferred;
  uint64_t freed_by_drain;
};

/* GracePeriodRecord::Result. In the kernel: from a call_rcu() while no other one of the cell was pending to its
 * callback, or one synchronize_rcu_expedited(). */
struct shadowwalk_grace_periods {
  uint64_t seen; /* in the cell's whole life; 0: the variant has none */
  struct shadowwalk_histogram ns;
  uint64_t touched;                            /* under way at any time of the window */
  uint64_t began[SHADOWWALK_INTERVALS];        /* how many, in each interval */
  uint64_t under_way_ns[SHADOWWALK_INTERVALS]; /* for how long one was under way, in each interval */
  /* Begin and end since the window's start of each, if touched <= SHADOWWALK_INTERVALS. */
  uint64_t each_began_ns[SHADOWWALK_INTERVALS];
  uint64_t each_ended_ns[SHADOWWALK_INTERVALS];
};

/* One event, of all threads of a role together. */
struct shadowwalk_event_count {
  uint64_t count; /* each thread's, scaled by its own enabled / running */
  uint64_t enabled_ns;
  uint64_t running_ns;          /* less than enabled: the event shared the PMU with others */
  uint32_t threads_not_counted; /* whose event was never on the PMU: then `count` lacks a part */
  uint32_t error;               /* the errno with which the kernel refused the event; 0: it did not */
};

struct shadowwalk_result {
  uint32_t abi_version;
  uint32_t size; /* sizeof(struct shadowwalk_result) */
  char variant[SHADOWWALK_NAME_BYTES];

  /* The window. */
  uint64_t duration_ns;
  uint64_t window_ticks; /* of the footprint's ticks */
  uint64_t tick_ns_32;   /* nanoseconds per tick, in 32 bits behind the binary point */

  /* Walkers, all vCPUs together: CellMeasurement's fields of the same name. */
  uint64_t walks;
  uint64_t walk_ns_total;
  uint64_t faults;
  uint64_t walks_total;
  uint64_t faults_total;
  uint64_t exits; /* bursts */
  uint64_t restarts;
  uint64_t violations;
  uint64_t made_writable;
  uint64_t stalls;
  uint64_t quota_zaps;
  uint64_t page_table_writes;
  uint64_t flood_zaps;
  char first_violation[SHADOWWALK_LINE_BYTES];
  struct shadowwalk_histogram walk_ns;
  struct shadowwalk_histogram section_ns;
  struct shadowwalk_histogram fault_ns;
  struct shadowwalk_histogram exit_ns; /* from entering the guest until its burst is there */

  /* Zappers: CellMeasurement's. */
  uint64_t zaps;
  uint64_t zaps_empty;
  uint64_t zaps_total;
  uint64_t zaps_empty_total;
  uint64_t zaps_unfinished;
  struct shadowwalk_histogram zap_ns;
  struct shadowwalk_histogram zap_service_ns;

  /* HostActionCounts. */
  uint64_t leaves_zapped;
  uint64_t leaves_write_protected;
  uint64_t dirty_rounds;
  uint64_t dirty_pages_last_round;
  uint64_t shrinks;
  uint64_t shrinks_unfinished;
  struct shadowwalk_histogram shrink_ns;

  /* ZapTimes and mmu_lock. */
  uint64_t commits_deferred;
  uint64_t pages_deferred;
  struct shadowwalk_histogram prepare_ns;
  struct shadowwalk_histogram commit_ns;
  struct shadowwalk_histogram lock_wait_ns;
  struct shadowwalk_histogram lock_hold_ns;

  struct shadowwalk_footprint footprint;

  /* IPIs of flushes: vCPUs interrupted. */
  uint64_t ipis;
  uint64_t ipis_total;
  struct shadowwalk_histogram ipi_ns;

  struct shadowwalk_grace_periods grace_periods;

  /* What disturbed the cell, within the window. */
  uint64_t vcpu_preemptions;   /* involuntary context switches of all vCPUs */
  uint64_t zapper_preemptions; /* of all zappers */
  uint64_t vcpu_off_cpu_ns;    /* time in which a vCPU did not run, sleeping included; the most of any */

  /* The request's events. Callbacks of RCU run on top of whichever thread their CPU runs, and are in its counts. */
  struct shadowwalk_event_count vcpu_events[SHADOWWALK_MAX_EVENTS];
  struct shadowwalk_event_count zapper_events[SHADOWWALK_MAX_EVENTS];

  /* After the drain. */
  uint64_t pages_left;   /* allocated and not freed: 0, or the variant is broken */
  uint64_t pool_pages;   /* pages that the pool had */
  uint64_t bytes_held;   /* that the cell had allocated, tables included */
  uint64_t bytes_leaked; /* of them, after the cell: 0 */

  uint64_t reserved[8];
};

/* --- STREAM */

struct shadowwalk_accesses {
  uint64_t request;  /* address of a struct shadowwalk_request */
  uint64_t accesses; /* address of `count` uint64_t: Access::word of harness/guest/access.hpp */
  uint32_t vcpu;     /* below request.vcpus */
  uint32_t count;    /* 1 .. SHADOWWALK_MAX_STREAM_ACCESSES */
};

/* --- FLOOR */

#define SHADOWWALK_FLOOR_NAME_BYTES 48u
#define SHADOWWALK_FLOOR_EACH 0u  /* each CPU does it, all at once */
#define SHADOWWALK_FLOOR_FIRST 1u /* the first CPU does it, while the others spin: those that it interrupts */

struct shadowwalk_floor {
  uint32_t index;      /* in: which row; ENOENT past the last */
  uint32_t cpu_count;  /* in, to time it: 1 .. SHADOWWALK_MAX_VCPUS */
  uint64_t iterations; /* in: of each CPU that does it; 0: only kind, least_cpus and name are wanted */
  uint32_t kind;       /* out, as all that follows but the CPUs: SHADOWWALK_FLOOR_* */
  uint32_t least_cpus;
  char name[SHADOWWALK_FLOOR_NAME_BYTES]; /* floor/PRIMITIVE or section/VARIANT */
  uint64_t done;                          /* iterations that were timed, of all CPUs together */
  uint64_t ns;                            /* that they took */
  uint64_t cycles;                        /* the same by the TSC; 0: the clock is not the TSC */
  uint64_t bytes_leaked;                  /* memory that was not given back: 0 */
  uint64_t reserved[4];
  uint16_t cpus[SHADOWWALK_MAX_VCPUS]; /* in: online CPUs, each once */
};

/* --- The calls */

#define SHADOWWALK_IOC_ABOUT _IOR('S', 0xd0, struct shadowwalk_about)
#define SHADOWWALK_IOC_VARIANT _IOWR('S', 0xd1, struct shadowwalk_variant)
#define SHADOWWALK_IOC_RUN _IOW('S', 0xd2, struct shadowwalk_request)
#define SHADOWWALK_IOC_WHY _IOR('S', 0xd3, char[SHADOWWALK_LINE_BYTES])
#define SHADOWWALK_IOC_STREAM _IOW('S', 0xd4, struct shadowwalk_accesses)
#define SHADOWWALK_IOC_FLOOR _IOWR('S', 0xd5, struct shadowwalk_floor)

#endif
