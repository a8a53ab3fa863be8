// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "kms.h"

static const char *who = "kmspaint", *what = "";

void set_program(const char *program, const char *command)
{
	who = program;
	what = command;
}

const char *err_name(int ret)
{
	const char *name = ret ? strerrorname_np(ret < 0 ? -ret : ret) : "OK";

	return name ? name : "unknown";
}

static void complain(const char *fmt, va_list args)
{
	/* what was printed before must not come after the complaint */
	fflush(stdout);
	fprintf(stderr, "%s %s: ", who, what);
	vfprintf(stderr, fmt, args);
}

void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain(fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

void must(int ret, const char *fmt, ...)
{
	va_list args;

	if (ret >= 0)
		return;
	va_start(args, fmt);
	complain(fmt, args);
	va_end(args);
	fprintf(stderr, ": %s (%s)\n", err_name(ret), strerror(-ret));
	exit(1);
}

uint32_t parse_number(const char *text, const char *name)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || value > UINT32_MAX)
		die("%s '%s', expected a number from 0 to %u", name, text,
		    UINT32_MAX);
	return value;
}

struct size parse_size(const char *text, const char *name)
{
	struct size size;
	char end;

	if (sscanf(text, "%ux%u%c", &size.w, &size.h, &end) != 2 || !size.w ||
	    !size.h)
		die("%s '%s', expected WIDTHxHEIGHT", name, text);
	return size;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int open_path(const char *path, int flags)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | flags);

	return fd < 0 ? -errno : fd;
}

/* vgem, for one, is a card without displays. */
int card_open(const char *card, int flags)
{
	char path[32];

	if (card)
		return open_path(card, flags);
	for (int i = 0; i < 64; i++) {
		int fd;

		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		fd = open_path(path, flags);
		if (fd < 0)
			continue;
		if (drmIsKMS(fd))
			return fd;
		close(fd);
	}
	return -ENOENT;
}

void kms_open(struct kms *kms, const char *card, bool atomic)
{
	memset(kms, 0, sizeof(*kms));
	kms->timeout_ms = 10000;
	kms->fd = card_open(card, 0);
	must(kms->fd, "open %s",
	     card ? card : "any /dev/dri/card* that has displays");
	kms->atomic = atomic;
	if (drmSetClientCap(kms->fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1))
		must(-errno, "DRM_IOCTL_SET_CLIENT_CAP universal planes");
	if (atomic && drmSetClientCap(kms->fd, DRM_CLIENT_CAP_ATOMIC, 1))
		must(-errno, "DRM_IOCTL_SET_CLIENT_CAP atomic");
	kms->res = drmModeGetResources(kms->fd);
	if (!kms->res)
		must(-errno, "DRM_IOCTL_MODE_GETRESOURCES");
}

void kms_close(struct kms *kms)
{
	drmModeFreeResources(kms->res);
	close(kms->fd);
}

uint32_t property(struct kms *kms, uint32_t id, uint32_t type,
		  const char *name, uint64_t *value)
{
	drmModeObjectProperties *props;
	uint32_t found = 0;

	props = drmModeObjectGetProperties(kms->fd, id, type);
	for (uint32_t i = 0; props && !found && i < props->count_props; i++) {
		drmModePropertyRes *prop;

		prop = drmModeGetProperty(kms->fd, props->props[i]);
		if (prop && !strcmp(prop->name, name)) {
			found = prop->prop_id;
			if (value)
				*value = props->prop_values[i];
		}
		drmModeFreeProperty(prop);
	}
	drmModeFreeObjectProperties(props);
	return found;
}

static uint32_t crtc_mask(struct kms *kms, drmModeConnector *conn)
{
	uint32_t mask = 0;

	for (int i = 0; i < conn->count_encoders; i++) {
		drmModeEncoder *enc;

		enc = drmModeGetEncoder(kms->fd, conn->encoders[i]);
		if (enc)
			mask |= enc->possible_crtcs;
		drmModeFreeEncoder(enc);
	}
	return mask;
}

static void pick_crtc(struct kms *kms, struct head *head, uint32_t possible)
{
	for (int i = 0; i < kms->res->count_crtcs; i++) {
		if (!(possible & ~kms->crtcs_taken & 1u << i))
			continue;
		kms->crtcs_taken |= 1u << i;
		head->crtc = kms->res->crtcs[i];
		return;
	}
	die("connector %u: no free CRTC, possible %#x, taken %#x", head->index,
	    possible, kms->crtcs_taken);
}

static int crtc_index(struct kms *kms, uint32_t crtc)
{
	int i = 0;

	while (i < kms->res->count_crtcs && kms->res->crtcs[i] != crtc)
		i++;
	return i;
}

