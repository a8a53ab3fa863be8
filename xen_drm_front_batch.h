/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: requests whose replies are waited for
 * together.
 */

#ifndef __XEN_DRM_FRONT_BATCH_H__
#define __XEN_DRM_FRONT_BATCH_H__

#include <linux/types.h>

#include "xen_drm_front.h"

/* Number of requests that go out before replies are waited for; the ring has as many. */
#define XEN_DRM_BATCH_WINDOW	32

/**
 * struct xen_drm_batch - requests whose replies are waited for together
 */
struct xen_drm_batch {
	/** @chan: channel of all requests; the other members are zeroed at first */
	struct xen_drm_chan *chan;
	/** @error: first error since the last xen_drm_batch_wait() */
	int error;
	/** @count: number of valid entries in @pending */
	unsigned int count;
	/** @pending: requests whose replies have not been waited for */
	struct {
		/** @pending.call: storage for the reply */
		struct xen_drm_call call;
		/** @pending.told: number to clear if the backend refuses, or NULL */
		u64 *told;
	} pending[XEN_DRM_BATCH_WINDOW];
};

bool xen_drm_batch_is_refusal(int error);
struct xen_drm_call *xen_drm_batch_next(struct xen_drm_batch *batch, u64 *told);
int xen_drm_batch_sent(struct xen_drm_batch *batch, int ret);
int xen_drm_batch_wait(struct xen_drm_batch *batch);

#endif /* __XEN_DRM_FRONT_BATCH_H__ */
