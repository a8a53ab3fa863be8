/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: ring and event page of a connector.
 */

#ifndef __XEN_DRM_FRONT_EVTCHNL_H__
#define __XEN_DRM_FRONT_EVTCHNL_H__

#include <linux/interrupt.h>
#include <linux/ktime.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include <xen/grant_table.h>
#include <xen/interface/event_channel.h>
#include <xen/interface/io/displif.h>
#include <xen/interface/io/ring.h>
#include <xen/page.h>

#include "xen_drm_front.h"

struct device;

#define XEN_DRM_RING_SIZE	__CONST_RING_SIZE(xen_displif, XEN_PAGE_SIZE)

/**
 * enum xen_drm_slot_state - who cares about a request's reply
 * @XEN_DRM_SLOT_FREE: no request has this slot
 * @XEN_DRM_SLOT_CALL: a task waits for the reply
 * @XEN_DRM_SLOT_FLIP: nobody, but if the flip is still open its pipe hears of a refusal
 * @XEN_DRM_SLOT_ABANDONED: nobody; a late reply only frees the slot
 */
enum xen_drm_slot_state {
	XEN_DRM_SLOT_FREE,
	XEN_DRM_SLOT_CALL,
	XEN_DRM_SLOT_FLIP,
	XEN_DRM_SLOT_ABANDONED,
};

/** struct xen_drm_slot - private record of one request in the ring */
struct xen_drm_slot {
	/** @call: the waiting task's, in state XEN_DRM_SLOT_CALL */
	struct xen_drm_call *call;
	/** @sent: jiffies when the request was put into the ring */
	unsigned long sent;
	/** @serial: number of the latest flip at that time, this one included */
	u32 serial;
	/** @id: what the reply must carry */
	u16 id;
	/** @operation: what the reply must carry */
	u8 operation;
	/** @state: enum xen_drm_slot_state */
	u8 state;
	/** @late: the reply was missed, and &xen_drm_chan_ops.missed called for it */
	bool late;
};

/**
 * struct xen_drm_chan_ops - what a channel tells its connection
 *
 * Called without the channel's lock, in any context, interrupts included. May be
 * called under &drm_device.event_lock.
 */
struct xen_drm_chan_ops {
	/** @fault: the backend broke the protocol, as @what says; the channel is broken */
	void (*fault)(void *owner, const char *what);
	/** @missed: no answer came within XEN_DRM_TIMEOUT_MS */
	void (*missed)(void *owner, unsigned int index);
	/**
	 * @answers: the first answer has come after a missed one, or after a flip
	 * that found no room in the ring
	 */
	void (*answers)(void *owner, unsigned int index);
};

/** struct xen_drm_chan_news - what to tell once the channel's lock is released */
struct xen_drm_chan_news {
	/** @fault: what the backend did against the protocol, empty if nothing */
	char fault[XEN_DRM_FAULT_LEN];
	/** @progress: a reply or an expected event was taken */
	bool progress;
	/** @missed: an answer is overdue for the first time */
	bool missed;
	/** @answers: see &xen_drm_chan_ops.answers */
	bool answers;
	/** @flip_over: the open flip has ended */
	bool flip_over;
	/** @flip_error: why the flip was refused, 0 if it was shown */
	int flip_error;
	/** @flip_serial: number of the flip */
	u32 flip_serial;
	/** @flip_when: when its event was seen */
	ktime_t flip_when;
	/** @flip_ops: whom to tell of the flip, or NULL */
	const struct xen_drm_flip_ops *flip_ops;
	/** @flip_owner: argument of @flip_ops */
	void *flip_owner;
};

/**
 * struct xen_drm_chan - transport of one connector
 *
 * A request ring and an event page, each shared by one grant and rung by one
 * event channel. Owned by its connection, which opens and closes it.
 */
struct xen_drm_chan {
	/** @dev: for messages; lives as long as the connection */
	struct device *dev;
	/** @index: number of the connector */
	unsigned int index;
	/** @ops: constant */
	const struct xen_drm_chan_ops *ops;
	/** @owner: argument of @ops */
	void *owner;
	/** @reply_wait: tasks that wait for a reply or for room in the ring */
	wait_queue_head_t reply_wait;

