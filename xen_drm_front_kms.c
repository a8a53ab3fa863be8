// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: mode setting.
 */

#include <linux/err.h>
#include <linux/math64.h>

#include <drm/drm_atomic.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_drv.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_gem_framebuffer_helper.h>
#include <drm/drm_managed.h>
#include <drm/drm_modeset_helper_vtables.h>
#include <drm/drm_modeset_lock.h>
#include <drm/drm_print.h>
#include <drm/drm_simple_kms_helper.h>
#include <drm/drm_vblank.h>

#include <kunit/visibility.h>

#include "xen_drm_front_kms.h"

#include "xen_drm_front.h"
#include "xen_drm_front_commit.h"
#include "xen_drm_front_connector.h"
#include "xen_drm_front_edid.h"
#include "xen_drm_front_fb.h"
#include "xen_drm_front_flip.h"
#include "xen_drm_front_pipe.h"
#include "xen_drm_front_plane.h"
#include "xen_drm_front_share.h"

/**
 * DOC: Mode setting
 *
 * Each connector has a CRTC with a primary plane. A mode with the picture to begin
 * with is a SET_CONFIG. Every other change of the picture is a PG_FLIP, see
 * xen_drm_front_flip.c.
 *
 * A commit is over when the picture is out: a blocking one waits for its flip or mode,
 * and until then the old framebuffer is kept. See xen_drm_front_commit.c for those that
 * do not wait. The console sets modes under a lock that the whole kernel wants, so a mode
 * is waited for no longer than XEN_DRM_FLIP_MAX_HELD refreshes. If it takes longer, the
 * commit is over, and the answer is taken when it comes.
 *
 * No later commit fails because of an answer of the backend. A mode that it refuses
 * becomes link-status BAD with a hot-plug event, which is DRM's way to tell of an
 * error after the check. It is no error to set a mode without a backend: DRM keeps the
 * state, and xen_drm_kms_show_again() sends it to the next one.
 *
 * The protocol knows no damage. DIRTYFB makes the pipes dirty that show the
 * framebuffer, and returns.
 */

/* Deployed hosts refuse smaller framebuffers, and Xorg tries the smallest one. */
#define KMS_MIN_DIM	32

/* ------------------------------------------------------------------------
 * CRTC
 */

static enum drm_mode_status xen_drm_crtc_mode_valid(struct drm_crtc *crtc,
						    const struct drm_display_mode *mode)
{
	return xen_drm_connector_mode_valid(&crtc_to_xen_drm_pipe(crtc)->connector, mode);
}

static struct drm_pending_vblank_event *take_event(struct drm_crtc_state *state)
{
	struct drm_pending_vblank_event *event = state->event;

	state->event = NULL;
	return event;
}

static void xen_drm_crtc_atomic_flush(struct drm_crtc *crtc, struct drm_atomic_commit *state)
{
	struct drm_crtc_state *new_state = drm_atomic_get_new_crtc_state(state, crtc);
	struct xen_drm_pipe *pipe = crtc_to_xen_drm_pipe(crtc);

	if (!new_state->active || drm_atomic_crtc_needs_modeset(new_state))
		return;
	xen_drm_flip_commit(&pipe->flip,
			    drm_atomic_get_new_plane_state(state, &pipe->base.plane),
			    take_event(new_state));
}

static void xen_drm_crtc_atomic_enable(struct drm_crtc *crtc, struct drm_atomic_commit *state)
{
	struct drm_crtc_state *new_state = drm_atomic_get_new_crtc_state(state, crtc);
	const struct drm_display_mode *mode = &new_state->adjusted_mode;
	struct xen_drm_pipe *pipe = crtc_to_xen_drm_pipe(crtc);

	xen_drm_flip_enable(&pipe->flip, div_u64((u64)mode->htotal * mode->vtotal * 1000000,
						 mode->clock));
	xen_drm_flip_commit(&pipe->flip, true, take_event(new_state));
}

