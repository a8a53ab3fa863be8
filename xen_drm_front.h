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
#include <linux/spinlock.h>
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
#define XEN_DRM_LABEL_LEN	24
/* Time that a backend has for an answer. */
#define XEN_DRM_TIMEOUT_MS	3000
/* Size of a sentence about a fault, in bytes; longer ones are cut off. */
#define XEN_DRM_FAULT_LEN	96

/**
 * struct xen_drm_cfg_connector - one connector, as the toolstack configured it
 */
struct xen_drm_cfg_connector {
	/** @width: number of visible pixels per line, 1..XEN_DRM_MAX_DIM */
	u32 width;
	/** @height: number of visible lines, 1..XEN_DRM_MAX_DIM */
	u32 height;
	/**
	 * @unique_id: the toolstack's name of the connector, cut to fit; any
	 * byte may be in it, so print it escaped
	 */
	char unique_id[XEN_DRM_UNIQUE_ID_LEN];
	/** @label: beginning of @unique_id, fit for the name of a file */
	char label[XEN_DRM_LABEL_LEN];
};

/**
 * struct xen_drm_cfg - validated content of the device's XenStore directories
 *
 * The work of the bus device reads it anew for each connection.
 */
struct xen_drm_cfg {
	/** @num_connectors: number of connectors, 1..XEN_DRM_MAX_CONNECTORS */
	unsigned int num_connectors;
	/** @version: protocol version of the connection, 1 or 2 */
	unsigned int version;
	/** @version_offered: whether the backend lists versions, and is told the choice */
	bool version_offered;
	/** @be_alloc: whether the backend allocates the buffers */
	bool be_alloc;
	/** @trusted: whether the backend may allocate buffers and map those of other drivers */
	bool trusted;
	/** @connectors: connectors, of which the first @num_connectors are valid */
	struct xen_drm_cfg_connector connectors[XEN_DRM_MAX_CONNECTORS];
};

/**
 * struct xen_drm_call - a request whose reply a task waits for
 *
 * The caller owns the storage, which must stay until xen_drm_chan_wait() has
 * returned for it. The members are for the transport alone.
 */
struct xen_drm_call {
	/** @done: whether the reply has come; written under the channel's lock */
	bool done;
	/** @id: identifier of the request in the ring */
	u16 id;
	/** @status: status of the reply, not yet translated */
	s32 status;
	/** @edid_size: size of the EDID in bytes, in the reply to GET_EDID */
	u32 edid_size;
};

/** struct xen_drm_chan_stats - counters of requests and answers */
struct xen_drm_chan_stats {
	/** @requests: number of requests put into the ring, flips included */
	u64 requests;
	/** @refused: number of requests answered with an error */
	u64 refused;
	/** @missed: number of replies, and of events of flips, that did not come in time */
	u64 missed;
	/** @late: number of answers that came after they were counted in @missed */
	u64 late;
};

/**
 * struct xen_drm_flip_ops - what a channel tells the pipe that uses it
 *
 * The channel calls them without its lock, in any context, interrupts included.
 * xen_drm_chan_flip() calls none but @not_off, so the others may take
 * &drm_device.event_lock.
 */
struct xen_drm_flip_ops {
	/**
	 * @done: the backend shows the flip with this serial number since @when. Returns
	 * whether the pipe looks for later events itself, so that no interrupt has to
	 * tell of them, until xen_drm_chan_listen()
	 */
	bool (*done)(void *owner, u32 serial, ktime_t when);
	/** @refused: the backend will not show the flip; @error is a negative errno */
	void (*refused)(void *owner, u32 serial, int error);
	/**
	 * @mode_set: the mode with this number was answered; @error is 0, or a negative
	 * errno if it was refused. Older ones may not be told
	 */
	void (*mode_set)(void *owner, u32 mode, int error);
	/** @not_off: the backend will not switch off; @error is a negative errno */
	void (*not_off)(void *owner, int error);
};

/**
 * struct xen_drm_link - what a display needs of the connection that it has joined
 *
 * All of it is zero while the display has no connection.
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

/* Number of formats that planes can list at most. */
#define XEN_DRM_MAX_FORMATS	14

/**
 * struct xen_drm_formats - formats of a display's planes
 */
struct xen_drm_formats {
	/** @list: DRM fourccs */
	u32 list[XEN_DRM_MAX_FORMATS];
	/** @num: number of valid entries in @list */
	unsigned int num;
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
	 * @cfg: configuration of the first connection. Constant except
	 * &xen_drm_cfg.trusted, which *join* sets, and which is read without a lock.
	 * Connectors have their present sizes and names
	 */
	struct xen_drm_cfg cfg;
	/** @formats: formats that the first backend takes; constant */
	struct xen_drm_formats formats;
	/** @group: devres group of the parent that owns the first reference */
	void *group;
	/** @registered: whether user space can see the device; changed by the bus device's work */
	bool registered;
	/** @pipes: one for each connector, private to xen_drm_front_kms.c */
	struct xen_drm_pipe *pipes;

	/**
	 * @lock: protects @link, and the lists @shares and @fbs with their
	 * elements. It is held while the backend is asked about buffers; flips
	 * and modes do not take it. It nests inside modeset locks and mmap_lock,
	 * and outside &drm_device.event_lock
	 */
	struct mutex lock;
	/** @link: present connection; only *join* and *leave* write it */
	struct xen_drm_link link;
	/** @shares: shares with a page directory, and all of the backend's buffers */
	struct list_head shares;
	/** @fbs: framebuffers that have not been released */
	struct list_head fbs;

	/**
	 * @config_lock: held for reading while a commit sends modes. *Leave* takes it
	 * for writing once, to wait until no commit uses a channel
	 */
	struct rw_semaphore config_lock;

	/** @dead_fbs: framebuffers to be detached and freed by @release_work */
	struct llist_head dead_fbs;
	/** @dead_shares: shares to be destroyed and freed by @release_work */
	struct llist_head dead_shares;
	/** @dead_pages: number of pages of PAGE_SIZE in @dead_shares */
	atomic_long_t dead_pages;
	/** @commit_lock: lock for @commits_ended and &xen_drm_pipe.parked; a leaf */
	spinlock_t commit_lock;
	/** @commits_ended: whether the display is unplugged, so that no commit is parked */
	bool commits_ended;
	/** @commit_work: work that finishes parked commits when no other commit comes */
	struct delayed_work commit_work;

	/** @release_wq: ordered queue for @release_work and @commit_work */
	struct workqueue_struct *release_wq;
	/** @release_work: work that has the backend forget dead objects, and frees them */
	struct work_struct release_work;
};

static inline struct xen_drm_display *to_xen_drm_display(struct drm_device *drm)
{
	return container_of(drm, struct xen_drm_display, drm);
}

#endif /* __XEN_DRM_FRONT_H__ */
