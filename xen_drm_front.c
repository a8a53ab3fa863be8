// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: the bus device, as xenbus knows it, and
 * the module.
 */

#include "xen_drm_front_bus.h"

#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/reboot.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>

#include <xen/platform_pci.h>
#include <xen/xen.h>

#include "xen_drm_front_cfg.h"
#include "xen_drm_front_conn.h"
#include "xen_drm_front_grants.h"
#include "xen_drm_front_state.h"

/* How long a reboot may wait for backends to be told of it. */
#define HALT_PATIENCE_MS	1000
#define HALT_POLL_MS		10

/*
 * The queue runs the works of all bus devices one after the other. So displays appear
 * in the order in which their backends got ready, and a work can look at the other bus
 * devices. The queue is frozen while the guest is suspended.
 */
struct workqueue_struct *xen_drm_front_wq;
LIST_HEAD(xen_drm_fronts);
/* Protects xen_drm_fronts. It is held for short times only, since works take it. */
DEFINE_MUTEX(xen_drm_fronts_lock);
/* Directory with a file for each bus device. */
static struct dentry *front_debugfs;

/* ------------------------------------------------------------------------
 * The xenwatch thread. It waits for nothing but XenStore.
 */

/* Writes the one state that the work wants, or none while the guest goes down. */
static void front_write_wanted(struct xen_drm_front *front)
{
	struct xenbus_device *xb_dev = front->xb_dev;
	enum xenbus_state wanted;

	scoped_guard(spinlock_irqsave, &front->lock) {
		if (!front->pending)
			return;
		wanted = front->wanted;
	}

	if (system_state <= SYSTEM_RUNNING)
		xenbus_switch_state(xb_dev, wanted);

	/* XenStore's reply has come after all events that are older than our state. */
	front->old_events = READ_ONCE(xb_dev->otherend_watch.nr_pending);

	scoped_guard(spinlock_irqsave, &front->lock) {
		/* The work may have changed its mind; then it wakes us again. */
		if (front->wanted == wanted) {
			front->pending = false;
			front->unwritten = xb_dev->state != wanted;
		}
	}
	xen_drm_front_kick(front);
}

/* A missing node means Unknown. An error means that XenStore could not be read. */
static int front_read_backend(struct xen_drm_front *front, enum xenbus_state *state)
{
	int value, ret;

	ret = xenbus_scanf(XBT_NIL, front->xb_dev->otherend, "state", "%d", &value);
	if (ret < 0 && ret != -ENOENT && ret != -ERANGE)
		return ret;

	*state = ret == 1 ? value : XenbusStateUnknown;
	return 0;
}

/* A missing node leaves the device as it was read last. */
static int front_read_offline(struct xen_drm_front *front, enum xenbus_state backend,
			      bool *offline)
{
	unsigned int online;
	int ret;

	*offline = false;
	if (backend != XenbusStateClosing && backend != XenbusStateClosed &&
	    backend != XenbusStateUnknown)
		return 0;

	ret = xenbus_scanf(XBT_NIL, front->xb_dev->otherend, "online", "%u", &online);
	if (ret < 0 && ret != -ENOENT && ret != -ERANGE)
		return ret;

	*offline = ret == 1 ? !online : front->offline;
	return 0;
}

/* Connected can only mean a backend that was away too briefly to be seen. */
static void front_break_as_left(struct xen_drm_front *front, enum xenbus_state backend)
{
	char why[48];

	if (backend == XenbusStateUnknown)
		strscpy(why, "the backend has gone");
	else if (backend == XenbusStateConnected)
		strscpy(why, "the backend has begun anew");
	else
		snprintf(why, sizeof(why), "the backend has gone to %s",
			 xenbus_strstate(backend));
	xen_drm_front_break(front, why);
}

/*
 * The connection is broken here, and not by the work, because a backend that leaves
 * may be back before the work runs. It may even be back before its state is read.
 * Connected is all that can be read then, by an event that is younger than our own
 * Connected.
 */
