/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: tracepoints.
 *
 * Documentation/gpu/xen-front-admin.rst, "Looking inside", shows how to use them.
 */

#undef TRACE_SYSTEM
#define TRACE_SYSTEM xen_drm_front

#if !defined(__XEN_DRM_FRONT_TRACE_H__) || defined(TRACE_HEADER_MULTI_READ)
#define __XEN_DRM_FRONT_TRACE_H__

#include <linux/tracepoint.h>
#include <linux/types.h>

struct device;
struct xen_drm_facts;
struct xen_drm_decision;
struct xen_drm_flip_core;
struct xendispl_evt;
struct xendispl_req;
struct xendispl_resp;

/* Tools of user space learn the numbers of these names. */
TRACE_DEFINE_ENUM(XEN_DRM_FLIP_OFF);
TRACE_DEFINE_ENUM(XEN_DRM_FLIP_DARK);
TRACE_DEFINE_ENUM(XEN_DRM_FLIP_SETTING);
TRACE_DEFINE_ENUM(XEN_DRM_FLIP_IDLE);
TRACE_DEFINE_ENUM(XEN_DRM_FLIP_FLYING);
TRACE_DEFINE_ENUM(XEN_DRM_FLIP_LANDED);
TRACE_DEFINE_ENUM(XEN_DRM_FLIP_STALLED);
TRACE_DEFINE_ENUM(XEN_DRM_FLIP_COMMIT);
TRACE_DEFINE_ENUM(XEN_DRM_FLIP_EVENT_ONLY);
TRACE_DEFINE_ENUM(XEN_DRM_FLIP_DAMAGE);
TRACE_DEFINE_ENUM(XEN_DRM_FLIP_DONE);
TRACE_DEFINE_ENUM(XEN_DRM_FLIP_REFUSED);
TRACE_DEFINE_ENUM(XEN_DRM_FLIP_OVERDUE);
TRACE_DEFINE_ENUM(XEN_DRM_FLIP_ANSWERS);
TRACE_DEFINE_ENUM(XEN_DRM_FLIP_VBLANK);
TRACE_DEFINE_ENUM(XEN_DRM_FLIP_ENABLED);
TRACE_DEFINE_ENUM(XEN_DRM_FLIP_CONFIGURING);
TRACE_DEFINE_ENUM(XEN_DRM_FLIP_CONFIGURED);
TRACE_DEFINE_ENUM(XEN_DRM_FLIP_DARKENED);
TRACE_DEFINE_ENUM(XEN_DRM_FLIP_DISABLED);
TRACE_DEFINE_ENUM(XenbusStateUnknown);
TRACE_DEFINE_ENUM(XenbusStateInitialising);
TRACE_DEFINE_ENUM(XenbusStateInitWait);
TRACE_DEFINE_ENUM(XenbusStateInitialised);
TRACE_DEFINE_ENUM(XenbusStateConnected);
TRACE_DEFINE_ENUM(XenbusStateClosing);
TRACE_DEFINE_ENUM(XenbusStateClosed);
TRACE_DEFINE_ENUM(XenbusStateReconfiguring);
TRACE_DEFINE_ENUM(XenbusStateReconfigured);
TRACE_DEFINE_ENUM(XEN_DRM_IDLE);
TRACE_DEFINE_ENUM(XEN_DRM_CONNECT);
TRACE_DEFINE_ENUM(XEN_DRM_JOIN);
TRACE_DEFINE_ENUM(XEN_DRM_LEAVE);
TRACE_DEFINE_ENUM(XEN_DRM_CLOSE);

TRACE_EVENT(xen_drm_request,
	    TP_PROTO(struct device *dev, unsigned int connector, const struct xendispl_req *req),

	    TP_ARGS(dev, connector, req),

	    TP_STRUCT__entry(__string(dev, dev_name(dev))
			     __field(u64, dbuf)
			     __field(u64, fb)
			     __field(unsigned int, connector)
			     __field(u16, id)
			     __field(u8, operation)),

	    TP_fast_assign(__assign_str(dev);
			   __entry->dbuf = request_dbuf(req);
			   __entry->fb = request_fb(req);
			   __entry->connector = connector;
			   __entry->id = req->id;
			   __entry->operation = req->operation;),

	    TP_printk("%s connector=%u id=%u %s dbuf=%llu fb=%llu", __get_str(dev),
		      __entry->connector, __entry->id, show_operation(__entry->operation),
		      __entry->dbuf, __entry->fb)
);

