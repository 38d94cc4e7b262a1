// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The primitives of this kernel that read-side sections, locks and grace periods are made of, each in a loop that
 * floor_run.cpp times: what refscale measures, and what a freer waits for. */
#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>

#include "harness/kernel/module/glue.h"

/* What all CPUs of a run share, a cache line each. */
static struct {
	atomic_t counter ____cacheline_aligned;
	spinlock_t spinlock ____cacheline_aligned;
	rwlock_t rwlock ____cacheline_aligned;
	struct rw_semaphore rwsem ____cacheline_aligned;
	struct cpumask targets;
	unsigned int target;
} shared = {
	.spinlock = __SPIN_LOCK_UNLOCKED(shared.spinlock),
	.rwlock = __RW_LOCK_UNLOCKED(shared.rwlock),
	.rwsem = __RWSEM_INITIALIZER(shared.rwsem),
};
DEFINE_STATIC_SRCU(srcu);

void swk_floor_prepare(const uint16_t *cpus, unsigned int count)
{
	unsigned int i;

	cpumask_clear(&shared.targets);
	for (i = 1; i < count; ++i)
		cpumask_set_cpu(cpus[i], &shared.targets);
	shared.target = count > 1 ? cpus[1] : cpus[0];
}

static void take_nothing(void *unused)
{
}

#define FLOOR(name, declaration, ...)                                            \
	static void name(struct swk_floor_thread *own, unsigned int iterations) \
	{                                                                        \
		unsigned int i;                                                  \
		declaration;                                                     \
                                                                                 \
		for (i = 0; i < iterations; ++i) {                               \
			__VA_ARGS__;                                             \
		}                                                                \
	}

FLOOR(irqsave, unsigned long flags, local_irq_save(flags); local_irq_restore(flags))
FLOOR(xchg_own, , (void)xchg(&own->word, i))
FLOOR(mfence, , mb())
FLOOR(smp_mb_own, , smp_mb())
FLOOR(preempt, , preempt_disable(); preempt_enable())
FLOOR(atomic_inc_shared, , atomic_inc(&shared.counter))
FLOOR(rcu_read, , rcu_read_lock(); rcu_read_unlock())
FLOOR(srcu_read, int index, index = srcu_read_lock(&srcu); srcu_read_unlock(&srcu, index))
FLOOR(spin_shared, , spin_lock(&shared.spinlock); spin_unlock(&shared.spinlock))
FLOOR(spin_irqsave_shared, unsigned long flags, spin_lock_irqsave(&shared.spinlock, flags);
      spin_unlock_irqrestore(&shared.spinlock, flags))
FLOOR(read_lock_shared, , read_lock(&shared.rwlock); read_unlock(&shared.rwlock))
FLOOR(down_read_shared, , down_read(&shared.rwsem); up_read(&shared.rwsem))
FLOOR(ipi_one, , smp_call_function_single(shared.target, take_nothing, NULL, 1))
FLOOR(ipi_many, , preempt_disable(); smp_call_function_many(&shared.targets, take_nothing, NULL, true);
      preempt_enable())
FLOOR(grace_period, , synchronize_rcu())
FLOOR(grace_period_expedited, , synchronize_rcu_expedited())

#define EACH SHADOWWALK_FLOOR_EACH, 1, 1024
#define INTERRUPTS SHADOWWALK_FLOOR_FIRST, 2, 16
#define WAITS SHADOWWALK_FLOOR_FIRST, 1, 1
const struct swk_floor_row swk_floor_rows[] = {
	{ "floor/irqsave", EACH, irqsave },
	{ "floor/xchg", EACH, xchg_own },
	{ "floor/mfence", EACH, mfence },
	{ "floor/smp_mb", EACH, smp_mb_own },
	{ "floor/preempt_disable", EACH, preempt },
	{ "floor/atomic_inc_shared", EACH, atomic_inc_shared },
	{ "floor/rcu_read_lock", EACH, rcu_read },
	{ "floor/srcu_read_lock", EACH, srcu_read },
	{ "floor/spin_lock_shared", EACH, spin_shared },
	{ "floor/spin_lock_irqsave_shared", EACH, spin_irqsave_shared },
	{ "floor/read_lock_shared", EACH, read_lock_shared },
	{ "floor/down_read_shared", EACH, down_read_shared },
	{ "floor/ipi_one", INTERRUPTS, ipi_one },
	{ "floor/ipi_many", INTERRUPTS, ipi_many },
	{ "floor/synchronize_rcu", WAITS, grace_period },
	{ "floor/synchronize_rcu_expedited", WAITS, grace_period_expedited },
};
const uint32_t swk_floor_count = ARRAY_SIZE(swk_floor_rows);
