// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: planes.
 */

#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/slab.h>

#include <drm/drm_atomic.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_atomic_state_helper.h>
#include <drm/drm_blend.h>
#include <drm/drm_damage_helper.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_gem.h>
#include <drm/drm_gem_atomic_helper.h>
#include <drm/drm_plane.h>
#include <drm/drm_print.h>

#include "xen_drm_front_plane.h"

#include "xen_drm_front_fb.h"
#include "xen_drm_front_panic.h"
#include "xen_drm_front_pipe.h"
#include "xen_drm_front_share.h"

/**
 * struct plane_state - state of a plane, with its shadow
 */
struct plane_state {
	/** @base: base class */
	struct drm_plane_state base;
	/** @shadow: shadow with a reference, or NULL if the framebuffer itself is shown */
	struct xen_drm_shadow *shadow;
};

static struct plane_state *to_plane_state(struct drm_plane_state *state)
{
	return container_of(state, struct plane_state, base);
}

/*
 * The backend shows a framebuffer from its first pixel on, all over the screen. Any
 * other part of a framebuffer is shown by a shadow.
 */
static int xen_drm_plane_atomic_check(struct drm_plane *plane, struct drm_atomic_commit *state)
{
	struct drm_plane_state *new_state = drm_atomic_get_new_plane_state(state, plane);
	const char *name = plane_to_xen_drm_pipe(plane)->connector.base.name;
	struct drm_crtc_state *crtc_state;
	int ret;

	if (!new_state->crtc)
		return 0;

	crtc_state = drm_atomic_get_new_crtc_state(state, new_state->crtc);
	ret = drm_atomic_helper_check_plane_state(new_state, crtc_state,
						  DRM_PLANE_NO_SCALING,
						  DRM_PLANE_NO_SCALING, false, true);
	if (ret)
		return ret;

	if (!new_state->visible) {
		drm_dbg_kms(plane->dev, "%s: the plane is at %d,%d, outside of the screen\n",
			    name, new_state->crtc_x, new_state->crtc_y);
		return crtc_state->enable ? -EINVAL : 0;
	}
	if ((new_state->src.x1 | new_state->src.y1) & 0xffff) {
		drm_dbg_kms(plane->dev, "%s: the picture starts at 0x%x,0x%x, expected whole pixels\n",
			    name, new_state->src.x1, new_state->src.y1);
		return -EINVAL;
	}
	if ((new_state->src.x1 >> 16) % new_state->fb->format->hsub) {
		drm_dbg_kms(plane->dev, "%s: the picture starts at pixel %d, expected a multiple of %u\n",
			    name, new_state->src.x1 >> 16, new_state->fb->format->hsub);
		return -EINVAL;
	}
	return 0;
}

static bool plane_needs_shadow(const struct drm_plane_state *state)
{
	const struct xen_drm_fb *fb;

	if (!state->visible || !state->fb)
		return false;
	if (state->src.x1 || state->src.y1)
		return true;

	fb = xen_drm_fb_from_drm(state->fb);
	/* A backend of version 1 may have come after one of version 2. */
	return !fb->view || (fb->offset && !READ_ONCE(fb->told));
}

static bool plane_has_fences(const struct drm_plane_state *state)
{
	if (state->fence && !dma_fence_is_signaled(state->fence))
		return true;
	return !dma_resv_test_signaled(state->fb->obj[0]->resv, DMA_RESV_USAGE_WRITE);
}

/**
 * xen_drm_plane_flips_at_once - check whether a commit can flip without waiting
 * @pipe: pipe whose CRTC stays active
 * @state: the commit, which has been checked, and is not prepared yet
 *
 * A shadow takes a copy, an exporter of an imported buffer and fences may have to be
 * waited for, and so has the backend when it needs the mode first.
 *
 * Context: modeset locks of the commit are held.
 *
 * Returns: whether nothing of that is the case, and the commit shows a framebuffer.
 */
bool xen_drm_plane_flips_at_once(struct xen_drm_pipe *pipe, struct drm_atomic_commit *state)
{
	struct drm_plane *plane = &pipe->base.plane;
	struct drm_plane_state *old_state = drm_atomic_get_old_plane_state(state, plane);
	struct drm_plane_state *new_state = drm_atomic_get_new_plane_state(state, plane);

	if (!new_state || !new_state->fb || !new_state->visible)
		return false;
	if (to_plane_state(old_state)->shadow || plane_needs_shadow(new_state))
		return false;
	if (drm_gem_is_imported(new_state->fb->obj[0]) || plane_has_fences(new_state))
		return false;
	return xen_drm_flip_can_flip(&pipe->flip,
				     READ_ONCE(xen_drm_fb_from_drm(new_state->fb)->told));
}

static int xen_drm_plane_prepare_fb(struct drm_plane *plane, struct drm_plane_state *new_state)
{
	struct xen_drm_pipe *pipe = plane_to_xen_drm_pipe(plane);
	struct xen_drm_shadow *shadow;

	if (plane_needs_shadow(new_state)) {
		shadow = xen_drm_shadow_prepare(&pipe->shadow, new_state->fb,
						drm_rect_width(&new_state->src) >> 16,
						drm_rect_height(&new_state->src) >> 16);
		if (IS_ERR(shadow))
			return PTR_ERR(shadow);
		to_plane_state(new_state)->shadow = shadow;
	}
	return drm_gem_plane_helper_prepare_fb(plane, new_state);
}

