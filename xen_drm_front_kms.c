// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: mode setting.
 */

#include <linux/jiffies.h>
#include <linux/slab.h>

#include <drm/drm_atomic.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_blend.h>
#include <drm/drm_connector.h>
#include <drm/drm_damage_helper.h>
#include <drm/drm_drv.h>
#include <drm/drm_edid.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_gem_atomic_helper.h>
#include <drm/drm_gem_framebuffer_helper.h>
#include <drm/drm_managed.h>
#include <drm/drm_modeset_helper_vtables.h>
#include <drm/drm_print.h>
#include <drm/drm_probe_helper.h>
#include <drm/drm_simple_kms_helper.h>
#include <drm/drm_vblank.h>

#include "xen_drm_front.h"

/**
 * DOC: Mode setting
 *
 * Each connector is a simple display pipe with one mode, the configured size at
 * 60 Hz. Enabling it is a SET_CONFIG with the mode's size and the framebuffer
 * to begin with, disabling it a SET_CONFIG of zeroes; both wait for the reply.
 * Every other change of the picture is a PG_FLIP, which waits for nothing: the
 * backend's event with the framebuffer's cookie completes it, or a refusal, a
 * time-out, or the end of the connection. The atomic helpers allow one flip in
 * flight. The framebuffer before is kept until the next flip, when it is certain
 * that the backend does not show it any more.
 *
 * A failed flip cannot be reported by the commit that asked for it. The client
 * gets its event at once, and the next commit for the connector fails with the
 * error, unless it is a modeset, which begins anew. After a failed modeset all do
 * until then.
 *
 * The protocol knows no damage. A client that draws into the framebuffer on the
 * screen tells so by DIRTYFB, which becomes a flip to the same framebuffer.
 */

/* A flip may be late by one refresh, and the backend as slow as with a reply. */
#define KMS_FLIP_TIMEOUT	msecs_to_jiffies(XEN_DRM_FRONT_TIMEOUT_MS + 100)
#define KMS_REFRESH_HZ		60

/** struct xen_drm_front_pipe - a connector with all that is behind it */
struct xen_drm_front_pipe {
	/** @base: plane, CRTC and encoder */
	struct drm_simple_display_pipe base;
	/** @connector: always connected, as long as there is a backend */
	struct drm_connector connector;
	/** @display: what the pipe is a part of */
	struct xen_drm_front_display *display;
	/** @index: number of the connector */
	unsigned int index;
	/** @mode: the only one, constant */
	struct drm_display_mode mode;
	/** @edid: the backend's, NULL if it has none; constant */
	const struct drm_edid *edid;
	/** @configured: the backend has our SET_CONFIG; commits only, in their order */
	bool configured;
	/** @modeset_error: of the last modeset at the backend, or 0; read by checks */
	int modeset_error;

	/**
	 * @old_fb: what was shown before the last flip. The backend may show it
	 * until that is over, so it must not be detached; commits only
	 */
	struct drm_framebuffer *old_fb;

	/** @lock: protects all members below; tasks and work items */
	spinlock_t lock;
	/** @flip_pending: a flip is in flight */
	bool flip_pending;
	/** @flip_cookie: of the framebuffer that is flipped to */
	u64 flip_cookie;
	/** @flip_event: to be sent when the flip is over, may be NULL */
	struct drm_pending_vblank_event *flip_event;
	/** @flip_deadline: jiffies when the flip is given up */
	unsigned long flip_deadline;
	/** @error: for the next commit, 0 if there is none */
	int error;
	/** @flip_watchdog: looks at @flip_deadline */
	struct delayed_work flip_watchdog;
};

/** struct xen_drm_front_kms_fb - DRM framebuffer with its name on the wire */
struct xen_drm_front_kms_fb {
	/** @base: base class */
	struct drm_framebuffer base;
	/** @fb: what the verbs want */
	struct xen_drm_front_fb fb;
	/** @attached: the backend knows it; set once, and before a client may show it */
	bool attached;
};

static struct xen_drm_front_pipe *
to_xen_pipe(struct drm_simple_display_pipe *pipe)
{
	return container_of(pipe, struct xen_drm_front_pipe, base);
}

static struct xen_drm_front_kms_fb *to_kms_fb(struct drm_framebuffer *fb)
{
	return container_of(fb, struct xen_drm_front_kms_fb, base);
}

