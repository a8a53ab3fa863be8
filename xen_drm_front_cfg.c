// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: configuration from XenStore.
 */

#include "xen_drm_front_cfg.h"

#include <linux/ctype.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <kunit/visibility.h>

#include <xen/interface/io/displif.h>
#include <xen/xenbus.h>

#include "xen_drm_front.h"

/* Name of a node that toolstacks write, and displif.h does not define. */
#define CFG_FIELD_TRUSTED	"trusted"
#define CFG_LIST_SEPARATOR	","
#define CFG_RESOLUTION_SEPARATOR 'x'
/* Digits of the largest u32. */
#define CFG_MAX_DIGITS		10
/* Entries of a list of versions that are read. */
#define CFG_MAX_VERSIONS	16

/* kstrtou32() alone would accept a sign and a trailing newline, which displif.h does not. */
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
 * The largest size takes just below 4 GiB with four bytes per pixel. Whether there
 * are grants for it is checked when a buffer is made.
 */
static bool cfg_size_is_sane(u32 width, u32 height)
{
	return width && width <= XEN_DRM_MAX_DIM && height && height <= XEN_DRM_MAX_DIM;
}

/**
 * xen_drm_cfg_parse_resolution - parse a connector's "resolution" node
 * @text: the node's value
 * @width: filled with the width in pixels
 * @height: filled with the height in pixels
 *
 * Implements displif.h, "Connector settings".
 *
 * Returns: 0; -EINVAL when @text is not two decimal numbers with an 'x' between
 * them and nothing else; -ERANGE when a number is 0 or too large.
 */
int xen_drm_cfg_parse_resolution(const char *text, u32 *width, u32 *height)
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
EXPORT_SYMBOL_IF_KUNIT(xen_drm_cfg_parse_resolution);

/**
 * xen_drm_cfg_parse_be_alloc - parse the "be-alloc" node
 * @text: the node's value, NULL when there is none
 *
 * Returns: whether the backend allocates the buffers, which only "1" asks for.
 */
bool xen_drm_cfg_parse_be_alloc(const char *text)
{
	return text && !strcmp(text, "1");
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_cfg_parse_be_alloc);

/**
 * xen_drm_cfg_parse_trusted - parse the "trusted" node
 * @text: the node's value, NULL when there is none
 *
 * As with other frontends: the toolstack writes it to the frontend's directory,
 * where the backend cannot.
 *
 * Returns: whether the backend is trusted; when in doubt it is not.
 */
bool xen_drm_cfg_parse_trusted(const char *text)
{
	return !text || !strcmp(text, "1");
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_cfg_parse_trusted);

/**
 * xen_drm_cfg_pick_version - choose the protocol version
 * @list: the backend's "versions" node, NULL when there is none
 *
 * Implements displif.h, "Protocol version". Entries that are no numbers are
 * skipped, and so are all after the first CFG_MAX_VERSIONS.
 *
 * Returns: the highest version that both ends know; 1 without a list;
 * -EPROTONOSUPPORT when the list has none that we know.
 */
int xen_drm_cfg_pick_version(const char *list)
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
EXPORT_SYMBOL_IF_KUNIT(xen_drm_cfg_pick_version);

/**
 * xen_drm_cfg_make_label - make a part of an interrupt's name
 * @unique_id: the toolstack's name of a connector
 * @label: filled with its beginning
 *
 * Each interrupt has a directory of its name, so there may be no slash in it.
 */
void xen_drm_cfg_make_label(const char *unique_id, char label[XEN_DRM_LABEL_LEN])
{
	char *c;

	strscpy(label, unique_id, XEN_DRM_LABEL_LEN);
	for (c = label; *c; c++)
		if (!isascii(*c) || (!isalnum(*c) && !strchr("-.:_", *c)))
			*c = '_';
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_cfg_make_label);

/* Returns the node's value, to be freed, NULL when there is none, or an error. */
static char *cfg_read_node(struct xenbus_device *xb_dev, const char *dir, const char *node)
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
	char *text __free(kfree) = cfg_read_node(xb_dev, xb_dev->nodename, node);

	if (IS_ERR(text))
		return PTR_ERR(text);

	*flag = parse(text);
	return 0;
}

static int cfg_read_resolution(struct xenbus_device *xb_dev, unsigned int index,
			       const char *dir, struct xen_drm_cfg_connector *connector)
{
	char *text __free(kfree) = cfg_read_node(xb_dev, dir, XENDISPL_FIELD_RESOLUTION);
	int ret;

	if (IS_ERR(text))
		return PTR_ERR(text);
	if (!text) {
		xenbus_dev_error(xb_dev, -ENOENT, "connector %u: no resolution, expected WIDTHxHEIGHT",
				 index);
		return -ENOENT;
	}

	ret = xen_drm_cfg_parse_resolution(text, &connector->width, &connector->height);
	if (ret)
		xenbus_dev_error(xb_dev, ret,
				 "connector %u: resolution is \"%*pE\", expected WIDTHxHEIGHT with numbers from 1 to %u",
				 index, (int)min_t(size_t, strlen(text), 64), text,
				 XEN_DRM_MAX_DIM);
	return ret;
}

static int cfg_read_unique_id(struct xenbus_device *xb_dev, const char *dir,
			      struct xen_drm_cfg_connector *connector)
{
	char *text __free(kfree) = cfg_read_node(xb_dev, dir, XENDISPL_FIELD_UNIQUE_ID);

	if (IS_ERR(text))
		return PTR_ERR(text);

	strscpy(connector->unique_id, text ?: "", sizeof(connector->unique_id));
	xen_drm_cfg_make_label(connector->unique_id, connector->label);
	return 0;
}

