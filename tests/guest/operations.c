// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What clients ask a card for, one by one, for those who disturb them at it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "operations.h"

#define SIDE 128
static const struct format *xr24;

static int try_open(struct client *c)
{
	c->card_fd = open(c->card_path, O_RDWR | O_CLOEXEC);
	return c->card_fd < 0 ? -errno : 0;
}

static void undo_open(struct client *c)
{
	close(c->card_fd);
}

static int try_resources(struct client *c)
{
	drmModeRes *res = drmModeGetResources(c->kms.fd);

	if (!res)
		return -errno;
	drmModeFreeResources(res);
	return 0;
}

static int try_connector(struct client *c)
{
	drmModeConnector *conn =
		drmModeGetConnector(c->kms.fd, c->head.connector);
	int modes;

	if (!conn)
		return -errno;
	modes = conn->count_modes;
	drmModeFreeConnector(conn);
	/* without memory for a mode the list may be shorter, even empty */
	return modes >= 0 ? 0 : -EINVAL;
}

static int try_create(struct client *c)
{
	return dumb_create(&c->kms, &c->buf, SIDE, SIDE, 32);
}

static void destroy(struct client *c)
{
	must(dumb_destroy(&c->kms, &c->buf), "DRM_IOCTL_MODE_DESTROY_DUMB");
}

static void create(struct client *c)
{
	must(try_create(c), "DRM_IOCTL_MODE_CREATE_DUMB %dx%d", SIDE, SIDE);
}

static int try_map(struct client *c)
{
	int ret = dumb_map(&c->kms, &c->buf);

	if (!ret)
		memset(c->buf.map, 0x5a, c->buf.size);
	return ret;
}

static void unmap(struct client *c)
{
	munmap(c->buf.map, c->buf.size);
	c->buf.map = NULL;
}

static int try_addfb(struct client *c)
{
	return fb_add(&c->kms, &c->buf, xr24, SIDE, SIDE);
}

static void remove_fb(struct client *c)
{
	must(fb_remove(&c->kms, &c->buf), "DRM_IOCTL_MODE_RMFB");
}

/* The first framebuffer shares the buffer, so there must be a new one. */
static void undo_addfb(struct client *c)
{
	destroy(c);
	create(c);
}

static void create_fb(struct client *c)
{
	create(c);
	must(try_addfb(c), "DRM_IOCTL_MODE_ADDFB2 %dx%d", SIDE, SIDE);
}

/* What could not be removed must still be there to be removed. */
static int try_remove(struct client *c)
{
	uint32_t fb = c->buf.fb;
	int ret = fb_remove(&c->kms, &c->buf);

	if (ret)
		c->buf.fb = fb;
	return ret;
}

static void add_again(struct client *c)
{
	must(try_addfb(c), "DRM_IOCTL_MODE_ADDFB2 %dx%d", SIDE, SIDE);
}

static int try_destroy(struct client *c)
{
	return drmModeDestroyDumbBuffer(c->kms.fd, c->buf.handle) ? -errno : 0;
}

static int try_export(struct client *c)
{
	return drmPrimeHandleToFD(c->kms.fd, c->buf.handle, O_CLOEXEC | O_RDWR,
				  &c->dmabuf) ? -errno : 0;
}

static void close_dmabuf(struct client *c)
{
	close(c->dmabuf);
}

static void make_source(struct client *c)
{
	c->source = make_udmabuf((uint64_t)wire_pitch(xr24, SIDE) * SIDE);
}

static int try_import(struct client *c)
{
	memset(&c->buf, 0, sizeof(c->buf));
	return prime_import(&c->kms, c->source.fd, &c->buf.handle);
}

static void close_handle(struct client *c)
{
	must(drmCloseBufferHandle(c->kms.fd, c->buf.handle) ? -errno : 0,
	     "DRM_IOCTL_GEM_CLOSE");
}

static void end_source(struct client *c)
{
	source_close(&c->source);
}

static void import_source(struct client *c)
{
	make_source(c);
	must(try_import(c), "DRM_IOCTL_PRIME_FD_TO_HANDLE");
	c->buf.pitch = wire_pitch(xr24, SIDE);
}

static void end_import(struct client *c)
{
	close_handle(c);
	end_source(c);
}

static void undo_prime_addfb(struct client *c)
{
	remove_fb(c);
	end_import(c);
	import_source(c);
}

static int try_enable(struct client *c)
{
	return head_enable(&c->kms, &c->head, c->screen[0].fb);
}

static void disable(struct client *c)
{
	must(head_disable(&c->kms, &c->head), "connector %u: disable",
	     c->head.index);
}

static void enable(struct client *c)
{
	must(try_enable(c), "connector %u: modeset", c->head.index);
	c->shown = 0;
}

static int try_disable(struct client *c)
{
	return head_disable(&c->kms, &c->head);
}

