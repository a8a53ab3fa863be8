// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: connectors.
 */

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string_helpers.h>

#include <drm/drm_atomic_state_helper.h>
#include <drm/drm_drv.h>
#include <drm/drm_edid.h>
#include <drm/drm_managed.h>
#include <drm/drm_modeset_helper_vtables.h>
#include <drm/drm_print.h>
#include <drm/drm_probe_helper.h>

#include "xen_drm_front_connector.h"

#include "xen_drm_front.h"
#include "xen_drm_front_pgdir.h"
#include "xen_drm_front_proto.h"

/**
 * DOC: Connectors
 *
 * A connector has one mode, the size that the toolstack configured, at 60 Hz. It stays
 * connected as long as the display exists, with a backend or without, since clients
 * would tear down their outputs otherwise.
 *
 * The EDID of a backend that speaks version 2 tells user space about the monitor, but
 * the mode remains the configured one: backends refuse a SET_CONFIG beyond that, and
 * timings in the EDIDs of deployed backends overflow beyond 3440x1440.
 *
 * A hot-plug event follows if a new connection brings another size or EDID.
 */

#define CONNECTOR_REFRESH_HZ	60
/* Resolution that user space assumes of an unknown screen. */
#define CONNECTOR_DPI		96

#define EDID_NUM_PAGES		DIV_ROUND_UP(XENDISPL_EDID_MAX_SIZE, PAGE_SIZE)

/**
 * struct xen_drm_edid_query - a GET_EDID that has not been answered yet
 */
struct xen_drm_edid_query {
	/** @chan: channel that it was sent on */
	struct xen_drm_chan *chan;
	/** @call: storage for the reply */
	struct xen_drm_call call;
	/** @pgdir: directory of @pages */
	struct xen_drm_pgdir *pgdir;
	/** @pages: pages that the backend writes the EDID to */
	struct page *pages[EDID_NUM_PAGES];
};

static struct xen_drm_connector *to_xen_connector(struct drm_connector *connector)
{
	return container_of(connector, struct xen_drm_connector, base);
}

/* ------------------------------------------------------------------------
 * EDID
 */

static void query_free(struct xen_drm_edid_query *query)
{
	unsigned int i;

	if (query->pgdir)
		xen_drm_pgdir_free(query->pgdir);
	/* A page that the backend still maps is deferred with a reference of its own. */
	for (i = 0; i < ARRAY_SIZE(query->pages) && query->pages[i]; i++)
		__free_page(query->pages[i]);
	kfree(query);
}

static int query_send(struct xen_drm_edid_query *query, const struct xen_drm_link *link)
{
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(query->pages); i++) {
		query->pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!query->pages[i])
			return -ENOMEM;
	}

	query->pgdir = xen_drm_pgdir_grant(link->domid, query->pages,
					   ARRAY_SIZE(query->pages), NULL);
	if (IS_ERR(query->pgdir)) {
		ret = PTR_ERR(query->pgdir);
		query->pgdir = NULL;
		return ret;
	}

	ret = xen_drm_proto_get_edid(query->chan, &query->call,
				     xen_drm_pgdir_start(query->pgdir),
				     ARRAY_SIZE(query->pages) * PAGE_SIZE);
	if (!ret)
		xen_drm_proto_push(query->chan);
	return ret;
}

/**
 * xen_drm_connector_ask_edid - ask the backend for a connector's EDID
 * @chan: channel of the connector
 * @link: the connection
 *
 * Implements XENDISPL_OP_GET_EDID, with xen_drm_connector_take_edid().
 *
 * Returns: the query, or NULL if the backend knows no EDIDs, or on an error.
 */
struct xen_drm_edid_query *xen_drm_connector_ask_edid(struct xen_drm_chan *chan,
						      const struct xen_drm_link *link)
{
	struct xen_drm_edid_query *query;

	if (link->version < 2)
		return NULL;

	query = kzalloc_obj(*query);
	if (!query)
		return NULL;
	query->chan = chan;
	if (query_send(query, link)) {
		query_free(query);
		return NULL;
	}
	return query;
}

/* The EDID is copied before it is looked at, since the backend may go on writing. */
static const struct drm_edid *query_copy(const struct xen_drm_edid_query *query, int size)
{
	const struct drm_edid *edid = NULL;
	void *raw;
	int done;

	raw = kmalloc(size, GFP_KERNEL);
	if (!raw)
		return NULL;
	for (done = 0; done < size; done += PAGE_SIZE)
		memcpy(raw + done, page_address(query->pages[done / PAGE_SIZE]),
		       min_t(size_t, size - done, PAGE_SIZE));
	edid = drm_edid_alloc(raw, size);
	kfree(raw);
	return edid;
}

/**
 * xen_drm_connector_take_edid - wait for the backend's EDID
 * @connector: the connector, for messages
 * @query: from xen_drm_connector_ask_edid(), or NULL; freed
 *
 * Context: may sleep; waits for the backend.
 *
 * Returns: a valid EDID, or NULL.
 */
