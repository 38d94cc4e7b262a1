// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What the module's C++ part asks of the kernel: memory, time, threads, locks. */
#include <asm/tsc.h>
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

#include "harness/kernel/module/glue.h"
#include "harness/kernel/module/module.h"

/* --- Memory */

static atomic64_t bytes_held = ATOMIC64_INIT(0);

void *swk_alloc(size_t bytes)
{
	/* In front of what the caller gets: how much it is, in as many bytes as keep the alignment. */
	size_t whole = SWK_MOST_ALIGNED + bytes;
	char *memory;

	/* kmalloc() aligns powers of two to themselves; other sizes from a page on are aligned to more than is asked for. */
	if (whole < PAGE_SIZE)
		whole = roundup_pow_of_two(whole);
	memory = kvzalloc(whole, GFP_KERNEL | __GFP_NOFAIL);
	*(size_t *)memory = bytes;
	atomic64_add(bytes, &bytes_held);
	return memory + SWK_MOST_ALIGNED;
}

void swk_free(void *memory)
{
	char *whole = (char *)memory - SWK_MOST_ALIGNED;

	if (!memory)
		return;
	atomic64_sub(*(size_t *)whole, &bytes_held);
	kvfree(whole);
}

void *swk_alloc_pages(size_t bytes)
{
	void *memory = vmalloc_huge(bytes, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN | __GFP_RETRY_MAYFAIL);

	/* With five levels vmalloc's range is larger than an SPTE's address, though it is taken from its beginning on. */
	if (memory && ((uint64_t)memory + bytes - swk_table_base) >> SWK_ADDRESS_BITS) {
		vfree(memory);
		return NULL;
	}
	if (memory)
		atomic64_add(bytes, &bytes_held);
	return memory;
}

void swk_free_pages(void *memory, size_t bytes)
{
	if (!memory)
		return;
	vfree(memory);
	atomic64_sub(bytes, &bytes_held);
}

uint64_t swk_bytes_held(void)
{
	return atomic64_read(&bytes_held);
}

uint64_t swk_bytes_available(void)
{
	const long pages = si_mem_available();

	return pages > 0 ? (uint64_t)pages << PAGE_SHIFT : 0;
}

uint64_t swk_table_base __ro_after_init;

/* --- Time */

struct swk_clock swk_clock __ro_after_init;

uint64_t swk_ktime_ns(void)
{
	return ktime_get_ns();
}

void __init swk_services_init(void)
{
	/* Not 0 for the first page: schemes take the address 0 for none. */
	swk_table_base = VMALLOC_START - PAGE_SIZE;
	swk_clock.uses_tsc = tsc_khz != 0 && !check_tsc_unstable();
	swk_clock.ticks_per_second = swk_clock.uses_tsc ? tsc_khz * 1000ull : NSEC_PER_SEC;
	swk_clock.ns_per_tick_32 = swk_clock.uses_tsc ? div64_u64(1000000ull << 32, tsc_khz) : 1ull << 32;
}

bool swk_clock_is_good(void)
{
	return !swk_clock.uses_tsc || !check_tsc_unstable();
}

/* --- Threads */

struct swk_thread {
	struct task_struct *task;
	struct completion ended;
	unsigned int cpu;
	bool started;
	void (*run)(void *argument);
	void *argument;
	void *self;
};

