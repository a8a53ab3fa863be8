// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: the work of the bus device, which
 * collects the facts and says which step is taken.
 */

#include "xen_drm_front_bus.h"

#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>

#include "xen_drm_front_cfg.h"
#include "xen_drm_front_conn.h"
#include "xen_drm_front_display.h"
#include "xen_drm_front_grants.h"
#include "xen_drm_front_state.h"
#include "xen_drm_front_trace.h"

static unsigned int silence_timeout = 30;
module_param(silence_timeout, uint, 0644);
MODULE_PARM_DESC(silence_timeout, "Seconds without an answer after which the connection is given up, 0 for never (default 30)");

/* Least time that a backend has from our Initialised to its Connected. */
#define FRONT_PATIENCE		(30 * HZ)

/**
 * xen_drm_front_kick - have the work look at the facts
 * @front: the bus device
 *
 * Context: any.
 */
void xen_drm_front_kick(struct xen_drm_front *front)
{
	scoped_guard(spinlock_irqsave, &front->lock)
		if (!front->removed)
			mod_delayed_work(xen_drm_front_wq, &front->work, 0);
}

/**
 * xen_drm_front_look_at - have the work run again, at the earliest of all such times
 * @front: the bus device
 * @when: time in jiffies
 *
 * Context: the work.
 */
void xen_drm_front_look_at(struct xen_drm_front *front, unsigned long when)
{
	if (!front->waits || time_before(when, front->look_at))
		front->look_at = when;
	front->waits = true;
}

/**
 * xen_drm_front_break - break the present connection, if there is one
 * @front: the bus device
 * @why: reason for the log, as the end of a sentence
 *
 * Context: any, in the work or not; does not sleep.
 */
void xen_drm_front_break(struct xen_drm_front *front, const char *why)
{
	struct xen_drm_conn *conn;

	scoped_guard(spinlock_irqsave, &front->lock)
		conn = front->conn ? xen_drm_conn_get(front->conn) : NULL;
	if (!conn)
		return;

	xen_drm_conn_break(conn, why);
	xen_drm_conn_put(conn);
}

/* ------------------------------------------------------------------------
 * Requests to the xenwatch thread
 */

static void front_want(struct xen_drm_front *front, enum xenbus_state state)
{
	scoped_guard(spinlock_irqsave, &front->lock) {
		front->wanted = state;
		front->pending = true;
	}
	front->woken = false;
}

/* Writes the state that XenStore has for us once more, which wakes the xenwatch thread. */
static int front_touch(struct xen_drm_front *front)
{
	const char *dir = front->xb_dev->nodename;
	struct xenbus_transaction xbt;
	int state, ret;

	ret = xenbus_transaction_start(&xbt);
	if (ret)
		return ret;

	ret = xenbus_scanf(xbt, dir, "state", "%d", &state);
	if (ret == 1)
		ret = xenbus_printf(xbt, dir, "state", "%d", state);
	if (ret) {
		xenbus_transaction_end(xbt, true);
		return ret;
	}
	return xenbus_transaction_end(xbt, false);
}

/* Wakes the xenwatch thread if there is something to do for it, again until it comes. */
static void front_wake_xenwatch(struct xen_drm_front *front)
{
	bool asks;
	int ret;

	scoped_guard(spinlock_irqsave, &front->lock)
		asks = front->pending || front->unread;
	if (!asks) {
		front->woken = false;
		return;
	}

	if (!front->woken || time_after_eq(jiffies, front->wake_at)) {
		ret = front_touch(front);
		if (ret)
			dev_dbg(&front->xb_dev->dev, "writing the state: %d\n", ret);
		front->woken = true;
		front->wake_at = jiffies + (ret == -EAGAIN ? XEN_DRM_FRONT_POLL / 10 :
							     XEN_DRM_FRONT_POLL);
	}
	xen_drm_front_look_at(front, front->wake_at);
}

/* ------------------------------------------------------------------------
 * Facts
 */