static void front_note(struct xen_drm_front *front, enum xenbus_state backend, bool young)
{
	enum xenbus_state own = front->xb_dev->state;
	bool left, offline;
	int ret;

	/* xenbus passes Unknown for a state that it could not read, too. */
	ret = backend == XenbusStateUnknown ? front_read_backend(front, &backend) : 0;
	if (!ret)
		ret = front_read_offline(front, backend, &offline);

	/* While Initialised has yet to be written, it counts as our state. */
	left = xen_drm_state_has_left(own == XenbusStateConnected ?
				      own : XenbusStateInitialised, backend);
	scoped_guard(spinlock_irqsave, &front->lock) {
		front->unread = ret;
		if (!ret) {
			left |= young && own == XenbusStateConnected &&
				backend == XenbusStateConnected && front->backend == backend;
			front->backend = backend;
			front->offline = offline;
		}
	}

	if (!ret && left)
		front_break_as_left(front, backend);
	xen_drm_front_kick(front);
}

static void xen_drm_front_otherend_changed(struct xenbus_device *xb_dev,
					   enum xenbus_state backend)
{
	struct xen_drm_front *front = dev_get_drvdata(&xb_dev->dev);
	bool young = !front->old_events;

	if (!young)
		front->old_events--;
	front_note(front, backend, young);
}

/*
 * Two others write our state. xenbus writes Closing when the guest goes down, and
 * tells drivers of no state of the backend from then on. The toolstack writes
 * Initialising when it makes the device anew; xenbus of 7.x removes the device
 * then, that of 6.12 does not. Returns whether the toolstack has ended a connection
 * in this way.
 */
static bool front_is_reset(struct xen_drm_front *front)
{
	enum xenbus_state own = front->xb_dev->state;
	int state;

	if (xenbus_scanf(XBT_NIL, front->xb_dev->nodename, "state", "%d", &state) != 1)
		return false;

	if (state == XenbusStateClosing && system_state > SYSTEM_RUNNING) {
		scoped_guard(spinlock_irqsave, &front->lock)
			front->closing = true;
		xen_drm_front_kick(front);
	}

	return state == XenbusStateInitialising && READ_ONCE(front->conn) &&
	       (own == XenbusStateInitialised || own == XenbusStateConnected);
}

/* Called for each change in our directory; the work causes one to wake the thread. */
static void xen_drm_front_own_changed(struct xenbus_watch *watch, const char *path,
				      const char *token)
{
	struct xen_drm_front *front = container_of(watch, struct xen_drm_front, watch);
	size_t len = strlen(watch->node);
	const char *node = "";

	if (!strncmp(path, watch->node, len) && path[len] == '/')
		node = path + len + 1;
	if (xen_drm_cfg_is_setting(node)) {
		scoped_guard(spinlock_irqsave, &front->lock)
			front->changed = true;
		xen_drm_front_kick(front);
	}

	if (READ_ONCE(front->unread))
		front_note(front, XenbusStateUnknown, false);
	/* After a reset the work decides anew which state it wants. */
	if (!strcmp(node, "state") && front_is_reset(front))
		xen_drm_front_break(front, "the toolstack has made the device anew");
	else
		front_write_wanted(front);
}

/*
 * A resumed guest has neither rings nor grants any more. xenbus has set our state
 * to Initialising, but does not write it to XenStore. If the toolstack has not made
 * the device anew, the old state is still there.
 */
static int xen_drm_front_resume(struct xenbus_device *xb_dev)
{
	struct xen_drm_front *front = dev_get_drvdata(&xb_dev->dev);
	int state;

	scoped_guard(spinlock_irqsave, &front->lock) {
		front->forget = true;
		front->pending = false;
		front->unwritten = false;
		front->unread = false;
		front->backend = XenbusStateUnknown;
		front->offline = false;
	}
	/* xenbus watches another path from now on, and no event of it is queued yet. */
	front->old_events = 0;
	xen_drm_front_break(front, "the guest was resumed");
	/* Tasks run again after this, and must not find mappings of pages that are gone. */
	xen_drm_front_hide_pages(front);

	if (xenbus_scanf(XBT_NIL, xb_dev->nodename, "state", "%d", &state) == 1 &&
	    state != XenbusStateInitialising)
		xenbus_printf(XBT_NIL, xb_dev->nodename, "state", "%d",
			      XenbusStateInitialising);
	xen_drm_front_kick(front);
	return 0;
}