static int thread_main(void *data)
{
	struct swk_thread *thread = data;

	thread->run(thread->argument);
	complete(&thread->ended);
	/* Until it is joined: then its code is not the module's any more. */
	for (;;) {
		set_current_state(TASK_IDLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

struct swk_thread *swk_thread_create(void (*run)(void *argument), void *argument, const char *name, unsigned int number,
				     unsigned int cpu, int *error)
{
	struct swk_thread *thread = kzalloc(sizeof(*thread), GFP_KERNEL);

	if (!thread) {
		*error = ENOMEM;
		return NULL;
	}
	init_completion(&thread->ended);
	thread->run = run;
	thread->argument = argument;
	thread->cpu = cpu;
	thread->task = kthread_create(thread_main, thread, "sw-%s-%u", name, number);
	if (IS_ERR(thread->task)) {
		*error = -PTR_ERR(thread->task);
		kfree(thread);
		return NULL;
	}
	return thread;
}

struct task_struct *swk_task_of(struct swk_thread *thread)
{
	return thread->task;
}

void swk_thread_start(struct swk_thread *thread)
{
	if (thread->cpu != SHADOWWALK_ANY_CPU)
		kthread_bind(thread->task, thread->cpu);
	thread->started = true;
	wake_up_process(thread->task);
}

int swk_thread_join(struct swk_thread *thread, unsigned int seconds)
{
	if (thread->started && !wait_for_completion_timeout(&thread->ended, seconds * HZ))
		return 0;
	kthread_stop(thread->task);
	kfree(thread);
	return 1;
}

/* In an interrupt, or a softirq's callback of RCU, none: that is not what the thread under it does. */
static struct swk_thread *current_thread(void)
{
	if (!in_task() || !(current->flags & PF_KTHREAD) || kthread_func(current) != thread_main)
		return NULL;
	return kthread_data(current);
}

void *swk_self(void)
{
	const struct swk_thread *thread = current_thread();

	return thread ? thread->self : NULL;
}

void swk_set_self(void *self)
{
	struct swk_thread *thread = current_thread();

	if (!WARN_ON_ONCE(!thread))
		thread->self = self;
}

uint64_t swk_preemptions(void)
{
	return current->nivcsw;
}

uint64_t swk_cpu_time_ns(void)
{
	return current->se.sum_exec_runtime;
}

void swk_yield(void)
{
	cpu_relax();
	if (preemptible() && !rcu_preempt_depth())
		cond_resched();
}

void swk_yield_between(void)
{
	cond_resched();
}

void swk_sleep_ns(uint64_t ns)
{
	ktime_t time = ns_to_ktime(ns);

	set_current_state(TASK_IDLE);
	schedule_hrtimeout(&time, HRTIMER_MODE_REL);
}

void swk_preempt_disable(void)
{
	preempt_disable();
}

void swk_preempt_enable(void)
{
	preempt_enable();
}

int swk_need_resched(void)
{
	return need_resched();
}

struct swk_event {
	struct completion signalled;
};

struct swk_event *swk_event_create(void)
{
	struct swk_event *event = kzalloc(sizeof(*event), GFP_KERNEL | __GFP_NOFAIL);

	init_completion(&event->signalled);
	return event;
}

void swk_event_free(struct swk_event *event)
{
	kfree(event);
}

void swk_event_signal(struct swk_event *event)
{
	complete_all(&event->signalled);
}

int swk_event_wait(struct swk_event *event, uint64_t ns)
{
	const long left = wait_for_completion_interruptible_timeout(&event->signalled, nsecs_to_jiffies(ns) + 1);

	if (left < 0)
		return -1;
	return left != 0;
}

/* --- Locks */

void swk_mutex_init(struct swk_mutex *mutex, int is_mmu_lock)
{
	BUILD_BUG_ON(sizeof(struct mutex) > sizeof(*mutex));
	if (is_mmu_lock)
		mutex_init((struct mutex *)mutex);
	else
		mutex_init((struct mutex *)mutex);
}

void swk_mutex_lock(struct swk_mutex *mutex)
{
	mutex_lock((struct mutex *)mutex);
}

void swk_mutex_unlock(struct swk_mutex *mutex)
{
	mutex_unlock((struct mutex *)mutex);
}

void swk_rwlock_init(struct swk_rwlock *lock)
{
	BUILD_BUG_ON(sizeof(rwlock_t) > sizeof(*lock));
	rwlock_init((rwlock_t *)lock);
}

void swk_write_lock(struct swk_rwlock *lock)
{
	write_lock((rwlock_t *)lock);
}

void swk_write_unlock(struct swk_rwlock *lock)
{
	write_unlock((rwlock_t *)lock);
}

int swk_rwlock_is_contended(struct swk_rwlock *lock)
{
	return rwlock_is_contended((rwlock_t *)lock);
}

/* --- Trouble */

void swk_invariant_failed(const char *what, const char *file, int line)
{
	pr_emerg("shadowwalk: broken invariant at %s:%d: %s\n", file, line, what);
	BUG();
}