/*
 * The toolstack makes a directory for each connector. So a directory without a
 * resolution is an error, and a missing directory is the end of the list.
 * Returns 1 for a connector, 0 at the end, or an error; @connector may be NULL.
 */
static int cfg_read_connector(struct xenbus_device *xb_dev, unsigned int index,
			      struct xen_drm_cfg_connector *connector)
{
	char *dir __free(kfree) = kasprintf(GFP_KERNEL, "%s/%u", xb_dev->nodename, index);
	char *value;
	int ret;

	if (!dir)
		return -ENOMEM;

	value = cfg_read_node(xb_dev, dir, "");
	if (IS_ERR_OR_NULL(value))
		return PTR_ERR_OR_ZERO(value);
	kfree(value);
	if (!connector)
		return 1;

	ret = cfg_read_resolution(xb_dev, index, dir, connector);
	if (ret)
		return ret;
	ret = cfg_read_unique_id(xb_dev, dir, connector);
	return ret ?: 1;
}

/* Connectors are numbered from 0 without a gap. */
static int cfg_read_connectors(struct xenbus_device *xb_dev, struct xen_drm_cfg *cfg)
{
	unsigned int i;
	int ret = 1;

	for (i = 0; i < ARRAY_SIZE(cfg->connectors); i++) {
		ret = cfg_read_connector(xb_dev, i, &cfg->connectors[i]);
		if (ret <= 0)
			break;
	}
	if (ret > 0)
		ret = cfg_read_connector(xb_dev, i, NULL);
	if (ret < 0)
		return ret;
	if (ret)
		dev_warn(&xb_dev->dev, "more connectors than %u, the others are not used\n", i);

	if (!i) {
		xenbus_dev_error(xb_dev, -ENODEV, "no connector is configured, expected %s/0",
				 xb_dev->nodename);
		return -ENODEV;
	}
	cfg->num_connectors = i;
	return 0;
}

static int cfg_read_version(struct xenbus_device *xb_dev, struct xen_drm_cfg *cfg)
{
	char *list __free(kfree) = cfg_read_node(xb_dev, xb_dev->otherend,
						 XENDISPL_FIELD_BE_VERSIONS);
	int version;

	if (IS_ERR(list))
		return PTR_ERR(list);

	version = xen_drm_cfg_pick_version(list);
	if (version < 0) {
		xenbus_dev_error(xb_dev, version,
				 "backend speaks versions \"%*pE\", expected one up to %s in the list",
				 (int)min_t(size_t, strlen(list), 64), list,
				 XENDISPL_PROTOCOL_VERSION);
		return version;
	}

	cfg->version = version;
	cfg->version_offered = list;
	return 0;
}

/**
 * xen_drm_cfg_read - read and validate the device's configuration
 * @xb_dev: the bus device
 * @cfg: filled on success; unused members are zero
 *
 * Implements displif.h, "Frontend XenBus Nodes" and "Backend XenBus Nodes".
 * Writes what is wrong to the log and to the device's error node.
 *
 * Returns: 0; an error for which xen_drm_cfg_is_wrong() is true when the
 * configuration is wrong; otherwise an error of XenStore, or -ENOMEM. A node that
 * cannot be read does not count as missing.
 */
int xen_drm_cfg_read(struct xenbus_device *xb_dev, struct xen_drm_cfg *cfg)
{
	int ret;

	memset(cfg, 0, sizeof(*cfg));

	ret = cfg_read_version(xb_dev, cfg);
	if (ret)
		return ret;

	ret = cfg_read_flag(xb_dev, XENDISPL_FIELD_BE_ALLOC, xen_drm_cfg_parse_be_alloc,
			    &cfg->be_alloc);
	if (ret)
		return ret;
	ret = cfg_read_flag(xb_dev, CFG_FIELD_TRUSTED, xen_drm_cfg_parse_trusted,
			    &cfg->trusted);
	if (ret)
		return ret;

	return cfg_read_connectors(xb_dev, cfg);
}

/**
 * xen_drm_cfg_is_wrong - check whether an error is due to the configuration itself
 * @error: what xen_drm_cfg_read() returned
 *
 * Returns: whether another try makes no sense before the configuration changes.
 */
bool xen_drm_cfg_is_wrong(int error)
{
	switch (error) {
	case -EINVAL:
	case -ENODEV:
	case -ENOENT:
	case -EOPNOTSUPP:
	case -EPROTONOSUPPORT:
	case -ERANGE:
		return true;
	default:
		return false;
	}
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_cfg_is_wrong);

/**
 * xen_drm_cfg_is_setting - check whether a node may be a part of the configuration
 * @path: the node's path below the device's directory
 *
 * Returns: whether it is not one of those that the frontend itself writes.
 */
bool xen_drm_cfg_is_setting(const char *path)
{
	static const char * const ours[] = {
		"state",
		XENDISPL_FIELD_FE_VERSION,
		XENDISPL_FIELD_REQ_RING_REF,
		XENDISPL_FIELD_REQ_CHANNEL,
		XENDISPL_FIELD_EVT_RING_REF,
		XENDISPL_FIELD_EVT_CHANNEL,
	};
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ours); i++)
		if (!strcmp(name, ours[i]))
			return false;
	return *name;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_cfg_is_setting);

/**
 * xen_drm_cfg_is_same - compare two configurations
 * @a: one configuration, as read
 * @b: another one
 *
 * Returns: whether they are the same.
 */
bool xen_drm_cfg_is_same(const struct xen_drm_cfg *a, const struct xen_drm_cfg *b)
{
	/* Both were zeroed before they were filled. */
	return !memcmp(a, b, sizeof(*a));
}
