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
 * enum xen_drm_slot_state - what is done with the reply to a request
 * @XEN_DRM_SLOT_FREE: no request has this slot
 * @XEN_DRM_SLOT_CALL: a task waits for the reply
 * @XEN_DRM_SLOT_FLIP: a refusal is told to the pipe, if the flip is still open
 * @XEN_DRM_SLOT_MODE: the outcome of setting a mode is told to the pipe
 * @XEN_DRM_SLOT_OFF: a refusal to switch off is told to the pipe
 * @XEN_DRM_SLOT_ABANDONED: nobody wants it, so a late reply only frees the slot
 */
enum xen_drm_slot_state {
	XEN_DRM_SLOT_FREE,
	XEN_DRM_SLOT_CALL,
	XEN_DRM_SLOT_FLIP,
	XEN_DRM_SLOT_MODE,
	XEN_DRM_SLOT_OFF,
	XEN_DRM_SLOT_ABANDONED,
};

/**
 * struct xen_drm_slot - private record of one request in the ring
 */
struct xen_drm_slot {
	/** @call: storage of the waiting task, in state XEN_DRM_SLOT_CALL */
	struct xen_drm_call *call;
	/** @sent: time when the request was put into the ring, in jiffies */
	unsigned long sent;
	/** @serial: number of the latest flip at that time, this one included */
	u32 serial;
	/** @mode: number of the mode that the request sets, in state XEN_DRM_SLOT_MODE */
	u32 mode;
	/** @directory: grant of the page directory that the request names, if it names one */
	grant_ref_t directory;
	/** @id: identifier that the reply must carry */
	u16 id;
	/** @operation: operation that the reply must carry */
	u8 operation;
	/** @state: an enum xen_drm_slot_state */
	u8 state;
	/** @late: whether &xen_drm_chan_ops.missed was called for this request */
	bool late;
};

/**
 * struct xen_drm_chan_ops - what a channel tells its connection
 *
 * The channel calls them without its lock, in any context, interrupts included, and
 * possibly under &drm_device.event_lock.
 */
struct xen_drm_chan_ops {
	/** @fault: the backend broke the protocol, as @what says; the channel is broken */
	void (*fault)(void *owner, const char *what);
	/** @anew: another backend seems to have taken up the ring; the channel is broken */
	void (*anew)(void *owner);
	/** @missed: an answer did not come in time */
	void (*missed)(void *owner, unsigned int index);
	/**
	 * @answers: the first answer has come after a missed one, or after a flip
	 * that found no room in the ring; or that to a DBUF_CREATE which was missed; or
	 * a mode was refused
	 */
	void (*answers)(void *owner, unsigned int index);
};

/**
 * struct xen_drm_chan_news - news to tell once the channel's lock is released
 */
struct xen_drm_chan_news {
	/** @fault: sentence about what the backend did against the protocol, or empty */
	char fault[XEN_DRM_FAULT_LEN];
	/** @anew: whether to call &xen_drm_chan_ops.anew */
	bool anew;
	/** @progress: whether a reply or an expected event was taken */
	bool progress;
	/** @missed: whether to call &xen_drm_chan_ops.missed */
	bool missed;
	/** @answers: whether to call &xen_drm_chan_ops.answers */
	bool answers;
	/** @flip_over: whether the open flip has ended */
	bool flip_over;
	/** @flip_error: error that the flip was refused with, 0 if it was shown */
	int flip_error;
	/** @flip_serial: number of the flip */
	u32 flip_serial;
	/** @flip_when: time when its event was seen */
	ktime_t flip_when;
	/** @mode_over: whether a mode was answered */
	bool mode_over;
	/** @mode: number of the latest of them */
	u32 mode;
	/** @mode_error: error that it was refused with, 0 if it was set */
	int mode_error;
	/** @off_error: error with which the backend refused to switch off, or 0 */
	int off_error;
	/** @flip_ops: callbacks of the pipe, or NULL */
	const struct xen_drm_flip_ops *flip_ops;
	/** @flip_owner: argument of @flip_ops */
	void *flip_owner;
};

/**
 * struct xen_drm_named - grant that a request in the ring names
 */
struct xen_drm_named {
	/** @at: where the ring has it, NULL if the operation has none */
	grant_ref_t *at;
	/** @ref: the grant, if @at is not NULL */
	grant_ref_t ref;
};

/**
 * struct xen_drm_chan - transport of one connector
 *
 * A request ring and an event page, each with a grant and an event channel of its
 * own. The connection owns the channel, and opens and closes it.
 */
struct xen_drm_chan {
	/** @dev: device for messages; lives as long as the connection */
	struct device *dev;
	/** @index: number of the connector */
	unsigned int index;
	/** @ops: callbacks of the connection; constant */
	const struct xen_drm_chan_ops *ops;
	/** @owner: argument of @ops */
	void *owner;
	/** @reply_wait: tasks that wait for a reply or for room in the ring */
	wait_queue_head_t reply_wait;

