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

/**
 * struct xen_drm_facts - facts that the next step is decided from
 */
struct xen_drm_facts {
	/** @own: our state, as the xenbus core has it */
	enum xenbus_state own;
	/** @pending: whether the xenwatch thread has yet to write the wanted state */
	bool pending;
	/** @backend: state of the backend, as the xenwatch thread read it last */
	enum xenbus_state backend;
	/** @offline: whether the toolstack takes the device away */
	bool offline;
	/** @connected: whether there is a connection that is not retired */
	bool connected;
	/** @joined: whether the display uses the connection */
	bool joined;
	/**
	 * @broken: whether the connection must end, whatever the states say. The
	 * backend broke the protocol, left, began anew or was silent for too long,
	 * or the guest was resumed
	 */
	bool broken;
	/** @held_off: whether no connection may be begun yet */
	bool held_off;
	/** @misconfigured: whether the configuration was wrong, and is still the same */
	bool misconfigured;
	/** @shutdown: whether the guest goes down, and the xenbus core closes the device */
	bool shutdown;
};

/**
 * struct xen_drm_decision - a step, and the state that follows it
 */
struct xen_drm_decision {
	/** @step: step to take now */
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
