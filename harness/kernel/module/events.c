// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Counters of perf's events, one set for each thread of a cell. */
#include <linux/err.h>
#include <linux/math64.h>
#include <linux/overflow.h>
#include <linux/perf_event.h>
#include <linux/slab.h>

#include "harness/kernel/module/glue.h"
#include "harness/kernel/module/module.h"

struct swk_counters {
	unsigned int count;
	struct {
		struct perf_event *event; /* or an ERR_PTR */
		u64 value, enabled_ns, running_ns;
	} counters[SHADOWWALK_MAX_EVENTS];
};

struct swk_counters *swk_counters_create(struct swk_thread *thread, const struct shadowwalk_event *events,
					 unsigned int count)
{
	struct swk_counters *counters = kzalloc(sizeof(*counters), GFP_KERNEL);
	unsigned int i;

	if (!counters)
		return NULL;
	for (i = 0; i < count; ++i) {
		struct perf_event_attr attr = {
			.type = events[i].type,
			.size = sizeof(attr),
			.config = events[i].config,
			.config1 = events[i].config1,
			.config2 = events[i].config2,
			.disabled = 1,
			.exclude_user = !!(events[i].exclude & SHADOWWALK_EXCLUDE_USER),
			.exclude_kernel = !!(events[i].exclude & SHADOWWALK_EXCLUDE_KERNEL),
			.exclude_hv = !!(events[i].exclude & SHADOWWALK_EXCLUDE_HV),
			.exclude_host = !!(events[i].exclude & SHADOWWALK_EXCLUDE_HOST),
			.exclude_guest = !!(events[i].exclude & SHADOWWALK_EXCLUDE_GUEST),
		};

		counters->counters[i].event =
			perf_event_create_kernel_counter(&attr, -1, swk_task_of(thread), NULL, NULL);
	}
	counters->count = count;
	return counters;
}

void swk_counters_start(struct swk_counters *counters)
{
	unsigned int i;

	for (i = 0; i < counters->count; ++i)
		if (!IS_ERR(counters->counters[i].event))
			perf_event_enable(counters->counters[i].event);
}

void swk_counters_stop(struct swk_counters *counters)
{
	unsigned int i;

	for (i = 0; i < counters->count; ++i)
		if (!IS_ERR(counters->counters[i].event))
			perf_event_disable(counters->counters[i].event);
	for (i = 0; i < counters->count; ++i)
		if (!IS_ERR(counters->counters[i].event))
			counters->counters[i].value = perf_event_read_value(counters->counters[i].event,
									    &counters->counters[i].enabled_ns,
									    &counters->counters[i].running_ns);
}

/* value x enabled / running: the event was on the PMU for only a part of the time. The most there is, if it is more. */
static u64 scaled(u64 value, u64 enabled, u64 running)
{
	u64 whole, sum;

	if (running >= enabled)
		return value;
	if (check_mul_overflow(value / running, enabled, &whole) ||
	    check_add_overflow(whole, mul_u64_u64_div_u64(value % running, enabled, running), &sum))
		return U64_MAX;
	return sum;
}

void swk_counters_add(const struct swk_counters *counters, struct shadowwalk_event_count *to)
{
	unsigned int i;

	for (i = 0; i < counters->count; ++i) {
		const u64 enabled = counters->counters[i].enabled_ns;
		const u64 running = counters->counters[i].running_ns;

		if (IS_ERR(counters->counters[i].event)) {
			to[i].error = -PTR_ERR(counters->counters[i].event);
			continue;
		}
		to[i].enabled_ns += enabled;
		to[i].running_ns += running;
		if (running)
			to[i].count += scaled(counters->counters[i].value, enabled, running);
		else if (enabled)
			++to[i].threads_not_counted;
	}
}

void swk_counters_free(struct swk_counters *counters)
{
	unsigned int i;

	if (!counters)
		return;
	for (i = 0; i < counters->count; ++i)
		if (!IS_ERR(counters->counters[i].event))
			perf_event_release_kernel(counters->counters[i].event);
	kfree(counters);
}
