// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: framebuffers.
 */

#include <linux/dma-direction.h>
#include <linux/dma-resv.h>
#include <linux/slab.h>

#include <drm/drm_fourcc.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_gem.h>
#include <drm/drm_gem_framebuffer_helper.h>
#include <drm/drm_modeset_helper.h>
#include <drm/drm_plane.h>
#include <drm/drm_print.h>

#include <kunit/visibility.h>

#include "xen_drm_front_fb.h"

#include "xen_drm_front.h"
#include "xen_drm_front_formats.h"
#include "xen_drm_front_gem.h"
#include "xen_drm_front_share.h"

/**
 * struct drm_fb - DRM framebuffer with its name on the wire
 */
struct drm_fb {
	/** @base: base class */
	struct drm_framebuffer base;
	/** @fb: framebuffer, as the protocol knows it */
	struct xen_drm_fb fb;
};

static struct drm_fb *to_drm_fb(struct drm_framebuffer *fb)
{
	return container_of(fb, struct drm_fb, base);
}

/**
 * xen_drm_fb_from_drm - get the protocol's side of a framebuffer
 * @fb: one of our framebuffers
 *
 * Returns: the framebuffer, as the protocol knows it.
 */
struct xen_drm_fb *xen_drm_fb_from_drm(struct drm_framebuffer *fb)
{
	return &to_drm_fb(fb)->fb;
}

static void fb_released(struct xen_drm_fb *xen_fb)
{
	struct drm_fb *fb = container_of(xen_fb, struct drm_fb, fb);

	drm_gem_object_put(fb->base.obj[0]);
	kfree(fb);
}

/**
 * xen_drm_fb_destroy - the destroy callback of a framebuffer
 * @fb: the framebuffer
 *
 * The release work tells the backend, which is not waited for.
 */
void xen_drm_fb_destroy(struct drm_framebuffer *fb)
{
	drm_framebuffer_cleanup(fb);
	xen_drm_share_detach(to_xen_drm_display(fb->dev), &to_drm_fb(fb)->fb);
}

/**
 * xen_drm_fb_begin_read - begin to read what devices have drawn
 * @fb: one of our framebuffers
 *
 * Asks the exporter of an imported buffer, who waits for all that is being drawn. A commit
 * has waited for what it has to show. A device that draws more may wait for the end of
 * this commit, so the exporter is not asked then.
 *
 * Context: commit tail; may sleep.
 *
 * Returns: 0, in which case drm_gem_fb_end_cpu_access() must follow; -EBUSY while a device
 * draws; or an error of the exporter.
 */
int xen_drm_fb_begin_read(struct drm_framebuffer *fb)
{
	if (!dma_resv_test_signaled(fb->obj[0]->resv, DMA_RESV_USAGE_WRITE))
		return -EBUSY;
	return drm_gem_fb_begin_cpu_access(fb, DMA_FROM_DEVICE);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_fb_begin_read);

/**
 * xen_drm_fb_sync - let the backend see what devices have drawn
 * @fb: one of our framebuffers
 *
 * Context: commit tail; may sleep.
 */
void xen_drm_fb_sync(struct drm_framebuffer *fb)
{
	if (!xen_drm_fb_begin_read(fb))
		drm_gem_fb_end_cpu_access(fb, DMA_FROM_DEVICE);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_fb_sync);

