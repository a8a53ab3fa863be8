/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The target "ring": a connection of two connectors against a backend that writes
 * anything into their pages at any time. A model of the protocol sees each index and
 * each entry as the driver reads it, and says what must follow.
 */
#ifndef RING_TARGET_H
#define RING_TARGET_H

#include "xen_drm_front_call.h"
#include "xen_drm_front_conn.h"
#include "xen_drm_front_evtchnl.h"
#include "xen_drm_front_grants.h"
#include "xen_drm_front_overdue.h"

#include "input.h"
#include "shared.h"

#define CHANNELS	2
#define DOMID		3
#define SLOTS		32
#define EVENTS		63
#define HEADER		64
#define ENTRY		64
#define MAX_ATTACKS	8
/* More than the ring holds. */
#define MAX_CALLS	40
/* Tasks that wait, one in the other's turn. */
#define MAX_DEPTH	5
#define TIMEOUT		(3 * HZ)

/* Offsets in the two pages, by displif.h and ring.h. */
enum { REQ_PROD = 0, REQ_EVENT = 4, RSP_PROD = 8, RSP_EVENT = 12 };
enum { IN_CONS = 0, IN_PROD = 4 };

/* Who is interested in the reply to a request. */
enum interest { NONE, CALLER, FLIP, MODE, OFF, NOBODY };

/* A task's call from the time when it is put into the ring. */
struct waiter {
	/* of the driver; its memory is the task's, and goes with the wait */
	struct xen_drm_call *call;
	/* a task is sending it, or waiting for it */
	bool busy, replied;
	struct xendispl_resp reply;
	unsigned long sent;
};

struct request {
	enum interest interest;
	u16 id;
	u8 operation;
	/* the latest flip at that time, this one included */
	u32 serial;
	u32 mode;
	unsigned long sent;
	bool late;
	struct waiter *waiter;
};

/* What a task is about to send, and what has become of it. */
struct sending {
	struct xendispl_req req;
	enum interest interest;
	struct waiter *waiter;
	/* number of a mode */
	u32 mode;
	bool stored;
	u16 id;
};

/* What the backend does when the driver loads something, so many loads later. */
struct attack {
	unsigned int loads;
	bool there;
	u16 offset;
	u32 value;
};

/* Which of the two interrupts is handled. */
enum interrupt { NO_INTERRUPT, REPLY_INTERRUPT, EVENT_INTERRUPT };

struct model {
	unsigned int index;
	struct xen_drm_chan *chan;
	/* whom the channel tells when the model does not listen */
	const struct xen_drm_chan_ops *ops;
	void *owner;
	struct shared req, evt;

	struct request open[SLOTS];
	struct waiter waiters[MAX_CALLS];
	u32 sent, published, answered;
	/* where it began */
	u32 first_request;
	/* tasks that wait for room in the ring */
	unsigned int submitting;
	unsigned int notified;
	u32 old_req_prod;

	/* from one lock of the channel to its unlock */
	bool looked, looked_for_events, progress;
	unsigned int looks;
	enum interrupt interrupt;
	/* responses are announced that have not all been taken */
	bool taking;
	u32 announced, taking_from;
	/* the response that raises an interrupt, and the last one of which that is sure */
	u32 rsp_event, armed;
	bool drained, evt_drained;
	/* the interrupt that was handled ended with progress */
	bool ends_with_progress;
	unsigned long polled_at;
	u32 taken, in_prod;
	/* the newest event was looked at, and was not taken */
	bool stays;
	unsigned int num_events;

	bool flip_open, flip_late, flip_waits, in_flip, in_panic, saw_event;
	u32 flip_serial;
	u64 flip_cookie;
	unsigned long flip_sent;
	bool missed;
	/* when the latest answer was taken, and how many it were */
	unsigned long heard;
	unsigned int num_heard;

	/* modes that have not been answered, the latest one, and the one that must be told */
	unsigned int modes;
	u32 mode, told_mode;
	/* what must be told next */
	bool fault_told, anew_told, answers_told, missed_told, flip_told, mode_told, off_told;
	int flip_error, mode_error, off_error;
	u32 told_serial;
	bool has_sink;

	struct attack attacks[MAX_ATTACKS];
	unsigned int num_attacks;
};

struct run {
	struct input in;
	struct xenbus_device xb_dev;
	struct xen_drm_conn *conn;
	struct model models[CHANNELS];
	/* of the DRM device: flips are sent, and ended, under it */
	spinlock_t event_lock;
	bool broken, at_fault, closed, owned, eoi_forbidden, hands_over;
	/* how often the owner was told, and how often it had to be */
	unsigned int told_broken, told_missed, told_answers, must_tell_broken;
	struct sending *sending;
	unsigned int depth;
};

extern struct run run;

/* ring_model.c */
extern const struct xen_drm_chan_ops chan_ops;
extern const struct xen_drm_flip_ops flip_ops;
extern const struct xen_drm_conn_ops conn_ops;
int model_status(s32 status);
void model_gone(void);
bool model_owes(const struct model *m, unsigned long *since);
void expect_told(const struct model *m);
void req_load(struct shared *shared, size_t offset, size_t size);
void req_copied(struct shared *shared, size_t offset, size_t size, const void *copy);
void req_stored(struct shared *shared, size_t offset, size_t size);
void evt_load(struct shared *shared, size_t offset, size_t size);
void evt_copied(struct shared *shared, size_t offset, size_t size, const void *copy);
void evt_stored(struct shared *shared, size_t offset, size_t size);
void lock_hook(struct lock *lock, bool taken);

/* ring_tasks.c */
void step_of_backend(struct model *m, unsigned int what);
struct waiter *new_waiter(struct model *m);
void task_submits(struct model *m, struct waiter *waiter);
void task_waits(struct model *m, struct waiter *waiter, u8 how);
void task_waits_for_any(struct model *m);
void task_pushes(struct model *m);
void task_flips(struct model *m);
void pipe_flips(struct model *m);
void kernel_panics(struct model *m);
void task_polls(struct model *m);
void somebody_asks_for_silence(struct model *m);

#endif