static void xen_drm_crtc_atomic_disable(struct drm_crtc *crtc, struct drm_atomic_commit *state)
{
	struct drm_crtc_state *new_state = drm_atomic_get_new_crtc_state(state, crtc);

	xen_drm_flip_disable(&crtc_to_xen_drm_pipe(crtc)->flip,
			     new_state->active ? NULL : take_event(new_state));
}

static const struct drm_crtc_helper_funcs crtc_helper_funcs = {
	.mode_valid = xen_drm_crtc_mode_valid,
	.atomic_flush = xen_drm_crtc_atomic_flush,
	.atomic_enable = xen_drm_crtc_atomic_enable,
	.atomic_disable = xen_drm_crtc_atomic_disable,
};

static int xen_drm_crtc_enable_vblank(struct drm_crtc *crtc)
{
	return xen_drm_flip_enable_vblank(&crtc_to_xen_drm_pipe(crtc)->flip);
}

static void xen_drm_crtc_disable_vblank(struct drm_crtc *crtc)
{
	xen_drm_flip_disable_vblank(&crtc_to_xen_drm_pipe(crtc)->flip);
}

static bool xen_drm_crtc_get_vblank_timestamp(struct drm_crtc *crtc, int *max_error,
					      ktime_t *vblank_time, bool in_vblank_irq)
{
	*max_error = 0;
	return xen_drm_flip_vblank_time(&crtc_to_xen_drm_pipe(crtc)->flip, vblank_time,
					in_vblank_irq);
}

static const struct drm_crtc_funcs crtc_funcs = {
	.reset = drm_atomic_helper_crtc_reset,
	.destroy = drm_crtc_cleanup,
	.set_config = drm_atomic_helper_set_config,
	.page_flip = drm_atomic_helper_page_flip,
	.atomic_duplicate_state = drm_atomic_helper_crtc_duplicate_state,
	.atomic_destroy_state = drm_atomic_helper_crtc_destroy_state,
	.enable_vblank = xen_drm_crtc_enable_vblank,
	.disable_vblank = xen_drm_crtc_disable_vblank,
	.get_vblank_timestamp = xen_drm_crtc_get_vblank_timestamp,
};

/* ------------------------------------------------------------------------
 * Commits
 */

static int xen_drm_kms_fb_dirty(struct drm_framebuffer *fb, struct drm_file *file,
				unsigned int flags, unsigned int color,
				struct drm_clip_rect *clips, unsigned int num_clips)
{
	struct xen_drm_display *display = to_xen_drm_display(fb->dev);
	struct xen_drm_pipe *pipe;
	unsigned int i;
	u64 cookie;

	for (i = 0; i < display->cfg.num_connectors; i++) {
		pipe = &display->pipes[i];
		cookie = xen_drm_shadow_dirty(&pipe->shadow, fb, clips, num_clips);
		xen_drm_flip_damage(&pipe->flip,
				    cookie ?: xen_drm_fb_from_drm(fb)->cookie);
	}
	return 0;
}

static const struct drm_framebuffer_funcs fb_funcs = {
	.destroy = xen_drm_fb_destroy,
	.create_handle = drm_gem_fb_create_handle,
	.dirty = xen_drm_kms_fb_dirty,
};

static struct drm_framebuffer *
xen_drm_kms_fb_create(struct drm_device *drm, struct drm_file *file,
		      const struct drm_format_info *info,
		      const struct drm_mode_fb_cmd2 *mode_cmd)
{
	return xen_drm_fb_create(drm, file, info, mode_cmd, &fb_funcs);
}

/* The pipe's picture changes only with a commit that has its plane. */
static bool pipe_lacks_picture(struct xen_drm_pipe *pipe, struct drm_atomic_commit *state)
{
	return drm_atomic_get_new_plane_state(state, &pipe->base.plane) &&
	       xen_drm_flip_lacks_picture(&pipe->flip);
}

