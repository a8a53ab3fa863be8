// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kmspaint.h"

static void print_driver(struct kms *kms)
{
	drmVersion *version = drmGetVersion(kms->fd);

	if (!version)
		must(-errno, "DRM_IOCTL_VERSION");
	printf("{\n \"driver\": \"%s\", \"version\": \"%d.%d.%d\", \"date\": \"%s\",\n",
	       version->name, version->version_major, version->version_minor,
	       version->version_patchlevel, version->date);
	drmFreeVersion(version);
}

static void print_caps(struct kms *kms)
{
	static const struct {
		const char *name;
		uint64_t cap;
	} caps[] = {
		{ "dumb", DRM_CAP_DUMB_BUFFER },
		{ "dumb_preferred_depth", DRM_CAP_DUMB_PREFERRED_DEPTH },
		{ "dumb_prefer_shadow", DRM_CAP_DUMB_PREFER_SHADOW },
		{ "prime", DRM_CAP_PRIME },
		{ "async_page_flip", DRM_CAP_ASYNC_PAGE_FLIP },
		{ "addfb2_modifiers", DRM_CAP_ADDFB2_MODIFIERS },
		{ "crtc_in_vblank_event", DRM_CAP_CRTC_IN_VBLANK_EVENT },
		{ "timestamp_monotonic", DRM_CAP_TIMESTAMP_MONOTONIC },
	};

	printf(" \"caps\": {");
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		uint64_t value = 0;

		drmGetCap(kms->fd, caps[i].cap, &value);
		printf("%s\"%s\": %llu", i ? ", " : "", caps[i].name,
		       (unsigned long long)value);
	}
	printf("},\n \"min\": [%u, %u], \"max\": [%u, %u],\n",
	       kms->res->min_width, kms->res->min_height, kms->res->max_width,
	       kms->res->max_height);
}

static drmModePropertyBlobRes *blob_of(struct kms *kms, uint32_t id,
				       uint32_t type, const char *name)
{
	uint64_t value = 0;

	if (!property(kms, id, type, name, &value) || !value)
		return NULL;
	return drmModeGetPropertyBlob(kms->fd, value);
}

static void print_edid(struct kms *kms, uint32_t connector)
{
	drmModePropertyBlobRes *blob;

	blob = blob_of(kms, connector, DRM_MODE_OBJECT_CONNECTOR, "EDID");
	printf("\"edid\": \"");
	for (uint32_t i = 0; blob && i < blob->length; i++)
		printf("%02x", ((const uint8_t *)blob->data)[i]);
	printf("\"");
	drmModeFreePropertyBlob(blob);
}

