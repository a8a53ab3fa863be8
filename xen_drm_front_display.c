// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: the DRM device.
 */

#include <linux/device.h>

#include <drm/clients/drm_client_setup.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_drv.h>
#include <drm/drm_fbdev_dma.h>
#include <drm/drm_fbdev_shmem.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>
#include <drm/drm_probe_helper.h>

#include "xen_drm_front_display.h"

#include "xen_drm_front.h"
#include "xen_drm_front_commit.h"
#include "xen_drm_front_conn.h"
#include "xen_drm_front_debugfs.h"
#include "xen_drm_front_formats.h"
#include "xen_drm_front_gem.h"
#include "xen_drm_front_kms.h"
#include "xen_drm_front_share.h"

/**
 * DOC: The DRM device
 *
 * A display begins with the first connection that works, and survives each of its
 * connections: its card, the names of its connectors, its clients with their buffers
 * and mappings stay. It *joins* a connection and *leaves* it. In between its pipes are
 * dark, and clients go on at the pace of a timer.
 *
 * *Join* tells the backend of buffers and framebuffers, then makes a commit that
 * changes nothing, which sends modes and pictures. *Leave* takes the channels away
 * from pipes and shares, then waits until no call from below is under way any more.
 *
 * A display is unplugged when the toolstack takes the device away, when the driver is
 * unbound, and when a new configuration does not fit. Its memory is freed with the last
 * file, mapping and dma-buf.
 */

#if IS_ENABLED(CONFIG_DRM_XEN_FRONTEND_CMA)
#define DISPLAY_FBDEV_DRIVER_OPS	DRM_FBDEV_DMA_DRIVER_OPS
#else
#define DISPLAY_FBDEV_DRIVER_OPS	DRM_FBDEV_SHMEM_DRIVER_OPS
#endif

DEFINE_DRM_GEM_FOPS(display_fops);

static const struct drm_driver display_driver = {
	.driver_features = DRIVER_GEM | DRIVER_MODESET | DRIVER_ATOMIC,
	.fops = &display_fops,
	.name = "xendrm-du",
	.desc = "Xen para-virtualised display",
	.major = 1,
	.minor = 0,
	.gem_create_object = xen_drm_gem_native_create_object,
	.gem_prime_import = xen_drm_gem_prime_import,
	.dumb_create = xen_drm_gem_dumb_create,
	DISPLAY_FBDEV_DRIVER_OPS,
};

/* The link has no reference of the connection yet. */
static struct xen_drm_link display_link(struct xen_drm_conn *conn)
{
	return (struct xen_drm_link) {
		.conn = conn,
		.chan = xen_drm_conn_chan(conn, 0),
		.number = xen_drm_conn_number(conn),
		.domid = xen_drm_conn_domid(conn),
		.version = xen_drm_conn_version(conn),
	};
}

static int display_init(struct xen_drm_display *display, const struct xen_drm_cfg *cfg,
			const struct xen_drm_link *link)
{
	int ret;

	display->cfg = *cfg;
	xen_drm_formats_ask(&display->formats, link);
	init_rwsem(&display->config_lock);
	ret = drmm_mutex_init(&display->drm, &display->lock);
	if (ret)
		return ret;
	/* The release work is made first, so that it ends last: framebuffers are queued on it. */
	ret = xen_drm_share_init_display(display);
	if (ret)
		return ret;
	return xen_drm_kms_init(display);
}

/**
 * xen_drm_display_create - make a DRM device that is not registered yet
 * @parent: device below which it appears
 * @conn: the first connection, which the backend has taken up
 * @cfg: its configuration
 *
 * A devres group of @parent owns the first reference, and ends with
 * xen_drm_display_unplug().
 *
 * Context: the work of the bus device; waits for the backend.
 *
 * Returns: the display, or an error pointer.
 */
struct xen_drm_display *xen_drm_display_create(struct device *parent,
					       struct xen_drm_conn *conn,
					       const struct xen_drm_cfg *cfg)
{
	const struct xen_drm_link link = display_link(conn);
	struct xen_drm_display *display;
	void *group;
	int ret;

	group = devres_open_group(parent, NULL, GFP_KERNEL);
	if (!group)
		return ERR_PTR(-ENOMEM);
	display = devm_drm_dev_alloc(parent, &display_driver, struct xen_drm_display, drm);
	devres_close_group(parent, group);
	if (IS_ERR(display)) {
		devres_release_group(parent, group);
		return display;
	}

	display->group = group;
	ret = display_init(display, cfg, &link);
	if (ret) {
		devres_release_group(parent, group);
		return ERR_PTR(ret);
	}
	return display;
}

/**
 * xen_drm_display_register - let user space see a display
 * @display: a display that has joined a connection
 *
 * Also lets the kernel's own client have it, for a text console.
 *
 * Returns: 0 or an error.
 */
int xen_drm_display_register(struct xen_drm_display *display)
{
	int ret;

	xen_drm_debugfs_init(display);
	ret = drm_dev_register(&display->drm, 0);
	if (ret)
		return ret;

	display->registered = true;
	drm_client_setup(&display->drm, NULL);
	return 0;
}

