/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: internal interfaces.
 *
 * Three lifetimes, see Documentation/gpu/xen-front.rst:
 *  - bus device: struct xen_drm_front, xenbus probe to remove;
 *  - connection: struct xen_drm_front_conn, one meeting with one backend;
 *  - display:    struct xen_drm_front_display, the DRM device and all that an
 *                open file can reach.
 */

#ifndef __XEN_DRM_FRONT_H__
#define __XEN_DRM_FRONT_H__

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <drm/drm_device.h>

#include <xen/grant_table.h>
#include <xen/interface/io/displif.h>
#include <xen/interface/io/ring.h>
#include <xen/xenbus.h>

struct dma_buf;
struct dma_buf_attachment;
struct held_batch;
struct drm_file;
struct drm_gem_object;
struct drm_mode_create_dumb;
struct page;
struct sg_table;
struct xen_drm_front_pipe;

/* A CRTC mask of DRM has 32 bits; the protocol would carry 256 connectors. */
#define XEN_DRM_FRONT_MAX_CONNECTORS	32
/* Timings of a DRM mode are 16 bits wide. */
#define XEN_DRM_FRONT_MAX_DIM		U16_MAX
#define XEN_DRM_FRONT_UNIQUE_ID_LEN	64
#define XEN_DRM_FRONT_TIMEOUT_MS	3000
/* Replies missed in a row after which the backend is taken for dead. */
#define XEN_DRM_FRONT_MAX_TIMEOUTS	2
/* Bytes of a sentence about what a backend did; more is cut off. */
#define XEN_DRM_FRONT_FAULT_LEN		96

/* ------------------------------------------------------------------------
 * Configuration: xen_drm_front_cfg.c
 */

/** struct xen_drm_front_cfg_connector - one connector, as the toolstack asks for it */
struct xen_drm_front_cfg_connector {
	/** @width: visible pixels per line, 1..XEN_DRM_FRONT_MAX_DIM */
	u32 width;
	/** @height: visible lines, 1..XEN_DRM_FRONT_MAX_DIM */
	u32 height;
	/**
	 * @unique_id: the toolstack's name of the connector, cut to fit; any
	 * byte may be in it, so print it escaped
	 */
	char unique_id[XEN_DRM_FRONT_UNIQUE_ID_LEN];
};

/**
 * struct xen_drm_front_cfg - validated content of the device's XenStore directories
 *
 * Read once per connection, constant afterwards.
 */
struct xen_drm_front_cfg {
	/** @num_connectors: 1..XEN_DRM_FRONT_MAX_CONNECTORS */
	unsigned int num_connectors;
	/** @version: protocol version of this connection, 1 or 2 */
	unsigned int version;
	/** @version_offered: the backend has a list, so it is told the choice */
	bool version_offered;
	/** @be_alloc: buffers are allocated by the backend */
	bool be_alloc;
	/** @trusted: the backend may allocate buffers and see those of other drivers */
	bool trusted;
	/** @connectors: the first @num_connectors are valid */
	struct xen_drm_front_cfg_connector connectors[XEN_DRM_FRONT_MAX_CONNECTORS];
};

int xen_drm_front_cfg_read(struct xenbus_device *xb_dev,
			   struct xen_drm_front_cfg *cfg);
int xen_drm_front_cfg_parse_resolution(const char *text, u32 *width,
				       u32 *height);
bool xen_drm_front_cfg_parse_be_alloc(const char *text);
bool xen_drm_front_cfg_parse_trusted(const char *text);
int xen_drm_front_cfg_pick_version(const char *list);

/* ------------------------------------------------------------------------
 * Pages that the backend does not let go of: xen_drm_front_held.c
 */

/**
 * struct xen_drm_front_held - pages that a backend still maps
 *
 * One per bus device, so that a backend does not get rid of what it holds by
 * reconnecting, nor is at the expense of other backends.
 */
struct xen_drm_front_held {
	/** @lock: protects @batches and changes of @num_pages; may sleep */
	struct mutex lock;
	/** @batches: of pages; those of a batch ended their share together */
	struct list_head batches;
	/** @num_pages: pages of XEN_PAGE_SIZE in all batches */
	unsigned long num_pages;
	/** @max_pages: constant; above it nothing new is shared */
	unsigned long max_pages;
	/** @reaper: tries again to revoke the grants */
	struct delayed_work reaper;
};

/**
 * struct xen_drm_front_block - memory that can only be freed whole
 *
 * Pages without reference counts of their own share this one.
 */
