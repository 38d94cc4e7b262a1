/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#ifndef SHADOWWALK_HARNESS_KERNEL_MODULE_MODULE_H
#define SHADOWWALK_HARNESS_KERNEL_MODULE_MODULE_H

/* What the module's C files have for each other. */

#include <linux/sched.h>

struct swk_thread;
struct task_struct *swk_task_of(struct swk_thread *thread);

/* Once, before anything else: the clock, the base of tables. */
void swk_services_init(void);
/* Whether that clock can still be trusted. */
bool swk_clock_is_good(void);

/* The callback for CPUs that go offline. 0, or a negative errno. */
int swk_cpus_init(void);
void swk_cpus_exit(void);

#endif
