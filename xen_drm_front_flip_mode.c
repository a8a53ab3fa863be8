// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: the mode of a pipe at the backend.
 */

#include <linux/spinlock.h>

#include "xen_drm_front_flip.h"

#include "xen_drm_front.h"
#include "xen_drm_front_proto.h"

/**
 * xen_drm_flip_wants_config - check whether to send the mode to the backend
 * @flip: the pipe
 * @modeset: whether the client wants a modeset, so that a former refusal does not count
 *
 * Returns: whether the CRTC is active, and has a picture that the backend knows,
 * while the backend has no mode.
 */
bool xen_drm_flip_wants_config(struct xen_drm_flip *flip, bool modeset)
{
	unsigned long flags;
	bool wanted;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	if (modeset) {
		flip->refused = 0;
		flip->lacked = 0;
	}
	wanted = flip->core.state == XEN_DRM_FLIP_DARK && flip->chan && flip->cookie &&
		 flip->told == flip->number && flip->refused != flip->number;
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
	return wanted;
}

/**
 * xen_drm_flip_lacks_picture - check whether the backend lacks the framebuffer
 * @flip: the pipe
 *
 * A flip that is out may still hide that, since the pipe becomes dark when it is over.
 *
 * Returns: whether the CRTC is active with a framebuffer that the backend has refused, or
 * that could not be made known. True once for each such framebuffer, and once more for each
 * modeset.
 */
bool xen_drm_flip_lacks_picture(struct xen_drm_flip *flip)
{
	unsigned long flags;
	bool lacks;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	lacks = flip->core.state != XEN_DRM_FLIP_OFF && flip->chan && flip->cookie &&
		flip->tried == flip->number && flip->told != flip->number &&
		flip->lacked != flip->cookie;
	if (lacks)
		flip->lacked = flip->cookie;
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
	return lacks;
}

/**
 * xen_drm_flip_is_lit - check whether the backend has a mode
 * @flip: the pipe
 *
 * Returns: whether a mode was sent, and has not been switched off since.
 */
bool xen_drm_flip_is_lit(struct xen_drm_flip *flip)
{
	unsigned long flags;
	bool lit;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	lit = flip->lit && flip->chan;
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
	return lit;
}

/**
 * xen_drm_flip_can_flip - check whether the next picture needs no mode first
 * @flip: the pipe
 * @told: number of the connection that knows the framebuffer of the picture
 *
 * Returns: whether the backend has a mode, and knows the framebuffer.
 */
bool xen_drm_flip_can_flip(struct xen_drm_flip *flip, u64 told)
{
	unsigned long flags;
	bool can;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	can = flip->chan && told == flip->number &&
	      flip->core.state != XEN_DRM_FLIP_OFF && flip->core.state != XEN_DRM_FLIP_DARK;
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
	return can;
}

/**
 * xen_drm_flip_send_config - send a mode with the newest picture, or switch off
 * @flip: the pipe
 * @call: storage for the reply; if 0 is returned, xen_drm_flip_end_config() must follow
 * @width: number of visible pixels per line, 0 to switch off
 * @height: number of visible lines
 * @bpp: number of bits per pixel of the picture
 *
 * Context: commit tail, with &xen_drm_display.config_lock held for reading.
 *
 * Returns: 0; -ENODEV without a backend; -ETIMEDOUT when the ring is full.
 */
int xen_drm_flip_send_config(struct xen_drm_flip *flip, struct xen_drm_call *call,
			     u32 width, u32 height, u32 bpp)
{
	struct xen_drm_proto_config config = {
		.width = width,
		.height = height,
		.bpp = bpp,
	};
	struct xen_drm_chan *chan;
	unsigned long flags;
	int ret;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	chan = flip->chan;
	config.fb_cookie = width ? flip->cookie : 0;
	xen_drm_flip_take(flip, XEN_DRM_FLIP_CONFIGURING);
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
	if (!chan)
		return -ENODEV;

	/* *Leave* waits for config_lock, so the channel stays. */
	flip->config_chan = chan;
	ret = xen_drm_proto_set_config(chan, call, &config);
	if (!ret)
		xen_drm_proto_push(chan);
	return ret;
}

/**
 * xen_drm_flip_end_config - wait for the reply to a mode
 * @flip: the pipe
 * @call: storage that was given to xen_drm_flip_send_config()
 * @on: whether a mode was sent, as opposed to switching off
 *
 * Context: as xen_drm_flip_send_config().
 *
 * Returns: 0; -ENODEV when the connection has ended; -ETIMEDOUT; or what the backend
 * answered.
 */
int xen_drm_flip_end_config(struct xen_drm_flip *flip, struct xen_drm_call *call, bool on)
{
	unsigned long flags;
	int ret;

	ret = xen_drm_proto_wait(flip->config_chan, call);

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	if (flip->chan && !on) {
		flip->lit = false;
	} else if (flip->chan && (!ret || ret == -ETIMEDOUT)) {
		/* A silent backend will set the mode when it goes on. */
		flip->lit = true;
		xen_drm_flip_take(flip, XEN_DRM_FLIP_CONFIGURED);
	} else if (flip->chan && ret != -ENODEV) {
		flip->refused = flip->number;
	}
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
	return ret;
}
