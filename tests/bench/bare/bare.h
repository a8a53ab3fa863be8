/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The least that a frontend can do: one connector's ring and event page, driven by
 * one task, with nothing of DRM around them. For measuring; it trusts its backend.
 */

#ifndef BARE_H
#define BARE_H

#include <linux/completion.h>
#include <linux/mutex.h>
#include <linux/wait.h>

#include <xen/grant_table.h>
#include <xen/xenbus.h>

#include <xen/interface/io/displif.h>
#include <xen/interface/io/ring.h>

/** struct bare - a display */
struct bare {
	/** @xb_dev: the bus device */
	struct xenbus_device *xb_dev;
	/** @connected: both ends have said so */
	struct completion connected;
	/** @open: ring, event page and their interrupts are there */
	bool open;
	/** @width: of connector 0 */
	unsigned int width;
	/** @height: of connector 0 */
	unsigned int height;
	/** @be_alloc: the backend allocates buffers */
	bool be_alloc;

	/** @ring: requests */
	struct xen_displif_front_ring ring;
	/** @replies: taken so far */
	unsigned int replies;
	/** @errors: replies with an error so far */
	unsigned int errors;
	/** @evt_page: events */
	struct xendispl_event_page *evt_page;
	/** @events: taken so far */
	unsigned int events;
	/** @wait: who waits for either */
	wait_queue_head_t wait;
	/** @refs: of the ring's page and of the event page */
	grant_ref_t refs[2];
	/** @ports: event channels of the two */
	evtchn_port_t ports[2];
	/** @irqs: their interrupts, 0 for none */
	int irqs[2];

	/** @dir: in debugfs */
	struct dentry *dir;
	/** @command_lock: one command at a time */
	struct mutex command_lock;
	/** @result: what the last command found, as lines of key=value */
	char result[1024];
};

/* bare_ring.c */
int bare_ring_open(struct bare *bare);
void bare_ring_close(struct bare *bare);
struct xendispl_req *bare_request(struct bare *bare, u8 operation);
/* Sends what has been requested, with one notification. */
void bare_push(struct bare *bare);
/* Sends, and waits for the replies to all requests, with one interrupt. */
int bare_call(struct bare *bare);
/* Sends a flip and waits for its event. */
int bare_flip(struct bare *bare, u64 fb_cookie);

/* bare_buffer.c */
struct bare_buffer;
/* Memory, grants, and DBUF_CREATE with FB_ATTACH in one push. */
struct bare_buffer *bare_buffer_create(struct bare *bare, unsigned int width,
				       unsigned int height);
/* FB_DETACH with DBUF_DESTROY in one push, then the rest. */
int bare_buffer_destroy(struct bare *bare, struct bare_buffer *buf);
u64 bare_buffer_fb(const struct bare_buffer *buf);
/* Zeroed pages for a buffer of that size, and nothing else. */
int bare_memory(unsigned int width, unsigned int height, u64 *running_ns, u64 *elapsed_ns);

#endif /* BARE_H */
