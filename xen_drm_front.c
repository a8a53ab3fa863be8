// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: the bus device and its state machine.
 */

#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include <drm/drm_atomic_helper.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_managed.h>
#include <drm/drm_module.h>
#include <drm/drm_print.h>

#include <kunit/visibility.h>

#include <xen/xen.h>

#include "xen_drm_front.h"

/**
 * DOC: State machine
 *
 * Nothing remembers what the backend did before. Whenever its state or ours
 * changes, a connection breaks, or a display is released, the states are looked
 * at as they are then, the step that xen_drm_front_next_step() names is taken,
 * and they are looked at again, until there is none. So states that the backend
 * repeats, skips, or passes too fast to be seen need no care of their own, with
 * one exception: a backend that leaves and is back before anybody looks. The
 * watch latches the connection for that.
 *
 * Two threads take the steps. The xenwatch thread serves every device of the
 * guest, so it must not wait for the backend or for clients; it takes CONNECT,
 * REOPEN and CLOSE. It has to, because it is also where the core compares our
 * state in XenStore with the core's own record, and takes a device that is
 * Initialising in one and not in the other for one that the toolstack has reset:
 * a switch from or to Initialising in any other thread would race with that.
 * ESTABLISH and LOSE, which are long, are left to a work item. Since the former
 * begin in Initialising or Reconfiguring and the latter in Initialised or
 * Connected, there is one thread that may switch the state at any time.
 *
 * Whatever ends a connection, LOSE is the one way out of it: waiters are woken
 * by the latch, pending flips are completed with an error, the display is
 * unplugged, rings and event channels are closed, and the grants of all buffers
 * are revoked. While clients still hold the old display the state is
 * Reconfiguring; then, or at once if there are none, it is Initialising, and
 * the next InitWait of the backend starts a new connection with a new display.
 * A backend that broke the protocol or cycles through its states is held off for
 * a while then, and so is one that keeps too many pages mapped.
 */

static bool trusted = true;
module_param(trusted, bool, 0444);
MODULE_PARM_DESC(trusted, "Is the backend trusted to allocate buffers and to see other drivers' (default Y)");

/*
 * After the backend broke the protocol, or a connection of less than this time,
 * how long to wait for the next try.
 */
#define XEN_DRM_FRONT_HOLD_OFF	(2 * HZ)
/* How often to look whether the backend has let go of enough pages. */
#define XEN_DRM_FRONT_HELD_POLL	HZ
/* How long a backend may take from our Initialised to its Connected. */
#define XEN_DRM_FRONT_PATIENCE	(10 * HZ)

/** struct front_stats - what an administrator may want to know */
struct front_stats {
	/** @trusted: the backend is, as parameter and toolstack say */
	bool trusted;
	/** @connections: begun since the driver was bound */
	unsigned int connections;
	/** @faults: connections in which the backend broke the protocol */
	unsigned int faults;
	/** @last_fault: how it did so last */
	char last_fault[XEN_DRM_FRONT_FAULT_LEN];
};

/**
 * struct xen_drm_front - the bus device
 *
 * Allocated at probe. Reference counted, because a display tells it about its
 * own end, which may come after remove.
 */
struct xen_drm_front {
	/** @ref: held by the driver until remove, and by each display */
	struct kref ref;
	/** @xb_dev: only used by probe, remove, the watches and @work */
	struct xenbus_device *xb_dev;
	/** @watch: of our own state, which is how others call the xenwatch thread */
	struct xenbus_watch watch;
	/** @work: takes the steps ESTABLISH and LOSE */
	struct delayed_work work;
	/** @rebound: the device was bound before; xenwatch thread only */
	bool rebound;
	/** @held: pages that the backend still maps */
	struct xen_drm_front_held held;
	/** @orphan: in front_orphans after remove, while pages may be held */
	struct list_head orphan;
	/** @debugfs: file that shows @stats */
	struct dentry *debugfs;
	/**
	 * @lock: protects @removed, @conn and @stats. Taken in tasks and work
	 * items, also with a channel's lock held
	 */
	spinlock_t lock;
	/** @removed: @work may not be queued any more */
	bool removed;
	/** @conn: the present connection; set by CONNECT, cleared by LOSE and remove */
	struct xen_drm_front_conn *conn;
	/** @display: of @conn, NULL before it is made; @work and remove only */
	struct xen_drm_front_display *display;
	/** @display_group: devres group that owns @display's first reference */
	void *display_group;
	/** @displays: not yet released; 1 at most unless clients linger */
	atomic_t displays;
	/** @cfg: of @conn, constant as long as there is one */
	struct xen_drm_front_cfg cfg;
	/** @stats: for debugfs */
	struct front_stats stats;
	/** @began_at: jiffies when the present connection was begun */
	unsigned long began_at;
	/** @resume_at: jiffies before which no connection is tried */
	unsigned long resume_at;
	/** @answer_by: jiffies when the backend should have taken up the rings */
	unsigned long answer_by;
};