TRACE_EVENT(xen_drm_reply,
	    TP_PROTO(struct device *dev, unsigned int connector, const struct xendispl_resp *resp,
		     unsigned long sent, bool late),

	    TP_ARGS(dev, connector, resp, sent, late),

	    TP_STRUCT__entry(__string(dev, dev_name(dev))
			     __field(unsigned int, connector)
			     __field(unsigned int, ms)
			     __field(s32, status)
			     __field(u16, id)
			     __field(u8, operation)
			     __field(bool, late)),

	    TP_fast_assign(__assign_str(dev);
			   __entry->connector = connector;
			   __entry->ms = jiffies_to_msecs(jiffies - sent);
			   __entry->status = resp->status;
			   __entry->id = resp->id;
			   __entry->operation = resp->operation;
			   __entry->late = late;),

	    TP_printk("%s connector=%u id=%u %s status=%d after=%ums%s", __get_str(dev),
		      __entry->connector, __entry->id, show_operation(__entry->operation),
		      __entry->status, __entry->ms, __entry->late ? " late" : "")
);

TRACE_EVENT(xen_drm_event,
	    TP_PROTO(struct device *dev, unsigned int connector, const struct xendispl_evt *evt),

	    TP_ARGS(dev, connector, evt),

	    TP_STRUCT__entry(__string(dev, dev_name(dev))
			     __field(u64, fb)
			     __field(unsigned int, connector)
			     __field(u16, id)
			     __field(u8, type)),

	    TP_fast_assign(__assign_str(dev);
			   __entry->fb = evt->op.pg_flip.fb_cookie;
			   __entry->connector = connector;
			   __entry->id = evt->id;
			   __entry->type = evt->type;),

	    TP_printk("%s connector=%u id=%u type=%u fb=%llu", __get_str(dev),
		      __entry->connector, __entry->id, __entry->type, __entry->fb)
);

TRACE_EVENT(xen_drm_flip,
	    TP_PROTO(const char *connector, unsigned int input, unsigned int before,
		     const struct xen_drm_flip_core *core, u64 fb, u32 serial),

	    TP_ARGS(connector, input, before, core, fb, serial),

	    TP_STRUCT__entry(__string(connector, connector)
			     __field(u64, fb)
			     __field(u32, serial)
			     __field(unsigned int, input)
			     __field(unsigned int, before)
			     __field(unsigned int, after)
			     __field(bool, dirty)),

	    TP_fast_assign(__assign_str(connector);
			   __entry->fb = fb;
			   __entry->serial = serial;
			   __entry->input = input;
			   __entry->before = before;
			   __entry->after = core->state;
			   __entry->dirty = core->dirty;),

	    TP_printk("%s %s: %s -> %s%s fb=%llu serial=%u", __get_str(connector),
		      show_flip_input(__entry->input), show_flip_state(__entry->before),
		      show_flip_state(__entry->after), __entry->dirty ? " dirty" : "",
		      __entry->fb, __entry->serial)
);

TRACE_EVENT(xen_drm_state,
	    TP_PROTO(struct device *dev, const struct xen_drm_facts *facts,
		     const struct xen_drm_decision *decision),

	    TP_ARGS(dev, facts, decision),

	    TP_STRUCT__entry(__string(dev, dev_name(dev))
			     __field(unsigned int, own)
			     __field(unsigned int, backend)
			     __field(unsigned int, step)
			     __field(unsigned int, then)
			     __field(bool, connected)
			     __field(bool, broken)),

	    TP_fast_assign(__assign_str(dev);
			   __entry->own = facts->own;
			   __entry->backend = facts->backend;
			   __entry->step = decision->step;
			   __entry->then = decision->then;
			   __entry->connected = facts->connected;
			   __entry->broken = facts->broken;),

	    TP_printk("%s own=%s backend=%s%s%s: %s, then %s", __get_str(dev),
		      show_bus_state(__entry->own), show_bus_state(__entry->backend),
		      __entry->connected ? " connected" : "", __entry->broken ? " broken" : "",
		      show_step(__entry->step), show_bus_state(__entry->then))
);

#endif /* __XEN_DRM_FRONT_TRACE_H__ */

/* Kbuild makes this the directory of the driver, in the tree and out of it. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE xen_drm_front_trace
#include <trace/define_trace.h>