/* A hold-off begins when the backend can read that the connection has ended. */
static bool front_is_held_off(struct xen_drm_front *front)
{
	if (front->leaving) {
		if (READ_ONCE(front->pending))
			return true;
		front->leaving = false;
		front->resume_at = jiffies + xen_drm_front_hold_off_time(front) * HZ;
	}
	if (time_before(jiffies, front->resume_at)) {
		xen_drm_front_look_at(front, front->resume_at);
		return true;
	}
	if (xen_drm_grants_too_many_deferred(front->xb_dev->otherend_id)) {
		xen_drm_front_look_at(front, jiffies + XEN_DRM_FRONT_POLL);
		return true;
	}
	return false;
}

static struct xen_drm_facts front_facts(struct xen_drm_front *front)
{
	struct xen_drm_conn *conn = front->conn;
	struct xen_drm_facts facts = {
		.connected = conn,
		.joined = front->joined,
		.broken = conn && xen_drm_conn_is_broken(conn),
		.held_off = !conn && front_is_held_off(front),
		.misconfigured = front->misconfigured,
	};

	scoped_guard(spinlock_irqsave, &front->lock) {
		facts.own = READ_ONCE(front->xb_dev->state);
		facts.pending = front->pending;
		facts.backend = front->backend;
		facts.offline = front->offline;
		facts.held_off |= front->halted;
		facts.shutdown = system_state > SYSTEM_RUNNING &&
				 (front->closing || facts.own == XenbusStateClosing ||
				  facts.own == XenbusStateClosed);
	}
	return facts;
}

/* A state that could not be written causes a hold-off, after which all begins anew. */
static void front_check_unwritten(struct xen_drm_front *front)
{
	bool unwritten;

	scoped_guard(spinlock_irqsave, &front->lock) {
		unwritten = front->unwritten;
		front->unwritten = false;
	}
	if (unwritten)
		xen_drm_front_hold_off(front, 0, true);
}

/* ------------------------------------------------------------------------
 * Time limits, and facts that no event tells of
 */

/* The xenwatch thread may be late, so this also reads the state, without noting it. */
static bool front_is_taken_up(struct xen_drm_front *front)
{
	return READ_ONCE(front->backend) == XenbusStateConnected ||
	       xenbus_read_unsigned(front->xb_dev->otherend, "state",
				    XenbusStateUnknown) == XenbusStateConnected;
}

/*
 * A backend that restarts before it has read our Initialised may wait for a new
 * handshake, while we see nothing but InitWait. One that is only slow gets more
 * time at each try.
 */
static void front_check_patience(struct xen_drm_front *front)
{
	unsigned int patience = xen_drm_state_hold_off(front->level) * HZ;
	unsigned long until;

	if (!front->conn || front->joined || xen_drm_conn_is_broken(front->conn) ||
	    READ_ONCE(front->xb_dev->state) != XenbusStateInitialised)
		return;

	if (!front->offered)
		front->began_at = jiffies;
	front->offered = true;
	until = front->began_at + max(patience, FRONT_PATIENCE);
	if (time_before(jiffies, until))
		xen_drm_front_look_at(front, until);
	else if (front_is_taken_up(front))
		xen_drm_front_look_at(front, jiffies + XEN_DRM_FRONT_POLL);
	else
		xen_drm_conn_break(front->conn, "the backend does not take up the rings");
}

static void front_check_silence(struct xen_drm_front *front)
{
	unsigned int timeout = min(READ_ONCE(silence_timeout), 86400);
	unsigned long since, until;
	char why[48];

	if (!front->conn || !timeout || xen_drm_conn_is_broken(front->conn) ||
	    !xen_drm_conn_silent(front->conn, &since))
		return;

	until = since + timeout * HZ;
	if (time_before(jiffies, until)) {
		xen_drm_front_look_at(front, until);
		return;
	}
	snprintf(why, sizeof(why), "the backend was silent for %u s", timeout);
	xen_drm_conn_break(front->conn, why);
}