static struct xen_drm_front_fb *to_xen_fb(struct drm_framebuffer *fb)
{
	return &to_kms_fb(fb)->fb;
}

/* ------------------------------------------------------------------------
 * Flips
 */

static void pipe_send_event(struct xen_drm_front_pipe *pipe,
			    struct drm_pending_vblank_event *event)
{
	spinlock_t *lock = &pipe->display->drm.event_lock;
	unsigned long flags;

	if (!event)
		return;

	spin_lock_irqsave(lock, flags);
	drm_crtc_send_vblank_event(&pipe->base.crtc, event);
	spin_unlock_irqrestore(lock, flags);
}

static struct drm_pending_vblank_event *
pipe_take_event(struct xen_drm_front_pipe *pipe)
{
	struct drm_crtc_state *state = pipe->base.crtc.state;
	struct drm_pending_vblank_event *event = state->event;

	state->event = NULL;
	return event;
}

static void pipe_set_error(struct xen_drm_front_pipe *pipe, int error,
			   const char *what)
{
	spin_lock(&pipe->lock);
	pipe->error = error;
	spin_unlock(&pipe->lock);

	if (error != -ENODEV)
		drm_err_ratelimited(&pipe->display->drm, "%s: %s failed: %d\n",
				    pipe->connector.name, what, error);
}

/* Ends the flip if @cookie names it, or whichever there is if @cookie is 0. */
static bool pipe_finish_flip(struct xen_drm_front_pipe *pipe, u64 cookie, int error)
{
	struct drm_pending_vblank_event *event;

	spin_lock(&pipe->lock);
	if (!pipe->flip_pending || (cookie && cookie != pipe->flip_cookie)) {
		spin_unlock(&pipe->lock);
		return false;
	}
	pipe->flip_pending = false;
	event = pipe->flip_event;
	pipe->flip_event = NULL;
	spin_unlock(&pipe->lock);

	if (error)
		pipe_set_error(pipe, error, "page flip");
	pipe_send_event(pipe, event);
	return true;
}

/**
 * xen_drm_front_kms_flip_done - a flip has completed or failed
 * @display: the DRM device
 * @index: the connector
 * @cookie: the framebuffer's
 * @error: 0 or why it failed
 *
 * Context: a work item of the transport, which must not wait for a reply.
 *
 * Returns: whether this flip was pending; one that was given up is not.
 */
bool xen_drm_front_kms_flip_done(struct xen_drm_front_display *display,
				 unsigned int index, u64 cookie, int error)
{
	return cookie && pipe_finish_flip(&display->pipes[index], cookie, error);
}

/**
 * xen_drm_front_kms_abort - end all flips, because the connection has ended
 * @display: the DRM device
 *
 * Flips that are begun later end by themselves.
 */
void xen_drm_front_kms_abort(struct xen_drm_front_display *display)
{
	unsigned int i;

	for (i = 0; i < display->cfg.num_connectors; i++)
		pipe_finish_flip(&display->pipes[i], 0, -ENODEV);
}

static void pipe_flip_watchdog(struct work_struct *work)
{
	struct xen_drm_front_pipe *pipe =
		container_of(to_delayed_work(work), struct xen_drm_front_pipe,
			     flip_watchdog);
	bool pending;
	long left;

	spin_lock(&pipe->lock);
	pending = pipe->flip_pending;
	left = pipe->flip_deadline - jiffies;
	spin_unlock(&pipe->lock);
	if (!pending)
		return;

	/* The flip that the work was queued for is over, this is a later one. */
	if (left > 0) {
		queue_delayed_work(xen_drm_front_wq, &pipe->flip_watchdog, left);
		return;
	}

	if (pipe_finish_flip(pipe, 0, -ETIMEDOUT))
		xen_drm_front_page_flip_expired(pipe->display, pipe->index);
}

/* Takes over a reference. The last one of the former may detach it, and wait. */
static void pipe_keep_fb(struct xen_drm_front_pipe *pipe, struct drm_framebuffer *fb)
{
	swap(pipe->old_fb, fb);
	if (fb)
		drm_framebuffer_put(fb);
}

static void pipe_begin_flip(struct xen_drm_front_pipe *pipe,
			    struct xen_drm_front_fb *fb)
{
	int ret;

	spin_lock(&pipe->lock);
	pipe->flip_pending = true;
	pipe->flip_cookie = fb->cookie;
	pipe->flip_event = pipe_take_event(pipe);
	pipe->flip_deadline = jiffies + KMS_FLIP_TIMEOUT;
	spin_unlock(&pipe->lock);

