// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: the steps of the bus device. They are
 * taken by its work, one at a time.
 */

#include "xen_drm_front_bus.h"

#include <linux/device.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include <xen/page.h>
#include <xen/xen.h>

#include "xen_drm_front_cfg.h"
#include "xen_drm_front_conn.h"
#include "xen_drm_front_display.h"
#include "xen_drm_front_state.h"

static bool trusted = true;
module_param(trusted, bool, 0444);
MODULE_PARM_DESC(trusted, "May the backend allocate buffers and map those of other drivers (default Y)");

static unsigned int hold_off_max = 64;
module_param(hold_off_max, uint, 0644);
MODULE_PARM_DESC(hold_off_max, "Longest hold-off of a backend that fails again and again, in seconds (default 64)");

/* Time that a backend which was killed has to come back, and to read our state. */
#define FRONT_RETIREMENT	(60 * HZ)
/* Time that a new display lets those with lower numbers become cards first. */
#define FRONT_TURN		(2 * HZ)
#define FRONT_TURN_POLL		(HZ / 10)

static void xen_drm_front_conn_broken(void *owner, const char *fault)
{
	struct xen_drm_front *front = owner;

	if (fault) {
		scoped_guard(spinlock_irqsave, &front->lock) {
			front->stats.faults++;
			strscpy(front->stats.last_fault, fault);
		}
	}
	xen_drm_front_kick(front);
}

static void xen_drm_front_conn_missed(void *owner)
{
	xen_drm_front_kick(owner);
}

static void xen_drm_front_conn_answers(void *owner)
{
	struct xen_drm_front *front = owner;

	scoped_guard(spinlock_irqsave, &front->lock)
		front->answers = true;
	xen_drm_front_kick(front);
}

static const struct xen_drm_conn_ops front_conn_ops = {
	.broken = xen_drm_front_conn_broken,
	.missed = xen_drm_front_conn_missed,
	.answers = xen_drm_front_conn_answers,
};

/**
 * xen_drm_front_hold_off_time - tell how long to wait for the next connection
 * @front: the bus device
 *
 * Context: the work.
 *
 * Returns: seconds.
 */
unsigned int xen_drm_front_hold_off_time(const struct xen_drm_front *front)
{
	return min(xen_drm_state_hold_off(front->level), READ_ONCE(hold_off_max));
}

/**
 * xen_drm_front_hold_off - account for the end of a connection
 * @front: the bus device
 * @seconds: how long the connection lasted
 * @fault: whether it ended by a fault, or could not be made
 *
 * Context: the work.
 */
void xen_drm_front_hold_off(struct xen_drm_front *front, unsigned int seconds, bool fault)
{
	unsigned int hold_off;

	front->level = xen_drm_state_level(front->level, seconds, fault);
	hold_off = xen_drm_front_hold_off_time(front);
	front->resume_at = jiffies + hold_off * HZ;
	if (hold_off)
		dev_dbg(&front->xb_dev->dev, "no connection for %u s\n", hold_off);
}

/* ------------------------------------------------------------------------
 * CONNECT
 */

