/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: the bus device.
 *
 * Private to xen_drm_front.c, which has what xenbus calls, xen_drm_front_work.c,
 * which says what is done next, and xen_drm_front_steps.c, which does it.
 */

#ifndef __XEN_DRM_FRONT_BUS_H__
#define __XEN_DRM_FRONT_BUS_H__

#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include <xen/xenbus.h>

#include "xen_drm_front.h"

struct dentry;
struct platform_device;

/* Time that the work waits for one backend, while those of other displays wait for it. */
#define XEN_DRM_FRONT_LIMIT_MS	10000
/* Interval of polling for facts that no event tells of. */
#define XEN_DRM_FRONT_POLL	HZ

/**
 * struct xen_drm_front_stats - counters that debugfs shows
 */
struct xen_drm_front_stats {
	/** @trusted: whether the module's parameter and the toolstack trust the backend */
	bool trusted;
	/** @connections: number of connections begun since the driver was bound */
	unsigned int connections;
	/** @faults: number of connections in which the backend broke the protocol */
	unsigned int faults;
	/** @last_fault: sentence about the latest fault */
	char last_fault[XEN_DRM_FAULT_LEN];
};

/**
 * struct xen_drm_front - the bus device, from probe to remove
 */
struct xen_drm_front {
	/** @xb_dev: the xenbus device */
	struct xenbus_device *xb_dev;
	/**
	 * @parent: parent of the DRM device. It is a platform device, since libdrm
	 * knows that bus, and not Xen's
	 */
	struct platform_device *parent;
	/** @watch: watch of the device's directory, with our state and the configuration */
	struct xenbus_watch watch;
	/**
	 * @old_events: number of queued events about the backend's state that are
	 * older than the latest state of ours; for the xenwatch thread alone
	 */
	unsigned int old_events;
	/** @debugfs: file that shows @stats */
	struct dentry *debugfs;
	/** @node: entry in xen_drm_fronts, under xen_drm_fronts_lock */
	struct list_head node;
	/** @number: number of the xenbus device, the N of vdispl-N */
	int number;

	/** @work: work that takes all steps, and owns the members from here to @turn_by */
	struct delayed_work work;
	/** @display: the DRM device, NULL before the first connection */
	struct xen_drm_display *display;
	/** @registered: whether user space can see @display */
	bool registered;
	/** @cfg: configuration of the latest connection */
	struct xen_drm_cfg cfg;
	/** @misconfigured: error that the configuration was refused with, or 0 */
	int misconfigured;
	/** @joined: whether @display uses @conn */
	bool joined;
	/** @failed: whether @conn is of no use, for a reason that is not the backend's */
	bool failed;
	/** @offered: whether the backend has been told of @conn */
	bool offered;
	/** @began_at: time when @conn was offered or joined, whichever was last, in jiffies */
	unsigned long began_at;
	/** @level: argument of xen_drm_state_hold_off() */
	unsigned int level;
	/** @leaving: whether the backend has yet to be told that a connection has ended */
	bool leaving;
	/** @resume_at: end of the hold-off, in jiffies */
	unsigned long resume_at;
	/** @retired: previous connection, open until the backend has other rings, or NULL */
	struct xen_drm_conn *retired;
	/** @retired_at: time when @retired was left, in jiffies */
	unsigned long retired_at;
	/** @woken: whether the xenwatch thread has been woken, and has yet to come */
	bool woken;
	/** @wake_at: time to wake it again if @woken, in jiffies */
	unsigned long wake_at;
	/** @waits: whether @work must run again at @look_at */
	bool waits;
	/** @look_at: time to run again if @waits, in jiffies */
	unsigned long look_at;
	/** @queues: whether @turn_by is valid */
	bool queues;
	/** @turn_by: time until which displays with lower numbers go first, in jiffies */
	unsigned long turn_by;

	/** @lock: protects all members below; a leaf, taken in any context */
	spinlock_t lock;
	/** @removed: whether @work may not be queued any more */
	bool removed;
	/** @conn: present connection or NULL; changed by @work and remove alone */
	struct xen_drm_conn *conn;
	/** @backend: state of the backend, as the xenwatch thread read it last */
	enum xenbus_state backend;
	/** @offline: whether the toolstack takes the device away, as read last */
	bool offline;
	/** @unread: whether the backend's state could not be read, and a new try is due */
	bool unread;
	/** @wanted: state that the xenwatch thread is to write, if @pending */
	enum xenbus_state wanted;
	/** @pending: whether @wanted has yet to be written */
	bool pending;
	/** @unwritten: whether the latest state could not be written */
	bool unwritten;
	/** @changed: whether the configuration may have changed */
	bool changed;
	/** @forget: whether the guest was resumed, so that rings and grants are gone */
	bool forget;
	/** @answers: whether the backend answers again after a silence */
	bool answers;
	/** @closing: whether the guest goes down, and xenbus has written Closing */
	bool closing;
	/** @halted: whether the guest is about to restart, so that no connection is begun */
	bool halted;
	/** @stats: counters for debugfs */
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
void xen_drm_front_hide_pages(struct xen_drm_front *front);
void xen_drm_front_check_resumed(struct xen_drm_front *front);
void xen_drm_front_check_retired(struct xen_drm_front *front);
void xen_drm_front_end(struct xen_drm_front *front);

#endif /* __XEN_DRM_FRONT_BUS_H__ */
