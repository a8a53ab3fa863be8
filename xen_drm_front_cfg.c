// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: configuration from XenStore.
 */

#include <linux/ctype.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <kunit/visibility.h>

#include "xen_drm_front.h"

/* Known to the toolstack, but not to displif.h. */
#define CFG_FIELD_TRUSTED	"trusted"
#define CFG_LIST_SEPARATOR	","
#define CFG_RESOLUTION_SEPARATOR 'x'
/* Digits of the largest u32. */
#define CFG_MAX_DIGITS		10
/* A list of versions is not read any further. */
#define CFG_MAX_VERSIONS	16

/*
 * kstrtou32() accepts a sign and a trailing newline; displif.h knows neither.
 */
static int cfg_parse_u32(const char *text, size_t len, u32 *value)
{
	char digits[CFG_MAX_DIGITS + 1];
	size_t i;

	if (!len || len > CFG_MAX_DIGITS)
		return -EINVAL;
	for (i = 0; i < len; i++)
		if (!isdigit(text[i]))
			return -EINVAL;

	memcpy(digits, text, len);
	digits[len] = '\0';
	return kstrtou32(digits, 10, value);
}

/*
 * The mode's timings and a framebuffer of two bytes per pixel, the smallest
 * format, must fit; whether there are grants for it is seen with the buffer.
 */
static bool cfg_size_is_sane(u32 width, u32 height)
{
	return width && width <= XEN_DRM_FRONT_MAX_DIM &&
	       height && height <= XEN_DRM_FRONT_MAX_DIM &&
	       (u64)width * height * 2 <= U32_MAX;
}

/**
 * xen_drm_front_cfg_parse_resolution - parse a connector's "resolution" node
 * @text: the node's value
 * @width: filled with the width in pixels
 * @height: filled with the height in pixels
 *
 * Implements displif.h, "Connector settings".
 *
 * Returns: 0; -EINVAL when @text is not two decimal numbers with an 'x' between
 * them and nothing else; -ERANGE when a number is 0 or too large.
 */
int xen_drm_front_cfg_parse_resolution(const char *text, u32 *width, u32 *height)
{
	const char *separator = strchr(text, CFG_RESOLUTION_SEPARATOR);
	u32 w, h;
	int ret;

	if (!separator)
		return -EINVAL;

	ret = cfg_parse_u32(text, separator - text, &w);
	if (ret)
		return ret;
	ret = cfg_parse_u32(separator + 1, strlen(separator + 1), &h);
	if (ret)
		return ret;
	if (!cfg_size_is_sane(w, h))
		return -ERANGE;

	*width = w;
	*height = h;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_cfg_parse_resolution);

/**
 * xen_drm_front_cfg_parse_be_alloc - parse the "be-alloc" node
 * @text: the node's value, NULL when there is none
 *
 * Returns: whether the backend allocates the buffers, which only "1" asks for.
 */
bool xen_drm_front_cfg_parse_be_alloc(const char *text)
{
	return text && !strcmp(text, "1");
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_cfg_parse_be_alloc);

/**
 * xen_drm_front_cfg_parse_trusted - parse the "trusted" node
 * @text: the node's value, NULL when there is none
 *
 * As with other frontends: the toolstack writes it to the frontend's directory,
 * where the backend cannot.
 *
 * Returns: whether the backend is trusted; when in doubt it is not.
 */
bool xen_drm_front_cfg_parse_trusted(const char *text)
{
	return !text || !strcmp(text, "1");
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_cfg_parse_trusted);

/**
 * xen_drm_front_cfg_pick_version - choose the protocol version
 * @list: the backend's "versions" node, NULL when there is none
 *
 * Implements displif.h, "Protocol version". What is not a number is passed
 * over, and so is all behind the first CFG_MAX_VERSIONS entries.
 *
 * Returns: the highest version that both ends know, 1 without a list,
 * -EPROTONOSUPPORT when there is none in it.
 */
int xen_drm_front_cfg_pick_version(const char *list)
{
	unsigned int i;
	u32 version;
	int best = 0;
	size_t len;

	if (!list)
		return 1;

	for (i = 0; i < CFG_MAX_VERSIONS; i++) {
		len = strcspn(list, CFG_LIST_SEPARATOR);
		if (!cfg_parse_u32(list, len, &version) && version >= 1 &&
		    version <= XENDISPL_PROTOCOL_VERSION_INT)
			best = max_t(int, best, version);
		if (!list[len])
			break;
		list += len + 1;
	}

	return best ?: -EPROTONOSUPPORT;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_cfg_pick_version);

/* Returns the node's value, to be freed, NULL when there is none, or an error. */
static char *cfg_read_node(struct xenbus_device *xb_dev, const char *dir,
			   const char *node)
{
	char *value = xenbus_read(XBT_NIL, dir, node, NULL);

	if (value == ERR_PTR(-ENOENT))
		return NULL;
	if (IS_ERR(value))
		xenbus_dev_error(xb_dev, PTR_ERR(value), "reading %s/%s", dir, node);
	return value;
}

static int cfg_read_flag(struct xenbus_device *xb_dev, const char *node,
			 bool (*parse)(const char *text), bool *flag)
{
	char *text = cfg_read_node(xb_dev, xb_dev->nodename, node);

	if (IS_ERR(text))
		return PTR_ERR(text);

	*flag = parse(text);
	kfree(text);
	return 0;
}