const struct drm_edid *xen_drm_connector_take_edid(struct xen_drm_connector *connector,
						   struct xen_drm_edid_query *query)
{
	const struct drm_edid *edid = NULL;
	int size;

	if (!query)
		return NULL;

	size = xen_drm_proto_wait_edid(query->chan, &query->call);
	if (size > 0)
		edid = query_copy(query, size);
	if (size == -EPROTO || (edid && !drm_edid_valid(edid))) {
		drm_err_ratelimited(connector->base.dev,
				    "%s: the backend's EDID is not valid, it is not used\n",
				    connector->base.name);
		drm_edid_free(edid);
		edid = NULL;
	}
	query_free(query);
	return edid;
}

/* ------------------------------------------------------------------------
 * Connector
 */

static enum drm_connector_status connector_detect(struct drm_connector *connector, bool force)
{
	return drm_dev_is_unplugged(connector->dev) ? connector_status_disconnected :
						      connector_status_connected;
}

static int connector_get_modes(struct drm_connector *base)
{
	struct xen_drm_connector *connector = to_xen_connector(base);
	int count;

	drm_edid_connector_update(base, connector->edid);
	count = drm_connector_helper_get_modes_fixed(base, &connector->mode);
	if (!connector->edid) {
		base->display_info.width_mm = connector->mode.width_mm;
		base->display_info.height_mm = connector->mode.height_mm;
	}
	return count;
}

static const struct drm_connector_helper_funcs connector_helper_funcs = {
	.get_modes = connector_get_modes,
};

static const struct drm_connector_funcs connector_funcs = {
	.detect = connector_detect,
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
	mode->width_mm = DRM_MODE_RES_MM(width, CONNECTOR_DPI);
	mode->height_mm = DRM_MODE_RES_MM(height, CONNECTOR_DPI);
	mode->type = DRM_MODE_TYPE_DRIVER | DRM_MODE_TYPE_PREFERRED;
	drm_mode_set_name(mode);
}

static void connector_link_work(struct work_struct *work)
{
	struct xen_drm_connector *connector =
		container_of(work, struct xen_drm_connector, link_work);

	drm_connector_set_link_status_property(&connector->base, DRM_MODE_LINK_STATUS_BAD);
	drm_kms_helper_connector_hotplug_event(&connector->base);
}

/**
 * xen_drm_connector_set_bad - tell user space that the backend refused the mode
 * @connector: the connector
 *
 * The link work sets link-status to BAD and sends a hot-plug event, so that user space
 * sets a mode again. A commit, which calls this, may hold the locks that it needs.
 *
 * Context: does not sleep.
 */
void xen_drm_connector_set_bad(struct xen_drm_connector *connector)
{
	queue_work(system_long_wq, &connector->link_work);
}

static bool edid_equal(const struct drm_edid *a, const struct drm_edid *b)
{
	const struct edid *raw_a = drm_edid_raw(a), *raw_b = drm_edid_raw(b);

	if (!raw_a || !raw_b)
		return raw_a == raw_b;
	return raw_a->extensions == raw_b->extensions &&
	       !memcmp(raw_a, raw_b, (raw_a->extensions + 1) * EDID_LENGTH);
}

/**
 * xen_drm_connector_update - take over mode and EDID of a new connection
 * @connector: the connector
 * @cfg: configuration
 * @edid: EDID of the backend or NULL; the connector owns it from now on
 *
 * Returns: whether user space should look at the connector again.
 */
bool xen_drm_connector_update(struct xen_drm_connector *connector,
			      const struct xen_drm_cfg_connector *cfg,
			      const struct drm_edid *edid)
{
	struct drm_display_mode mode;
	bool changed;

	connector_make_mode(&mode, cfg->width, cfg->height);

	guard(mutex)(&connector->base.dev->mode_config.mutex);

	changed = !drm_mode_equal(&mode, &connector->mode) ||
		  !edid_equal(edid, connector->edid);
	drm_mode_copy(&connector->mode, &mode);
	drm_edid_free(connector->edid);
	connector->edid = edid;
	return changed;
}

static void connector_fini(struct drm_device *drm, void *data)
{
	struct xen_drm_connector *connector = data;

	cancel_work_sync(&connector->link_work);
	drm_edid_free(connector->edid);
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

	INIT_WORK(&connector->link_work, connector_link_work);
	connector_make_mode(&connector->mode, cfg->width, cfg->height);
	string_escape_mem(cfg->unique_id, strlen(cfg->unique_id), connector->unique_id,
			  sizeof(connector->unique_id) - 1, ESCAPE_NP | ESCAPE_OCTAL, NULL);

	drm_connector_helper_add(&connector->base, &connector_helper_funcs);
	ret = drmm_connector_init(drm, &connector->base, &connector_funcs,
				  DRM_MODE_CONNECTOR_VIRTUAL, NULL);
	if (ret)
		return ret;

	drm_connector_attach_edid_property(&connector->base);
	return drmm_add_action_or_reset(drm, connector_fini, connector);
}