/* Called by interrupts, and by timers and tasks that look into the ring. */
static void xen_drm_pipe_mode_answered(struct xen_drm_flip *flip, int error)
{
	struct xen_drm_pipe *pipe = container_of(flip, struct xen_drm_pipe, flip);

	if (!error) {
		xen_drm_connector_set_good(&pipe->connector);
		return;
	}
	drm_err_ratelimited(pipe->base.crtc.dev, "%s: backend refuses a mode of %ux%u: %d\n",
			    pipe->connector.base.name, flip->width, flip->height, error);
	xen_drm_connector_set_bad(&pipe->connector);
}

static void pipe_send_mode(struct xen_drm_pipe *pipe, struct drm_atomic_commit *state,
			   struct drm_crtc_state *new_state)
{
	const struct drm_display_mode *mode = &new_state->adjusted_mode;
	bool modeset = drm_atomic_crtc_needs_modeset(new_state);
	int ret = 0;

	/* The commit may be without the plane, whose state another one may free just now. */
	if (new_state->active && xen_drm_flip_wants_config(&pipe->flip, modeset)) {
		ret = xen_drm_flip_send_mode(&pipe->flip, mode->hdisplay, mode->vdisplay);
	} else if (xen_drm_flip_wants_off(&pipe->flip, new_state->active)) {
		ret = xen_drm_flip_send_off(&pipe->flip);
	} else if (new_state->active && pipe_lacks_picture(pipe, state)) {
		drm_err_ratelimited(pipe->base.crtc.dev,
				    "%s: backend does not know the framebuffer\n",
				    pipe->connector.base.name);
		xen_drm_connector_set_bad(&pipe->connector);
	}
	/* The next connection is sent the mode again, and so is a backend that answers again. */
	if (ret)
		drm_dbg_kms(pipe->base.crtc.dev, "%s: mode not sent: %d\n",
			    pipe->connector.base.name, ret);
}

static void kms_send_modes(struct xen_drm_display *display, struct drm_atomic_commit *state)
{
	struct drm_crtc_state *new_state;
	struct drm_crtc *crtc;
	unsigned int i;

	guard(rwsem_read)(&display->config_lock);

	for_each_new_crtc_in_state(state, crtc, new_state, i)
		pipe_send_mode(crtc_to_xen_drm_pipe(crtc), state, new_state);
}

/*
 * This waits for the flip. The helpers' own tail waits for vertical blankings instead,
 * and looks them up in a state that the next commit may have freed.
 */
static void xen_drm_kms_commit_tail(struct drm_atomic_commit *state)
{
	struct drm_device *drm = state->dev;

	drm_atomic_helper_commit_modeset_disables(drm, state);
	drm_atomic_helper_commit_planes(drm, state, 0);
	drm_atomic_helper_commit_modeset_enables(drm, state);
	kms_send_modes(to_xen_drm_display(drm), state);
	drm_atomic_helper_commit_hw_done(state);
	drm_atomic_helper_wait_for_flip_done(drm, state);
	drm_atomic_helper_cleanup_planes(drm, state);
}

static const struct drm_mode_config_helper_funcs kms_config_helper_funcs = {
	.atomic_commit_tail = xen_drm_kms_commit_tail,
};

static const struct drm_mode_config_funcs kms_config_funcs = {
	.fb_create = xen_drm_kms_fb_create,
	.atomic_check = drm_atomic_helper_check,
	.atomic_commit = xen_drm_commit,
};

/* ------------------------------------------------------------------------
 * Connections
 */

/**
 * xen_drm_kms_ask - ask the backend for the EDIDs of all connectors
 * @display: the DRM device
 * @chans: channel of each connector
 * @link: the connection
 * @queries: one for each connector, for xen_drm_kms_join()
 *
 * Context: may sleep; does not wait for the backend.
 */
void xen_drm_kms_ask(struct xen_drm_display *display, struct xen_drm_chan *const *chans,
		     const struct xen_drm_link *link, struct xen_drm_edid_query **queries)
{
	unsigned int i;

	for (i = 0; i < display->cfg.num_connectors; i++)
		queries[i] = xen_drm_edid_ask(chans[i], link);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_kms_ask);

