// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* IPIs to the CPUs of a cell, and those CPUs' going offline. */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>

#include "harness/kernel/module/glue.h"
#include "harness/kernel/module/module.h"

/* --- IPIs */

/* Room for one sender at a time and CPU, as KVM's cpu_kick_mask: preemption is off while it is in use. */
static DEFINE_PER_CPU(void **, ipi_targets);
static DEFINE_PER_CPU(struct cpumask *, ipi_mask);

int swk_ipis_prepare(unsigned int vcpus)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		per_cpu(ipi_targets, cpu) = kvcalloc(vcpus, sizeof(void *), GFP_KERNEL);
		per_cpu(ipi_mask, cpu) = kzalloc(cpumask_size(), GFP_KERNEL);
		if (!per_cpu(ipi_targets, cpu) || !per_cpu(ipi_mask, cpu)) {
			swk_ipis_release();
			return ENOMEM;
		}
	}
	return 0;
}

void swk_ipis_release(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		kvfree(per_cpu(ipi_targets, cpu));
		kfree(per_cpu(ipi_mask, cpu));
		per_cpu(ipi_targets, cpu) = NULL;
		per_cpu(ipi_mask, cpu) = NULL;
	}
}

void **swk_ipi_begin(void)
{
	preempt_disable();
	cpumask_clear(__this_cpu_read(ipi_mask));
	return __this_cpu_read(ipi_targets);
}

void swk_ipi_add_cpu(unsigned int cpu)
{
	cpumask_set_cpu(cpu, __this_cpu_read(ipi_mask));
}

struct ipi {
	void **targets;
	size_t count;
};

static void take_ipi(void *info)
{
	const struct ipi *ipi = info;

	swx_take_ipis(ipi->targets, ipi->count, smp_processor_id());
}

void swk_ipi_send(void **targets, size_t count)
{
	struct ipi ipi = { .targets = targets, .count = count };
	const struct cpumask *mask = __this_cpu_read(ipi_mask);

	smp_call_function_many(mask, take_ipi, &ipi, true);
	/* It leaves out the caller's own CPU. A vCPU of that CPU is not running, as the caller is. */
	if (cpumask_test_cpu(smp_processor_id(), mask)) {
		unsigned long flags;

		local_irq_save(flags);
		take_ipi(&ipi);
		local_irq_restore(flags);
	}
}

void swk_ipi_end(void)
{
	preempt_enable();
}

static void full_barrier(void *unused)
{
	smp_mb();
}

/* --- The CPUs of the running cell */

static struct {
	/* Under the CPUs' hotplug lock: read by those who hold it for reading, written by a CPU's going or while none can. */
	bool held;
	struct cpumask vcpus;
	struct cpumask all;
	void (*going)(void *context, unsigned int cpu);
	void *context;
} cell;
static DEFINE_MUTEX(cell_mutex);
static DECLARE_WAIT_QUEUE_HEAD(cell_released);

void swk_membarrier(void)
{
	/* Pairs with the walkers' compiler barriers: each of their CPUs passes a full barrier before this returns. */
	smp_mb();
	preempt_disable();
	smp_call_function_many(&cell.vcpus, full_barrier, NULL, true);
	preempt_enable();
	smp_mb();
}

static unsigned int add_cpus(const uint16_t *cpus, unsigned int count, struct cpumask *mask)
{
	unsigned int i;

	for (i = 0; i < count; ++i) {
		if (cpus[i] == SHADOWWALK_ANY_CPU)
			continue;
		if (cpus[i] >= nr_cpu_ids || !cpu_online(cpus[i]))
			return cpus[i];
		cpumask_set_cpu(cpus[i], mask);
	}
	return SHADOWWALK_ANY_CPU;
}

int swk_hold_cpus(const uint16_t *vcpus, unsigned int vcpu_count, const uint16_t *zappers, unsigned int zapper_count,
		  void (*going)(void *context, unsigned int cpu), void (*start)(void *context), void *context,
		  unsigned int *missing)
{
	int error = 0;

	cpus_read_lock();
	mutex_lock(&cell_mutex);
	cpumask_clear(&cell.vcpus);
	*missing = add_cpus(vcpus, vcpu_count, &cell.vcpus);
	cpumask_copy(&cell.all, &cell.vcpus);
	if (*missing == SHADOWWALK_ANY_CPU)
		*missing = add_cpus(zappers, zapper_count, &cell.all);
	if (*missing != SHADOWWALK_ANY_CPU)
		error = ENODEV;
	if (!error) {
		cell.going = going;
		cell.context = context;
		cell.held = true;
	}
	mutex_unlock(&cell_mutex);
	if (!error)
		start(context);
	cpus_read_unlock();
	return error;
}

void swk_release_cpus(void)
{
	mutex_lock(&cell_mutex);
	cell.held = false;
	mutex_unlock(&cell_mutex);
	wake_up_all(&cell_released);
}

unsigned int swk_cpus_online(void)
{
	return num_online_cpus();
}

unsigned int swk_this_cpu(void)
{
	return raw_smp_processor_id();
}

static enum cpuhp_state hotplug_state;

/* Runs while the CPU still works; it stays as long as this takes. */
static int cpu_goes(unsigned int cpu)
{
	mutex_lock(&cell_mutex);
	if (!cell.held || !cpumask_test_cpu(cpu, &cell.all)) {
		mutex_unlock(&cell_mutex);
		return 0;
	}
	cell.going(cell.context, cpu);
	mutex_unlock(&cell_mutex);
	wait_event(cell_released, !READ_ONCE(cell.held));
	return 0;
}

int __init swk_cpus_init(void)
{
	const int state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "shadowwalk:online", NULL, cpu_goes);

	if (state < 0)
		return state;
	hotplug_state = state;
	return 0;
}

void swk_cpus_exit(void)
{
	cpuhp_remove_state_nocalls(hotplug_state);
}