/* The toolstack may have written another resolution. */
static void front_check_config(struct xen_drm_front *front)
{
	struct xen_drm_cfg *cfg __free(kfree) = NULL;
	int ret = -ENOMEM;

	scoped_guard(spinlock_irqsave, &front->lock) {
		/* A backend that restarts may speak other versions. */
		if (front->misconfigured == -EPROTONOSUPPORT &&
		    front->backend != XenbusStateInitWait)
			front->misconfigured = 0;
		if (!front->changed)
			return;
		front->changed = false;
	}

	if (!front->conn) {
		if (front->misconfigured) {
			front->level = 0;
			front->resume_at = jiffies;
		}
		front->misconfigured = 0;
		return;
	}

	cfg = kzalloc_obj(*cfg);
	if (cfg)
		ret = xen_drm_front_read_config(front, cfg);
	if (ret && !xen_drm_cfg_is_wrong(ret)) {
		scoped_guard(spinlock_irqsave, &front->lock)
			front->changed = true;
		xen_drm_front_look_at(front, jiffies + XEN_DRM_FRONT_POLL);
	} else if (ret || !xen_drm_cfg_is_same(cfg, &front->cfg)) {
		xen_drm_conn_break(front->conn, "the configuration has changed");
	}
}

/* Clients may have changed their pictures while the backend was silent. */
static void front_check_answers(struct xen_drm_front *front)
{
	bool answers;
	int ret;

	scoped_guard(spinlock_irqsave, &front->lock) {
		answers = front->answers && front->joined;
		front->answers = false;
	}
	if (!answers)
		return;

	xen_drm_conn_limit(front->conn, XEN_DRM_FRONT_LIMIT_MS);
	ret = xen_drm_display_refresh(front->display);
	xen_drm_conn_limit(front->conn, 0);
	if (ret)
		dev_dbg(&front->xb_dev->dev, "showing the present pictures: %d\n", ret);
}

/* ------------------------------------------------------------------------
 * The work
 */

/* Returns whether the step has been taken. */
static bool front_take(struct xen_drm_front *front, enum xen_drm_step step, bool shutdown)
{
	switch (step) {
	case XEN_DRM_CONNECT:
		return xen_drm_front_connect(front);
	case XEN_DRM_JOIN:
		return xen_drm_front_join(front);
	case XEN_DRM_LEAVE:
		xen_drm_front_leave(front);
		return true;
	case XEN_DRM_CLOSE:
		xen_drm_front_close(front, shutdown);
		return true;
	case XEN_DRM_IDLE:
		break;
	}
	return true;
}

static void front_step(struct xen_drm_front *front)
{
	struct xen_drm_facts facts = front_facts(front);
	struct xen_drm_decision decision = xen_drm_state_next(&facts);
	bool idle = decision.step == XEN_DRM_IDLE;

	trace_xen_drm_state(&front->xb_dev->dev, &facts, &decision);
	if (!front_take(front, decision.step, facts.shutdown))
		return;

	/* A step also takes back a state that was wanted before. */
	if (decision.then != facts.own || (facts.pending && !idle))
		front_want(front, decision.then);
	if (!idle)
		xen_drm_front_look_at(front, jiffies);
}

/**
 * xen_drm_front_work - take the next step, if there is one
 * @work: &xen_drm_front.work
 *
 * The works of all bus devices run one after the other, in the order in which they
 * were queued. They are frozen while the guest is suspended, since paths in XenStore
 * may change then.
 */
void xen_drm_front_work(struct work_struct *work)
{
	struct xen_drm_front *front =
		container_of(to_delayed_work(work), struct xen_drm_front, work);
	unsigned long now, delay;

	front->waits = false;
	front_check_unwritten(front);
	xen_drm_front_check_resumed(front);
	front_check_config(front);
	front_check_patience(front);
	front_check_silence(front);
	front_step(front);
	front_check_answers(front);
	xen_drm_front_check_retired(front);
	front_wake_xenwatch(front);
	if (!front->waits)
		return;

	/* A work that has been kicked meanwhile stays queued for now. */
	now = jiffies;
	delay = time_after(front->look_at, now) ? front->look_at - now : 0;
	scoped_guard(spinlock_irqsave, &front->lock)
		if (!front->removed)
			queue_delayed_work(xen_drm_front_wq, &front->work, delay);
}