static int front_check_buffer_mode(struct xen_drm_front *front, const struct xen_drm_cfg *cfg)
{
	const char *reason = NULL;

	if (!cfg->be_alloc)
		return 0;

	if (!trusted)
		reason = "the module's parameter trusted=0 forbids it";
	else if (!cfg->trusted)
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

/**
 * xen_drm_front_read_config - read the configuration
 * @front: the bus device
 * @cfg: filled on success
 *
 * Context: the work.
 *
 * Returns: 0 or an error of xen_drm_cfg_read(); -EOPNOTSUPP for buffers of a
 * backend that may not or cannot allocate them.
 */
int xen_drm_front_read_config(struct xen_drm_front *front, struct xen_drm_cfg *cfg)
{
	int ret;

	ret = xen_drm_cfg_read(front->xb_dev, cfg);
	if (ret)
		return ret;
	ret = front_check_buffer_mode(front, cfg);
	if (ret)
		return ret;

	cfg->trusted &= trusted;
	return 0;
}

static void front_close_retired(struct xen_drm_front *front)
{
	struct xen_drm_conn *conn = front->retired;

	if (!conn)
		return;

	front->retired = NULL;
	xen_drm_conn_disown(conn);
	xen_drm_conn_close(conn);
	xen_drm_conn_put(conn);
}

/* Returns false if the guest or the device goes away, so that there may be no connection. */
static bool front_set_conn(struct xen_drm_front *front, struct xen_drm_conn *conn)
{
	scoped_guard(spinlock_irqsave, &front->lock) {
		if (conn && (front->halted || front->removed))
			return false;
		front->conn = conn;
		front->answers = false;
		if (conn) {
			front->stats.trusted = front->cfg.trusted;
			front->stats.connections++;
		}
	}
	return true;
}

/* No backend has looked for these rings yet, since our state is still Initialising. */
static void front_drop_conn(struct xen_drm_front *front, struct xen_drm_conn *conn)
{
	front_set_conn(front, NULL);
	xen_drm_conn_disown(conn);
	xen_drm_conn_close(conn);
	xen_drm_conn_put(conn);
}

static int front_open(struct xen_drm_front *front)
{
	struct xenbus_device *xb_dev = front->xb_dev;
	const struct xen_drm_cfg *cfg = &front->cfg;
	struct xen_drm_conn *conn;
	int ret;

	conn = xen_drm_conn_alloc(&xb_dev->dev, xb_dev->otherend_id, cfg->num_connectors,
				  cfg->version, &front_conn_ops, front);
	if (!conn)
		return -ENOMEM;
	if (!front_set_conn(front, conn)) {
		front_drop_conn(front, conn);
		return -ESHUTDOWN;
	}

	ret = xen_drm_conn_open(conn, xb_dev, cfg->connectors);
	if (!ret)
		ret = xen_drm_conn_publish(conn, xb_dev, cfg->version_offered);
	if (ret) {
		front_drop_conn(front, conn);
		return ret;
	}

	front->offered = false;
	return 0;
}

static void front_print_config(struct xen_drm_front *front, const struct xen_drm_cfg *cfg)
{
	const struct xen_drm_cfg_connector *connector;
	unsigned int i;

	for (i = 0; i < cfg->num_connectors; i++) {
		connector = &cfg->connectors[i];
		dev_info(&front->xb_dev->dev, "connector %u: %ux%u, id \"%*pE\"\n", i,
			 connector->width, connector->height,
			 (int)strlen(connector->unique_id), connector->unique_id);
	}
}

static int front_connect(struct xen_drm_front *front)
{
	struct xen_drm_cfg *cfg __free(kfree) = kzalloc_obj(*cfg);
	int ret;

	if (!cfg)
		return -ENOMEM;
	ret = xen_drm_front_read_config(front, cfg);
	if (ret) {
		if (xen_drm_cfg_is_wrong(ret))
			front->misconfigured = ret;
		return ret;
	}

	if (!xen_drm_cfg_is_same(cfg, &front->cfg))
		front_print_config(front, cfg);
	front->cfg = *cfg;

	return front_open(front);
}

/**
 * xen_drm_front_connect - begin a connection
 * @front: the bus device, in Initialising and without a connection
 *
 * Context: the work.
 *
 * Returns: whether the rings are published, for the backend to take them up.
 */
bool xen_drm_front_connect(struct xen_drm_front *front)
{
	int ret;

	ret = front_connect(front);
	if (!ret)
		return !xen_drm_conn_is_broken(front->conn);

	/* A wrong configuration has been logged already. */
	if (!front->misconfigured && ret != -ESHUTDOWN)
		xenbus_dev_error(front->xb_dev, ret, "beginning a connection");
	xen_drm_front_hold_off(front, 0, true);
	xen_drm_front_look_at(front, jiffies);
	return false;
}

/* ------------------------------------------------------------------------
 * JOIN
 */

/*
 * Returns whether @other has a lower number and is about to become a card. Members
 * that belong to its work do not change now, since works run one after the other.
 */
static bool front_is_before(const struct xen_drm_front *other, const struct xen_drm_front *front)
{
	enum xenbus_state backend = READ_ONCE(other->backend);

	if (other->number >= front->number || other->display || other->misconfigured ||
	    other->level)
		return false;

	return backend == XenbusStateInitWait || backend == XenbusStateInitialised ||
	       backend == XenbusStateConnected;
}

/* Displays become cards in the order of their numbers, unless one takes too long. */
static bool front_must_queue(struct xen_drm_front *front)
{
	struct xen_drm_front *other;

	if (!front->queues)
		front->turn_by = jiffies + FRONT_TURN;
	front->queues = true;
	if (time_after_eq(jiffies, front->turn_by))
		return false;

	guard(mutex)(&xen_drm_fronts_lock);

	list_for_each_entry(other, &xen_drm_fronts, node) {
		if (front_is_before(other, front)) {
			xen_drm_front_look_at(front, jiffies + FRONT_TURN_POLL);
			return true;
		}
	}
	return false;
}

static void front_unplug(struct xen_drm_front *front)
{
	if (!front->display)
		return;

	xen_drm_display_unplug(front->display);
	front->display = NULL;
	front->registered = false;
}

/* A display that does not fit the configuration any more is unplugged for a new one. */
static int front_get_display(struct xen_drm_front *front)
{
	struct xen_drm_display *display;
	const char *misfit;

	misfit = front->display ? xen_drm_display_misfit(front->display, &front->cfg) : NULL;
	if (misfit) {
		dev_info(&front->xb_dev->dev, "the display is made anew: %s\n", misfit);
		front_unplug(front);
	}
	if (front->display)
		return 0;

	display = xen_drm_display_create(&front->parent->dev, front->conn, &front->cfg);
	if (IS_ERR(display))
		return PTR_ERR(display);
	front->display = display;
	return 0;
}

static int front_join(struct xen_drm_front *front)
{
	int ret;

	ret = front_get_display(front);
	if (ret)
		return ret;

	ret = xen_drm_display_join(front->display, front->conn, &front->cfg);
	if (ret)
		return ret;
	/* The connection may have ended meanwhile, and a card needs one to begin with. */
	if (xen_drm_conn_is_broken(front->conn))
		return -ENODEV;
	if (front->registered)
		return 0;

	ret = xen_drm_display_register(front->display);
	if (ret)
		xen_drm_conn_break(front->conn, "the display cannot be registered");
	front->registered = !ret;
	return ret;
}

/**
 * xen_drm_front_join - have the display join the connection
 * @front: the bus device, whose backend has taken up the rings
 *
 * Makes the display if there is none, or if it does not fit the configuration.
 *
 * Context: the work.
 *
 * Returns: whether the display uses the connection. If not, the connection is
 * broken, or it is the turn of other displays.
 */
bool xen_drm_front_join(struct xen_drm_front *front)
{
	struct xenbus_device *xb_dev = front->xb_dev;
	int ret;

	if (!front->display && front_must_queue(front))
		return false;

	xen_drm_conn_limit(front->conn, XEN_DRM_FRONT_LIMIT_MS);
	ret = front_join(front);
	xen_drm_conn_limit(front->conn, 0);
	if (ret && ret != -ENODEV)
		xenbus_dev_error(xb_dev, ret, "setting up the display");
	if (ret || xen_drm_conn_is_broken(front->conn)) {
		front->failed = ret && ret != -ENODEV;
		xen_drm_conn_break(front->conn, "the display cannot use it");
		return false;
	}

	front->joined = true;
	front->began_at = jiffies;
	/* The backend has the new rings, so it does not look for the old ones any more. */
	front_close_retired(front);
	dev_info(&xb_dev->dev, "connected to domain %d, protocol version %u\n",
		 xb_dev->otherend_id, front->cfg.version);
	return true;
}

/* ------------------------------------------------------------------------
 * LEAVE and CLOSE
 */

static void front_account(struct xen_drm_front *front, struct xen_drm_conn *conn)
{
	unsigned int seconds = front->joined ? (jiffies - front->began_at) / HZ : 0;

	xen_drm_front_hold_off(front, seconds, front->failed || xen_drm_conn_is_at_fault(conn));
}

/* Returns whether the guest was resumed, once. A resume also ends the hold-off. */
static bool front_must_forget(struct xen_drm_front *front)
{
	bool forget;

	scoped_guard(spinlock_irqsave, &front->lock) {
		forget = front->forget;
		front->forget = false;
	}
	if (forget) {
		front->misconfigured = 0;
		front->level = 0;
		front->resume_at = jiffies;
	}
	return forget;
}

/**
 * xen_drm_front_leave - have the display leave the connection
 * @front: the bus device, with a connection
 *
 * The connection is retired: kept open, but not listened to.
 *
 * Context: the work, or remove.
 */
void xen_drm_front_leave(struct xen_drm_front *front)
{
	struct xen_drm_conn *conn = front->conn;
	bool forget = front_must_forget(front);

	xen_drm_conn_break(conn, system_state > SYSTEM_RUNNING ?
			   "the guest goes down" : "the state of the device has changed");
	if (front->display)
		xen_drm_display_leave(front->display, forget);
	if (!forget)
		front_account(front, conn);

	/* A card that was never registered is made anew, as formats or EDIDs may be missing. */
	if (!front->registered)
		front_unplug(front);
	front_set_conn(front, NULL);
	front->joined = false;
	front->failed = false;
	front->leaving = true;
	front_close_retired(front);
	front->retired = conn;
	front->retired_at = jiffies;
	/* After a resume it has neither ports nor grants that a backend could take up. */
	if (forget)
		front_close_retired(front);
}

/**
 * xen_drm_front_hide_pages - take the backend's pages away from clients
 * @front: the bus device
 *
 * A resumed guest does not have them any more. The work gives up all else later.
 *
 * Context: the guest is being resumed; tasks and the work are frozen.
 */
void xen_drm_front_hide_pages(struct xen_drm_front *front)
{
	if (front->display)
		xen_drm_display_hide_pages(front->display);
}

/**
 * xen_drm_front_check_resumed - forget what the guest had before it was suspended
 * @front: the bus device
 *
 * Does nothing if there is a connection: xen_drm_front_leave() forgets then.
 *
 * Context: the work.
 */
void xen_drm_front_check_resumed(struct xen_drm_front *front)
{
	if (front->conn || !front_must_forget(front))
		return;

	if (front->display)
		xen_drm_display_leave(front->display, true);
	front_close_retired(front);
}

/**
 * xen_drm_front_check_retired - close a connection that was retired long ago
 * @front: the bus device
 *
 * A backend that comes back after more than a minute will have read our present
 * state, so it does not take up the old rings.
 *
 * Context: the work.
 */
void xen_drm_front_check_retired(struct xen_drm_front *front)
{
	enum xenbus_state own = READ_ONCE(front->xb_dev->state);
	unsigned long until = front->retired_at + FRONT_RETIREMENT;

	if (!front->retired)
		return;

	if (time_before(jiffies, until))
		xen_drm_front_look_at(front, until);
	else if (own == XenbusStateInitialised || own == XenbusStateConnected)
		xen_drm_front_look_at(front, jiffies + XEN_DRM_FRONT_POLL);
	else
		front_close_retired(front);
}

/**
 * xen_drm_front_close - end the connection, if there is one, and the display
 * @front: the bus device
 * @shutdown: whether the guest goes down, as opposed to the device being taken away
 *
 * When the guest goes down, clients need not be told, but rings are closed, since
 * the next kernel must have all memory for itself. xenbus waits for that, up to
 * 5 s for each device, so it is told here, and not by the xenwatch thread.
 *
 * Context: the work.
 */
void xen_drm_front_close(struct xen_drm_front *front, bool shutdown)
{
	if (front->conn)
		xen_drm_front_leave(front);
	if (!shutdown) {
		front_unplug(front);
		return;
	}

	front_close_retired(front);
	xenbus_frontend_closed(front->xb_dev);
}

/**
 * xen_drm_front_end - give back all that the bus device has
 * @front: the bus device, without any other user
 *
 * Context: may sleep; does not wait for the backend.
 */
void xen_drm_front_end(struct xen_drm_front *front)
{
	struct xenbus_device *xb_dev = front->xb_dev;

	if (front->conn)
		xen_drm_front_leave(front);
	else
		xen_drm_front_check_resumed(front);
	front_unplug(front);

	/* A backend needs no Closed after Initialising, and the write would race with xenbus. */
	if (xb_dev->state != XenbusStateInitialising)
		xenbus_switch_state(xb_dev, XenbusStateClosed);
	front_close_retired(front);
}