/**
 * xen_drm_kms_join - have all pipes use a connection
 * @display: the DRM device; its framebuffers are known to the backend
 * @cfg: configuration of the connection, with as many connectors as before
 * @chans: channel of each connector
 * @link: the connection
 * @queries: from xen_drm_kms_ask(); freed
 *
 * The pipes stay dark until xen_drm_kms_show_again().
 *
 * Context: may sleep; waits for EDIDs.
 *
 * Returns: whether user space should look at the connectors again.
 */
bool xen_drm_kms_join(struct xen_drm_display *display, const struct xen_drm_cfg *cfg,
		      struct xen_drm_chan *const *chans, const struct xen_drm_link *link,
		      struct xen_drm_edid_query **queries)
{
	struct xen_drm_edid *edid;
	struct xen_drm_pipe *pipe;
	bool changed = false;
	unsigned int i;

	for (i = 0; i < cfg->num_connectors; i++) {
		pipe = &display->pipes[i];
		edid = xen_drm_edid_take(&display->drm, pipe->connector.base.name,
					 queries[i]);
		/* Without an answer the old monitor stays. A new display has none yet. */
		if (!IS_ERR(edid) || !display->registered)
			changed |= xen_drm_connector_update(&pipe->connector,
							    &cfg->connectors[i],
							    IS_ERR(edid) ? NULL : edid);
		xen_drm_flip_join(&pipe->flip, chans[i], link->number);
	}
	return changed;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_kms_join);

/**
 * xen_drm_kms_leave - have all pipes stop using the connection
 * @display: the DRM device
 *
 * Context: may sleep; does not wait for the backend, since the connection is
 * broken.
 */
void xen_drm_kms_leave(struct xen_drm_display *display)
{
	unsigned int i;

	for (i = 0; i < display->cfg.num_connectors; i++)
		xen_drm_flip_leave(&display->pipes[i].flip);

	/* A commit that still uses a channel holds the lock. */
	down_write(&display->config_lock);
	up_write(&display->config_lock);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_kms_leave);

/**
 * xen_drm_kms_answers - note that the backend answers again after a silence
 * @display: the DRM device
 */
void xen_drm_kms_answers(struct xen_drm_display *display)
{
	unsigned int i;

	for (i = 0; i < display->cfg.num_connectors; i++)
		xen_drm_flip_answers(&display->pipes[i].flip);
}

static int kms_commit_all(struct drm_device *drm, struct drm_modeset_acquire_ctx *ctx)
{
	struct drm_atomic_commit *state;
	struct drm_crtc_state *crtc_state;
	struct drm_crtc *crtc;
	int ret = 0;

	state = drm_atomic_commit_alloc(drm);
	if (!state)
		return -ENOMEM;
	state->acquire_ctx = ctx;

	drm_for_each_crtc(crtc, drm) {
		/* One that is off may have found no room in the ring to say so. */
		if (!crtc->state->active &&
		    !xen_drm_flip_is_lit(&crtc_to_xen_drm_pipe(crtc)->flip))
			continue;
		crtc_state = drm_atomic_get_crtc_state(state, crtc);
		ret = PTR_ERR_OR_ZERO(crtc_state);
		if (!ret && crtc_state->active)
			ret = drm_atomic_add_affected_planes(state, crtc);
		if (ret)
			break;
	}
	if (!ret)
		ret = drm_atomic_commit(state);
	drm_atomic_commit_put(state);
	return ret;
}

/**
 * xen_drm_kms_show_again - send mode and picture of all active CRTCs
 * @display: the DRM device
 *
 * Makes a commit that changes nothing, so that it is ordered with those of clients,
 * and runs the same code.
 *
 * Context: may sleep; waits for the backend, and for modeset locks.
 *
 * Returns: 0, or an error of the commit.
 */
