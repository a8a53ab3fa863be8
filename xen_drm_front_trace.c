// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: tracepoints.
 */

#include "xen_drm_front_trace.h"

#include <linux/device.h>
#include <linux/jiffies.h>

#include <xen/interface/io/displif.h>
#include <xen/interface/io/xenbus.h>

#include "xen_drm_front_flip_state.h"
#include "xen_drm_front_state.h"

/* The header, which is included once more below, uses these functions and macros. */

static u64 request_dbuf(const struct xendispl_req *req)
{
	switch (req->operation) {
	case XENDISPL_OP_DBUF_CREATE:
		return req->op.dbuf_create.dbuf_cookie;
	case XENDISPL_OP_DBUF_DESTROY:
		return req->op.dbuf_destroy.dbuf_cookie;
	case XENDISPL_OP_FB_ATTACH:
		return req->op.fb_attach.dbuf_cookie;
	default:
		return 0;
	}
}

static u64 request_fb(const struct xendispl_req *req)
{
	switch (req->operation) {
	case XENDISPL_OP_FB_ATTACH:
		return req->op.fb_attach.fb_cookie;
	case XENDISPL_OP_FB_DETACH:
		return req->op.fb_detach.fb_cookie;
	case XENDISPL_OP_SET_CONFIG:
		return req->op.set_config.fb_cookie;
	case XENDISPL_OP_PG_FLIP:
		return req->op.pg_flip.fb_cookie;
	default:
		return 0;
	}
}

#define show_operation(operation)				\
	__print_symbolic(operation,				\
			 { XENDISPL_OP_PG_FLIP, "PG_FLIP" },	\
			 { XENDISPL_OP_FB_ATTACH, "FB_ATTACH" },	\
			 { XENDISPL_OP_FB_DETACH, "FB_DETACH" },	\
			 { XENDISPL_OP_DBUF_CREATE, "DBUF_CREATE" },	\
			 { XENDISPL_OP_DBUF_DESTROY, "DBUF_DESTROY" },	\
			 { XENDISPL_OP_SET_CONFIG, "SET_CONFIG" },	\
			 { XENDISPL_OP_GET_EDID, "GET_EDID" })

#define show_flip_state(state)					\
	__print_symbolic(state,					\
			 { XEN_DRM_FLIP_OFF, "off" },		\
			 { XEN_DRM_FLIP_DARK, "dark" },		\
			 { XEN_DRM_FLIP_SETTING, "setting" },	\
			 { XEN_DRM_FLIP_IDLE, "idle" },		\
			 { XEN_DRM_FLIP_FLYING, "flying" },	\
			 { XEN_DRM_FLIP_LANDED, "landed" },	\
			 { XEN_DRM_FLIP_STALLED, "stalled" })

#define show_flip_input(input)					\
	__print_symbolic(input,					\
			 { XEN_DRM_FLIP_COMMIT, "commit" },	\
			 { XEN_DRM_FLIP_EVENT_ONLY, "event-only" },	\
			 { XEN_DRM_FLIP_DAMAGE, "damage" },	\
			 { XEN_DRM_FLIP_DONE, "done" },		\
			 { XEN_DRM_FLIP_REFUSED, "refused" },	\
			 { XEN_DRM_FLIP_OVERDUE, "overdue" },	\
			 { XEN_DRM_FLIP_ANSWERS, "answers" },	\
			 { XEN_DRM_FLIP_VBLANK, "vblank" },	\
			 { XEN_DRM_FLIP_ENABLED, "enabled" },	\
			 { XEN_DRM_FLIP_CONFIGURING, "configuring" },	\
			 { XEN_DRM_FLIP_CONFIGURED, "configured" },	\
			 { XEN_DRM_FLIP_DARKENED, "darkened" },	\
			 { XEN_DRM_FLIP_DISABLED, "disabled" })

#define show_bus_state(state)					\
	__print_symbolic(state,					\
			 { XenbusStateUnknown, "Unknown" },	\
			 { XenbusStateInitialising, "Initialising" },	\
			 { XenbusStateInitWait, "InitWait" },	\
			 { XenbusStateInitialised, "Initialised" },	\
			 { XenbusStateConnected, "Connected" },	\
			 { XenbusStateClosing, "Closing" },	\
			 { XenbusStateClosed, "Closed" },	\
			 { XenbusStateReconfiguring, "Reconfiguring" },	\
			 { XenbusStateReconfigured, "Reconfigured" })

#define show_step(step)					\
	__print_symbolic(step,					\
			 { XEN_DRM_IDLE, "idle" },		\
			 { XEN_DRM_CONNECT, "connect" },	\
			 { XEN_DRM_JOIN, "join" },		\
			 { XEN_DRM_LEAVE, "leave" },		\
			 { XEN_DRM_CLOSE, "close" })

#define CREATE_TRACE_POINTS
#include "xen_drm_front_trace.h"