/*
 * For all work items of the driver, so that none outlives the module. Frozen
 * while the guest is suspended, when paths in XenStore change.
 */
struct workqueue_struct *xen_drm_front_wq;
/* A file for each bus device. */
static struct dentry *xen_drm_front_debugfs;

/*
 * Bus devices that are gone, of which the backend still mapped pages then. Removals
 * may come in several threads.
 */
static LIST_HEAD(front_orphans);
static DEFINE_MUTEX(front_orphans_lock);

static void front_release(struct kref *ref)
{
	kfree(container_of(ref, struct xen_drm_front, ref));
}

static void front_kick(struct xen_drm_front *front)
{
	spin_lock(&front->lock);
	if (!front->removed)
		mod_delayed_work(xen_drm_front_wq, &front->work, 0);
	spin_unlock(&front->lock);
}

/* Does not postpone a work that is queued already. */
static void front_kick_at(struct xen_drm_front *front, unsigned long when)
{
	unsigned long now = jiffies;

	spin_lock(&front->lock);
	if (!front->removed)
		queue_delayed_work(xen_drm_front_wq, &front->work,
				   time_after(when, now) ? when - now : 0);
	spin_unlock(&front->lock);
}

/* ------------------------------------------------------------------------
 * Display
 */

DEFINE_DRM_GEM_FOPS(xen_drm_front_fops);

static const struct drm_driver xen_drm_front_drm_driver = {
	.driver_features = DRIVER_GEM | DRIVER_MODESET | DRIVER_ATOMIC,
	.fops = &xen_drm_front_fops,
	.name = "xendrm-du",
	.desc = "Xen para-virtualised display",
	.major = 1,
	.minor = 0,
	.gem_create_object = xen_drm_front_gem_create_object,
	.gem_prime_import = xen_drm_front_gem_prime_import,
	.gem_prime_import_sg_table = xen_drm_front_gem_prime_import_sg_table,
	.dumb_create = xen_drm_front_gem_dumb_create,
};

/* The last file, mapping and dma-buf is gone. Any context that may sleep. */
static void display_release(struct drm_device *drm, void *unused)
{
	struct xen_drm_front_display *display = to_xen_drm_front_display(drm);
	struct xen_drm_front *front = display->front;

	xen_drm_front_conn_put(display->conn);
	atomic_dec(&front->displays);
	front_kick(front);
	kref_put(&front->ref, front_release);
}

static int display_init(struct xen_drm_front_display *display,
			struct xen_drm_front *front)
{
	struct drm_device *drm = &display->drm;
	int ret;

	kref_get(&front->ref);
	atomic_inc(&front->displays);
	display->front = front;
	display->conn = xen_drm_front_conn_get(front->conn);
	ret = drmm_add_action_or_reset(drm, display_release, NULL);
	if (ret)
		return ret;

	display->cfg = front->cfg;
	INIT_LIST_HEAD(&display->dbufs);
	INIT_LIST_HEAD(&display->fbs);
	ret = drmm_mutex_init(drm, &display->lock);
	if (ret)
		return ret;

	return xen_drm_front_kms_init(display);
}

/*
 * The devres group is what lets go of a display whose connection ended, while
 * the bus device stays bound.
 */
