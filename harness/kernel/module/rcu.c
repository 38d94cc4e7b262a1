// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The kernel's RCU and SRCU. */
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/version.h>

#include "harness/kernel/module/glue.h"

static void callback(struct rcu_head *head)
{
	swx_rcu_callback((struct swk_rcu_head *)head);
}

void swk_call_rcu(struct swk_rcu_head *head)
{
	BUILD_BUG_ON(sizeof(struct rcu_head) != sizeof(*head));
	call_rcu((struct rcu_head *)head, callback);
}

void swk_synchronize_rcu_expedited(void)
{
	synchronize_rcu_expedited();
}

void swk_rcu_barrier(void)
{
	rcu_barrier();
}

#ifndef CONFIG_PREEMPT_RCU
void swk_rcu_read_lock(void)
{
	rcu_read_lock();
}

void swk_rcu_read_unlock(void)
{
	rcu_read_unlock();
}
#endif

struct swk_srcu {
	struct srcu_struct domain;
};

static int init_domain(struct srcu_struct *domain, int fast)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
	if (fast)
		return init_srcu_struct_fast(domain);
#endif
	return init_srcu_struct(domain);
}

struct swk_srcu *swk_srcu_create(int fast)
{
	struct swk_srcu *srcu = kzalloc(sizeof(*srcu), GFP_KERNEL);

	if (srcu && init_domain(&srcu->domain, fast)) {
		kfree(srcu);
		return NULL;
	}
	return srcu;
}

void swk_srcu_free(struct swk_srcu *srcu)
{
	if (!srcu)
		return;
	/* cleanup_srcu_struct() leaves a domain whose callbacks are pending as it is, with a warning. */
	srcu_barrier(&srcu->domain);
	cleanup_srcu_struct(&srcu->domain);
	kfree(srcu);
}

int swk_srcu_read_lock(struct swk_srcu *srcu)
{
	return srcu_read_lock(&srcu->domain);
}

void swk_srcu_read_unlock(struct swk_srcu *srcu, int set)
{
	srcu_read_unlock(&srcu->domain, set);
}

#ifdef SRCU_READ_FLAVOR_FAST
int swk_has_srcu_fast(void)
{
	return 1;
}

void *swk_srcu_read_lock_fast(struct swk_srcu *srcu)
{
	return (void *)(unsigned long)srcu_read_lock_fast(&srcu->domain);
}

void swk_srcu_read_unlock_fast(struct swk_srcu *srcu, void *section)
{
	srcu_read_unlock_fast(&srcu->domain, (struct srcu_ctr __percpu *)(unsigned long)section);
}
#else
/* No variant that would call the others is run. */
int swk_has_srcu_fast(void)
{
	return 0;
}

void *swk_srcu_read_lock_fast(struct swk_srcu *srcu)
{
	BUG();
}

void swk_srcu_read_unlock_fast(struct swk_srcu *srcu, void *section)
{
	BUG();
}
#endif

void swk_call_srcu(struct swk_srcu *srcu, struct swk_rcu_head *head)
{
	call_srcu(&srcu->domain, (struct rcu_head *)head, callback);
}

void swk_srcu_barrier(struct swk_srcu *srcu)
{
	srcu_barrier(&srcu->domain);
}
