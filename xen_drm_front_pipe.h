/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: a connector with its plane, CRTC and encoder.
 *
 * Private to xen_drm_front_kms.c, _commit.c, _plane.c and _debugfs.c.
 */

#ifndef __XEN_DRM_FRONT_PIPE_H__
#define __XEN_DRM_FRONT_PIPE_H__

#include <drm/drm_simple_kms_helper.h>

#include "xen_drm_front.h"
#include "xen_drm_front_connector.h"
#include "xen_drm_front_flip.h"
#include "xen_drm_front_shadow.h"

struct drm_atomic_commit;

/**
 * struct xen_drm_pipe - a connector with its plane, CRTC and encoder
 */
struct xen_drm_pipe {
	/** @base: plane, CRTC and encoder */
	struct drm_simple_display_pipe base;
	/** @connector: connector */
	struct xen_drm_connector connector;
	/** @flip: flips, and vertical blanking */
	struct xen_drm_flip flip;
	/** @shadow: copy of a picture that the wire cannot express */
	struct xen_drm_shadow_pipe shadow;
	/**
	 * @parked: nonblocking commit that has been sent, and is not finished; NULL, or
	 * protected by &xen_drm_display.commit_lock
	 */
	struct drm_atomic_commit *parked;
};

static inline struct xen_drm_pipe *crtc_to_xen_drm_pipe(struct drm_crtc *crtc)
{
	return container_of(crtc, struct xen_drm_pipe, base.crtc);
}

static inline struct xen_drm_pipe *plane_to_xen_drm_pipe(struct drm_plane *plane)
{
	return container_of(plane, struct xen_drm_pipe, base.plane);
}

#endif /* __XEN_DRM_FRONT_PIPE_H__ */
