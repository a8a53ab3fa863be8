// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: connectors.
 */

#include <linux/cleanup.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string_helpers.h>

#include <drm/drm_atomic_state_helper.h>
#include <drm/drm_drv.h>
#include <drm/drm_edid.h>
#include <drm/drm_managed.h>
#include <drm/drm_modeset_helper_vtables.h>
#include <drm/drm_print.h>
#include <drm/drm_probe_helper.h>

#include <kunit/visibility.h>

#include "xen_drm_front_connector.h"

#include "xen_drm_front.h"
#include "xen_drm_front_edid.h"

/**
 * DOC: Connectors
 *
 * A connector has one size, since backends do not scale. It is that of the timing which the
 * backend's EDID prefers, or else the one that the toolstack configured. A connector
 * stays connected as long as the display exists, with a backend or without, since
 * clients would tear down their outputs otherwise.
 *
 * The modes are those of the EDID that have this size. The wire has no refresh rate, so
 * that of a mode is only how fast vertical blankings are made here. Without such a mode
 * there is one at 60 Hz. An EDID that the administrator gives to DRM
 * (drm.edid_firmware, debugfs) takes the place of the backend's, but does not change
 * the size.
 *
 * Deployed backends cut numbers off for which an EDID has no bits. A preferred timing that
 * was cut off, or whose rate makes no sense, is ignored. The rest of the EDID is kept.
 *
 * The property PATH is "xen:" and the *unique-id* that the toolstack gave the connector.
 *
 * A hot-plug event follows if a new connection brings another size, EDID or *unique-id*.
 * Many compositors look at the modes of a connector when it is plugged in, and never
 * again. So the driver presents another size as another monitor: the connector is unplugged, and
 * plugged in again after CONNECTOR_REPLUG_MS.
 */

#define CONNECTOR_REFRESH_HZ	60
/*
 * The clock of a detailed timing has 16 bits for units of 10 kHz. One that has overflown
 * gives less than the lower limit, for sizes up to 13 million pixels.
 */
#define CONNECTOR_MIN_HZ	24
#define CONNECTOR_MAX_HZ	1000
/* Bits of a detailed timing for each way. */
#define CONNECTOR_TIMING_MASK	0xfff
/* Resolution that user space assumes of an unknown screen. */
#define CONNECTOR_DPI		96
/* Time for user space to see that the former monitor is gone. */
#define CONNECTOR_REPLUG_MS	2000
/* Times between two events that tell of refused modes, in jiffies. */
#define CONNECTOR_MIN_BAD_GAP	HZ
#define CONNECTOR_MAX_BAD_GAP	(64UL * HZ)

static struct xen_drm_connector *to_xen_connector(struct drm_connector *connector)
{
	return container_of(connector, struct xen_drm_connector, base);
}

static enum drm_connector_status
xen_drm_connector_detect(struct drm_connector *connector, bool force)
{
	if (drm_dev_is_unplugged(connector->dev) || to_xen_connector(connector)->is_away)
		return connector_status_disconnected;
	return connector_status_connected;
}

static bool connector_rate_is_sane(const struct drm_display_mode *mode)
{
	int rate = drm_mode_vrefresh(mode);

	return rate >= CONNECTOR_MIN_HZ && rate <= CONNECTOR_MAX_HZ;
}

/* Flags about sync pulses are ignored, since there is no cable that would carry any. */
#define CONNECTOR_SYNC_FLAGS	(DRM_MODE_FLAG_PHSYNC | DRM_MODE_FLAG_NHSYNC | \
				 DRM_MODE_FLAG_PVSYNC | DRM_MODE_FLAG_NVSYNC | \
				 DRM_MODE_FLAG_CSYNC | DRM_MODE_FLAG_PCSYNC | \
				 DRM_MODE_FLAG_NCSYNC)

/**
 * xen_drm_connector_mode_valid - check whether a connector can show a mode
 * @connector: the connector
 * @mode: a mode of the EDID, or one that a client has made
 *
 * Context: any; the size may be about to change, so the backend has the last word.
 *
 * Returns: MODE_OK or what is wrong with the mode.
 */
enum drm_mode_status xen_drm_connector_mode_valid(const struct xen_drm_connector *connector,
						  const struct drm_display_mode *mode)
{
	if (mode->hdisplay != connector->mode.hdisplay ||
	    mode->vdisplay != connector->mode.vdisplay)
		return MODE_ONE_SIZE;
	if (mode->flags & ~CONNECTOR_SYNC_FLAGS || mode->vscan > 1)
		return MODE_BAD;
	return connector_rate_is_sane(mode) ? MODE_OK : MODE_VSYNC;
}

static bool connector_has_valid_mode(const struct xen_drm_connector *connector)
{
	const struct drm_display_mode *mode;

	list_for_each_entry(mode, &connector->base.probed_modes, head)
		if (xen_drm_connector_mode_valid(connector, mode) == MODE_OK)
			return true;
	return false;
}

