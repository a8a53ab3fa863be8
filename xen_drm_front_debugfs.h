/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: files in the debugfs directory of the DRM
 * device.
 */

#ifndef __XEN_DRM_FRONT_DEBUGFS_H__
#define __XEN_DRM_FRONT_DEBUGFS_H__

struct seq_file;
struct xen_drm_display;

void xen_drm_debugfs_init(struct xen_drm_display *display);

#if IS_ENABLED(CONFIG_KUNIT)
int xen_drm_debugfs_show_buffers(struct xen_drm_display *display, struct seq_file *m);
#endif

#endif /* __XEN_DRM_FRONT_DEBUGFS_H__ */
