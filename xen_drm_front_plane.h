/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: planes.
 */

#ifndef __XEN_DRM_FRONT_PLANE_H__
#define __XEN_DRM_FRONT_PLANE_H__

#include <linux/types.h>

struct drm_atomic_commit;
struct xen_drm_pipe;

extern const u64 xen_drm_plane_modifiers[];

bool xen_drm_plane_flips_at_once(struct xen_drm_pipe *pipe, struct drm_atomic_commit *state);
int xen_drm_plane_take_over(struct xen_drm_pipe *pipe);

#endif /* __XEN_DRM_FRONT_PLANE_H__ */