static void pick_plane(struct kms *kms, struct head *head)
{
	drmModePlaneRes *planes = drmModeGetPlaneResources(kms->fd);
	int index = crtc_index(kms, head->crtc);

	for (uint32_t i = 0; planes && i < planes->count_planes; i++) {
		drmModePlane *plane = drmModeGetPlane(kms->fd, planes->planes[i]);
		uint64_t type = ~0ull;

		if (!plane)
			continue;
		property(kms, plane->plane_id, DRM_MODE_OBJECT_PLANE, "type", &type);
		if (type == DRM_PLANE_TYPE_PRIMARY &&
		    plane->possible_crtcs & 1u << index)
			head->plane = plane->plane_id;
		drmModeFreePlane(plane);
	}
	drmModeFreePlaneResources(planes);
	if (!head->plane)
		die("connector %u: CRTC %u has no primary plane", head->index,
		    head->crtc);
}

static void pick_mode(struct head *head, drmModeConnector *conn)
{
	if (!conn->count_modes)
		die("connector %u: it has no mode", head->index);
	head->mode = conn->modes[0];
	for (int i = 1; i < conn->count_modes; i++)
		if (conn->modes[i].type & DRM_MODE_TYPE_PREFERRED)
			head->mode = conn->modes[i];
}

void head_init(struct kms *kms, struct head *head, unsigned int index)
{
	drmModeConnector *conn;

	memset(head, 0, sizeof(*head));
	head->index = index;
	if (index >= (unsigned int)kms->res->count_connectors)
		die("connector %u: the card has %d connectors", index,
		    kms->res->count_connectors);
	head->connector = kms->res->connectors[index];
	conn = drmModeGetConnector(kms->fd, head->connector);
	if (!conn)
		must(-errno, "connector %u (id %u): DRM_IOCTL_MODE_GETCONNECTOR",
		     index, head->connector);
	if (conn->connection != DRM_MODE_CONNECTED)
		die("connector %u (id %u): status %d, expected %d (connected)",
		    index, head->connector, conn->connection, DRM_MODE_CONNECTED);
	pick_mode(head, conn);
	pick_crtc(kms, head, crtc_mask(kms, conn));
	pick_plane(kms, head);
	drmModeFreeConnector(conn);
}

int dumb_create(struct kms *kms, struct buffer *buf, uint32_t width,
		uint32_t height, uint32_t bpp)
{
	memset(buf, 0, sizeof(*buf));
	buf->width = width;
	buf->height = height;
	return drmModeCreateDumbBuffer(kms->fd, width, height, bpp, 0,
				       &buf->handle, &buf->pitch, &buf->size);
}

int dumb_map(struct kms *kms, struct buffer *buf)
{
	uint64_t offset;
	void *map;
	int ret;

	ret = drmModeMapDumbBuffer(kms->fd, buf->handle, &offset);
	if (ret)
		return ret;
	map = mmap(NULL, buf->size, PROT_READ | PROT_WRITE, MAP_SHARED, kms->fd,
		   offset);
	if (map == MAP_FAILED)
		return -errno;
	buf->map = map;
	return 0;
}

int fb_add(struct kms *kms, struct buffer *buf, const struct format *fmt,
	   uint32_t width, uint32_t height)
{
	uint32_t handles[4] = { buf->handle }, pitches[4] = { buf->pitch };
	uint32_t offsets[4] = { buf->offset };

	return drmModeAddFB2(kms->fd, width, height, fmt->fourcc, handles,
			     pitches, offsets, &buf->fb, 0);
}

int fb_remove(struct kms *kms, struct buffer *buf)
{
	uint32_t fb = buf->fb;

	buf->fb = 0;
	return fb ? drmModeRmFB(kms->fd, fb) : 0;
}

int dumb_destroy(struct kms *kms, struct buffer *buf)
{
	int ret = fb_remove(kms, buf);

	if (buf->map)
		munmap(buf->map, buf->size);
	if (buf->handle && !ret)
		ret = drmModeDestroyDumbBuffer(kms->fd, buf->handle);
	memset(buf, 0, sizeof(*buf));
	return ret;
}

static int set(struct kms *kms, drmModeAtomicReq *req, uint32_t id,
	       uint32_t type, const char *name, uint64_t value)
{
	uint32_t prop = property(kms, id, type, name, NULL);
	int ret;

	if (!prop)
		return -ENOENT;
	ret = drmModeAtomicAddProperty(req, id, prop, value);
	return ret < 0 ? ret : 0;
}

static int set_plane(struct kms *kms, drmModeAtomicReq *req, struct head *head,
		     uint32_t fb)
{
	uint32_t w = fb ? head->mode.hdisplay : 0;
	uint32_t h = fb ? head->mode.vdisplay : 0;
	const struct {
		const char *name;
		uint64_t value;
	} props[] = {
		{ "FB_ID", fb }, { "CRTC_ID", fb ? head->crtc : 0 },
		{ "SRC_X", (uint64_t)head->src.w << 16 }, { "SRC_Y", (uint64_t)head->src.h << 16 },
		{ "SRC_W", (uint64_t)w << 16 }, { "SRC_H", (uint64_t)h << 16 },
		{ "CRTC_X", 0 }, { "CRTC_Y", 0 }, { "CRTC_W", w }, { "CRTC_H", h },
	};
	int ret = 0;

	for (size_t i = 0; !ret && i < ARRAY_SIZE(props); i++)
		ret = set(kms, req, head->plane, DRM_MODE_OBJECT_PLANE,
			  props[i].name, props[i].value);
	return ret;
}