	/* Left alone if it is queued: it looks at the deadline itself. */
	queue_delayed_work(xen_drm_front_wq, &pipe->flip_watchdog, KMS_FLIP_TIMEOUT);

	ret = xen_drm_front_page_flip(pipe->display, pipe->index, fb);
	if (ret)
		pipe_finish_flip(pipe, fb->cookie, ret);
}

/* ------------------------------------------------------------------------
 * Pipe
 */

static enum drm_mode_status
pipe_mode_valid(struct drm_simple_display_pipe *base,
		const struct drm_display_mode *mode)
{
	return drm_mode_equal(mode, &to_xen_pipe(base)->mode) ? MODE_OK : MODE_BAD;
}

static void pipe_enable(struct drm_simple_display_pipe *base,
			struct drm_crtc_state *crtc_state,
			struct drm_plane_state *plane_state)
{
	struct xen_drm_front_pipe *pipe = to_xen_pipe(base);
	int ret;

	ret = xen_drm_front_set_config(pipe->display, pipe->index,
				       to_xen_fb(plane_state->fb),
				       pipe->mode.hdisplay, pipe->mode.vdisplay);
	if (ret)
		pipe_set_error(pipe, ret, "setting the mode");
	pipe->configured = !ret;
	WRITE_ONCE(pipe->modeset_error, ret);

	/* The reply is all that will come: the picture is set with the mode. */
	pipe_send_event(pipe, pipe_take_event(pipe));
}

static void pipe_disable(struct drm_simple_display_pipe *base)
{
	struct xen_drm_front_pipe *pipe = to_xen_pipe(base);
	int ret;

	if (!pipe->configured)
		return;

	ret = xen_drm_front_set_config(pipe->display, pipe->index, NULL, 0, 0);
	if (ret && ret != -ENODEV)
		drm_err_ratelimited(&pipe->display->drm,
				    "%s: switching off failed: %d\n",
				    pipe->connector.name, ret);
	pipe->configured = false;
	pipe_keep_fb(pipe, NULL);
}

/* The wire shows a framebuffer from its first pixel on. */
static int pipe_check(struct drm_simple_display_pipe *base,
		      struct drm_plane_state *plane_state,
		      struct drm_crtc_state *crtc_state)
{
	struct xen_drm_front_pipe *pipe = to_xen_pipe(base);

	/*
	 * The core publishes the number of a framebuffer before it is attached, so
	 * another thread of the client can guess it.
	 */
	if (!smp_load_acquire(&to_kms_fb(plane_state->fb)->attached)) {
		drm_dbg_kms(&pipe->display->drm, "%s: framebuffer %u is not yet attached\n",
			    pipe->connector.name, plane_state->fb->base.id);
		return -ENOENT;
	}

	if (plane_state->src.x1 || plane_state->src.y1) {
		drm_dbg_kms(&pipe->display->drm,
			    "%s: the framebuffer starts at %d,%d, expected 0,0\n",
			    pipe->connector.name, plane_state->src.x1 >> 16,
			    plane_state->src.y1 >> 16);
		return -EINVAL;
	}

	/* We send the event, although there is no vertical blanking. */
	if (crtc_state->active)
		crtc_state->no_vblank = false;
	return 0;
}

static void pipe_update(struct drm_simple_display_pipe *base,
			struct drm_plane_state *old_state)
{
	struct xen_drm_front_pipe *pipe = to_xen_pipe(base);
	struct drm_framebuffer *fb = base->plane.state->fb;
	struct drm_crtc_state *crtc_state = base->crtc.state;

	/* Enabling, later in this commit, shows the framebuffer. */
	if (!fb || !crtc_state->active || drm_atomic_crtc_needs_modeset(crtc_state))
		return;

	/* Checked while the modeset before it was still to fail. */
	if (!pipe->configured) {
		pipe_set_error(pipe, -EIO, "page flip without a mode");
		pipe_send_event(pipe, pipe_take_event(pipe));
		return;
	}

	pipe_begin_flip(pipe, to_xen_fb(fb));
	if (old_state->fb)
		drm_framebuffer_get(old_state->fb);
	pipe_keep_fb(pipe, old_state->fb);
}

static int pipe_prepare_fb(struct drm_simple_display_pipe *base,
			   struct drm_plane_state *plane_state)
{
	struct xen_drm_front_pipe *pipe = to_xen_pipe(base);
	struct drm_crtc_state *crtc_state;
	int error;