/* ------------------------------------------------------------------------
 * Reboot
 */

/*
 * xenbus closes a device that is Connected, and the next kernel begins with one that
 * is Initialising. A state in between is of no use to it, so a reboot goes back from
 * there.
 */
static bool front_is_settled(struct xen_drm_front *front)
{
	enum xenbus_state own;
	bool settled;

	scoped_guard(spinlock_irqsave, &front->lock) {
		own = READ_ONCE(front->xb_dev->state);
		settled = !front->conn && !front->pending && own != XenbusStateInitialised;
	}
	return settled || own == XenbusStateConnected;
}

static void front_halt(struct xen_drm_front *front)
{
	scoped_guard(spinlock_irqsave, &front->lock)
		front->halted = true;
	if (front->xb_dev->state != XenbusStateConnected)
		xen_drm_front_break(front, "the guest is restarted");
	xen_drm_front_kick(front);
}

static bool fronts_are_settled(void)
{
	struct xen_drm_front *front;

	guard(mutex)(&xen_drm_fronts_lock);

	list_for_each_entry(front, &xen_drm_fronts, node)
		if (!front_is_settled(front))
			return false;
	return true;
}

static int xen_drm_front_reboot(struct notifier_block *nb, unsigned long action, void *data)
{
	struct xen_drm_front *front;
	unsigned int ms;

	if (action != SYS_RESTART)
		return NOTIFY_DONE;

	scoped_guard(mutex, &xen_drm_fronts_lock)
		list_for_each_entry(front, &xen_drm_fronts, node)
			front_halt(front);

	for (ms = 0; ms < HALT_PATIENCE_MS && !fronts_are_settled(); ms += HALT_POLL_MS)
		msleep(HALT_POLL_MS);
	return NOTIFY_DONE;
}

static struct notifier_block front_reboot_notifier = {
	.notifier_call = xen_drm_front_reboot,
};

/* ------------------------------------------------------------------------
 * Probe and remove
 */

