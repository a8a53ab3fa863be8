// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: how pixels lie in a share.
 */

#include <linux/err.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/slab.h>

#include "xen_drm_front_view.h"

#include "xen_drm_front_proto.h"
#include "xen_drm_front_share.h"

/**
 * DOC: Views
 *
 * The protocol has no field for the stride: backends compute it from width and depth
 * of a dbuf. So a view has the width that gives the pitch of the framebuffer, and as
 * many lines as fit into the share. Each framebuffer of a share can have a view of its
 * own. A view is never changed.
 */

/* Returns the width that makes the backend compute the pitch of @fb, or 0. */
static u32 fb_view_width(const struct xen_drm_fb *fb)
{
	u32 width = div_u64((u64)fb->pitch * 8, fb->bpp);

	return xen_drm_proto_stride(width, fb->bpp) == fb->pitch ? width : 0;
}

/**
 * xen_drm_view_create - add a view to a share
 * @share: the share
 * @width: number of pixels per line
 * @height: number of lines
 * @bpp: number of bits per pixel
 * @offset: number of bytes before the first pixel
 *
 * Returns: the view, or -ENOMEM.
 */
struct xen_drm_view *xen_drm_view_create(struct xen_drm_share *share, u32 width, u32 height,
					 u32 bpp, u32 offset)
{
	struct xen_drm_view *view = kzalloc_obj(*view);

	if (!view)
		return ERR_PTR(-ENOMEM);

	view->cookie = xen_drm_proto_new_cookie();
	view->width = width;
	view->height = height;
	view->bpp = bpp;
	view->offset = offset;
	list_add_tail(&view->node, &share->views);
	return view;
}

/* The backend allocates a buffer for one view, so there is no other one. */
static struct xen_drm_view *fb_find_backend_view(const struct xen_drm_fb *fb)
{
	struct xen_drm_view *view;

	view = list_first_entry(&fb->share->views, struct xen_drm_view, node);
	if (view->bpp != fb->bpp || fb->offset ||
	    xen_drm_proto_stride(view->width, view->bpp) != fb->pitch ||
	    fb->width > view->width || fb->height > view->height)
		return ERR_PTR(-EINVAL);
	return view;
}

/**
 * xen_drm_view_find - find the view that a framebuffer needs, or make it
 * @fb: the framebuffer
 * @version: protocol version of the backend, 0 without a connection
 *
 * Returns: the view; -EINVAL when the protocol cannot express the framebuffer; or
 * -ENOMEM.
 */
struct xen_drm_view *xen_drm_view_find(const struct xen_drm_fb *fb, unsigned int version)
{
	u32 width = fb_view_width(fb), height;
	struct xen_drm_view *view;

	if (fb->share->be_alloc)
		return fb_find_backend_view(fb);
	if (!width || (fb->offset && version < 2) || fb->offset >= fb->share->size)
		return ERR_PTR(-EINVAL);

	height = (fb->share->size - fb->offset) / fb->pitch;
	if (fb->height > height)
		return ERR_PTR(-EINVAL);

	list_for_each_entry(view, &fb->share->views, node)
		if (view->width == width && view->bpp == fb->bpp &&
		    view->offset == fb->offset)
			return view;
	return xen_drm_view_create(fb->share, width, height, fb->bpp, fb->offset);
}

/**
 * xen_drm_view_free_all - free all views of a share
 * @share: a share that is not used any more
 */
void xen_drm_view_free_all(struct xen_drm_share *share)
{
	struct xen_drm_view *view, *next;

	list_for_each_entry_safe(view, next, &share->views, node) {
		list_del(&view->node);
		kfree(view);
	}
}