	spin_lock(&pipe->lock);
	error = pipe->error;
	pipe->error = 0;
	spin_unlock(&pipe->lock);

	crtc_state = drm_atomic_get_new_crtc_state(plane_state->state, &base->crtc);
	if (error && !(crtc_state && drm_atomic_crtc_needs_modeset(crtc_state)))
		return error;

	return drm_gem_plane_helper_prepare_fb(&base->plane, plane_state);
}

static const struct drm_simple_display_pipe_funcs pipe_funcs = {
	.mode_valid = pipe_mode_valid,
	.enable = pipe_enable,
	.disable = pipe_disable,
	.check = pipe_check,
	.update = pipe_update,
	.prepare_fb = pipe_prepare_fb,
};

/*
 * The formats of one plane with a whole number of bytes per pixel or pair of
 * pixels. What a backend cannot show, it refuses when it is attached.
 */
static const u32 pipe_formats[] = {
	DRM_FORMAT_XRGB8888,
	DRM_FORMAT_ARGB8888,
	DRM_FORMAT_XBGR8888,
	DRM_FORMAT_ABGR8888,
	DRM_FORMAT_XRGB2101010,
	DRM_FORMAT_ARGB2101010,
	DRM_FORMAT_RGB888,
	DRM_FORMAT_RGB565,
	DRM_FORMAT_XRGB1555,
	DRM_FORMAT_ARGB1555,
	DRM_FORMAT_XRGB4444,
	DRM_FORMAT_ARGB4444,
	DRM_FORMAT_YUYV,
	DRM_FORMAT_UYVY,
};

static const u64 pipe_modifiers[] = {
	DRM_FORMAT_MOD_LINEAR,
	DRM_FORMAT_MOD_INVALID
};

/* ------------------------------------------------------------------------
 * Connector
 */

static struct xen_drm_front_pipe *
connector_to_xen_pipe(struct drm_connector *connector)
{
	return container_of(connector, struct xen_drm_front_pipe, connector);
}

static enum drm_connector_status
connector_detect(struct drm_connector *connector, bool force)
{
	struct xen_drm_front_pipe *pipe = connector_to_xen_pipe(connector);

	return xen_drm_front_conn_is_broken(pipe->display->conn) ?
	       connector_status_disconnected : connector_status_connected;
}

/*
 * The EDID tells user space about the monitor, but the mode remains the one that
 * the toolstack configured: backends bound SET_CONFIG by it, and the timings of
 * deployed ones overflow beyond 3440x1440.
 */
static int connector_get_modes(struct drm_connector *connector)
{
	struct xen_drm_front_pipe *pipe = connector_to_xen_pipe(connector);

	drm_edid_connector_update(connector, pipe->edid);
	return drm_connector_helper_get_modes_fixed(connector, &pipe->mode);
}

static const struct drm_connector_helper_funcs connector_helper_funcs = {
	.get_modes = connector_get_modes,
};

static const struct drm_connector_funcs connector_funcs = {
	.detect = connector_detect,
	.fill_modes = drm_helper_probe_single_connector_modes,
	.destroy = drm_connector_cleanup,
	.reset = drm_atomic_helper_connector_reset,
	.atomic_duplicate_state = drm_atomic_helper_connector_duplicate_state,
	.atomic_destroy_state = drm_atomic_helper_connector_destroy_state,
};

/* ------------------------------------------------------------------------
 * Framebuffers
 */

static void fb_destroy(struct drm_framebuffer *fb)
{
	xen_drm_front_fb_detach(to_xen_drm_front_display(fb->dev), to_xen_fb(fb));
	drm_gem_fb_destroy(fb);
}

static const struct drm_framebuffer_funcs fb_funcs = {
	.destroy = fb_destroy,
	.create_handle = drm_gem_fb_create_handle,
	.dirty = drm_atomic_helper_dirtyfb,
};

/* Until it is attached, there is nothing at the backend to undo. */
static const struct drm_framebuffer_funcs fb_funcs_unattached = {
	.destroy = drm_gem_fb_destroy,
	.create_handle = drm_gem_fb_create_handle,
};