struct xen_drm_front_block {
	/** @ref: counts the owner, and the batches with pages of this memory */
	struct kref ref;
	/** @release: frees the memory; may sleep */
	void (*release)(struct kref *ref);
};

void xen_drm_front_held_init(struct xen_drm_front_held *held);
bool xen_drm_front_held_is_full(const struct xen_drm_front_held *held);
struct held_batch *
xen_drm_front_held_begin(unsigned int max_pages, struct xen_drm_front_block *block);
void xen_drm_front_held_page(struct held_batch *batch, grant_ref_t ref,
			     struct page *page);
void xen_drm_front_held_add(struct xen_drm_front_held *held,
			    struct held_batch *batch);
bool xen_drm_front_held_finish(struct xen_drm_front_held *held);
void xen_drm_front_held_hand_over(struct xen_drm_front_held *held);

/* ------------------------------------------------------------------------
 * Page directories: xen_drm_front_pgdir.c
 */

/* Grant references that fit behind the link of one directory page. */
#define XEN_DRM_FRONT_GREFS_PER_DIR					\
	((XEN_PAGE_SIZE - offsetof(struct xendispl_page_directory, gref)) / \
	 sizeof(grant_ref_t))

struct xen_drm_front_pgdir;

unsigned int xen_drm_front_pgdir_num_dirs(unsigned int num_grefs);
void xen_drm_front_pgdir_fill(void *dir, grant_ref_t next,
			      const grant_ref_t *grefs, unsigned int count);
unsigned int xen_drm_front_pgdir_max_grants(void);
bool xen_drm_front_pgdir_fits(size_t size);
struct xen_drm_front_pgdir *
xen_drm_front_pgdir_grant(struct xen_drm_front_held *held, domid_t domid,
			  struct page **pages, unsigned int num_pages,
			  struct xen_drm_front_block *block);
struct xen_drm_front_pgdir *
xen_drm_front_pgdir_prepare_map(struct xen_drm_front_held *held, domid_t domid,
				unsigned int num_pages);
int xen_drm_front_pgdir_map(struct xen_drm_front_pgdir *pgdir);
int xen_drm_front_pgdir_unmap(struct xen_drm_front_pgdir *pgdir);
struct page **xen_drm_front_pgdir_pages(struct xen_drm_front_pgdir *pgdir);
grant_ref_t xen_drm_front_pgdir_start(const struct xen_drm_front_pgdir *pgdir);
unsigned int xen_drm_front_pgdir_free(struct xen_drm_front_pgdir *pgdir);

/* ------------------------------------------------------------------------
 * Transport: xen_drm_front_evtchnl.c
 */

#define XEN_DRM_FRONT_RING_SIZE	\
	__CONST_RING_SIZE(xen_displif, XEN_PAGE_SIZE)

/**
 * enum xen_drm_front_slot_state - who cares about a request's reply
 * @XEN_DRM_FRONT_SLOT_FREE: no request has this slot
 * @XEN_DRM_FRONT_SLOT_WAITED: a task sleeps until the reply comes
 * @XEN_DRM_FRONT_SLOT_DONE: the reply has come, the task has not yet looked
 * @XEN_DRM_FRONT_SLOT_FLIP: the connector's page flip; a failure is told to KMS
 * @XEN_DRM_FRONT_SLOT_ABANDONED: nobody; a late reply only frees the slot
 */
enum xen_drm_front_slot_state {
	XEN_DRM_FRONT_SLOT_FREE,
	XEN_DRM_FRONT_SLOT_WAITED,
	XEN_DRM_FRONT_SLOT_DONE,
	XEN_DRM_FRONT_SLOT_FLIP,
	XEN_DRM_FRONT_SLOT_ABANDONED,
};

enum {
	XEN_DRM_FRONT_REPLY_PENDING,
	XEN_DRM_FRONT_EVENT_PENDING,
};

/** struct xen_drm_front_slot - our private record of one request in the ring */
struct xen_drm_front_slot {
	/** @cookie: framebuffer of a flip */
	u64 cookie;
	/** @id: what the reply must carry */
	u16 id;
	/** @operation: what the reply must carry */
	u8 operation;
	/** @state: enum xen_drm_front_slot_state */
	u8 state;
};

/**
 * struct xen_drm_front_evtchnl - transport of one connector
 *
 * A request ring and an event page, each shared by one grant and rung by one
 * event channel. Owned by its connection.
 */
struct xen_drm_front_evtchnl {
	/** @conn: the connection that this is a part of */
	struct xen_drm_front_conn *conn;
	/** @index: number of the connector */
	unsigned int index;

