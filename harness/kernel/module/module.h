/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#ifndef SHADOWWALK_HARNESS_KERNEL_MODULE_MODULE_H
#define SHADOWWALK_HARNESS_KERNEL_MODULE_MODULE_H

/* What the module's C files have for each other. */

/* Once, before anything else: the clock, the base of tables. */
void swk_services_init(void);

/* The callback for CPUs that go offline. 0, or a negative errno. */
int swk_cpus_init(void);
void swk_cpus_exit(void);

#endif
