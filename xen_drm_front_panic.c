// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: the screen of a kernel that panics.
 */

#include <drm/drm_gem.h>
#include <drm/drm_panic.h>
#include <drm/drm_rect.h>

#include "xen_drm_front_panic.h"

#include "xen_drm_front_gem.h"

/**
 * xen_drm_panic_scanout_buffer - describe where the panic screen is drawn
 * @fb: framebuffer that the backend shows
 * @format: format of @fb
 * @src: part of the picture that is visible, in 16.16 fixed point pixels
 * @sb: filled on success
 *
 * Context: a panic; nothing may be locked or allocated.
 *
 * Returns: 0; -EOPNOTSUPP for memory of the backend or of another driver, and for a
 * framebuffer with an offset.
 */
int xen_drm_panic_scanout_buffer(const struct xen_drm_fb *fb,
				 const struct drm_format_info *format,
				 const struct drm_rect *src, struct drm_scanout_buffer *sb)
{
	struct xen_drm_gem *gem = container_of(fb->share, struct xen_drm_gem, share);

	if (gem->share.be_alloc || drm_gem_is_imported(&gem->base) || !gem->share.pages ||
	    fb->offset)
		return -EOPNOTSUPP;

	sb->format = format;
	sb->pages = gem->share.pages;
	/* A framebuffer without a shadow begins at the screen's corner, and may be larger. */
	sb->width = drm_rect_width(src) >> 16;
	sb->height = drm_rect_height(src) >> 16;
	sb->pitch[0] = fb->pitch;
	return 0;
}