	/** @call_lock: one task at a time waits for a reply on this ring */
	struct mutex call_lock;
	/** @reply_wait: where the holder of @call_lock sleeps */
	wait_queue_head_t reply_wait;

	/**
	 * @lock: protects all members below down to @reply. Taken by senders
	 * and by @work, never in interrupts.
	 */
	spinlock_t lock;
	/** @ring: our end of the request ring; sring is NULL once it is closed */
	struct xen_displif_front_ring ring;
	/** @slots: a request with id I has slot I modulo the ring's size */
	struct xen_drm_front_slot slots[XEN_DRM_FRONT_RING_SIZE];
	/** @next_id: where the search for the next free id begins */
	u16 next_id;
	/** @reply: copy of the response that the holder of @call_lock waits for */
	struct xendispl_resp reply;

	/** @evt_page: shared page with the events; only the event handler reads it */
	struct xendispl_event_page *evt_page;
	/** @evt_cons: our index; in_cons of the page is for the backend to read */
	u32 evt_cons;

	/** @req_ref: grant of the request ring's page */
	grant_ref_t req_ref;
	/** @evt_ref: grant of the event page */
	grant_ref_t evt_ref;
	/** @req_port: local event channel port of the request ring */
	evtchn_port_t req_port;
	/** @evt_port: local event channel port of the event page */
	evtchn_port_t evt_port;
	/** @work: does what the interrupts ask for; these stay masked meanwhile */
	struct work_struct work;
	/** @pending: bits XEN_DRM_FRONT_REPLY_PENDING and _EVENT_PENDING */
	unsigned long pending;
	/** @req_irq: interrupt of the request ring, negative if not bound */
	int req_irq;
	/** @evt_irq: interrupt of the event page, negative if not bound */
	int evt_irq;
};

/**
 * struct xen_drm_front_conn_ops - what a connection tells the rooms above
 *
 * Called from tasks and work items.
 */
struct xen_drm_front_conn_ops {
	/**
	 * @flip_done: the flip to @cookie completed (@error is 0) or failed.
	 * Returns whether such a flip was pending. No lock of the transport is
	 * held.
	 */
	bool (*flip_done)(void *sink, unsigned int index, u64 cookie, int error);
	/**
	 * @broken: the connection has just been latched as broken; may not sleep.
	 * @fault is what the backend did, NULL when it just goes away
	 */
	void (*broken)(void *owner, const char *fault);
};

/**
 * struct xen_drm_front_conn - one connection with the backend, never used again
 *
 * Reference counted: the bus device has a reference until it closes the
 * connection, a display has one for all its life. Whoever has one may use the
 * transport; after the latch every use returns -ENODEV.
 */
struct xen_drm_front_conn {
	/** @ref: counts the holders */
	struct kref ref;
	/** @dev: for messages only, holds a reference of the device */
	struct device *dev;
	/** @held: where pages go that the backend does not unmap; outlives @ref */
	struct xen_drm_front_held *held;
	/** @otherend_id: domain of the backend */
	domid_t otherend_id;
	/** @version: protocol version, 1 or 2 */
	unsigned int version;
	/** @broken: the latch, bit 0. Set once, never cleared */
	unsigned long broken;
	/** @at_fault: the backend broke the protocol, as opposed to going away */
	bool at_fault;
	/** @timeouts: missed replies in a row, over all connectors */
	atomic_t timeouts;
	/** @ops: constant */
	const struct xen_drm_front_conn_ops *ops;
	/** @owner: argument of &xen_drm_front_conn_ops.broken */
	void *owner;
	/** @sink_lock: read for a call of the sink, written to change @sink */
	struct rw_semaphore sink_lock;
	/** @sink: argument of &xen_drm_front_conn_ops.flip_done, NULL: not yet or no more */
	void *sink;
	/** @num_channels: connectors */
	unsigned int num_channels;
	/** @channels: one per connector, lives as long as the connection */
	struct xen_drm_front_evtchnl channels[] __counted_by(num_channels);
};

struct xen_drm_front_conn *
xen_drm_front_conn_alloc(struct device *dev, struct xen_drm_front_held *held,
			 domid_t otherend_id,
			 unsigned int num_channels, unsigned int version,
			 const struct xen_drm_front_conn_ops *ops, void *owner);
int xen_drm_front_conn_open(struct xen_drm_front_conn *conn,
			    struct xenbus_device *xb_dev);
int xen_drm_front_conn_publish(struct xen_drm_front_conn *conn,
			       struct xenbus_device *xb_dev,
			       bool with_version);