static int display_create(struct xen_drm_front *front)
{
	struct device *dev = &front->xb_dev->dev;
	struct xen_drm_front_display *display;
	int ret;

	front->display_group = devres_open_group(dev, NULL, GFP_KERNEL);
	if (!front->display_group)
		return -ENOMEM;

	display = devm_drm_dev_alloc(dev, &xen_drm_front_drm_driver,
				     struct xen_drm_front_display, drm);
	ret = PTR_ERR_OR_ZERO(display);
	if (!ret)
		ret = display_init(display, front);
	devres_close_group(dev, front->display_group);
	if (ret)
		goto err_release_group;

	xen_drm_front_conn_set_sink(front->conn, display);
	ret = drm_dev_register(&display->drm, 0);
	if (ret)
		goto err_withdraw_sink;

	front->display = display;
	return 0;

err_withdraw_sink:
	xen_drm_front_conn_set_sink(front->conn, NULL);
err_release_group:
	devres_release_group(dev, front->display_group);
	return ret;
}

/* The connection is latched. On return clients have their errors and events. */
static void display_destroy(struct xen_drm_front *front)
{
	struct xen_drm_front_display *display = front->display;

	xen_drm_front_conn_set_sink(display->conn, NULL);
	xen_drm_front_kms_abort(display);
	drm_dev_unplug(&display->drm);
	drm_atomic_helper_shutdown(&display->drm);
	xen_drm_front_dbuf_unshare_all(display);

	front->display = NULL;
	devres_release_group(&front->xb_dev->dev, front->display_group);
}

static bool front_flip_done(void *sink, unsigned int index, u64 cookie, int error)
{
	return xen_drm_front_kms_flip_done(sink, index, cookie, error);
}

static void front_conn_broken(void *owner, const char *fault)
{
	struct xen_drm_front *front = owner;

	if (fault) {
		spin_lock(&front->lock);
		front->stats.faults++;
		strscpy(front->stats.last_fault, fault);
		spin_unlock(&front->lock);
	}
	front_kick(front);
}

static const struct xen_drm_front_conn_ops front_conn_ops = {
	.flip_done = front_flip_done,
	.broken = front_conn_broken,
};

/* ------------------------------------------------------------------------
 * State machine
 */

/* What a backend does that no longer knows of its connection with us. */
static bool backend_has_left(enum xenbus_state own, enum xenbus_state backend)
{
	switch (backend) {
	case XenbusStateConnected:
		return false;
	case XenbusStateInitWait:
	case XenbusStateInitialised:
		/* Before Connected it just has not yet seen our rings. */
		return own == XenbusStateConnected;
	default:
		return true;
	}
}

/**
 * xen_drm_front_next_step - decide what to do
 * @own: our state in XenStore
 * @backend: the backend's state
 * @backend_online: the toolstack wants the device to be there
 * @conn_broken: there is a connection and it is latched
 * @in_use: a display of an earlier connection still has clients
 *
 * Implements displif.h, "States". A freshly started backend may pass Closing and
 * Closed before it is ready; it would wait for ever if that closed us.
 *
 * Returns: the step.
 */
enum xen_drm_front_step
xen_drm_front_next_step(enum xenbus_state own, enum xenbus_state backend,
			bool backend_online, bool conn_broken, bool in_use)
{
	bool leaving = !backend_online && (backend == XenbusStateClosing ||
					   backend == XenbusStateClosed);

	if (conn_broken)
		return XEN_DRM_FRONT_LOSE;

	switch (own) {
	case XenbusStateInitialising:
		if (leaving)
			return XEN_DRM_FRONT_CLOSE;
		if (backend == XenbusStateInitWait)
			return XEN_DRM_FRONT_CONNECT;
		return XEN_DRM_FRONT_STAY;
	case XenbusStateInitialised:
		if (backend_has_left(own, backend))
			return XEN_DRM_FRONT_LOSE;
		if (backend == XenbusStateConnected)
			return XEN_DRM_FRONT_ESTABLISH;
		return XEN_DRM_FRONT_STAY;
	case XenbusStateConnected:
		if (backend_has_left(own, backend))
			return XEN_DRM_FRONT_LOSE;
		return XEN_DRM_FRONT_STAY;
	case XenbusStateReconfiguring:
		if (leaving)
			return XEN_DRM_FRONT_CLOSE;
		if (!in_use)
			return XEN_DRM_FRONT_REOPEN;
		/* The backend need not wait for clients that do not go. */
		if (backend == XenbusStateInitWait)
			return XEN_DRM_FRONT_CONNECT;
		return XEN_DRM_FRONT_STAY;
	default:
		return XEN_DRM_FRONT_STAY;
	}
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_next_step);

