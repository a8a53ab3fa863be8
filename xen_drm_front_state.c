// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: what the bus device does next. Pure:
 * no locks, no memory, no XenStore.
 */

#include "xen_drm_front_state.h"

#include <linux/export.h>
#include <linux/minmax.h>

#include <kunit/visibility.h>

/**
 * DOC: State machine
 *
 * Nothing remembers what the backend did before. Whenever its state or ours
 * changes, or a connection breaks, the facts are collected as they are then,
 * and xen_drm_state_next() says from them alone what to do. States that the
 * backend repeats, skips or passes too fast to be seen need no care of their
 * own, with one exception: a backend that leaves and is back before anybody has
 * read its state. The xenwatch thread breaks the connection for that.
 *
 * One owner takes all steps: a work item of the bus device. The xenwatch thread
 * serves every device of the guest, so it only notes the backend's state, breaks
 * a connection whose backend has left, and writes our state. It has to be the
 * one that writes. The core compares our state in XenStore with its own record
 * in that thread; if only one of them is Initialising it concludes that the
 * toolstack has reset the device, and removes it. So the work says which state
 * it wants and wakes the thread by writing the present state once more. It does
 * not wait for it, because the driver's remove function runs in that thread and
 * waits for the work. Until the state is written, no step but LEAVE is taken.
 *
 * A connection begins with CONNECT and ends with LEAVE, whatever the reason.
 * JOIN, in between, lets the display use it. The display survives that; only
 * CLOSE unplugs it, when the toolstack takes the device away.
 *
 * After LEAVE our state is Initialising, since a backend that waits for us waits
 * for that. It is written before rings, event channels or grants are given up:
 * a backend that was killed and started again takes up the rings of a frontend
 * whose state is Initialised or Connected, and some are deaf for ever if the
 * rings go away under them. The old connection is retired for that: kept open,
 * but not listened to, until the backend has taken up the rings of the next one.
 * InitWait would be too early, since a backend says it while it takes up rings.
 *
 * The core writes Closing when one of its functions fails. It is as good as any
 * other state without a connection: the way leads back to Initialising, after a
 * hold-off. Closed is for a wrong configuration, for the toolstack and for the
 * end of the guest.
 */

/* A connection that lasted so long proves the backend to be well. */
#define STATE_GOOD_S	60
/* A connection that lasted less was a failure, as one that ends by a fault. */
#define STATE_SHORT_S	5
/* A backend may restart so often in a row before it has to wait. */
#define STATE_FREE	3
#define STATE_HOLD_MIN_S	2
#define STATE_HOLD_MAX_S	64

/**
 * xen_drm_state_has_left - does this state mean that the backend has left?
 * @own: our state, Initialised or Connected
 * @backend: the backend's state, any number
 *
 * Returns: whether the backend does not, or does not any more, know of the
 * connection that we offer or have.
 */
bool xen_drm_state_has_left(enum xenbus_state own, enum xenbus_state backend)
{
	switch (backend) {
	case XenbusStateConnected:
		return false;
	case XenbusStateInitWait:
	case XenbusStateInitialised:
		/* Before Connected it just has not yet seen our rings. */
		return own == XenbusStateConnected;
	default:
		return true;
	}
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_state_has_left);

static struct xen_drm_decision state_decide(enum xen_drm_step step, enum xenbus_state then)
{
	return (struct xen_drm_decision) { .step = step, .then = then };
}

/* A backend that starts may pass Closing and Closed; only offline do they close us. */
static bool state_must_close(const struct xen_drm_facts *facts)
{
	if (facts->shutdown)
		return true;

	return facts->offline && (facts->backend == XenbusStateClosing ||
				  facts->backend == XenbusStateClosed ||
				  facts->backend == XenbusStateUnknown);
}

static bool state_must_leave(const struct xen_drm_facts *facts)
{
	if (facts->broken)
		return true;

	switch (facts->own) {
	case XenbusStateInitialising:
		/* Initialised could not be written if it is not pending. */
		return !facts->pending;
	case XenbusStateInitialised:
		/* Nor could Connected. */
		if (facts->joined && !facts->pending)
			return true;
		return xen_drm_state_has_left(facts->own, facts->backend);
	case XenbusStateConnected:
		return xen_drm_state_has_left(facts->own, facts->backend);
	default:
		return true;
	}
}

static struct xen_drm_decision state_next_connected(const struct xen_drm_facts *facts)
{
	/*
	 * Initialising would bring a backend that the toolstack takes away to
	 * InitWait, while the toolstack waits for its Closed.
	 */
	if (state_must_close(facts))
		return state_decide(XEN_DRM_CLOSE, XenbusStateClosed);
	if (state_must_leave(facts))
		return state_decide(XEN_DRM_LEAVE, XenbusStateInitialising);
	if (facts->own == XenbusStateInitialised && !facts->joined && !facts->pending &&
	    facts->backend == XenbusStateConnected)
		return state_decide(XEN_DRM_JOIN, XenbusStateConnected);

	return state_decide(XEN_DRM_IDLE, facts->own);
}

static struct xen_drm_decision state_next_alone(const struct xen_drm_facts *facts)
{
	struct xen_drm_decision idle = state_decide(XEN_DRM_IDLE, facts->own);

	if (facts->pending)
		return idle;
	if (state_must_close(facts))
		return facts->own == XenbusStateClosed ? idle :
			state_decide(XEN_DRM_CLOSE, XenbusStateClosed);
	if (facts->misconfigured)
		return state_decide(XEN_DRM_IDLE, XenbusStateClosed);
	if (facts->held_off)
		return idle;
	/* Whatever we have come to, a connection begins here. */
	if (facts->own != XenbusStateInitialising)
		return state_decide(XEN_DRM_IDLE, XenbusStateInitialising);
	if (facts->backend == XenbusStateInitWait)
		return state_decide(XEN_DRM_CONNECT, XenbusStateInitialised);

	return idle;
}

/**
 * xen_drm_state_next - decide what to do
 * @facts: what is the case
 *
 * Implements displif.h, "States", but for Reconfiguring: nothing of a display
 * depends on its connection, so there is nothing to wait for.
 *
 * Returns: the step, and the own state that is wanted afterwards.
 */
struct xen_drm_decision xen_drm_state_next(const struct xen_drm_facts *facts)
{
	return facts->connected ? state_next_connected(facts) : state_next_alone(facts);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_state_next);

/**
 * xen_drm_state_level - account for the end of a connection
 * @level: what this function returned at the end before, 0 at first
 * @seconds: how long the connection lasted, from Connected on
 * @fault: it ended by a fault, or has never been made
 *
 * Returns: how bad the backend is, see xen_drm_state_hold_off(). A backend that
 * is restarted now and then is not bad at all.
 */
unsigned int xen_drm_state_level(unsigned int level, unsigned int seconds, bool fault)
{
	if (seconds >= STATE_GOOD_S)
		level = 0;
	if (fault || seconds < STATE_SHORT_S)
		level = max(level, STATE_FREE);
	/* Beyond any hold-off, without an end of the numbers. */
	return min(level + 1, STATE_FREE + 16);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_state_level);

/**
 * xen_drm_state_hold_off - how long to wait for the next connection
 * @level: of xen_drm_state_level()
 *
 * Returns: seconds, 0 or 2 to 64, doubled from level to level.
 */
unsigned int xen_drm_state_hold_off(unsigned int level)
{
	if (level <= STATE_FREE)
		return 0;

	return min(STATE_HOLD_MIN_S << (level - STATE_FREE - 1), STATE_HOLD_MAX_S);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_state_hold_off);