static int atomic_modeset(struct kms *kms, struct head *head, uint32_t fb)
{
	drmModeAtomicReq *req = drmModeAtomicAlloc();
	uint32_t blob = 0;
	int ret = 0;

	if (fb)
		ret = drmModeCreatePropertyBlob(kms->fd, &head->mode,
						sizeof(head->mode), &blob);
	if (!ret)
		ret = set(kms, req, head->connector, DRM_MODE_OBJECT_CONNECTOR,
			  "CRTC_ID", fb ? head->crtc : 0);
	if (!ret)
		ret = set(kms, req, head->crtc, DRM_MODE_OBJECT_CRTC, "MODE_ID",
			  blob);
	if (!ret)
		ret = set(kms, req, head->crtc, DRM_MODE_OBJECT_CRTC, "ACTIVE",
			  !!fb);
	if (!ret)
		ret = set_plane(kms, req, head, fb);
	if (!ret)
		ret = drmModeAtomicCommit(kms->fd, req,
					  DRM_MODE_ATOMIC_ALLOW_MODESET, NULL);
	drmModeAtomicFree(req);
	if (blob)
		drmModeDestroyPropertyBlob(kms->fd, blob);
	return ret;
}

int head_enable(struct kms *kms, struct head *head, uint32_t fb)
{
	if (kms->atomic)
		return atomic_modeset(kms, head, fb);
	return drmModeSetCrtc(kms->fd, head->crtc, fb, head->src.w, head->src.h,
			      &head->connector, 1, &head->mode);
}

int head_disable(struct kms *kms, struct head *head)
{
	if (kms->atomic)
		return atomic_modeset(kms, head, 0);
	return drmModeSetCrtc(kms->fd, head->crtc, 0, 0, 0, NULL, 0, NULL);
}

static int atomic_flip(struct kms *kms, struct head *head, uint32_t fb)
{
	drmModeAtomicReq *req = drmModeAtomicAlloc();
	int ret;

	ret = set(kms, req, head->plane, DRM_MODE_OBJECT_PLANE, "FB_ID", fb);
	if (!ret)
		ret = drmModeAtomicCommit(kms->fd, req,
					  DRM_MODE_ATOMIC_NONBLOCK |
					  DRM_MODE_PAGE_FLIP_EVENT, head);
	drmModeAtomicFree(req);
	return ret;
}

int head_flip(struct kms *kms, struct head *head, uint32_t fb)
{
	int ret;

	if (kms->atomic)
		ret = atomic_flip(kms, head, fb);
	else
		ret = drmModePageFlip(kms->fd, head->crtc, fb,
				      DRM_MODE_PAGE_FLIP_EVENT, head);
	head->pending = !ret;
	return ret;
}

static void flip_done(int fd, unsigned int sequence, unsigned int sec,
		      unsigned int usec, void *data)
{
	uint64_t now = now_ns(), shown_us = sec * 1000000ull + usec;
	struct head *head = data;

	(void)fd;
	/* Neither ever goes back, whatever the backend does. The number wraps around. */
	if (head->flips && ((int)(sequence - head->sequence) < 0 || shown_us < head->shown_us))
		die("vblank %u at %" PRIu64 " us after vblank %u at %" PRIu64 " us", sequence,
		    shown_us, head->sequence, head->shown_us);
	head->sequence = sequence;
	head->shown_us = shown_us;
	head->pending = false;
	head->flips++;
	if (head->flipped_ns && now - head->flipped_ns > head->longest_ns)
		head->longest_ns = now - head->flipped_ns;
	head->flipped_ns = now;
}

/* A negative limit is none. */
static int wait_ms(struct kms *kms, int limit)
{
	drmEventContext ctx = { .version = 2, .page_flip_handler = flip_done };
	struct pollfd pfd = { .fd = kms->fd, .events = POLLIN };
	int n = poll(&pfd, 1, limit);

	if (n < 0)
		return -errno;
	if (!n)
		return -ETIME;
	/* POLLERR or POLLHUP would be there for ever, and no event with it */
	if (!(pfd.revents & POLLIN))
		return -ENODEV;
	return drmHandleEvent(kms->fd, &ctx) ? -errno : 0;
}

int kms_wait(struct kms *kms)
{
	return wait_ms(kms, kms->timeout_ms ? (int)kms->timeout_ms : -1);
}

void kms_drain(struct kms *kms)
{
	while (!wait_ms(kms, 0))
		;
}
