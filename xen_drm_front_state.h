/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: what the bus device does next. Pure,
 * so that all interleavings can be tried in user space.
 */

#ifndef __XEN_DRM_FRONT_STATE_H__
#define __XEN_DRM_FRONT_STATE_H__

#include <linux/types.h>

#include <xen/interface/io/xenbus.h>

/**
 * enum xen_drm_step - what the work of the bus device does next
 * @XEN_DRM_IDLE: nothing until a fact changes
 * @XEN_DRM_CONNECT: read the configuration, open and publish rings
 * @XEN_DRM_JOIN: let the display use the connection, making it if there is none
 * @XEN_DRM_LEAVE: let the display go on without the connection, and retire that
 * @XEN_DRM_CLOSE: the same, and unplug the display: the device is taken away
 */
enum xen_drm_step {
	XEN_DRM_IDLE,
	XEN_DRM_CONNECT,
	XEN_DRM_JOIN,
	XEN_DRM_LEAVE,
	XEN_DRM_CLOSE,
};

/** struct xen_drm_facts - what a decision is made on */
struct xen_drm_facts {
	/** @own: our state, as the xenbus core has it */
	enum xenbus_state own;
	/** @pending: the xenwatch thread has yet to write the state that is wanted */
	bool pending;
	/** @backend: the backend's state, as the xenwatch thread last read it */
	enum xenbus_state backend;
	/** @offline: the toolstack takes the device away */
	bool offline;
	/** @connected: there is a connection that is not retired */
	bool connected;
	/** @joined: the display uses the connection */
	bool joined;
	/**
	 * @broken: the connection must end, whatever the states say: the backend
	 * broke the protocol, left, began anew, was silent for too long, or the
	 * guest was resumed
	 */
	bool broken;
	/** @held_off: no connection may be begun yet */
	bool held_off;
	/** @misconfigured: the configuration was wrong, and is still the same */
	bool misconfigured;
	/** @shutdown: the guest is going down, and the xenbus core closes the device */
	bool shutdown;
};

/** struct xen_drm_decision - what to do, and what to tell afterwards */
struct xen_drm_decision {
	/** @step: what to do now */
	enum xen_drm_step step;
	/**
	 * @then: own state that the xenwatch thread is to write when the step is
	 * done, &xen_drm_facts.own for no change
	 */
	enum xenbus_state then;
};

bool xen_drm_state_has_left(enum xenbus_state own, enum xenbus_state backend);
struct xen_drm_decision xen_drm_state_next(const struct xen_drm_facts *facts);
unsigned int xen_drm_state_level(unsigned int level, unsigned int seconds, bool fault);
unsigned int xen_drm_state_hold_off(unsigned int level);

#endif /* __XEN_DRM_FRONT_STATE_H__ */
