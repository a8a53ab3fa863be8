/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the LTS kernel 6.12 lacks of the kernel that the driver is written for.
 * The compiler includes it before each file of an out-of-tree build; the driver in the
 * kernel tree does without. Each section goes with the last kernel that needs it.
 */

#ifndef __XEN_DRM_FRONT_COMPAT_H__
#define __XEN_DRM_FRONT_COMPAT_H__

#include <linux/gfp.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/version.h>

#include <drm/drm_atomic.h>
#include <drm/drm_modeset_helper.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 3, 0)
#define vma_is_cow_mapping(vma) is_cow_mapping((vma)->vm_flags)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 2, 0)
/*
 * 7.2 gave the structure the name of a function. The macro below renames both, so calls
 * of that function come here. A structure and a function can have the same name.
 */
static inline int drm_atomic_state(struct drm_atomic_state *state)
{
	return drm_atomic_commit(state);
}

#define drm_atomic_commit drm_atomic_state
#define drm_atomic_commit_alloc drm_atomic_state_alloc
#define drm_atomic_commit_get drm_atomic_state_get
#define drm_atomic_commit_put drm_atomic_state_put
#endif

/* From 7.0, and from some later 6.12. */
#ifndef kzalloc_obj
#define kzalloc_obj(obj) kzalloc(sizeof(obj), GFP_KERNEL)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
/* Callers did not pass the format's description yet. */
#define drm_helper_mode_fill_fb_struct(drm, fb, info, mode_cmd) \
	drm_helper_mode_fill_fb_struct(drm, fb, mode_cmd)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
#define alloc_pages_bulk(gfp, count, pages) alloc_pages_bulk_array(gfp, count, pages)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
/* The callback was set after the initialisation. */
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
/* A namespace was a bare word, and not yet a string. */
#undef MODULE_IMPORT_NS
#define MODULE_IMPORT_NS(ns) MODULE_INFO(import_ns, ns)
#endif

#endif /* __XEN_DRM_FRONT_COMPAT_H__ */