void xen_drm_front_conn_close(struct xen_drm_front_conn *conn);
void xen_drm_front_conn_set_sink(struct xen_drm_front_conn *conn, void *sink);
struct xen_drm_front_conn *
xen_drm_front_conn_get(struct xen_drm_front_conn *conn);
void xen_drm_front_conn_put(struct xen_drm_front_conn *conn);
bool xen_drm_front_conn_is_broken(const struct xen_drm_front_conn *conn);
void xen_drm_front_conn_gone(struct xen_drm_front_conn *conn,
			     const char *why);

void xen_drm_front_evtchnl_init(struct xen_drm_front_evtchnl *chan,
				struct xen_drm_front_conn *conn,
				unsigned int index);
void xen_drm_front_evtchnl_attach(struct xen_drm_front_evtchnl *chan,
				  struct xen_displif_sring *sring,
				  struct xendispl_event_page *evt_page);
int xen_drm_front_evtchnl_call(struct xen_drm_front_evtchnl *chan,
			       struct xendispl_req *req,
			       struct xendispl_resp *reply);
int xen_drm_front_evtchnl_call_killable(struct xen_drm_front_evtchnl *chan,
					struct xendispl_req *req);
int xen_drm_front_evtchnl_post(struct xen_drm_front_evtchnl *chan,
			       struct xendispl_req *req);
int xen_drm_front_evtchnl_flip(struct xen_drm_front_evtchnl *chan,
			       struct xendispl_req *req);
void xen_drm_front_evtchnl_flip_expired(struct xen_drm_front_evtchnl *chan);
int xen_drm_front_evtchnl_status(s32 status);
bool xen_drm_front_evtchnl_drain_replies(struct xen_drm_front_evtchnl *chan,
					 bool *progress);
bool xen_drm_front_evtchnl_drain_events(struct xen_drm_front_evtchnl *chan);

/* ------------------------------------------------------------------------
 * Verbs: xen_drm_front_verbs.c
 */

/**
 * struct xen_drm_front_dbuf - a buffer, as the protocol knows it
 *
 * Embedded in a GEM object, so it lives as long as the display needs it. Its
 * share belongs to the connection.
 */
struct xen_drm_front_dbuf {
	/** @node: in &xen_drm_front_display.dbufs while @share is set */
	struct list_head node;
	/** @cookie: names the buffer on the wire, 0 before it is first shared */
	u64 cookie;
	/** @width: pixels per line; with @bpp it gives the stride on the wire */
	u32 width;
	/** @height: lines */
	u32 height;
	/** @bpp: bits per pixel */
	u32 bpp;
	/** @size: bytes, a multiple of PAGE_SIZE, less than 4 GiB */
	size_t size;
	/** @be_alloc: the pages belong to the backend */
	bool be_alloc;
	/** @block: the pages' common reference count, NULL if each has its own */
	struct xen_drm_front_block *block;
	/** @pages: @size / PAGE_SIZE pages, set before the buffer is shared */
	struct page **pages;
	/** @num_fbs: attached framebuffers; under &xen_drm_front_display.lock */
	unsigned int num_fbs;
	/**
	 * @share: grants or mappings of the pages in the connection, NULL when
	 * there are none; under &xen_drm_front_display.lock
	 */
	struct xen_drm_front_pgdir *share;
};

/**
 * struct xen_drm_front_fb - a framebuffer, as the protocol knows it
 *
 * Embedded in a DRM framebuffer, which holds a reference of the buffer.
 */
struct xen_drm_front_fb {
	/** @node: in &xen_drm_front_display.fbs while it is attached */
	struct list_head node;
	/** @cookie: names the framebuffer on the wire */
	u64 cookie;
	/** @dbuf: what the framebuffer shows */
	struct xen_drm_front_dbuf *dbuf;
	/** @width: pixels per line */
	u32 width;
	/** @height: lines */
	u32 height;
	/** @pitch: bytes from line to line, as the client asked for */
	u32 pitch;
	/** @bpp: bits per pixel of @format */
	u32 bpp;
	/** @format: DRM fourcc */
	u32 format;
};

/**
 * struct xen_drm_front_display - a DRM device
 *
 * Everything that an open file, a dma-buf or a mapping can reach. It may
 * outlive both the connection and the bus device.
 */