/* A flip that was taken owes its event, with or without a fault. */
static int try_flip(struct client *c)
{
	int ret = head_flip(&c->kms, &c->head, c->screen[!c->shown].fb);

	if (!ret)
		c->shown = !c->shown;
	return ret;
}

static void wait_flip(struct client *c)
{
	while (c->head.pending)
		must(kms_wait(&c->kms), "connector %u: event of a flip",
		     c->head.index);
}

static int try_dirty(struct client *c)
{
	return drmModeDirtyFB(c->kms.fd, c->screen[c->shown].fb, NULL, 0);
}

/* Everything that a client has at once goes when its last descriptor does. */
static void prepare_close(struct client *c)
{
	struct kms other = { .fd = open(c->card_path, O_RDWR | O_CLOEXEC) };

	if (other.fd < 0)
		must(-errno, "open %s", c->card_path);
	must(dumb_create(&other, &c->buf, SIDE, SIDE, 32),
	     "DRM_IOCTL_MODE_CREATE_DUMB %dx%d", SIDE, SIDE);
	must(fb_add(&other, &c->buf, xr24, SIDE, SIDE),
	     "DRM_IOCTL_MODE_ADDFB2 %dx%d", SIDE, SIDE);
	c->card_fd = other.fd;
}

static int try_close(struct client *c)
{
	int ret = close(c->card_fd) ? -errno : 0;

	c->card_fd = -1;
	return ret;
}

static void end_close(struct client *c)
{
	close(c->card_fd);
}

static void prepare_commit(struct client *c)
{
	uint32_t fb_id = property(&c->kms, c->head.plane, DRM_MODE_OBJECT_PLANE,
				  "FB_ID", NULL);

	enable(c);
	c->request = drmModeAtomicAlloc();
	if (!c->request ||
	    drmModeAtomicAddProperty(c->request, c->head.plane, fb_id,
				     c->screen[1].fb) < 0)
		die("no memory for a request");
}

static int try_commit(struct client *c)
{
	return drmModeAtomicCommit(c->kms.fd, c->request, 0, NULL);
}

static int try_commit_event(struct client *c)
{
	int ret = drmModeAtomicCommit(c->kms.fd, c->request,
				      DRM_MODE_ATOMIC_NONBLOCK |
				      DRM_MODE_PAGE_FLIP_EVENT, &c->head);

	c->head.pending = !ret;
	return ret;
}

static void end_commit(struct client *c)
{
	drmModeAtomicFree(c->request);
	disable(c);
}

const struct operation operations[] = {
	{ "open", NULL, try_open, undo_open, NULL },
	{ "close", prepare_close, try_close, prepare_close, end_close },
	{ "resources", NULL, try_resources, NULL, NULL },
	{ "connector", NULL, try_connector, NULL, NULL },
	{ "create-dumb", NULL, try_create, destroy, NULL },
	{ "map-dumb", create, try_map, unmap, destroy },
	{ "addfb", create, try_addfb, undo_addfb, destroy },
	{ "rmfb", create_fb, try_remove, add_again, destroy },
	{ "destroy-dumb", create, try_destroy, create, destroy },
	{ "prime-export", create, try_export, close_dmabuf, destroy },
	{ "prime-import", make_source, try_import, close_handle, end_source },
	{ "prime-addfb", import_source, try_addfb, undo_prime_addfb, end_import },
	{ "modeset", NULL, try_enable, disable, NULL },
	{ "disable", enable, try_disable, enable, disable },
	{ "flip", enable, try_flip, wait_flip, disable },
	{ "dirtyfb", enable, try_dirty, NULL, disable },
	{ "commit", prepare_commit, try_commit, NULL, end_commit },
	{ "commit-event", prepare_commit, try_commit_event, wait_flip, end_commit },
};

const unsigned int operation_count = ARRAY_SIZE(operations);

void call_step(void (*step)(struct client *c), struct client *c)
{
	if (step)
		step(c);
}

/* Legacy and atomic requests are made of the same descriptor. */
void client_open(struct client *c, struct options *opt)
{
	struct size size;

	memset(c, 0, sizeof(*c));
	xr24 = format_by_name("XR24");
	opt->atomic = true;
	open_card(&c->kms, opt);
	c->kms.atomic = false;
	snprintf(c->card_path, sizeof(c->card_path), "/proc/self/fd/%d",
		 c->kms.fd);
	head_init(&c->kms, &c->head, opt->connectors[0]);
	size = (struct size){ c->head.mode.hdisplay, c->head.mode.vdisplay };
	for (int i = 0; i < 2; i++)
		fb_make(&c->kms, &c->screen[i], &c->head, xr24, size, size);
}

void client_close(struct client *c)
{
	for (int i = 0; i < 2; i++)
		must(dumb_destroy(&c->kms, &c->screen[i]),
		     "DRM_IOCTL_MODE_DESTROY_DUMB");
	kms_close(&c->kms);
}
