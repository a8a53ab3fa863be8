/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: which task makes a commit.
 */

#ifndef __XEN_DRM_FRONT_COMMIT_H__
#define __XEN_DRM_FRONT_COMMIT_H__

#include <linux/types.h>

struct drm_atomic_commit;
struct drm_device;
struct xen_drm_display;

void xen_drm_commit_init(struct xen_drm_display *display);
int xen_drm_commit(struct drm_device *drm, struct drm_atomic_commit *state, bool nonblock);
void xen_drm_commit_end(struct xen_drm_display *display);

#endif /* __XEN_DRM_FRONT_COMMIT_H__ */
