// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The least that a frontend can do, to be measured against:
 * echo COMMAND >/sys/kernel/debug/vdispl-N/run, then read that file. Commands are those
 * of kmsbench, and so are the lines that come.
 */

#include <linux/debugfs.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <xen/xen.h>

#include "bare.h"
#include "meter.h"

/** struct stopwatch - time by both clocks */
struct stopwatch {
	/** @running: of this guest's virtual CPUs */
	u64 running;
	/** @elapsed: since it was started */
	u64 elapsed;
};

static void stopwatch_start(struct stopwatch *watch)
{
	watch->running = bench_running_ns();
	watch->elapsed = ktime_get_ns();
}

static void stopwatch_stop(struct stopwatch *watch)
{
	watch->elapsed = ktime_get_ns() - watch->elapsed;
	watch->running = bench_running_ns() - watch->running;
}

static int show(struct bare *bare, const char *key, u64 elapsed, u64 running,
		unsigned int count)
{
	snprintf(bare->result, sizeof(bare->result), "%s_ns=%llu\n%s_run_ns=%llu\n", key,
		 div_u64(elapsed, count), key, div_u64(running, count));
	return 0;
}

static int configure(struct bare *bare, u64 fb_cookie)
{
	struct xendispl_req *req = bare_request(bare, XENDISPL_OP_SET_CONFIG);

	req->op.set_config.fb_cookie = fb_cookie;
	if (fb_cookie) {
		req->op.set_config.width = bare->width;
		req->op.set_config.height = bare->height;
		req->op.set_config.bpp = 32;
	}
	return bare_call(bare);
}

static int flip_all(struct bare *bare, unsigned int count, struct bare_buffer **bufs)
{
	struct stopwatch watch;
	unsigned int i;
	int ret = 0;

	stopwatch_start(&watch);
	for (i = 0; i < count && !ret; i++)
		ret = bare_flip(bare, bare_buffer_fb(bufs[i % 2]));
	stopwatch_stop(&watch);
	return ret ?: show(bare, "flip", watch.elapsed, watch.running, count);
}

static int run_flips(struct bare *bare, unsigned int count)
{
	struct bare_buffer *bufs[2] = {};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < 2 && !ret; i++) {
		bufs[i] = bare_buffer_create(bare, bare->width, bare->height);
		ret = PTR_ERR_OR_ZERO(bufs[i]);
	}
	if (!ret)
		ret = configure(bare, bare_buffer_fb(bufs[0]));
	if (!ret)
		ret = flip_all(bare, count, bufs);
	if (!ret)
		ret = configure(bare, 0);
	for (i = 0; i < 2 && !ret; i++)
		ret = bare_buffer_destroy(bare, bufs[i]);
	return ret;
}

static int run_dumb(struct bare *bare, unsigned int width, unsigned int height,
		    unsigned int count)
{
	struct bare_buffer *buf;
	struct stopwatch watch;
	unsigned int i;
	int ret = 0;

	stopwatch_start(&watch);
	for (i = 0; i < count && !ret; i++) {
		buf = bare_buffer_create(bare, width, height);
		ret = IS_ERR(buf) ? PTR_ERR(buf) : bare_buffer_destroy(bare, buf);
	}
	stopwatch_stop(&watch);
	return ret ?: show(bare, "create_addfb_rmfb_destroy", watch.elapsed, watch.running,
			   count);
}

static int run_touch(struct bare *bare, unsigned int width, unsigned int height,
		     unsigned int count)
{
	u64 running = 0, elapsed = 0;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < count && !ret; i++)
		ret = bare_memory(width, height, &running, &elapsed);
	return ret ?: show(bare, "map_touch", elapsed, running, count);
}

static int run_command(struct bare *bare, const char *command)
{
	unsigned int width, height, count;

	bare->result[0] = 0;
	if (!try_wait_for_completion(&bare->connected))
		return -ENOTCONN;
	complete_all(&bare->connected);
	if (sscanf(command, "flips %u", &count) == 1 && count)
		return run_flips(bare, count);
	if (sscanf(command, "dumb %ux%u %u", &width, &height, &count) == 3 && count)
		return run_dumb(bare, width, height, count);
	if (sscanf(command, "touch %ux%u %u", &width, &height, &count) == 3 && count)
		return run_touch(bare, width, height, count);
	return -EINVAL;
}

