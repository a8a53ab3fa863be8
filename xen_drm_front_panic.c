// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: the screen of a kernel that panics.
 */

#include <drm/drm_gem.h>
#include <drm/drm_panic.h>

#include "xen_drm_front_panic.h"

#include "xen_drm_front_gem.h"

/**
 * xen_drm_panic_scanout_buffer - describe where the panic screen is drawn
 * @fb: framebuffer that the backend shows
 * @format: format of @fb
 * @sb: filled on success, but for the size
 *
 * Context: a panic; nothing may be locked or allocated.
 *
 * Returns: 0; -EOPNOTSUPP for memory of the backend or of another driver, and for a
 * framebuffer with an offset.
 */
int xen_drm_panic_scanout_buffer(const struct xen_drm_fb *fb,
				 const struct drm_format_info *format,
				 struct drm_scanout_buffer *sb)
{
	struct xen_drm_gem *gem = container_of(fb->share, struct xen_drm_gem, share);

	if (gem->share.be_alloc || drm_gem_is_imported(&gem->base) || !gem->share.pages ||
	    fb->offset)
		return -EOPNOTSUPP;

	sb->format = format;
	sb->pages = gem->share.pages;
	sb->pitch[0] = fb->pitch;
	return 0;
}