static int fb_attach(struct drm_framebuffer *fb)
{
	struct xen_drm_front_fb *xen_fb = to_xen_fb(fb);
	int ret;

	if (fb->offsets[0]) {
		drm_dbg_kms(fb->dev, "framebuffer at offset %u of its buffer, expected 0\n",
			    fb->offsets[0]);
		return -EINVAL;
	}

	ret = xen_drm_front_gem_get_pages(fb->obj[0]);
	if (ret)
		return ret;

	xen_fb->dbuf = xen_drm_front_gem_to_dbuf(fb->obj[0]);
	xen_fb->width = fb->width;
	xen_fb->height = fb->height;
	xen_fb->pitch = fb->pitches[0];
	xen_fb->bpp = drm_format_info_bpp(fb->format, 0);
	xen_fb->format = fb->format->format;
	return xen_drm_front_fb_attach(to_xen_drm_front_display(fb->dev), xen_fb);
}

static struct drm_framebuffer *
kms_fb_create(struct drm_device *drm, struct drm_file *file,
	      const struct drm_format_info *info,
	      const struct drm_mode_fb_cmd2 *mode_cmd)
{
	struct xen_drm_front_kms_fb *fb;
	int ret;

	fb = kzalloc_obj(*fb);
	if (!fb)
		return ERR_PTR(-ENOMEM);

	ret = drm_gem_fb_init_with_funcs(drm, &fb->base, file, info, mode_cmd,
					 &fb_funcs_unattached);
	if (ret) {
		kfree(fb);
		return ERR_PTR(ret);
	}

	ret = fb_attach(&fb->base);
	if (ret) {
		drm_framebuffer_put(&fb->base);
		return ERR_PTR(ret);
	}

	fb->base.funcs = &fb_funcs;
	/* Pairs with the check of a plane: all of the framebuffer is there. */
	smp_store_release(&fb->attached, true);
	return &fb->base;
}

/* ------------------------------------------------------------------------
 * Device
 */

/*
 * A pipe that should be on and is not at the backend, since its last modeset
 * failed there, needs another one, whatever the client believes. One who does not
 * want a modeset is told why, rather than that the request was wrong.
 */
static int kms_atomic_check(struct drm_device *drm, struct drm_atomic_commit *state)
{
	struct drm_simple_display_pipe *base;
	struct drm_crtc_state *old_state, *new_state;
	struct drm_crtc *crtc;
	unsigned int i;
	int error;

	for_each_oldnew_crtc_in_state(state, crtc, old_state, new_state, i) {
		base = container_of(crtc, struct drm_simple_display_pipe, crtc);
		error = READ_ONCE(to_xen_pipe(base)->modeset_error);
		if (!error || !old_state->active || !new_state->active)
			continue;
		if (!state->allow_modeset)
			return error;
		new_state->mode_changed = true;
	}
	return drm_atomic_helper_check(drm, state);
}

/*
 * The helpers' own tail looks for vertical blanking at its end, by the new state of
 * the CRTC. By then a flip may be over, and the next commit may have freed that
 * state: it only waits for hw_done and for the event, which here does not depend
 * on the time. Waiting for the flip instead would make a blocking commit, and so
 * DIRTYFB, as slow as the backend.
 */
static void kms_commit_tail(struct drm_atomic_commit *state)
{
	struct drm_device *drm = state->dev;

	drm_atomic_helper_commit_modeset_disables(drm, state);
	drm_atomic_helper_commit_planes(drm, state, 0);
	drm_atomic_helper_commit_modeset_enables(drm, state);
	drm_atomic_helper_fake_vblank(state);
	drm_atomic_helper_commit_hw_done(state);
	drm_atomic_helper_cleanup_planes(drm, state);
}

static const struct drm_mode_config_helper_funcs kms_config_helper_funcs = {
	.atomic_commit_tail = kms_commit_tail,
};

static const struct drm_mode_config_funcs kms_config_funcs = {
	.fb_create = kms_fb_create,
	.atomic_check = kms_atomic_check,
	.atomic_commit = drm_atomic_helper_commit,
};

/* There is no cable, so no blanking either: the clock is what is left. */
static void kms_make_mode(struct drm_display_mode *mode, u32 width, u32 height)
{
	mode->hdisplay = width;
	mode->hsync_start = width;
	mode->hsync_end = width;
	mode->htotal = width;
	mode->vdisplay = height;
	mode->vsync_start = height;
	mode->vsync_end = height;
	mode->vtotal = height;
	mode->clock = DIV_ROUND_UP_ULL((u64)width * height * KMS_REFRESH_HZ, 1000);
	mode->type = DRM_MODE_TYPE_DRIVER | DRM_MODE_TYPE_PREFERRED;
	drm_mode_set_name(mode);
}