	/**
	 * @lock: protects all members below. A leaf, taken with interrupts off
	 * by senders, interrupts and timers
	 */
	spinlock_t lock;
	/** @broken: no request goes out, and nothing that comes in is looked at */
	bool broken;
	/** @missed: an answer is overdue, &xen_drm_chan_ops.missed was called */
	bool missed;
	/** @drained: replies were taken that the ring's interrupt is still to come for */
	bool drained;
	/** @evt_drained: the same for events and the interrupt of the event page */
	bool evt_drained;
	/** @heard: jiffies when the latest reply or flip event was taken */
	unsigned long heard;
	/** @ring: our end of the request ring; sring is NULL while it is closed */
	struct xen_displif_front_ring ring;
	/** @req_prod: our copy of the index up to which the backend may answer */
	RING_IDX req_prod;
	/** @rsp_event: our copy of the index whose response raises an interrupt */
	RING_IDX rsp_event;
	/** @slots: a request with id I has slot I modulo the ring's size */
	struct xen_drm_slot slots[XEN_DRM_RING_SIZE];
	/** @next_id: where the search for the next free id begins */
	u16 next_id;
	/**
	 * @num_waits: slots in state XEN_DRM_SLOT_CALL, and who waits for room in
	 * the ring. While there are any, replies raise interrupts
	 */
	unsigned int num_waits;
	/** @flip_waits: a flip found no room; &xen_drm_chan_ops.answers ends it */
	bool flip_waits;
	/** @evt_page: shared page with the events */
	struct xendispl_event_page *evt_page;
	/** @evt_cons: our index; in_cons of the page is for the backend to read */
	u32 evt_cons;
	/** @flip_open: a flip went out that neither an event nor a refusal has ended */
	bool flip_open;
	/** @flip_serial: number of the flip, or of the last one */
	u32 flip_serial;
	/** @flip_cookie: framebuffer of the flip */
	u64 flip_cookie;
	/** @flip_sent: jiffies when the flip went out */
	unsigned long flip_sent;
	/** @flip_late: the event was missed, and &xen_drm_chan_ops.missed called for it */
	bool flip_late;
	/** @flip_ops: the pipe's, or NULL while none uses the channel */
	const struct xen_drm_flip_ops *flip_ops;
	/** @flip_owner: argument of @flip_ops */
	void *flip_owner;

	/** @req_ref: grant of the request ring's page; the connection's, as all below */
	grant_ref_t req_ref;
	/** @evt_ref: grant of the event page */
	grant_ref_t evt_ref;
	/** @req_port: local event channel port of the request ring */
	evtchn_port_t req_port;
	/** @evt_port: local event channel port of the event page */
	evtchn_port_t evt_port;
	/** @req_irq: interrupt of the request ring, negative if not bound */
	int req_irq;
	/** @evt_irq: interrupt of the event page, negative if not bound */
	int evt_irq;
	/** @req_name: of the interrupt, DEVICE-CONNECTOR-req */
	char req_name[24];
	/** @evt_name: of the interrupt, DEVICE-CONNECTOR-evt */
	char evt_name[24];
};

void xen_drm_chan_init(struct xen_drm_chan *chan, struct device *dev, unsigned int index,
		       const struct xen_drm_chan_ops *ops, void *owner);
void xen_drm_chan_attach(struct xen_drm_chan *chan, struct xen_displif_sring *sring,
			 struct xendispl_event_page *evt_page);
void xen_drm_chan_break(struct xen_drm_chan *chan);
void xen_drm_chan_set_flip_ops(struct xen_drm_chan *chan, const struct xen_drm_flip_ops *ops,
			       void *owner);

int xen_drm_chan_status(s32 status);
bool xen_drm_chan_poll(struct xen_drm_chan *chan);
bool xen_drm_chan_overdue(struct xen_drm_chan *chan, unsigned long *since);
irqreturn_t xen_drm_chan_reply_interrupt(int irq, void *data);
irqreturn_t xen_drm_chan_event_interrupt(int irq, void *data);

/* Closed, broken, or not yet open: the shared pages are not touched. */
static inline bool xen_drm_chan_is_dead(const struct xen_drm_chan *chan)
{
	return chan->broken || !chan->ring.sring;
}

void xen_drm_chan_drain_replies(struct xen_drm_chan *chan, struct xen_drm_chan_news *news);
void xen_drm_chan_tell(struct xen_drm_chan *chan, const struct xen_drm_chan_news *news);

#if IS_ENABLED(CONFIG_KUNIT)
void xen_drm_chan_eoi(struct xen_drm_chan *chan, int irq, unsigned int flags);
#endif

#endif /* __XEN_DRM_FRONT_EVTCHNL_H__ */
