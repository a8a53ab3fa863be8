/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: requests, and tasks that wait for their
 * replies.
 */

#ifndef __XEN_DRM_FRONT_CALL_H__
#define __XEN_DRM_FRONT_CALL_H__

#include <linux/types.h>

struct xen_drm_call;
struct xen_drm_chan;
struct xen_drm_chan_stats;
struct xendispl_req;

int xen_drm_chan_submit(struct xen_drm_chan *chan, struct xendispl_req *req,
			struct xen_drm_call *call, bool killable);
int xen_drm_chan_config(struct xen_drm_chan *chan, struct xendispl_req *req, u32 mode);
void xen_drm_chan_push(struct xen_drm_chan *chan);
int xen_drm_chan_wait(struct xen_drm_chan *chan, struct xen_drm_call *call);
void xen_drm_chan_limit(struct xen_drm_chan *chan, unsigned int ms);
void xen_drm_chan_withdraw(struct xen_drm_chan *chan, u32 directory);
void xen_drm_chan_break(struct xen_drm_chan *chan);
int xen_drm_chan_flip(struct xen_drm_chan *chan, struct xendispl_req *req, u32 *serial);
void xen_drm_chan_add_stats(struct xen_drm_chan *chan, struct xen_drm_chan_stats *sum);
void xen_drm_chan_flip_panic(struct xen_drm_chan *chan, struct xendispl_req *req);

#if IS_ENABLED(CONFIG_KUNIT)
void xen_drm_chan_notify(struct xen_drm_chan *chan);
#endif

#endif /* __XEN_DRM_FRONT_CALL_H__ */