static struct xen_drm_front_conn *front_get_conn(struct xen_drm_front *front)
{
	struct xen_drm_front_conn *conn;

	spin_lock(&front->lock);
	conn = front->conn ? xen_drm_front_conn_get(front->conn) : NULL;
	spin_unlock(&front->lock);
	return conn;
}

static void front_conn_gone(struct xen_drm_front *front, const char *why)
{
	struct xen_drm_front_conn *conn = front_get_conn(front);

	if (!conn)
		return;
	xen_drm_front_conn_gone(conn, why);
	xen_drm_front_conn_put(conn);
}

static void front_set_conn(struct xen_drm_front *front,
			   struct xen_drm_front_conn *conn)
{
	spin_lock(&front->lock);
	front->conn = conn;
	spin_unlock(&front->lock);
}

/* A connection that does not work out; the error node says why. */
static void front_drop_conn(struct xen_drm_front *front)
{
	struct xen_drm_front_conn *conn = front->conn;

	xen_drm_front_conn_gone(conn, "it could not be established");
	front_set_conn(front, NULL);
	xen_drm_front_conn_close(conn);
	xen_drm_front_conn_put(conn);
}

static int front_check_buffer_mode(struct xen_drm_front *front)
{
	const char *reason = NULL;

	if (!front->cfg.be_alloc)
		return 0;

	if (!trusted)
		reason = "the module's parameter trusted=0 forbids it";
	else if (!front->cfg.trusted)
		reason = "the device's node trusted=0 forbids it";
	else if (IS_ENABLED(CONFIG_DRM_XEN_FRONTEND_CMA))
		reason = "CONFIG_DRM_XEN_FRONTEND_CMA makes them contiguous here";
	else if (xen_pv_domain())
		reason = "a PV guest cannot map them, PVH, HVM and Arm can";
	else if (PAGE_SIZE != XEN_PAGE_SIZE)
		reason = "pages of more than 4 KiB cannot map them";
	if (!reason)
		return 0;

	xenbus_dev_error(front->xb_dev, -EOPNOTSUPP,
			 "be-alloc=1 asks for buffers of the backend, but %s: set be-alloc=0",
			 reason);
	return -EOPNOTSUPP;
}

static int front_connect(struct xen_drm_front *front)
{
	struct xenbus_device *xb_dev = front->xb_dev;
	struct xen_drm_front_conn *conn;
	int ret;

	ret = xen_drm_front_cfg_read(xb_dev, &front->cfg);
	if (!ret)
		ret = front_check_buffer_mode(front);
	if (ret)
		return ret;
	front->cfg.trusted &= trusted;

	conn = xen_drm_front_conn_alloc(&xb_dev->dev, &front->held, xb_dev->otherend_id,
					front->cfg.num_connectors,
					front->cfg.version, &front_conn_ops, front);
	if (!conn) {
		xenbus_dev_error(xb_dev, -ENOMEM, "allocating the connection");
		return -ENOMEM;
	}
	front_set_conn(front, conn);

	ret = xen_drm_front_conn_open(conn, xb_dev);
	if (!ret)
		ret = xen_drm_front_conn_publish(conn, xb_dev,
						 front->cfg.version_offered);
	if (ret) {
		xenbus_dev_error(xb_dev, ret, "setting up rings of %u connectors",
				 front->cfg.num_connectors);
		front_drop_conn(front);
		return ret;
	}

	spin_lock(&front->lock);
	front->stats.trusted = front->cfg.trusted;
	front->stats.connections++;
	spin_unlock(&front->lock);
	front->began_at = jiffies;
	front->answer_by = jiffies + XEN_DRM_FRONT_PATIENCE;
	xenbus_switch_state(xb_dev, XenbusStateInitialised);
	front_kick_at(front, front->answer_by);
	return 0;
}

static int front_establish(struct xen_drm_front *front)
{
	int ret;

	ret = display_create(front);
	if (ret) {
		xenbus_dev_error(front->xb_dev, ret, "creating the DRM device");
		front_drop_conn(front);
		return ret;
	}

	xenbus_switch_state(front->xb_dev, XenbusStateConnected);
	return 0;
}

static bool front_in_use(struct xen_drm_front *front)
{
	return atomic_read(&front->displays);
}

