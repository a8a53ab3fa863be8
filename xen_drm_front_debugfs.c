// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: files in the debugfs directory of the DRM
 * device. Documentation/gpu/xen-front-admin.rst, "Looking inside", describes them.
 */

#include <linux/array_size.h>
#include <linux/list.h>
#include <linux/seq_file.h>
#include <linux/string_choices.h>

#include <drm/drm_debugfs.h>
#include <drm/drm_device.h>

#include <kunit/visibility.h>

#include "xen_drm_front_debugfs.h"

#include "xen_drm_front.h"
#include "xen_drm_front_pipe.h"
#include "xen_drm_front_proto.h"
#include "xen_drm_front_share.h"

static struct xen_drm_display *debugfs_display(struct seq_file *m)
{
	struct drm_debugfs_entry *entry = m->private;

	return to_xen_drm_display(entry->dev);
}

/* ------------------------------------------------------------------------
 * Connectors
 */

static const char *flip_state_name(enum xen_drm_flip_state state)
{
	static const char * const names[] = {
		[XEN_DRM_FLIP_OFF] = "off",
		[XEN_DRM_FLIP_DARK] = "dark",
		[XEN_DRM_FLIP_SETTING] = "setting",
		[XEN_DRM_FLIP_IDLE] = "idle",
		[XEN_DRM_FLIP_FLYING] = "flying",
		[XEN_DRM_FLIP_LANDED] = "landed",
		[XEN_DRM_FLIP_STALLED] = "stalled",
	};

	return state < ARRAY_SIZE(names) ? names[state] : "?";
}

static void debugfs_show_pipe(struct xen_drm_pipe *pipe, struct seq_file *m)
{
	struct drm_device *drm = pipe->connector.base.dev;
	struct xen_drm_flip *flip = &pipe->flip;
	struct xen_drm_flip_stats stats;
	enum xen_drm_flip_state state;

	/* Under this lock the pipe keeps its channel. */
	scoped_guard(spinlock_irq, &drm->event_lock) {
		state = flip->core.state;
		stats = flip->stats;
		if (flip->chan)
			xen_drm_proto_add_stats(flip->chan, &stats.chan);
	}

	seq_printf(m, "%s: path=\"%s\" state=%s flips=%llu flips_refused=%llu flips_overdue=%llu",
		   pipe->connector.base.name, pipe->connector.path,
		   flip_state_name(state), stats.flips, stats.refused, stats.overdue);
	seq_printf(m, " requests=%llu refused=%llu missed=%llu late=%llu\n",
		   stats.chan.requests, stats.chan.refused, stats.chan.missed,
		   stats.chan.late);
}

static int debugfs_xen(struct seq_file *m, void *unused)
{
	struct xen_drm_display *display = debugfs_display(m);
	struct xen_drm_link link;
	unsigned int i;

	/* The lock is held while the backend is asked about buffers, so this may take time. */
	if (mutex_lock_interruptible(&display->lock))
		return -EINTR;
	link = display->link;
	mutex_unlock(&display->lock);

	/* The property PATH may change. */
	guard(mutex)(&display->drm.mode_config.mutex);

	seq_printf(m, "connection: %llu\n", link.number);
	seq_printf(m, "version: %u\n", link.version);
	seq_printf(m, "domain: %u\n", link.domid);
	for (i = 0; i < display->cfg.num_connectors; i++)
		debugfs_show_pipe(&display->pipes[i], m);
	return 0;
}

/* ------------------------------------------------------------------------
 * Buffers
 */

static void debugfs_show_share(const struct xen_drm_display *display,
			       const struct xen_drm_share *share, struct seq_file *m)
{
	const struct xen_drm_view *view;

	seq_printf(m, "buffer: of=%s pages=%zu shared=%s domain=%u\n",
		   share->be_alloc ? "backend" : "guest", share->size / PAGE_SIZE,
		   str_yes_no(share->pgdir && (!share->be_alloc || share->pages)),
		   share->domid);
	list_for_each_entry(view, &share->views, node)
		seq_printf(m, "\tdbuf %llu: %ux%u bpp=%u offset=%u told=%s\n", view->cookie,
			   view->width, view->height, view->bpp, view->offset,
			   str_yes_no(xen_drm_share_is_told(display, view->told)));
}

static void debugfs_show_fb(const struct xen_drm_display *display,
			    const struct xen_drm_fb *fb, struct seq_file *m)
{
	seq_printf(m, "framebuffer %llu: dbuf=%llu %ux%u told=%s format=%p4cc\n", fb->cookie,
		   fb->view->cookie, fb->width, fb->height,
		   str_yes_no(xen_drm_share_is_told(display, fb->told)), &fb->format);
}

/**
 * xen_drm_debugfs_show_buffers - show shares, views and framebuffers
 * @display: the DRM device
 * @m: file
 *
 * Context: may sleep; waits while the backend is asked about buffers.
 *
 * Returns: 0; -EINTR when a signal comes.
 */
VISIBLE_IF_KUNIT int xen_drm_debugfs_show_buffers(struct xen_drm_display *display,
						  struct seq_file *m)
{
	const struct xen_drm_share *share;
	const struct xen_drm_fb *fb;

	if (mutex_lock_interruptible(&display->lock))
		return -EINTR;
	list_for_each_entry(share, &display->shares, node)
		debugfs_show_share(display, share, m);
	list_for_each_entry(fb, &display->fbs, node)
		debugfs_show_fb(display, fb, m);
	mutex_unlock(&display->lock);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_debugfs_show_buffers);

static int debugfs_buffers(struct seq_file *m, void *unused)
{
	return xen_drm_debugfs_show_buffers(debugfs_display(m), m);
}

/**
 * xen_drm_debugfs_init - make the files
 * @display: a display that is about to be registered
 */
void xen_drm_debugfs_init(struct xen_drm_display *display)
{
	drm_debugfs_add_file(&display->drm, "xen", debugfs_xen, NULL);
	drm_debugfs_add_file(&display->drm, "xen_buffers", debugfs_buffers, NULL);
}