static void print_path(struct kms *kms, uint32_t connector)
{
	drmModePropertyBlobRes *blob;
	const char *c;

	blob = blob_of(kms, connector, DRM_MODE_OBJECT_CONNECTOR, "PATH");
	printf("\"path\": \"");
	for (c = blob ? blob->data : ""; *c; c++)
		printf("%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
	printf("\"");
	drmModeFreePropertyBlob(blob);
}

static double refresh(const drmModeModeInfo *mode)
{
	double total = (double)mode->htotal * mode->vtotal;

	return total ? mode->clock * 1000.0 / total : 0;
}

static void print_connector(struct kms *kms, int index)
{
	uint32_t id = kms->res->connectors[index];
	drmModeConnector *conn = drmModeGetConnector(kms->fd, id);
	uint64_t link_status = DRM_MODE_LINK_STATUS_GOOD;
	const char *type;

	if (!conn)
		must(-errno, "connector %d (id %u): DRM_IOCTL_MODE_GETCONNECTOR",
		     index, id);
	type = drmModeGetConnectorTypeName(conn->connector_type);
	printf("%s\n  {\"index\": %d, \"id\": %u, \"name\": \"%s-%u\", \"status\": \"%s\", ",
	       index ? "," : "", index, id, type ? type : "Unknown",
	       conn->connector_type_id,
	       conn->connection == DRM_MODE_CONNECTED ? "connected" :
	       conn->connection == DRM_MODE_DISCONNECTED ? "disconnected" :
	       "unknown");
	property(kms, id, DRM_MODE_OBJECT_CONNECTOR, "link-status", &link_status);
	printf("\"link_status\": \"%s\", ",
	       link_status == DRM_MODE_LINK_STATUS_GOOD ? "good" : "bad");
	printf("\"mm\": [%u, %u], \"modes\": [", conn->mmWidth, conn->mmHeight);
	for (int i = 0; i < conn->count_modes; i++)
		printf("%s\"%ux%u@%.2f\"", i ? ", " : "",
		       conn->modes[i].hdisplay, conn->modes[i].vdisplay,
		       refresh(&conn->modes[i]));
	printf("], ");
	print_edid(kms, id);
	printf(", ");
	print_path(kms, id);
	printf("}");
	drmModeFreeConnector(conn);
}

static void print_connectors(struct kms *kms)
{
	printf(" \"connectors\": [");
	for (int i = 0; i < kms->res->count_connectors; i++)
		print_connector(kms, i);
	printf("],\n \"crtcs\": [");
	for (int i = 0; i < kms->res->count_crtcs; i++)
		printf("%s%u", i ? ", " : "", kms->res->crtcs[i]);
	printf("],\n");
}

static void print_modifiers(struct kms *kms, uint32_t plane)
{
	drmModePropertyBlobRes *blob;
	const char *separator = "";
	uint64_t last = 0;

	blob = blob_of(kms, plane, DRM_MODE_OBJECT_PLANE, "IN_FORMATS");
	printf("\"modifiers\": [");
	if (blob) {
		drmModeFormatModifierIterator iter = { 0 };

		/* one after another for each format, the same again for the next */
		while (drmModeFormatModifierBlobIterNext(blob, &iter)) {
			if (*separator && iter.mod == last)
				continue;
			last = iter.mod;
			printf("%s\"%#llx\"", separator, (unsigned long long)last);
			separator = ", ";
		}
	}
	printf("]}");
	drmModeFreePropertyBlob(blob);
}

static void print_plane(struct kms *kms, uint32_t id, bool first)
{
	static const char * const types[] = { "overlay", "primary", "cursor" };
	drmModePlane *plane = drmModeGetPlane(kms->fd, id);
	uint64_t type = 0;

	if (!plane)
		must(-errno, "plane %u: DRM_IOCTL_MODE_GETPLANE", id);
	property(kms, id, DRM_MODE_OBJECT_PLANE, "type", &type);
	printf("%s\n  {\"id\": %u, \"type\": \"%s\", \"possible_crtcs\": %u, \"formats\": [",
	       first ? "" : ",", id,
	       type < ARRAY_SIZE(types) ? types[type] : "unknown",
	       plane->possible_crtcs);
	for (uint32_t i = 0; i < plane->count_formats; i++)
		printf("%s\"%.4s\"", i ? ", " : "", (char *)&plane->formats[i]);
	printf("], ");
	print_modifiers(kms, id);
	drmModeFreePlane(plane);
}

int cmd_info(struct options *opt)
{
	drmModePlaneRes *planes;
	struct kms kms;

	open_card(&kms, opt);
	print_driver(&kms);
	print_caps(&kms);
	print_connectors(&kms);
	planes = drmModeGetPlaneResources(kms.fd);
	if (!planes)
		must(-errno, "DRM_IOCTL_MODE_GETPLANERESOURCES");
	printf(" \"planes\": [");
	for (uint32_t i = 0; i < planes->count_planes; i++)
		print_plane(&kms, planes->planes[i], !i);
	printf("]\n}\n");
	drmModeFreePlaneResources(planes);
	kms_close(&kms);
	return 0;
}

/* As programs look for a card that have not been told its path. */
int cmd_devices(struct options *opt)
{
	drmDevicePtr devices[64];
	int count = drmGetDevices2(0, devices, ARRAY_SIZE(devices));

	(void)opt;
	if (count < 0)
		must(count, "drmGetDevices2");
	for (int i = 0; i < count; i++)
		if (devices[i]->available_nodes & 1 << DRM_NODE_PRIMARY)
			printf("device bus=%d node=%s\n", devices[i]->bustype,
			       devices[i]->nodes[DRM_NODE_PRIMARY]);
	drmFreeDevices(devices, count);
	return 0;
}
