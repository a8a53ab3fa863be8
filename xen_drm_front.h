/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: types and limits that several files
 * share. Functions are declared in the header of the file that has them.
 *
 * Documentation/gpu/xen-front-architecture.rst tells which file calls which.
 */

#ifndef __XEN_DRM_FRONT_H__
#define __XEN_DRM_FRONT_H__

#include <linux/atomic.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include <drm/drm_device.h>

struct xen_drm_chan;
struct xen_drm_conn;
struct xen_drm_pipe;

/* A CRTC mask of DRM has 32 bits; the protocol would carry 256 connectors. */
#define XEN_DRM_MAX_CONNECTORS	32
/* Plane coordinates of DRM are 16.16 in a signed int. */
#define XEN_DRM_MAX_DIM		S16_MAX
#define XEN_DRM_UNIQUE_ID_LEN	64
/* Time that the backend has for an answer. */
#define XEN_DRM_TIMEOUT_MS	3000
/* Bytes of a sentence about what a backend did; more is cut off. */
#define XEN_DRM_FAULT_LEN	96

/** struct xen_drm_cfg_connector - one connector, as the toolstack asks for it */
struct xen_drm_cfg_connector {
	/** @width: visible pixels per line, 1..XEN_DRM_MAX_DIM */
	u32 width;
	/** @height: visible lines, 1..XEN_DRM_MAX_DIM */
	u32 height;
	/**
	 * @unique_id: the toolstack's name of the connector, cut to fit; any
	 * byte may be in it, so print it escaped
	 */
	char unique_id[XEN_DRM_UNIQUE_ID_LEN];
};

/**
 * struct xen_drm_cfg - validated content of the device's XenStore directories
 *
 * Read once for each connection.
 */
struct xen_drm_cfg {
	/** @num_connectors: 1..XEN_DRM_MAX_CONNECTORS */
	unsigned int num_connectors;
	/** @version: protocol version of the connection, 1 or 2 */
	unsigned int version;
	/** @version_offered: the backend has a list, so it is told the choice */
	bool version_offered;
	/** @be_alloc: buffers are allocated by the backend */
	bool be_alloc;
	/** @trusted: the backend may allocate buffers and see those of other drivers */
	bool trusted;
	/** @connectors: the first @num_connectors are valid */
	struct xen_drm_cfg_connector connectors[XEN_DRM_MAX_CONNECTORS];
};

/**
 * struct xen_drm_call - a request whose reply somebody waits for
 *
 * Storage is the caller's, and must stay until xen_drm_chan_wait() returned for
 * it. Members are the channel's.
 */
struct xen_drm_call {
	/** @done: the reply has come; written under the channel's lock */
	bool done;
	/** @id: identifier of the request in the ring */
	u16 id;
	/** @status: status of the reply, not yet translated */
	s32 status;
	/** @edid_size: bytes, in the reply to GET_EDID */
	u32 edid_size;
};

/**
 * struct xen_drm_flip_ops - what a channel tells the pipe that uses it
 *
 * Called without the channel's lock, in any context, interrupts included. Never
 * called from xen_drm_chan_flip(), so they may take &drm_device.event_lock.
 */
struct xen_drm_flip_ops {
	/** @done: the flip with this serial number is on the screen since @when */
	void (*done)(void *owner, u32 serial, ktime_t when);
	/** @refused: the flip will not happen; @error is a negative errno */
	void (*refused)(void *owner, u32 serial, int error);
};

/**
 * struct xen_drm_link - what a display needs of the connection that it has joined
 *
 * Zeroed while nobody is there.
 */
struct xen_drm_link {
	/** @conn: the connection, with a reference, or NULL */
	struct xen_drm_conn *conn;
	/** @chan: channel for requests about buffers, that of connector 0, or NULL */
	struct xen_drm_chan *chan;
	/** @number: number of the connection, never 0 and never used again */
	u64 number;
	/** @domid: domain of the backend */
	u16 domid;
	/** @version: protocol version, 1 or 2 */
	unsigned int version;
};

/**
 * struct xen_drm_display - a DRM device
 *
 * Everything that an open file, a dma-buf or a mapping can reach. It outlives
 * each of its connections, and may outlive the bus device.
 */
struct xen_drm_display {
	/** @drm: base class */
	struct drm_device drm;
	/**
	 * @cfg: configuration of the latest connection. Its buffer mode and its
	 * number of connectors are constant; the rest is changed by *join*,
	 * under &drm_mode_config.mutex
	 */
	struct xen_drm_cfg cfg;
	/** @group: devres group of the parent that owns the first reference */
	void *group;
	/** @registered: user space can see it; changed by the work of the bus device */
	bool registered;
	/** @pipes: one for each connector, private to xen_drm_front_kms.c */
	struct xen_drm_pipe *pipes;

	/**
	 * @lock: protects all members below down to @fbs and their elements.
	 * Held while the backend is asked about buffers; flips and modes do not
	 * take it. Inside of modeset locks and of mmap_lock, outside of
	 * &drm_device.event_lock
	 */
	struct mutex lock;
	/** @link: present connection; written by *join* and *leave* alone */
	struct xen_drm_link link;
	/** @shares: shares with a page directory, and all of the backend's buffers */
	struct list_head shares;
	/** @fbs: living framebuffers */
	struct list_head fbs;

	/**
	 * @config_lock: read while a mode is sent and its reply waited for;
	 * written by *leave*, to see that nobody uses the channels any more
	 */
	struct rw_semaphore config_lock;

	/** @dead_fbs: framebuffers to be detached and freed by @release_work */
	struct llist_head dead_fbs;
	/** @dead_shares: shares to be destroyed and freed by @release_work */
	struct llist_head dead_shares;
	/** @dead_pages: pages of PAGE_SIZE behind @dead_shares */
	atomic_long_t dead_pages;
	/** @release_wq: ordered; runs @release_work alone */
	struct workqueue_struct *release_wq;
	/** @release_work: tells the backend of what has gone, and frees it */
	struct work_struct release_work;
};

static inline struct xen_drm_display *to_xen_drm_display(struct drm_device *drm)
{
	return container_of(drm, struct xen_drm_display, drm);
}

#endif /* __XEN_DRM_FRONT_H__ */