/* Everything of the connection; clients of the display may linger. */
static void front_lose(struct xen_drm_front *front)
{
	struct xen_drm_front_conn *conn = front->conn;

	if (!conn)
		return;

	xen_drm_front_conn_gone(conn, "the backend has left");
	if (front->display)
		display_destroy(front);
	front_set_conn(front, NULL);
	xen_drm_front_conn_close(conn);
	if (READ_ONCE(conn->at_fault) ||
	    time_before(jiffies, front->began_at + XEN_DRM_FRONT_HOLD_OFF))
		front->resume_at = jiffies + XEN_DRM_FRONT_HOLD_OFF;
	xen_drm_front_conn_put(conn);
}

/*
 * While we are Reconfiguring, which each connection passes through at its end.
 * Returns whether to wait; if so, the work looks again.
 */
static bool front_holds_off(struct xen_drm_front *front)
{
	unsigned long until = front->resume_at;

	if (front->xb_dev->state != XenbusStateReconfiguring)
		return false;

	if (xen_drm_front_held_is_full(&front->held))
		until = jiffies + XEN_DRM_FRONT_HELD_POLL;
	if (time_after_eq(jiffies, until))
		return false;
	front_kick_at(front, until);
	return true;
}

static enum xen_drm_front_step front_decide(struct xen_drm_front *front)
{
	struct xenbus_device *xb_dev = front->xb_dev;
	enum xenbus_state own = READ_ONCE(xb_dev->state);
	struct xen_drm_front_conn *conn;
	enum xen_drm_front_step step;
	unsigned int backend, online;
	bool broken = false;

	backend = xenbus_read_unsigned(xb_dev->otherend, "state",
				       XenbusStateUnknown);
	online = xenbus_read_unsigned(xb_dev->otherend, "online", 1);
	conn = front_get_conn(front);
	if (conn) {
		broken = xen_drm_front_conn_is_broken(conn);
		xen_drm_front_conn_put(conn);
	}

	step = xen_drm_front_next_step(own, backend, online, broken,
				       front_in_use(front));
	dev_dbg(&xb_dev->dev, "own state %d, backend %u: step %d\n", own, backend,
		step);
	return step;
}

/*
 * Has the xenwatch thread look at the states, by writing ours once more. If it
 * is not what it was, somebody has just changed it, and the thread looks anyway.
 */
static void front_wake_xenwatch(struct xen_drm_front *front)
{
	struct xenbus_device *xb_dev = front->xb_dev;
	enum xenbus_state own = READ_ONCE(xb_dev->state);
	struct xenbus_transaction xbt;
	int state, ret;

	ret = xenbus_transaction_start(&xbt);
	if (ret)
		goto err_report;
	if (xenbus_scanf(xbt, xb_dev->nodename, "state", "%d", &state) != 1 ||
	    state != own) {
		xenbus_transaction_end(xbt, 1);
		return;
	}
	ret = xenbus_printf(xbt, xb_dev->nodename, "state", "%d", own);
	if (ret) {
		xenbus_transaction_end(xbt, 1);
		goto err_report;
	}
	ret = xenbus_transaction_end(xbt, 0);
	if (!ret || ret == -EAGAIN)
		return;

err_report:
	xenbus_dev_error(xb_dev, ret, "writing the state");
}

/* The xenwatch thread's share of the steps. */
static void front_step_in_xenwatch(struct xen_drm_front *front)
{
	struct xenbus_device *xb_dev = front->xb_dev;

	if (front->rebound) {
		front->rebound = false;
		xenbus_switch_state(xb_dev, XenbusStateInitialising);
	}

	for (;;) {
		switch (front_decide(front)) {
		case XEN_DRM_FRONT_CONNECT:
			if (front_holds_off(front))
				return;
			if (!front_connect(front))
				continue;
			/* The error node says why; a new try needs a new device. */
			xenbus_switch_state(xb_dev, XenbusStateClosed);
			return;
		case XEN_DRM_FRONT_REOPEN:
			if (front_holds_off(front))
				return;
			xenbus_switch_state(xb_dev, XenbusStateInitialising);
			continue;
		case XEN_DRM_FRONT_CLOSE:
			xenbus_frontend_closed(xb_dev);
			return;
		case XEN_DRM_FRONT_LOSE:
		case XEN_DRM_FRONT_ESTABLISH:
			front_kick(front);
			return;
		case XEN_DRM_FRONT_STAY:
			return;
		}
	}
}

