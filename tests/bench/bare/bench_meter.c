// SPDX-License-Identifier: GPL-2.0 OR MIT
/* /sys/kernel/debug/bench_meter: ns that this guest's virtual CPUs have run. */

#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "meter.h"

static struct dentry *meter_file;

/* Wherever it is read, the answer is a new one. */
static ssize_t meter_read(struct file *file, char __user *user, size_t size, loff_t *pos)
{
	char text[24];
	int length = scnprintf(text, sizeof(text), "%llu\n", bench_running_ns());

	if (size < length)
		return -EINVAL;
	return copy_to_user(user, text, length) ? -EFAULT : length;
}

static const struct file_operations meter_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = meter_read,
	.llseek = default_llseek,
};

static int __init meter_init(void)
{
	meter_file = debugfs_create_file_unsafe("bench_meter", 0400, NULL, NULL, &meter_fops);
	return PTR_ERR_OR_ZERO(meter_file);
}
module_init(meter_init);

static void __exit meter_exit(void)
{
	debugfs_remove(meter_file);
}
module_exit(meter_exit);

MODULE_DESCRIPTION("What a Xen guest has cost so far");
MODULE_LICENSE("Dual MIT/GPL");