/* The EDID is optional; without a good one there is none. */
static void pipe_read_edid(struct xen_drm_front_pipe *pipe)
{
	const struct drm_edid *edid = NULL;
	void *raw;
	int size;

	raw = kmalloc(XENDISPL_EDID_MAX_SIZE, GFP_KERNEL);
	if (!raw)
		return;
	size = xen_drm_front_get_edid(pipe->display, pipe->index, raw);
	if (size > 0)
		edid = drm_edid_alloc(raw, size);
	kfree(raw);

	if (edid && !drm_edid_valid(edid)) {
		drm_warn(&pipe->display->drm, "%s: the backend's EDID is not valid, it is not used\n",
			 pipe->connector.name);
		drm_edid_free(edid);
		edid = NULL;
	}
	pipe->edid = edid;
}

static void pipe_free_edid(struct drm_device *drm, void *data)
{
	struct xen_drm_front_pipe *pipe = data;

	drm_edid_free(pipe->edid);
}

static void pipe_cancel_watchdog(struct drm_device *drm, void *data)
{
	struct xen_drm_front_pipe *pipe = data;

	cancel_delayed_work_sync(&pipe->flip_watchdog);
}

static int pipe_init(struct xen_drm_front_display *display, unsigned int index)
{
	const struct xen_drm_front_cfg_connector *cfg =
		&display->cfg.connectors[index];
	struct xen_drm_front_pipe *pipe = &display->pipes[index];
	struct drm_device *drm = &display->drm;
	int ret;

	pipe->display = display;
	pipe->index = index;
	spin_lock_init(&pipe->lock);
	INIT_DELAYED_WORK(&pipe->flip_watchdog, pipe_flip_watchdog);
	ret = drmm_add_action_or_reset(drm, pipe_cancel_watchdog, pipe);
	if (ret)
		return ret;

	kms_make_mode(&pipe->mode, cfg->width, cfg->height);

	drm_connector_helper_add(&pipe->connector, &connector_helper_funcs);
	ret = drm_connector_init(drm, &pipe->connector, &connector_funcs,
				 DRM_MODE_CONNECTOR_VIRTUAL);
	if (ret)
		return ret;
	drm_connector_attach_edid_property(&pipe->connector);

	pipe_read_edid(pipe);
	ret = drmm_add_action_or_reset(drm, pipe_free_edid, pipe);
	if (ret)
		return ret;

	ret = drm_simple_display_pipe_init(drm, &pipe->base, &pipe_funcs,
					   pipe_formats, ARRAY_SIZE(pipe_formats),
					   pipe_modifiers, &pipe->connector);
	if (ret)
		return ret;

	drm_plane_enable_fb_damage_clips(&pipe->base.plane);
	/* Nothing is below the plane, so that alpha makes no difference in both. */
	return drm_plane_create_blend_mode_property(&pipe->base.plane,
						    BIT(DRM_MODE_BLEND_PIXEL_NONE) |
						    BIT(DRM_MODE_BLEND_PREMULTI));
}

/**
 * xen_drm_front_kms_init - make a pipe for each connector
 * @display: the DRM device, with its configuration
 *
 * Returns: 0 or an error; what is made is freed with the DRM device.
 */
int xen_drm_front_kms_init(struct xen_drm_front_display *display)
{
	struct drm_device *drm = &display->drm;
	unsigned int i;
	int ret;

	/* Before the mode configuration, so that it outlives what is in there. */
	display->pipes = drmm_kcalloc(drm, display->cfg.num_connectors,
				      sizeof(*display->pipes), GFP_KERNEL);
	if (!display->pipes)
		return -ENOMEM;

	ret = drmm_mode_config_init(drm);
	if (ret)
		return ret;

	drm->mode_config.max_width = XEN_DRM_FRONT_MAX_DIM;
	drm->mode_config.max_height = XEN_DRM_FRONT_MAX_DIM;
	drm->mode_config.preferred_depth = 24;
	drm->mode_config.funcs = &kms_config_funcs;
	drm->mode_config.helper_private = &kms_config_helper_funcs;

	for (i = 0; i < display->cfg.num_connectors; i++) {
		ret = pipe_init(display, i);
		if (ret)
			return ret;
	}

	drm_mode_config_reset(drm);
	return 0;
}