/*
 * A backend that restarts between our Initialised and its look at it may wait
 * for the handshake to begin anew, while all that we saw is InitWait, as before.
 */
static void front_check_patience(struct xen_drm_front *front)
{
	if (front->xb_dev->state == XenbusStateInitialised &&
	    time_after_eq(jiffies, front->answer_by))
		front_conn_gone(front, "the backend does not take up the rings");
}

/* Returns whether to look at the states again. */
static bool front_step_in_work(struct xen_drm_front *front)
{
	struct xenbus_device *xb_dev = front->xb_dev;

	switch (front_decide(front)) {
	case XEN_DRM_FRONT_LOSE:
		front_lose(front);
		/* After a resume the core has reset the state already. */
		if (xb_dev->state == XenbusStateInitialising)
			front_wake_xenwatch(front);
		else
			xenbus_switch_state(xb_dev, XenbusStateReconfiguring);
		return false;
	case XEN_DRM_FRONT_ESTABLISH:
		if (!front_establish(front))
			return true;
		/* The error node says why; a new try needs a new device. */
		xenbus_switch_state(xb_dev, XenbusStateClosed);
		return false;
	case XEN_DRM_FRONT_CONNECT:
	case XEN_DRM_FRONT_REOPEN:
	case XEN_DRM_FRONT_CLOSE:
		/* Elsewhere the xenwatch thread is on its way by itself. */
		if (xb_dev->state == XenbusStateReconfiguring && !front_holds_off(front))
			front_wake_xenwatch(front);
		return false;
	case XEN_DRM_FRONT_STAY:
		if (xb_dev->state == XenbusStateInitialised)
			front_kick_at(front, front->answer_by);
		return false;
	}
	return false;
}

static void front_work(struct work_struct *work)
{
	struct xen_drm_front *front =
		container_of(to_delayed_work(work), struct xen_drm_front, work);

	do {
		front_check_patience(front);
	} while (front_step_in_work(front));
}

/* A backend that left may be back before anybody looks, hence the latch. */
static void front_otherend_changed(struct xenbus_device *xb_dev,
				   enum xenbus_state backend)
{
	struct xen_drm_front *front = dev_get_drvdata(&xb_dev->dev);

	if ((xb_dev->state == XenbusStateInitialised ||
	     xb_dev->state == XenbusStateConnected) &&
	    backend_has_left(xb_dev->state, backend))
		front_conn_gone(front, "the backend has left Connected");
	front_step_in_xenwatch(front);
}

static void front_own_state_changed(struct xenbus_watch *watch,
				    const char *path, const char *token)
{
	front_step_in_xenwatch(container_of(watch, struct xen_drm_front, watch));
}