struct xen_drm_front_display {
	/** @drm: base class */
	struct drm_device drm;
	/** @front: the bus device's refcounted part; told when the display is gone */
	struct xen_drm_front *front;
	/** @conn: the connection that the display was made for, refcounted */
	struct xen_drm_front_conn *conn;
	/** @cfg: constant */
	struct xen_drm_front_cfg cfg;
	/** @pipes: one per connector, private to xen_drm_front_kms.c */
	struct xen_drm_front_pipe *pipes;
	/**
	 * @lock: protects @dbufs, @fbs and their elements' shares. Held while
	 * the backend is asked about buffers; flips and modes do not take it.
	 */
	struct mutex lock;
	/** @dbufs: buffers shared with the backend */
	struct list_head dbufs;
	/** @fbs: framebuffers attached at the backend */
	struct list_head fbs;
};

static inline struct xen_drm_front_display *
to_xen_drm_front_display(struct drm_device *drm)
{
	return container_of(drm, struct xen_drm_front_display, drm);
}

u32 xen_drm_front_stride(u32 width, u32 bpp);

int xen_drm_front_dbuf_create(struct xen_drm_front_display *display,
			      struct xen_drm_front_dbuf *dbuf);
void xen_drm_front_dbuf_destroy(struct xen_drm_front_display *display,
				struct xen_drm_front_dbuf *dbuf);
void xen_drm_front_dbuf_unshare_all(struct xen_drm_front_display *display);
int xen_drm_front_fb_attach(struct xen_drm_front_display *display,
			    struct xen_drm_front_fb *fb);
void xen_drm_front_fb_detach(struct xen_drm_front_display *display,
			     struct xen_drm_front_fb *fb);
int xen_drm_front_set_config(struct xen_drm_front_display *display,
			     unsigned int index,
			     const struct xen_drm_front_fb *fb,
			     u32 width, u32 height);
int xen_drm_front_page_flip(struct xen_drm_front_display *display,
			    unsigned int index,
			    const struct xen_drm_front_fb *fb);
void xen_drm_front_page_flip_expired(struct xen_drm_front_display *display,
				     unsigned int index);
int xen_drm_front_get_edid(struct xen_drm_front_display *display,
			   unsigned int index, void *edid);

/* ------------------------------------------------------------------------
 * The bus device: xen_drm_front.c
 */

/**
 * enum xen_drm_front_step - what the bus device does next
 * @XEN_DRM_FRONT_STAY: nothing until something changes
 * @XEN_DRM_FRONT_CONNECT: read the configuration, publish rings, -> Initialised
 * @XEN_DRM_FRONT_ESTABLISH: make the display, -> Connected
 * @XEN_DRM_FRONT_LOSE: throw the connection away, -> Reconfiguring
 * @XEN_DRM_FRONT_REOPEN: nobody uses the display any more, -> Initialising
 * @XEN_DRM_FRONT_CLOSE: the toolstack takes the device away, -> Closed
 */
enum xen_drm_front_step {
	XEN_DRM_FRONT_STAY,
	XEN_DRM_FRONT_CONNECT,
	XEN_DRM_FRONT_ESTABLISH,
	XEN_DRM_FRONT_LOSE,
	XEN_DRM_FRONT_REOPEN,
	XEN_DRM_FRONT_CLOSE,
};

extern struct workqueue_struct *xen_drm_front_wq;

enum xen_drm_front_step
xen_drm_front_next_step(enum xenbus_state own, enum xenbus_state backend,
			bool backend_online, bool conn_broken, bool in_use);

/* ------------------------------------------------------------------------
 * Memory: xen_drm_front_gem.c
 */

int xen_drm_front_gem_dumb_create(struct drm_file *file, struct drm_device *drm,
				  struct drm_mode_create_dumb *args);
struct drm_gem_object *
xen_drm_front_gem_create_object(struct drm_device *drm, size_t size);
struct drm_gem_object *xen_drm_front_gem_prime_import(struct drm_device *drm,
						      struct dma_buf *dma_buf);
struct drm_gem_object *
xen_drm_front_gem_prime_import_sg_table(struct drm_device *drm,
					struct dma_buf_attachment *attach,
					struct sg_table *sgt);
struct xen_drm_front_dbuf *
xen_drm_front_gem_to_dbuf(struct drm_gem_object *obj);
int xen_drm_front_gem_get_pages(struct drm_gem_object *obj);

/* ------------------------------------------------------------------------
 * Mode setting: xen_drm_front_kms.c
 */

int xen_drm_front_kms_init(struct xen_drm_front_display *display);
bool xen_drm_front_kms_flip_done(struct xen_drm_front_display *display,
				 unsigned int index, u64 cookie, int error);
void xen_drm_front_kms_abort(struct xen_drm_front_display *display);

#endif /* __XEN_DRM_FRONT_H__ */
