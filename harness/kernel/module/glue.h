/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#ifndef SHADOWWALK_HARNESS_KERNEL_MODULE_GLUE_H
#define SHADOWWALK_HARNESS_KERNEL_MODULE_GLUE_H

/*
 * The border between the module's two languages: C includes the kernel's headers, C++ includes the lab's, and nothing
 * includes both. What begins with swk_ is C, and C++ calls it; swx_ is C++, and C calls it.
 */

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stddef.h>
#include <stdint.h>
#endif

#include "harness/kernel/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- Memory. Process context; may sleep. */

/* Zeroed, aligned to SWK_MOST_ALIGNED. Never null: what a cell takes is bounded and checked before. */
#define SWK_MOST_ALIGNED 128
void *swk_alloc(size_t bytes);
void swk_free(void *memory);
/* Zeroed pages in large mappings where the kernel has them, as its direct map; null: refused. */
void *swk_alloc_pages(size_t bytes);
void swk_free_pages(void *memory, size_t bytes);
/* That the two above have given and not got back. */
uint64_t swk_bytes_held(void);
/* Bytes that are free or easily made so. */
uint64_t swk_bytes_available(void);
/* What the address in an SPTE counts from: below all memory of swk_alloc_pages(), whose addresses have then so many
 * bits. Written once, before any cell. */
#define SWK_ADDRESS_BITS 52
extern uint64_t swk_table_base;

/* --- Time */

struct swk_clock {
  uint64_t uses_tsc;       /* else swk_ktime_ns() is the clock */
  uint64_t ns_per_tick_32; /* in 32 bits behind the binary point */
  uint64_t ticks_per_second;
};
extern struct swk_clock swk_clock; /* written once, before any cell */
uint64_t swk_ktime_ns(void);

/* --- Threads */

struct swk_thread;

/* A kthread, which begins with swk_thread_start(); null: *error is an errno. `cpu`: SHADOWWALK_ANY_CPU, or one that is
 * online when it is started (swk_hold_cpus). */
struct swk_thread *swk_thread_create(void (*run)(void *argument), void *argument, const char *name, unsigned int number,
                                     unsigned int cpu, int *error);
void swk_thread_start(struct swk_thread *thread);
/* Waits until the thread has ended, and frees it. 0: it has not within `seconds`, and both stay. A thread that was never
 * started ends without having run. */
int swk_thread_join(struct swk_thread *thread, unsigned int seconds);
/* Of the calling thread, if swk_thread_create() made it: what swk_set_self() said; else, and in interrupts, null. */
void *swk_self(void);
void swk_set_self(void *self);
/* Of the calling thread: involuntary context switches so far; time on a CPU. */
uint64_t swk_preemptions(void);
uint64_t swk_cpu_time_ns(void);

/* Lets others run, where the caller may (no lock, no RCU section, interrupts on); else a pause. */
void swk_yield(void);
/* Between two bursts or zaps: nothing is held. */
void swk_yield_between(void);
void swk_sleep_ns(uint64_t ns);
void swk_preempt_disable(void);
void swk_preempt_enable(void);
int swk_need_resched(void);

/* Counters of `events` for a thread that has not been started, not counting yet; null: no memory. An event that cannot
 * be opened is none of theirs: its errno is in its row. */
struct swk_counters;
struct swk_counters *swk_counters_create(struct swk_thread *thread, const struct shadowwalk_event *events,
                                         unsigned int count);
/* On the thread that is counted, which holds nothing. */
void swk_counters_start(struct swk_counters *counters);
void swk_counters_stop(struct swk_counters *counters);
/* Adds what was counted between the two to the rows of the thread's role. */
void swk_counters_add(const struct swk_counters *counters, struct shadowwalk_event_count *to);
void swk_counters_free(struct swk_counters *counters);

/* What the thread that runs a cell waits for. */
struct swk_event;
struct swk_event *swk_event_create(void);
void swk_event_free(struct swk_event *event);
void swk_event_signal(struct swk_event *event);
/* 1: signalled; 0: the time is over; -1: the caller has got a signal. */
int swk_event_wait(struct swk_event *event, uint64_t ns);

/* --- Locks: memory for the kernel's own, which C++ embeds. */

#define SWK_LOCK_WORDS 48

struct swk_mutex {
  uint64_t words[SWK_LOCK_WORDS];
};
/* `is_mmu_lock`: for lockdep, as mmu_lock nests in the mutexes of slow paths. */
void swk_mutex_init(struct swk_mutex *mutex, int is_mmu_lock);
void swk_mutex_lock(struct swk_mutex *mutex);
void swk_mutex_unlock(struct swk_mutex *mutex);

struct swk_rwlock {
  uint64_t words[SWK_LOCK_WORDS];
};
void swk_rwlock_init(struct swk_rwlock *lock);
void swk_write_lock(struct swk_rwlock *lock);
void swk_write_unlock(struct swk_rwlock *lock);
int swk_rwlock_is_contended(struct swk_rwlock *lock);

/* --- RCU */

