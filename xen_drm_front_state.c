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
 * The driver does not remember what the backend did before. Whenever its state or
 * ours changes, or a connection breaks, the work collects the present facts, and
 * xen_drm_state_next() decides from them alone. States that the backend repeats,
 * skips or passes too fast to be seen need no care of their own, with one
 * exception: a backend that leaves and is back before its state has been read.
 * The xenwatch thread breaks the connection for that.
 *
 * The work of the bus device takes all steps. The xenwatch thread serves every
 * device of the guest, so it must not wait. It notes the backend's state, breaks a
 * connection whose backend has left, and writes our state. Only that thread may write it,
 * because xenbus compares our state in XenStore with its own record there. If
 * only one of the two is Initialising, xenbus concludes that the toolstack has
 * reset the device, and removes it. So the work says which state it wants, and
 * wakes the thread by writing the present state once more. It does not wait for
 * the thread, because the driver's remove function runs there and waits for the
 * work. Until the state is written, the work takes no step but LEAVE and CLOSE.
 *
 * A connection begins with CONNECT and ends with LEAVE, whatever the reason.
 * JOIN, in between, lets the display use it. The display survives that; only
 * CLOSE unplugs it, when the toolstack takes the device away.
 *
 * After LEAVE our state is Initialising, which is what a new backend waits for. It
 * is written before rings, event channels or grants are given up. The reason is that a
 * backend that was killed and started again takes up the rings of a frontend
 * whose state is Initialised or Connected. Some backends ignore the device from then on if
 * these rings go away. So the old connection is retired: kept open, but not listened to, until
 * the backend has taken up the rings of the next one. InitWait would be too early,
 * since a backend is in that state while it takes up rings.
 *
 * xenbus writes Closing when one of its functions fails. From there, as from any
 * other state without a connection, the way leads back to Initialising, after a
 * hold-off. Closed is for a wrong configuration, for a device that the toolstack
 * takes away, and for the end of the guest.
 */

/* Seconds after which a connection proves that its backend works. */
#define STATE_GOOD_S	60
/* Seconds before which the end of a connection counts as a fault. */
#define STATE_SHORT_S	5
/* Connections in a row that may end before STATE_GOOD_S without a hold-off. */
#define STATE_FREE	3
#define STATE_HOLD_MIN_S	2
#define STATE_HOLD_MAX_S	64

/**
 * xen_drm_state_has_left - check whether a state means that the backend has left
 * @own: our state, Initialised or Connected
 * @backend: the backend's state, any number
 *
 * Returns: whether the backend cannot take up, or has given up, the connection
 * that we offer or have.
 */
bool xen_drm_state_has_left(enum xenbus_state own, enum xenbus_state backend)
{
	switch (backend) {
	case XenbusStateConnected:
		return false;
	case XenbusStateInitWait:
	case XenbusStateInitialised:
		/* Until we are Connected, the backend may not have seen our rings yet. */
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

/* Closing and Closed count only if the device is offline: a backend that starts may pass them. */
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
		/* If Initialised is not pending, it could not be written. */
		return !facts->pending;
	case XenbusStateInitialised:
		/*
		 * If Connected is not pending, it could not be written. A backend that
		 * was Connected when the display joined has left in any other state.
		 */
		if (facts->joined)
			return !facts->pending || facts->backend != XenbusStateConnected;
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
	/* Each connection begins in Initialising, whatever our state is now. */
	if (facts->own != XenbusStateInitialising)
		return state_decide(XEN_DRM_IDLE, XenbusStateInitialising);
	if (facts->backend == XenbusStateInitWait)
		return state_decide(XEN_DRM_CONNECT, XenbusStateInitialised);

	return idle;
}

/**
 * xen_drm_state_next - decide on the next step
 * @facts: present facts
 *
 * Implements displif.h, "States", except Reconfiguring, which is for a frontend that
 * must wait for its clients. A display does not depend on its connection.
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
 * @level: what this function returned for the connection before, 0 for the first
 * @seconds: how long the connection lasted, from Connected on
 * @fault: whether it ended by a fault, or could not be made
 *
 * Returns: the level for xen_drm_state_hold_off(), which is higher the more
 * connections in a row went wrong.
 */
unsigned int xen_drm_state_level(unsigned int level, unsigned int seconds, bool fault)
{
	if (seconds >= STATE_GOOD_S)
		level = 0;
	if (fault || seconds < STATE_SHORT_S)
		level = max(level, STATE_FREE);
	/* The limit is beyond the longest hold-off, and keeps the number from overflowing. */
	return min(level + 1, STATE_FREE + 16);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_state_level);

/**
 * xen_drm_state_hold_off - tell how long to wait for the next connection
 * @level: what xen_drm_state_level() returned
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
