// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The character device: what comes from user space is copied, measured and handed on here. */
#include <asm/cpufeature.h>
#include <asm/tsc.h>
#include <linux/capability.h>
#include <linux/cpumask.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/utsname.h>
#include <linux/vmalloc.h>

#include "harness/kernel/module/glue.h"
#include "harness/kernel/module/module.h"

#ifndef SHADOWWALK_VERSION
#error "the Makefile beside this file says which version this is"
#endif

/* One cell at a time. */
static DEFINE_MUTEX(run_mutex);
static bool stuck; /* run_mutex: a cell whose threads never ended is still there */

/* One open file. */
struct client {
	struct mutex mutex; /* of what follows */
	struct shadowwalk_result *result; /* of the last RUN; null: none */
	char why[SHADOWWALK_LINE_BYTES];
};

static int device_open(struct inode *inode, struct file *file)
{
	struct client *client;

	/* Beside the file's mode: a cell keeps CPUs busy, and its events count whatever a kernel's code does. */
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	client = kzalloc(sizeof(*client), GFP_KERNEL);
	if (!client)
		return -ENOMEM;
	mutex_init(&client->mutex);
	file->private_data = client;
	return 0;
}

static int device_release(struct inode *inode, struct file *file)
{
	struct client *client = file->private_data;

	vfree(client->result);
	kfree(client);
	return 0;
}

static ssize_t device_read(struct file *file, char __user *buffer, size_t count, loff_t *position)
{
	struct client *client = file->private_data;
	ssize_t copied = 0;

	if (mutex_lock_interruptible(&client->mutex))
		return -EINTR;
	if (client->result)
		copied = simple_read_from_buffer(buffer, count, position, client->result, sizeof(*client->result));
	mutex_unlock(&client->mutex);
	return copied;
}

static loff_t device_seek(struct file *file, loff_t offset, int whence)
{
	return fixed_size_llseek(file, offset, whence, sizeof(struct shadowwalk_result));
}

static long about(void __user *to)
{
	struct shadowwalk_about about = {
		.abi_version = SHADOWWALK_ABI_VERSION,
		.request_size = sizeof(struct shadowwalk_request),
		.result_size = sizeof(struct shadowwalk_result),
		.variants = swx_variants(),
		.hz = HZ,
		.cpus_online = num_online_cpus(),
		.free_pages = swk_bytes_available() >> PAGE_SHIFT,
		.version = SHADOWWALK_VERSION,
	};

	if (swk_clock.uses_tsc) {
		about.kernel |= SHADOWWALK_KERNEL_USES_TSC;
		about.tsc_khz = tsc_khz;
	}
	if (IS_ENABLED(CONFIG_PREEMPT_RCU))
		about.kernel |= SHADOWWALK_KERNEL_PREEMPT_RCU;
	if (preempt_model_preemptible())
		about.kernel |= SHADOWWALK_KERNEL_PREEMPTION;
	if (IS_ENABLED(CONFIG_RETPOLINE) || IS_ENABLED(CONFIG_MITIGATION_RETPOLINE))
		about.kernel |= SHADOWWALK_KERNEL_RETPOLINE;
	if (IS_ENABLED(CONFIG_RETHUNK) || IS_ENABLED(CONFIG_MITIGATION_RETHUNK))
		about.kernel |= SHADOWWALK_KERNEL_RETHUNK;
	if (IS_ENABLED(CONFIG_X86_KERNEL_IBT))
		about.kernel |= SHADOWWALK_KERNEL_IBT;
	strscpy(about.release, init_utsname()->release, sizeof(about.release));
	strscpy(about.compiler, swx_compiler(), sizeof(about.compiler));
	return copy_to_user(to, &about, sizeof(about)) ? -EFAULT : 0;
}

static long variant(void __user *user)
{
	struct shadowwalk_variant row;
	struct swx_variant_row known;

	if (copy_from_user(&row, user, sizeof(row)))
		return -EFAULT;
	if (row.index >= swx_variants())
		return -ENOENT;
	swx_variant(row.index, &known);
	memset(row.name, 0, sizeof(row.name));
	memset(row.why_not, 0, sizeof(row.why_not));
	row.flags = known.flags;
	strscpy(row.name, known.name, sizeof(row.name));
	strscpy(row.why_not, known.why_not, sizeof(row.why_not));
	return copy_to_user(user, &row, sizeof(row)) ? -EFAULT : 0;
}

static int cannot_copy(struct client *client, const char *what)
{
	snprintf(client->why, sizeof(client->why), "%s: its address is none of the caller's memory", what);
	return -EFAULT;
}

/* A job with the request that user space has at `from`; an ERR_PTR. */
static struct swx_job *read_job(struct client *client, const void __user *from)
{
	struct swx_job *job = kvzalloc(sizeof(*job), GFP_KERNEL);

	if (!job)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(&job->request, from, sizeof(job->request))) {
		kvfree(job);
		return ERR_PTR(cannot_copy(client, "the request"));
	}
	return job;
}

/* `kept`: threads that never ended still read its request, so it stays. */
static void end_job(struct client *client, struct swx_job *job, int kept)
{
	strscpy(client->why, job->why, sizeof(client->why));
	if (!kept)
		kvfree(job);
}

/* Whether this caller has the CPUs to itself, until end_alone(); if not, the job says why. */
static bool begin_alone(struct swx_job *job)
{
	if (!mutex_trylock(&run_mutex)) {
		strscpy(job->why, "another cell runs: one at a time in a kernel", sizeof(job->why));
		return false;
	}
	if (!stuck)
		return true;
	mutex_unlock(&run_mutex);
	strscpy(job->why, "an earlier cell's threads never ended: this kernel runs no more cells until it is booted again",
		sizeof(job->why));
	return false;
}