static int front_show(struct seq_file *m, void *unused)
{
	struct xen_drm_front *front = m->private;
	struct front_stats stats;

	spin_lock(&front->lock);
	stats = front->stats;
	spin_unlock(&front->lock);

	seq_printf(m, "trusted: %d\n", stats.trusted);
	seq_printf(m, "state: %d\n", READ_ONCE(front->xb_dev->state));
	seq_printf(m, "connections: %u\n", stats.connections);
	seq_printf(m, "faults: %u\n", stats.faults);
	seq_printf(m, "last_fault: %s\n", stats.last_fault);
	seq_printf(m, "held_pages: %lu\n", READ_ONCE(front->held.num_pages));
	seq_printf(m, "max_held_pages: %lu\n", front->held.max_pages);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(front);

static int front_probe(struct xenbus_device *xb_dev,
		       const struct xenbus_device_id *id)
{
	struct xen_drm_front *front;
	int ret;

	/* Imported dma-bufs are mapped for this device, though it does no DMA. */
	ret = dma_coerce_mask_and_coherent(&xb_dev->dev, DMA_BIT_MASK(64));
	if (ret)
		return ret;

	front = kzalloc_obj(*front);
	if (!front)
		return -ENOMEM;

	kref_init(&front->ref);
	front->xb_dev = xb_dev;
	front->rebound = xb_dev->state != XenbusStateInitialising;
	INIT_DELAYED_WORK(&front->work, front_work);
	xen_drm_front_held_init(&front->held);
	spin_lock_init(&front->lock);
	front->resume_at = jiffies;
	dev_set_drvdata(&xb_dev->dev, front);

	/* Its first event comes at once, and starts all. */
	ret = xenbus_watch_pathfmt(xb_dev, &front->watch, NULL,
				   front_own_state_changed, "%s/state",
				   xb_dev->nodename);
	if (ret) {
		kref_put(&front->ref, front_release);
		return ret;
	}

	front->debugfs = debugfs_create_file(dev_name(&xb_dev->dev), 0400,
					     xen_drm_front_debugfs, front, &front_fops);
	return 0;
}

/* Those that have nothing left to wait for. */
static void front_release_orphans(void)
{
	struct xen_drm_front *front, *next;

	lockdep_assert_held(&front_orphans_lock);

	list_for_each_entry_safe(front, next, &front_orphans, orphan) {
		if (!xen_drm_front_held_finish(&front->held))
			continue;
		list_del(&front->orphan);
		kref_put(&front->ref, front_release);
	}
}

/* The module goes: what is still held after a while is left to the grant table. */
static void front_abandon_orphans(void)
{
	struct xen_drm_front *front;
	unsigned int tries = 10;

	guard(mutex)(&front_orphans_lock);

	for (front_release_orphans(); !list_empty(&front_orphans) && tries--;
	     front_release_orphans())
		msleep(200);

	list_for_each_entry(front, &front_orphans, orphan)
		xen_drm_front_held_hand_over(&front->held);
	front_release_orphans();
}

/*
 * Possibly in the xenwatch thread. With clients or without: they keep what is
 * theirs until they go.
 */
static void front_remove(struct xenbus_device *xb_dev)
{
	struct xen_drm_front *front = dev_get_drvdata(&xb_dev->dev);

	debugfs_remove(front->debugfs);
	unregister_xenbus_watch(&front->watch);
	kfree(front->watch.node);

	spin_lock(&front->lock);
	front->removed = true;
	spin_unlock(&front->lock);
	/* The work may wait for a reply. */
	front_conn_gone(front, "the driver is unbound");
	cancel_delayed_work_sync(&front->work);

	front_lose(front);
	/* From Initialising it would be no news, but race with the core. */
	if (xb_dev->state != XenbusStateInitialising)
		xenbus_frontend_closed(xb_dev);

	/* The backend has not had the time to unmap anything. */
	guard(mutex)(&front_orphans_lock);

	list_add(&front->orphan, &front_orphans);
	front_release_orphans();
}

/*
 * After a migration neither rings nor grants are there any more. The core has
 * set our state to Initialising.
 */
static int front_resume(struct xenbus_device *xb_dev)
{
	struct xen_drm_front *front = dev_get_drvdata(&xb_dev->dev);

	front_conn_gone(front, "the guest was resumed");
	front_kick(front);
	return 0;
}

static const struct xenbus_device_id front_ids[] = {
	{ XENDISPL_DRIVER_NAME },
	{ "" }
};
MODULE_ALIAS("xen:" XENDISPL_DRIVER_NAME);

static struct xenbus_driver front_driver = {
	.ids = front_ids,
	.probe = front_probe,
	.remove = front_remove,
	.resume = front_resume,
	.otherend_changed = front_otherend_changed,
	.not_essential = true,
	.allow_rebind = true,
};

static int __init xen_drm_front_init(void)
{
	int ret;

	if (!xen_domain() || drm_firmware_drivers_only())
		return -ENODEV;

	xen_drm_front_wq = alloc_workqueue("xen_drm_front", WQ_FREEZABLE | WQ_UNBOUND, 0);
	if (!xen_drm_front_wq)
		return -ENOMEM;

	xen_drm_front_debugfs = debugfs_create_dir("xen_drm_front", NULL);
	ret = xenbus_register_frontend(&front_driver);
	if (ret) {
		debugfs_remove(xen_drm_front_debugfs);
		destroy_workqueue(xen_drm_front_wq);
	}
	return ret;
}
module_init(xen_drm_front_init);

static void __exit xen_drm_front_exit(void)
{
	xenbus_unregister_driver(&front_driver);
	front_abandon_orphans();
	debugfs_remove(xen_drm_front_debugfs);
	destroy_workqueue(xen_drm_front_wq);
}
module_exit(xen_drm_front_exit);

MODULE_DESCRIPTION("Xen para-virtualised display frontend");
MODULE_LICENSE("Dual MIT/GPL");