static void plane_set_picture(struct drm_plane *plane, const struct xen_drm_fb *fb)
{
	struct xen_drm_flip *flip = &plane_to_xen_drm_pipe(plane)->flip;

	if (fb)
		xen_drm_flip_set_picture(flip, fb->cookie, fb->bpp, READ_ONCE(fb->told),
					 READ_ONCE(fb->tried));
	else
		xen_drm_flip_set_picture(flip, 0, 0, 0, 0);
}

static void xen_drm_plane_atomic_update(struct drm_plane *plane, struct drm_atomic_commit *state)
{
	struct drm_plane_state *old_state = drm_atomic_get_old_plane_state(state, plane);
	struct drm_plane_state *new_state = drm_atomic_get_new_plane_state(state, plane);
	struct xen_drm_shadow *shadow = to_plane_state(new_state)->shadow;
	struct xen_drm_pipe *pipe = plane_to_xen_drm_pipe(plane);
	struct drm_rect damage;

	if (!shadow) {
		xen_drm_shadow_hide(&pipe->shadow);
		if (new_state->fb)
			xen_drm_fb_sync(new_state->fb);
		plane_set_picture(plane, new_state->fb ? xen_drm_fb_from_drm(new_state->fb) :
							 NULL);
		return;
	}

	/* A shadow that has not been shown before needs all of the picture. */
	drm_rect_fp_to_int(&damage, &new_state->src);
	if (to_plane_state(old_state)->shadow == shadow &&
	    !drm_atomic_helper_damage_merged(old_state, new_state, &damage))
		drm_rect_init(&damage, 0, 0, 0, 0);
	xen_drm_shadow_show(&pipe->shadow, shadow, new_state->fb, new_state->src.x1 >> 16,
			    new_state->src.y1 >> 16, &damage);
	plane_set_picture(plane, xen_drm_shadow_fb(shadow));
}

static void xen_drm_plane_atomic_disable(struct drm_plane *plane, struct drm_atomic_commit *state)
{
	xen_drm_shadow_hide(&plane_to_xen_drm_pipe(plane)->shadow);
	plane_set_picture(plane, NULL);
}

#ifdef CONFIG_DRM_PANIC
static int xen_drm_plane_get_scanout_buffer(struct drm_plane *plane, struct drm_scanout_buffer *sb)
{
	const struct drm_plane_state *state = plane->state;
	struct xen_drm_shadow *shadow;

	if (!state || !state->fb || !state->visible)
		return -ENODEV;

	shadow = to_plane_state(plane->state)->shadow;
	return xen_drm_panic_scanout_buffer(shadow ? xen_drm_shadow_fb(shadow) :
					    xen_drm_fb_from_drm(state->fb),
					    state->fb->format, &state->src, sb);
}

static void xen_drm_plane_panic_flush(struct drm_plane *plane)
{
	xen_drm_flip_panic(&plane_to_xen_drm_pipe(plane)->flip);
}
#else
#define xen_drm_plane_get_scanout_buffer	NULL
#define xen_drm_plane_panic_flush		NULL
#endif

static const struct drm_plane_helper_funcs plane_helper_funcs = {
	.prepare_fb = xen_drm_plane_prepare_fb,
	.atomic_check = xen_drm_plane_atomic_check,
	.atomic_update = xen_drm_plane_atomic_update,
	.atomic_disable = xen_drm_plane_atomic_disable,
	.get_scanout_buffer = xen_drm_plane_get_scanout_buffer,
	.panic_flush = xen_drm_plane_panic_flush,
};

/* ------------------------------------------------------------------------
 * State
 */

static void xen_drm_plane_reset(struct drm_plane *plane)
{
	struct plane_state *state;

	if (plane->state) {
		plane->funcs->atomic_destroy_state(plane, plane->state);
		plane->state = NULL;
	}
	state = kzalloc_obj(*state);
	if (state)
		__drm_atomic_helper_plane_reset(plane, &state->base);
}

static struct drm_plane_state *xen_drm_plane_duplicate_state(struct drm_plane *plane)
{
	struct plane_state *state;

	if (!plane->state)
		return NULL;
	state = kzalloc_obj(*state);
	if (!state)
		return NULL;

	__drm_atomic_helper_plane_duplicate_state(plane, &state->base);
	return &state->base;
}

static void xen_drm_plane_destroy_state(struct drm_plane *plane, struct drm_plane_state *state)
{
	xen_drm_shadow_put(to_plane_state(state)->shadow);
	__drm_atomic_helper_plane_destroy_state(state);
	kfree(to_plane_state(state));
}

static const struct drm_plane_funcs plane_funcs = {
	.update_plane = drm_atomic_helper_update_plane,
	.disable_plane = drm_atomic_helper_disable_plane,
	.destroy = drm_plane_cleanup,
	.reset = xen_drm_plane_reset,
	.atomic_duplicate_state = xen_drm_plane_duplicate_state,
	.atomic_destroy_state = xen_drm_plane_destroy_state,
};

const u64 xen_drm_plane_modifiers[] = {
	DRM_FORMAT_MOD_LINEAR,
	DRM_FORMAT_MOD_INVALID
};

/**
 * xen_drm_plane_take_over - replace the functions of the simple pipe's plane
 * @pipe: pipe with a plane that is initialised
 *
 * Returns: 0 or -ENOMEM.
 */
int xen_drm_plane_take_over(struct xen_drm_pipe *pipe)
{
	struct drm_plane *plane = &pipe->base.plane;

	drm_plane_helper_add(plane, &plane_helper_funcs);
	plane->funcs = &plane_funcs;
	drm_plane_enable_fb_damage_clips(plane);
	return drm_plane_create_blend_mode_property(plane, BIT(DRM_MODE_BLEND_PIXEL_NONE) |
							   BIT(DRM_MODE_BLEND_PREMULTI));
}
