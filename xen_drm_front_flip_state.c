// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: the state of a pipe. Pure: no DRM and no
 * ring.
 */

#include "xen_drm_front_flip_state.h"

#include <linux/export.h>

#include <kunit/visibility.h>

static unsigned int flip_send(struct xen_drm_flip_core *core)
{
	core->state = XEN_DRM_FLIP_FLYING;
	core->dirty = false;
	if (core->event == XEN_DRM_FLIP_EVENT_NEXT)
		core->event = XEN_DRM_FLIP_EVENT_OUT;
	return XEN_DRM_FLIP_SEND;
}

static unsigned int flip_complete(struct xen_drm_flip_core *core)
{
	if (core->event == XEN_DRM_FLIP_EVENT_NONE)
		return 0;
	core->event = XEN_DRM_FLIP_EVENT_NONE;
	return XEN_DRM_FLIP_COMPLETE;
}

static unsigned int flip_picture(struct xen_drm_flip_core *core)
{
	switch (core->state) {
	case XEN_DRM_FLIP_OFF:
		return 0;
	case XEN_DRM_FLIP_IDLE:
		return flip_send(core);
	default:
		core->dirty = true;
		return 0;
	}
}

static unsigned int flip_event_only(struct xen_drm_flip_core *core)
{
	core->event = core->dirty ? XEN_DRM_FLIP_EVENT_NEXT : XEN_DRM_FLIP_EVENT_OUT;
	if (core->state == XEN_DRM_FLIP_IDLE)
		core->state = XEN_DRM_FLIP_LANDED;
	return 0;
}

static unsigned int flip_answered(struct xen_drm_flip_core *core, bool refused)
{
	if (core->state != XEN_DRM_FLIP_FLYING && core->state != XEN_DRM_FLIP_STALLED)
		return 0;

	/* After a refusal the newest picture is sent once more, but not after a second one. */
	core->retried = refused && !core->retried;
	core->dirty |= core->retried;
	core->state = XEN_DRM_FLIP_LANDED;
	return 0;
}

static unsigned int flip_vblank(struct xen_drm_flip_core *core)
{
	unsigned int actions;

	switch (core->state) {
	case XEN_DRM_FLIP_LANDED:
		actions = core->event == XEN_DRM_FLIP_EVENT_OUT ? flip_complete(core) : 0;
		if (core->dirty)
			return actions | flip_send(core);
		core->state = XEN_DRM_FLIP_IDLE;
		return actions | flip_complete(core);
	case XEN_DRM_FLIP_FLYING:
		return 0;
	case XEN_DRM_FLIP_SETTING:
		if (core->held < XEN_DRM_FLIP_MAX_HELD) {
			core->held++;
			return 0;
		}
		return flip_complete(core);
	default:
		return flip_complete(core);
	}
}

static unsigned int flip_configuring(struct xen_drm_flip_core *core)
{
	if (core->state == XEN_DRM_FLIP_OFF)
		return 0;
	core->state = XEN_DRM_FLIP_SETTING;
	core->dirty = false;
	core->retried = false;
	core->held = 0;
	if (core->event == XEN_DRM_FLIP_EVENT_NEXT)
		core->event = XEN_DRM_FLIP_EVENT_OUT;
	return 0;
}

/* Only a pipe that waits for its latest mode is told; a picture may have darkened it since. */
static unsigned int flip_configured(struct xen_drm_flip_core *core)
{
	if (core->state == XEN_DRM_FLIP_DARK || core->state == XEN_DRM_FLIP_SETTING ||
	    core->state == XEN_DRM_FLIP_STALLED)
		core->state = XEN_DRM_FLIP_LANDED;
	return 0;
}

static unsigned int flip_darkened(struct xen_drm_flip_core *core)
{
	core->dirty = false;
	core->retried = false;
	if (core->state != XEN_DRM_FLIP_OFF)
		core->state = XEN_DRM_FLIP_DARK;
	return 0;
}

static unsigned int flip_enabled(struct xen_drm_flip_core *core)
{
	core->state = XEN_DRM_FLIP_DARK;
	return 0;
}

static unsigned int flip_disabled(struct xen_drm_flip_core *core)
{
	flip_darkened(core);
	core->state = XEN_DRM_FLIP_OFF;
	return flip_complete(core);
}

static unsigned int flip_overdue(struct xen_drm_flip_core *core)
{
	if (core->state == XEN_DRM_FLIP_FLYING || core->state == XEN_DRM_FLIP_SETTING)
		core->state = XEN_DRM_FLIP_STALLED;
	return 0;
}

static unsigned int flip_answers(struct xen_drm_flip_core *core)
{
	return core->state == XEN_DRM_FLIP_STALLED ? flip_send(core) : 0;
}

/**
 * xen_drm_flip_next - take a pipe from one state to the next
 * @core: state of the pipe
 * @input: event that takes the pipe there
 *
 * Returns: the actions to take, a set of XEN_DRM_FLIP_COMPLETE and XEN_DRM_FLIP_SEND,
 * of which the former comes first.
 */
unsigned int xen_drm_flip_next(struct xen_drm_flip_core *core, enum xen_drm_flip_input input)
{
	switch (input) {
	case XEN_DRM_FLIP_COMMIT:
		core->event = XEN_DRM_FLIP_EVENT_NEXT;
		return flip_picture(core);
	case XEN_DRM_FLIP_EVENT_ONLY:
		return flip_event_only(core);
	case XEN_DRM_FLIP_DAMAGE:
		return flip_picture(core);
	case XEN_DRM_FLIP_DONE:
		return flip_answered(core, false);
	case XEN_DRM_FLIP_REFUSED:
		return flip_answered(core, true);
	case XEN_DRM_FLIP_OVERDUE:
		return flip_overdue(core);
	case XEN_DRM_FLIP_ANSWERS:
		return flip_answers(core);
	case XEN_DRM_FLIP_VBLANK:
		return flip_vblank(core);
	case XEN_DRM_FLIP_ENABLED:
		return flip_enabled(core);
	case XEN_DRM_FLIP_CONFIGURING:
		return flip_configuring(core);
	case XEN_DRM_FLIP_DARKENED:
		return flip_darkened(core);
	case XEN_DRM_FLIP_CONFIGURED:
		return flip_configured(core);
	case XEN_DRM_FLIP_DISABLED:
		return flip_disabled(core);
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_flip_next);