static int cfg_read_connector(struct xenbus_device *xb_dev, unsigned int index,
			      struct xen_drm_front_cfg_connector *connector)
{
	char dir[16], *text;
	char *path;
	int ret;

	snprintf(dir, sizeof(dir), "/%u", index);
	path = kasprintf(GFP_KERNEL, "%s%s", xb_dev->nodename, dir);
	if (!path)
		return -ENOMEM;

	text = cfg_read_node(xb_dev, path, XENDISPL_FIELD_RESOLUTION);
	if (IS_ERR_OR_NULL(text)) {
		ret = text ? PTR_ERR(text) : -ENOENT;
		goto err_free_path;
	}

	ret = xen_drm_front_cfg_parse_resolution(text, &connector->width,
						 &connector->height);
	if (ret) {
		xenbus_dev_error(xb_dev, ret,
				 "connector %u: resolution is \"%*pE\", expected WIDTHxHEIGHT with numbers from 1 to %u",
				 index, (int)min_t(size_t, strlen(text), 64), text,
				 XEN_DRM_FRONT_MAX_DIM);
		goto err_free_text;
	}
	kfree(text);

	text = cfg_read_node(xb_dev, path, XENDISPL_FIELD_UNIQUE_ID);
	if (IS_ERR(text)) {
		ret = PTR_ERR(text);
		goto err_free_path;
	}
	strscpy(connector->unique_id, text ?: "", sizeof(connector->unique_id));

err_free_text:
	kfree(text);
err_free_path:
	kfree(path);
	return ret;
}

/*
 * Contiguous from 0. The toolstack makes a directory for each connector, so a
 * directory without a resolution is an error, while a missing one is the end.
 */
static int cfg_read_connectors(struct xenbus_device *xb_dev,
			       struct xen_drm_front_cfg *cfg)
{
	struct xen_drm_front_cfg_connector *connector;
	unsigned int i;
	char node[16];
	int ret;

	for (i = 0; ; i++) {
		snprintf(node, sizeof(node), "%u", i);
		if (!xenbus_exists(XBT_NIL, xb_dev->nodename, node))
			break;
		if (i == ARRAY_SIZE(cfg->connectors)) {
			dev_warn(&xb_dev->dev, "only the first %u connectors are used\n", i);
			break;
		}

		connector = &cfg->connectors[i];
		ret = cfg_read_connector(xb_dev, i, connector);
		if (ret == -ENOENT)
			xenbus_dev_error(xb_dev, ret, "connector %u: it has no resolution", i);
		if (ret)
			return ret;

		dev_info(&xb_dev->dev, "connector %u: %ux%u, id \"%*pE\"\n", i,
			 connector->width, connector->height,
			 (int)strlen(connector->unique_id), connector->unique_id);
	}

	if (!i) {
		xenbus_dev_error(xb_dev, -ENODEV, "no connector is configured");
		return -ENODEV;
	}
	cfg->num_connectors = i;
	return 0;
}

static int cfg_read_version(struct xenbus_device *xb_dev,
			    struct xen_drm_front_cfg *cfg)
{
	char *list = cfg_read_node(xb_dev, xb_dev->otherend, XENDISPL_FIELD_BE_VERSIONS);
	int version;

	if (IS_ERR(list))
		return PTR_ERR(list);

	version = xen_drm_front_cfg_pick_version(list);
	if (version < 0) {
		xenbus_dev_error(xb_dev, version,
				 "backend speaks versions \"%*pE\", expected one up to %s in the list",
				 (int)min_t(size_t, strlen(list), 64), list,
				 XENDISPL_PROTOCOL_VERSION);
	} else {
		cfg->version = version;
		cfg->version_offered = list;
	}

	kfree(list);
	return min(version, 0);
}

/**
 * xen_drm_front_cfg_read - read and validate the device's configuration
 * @xb_dev: the bus device
 * @cfg: filled on success
 *
 * Implements displif.h, "Frontend XenBus Nodes" and "Backend XenBus Nodes".
 * What is wrong is written to the log and to the device's error node.
 *
 * Returns: 0, -ENODEV without a connector, -ENOENT for a connector without a
 * resolution, -EINVAL or -ERANGE for a malformed one, -EPROTONOSUPPORT when
 * backend and driver have no version in common, -ENOMEM, or another error of
 * XenStore: what cannot be read is not taken for missing.
 */
int xen_drm_front_cfg_read(struct xenbus_device *xb_dev,
			   struct xen_drm_front_cfg *cfg)
{
	int ret;

	memset(cfg, 0, sizeof(*cfg));

	ret = cfg_read_version(xb_dev, cfg);
	if (ret)
		return ret;

	ret = cfg_read_flag(xb_dev, XENDISPL_FIELD_BE_ALLOC,
			    xen_drm_front_cfg_parse_be_alloc, &cfg->be_alloc);
	if (ret)
		return ret;
	ret = cfg_read_flag(xb_dev, CFG_FIELD_TRUSTED,
			    xen_drm_front_cfg_parse_trusted, &cfg->trusted);
	if (ret)
		return ret;

	return cfg_read_connectors(xb_dev, cfg);
}