static void end_alone(int kept)
{
	if (kept) {
		stuck = true;
		__module_get(THIS_MODULE);
	}
	mutex_unlock(&run_mutex);
}

static int run_alone(struct client *client, struct swx_job *job, int *kept)
{
	int error;

	if (!swk_clock_is_good()) {
		strscpy(job->why, "the kernel found the TSC unstable after the module was loaded: unload and load it, for another clock",
			sizeof(job->why));
		return EOPNOTSUPP;
	}
	vfree(client->result);
	client->result = vzalloc(sizeof(*client->result));
	if (!client->result)
		return ENOMEM;
	error = swx_run(job, client->result, kept);
	if (error) {
		vfree(client->result);
		client->result = NULL;
	}
	return error;
}

static long run(struct client *client, const void __user *from)
{
	struct swx_job *job = read_job(client, from);
	int error = EBUSY;
	int kept = 0;

	if (IS_ERR(job))
		return PTR_ERR(job);
	if (begin_alone(job)) {
		error = run_alone(client, job, &kept);
		end_alone(kept);
	}
	end_job(client, job, kept);
	return -error;
}

static long floor_row(struct client *client, void __user *user)
{
	struct shadowwalk_floor *floor = kvzalloc(sizeof(*floor), GFP_KERNEL);
	struct swx_job *job = kvzalloc(sizeof(*job), GFP_KERNEL);
	long error = -EBUSY;
	int kept = 0;

	if (!floor || !job) {
		error = -ENOMEM;
		goto out;
	}
	if (copy_from_user(floor, user, sizeof(*floor))) {
		error = cannot_copy(client, "the floor");
		goto out;
	}
	if (floor->iterations == 0) {
		error = -swx_floor(job, floor, &kept);
	} else if (begin_alone(job)) {
		error = -swx_floor(job, floor, &kept);
		end_alone(kept);
	}
	strscpy(client->why, job->why, sizeof(client->why));
	if (!error && copy_to_user(user, floor, sizeof(*floor)))
		error = cannot_copy(client, "the floor");
out:
	kvfree(job);
	kvfree(floor);
	return error;
}

static long stream(struct client *client, const void __user *from)
{
	struct shadowwalk_accesses wanted;
	struct swx_job *job;
	uint64_t *accesses;
	long error;

	if (copy_from_user(&wanted, from, sizeof(wanted)))
		return cannot_copy(client, "the wanted stream");
	if (wanted.count < 1 || wanted.count > SHADOWWALK_MAX_STREAM_ACCESSES) {
		snprintf(client->why, sizeof(client->why), "count %u: choose 1..%u", wanted.count,
			 SHADOWWALK_MAX_STREAM_ACCESSES);
		return -EINVAL;
	}
	job = read_job(client, u64_to_user_ptr(wanted.request));
	if (IS_ERR(job))
		return PTR_ERR(job);
	accesses = kvcalloc(wanted.count, sizeof(*accesses), GFP_KERNEL);
	if (!accesses) {
		error = -ENOMEM;
	} else {
		error = -swx_stream(job, wanted.vcpu, wanted.count, accesses);
	}
	end_job(client, job, 0);
	if (!error && copy_to_user(u64_to_user_ptr(wanted.accesses), accesses, wanted.count * sizeof(*accesses)))
		error = cannot_copy(client, "the room for accesses");
	kvfree(accesses);
	return error;
}

static long device_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	struct client *client = file->private_data;
	void __user *user = (void __user *)argument;
	long result;

	switch (command) {
	case SHADOWWALK_IOC_ABOUT:
		return about(user);
	case SHADOWWALK_IOC_VARIANT:
		return variant(user);
	}
	/* A second thread of the same file must not wait for a cell in a way that no signal ends. */
	if (mutex_lock_interruptible(&client->mutex))
		return -EINTR;
	if (command != SHADOWWALK_IOC_WHY)
		client->why[0] = 0;
	switch (command) {
	case SHADOWWALK_IOC_RUN:
		result = run(client, user);
		break;
	case SHADOWWALK_IOC_WHY:
		result = copy_to_user(user, client->why, sizeof(client->why)) ? -EFAULT : 0;
		break;
	case SHADOWWALK_IOC_FLOOR:
		result = floor_row(client, user);
		break;
	case SHADOWWALK_IOC_STREAM:
		result = stream(client, user);
		break;
	default:
		result = -ENOTTY;
	}
	mutex_unlock(&client->mutex);
	return result;
}

static const struct file_operations device_operations = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.read = device_read,
	.llseek = device_seek,
	.unlocked_ioctl = device_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "shadowwalk",
	.fops = &device_operations,
	.mode = 0600,
};

static int __init shadowwalk_init(void)
{
	int error;

	/* Sections close the interrupt gate by the instructions themselves, which a Xen PV guest must not execute. */
	if (boot_cpu_has(X86_FEATURE_XENPV)) {
		pr_err("shadowwalk: this kernel is a paravirtual guest of Xen, whose interrupts cannot be switched off by cli\n");
		return -EOPNOTSUPP;
	}
	swk_services_init();
	error = swk_cpus_init();
	if (error)
		return error;
	error = misc_register(&device);
	if (error)
		swk_cpus_exit();
	return error;
}

static void __exit shadowwalk_exit(void)
{
	misc_deregister(&device);
	swk_cpus_exit();
	rcu_barrier();
}

module_init(shadowwalk_init);
module_exit(shadowwalk_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("The shadowwalk authors");
MODULE_DESCRIPTION("Runs shadowwalk's reclamation schemes inside this kernel");
MODULE_VERSION(SHADOWWALK_VERSION);
