/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: answers that the backend owes.
 */

#ifndef __XEN_DRM_FRONT_OVERDUE_H__
#define __XEN_DRM_FRONT_OVERDUE_H__

#include <linux/types.h>

struct xen_drm_chan;
struct xen_drm_chan_news;
struct xen_drm_slot;

bool xen_drm_chan_poll(struct xen_drm_chan *chan);
bool xen_drm_chan_overdue(struct xen_drm_chan *chan, unsigned long *since);
bool xen_drm_chan_owes(struct xen_drm_chan *chan, u32 directory);
void xen_drm_chan_note_late(struct xen_drm_chan *chan, struct xen_drm_slot *slot,
			    struct xen_drm_chan_news *news);

#endif /* __XEN_DRM_FRONT_OVERDUE_H__ */