static int xen_drm_connector_get_modes(struct drm_connector *base)
{
	struct xen_drm_connector *connector = to_xen_connector(base);
	struct drm_display_info *info = &base->display_info;
	const struct drm_edid *edid;
	int count;

	edid = drm_edid_read_custom(base, xen_drm_edid_read_block, connector->edid);
	drm_edid_connector_update(base, edid);
	drm_edid_free(edid);

	count = drm_edid_connector_add_modes(base);
	if (!connector_has_valid_mode(connector))
		count += drm_connector_helper_get_modes_fixed(base, &connector->mode);
	if (!info->width_mm || !info->height_mm) {
		info->width_mm = DRM_MODE_RES_MM(connector->mode.hdisplay, CONNECTOR_DPI);
		info->height_mm = DRM_MODE_RES_MM(connector->mode.vdisplay, CONNECTOR_DPI);
	}
	return count;
}

static const struct drm_connector_helper_funcs connector_helper_funcs = {
	.get_modes = xen_drm_connector_get_modes,
};

static const struct drm_connector_funcs connector_funcs = {
	.detect = xen_drm_connector_detect,
	.fill_modes = drm_helper_probe_single_connector_modes,
	.reset = drm_atomic_helper_connector_reset,
	.atomic_duplicate_state = drm_atomic_helper_connector_duplicate_state,
	.atomic_destroy_state = drm_atomic_helper_connector_destroy_state,
};

/* There is no cable, so the mode has no blanking, and its clock follows from the size. */
static void connector_make_mode(struct drm_display_mode *mode, u32 width, u32 height)
{
	memset(mode, 0, sizeof(*mode));
	mode->hdisplay = width;
	mode->hsync_start = width;
	mode->hsync_end = width;
	mode->htotal = width;
	mode->vdisplay = height;
	mode->vsync_start = height;
	mode->vsync_end = height;
	mode->vtotal = height;
	mode->clock = DIV_ROUND_UP_ULL((u64)width * height * CONNECTOR_REFRESH_HZ, 1000);
	mode->type = DRM_MODE_TYPE_DRIVER | DRM_MODE_TYPE_PREFERRED;
	drm_mode_set_name(mode);
}

/* Returns whether the timing is the configured size with its upper bits cut off. */
static bool connector_is_cut(const struct drm_display_mode *timing,
			     const struct xen_drm_cfg_connector *cfg)
{
	return (cfg->width | cfg->height) & ~CONNECTOR_TIMING_MASK &&
	       timing->hdisplay == (cfg->width & CONNECTOR_TIMING_MASK) &&
	       timing->vdisplay == (cfg->height & CONNECTOR_TIMING_MASK);
}

/* The mode of a size that displif.h gives: the EDID's takes precedence. */
static void connector_choose_mode(const struct xen_drm_connector *connector,
				  const struct xen_drm_cfg_connector *cfg,
				  const struct xen_drm_edid *edid,
				  struct drm_display_mode *mode)
{
	struct drm_display_mode timing;

	connector_make_mode(mode, cfg->width, cfg->height);
	if (!edid)
		return;

	if (!xen_drm_edid_preferred(edid, &timing) || !connector_rate_is_sane(&timing) ||
	    connector_is_cut(&timing, cfg)) {
		drm_dbg_kms(connector->base.dev,
			    "%s: the backend's EDID prefers %ux%u at %d Hz, %s stays\n",
			    connector->base.name, timing.hdisplay, timing.vdisplay,
			    drm_mode_vrefresh(&timing), mode->name);
		return;
	}
	connector_make_mode(mode, timing.hdisplay, timing.vdisplay);
}

static void xen_drm_connector_link_work(struct work_struct *work)
{
	struct xen_drm_connector *connector =
		container_of(to_delayed_work(work), struct xen_drm_connector, link_work);

	drm_connector_set_link_status_property(&connector->base, DRM_MODE_LINK_STATUS_BAD);
	drm_kms_helper_connector_hotplug_event(&connector->base);
}

/**
 * xen_drm_connector_set_bad - tell user space that the backend refused the mode
 * @connector: the connector
 *
 * The link work sets link-status to BAD and sends a hot-plug event, so that user space
 * sets a mode again. Some, the console among them, set the same mode, so the time between
 * two events grows from a second to a minute while the backend refuses it. A commit,
 * which may call this, may hold the locks that the work needs.
 *
 * Context: does not sleep. The caller that queues the work writes the times.
 */
void xen_drm_connector_set_bad(struct xen_drm_connector *connector)
{
	unsigned long now = jiffies, at = READ_ONCE(connector->bad_at);
	unsigned long gap = READ_ONCE(connector->bad_gap), next = now;

	if (time_in_range(now, at, at + gap))
		next = at + gap;
	else if (!time_in_range(now, at, at + 2 * gap))
		gap = CONNECTOR_MIN_BAD_GAP / 2;
	if (!queue_delayed_work(system_long_wq, &connector->link_work, next - now))
		return;
	WRITE_ONCE(connector->bad_at, next);
	WRITE_ONCE(connector->bad_gap, min(2 * gap, CONNECTOR_MAX_BAD_GAP));
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_connector_set_bad);