struct swk_rcu_head {
  uint64_t words[2];
};
void swk_call_rcu(struct swk_rcu_head *head);
void swx_rcu_callback(struct swk_rcu_head *head); /* softirq or kthread; of RCU and SRCU */
void swk_synchronize_rcu_expedited(void);
void swk_rcu_barrier(void);
#ifdef __cplusplus
/* rcu_read_lock() as a C module has it: under PREEMPT_RCU a call of the kernel's own function. */
#ifdef SWK_PREEMPT_RCU
void __rcu_read_lock(void);
void __rcu_read_unlock(void);
#define swk_rcu_read_lock __rcu_read_lock
#define swk_rcu_read_unlock __rcu_read_unlock
#else
void swk_rcu_read_lock(void);
void swk_rcu_read_unlock(void);
#endif
#endif

/* A domain of SRCU; null: no memory. */
struct swk_srcu;
struct swk_srcu *swk_srcu_create(int fast);
/* Waits for its callbacks. */
void swk_srcu_free(struct swk_srcu *srcu);
/* A jump more than a C module has to the kernel's own functions, which it calls, too. */
int swk_srcu_read_lock(struct swk_srcu *srcu);
void swk_srcu_read_unlock(struct swk_srcu *srcu, int set);
/* The same for a domain that was made `fast`, where the kernel has that. */
int swk_has_srcu_fast(void);
void *swk_srcu_read_lock_fast(struct swk_srcu *srcu);
void swk_srcu_read_unlock_fast(struct swk_srcu *srcu, void *section);
void swk_call_srcu(struct swk_srcu *srcu, struct swk_rcu_head *head);
void swk_srcu_barrier(struct swk_srcu *srcu);

/* --- CPUs and IPIs */

/* Before a cell, for so many vCPUs, and after it. 0, or an errno. */
int swk_ipis_prepare(unsigned int vcpus);
void swk_ipis_release(void);
/* Begins an IPI: disables preemption, and returns room for the targets, the CPU's own. */
void **swk_ipi_begin(void);
void swk_ipi_add_cpu(unsigned int cpu);
/* Runs swx_take_ipis() on each added CPU, the caller's own included, and returns when all have. */
void swk_ipi_send(void **targets, size_t count);
void swk_ipi_end(void);
void swx_take_ipis(void **targets, size_t count, unsigned int cpu); /* interrupts off, on `cpu` */
/* smp_mb() on every CPU that swk_hold_cpus() was given as one of vCPUs. */
void swk_membarrier(void);

/* From here on a CPU of the cell can go offline only after swk_release_cpus(); `going` (context, cpu) is told, and must
 * bring that about. Returns 0, or ENODEV with the CPU that is not online in *missing. The CPUs are looked at, and
 * `start` is called, while none can go: it must do nothing that may wait for that to change, as perf's calls do. */
int swk_hold_cpus(const uint16_t *vcpus, unsigned int vcpu_count, const uint16_t *zappers, unsigned int zapper_count,
                  void (*going)(void *context, unsigned int cpu), void (*start)(void *context), void *context,
                  unsigned int *missing);
void swk_release_cpus(void);
unsigned int swk_cpus_online(void);
unsigned int swk_this_cpu(void); /* by now perhaps another */

/* --- What primitives cost */

/* One thread's own cache line. */
struct swk_floor_thread {
  uint64_t word;
  uint64_t rest[7];
};
struct swk_floor_row {
  const char *name;
  uint32_t kind; /* SHADOWWALK_FLOOR_* */
  uint32_t least_cpus;
  uint32_t block; /* iterations between two looks at whether others want the CPU */
  void (*run)(struct swk_floor_thread *thread, unsigned int iterations);
};
extern const struct swk_floor_row swk_floor_rows[];
extern const uint32_t swk_floor_count;
/* Before a row is run on these CPUs, which are online and stay so; one run at a time. */
void swk_floor_prepare(const uint16_t *cpus, unsigned int count);

/* --- Trouble */

/* A broken invariant: a line in the kernel's log, and BUG(). */
void swk_invariant_failed(const char *what, const char *file, int line) __attribute__((noreturn));

/* --- The lab's side */

struct swx_variant_row {
  uint32_t flags; /* SHADOWWALK_VARIANT_* */
  const char *name;
  const char *why_not; /* "" */
};
uint32_t swx_variants(void);
/* `index` is below swx_variants(). */
void swx_variant(uint32_t index, struct swx_variant_row *row);
const char *swx_compiler(void);

/* What an ioctl works on: zeroed, and large. */
struct swx_job {
  struct shadowwalk_request request; /* read once, from user space: hostile */
  char why[SHADOWWALK_LINE_BYTES];   /* of an error, with its 0 */
};
/* Checks the request, runs its cell in the calling thread and its own, fills `result` (zeroed). 0, or an errno. The
 * caller lets one in at a time. *kept: the cell's threads did not end, and the module must stay for ever. */
int swx_run(struct swx_job *job, struct shadowwalk_result *result, int *kept);
/* Describes the row, if `iterations` is 0, or else times it as swx_run() runs a cell. `floor` comes from user space. */
int swx_floor(struct swx_job *job, struct shadowwalk_floor *floor, int *kept);
/* The first `count` accesses of one vCPU. 0, or an errno. */
int swx_stream(struct swx_job *job, uint32_t vcpu, uint32_t count, uint64_t *accesses);

#ifdef __cplusplus
}
#endif

#endif