static int fb_check(struct drm_device *drm, const struct drm_gem_object *obj,
		    const struct drm_format_info *info,
		    const struct drm_mode_fb_cmd2 *mode_cmd)
{
	u64 size = (u64)(mode_cmd->height - 1) * mode_cmd->pitches[0] +
		   drm_format_info_min_pitch(info, 0, mode_cmd->width) +
		   mode_cmd->offsets[0];

	if (!drm_any_plane_has_format(drm, mode_cmd->pixel_format, mode_cmd->modifier[0])) {
		drm_dbg_kms(drm, "format %p4cc with modifier 0x%llx is not supported\n",
			    &mode_cmd->pixel_format, mode_cmd->modifier[0]);
		return -EINVAL;
	}
	if (mode_cmd->flags & DRM_MODE_FB_INTERLACED) {
		drm_dbg_kms(drm, "an interlaced framebuffer, expected a progressive one\n");
		return -EINVAL;
	}
	if (obj->size < size) {
		drm_dbg_kms(drm, "framebuffer of %llu bytes, expected up to %zu, as the buffer\n",
			    size, obj->size);
		return -EINVAL;
	}
	return 0;
}

static int fb_init(struct drm_device *drm, struct drm_fb *fb, struct drm_gem_object *obj,
		   const struct drm_format_info *info,
		   const struct drm_mode_fb_cmd2 *mode_cmd)
{
	int ret;

	ret = fb_check(drm, obj, info, mode_cmd);
	if (ret)
		return ret;
	ret = xen_drm_gem_get_pages(obj);
	if (ret)
		return ret;

	drm_helper_mode_fill_fb_struct(drm, &fb->base, info, mode_cmd);
	fb->base.obj[0] = obj;
	fb->fb.released = fb_released;
	fb->fb.share = &to_xen_drm_gem(obj)->share;
	fb->fb.width = mode_cmd->width;
	fb->fb.height = mode_cmd->height;
	fb->fb.pitch = mode_cmd->pitches[0];
	fb->fb.offset = mode_cmd->offsets[0];
	fb->fb.bpp = drm_format_info_bpp(info, 0);
	fb->fb.format = xen_drm_formats_opaque(info->format);

	INIT_LIST_HEAD(&fb->fb.node);
	/* A framebuffer that the protocol cannot express is shown by a shadow. */
	if (!xen_drm_share_expresses(to_xen_drm_display(drm), &fb->fb))
		return 0;
	/* Attached before drm_framebuffer_init() lets others see the framebuffer. */
	return xen_drm_share_attach(to_xen_drm_display(drm), &fb->fb);
}

/**
 * xen_drm_fb_create - make a framebuffer, and let the backend know of it
 * @drm: the DRM device
 * @file: the client
 * @info: format
 * @mode_cmd: arguments of ADDFB
 * @funcs: callbacks of the framebuffer
 *
 * Context: may sleep; waits for the backend.
 *
 * Returns: the framebuffer; -ENOENT without a buffer; -EINVAL for a format that we do
 * not have, an interlaced framebuffer, or one that is larger than its buffer; or an
 * error of xen_drm_gem_get_pages() or xen_drm_share_attach().
 */
struct drm_framebuffer *
xen_drm_fb_create(struct drm_device *drm, struct drm_file *file,
		  const struct drm_format_info *info,
		  const struct drm_mode_fb_cmd2 *mode_cmd,
		  const struct drm_framebuffer_funcs *funcs)
{
	struct drm_gem_object *obj;
	struct drm_fb *fb;
	int ret;

	obj = drm_gem_object_lookup(file, mode_cmd->handles[0]);
	if (!obj) {
		drm_dbg_kms(drm, "no buffer has the handle %u\n", mode_cmd->handles[0]);
		return ERR_PTR(-ENOENT);
	}

	fb = kzalloc_obj(*fb);
	if (!fb) {
		ret = -ENOMEM;
		goto err_put_object;
	}
	ret = fb_init(drm, fb, obj, info, mode_cmd);
	if (ret)
		goto err_free_fb;

	ret = drm_framebuffer_init(drm, &fb->base, funcs);
	if (ret) {
		xen_drm_share_detach(to_xen_drm_display(drm), &fb->fb);
		return ERR_PTR(ret);
	}
	return &fb->base;

err_free_fb:
	kfree(fb);
err_put_object:
	drm_gem_object_put(obj);
	return ERR_PTR(ret);
}