/**
 * xen_drm_connector_set_good - forget refusals
 * @connector: the connector, for which the backend has taken a mode
 *
 * User space is not told of what it has not been told of yet.
 *
 * Context: does not sleep.
 */
void xen_drm_connector_set_good(struct xen_drm_connector *connector)
{
	cancel_delayed_work(&connector->link_work);
	WRITE_ONCE(connector->bad_gap, CONNECTOR_MIN_BAD_GAP);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_connector_set_good);

static void xen_drm_connector_plug_work(struct work_struct *work)
{
	struct xen_drm_connector *connector =
		container_of(to_delayed_work(work), struct xen_drm_connector, plug_work);

	scoped_guard(mutex, &connector->base.dev->mode_config.mutex)
		connector->is_away = false;
	drm_kms_helper_connector_hotplug_event(&connector->base);
}

/* Unplugs the monitor until the plug work. Before registration no client can have seen it. */
static void connector_replug(struct xen_drm_connector *connector)
{
	if (connector->base.registration_state != DRM_CONNECTOR_REGISTERED)
		return;
	connector->is_away = true;
	mod_delayed_work(system_long_wq, &connector->plug_work,
			 msecs_to_jiffies(CONNECTOR_REPLUG_MS));
}

/* Returns whether the toolstack's name is another one than before. */
static bool connector_set_path(struct xen_drm_connector *connector, const char *unique_id)
{
	const size_t prefix = strlen(XEN_DRM_PATH_PREFIX);
	char path[XEN_DRM_PATH_LEN] = XEN_DRM_PATH_PREFIX;

	string_escape_mem(unique_id, strlen(unique_id), path + prefix,
			  sizeof(path) - prefix - 1, ESCAPE_NAP | ESCAPE_OCTAL, NULL);
	if (!strcmp(path, connector->path))
		return false;

	/* If there is no memory for it, the property keeps the former name. */
	strscpy(connector->path, path);
	drm_connector_set_path_property(&connector->base, path);
	return true;
}

/**
 * xen_drm_connector_update - take over size, EDID and name of a new connection
 * @connector: the connector
 * @cfg: configuration
 * @edid: EDID of the backend or NULL; the connector owns it from now on
 *
 * Returns: whether user space should look at the connector again.
 */
bool xen_drm_connector_update(struct xen_drm_connector *connector,
			      const struct xen_drm_cfg_connector *cfg,
			      struct xen_drm_edid *edid)
{
	struct drm_display_mode mode;
	bool resized, changed;

	connector_choose_mode(connector, cfg, edid, &mode);

	guard(mutex)(&connector->base.dev->mode_config.mutex);

	resized = !drm_mode_equal(&mode, &connector->mode);
	if (resized)
		connector_replug(connector);
	changed = resized || !xen_drm_edid_is_same(edid, connector->edid);
	changed |= connector_set_path(connector, cfg->unique_id);
	drm_mode_copy(&connector->mode, &mode);
	kfree(connector->edid);
	connector->edid = edid;
	return changed;
}

static void xen_drm_connector_fini(struct drm_device *drm, void *data)
{
	struct xen_drm_connector *connector = data;

	cancel_delayed_work_sync(&connector->plug_work);
	cancel_delayed_work_sync(&connector->link_work);
	kfree(connector->edid);
}

/**
 * xen_drm_connector_init - make a connector
 * @display: the DRM device
 * @connector: zeroed memory
 * @cfg: configuration
 *
 * Returns: 0 or an error; the connector is freed with the DRM device in either case.
 */
int xen_drm_connector_init(struct xen_drm_display *display,
			   struct xen_drm_connector *connector,
			   const struct xen_drm_cfg_connector *cfg)
{
	struct drm_device *drm = &display->drm;
	int ret;

	INIT_DELAYED_WORK(&connector->link_work, xen_drm_connector_link_work);
	INIT_DELAYED_WORK(&connector->plug_work, xen_drm_connector_plug_work);
	connector_make_mode(&connector->mode, cfg->width, cfg->height);

	drm_connector_helper_add(&connector->base, &connector_helper_funcs);
	ret = drmm_connector_init(drm, &connector->base, &connector_funcs,
				  DRM_MODE_CONNECTOR_VIRTUAL, NULL);
	if (ret)
		return ret;

	drm_connector_attach_edid_property(&connector->base);
	drm_object_attach_property(&connector->base.base, drm->mode_config.path_property, 0);
	connector_set_path(connector, cfg->unique_id);
	return drmm_add_action_or_reset(drm, xen_drm_connector_fini, connector);
}