	/**
	 * @lock: protects all members from here to @flip_owner. A leaf, taken with
	 * interrupts off by senders, interrupts and timers
	 */
	spinlock_t lock;
	/** @stats: counters since the channel was opened */
	struct xen_drm_chan_stats stats;
	/** @broken: whether no request goes out, and nothing that comes in is looked at */
	bool broken;
	/** @missed: whether an answer is overdue that &xen_drm_chan_ops.missed told of */
	bool missed;
	/** @drained: whether the next interrupt may have no cause, since its replies were taken */
	bool drained;
	/** @evt_drained: the same for events and the interrupt of the event page */
	bool evt_drained;
	/** @limited: whether waits end at @limit, however much the backend has answered */
	bool limited;
	/** @limit: time in jiffies */
	unsigned long limit;
	/** @heard: time when the latest reply or flip event was taken, in jiffies */
	unsigned long heard;
	/** @ring: our end of the request ring; sring is NULL while it is closed */
	struct xen_displif_front_ring ring;
	/** @req_prod: our copy of the index up to which the backend may answer */
	RING_IDX req_prod;
	/** @rsp_event: our copy of the index whose reply raises an interrupt */
	RING_IDX rsp_event;
	/** @slots: slot of each open request; id I has slot I modulo the ring's size */
	struct xen_drm_slot slots[XEN_DRM_RING_SIZE];
	/** @named: grants of the requests, by their place in the ring */
	struct xen_drm_named named[XEN_DRM_RING_SIZE];
	/** @next_id: id with which the search for a free one begins */
	u16 next_id;
	/**
	 * @num_waits: number of slots in state XEN_DRM_SLOT_CALL, _MODE or _OFF, and of
	 * tasks and flips that wait for room in the ring. Replies raise interrupts unless
	 * it is 0
	 */
	unsigned int num_waits;
	/** @num_modes: number of slots in state XEN_DRM_SLOT_MODE */
	unsigned int num_modes;
	/** @flip_waits: whether a flip found no room; ends with &xen_drm_chan_ops.answers */
	bool flip_waits;
	/** @evt_page: shared page with the events */
	struct xendispl_event_page *evt_page;
	/** @evt_cons: index of the next event; in_cons of the page is for the backend to read */
	u32 evt_cons;
	/** @evt_stays: whether the entry at @evt_cons was read, and may still be an old one */
	bool evt_stays;
	/** @flip_open: whether a flip is out that has not ended */
	bool flip_open;
	/** @flip_serial: number of the flip, or of the last one */
	u32 flip_serial;
	/** @flip_cookie: framebuffer of the flip */
	u64 flip_cookie;
	/** @flip_sent: time when the flip went out, in jiffies */
	unsigned long flip_sent;
	/** @flip_late: whether &xen_drm_chan_ops.missed was called for the flip */
	bool flip_late;
	/** @flip_ops: callbacks of the pipe, or NULL while none uses the channel */
	const struct xen_drm_flip_ops *flip_ops;
	/** @flip_owner: argument of @flip_ops */
	void *flip_owner;

	/** @req_ref: grant of the request ring's page; for the connection, as all below */
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
	/**
	 * @evt_masked: whether that interrupt ends with xen_drm_chan_listen(). Without a
	 * lock: set by the interrupt, which does not come again before it is cleared
	 */
	bool evt_masked;
	/** @req_name: name of the request ring's interrupt, DEVICE-CONNECTOR-req:LABEL */
	char req_name[56];
	/** @evt_name: name of the event page's interrupt, DEVICE-CONNECTOR-evt:LABEL */
	char evt_name[56];
};

void xen_drm_chan_init(struct xen_drm_chan *chan, struct device *dev, unsigned int index,
		       const struct xen_drm_chan_ops *ops, void *owner);
void xen_drm_chan_attach(struct xen_drm_chan *chan, struct xen_displif_sring *sring,
			 struct xendispl_event_page *evt_page);
void xen_drm_chan_set_flip_ops(struct xen_drm_chan *chan, const struct xen_drm_flip_ops *ops,
			       void *owner);

int xen_drm_chan_status(s32 status);
void xen_drm_chan_listen(struct xen_drm_chan *chan);
irqreturn_t xen_drm_chan_reply_interrupt(int irq, void *data);
irqreturn_t xen_drm_chan_event_interrupt(int irq, void *data);

/* The shared pages of a channel that is closed, broken or not yet open are not touched. */
static inline bool xen_drm_chan_is_dead(const struct xen_drm_chan *chan)
{
	return chan->broken || !chan->ring.sring;
}

void xen_drm_chan_drain(struct xen_drm_chan *chan, struct xen_drm_chan_news *news);
void xen_drm_chan_drain_replies(struct xen_drm_chan *chan, struct xen_drm_chan_news *news);
bool xen_drm_chan_tell(struct xen_drm_chan *chan, const struct xen_drm_chan_news *news);

#if IS_ENABLED(CONFIG_KUNIT)
void xen_drm_chan_eoi(struct xen_drm_chan *chan, int irq, unsigned int flags);
#endif

#endif /* __XEN_DRM_FRONT_EVTCHNL_H__ */