/**
 * xen_drm_display_misfit - check whether a configuration needs another DRM device
 * @display: the present one
 * @cfg: configuration of a new connection
 *
 * Returns: the reason as the end of a sentence, or NULL if there is none.
 */
const char *xen_drm_display_misfit(const struct xen_drm_display *display,
				   const struct xen_drm_cfg *cfg)
{
	if (cfg->num_connectors != display->cfg.num_connectors)
		return "the number of connectors has changed";
	if (cfg->be_alloc != display->cfg.be_alloc)
		return "be-alloc has changed";
	/* Clients may have imported buffers that this backend must not see. */
	if (!cfg->trusted && display->cfg.trusted)
		return "the backend is not trusted with imported buffers any more";
	return NULL;
}

/**
 * xen_drm_display_join - begin to use a connection
 * @display: the display, without a connection
 * @conn: connection that the backend has taken up; a reference is taken
 * @cfg: configuration, which fits
 *
 * Context: the work of the bus device; waits for the backend.
 *
 * Returns: 0, or -ENODEV when the connection has ended meanwhile. In both cases
 * xen_drm_display_leave() must follow some time. Other errors are logged, and told to
 * clients as link-status BAD; they concern single buffers, framebuffers or modes.
 */
int xen_drm_display_join(struct xen_drm_display *display, struct xen_drm_conn *conn,
			 const struct xen_drm_cfg *cfg)
{
	const struct xen_drm_link link = display_link(xen_drm_conn_get(conn));
	struct xen_drm_edid_query *queries[XEN_DRM_MAX_CONNECTORS];
	struct xen_drm_chan *chans[XEN_DRM_MAX_CONNECTORS];
	unsigned int i;
	bool changed;
	int ret;

	for (i = 0; i < cfg->num_connectors; i++)
		chans[i] = xen_drm_conn_chan(conn, i);

	/* Buffers and EDIDs take one round trip together, and modes another one. */
	xen_drm_kms_ask(display, chans, &link, queries);
	xen_drm_share_join(display, &link);
	changed = xen_drm_kms_join(display, cfg, chans, &link, queries);
	/* All else that a client can reach is as before, or the display would not fit. */
	WRITE_ONCE(display->cfg.trusted, cfg->trusted);

	ret = xen_drm_kms_show_again(display);
	if (ret && ret != -ENODEV)
		drm_err_ratelimited(&display->drm, "the picture cannot be shown again: %d\n",
				    ret);
	if (changed && display->registered)
		drm_kms_helper_hotplug_event(&display->drm);
	return xen_drm_conn_is_broken(conn) ? -ENODEV : 0;
}

/**
 * xen_drm_display_refresh - bring a backend up to date that was silent
 * @display: the display
 *
 * Tells the backend of all objects that it does not know yet, and sends the present
 * pictures again.
 *
 * Context: the work of the bus device; waits for the backend.
 *
 * Returns: 0; -ENODEV without a backend; or an error of the commit.
 */
int xen_drm_display_refresh(struct xen_drm_display *display)
{
	if (xen_drm_share_replay(display) == -ENODEV)
		return -ENODEV;
	xen_drm_kms_answers(display);
	return xen_drm_kms_show_again(display);
}

/**
 * xen_drm_display_hide_pages - take the backend's pages away from clients
 * @display: the display
 *
 * Context: may sleep.
 */
void xen_drm_display_hide_pages(struct xen_drm_display *display)
{
	xen_drm_share_hide(display);
}

/**
 * xen_drm_display_leave - stop using the connection
 * @display: the display
 * @forget: whether the guest was resumed, so that grants and mappings are gone already
 *
 * The connection must be broken. On return it does not call the display any more. A
 * display without a connection only forgets grants and mappings, if it has to.
 *
 * Context: may sleep; does not wait for the backend.
 */
void xen_drm_display_leave(struct xen_drm_display *display, bool forget)
{
	struct xen_drm_conn *conn = display->link.conn;

	if (!conn && !forget)
		return;

	/* A display without a connection still has the grants of the one before. */
	if (conn)
		xen_drm_kms_leave(display);
	xen_drm_share_leave(display, forget);
	if (!conn)
		return;
	xen_drm_conn_mute(conn);
	xen_drm_conn_put(conn);
}

/**
 * xen_drm_display_unplug - take the display away from user space
 * @display: a display without a connection; not the caller's any more
 *
 * Clients keep files, buffers and mappings until they close them, as DRM's rules for
 * hot-unplug say.
 *
 * Context: may sleep.
 */
void xen_drm_display_unplug(struct xen_drm_display *display)
{
	struct device *parent = display->drm.dev;
	void *group = display->group;

	if (display->registered) {
		drm_dev_unplug(&display->drm);
		drm_atomic_helper_shutdown(&display->drm);
		xen_drm_commit_end(display);
	}
	devres_release_group(parent, group);
}