static int xen_drm_front_show(struct seq_file *m, void *unused)
{
	struct xen_drm_front *front = m->private;
	struct xen_drm_front_stats stats;

	scoped_guard(spinlock_irqsave, &front->lock)
		stats = front->stats;

	seq_printf(m, "trusted: %d\n", stats.trusted);
	seq_printf(m, "state: %d\n", READ_ONCE(front->xb_dev->state));
	seq_printf(m, "connections: %u\n", stats.connections);
	seq_printf(m, "faults: %u\n", stats.faults);
	seq_printf(m, "last_fault: %s\n", stats.last_fault);
	seq_printf(m, "deferred_pages: %lu\n",
		   xen_drm_grants_deferred(front->xb_dev->otherend_id));
	seq_printf(m, "max_deferred_pages: %lu\n", xen_drm_grants_max_deferred());
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(xen_drm_front);

static struct platform_device *front_create_parent(struct xen_drm_front *front)
{
	char name[24];
	struct platform_device_info info = {
		.parent = &front->xb_dev->dev,
		.name = name,
		.id = PLATFORM_DEVID_NONE,
		/* Contiguous buffers are allocated for this device, though it does no DMA. */
		.dma_mask = DMA_BIT_MASK(64),
	};

	/* libdrm knows devices by their names alone, so each has a name of its own. */
	snprintf(name, sizeof(name), "xen-vdispl.%d", front->number);
	return platform_device_register_full(&info);
}

static int front_init(struct xen_drm_front *front, struct xenbus_device *xb_dev)
{
	int ret;

	front->xb_dev = xb_dev;
	ret = kstrtoint(kbasename(xb_dev->nodename), 10, &front->number);
	if (ret)
		return ret;
	INIT_DELAYED_WORK(&front->work, xen_drm_front_work);
	spin_lock_init(&front->lock);
	front->resume_at = jiffies;

	front->parent = front_create_parent(front);
	return PTR_ERR_OR_ZERO(front->parent);
}

static void front_enlist(struct xen_drm_front *front)
{
	guard(mutex)(&xen_drm_fronts_lock);

	list_add_tail(&front->node, &xen_drm_fronts);
}

static void front_delist(struct xen_drm_front *front)
{
	guard(mutex)(&xen_drm_fronts_lock);

	list_del(&front->node);
}

/* xenbus tells of the backend's state right after this, which kicks the work. */
static int xen_drm_front_probe(struct xenbus_device *xb_dev,
			       const struct xenbus_device_id *id)
{
	struct xen_drm_front *front;
	int ret;

	front = kzalloc_obj(*front);
	if (!front)
		return -ENOMEM;
	ret = front_init(front, xb_dev);
	if (ret)
		goto err_free;

	dev_set_drvdata(&xb_dev->dev, front);
	front_enlist(front);
	ret = xenbus_watch_pathfmt(xb_dev, &front->watch, NULL, xen_drm_front_own_changed,
				   "%s", xb_dev->nodename);
	if (ret)
		goto err_delist;

	front->debugfs = debugfs_create_file(dev_name(&xb_dev->dev), 0400, front_debugfs,
					     front, &xen_drm_front_fops);
	return 0;

err_delist:
	front_delist(front);
	platform_device_unregister(front->parent);
err_free:
	kfree(front);
	return ret;
}

/*
 * The xenwatch thread may run this. Clients keep their files, buffers and mappings
 * until they close them.
 */
static void xen_drm_front_remove(struct xenbus_device *xb_dev)
{
	struct xen_drm_front *front = dev_get_drvdata(&xb_dev->dev);

	debugfs_remove(front->debugfs);
	front_delist(front);
	unregister_xenbus_watch(&front->watch);
	kfree(front->watch.node);

	scoped_guard(spinlock_irqsave, &front->lock)
		front->removed = true;
	/* The work may wait for a reply, which this ends. */
	xen_drm_front_break(front, "the driver is unbound");
	cancel_delayed_work_sync(&front->work);

	xen_drm_front_end(front);
	platform_device_unregister(front->parent);
	kfree(front);
}

static const struct xenbus_device_id front_ids[] = {
	{ "vdispl" },
	{ "" }
};
MODULE_ALIAS("xen:vdispl");

static struct xenbus_driver front_driver = {
	/* Devices are probed in the order of the toolstack, which cards have, too. */
	.driver.probe_type = PROBE_FORCE_SYNCHRONOUS,
	.ids = front_ids,
	.probe = xen_drm_front_probe,
	.remove = xen_drm_front_remove,
	.resume = xen_drm_front_resume,
	.otherend_changed = xen_drm_front_otherend_changed,
	.not_essential = true,
	.allow_rebind = true,
};

/* ------------------------------------------------------------------------
 * Module
 */

static int __init xen_drm_front_init(void)
{
	int ret;

	if (!xen_domain() || !xen_has_pv_devices() || drm_firmware_drivers_only())
		return -ENODEV;

	ret = xen_drm_grants_init();
	if (ret)
		return ret;

	xen_drm_front_wq = alloc_ordered_workqueue("xen_drm_front", WQ_FREEZABLE);
	if (!xen_drm_front_wq) {
		ret = -ENOMEM;
		goto err_exit_grants;
	}

	front_debugfs = debugfs_create_dir("xen_drm_front", NULL);
	register_reboot_notifier(&front_reboot_notifier);
	ret = xenbus_register_frontend(&front_driver);
	if (ret)
		goto err_unregister_reboot;
	return 0;

err_unregister_reboot:
	unregister_reboot_notifier(&front_reboot_notifier);
	debugfs_remove(front_debugfs);
	destroy_workqueue(xen_drm_front_wq);
err_exit_grants:
	xen_drm_grants_exit();
	return ret;
}
module_init(xen_drm_front_init);

static void __exit xen_drm_front_exit(void)
{
	xenbus_unregister_driver(&front_driver);
	unregister_reboot_notifier(&front_reboot_notifier);
	debugfs_remove(front_debugfs);
	destroy_workqueue(xen_drm_front_wq);
	xen_drm_grants_exit();
}
module_exit(xen_drm_front_exit);

MODULE_DESCRIPTION("Xen para-virtualised display frontend");
MODULE_LICENSE("Dual MIT/GPL");
