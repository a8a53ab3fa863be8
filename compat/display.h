/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the LTS kernel 6.12 lacks for xen_drm_front_display.c alone; see compat.h.
 */

#ifndef __XEN_DRM_FRONT_COMPAT_DISPLAY_H__
#define __XEN_DRM_FRONT_COMPAT_DISPLAY_H__

#include <linux/version.h>

#include <drm/clients/drm_client_setup.h>
#include <drm/drm_fbdev_shmem.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0) && !IS_ENABLED(CONFIG_DRM_XEN_FRONTEND_CMA)
/* The helper for shmem had a function of its own to set up the kernel's client. */
#define DRM_FBDEV_SHMEM_DRIVER_OPS .fbdev_probe = NULL
#define drm_client_setup(drm, format) drm_fbdev_shmem_setup(drm, 32)
#endif

#endif /* __XEN_DRM_FRONT_COMPAT_DISPLAY_H__ */
