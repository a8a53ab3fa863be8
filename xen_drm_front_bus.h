/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: the bus device.
 *
 * Private to xen_drm_front.c, which has what xenbus calls, xen_drm_front_work.c,
 * which says what is done next, and xen_drm_front_steps.c, which does it.
 */

#ifndef __XEN_DRM_FRONT_BUS_H__
#define __XEN_DRM_FRONT_BUS_H__

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include <xen/xenbus.h>

#include "xen_drm_front.h"

struct dentry;
struct platform_device;

/** struct xen_drm_front_stats - what an administrator may want to know */
struct xen_drm_front_stats {
	/** @trusted: the backend is, as parameter and toolstack say */
	bool trusted;
	/** @connections: begun since the driver was bound */
	unsigned int connections;
	/** @faults: connections in which the backend broke the protocol */
	unsigned int faults;
	/** @last_fault: how it did so last */
	char last_fault[XEN_DRM_FAULT_LEN];
};

/** struct xen_drm_front - the bus device, from probe to remove */
struct xen_drm_front {
	/** @xb_dev: the xenbus device */
	struct xenbus_device *xb_dev;
	/**
	 * @parent: of the DRM device. A platform device, since libdrm knows that
	 * bus, but not Xen's
	 */
	struct platform_device *parent;
	/** @watch: of the device's directory: our state and the configuration */
	struct xenbus_watch watch;
	/**
	 * @old_events: events about the backend's state that are older than our
	 * Connected, and have yet to be handled; the xenwatch thread's own
	 */
	unsigned int old_events;
	/** @debugfs: file that shows @stats */
	struct dentry *debugfs;
	/** @node: in the module's list of bus devices, under its lock */
	struct list_head node;
	/** @number: of the xenbus device */
	int number;

	/** @work: takes all steps. Owns all members from here down to @turn_by */
	struct delayed_work work;
	/** @display: the DRM device, NULL before the first connection */
	struct xen_drm_display *display;
	/** @registered: user space can see @display */
	bool registered;
	/** @cfg: of the latest connection */
	struct xen_drm_cfg cfg;
	/** @misconfigured: what was wrong with the configuration, or 0 */
	int misconfigured;
	/** @joined: @display uses @conn */
	bool joined;
	/** @failed: @conn is of no use, for a reason that is not the backend's */
	bool failed;
	/** @offered: the backend was told of @conn, at @began_at */
	bool offered;
	/** @began_at: jiffies when @conn was offered or joined, whichever was last */
	unsigned long began_at;
	/** @level: how bad the backend is, see xen_drm_state_hold_off() */
	unsigned int level;
	/** @leaving: the backend has yet to be told that the last connection ended */
	bool leaving;
	/** @resume_at: jiffies before which no connection is begun */
	unsigned long resume_at;
	/** @retired: the connection before, open until the backend has other rings */
	struct xen_drm_conn *retired;
	/** @retired_at: jiffies when it was retired */
	unsigned long retired_at;
	/** @woken: the xenwatch thread has been woken, and has yet to come */
	bool woken;
	/** @wake_at: jiffies when to wake it again, if @woken */
	unsigned long wake_at;
	/** @waits: there is a reason to look again at @look_at */
	bool waits;
	/** @look_at: jiffies, see @waits */
	unsigned long look_at;
	/** @queues: @turn_by is set */
	bool queues;
	/** @turn_by: jiffies until which displays with lower numbers go first */
	unsigned long turn_by;

	/** @lock: protects all members below. Taken in any context, a leaf */
	spinlock_t lock;
	/** @removed: @work may not be queued any more */
	bool removed;
	/** @conn: the present connection; changed by @work and remove alone */
	struct xen_drm_conn *conn;
	/** @backend: the backend's state, as it was read last */
	enum xenbus_state backend;
	/** @offline: the toolstack takes the device away, as it was read last */
	bool offline;
	/** @unread: the backend's state could not be read, a new try is due */
	bool unread;
	/** @wanted: state that the xenwatch thread is to write, if @pending */
	enum xenbus_state wanted;
	/** @pending: @wanted has yet to be written */
	bool pending;
	/** @refused: the latest state could not be written */
	bool refused;
	/** @changed: the configuration may have changed */
	bool changed;
	/** @forget: the guest was resumed, so there are no rings and grants any more */
	bool forget;
	/** @answers: the backend answers again after a silence */
	bool answers;
	/** @closing: the guest goes down, and the core has written Closing */
	bool closing;
	/** @halted: the guest is about to go down, so no connection is begun */
	bool halted;
	/** @stats: for debugfs */
	struct xen_drm_front_stats stats;
};

extern struct workqueue_struct *xen_drm_front_wq;
extern struct list_head xen_drm_fronts;
extern struct mutex xen_drm_fronts_lock;

/* xen_drm_front_work.c */
void xen_drm_front_kick(struct xen_drm_front *front);
void xen_drm_front_look_at(struct xen_drm_front *front, unsigned long when);
void xen_drm_front_break(struct xen_drm_front *front, const char *why);
void xen_drm_front_work(struct work_struct *work);

/* xen_drm_front_steps.c */
int xen_drm_front_read_config(struct xen_drm_front *front, struct xen_drm_cfg *cfg);
unsigned int xen_drm_front_hold_off_time(const struct xen_drm_front *front);
void xen_drm_front_hold_off(struct xen_drm_front *front, unsigned int seconds, bool fault);
bool xen_drm_front_connect(struct xen_drm_front *front);
bool xen_drm_front_join(struct xen_drm_front *front);
void xen_drm_front_leave(struct xen_drm_front *front);
void xen_drm_front_close(struct xen_drm_front *front, bool shutdown);
void xen_drm_front_check_resumed(struct xen_drm_front *front);
void xen_drm_front_check_retired(struct xen_drm_front *front);
void xen_drm_front_end(struct xen_drm_front *front);

#endif /* __XEN_DRM_FRONT_BUS_H__ */