int xen_drm_kms_show_again(struct xen_drm_display *display)
{
	struct drm_device *drm = &display->drm;
	struct drm_modeset_acquire_ctx ctx;
	int ret;

	DRM_MODESET_LOCK_ALL_BEGIN(drm, ctx, 0, ret);
	ret = kms_commit_all(drm, &ctx);
	DRM_MODESET_LOCK_ALL_END(drm, ctx, ret);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_kms_show_again);

/* ------------------------------------------------------------------------
 * Device
 */

static void xen_drm_pipe_fini(struct drm_device *drm, void *data)
{
	struct xen_drm_pipe *pipe = data;

	xen_drm_flip_fini(&pipe->flip);
	xen_drm_shadow_fini(&pipe->shadow);
}

static const struct drm_simple_display_pipe_funcs no_pipe_funcs;

/*
 * The simple pipe makes plane, CRTC and encoder. Its own functions couple plane and
 * CRTC more than clients expect, and have no vblank, so ours replace them.
 */
static int pipe_create(struct xen_drm_display *display, struct xen_drm_pipe *pipe)
{
	int ret;

	ret = drm_simple_display_pipe_init(&display->drm, &pipe->base, &no_pipe_funcs,
					   display->formats.list, display->formats.num,
					   xen_drm_plane_modifiers, &pipe->connector.base);
	if (ret)
		return ret;

	drm_crtc_helper_add(&pipe->base.crtc, &crtc_helper_funcs);
	pipe->base.crtc.funcs = &crtc_funcs;
	return xen_drm_plane_take_over(pipe);
}

static int pipe_init(struct xen_drm_display *display, unsigned int index)
{
	struct xen_drm_pipe *pipe = &display->pipes[index];
	struct drm_device *drm = &display->drm;
	int ret;

	ret = xen_drm_connector_init(display, &pipe->connector, &display->cfg.connectors[index]);
	if (ret)
		return ret;

	xen_drm_flip_init(&pipe->flip, &pipe->base.crtc, pipe->connector.base.name,
			  xen_drm_pipe_mode_answered);
	xen_drm_shadow_init(&pipe->shadow, display);
	ret = drmm_add_action_or_reset(drm, xen_drm_pipe_fini, pipe);
	if (ret)
		return ret;

	return pipe_create(display, pipe);
}

/**
 * xen_drm_kms_init - make a pipe for each connector
 * @display: the DRM device, with its configuration and formats
 *
 * Returns: 0 or an error; the pipes are freed with the DRM device in either case.
 */
int xen_drm_kms_init(struct xen_drm_display *display)
{
	struct drm_device *drm = &display->drm;
	unsigned int i;
	int ret;

	xen_drm_commit_init(display);
	/* Allocated before the mode configuration, and so freed after its objects. */
	display->pipes = drmm_kcalloc(drm, display->cfg.num_connectors,
				      sizeof(*display->pipes), GFP_KERNEL);
	if (!display->pipes)
		return -ENOMEM;

	ret = drmm_mode_config_init(drm);
	if (ret)
		return ret;

	drm->mode_config.min_width = KMS_MIN_DIM;
	drm->mode_config.min_height = KMS_MIN_DIM;
	drm->mode_config.max_width = XEN_DRM_MAX_DIM;
	drm->mode_config.max_height = XEN_DRM_MAX_DIM;
	drm->mode_config.preferred_depth = 24;
	drm->mode_config.funcs = &kms_config_funcs;
	drm->mode_config.helper_private = &kms_config_helper_funcs;

	for (i = 0; i < display->cfg.num_connectors; i++) {
		ret = pipe_init(display, i);
		if (ret)
			return ret;
	}

	/* Vblanks can be switched off at once, since their times are computed. */
	drm->vblank_disable_immediate = true;
	ret = drm_vblank_init(drm, display->cfg.num_connectors);
	if (ret)
		return ret;

	drm_mode_config_reset(drm);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_kms_init);
