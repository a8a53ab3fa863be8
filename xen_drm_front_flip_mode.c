// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: the mode of a pipe at the backend.
 */

#include <linux/ktime.h>
#include <linux/spinlock.h>

#include <drm/drm_crtc.h>
#include <drm/drm_print.h>

#include <kunit/visibility.h>

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
		flip->again = false;
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

static bool flip_may_be_lit(const struct xen_drm_flip *flip)
{
	lockdep_assert_held(xen_drm_flip_lock(flip));

	return (flip->lit || flip->asked) && flip->chan;
}

/**
 * xen_drm_flip_is_lit - check whether the backend may have a mode
 * @flip: the pipe
 *
 * Returns: whether a mode was sent, and has not been switched off since.
 */
bool xen_drm_flip_is_lit(struct xen_drm_flip *flip)
{
	unsigned long flags;
	bool lit;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	lit = flip_may_be_lit(flip);
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
	return lit;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_flip_is_lit);

/**
 * xen_drm_flip_wants_off - check whether to have the backend switch off
 * @flip: the pipe
 * @active: whether its CRTC is active
 *
 * Returns: whether the backend may have a mode, and there is nothing to show.
 */
bool xen_drm_flip_wants_off(struct xen_drm_flip *flip, bool active)
{
	unsigned long flags;
	bool wanted;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	wanted = (!active || !flip->cookie) && flip_may_be_lit(flip);
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
	return wanted;
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
 * xen_drm_flip_forget_mode - ignore the answer to a mode that is out
 * @flip: the pipe
 *
 * The backend may set the mode all the same.
 *
 * Context: xen_drm_flip_lock() is held.
 */
void xen_drm_flip_forget_mode(struct xen_drm_flip *flip)
{
	lockdep_assert_held(xen_drm_flip_lock(flip));

	flip->lit |= flip->asked;
	flip->asked = false;
}

/* Returns the channel to send the mode on, or NULL. */
static struct xen_drm_chan *flip_begin_mode(struct xen_drm_flip *flip,
					    struct xen_drm_proto_config *config)
{
	struct xen_drm_chan *chan;
	unsigned long flags;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	chan = flip->chan;
	if (chan) {
		xen_drm_flip_forget_mode(flip);
		flip->asked = true;
		flip->mode += flip->mode == U32_MAX ? 2 : 1;
		flip->mode_cookie = flip->cookie;
		flip->width = config->width;
		flip->height = config->height;
		/* The time of an answer begins when the mode is in the ring. */
		flip->sent = KTIME_MAX;
		/* Whatever becomes of a former flip, this mode shows the newest picture. */
		flip->serial = 0;
		xen_drm_flip_take(flip, XEN_DRM_FLIP_CONFIGURING);
		config->number = flip->mode;
		config->fb_cookie = flip->cookie;
		config->bpp = flip->bpp;
	}
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
	return chan;
}

/* The answer may have come already, or the pipe may have become dark. */
static void flip_mode_is_out(struct xen_drm_flip *flip)
{
	unsigned long flags;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	if (flip->core.state == XEN_DRM_FLIP_SETTING)
		flip->sent = ktime_get();
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
}

/**
 * xen_drm_flip_send_mode - send a mode with the newest picture
 * @flip: the pipe
 * @width: number of visible pixels per line
 * @height: number of visible lines
 *
 * Nobody waits for the answer, which xen_drm_flip_mode_set() takes.
 *
 * Context: commit tail, with &xen_drm_display.config_lock held for reading.
 *
 * Returns: 0; -ENODEV without a backend; -ETIMEDOUT when the ring stays full.
 */
int xen_drm_flip_send_mode(struct xen_drm_flip *flip, u32 width, u32 height)
{
	struct xen_drm_proto_config config = {
		.width = width,
		.height = height,
	};
	struct xen_drm_chan *chan = flip_begin_mode(flip, &config);
	unsigned long flags;
	int ret;

	if (!chan)
		return -ENODEV;

	/* *Leave* waits for config_lock, so the channel stays. */
	ret = xen_drm_proto_set_config(chan, &config);
	if (!ret) {
		flip_mode_is_out(flip);
		return 0;
	}

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	flip->asked = false;
	xen_drm_flip_take(flip, XEN_DRM_FLIP_DARKENED);
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
	return ret;
}

/**
 * xen_drm_flip_send_off - have the backend switch off
 * @flip: the pipe
 *
 * Context: as xen_drm_flip_send_mode().
 *
 * Returns: 0; -ENODEV without a backend; -ETIMEDOUT when the ring stays full.
 */
int xen_drm_flip_send_off(struct xen_drm_flip *flip)
{
	const struct xen_drm_proto_config off = {};
	struct xen_drm_chan *chan;
	unsigned long flags;
	int ret;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	chan = flip->chan;
	xen_drm_flip_forget_mode(flip);
	xen_drm_flip_take(flip, XEN_DRM_FLIP_DARKENED);
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
	if (!chan)
		return -ENODEV;

	ret = xen_drm_proto_set_config(chan, &off);
	if (ret)
		return ret;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	flip->lit = false;
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
	return 0;
}

/* Returns whether user space has to know of the outcome. */
static bool flip_take_mode(struct xen_drm_flip *flip, int error)
{
	flip->asked = false;
	if (!error) {
		flip->lit = true;
		flip->again = false;
		flip->refused = 0;
		xen_drm_flip_take(flip, XEN_DRM_FLIP_CONFIGURED);
		/* If the picture has been refused since, the screen is no good yet. */
		return flip->told == flip->number;
	}

	xen_drm_flip_take(flip, XEN_DRM_FLIP_DARKENED);
	/*
	 * Other connectors do not wait, so the former picture may have been destroyed before
	 * the backend came to this mode. The work sends it with the present one, once.
	 */
	if (flip->mode_cookie != flip->cookie && !flip->again) {
		flip->again = true;
		return false;
	}
	flip->refused = flip->number;
	return true;
}

/**
 * xen_drm_flip_mode_set - take the answer to a mode
 * @owner: the pipe
 * @mode: number of the mode
 * @error: 0, or a negative errno if the backend refused the mode
 *
 * Nothing follows from the answer to a mode that another one, or switching off, has
 * followed.
 *
 * Context: any; see &xen_drm_flip_ops.mode_set.
 */
void xen_drm_flip_mode_set(void *owner, u32 mode, int error)
{
	struct xen_drm_flip *flip = owner;
	bool tells = false;
	unsigned long flags;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	if (flip->chan && flip->asked && mode == flip->mode)
		tells = flip_take_mode(flip, error);
	else if (flip->chan && !flip->asked)
		/* No flip could be sent while this one had no answer. */
		xen_drm_flip_take(flip, XEN_DRM_FLIP_ANSWERS);
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
	if (tells)
		flip->mode_answered(flip, error);
}

/**
 * xen_drm_flip_not_off - note that the backend will not switch off
 * @owner: the pipe
 * @error: negative errno
 *
 * Context: any; see &xen_drm_flip_ops.not_off.
 */
void xen_drm_flip_not_off(void *owner, int error)
{
	struct xen_drm_flip *flip = owner;

	drm_err_ratelimited(flip->crtc->dev, "%s: switching off failed: %d\n", flip->name,
			    error);
}