static ssize_t run_write(struct file *file, const char __user *user, size_t size,
			 loff_t *pos)
{
	struct bare *bare = ((struct seq_file *)file->private_data)->private;
	char command[64] = {};
	int ret;

	if (size >= sizeof(command))
		return -EINVAL;
	if (copy_from_user(command, user, size))
		return -EFAULT;
	mutex_lock(&bare->command_lock);
	ret = run_command(bare, command);
	mutex_unlock(&bare->command_lock);
	return ret ?: size;
}

static int run_show(struct seq_file *m, void *data)
{
	struct bare *bare = m->private;

	seq_puts(m, bare->result);
	return 0;
}

static int run_open(struct inode *inode, struct file *file)
{
	return single_open(file, run_show, inode->i_private);
}

static const struct file_operations run_fops = {
	.owner = THIS_MODULE,
	.open = run_open,
	.read = seq_read,
	.write = run_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static int bare_probe(struct xenbus_device *xb_dev, const struct xenbus_device_id *id)
{
	struct bare *bare = kzalloc(sizeof(*bare), GFP_KERNEL);

	if (!bare)
		return -ENOMEM;
	bare->xb_dev = xb_dev;
	init_completion(&bare->connected);
	init_waitqueue_head(&bare->wait);
	mutex_init(&bare->command_lock);
	dev_set_drvdata(&xb_dev->dev, bare);
	bare->dir = debugfs_create_dir(dev_name(&xb_dev->dev), NULL);
	debugfs_create_file("run", 0600, bare->dir, bare, &run_fops);
	return xenbus_switch_state(xb_dev, XenbusStateInitialising);
}

static void bare_connect(struct bare *bare)
{
	struct xenbus_device *xb_dev = bare->xb_dev;

	if (bare->open)
		return;
	if (xenbus_scanf(XBT_NIL, xb_dev->nodename, "0/" XENDISPL_FIELD_RESOLUTION, "%ux%u",
			 &bare->width, &bare->height) != 2)
		return;
	bare->be_alloc = xenbus_read_unsigned(xb_dev->nodename, XENDISPL_FIELD_BE_ALLOC, 0);
	if (!bare_ring_open(bare))
		xenbus_switch_state(xb_dev, XenbusStateInitialised);
}

static void bare_otherend_changed(struct xenbus_device *xb_dev, enum xenbus_state state)
{
	struct bare *bare = dev_get_drvdata(&xb_dev->dev);

	switch (state) {
	case XenbusStateInitWait:
		bare_connect(bare);
		break;
	case XenbusStateConnected:
		if (!bare->open)
			break;
		xenbus_switch_state(xb_dev, XenbusStateConnected);
		complete_all(&bare->connected);
		break;
	case XenbusStateClosing:
	case XenbusStateClosed:
		/* What a former frontend left behind, too: only remove() closes. */
		break;
	default:
		break;
	}
}

static void bare_remove(struct xenbus_device *xb_dev)
{
	struct bare *bare = dev_get_drvdata(&xb_dev->dev);

	debugfs_remove(bare->dir);
	xenbus_switch_state(xb_dev, XenbusStateClosing);
	bare_ring_close(bare);
	xenbus_switch_state(xb_dev, XenbusStateClosed);
	kfree(bare);
}

static const struct xenbus_device_id bare_ids[] = {
	{ XENDISPL_DRIVER_NAME },
	{}
};

static struct xenbus_driver bare_driver = {
	.name = "bare_displ",
	.ids = bare_ids,
	.probe = bare_probe,
	.remove = bare_remove,
	.otherend_changed = bare_otherend_changed,
	.not_essential = true,
};

static int __init bare_init(void)
{
	return xen_domain() ? xenbus_register_frontend(&bare_driver) : -ENODEV;
}
module_init(bare_init);

static void __exit bare_exit(void)
{
	xenbus_unregister_driver(&bare_driver);
}
module_exit(bare_exit);

MODULE_DESCRIPTION("The least that a Xen display frontend can do");
MODULE_LICENSE("Dual MIT/GPL");
