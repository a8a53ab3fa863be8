// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What no client should do, first one by one, each with the errors that are
 * right for it. cmd_storm.c does it at random. Framebuffers and sizes of dumb
 * buffers have cases of their own in badfb.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm_fourcc.h>

#include "kmspaint.h"

#define SIDE	256
#define NOBODY	0x7fffffff

/* Two files of one card: the first is master and owns the buffers. */
struct abuse {
	struct kms kms;
	struct kms other;
	struct head head;
	struct buffer buf;
	/* as large as the mode */
	struct buffer screen;
	/* once a handle, a framebuffer and an offset of the first file */
	uint32_t freed_handle, freed_fb;
	uint64_t freed_offset;
	uint64_t offset;
};

/* Unlike drmIoctl() it does not try again for ever. */
static int call(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) ? -errno : 0;
}

/* --- handles ----------------------------------------------------------------- */

static int map_dumb(int fd, uint32_t handle)
{
	struct drm_mode_map_dumb map = { .handle = handle };

	return call(fd, DRM_IOCTL_MODE_MAP_DUMB, &map);
}

static int destroy_dumb(int fd, uint32_t handle)
{
	struct drm_mode_destroy_dumb destroy = { .handle = handle };

	return call(fd, DRM_IOCTL_MODE_DESTROY_DUMB, &destroy);
}

static int gem_close(int fd, uint32_t handle)
{
	struct drm_gem_close close = { .handle = handle };

	return call(fd, DRM_IOCTL_GEM_CLOSE, &close);
}

static int export(int fd, uint32_t handle, uint32_t flags)
{
	struct drm_prime_handle prime = { .handle = handle, .flags = flags };
	int ret = call(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);

	if (!ret)
		close(prime.fd);
	return ret;
}

static int import(int fd, int dmabuf)
{
	struct drm_prime_handle prime = { .fd = dmabuf };
	int ret = call(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);

	if (!ret)
		gem_close(fd, prime.handle);
	return ret;
}

static int add_fb(int fd, uint32_t handle)
{
	struct drm_mode_fb_cmd2 cmd = {
		.width = SIDE, .height = SIDE, .pixel_format = DRM_FORMAT_XRGB8888,
		.handles = { handle }, .pitches = { 4 * SIDE },
	};
	int ret = call(fd, DRM_IOCTL_MODE_ADDFB2, &cmd);

	if (!ret)
		drmModeRmFB(fd, cmd.fb_id);
	return ret;
}

static const struct wrong_handle {
	const char *name;
	bool other_file;
	/* where the handle is in struct abuse, or what it is */
	size_t at;
	uint32_t value;
} wrong_handles[] = {
	{ "zero", false, 0, 0 },
	{ "unknown", false, 0, NOBODY },
	{ "largest", false, 0, ~0u },
	{ "freed", false, offsetof(struct abuse, freed_handle), 0 },
	{ "foreign", true, offsetof(struct abuse, buf.handle), 0 },
};

static void expect_of(const char *what, const char *whose, const char *allowed, int ret)
{
	char name[64];

	snprintf(name, sizeof(name), "%s-%s", what, whose);
	expect(name, allowed, ret);
}

static void abuse_handles(struct abuse *a)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong_handles); i++) {
		const struct wrong_handle *w = &wrong_handles[i];
		int fd = w->other_file ? a->other.fd : a->kms.fd;
		uint32_t handle = w->at ? *(uint32_t *)((char *)a + w->at) : w->value;

		expect_of("map", w->name, "ENOENT", map_dumb(fd, handle));
		expect_of("addfb", w->name, "ENOENT|EINVAL", add_fb(fd, handle));
		expect_of("export", w->name, "ENOENT", export(fd, handle, DRM_CLOEXEC));
		expect_of("destroy", w->name, "EINVAL|ENOENT", destroy_dumb(fd, handle));
		expect_of("close", w->name, "EINVAL|ENOENT", gem_close(fd, handle));
	}
}

static void abuse_prime(struct abuse *a)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	expect("export-flags", "EINVAL", export(a->kms.fd, a->buf.handle, ~0u));
	expect("import-null", "EINVAL", import(a->kms.fd, null));
	expect("import-card", "EINVAL", import(a->kms.fd, a->kms.fd));
	expect("import-other-card", "EINVAL", import(a->kms.fd, a->other.fd));
	expect("import-closed", "EBADF", import(a->kms.fd, 9999));
	close(null);
}

/* --- framebuffers -------------------------------------------------------------- */

static int rm_fb(int fd, uint32_t fb)
{
	return call(fd, DRM_IOCTL_MODE_RMFB, &fb);
}

static int legacy_fb(struct abuse *a, uint32_t bpp, uint32_t depth, uint32_t pitch)
{
	struct drm_mode_fb_cmd cmd = {
		.width = SIDE, .height = SIDE, .bpp = bpp, .depth = depth,
		.pitch = pitch, .handle = a->buf.handle,
	};
	int ret = call(a->kms.fd, DRM_IOCTL_MODE_ADDFB, &cmd);

	if (!ret)
		must(drmModeRmFB(a->kms.fd, cmd.fb_id), "DRM_IOCTL_MODE_RMFB");
	return ret;
}

/* Something in a plane that the format does not have. */
static int second_plane(struct abuse *a, uint32_t handle, uint32_t pitch, uint32_t offset,
			uint64_t modifier)
{
	struct drm_mode_fb_cmd2 cmd = {
		.width = SIDE, .height = SIDE, .pixel_format = DRM_FORMAT_XRGB8888,
		.handles = { a->buf.handle, handle }, .pitches = { 4 * SIDE, pitch },
		.offsets = { 0, offset }, .modifier = { 0, modifier },
		.flags = modifier ? DRM_MODE_FB_MODIFIERS : 0,
	};
	int ret = call(a->kms.fd, DRM_IOCTL_MODE_ADDFB2, &cmd);

	if (!ret)
		drmModeRmFB(a->kms.fd, cmd.fb_id);
	return ret;
}

static int dirty(struct abuse *a, uint32_t fb, uint32_t flags, uint32_t count, void *clips)
{
	struct drm_mode_fb_dirty_cmd cmd = {
		.fb_id = fb, .flags = flags, .num_clips = count,
		.clips_ptr = (uintptr_t)clips,
	};

	return call(a->kms.fd, DRM_IOCTL_MODE_DIRTYFB, &cmd);
}

static void abuse_fb(struct abuse *a)
{
	struct drm_clip_rect inside_out = { 65535, 65535, 0, 0 };
	struct drm_clip_rect outside = { 60000, 60000, 65535, 65535 };

	expect("legacy-control", "OK", legacy_fb(a, 32, 24, 4 * SIDE));
	expect("legacy-bpp-0", "EINVAL", legacy_fb(a, 0, 0, 4 * SIDE));
	expect("legacy-bpp-33", "EINVAL", legacy_fb(a, 33, 24, 4 * SIDE));
	expect("legacy-depth-max", "EINVAL", legacy_fb(a, 32, ~0u, 4 * SIDE));
	expect("legacy-pitch-0", "EINVAL", legacy_fb(a, 32, 24, 0));
	expect("legacy-pitch-max", "EINVAL|ERANGE", legacy_fb(a, 32, 24, ~0u));
	/* the core looks at these only if the client says that it knows modifiers */
	expect("second-handle", "OK|EINVAL", second_plane(a, a->buf.handle, 0, 0, 0));
	expect("second-pitch", "OK|EINVAL", second_plane(a, 0, 4 * SIDE, 0, 0));
	expect("second-offset", "OK|EINVAL", second_plane(a, 0, 0, 4 * SIDE, 0));
	expect("second-modifier", "EINVAL", second_plane(a, 0, 0, 0, ~0ull));
	expect("rmfb-unknown", "ENOENT", rm_fb(a->kms.fd, NOBODY));
	expect("rmfb-twice", "ENOENT", rm_fb(a->kms.fd, a->freed_fb));
	expect("rmfb-foreign", "ENOENT|EACCES", rm_fb(a->other.fd, a->buf.fb));
	expect("rmfb-crtc", "ENOENT", rm_fb(a->kms.fd, a->head.crtc));
	expect("dirty-unknown", "ENOENT", dirty(a, NOBODY, 0, 0, NULL));
	expect("dirty-flags", "OK|EINVAL", dirty(a, a->buf.fb, ~0u, 0, NULL));
	expect("dirty-2^32-clips", "EINVAL", dirty(a, a->buf.fb, 0, ~0u, &outside));
	expect("dirty-no-clips", "EINVAL", dirty(a, a->buf.fb, 0, 0, &outside));
	expect("dirty-bad-clips", "EFAULT", dirty(a, a->buf.fb, 0, 1, (void *)PAGE));
	expect("dirty-inside-out", "OK|EINVAL", dirty(a, a->buf.fb, 0, 1, &inside_out));
	expect("dirty-outside", "OK|EINVAL", dirty(a, a->buf.fb, 0, 1, &outside));
}

/* --- mappings --------------------------------------------------------------------- */

static int try_mmap(int fd, uint64_t offset, size_t size, int prot, int flags)
{
	char *map = mmap(NULL, size, prot, flags, fd, offset);

	if (map == MAP_FAILED)
		return -errno;
	if (prot & PROT_WRITE)
		map[size - 1] = 1;
	munmap(map, size);
	return 0;
}

/* In a child: a signal is an error of that name. */
static int in_child(void (*body)(char *map, size_t size), char *map, size_t size)
{
	pid_t child = fork();
	int status;

	if (!child) {
		body(map, size);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -ECHILD;
	if (!WIFSIGNALED(status))
		return -WEXITSTATUS(status);
	return WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS ? -EFAULT : -EINTR;
}

static void write_all(char *map, size_t size)
{
	memset(map, 0x5a, size);
}

static void write_read_only(char *map, size_t size)
{
	if (mprotect(map, size, PROT_READ))
		_exit(EINVAL);
	map[0] = 1;
}

static void write_hole(char *map, size_t size)
{
	munmap(map + PAGE, PAGE);
	map[0] = 1;
	map[size - 1] = 1;
	map[PAGE] = 1;
}

static void grow(char *map, size_t size)
{
	if (mremap(map, size, 2 * size, MREMAP_MAYMOVE) == MAP_FAILED)
		_exit(errno);
}

static void shrink_and_move(char *map, size_t size)
{
	char *to = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	map = mremap(map, size, size / 2, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	if (map == MAP_FAILED)
		_exit(errno);
	memset(map, 1, size / 2);
}

/* What was mapped at once must come back by a fault. */
static void drop_and_touch(char *map, size_t size)
{
	if (madvise(map, size, MADV_DONTNEED))
		_exit(errno);
	memset(map, 1, size);
}

static void unmap_parts(char *map, size_t size)
{
	for (size_t at = 0; at < size; at += 2 * PAGE)
		munmap(map + at, PAGE);
	for (size_t at = PAGE; at < size; at += 2 * PAGE)
		map[at] = 1;
}

static void lock_pages(char *map, size_t size)
{
	if (mlock(map, size))
		_exit(errno);
}

static void abuse_mmap(struct abuse *a)
{
	const int rw = PROT_READ | PROT_WRITE;
	size_t size = a->buf.size;
	int fd = a->kms.fd;

	expect("mmap-control", "OK", try_mmap(fd, a->offset, size, rw, MAP_SHARED));
	expect("mmap-part", "EINVAL", try_mmap(fd, a->offset + PAGE, PAGE, rw, MAP_SHARED));
	expect("mmap-offset-0", "EINVAL", try_mmap(fd, 0, size, rw, MAP_SHARED));
	expect("mmap-too-long", "EINVAL",
	       try_mmap(fd, a->offset, size + PAGE, rw, MAP_SHARED));
	expect("mmap-part-too-long", "EINVAL",
	       try_mmap(fd, a->offset + PAGE, size, rw, MAP_SHARED));
	expect("mmap-behind", "EINVAL|EACCES",
	       try_mmap(fd, a->offset + size, PAGE, rw, MAP_SHARED));
	expect("mmap-private", "EINVAL", try_mmap(fd, a->offset, size, rw, MAP_PRIVATE));
	expect("mmap-private-read", "EINVAL",
	       try_mmap(fd, a->offset, size, PROT_READ, MAP_PRIVATE));
	expect("mmap-foreign", "EACCES",
	       try_mmap(a->other.fd, a->offset, size, rw, MAP_SHARED));
	expect("mmap-freed", "EINVAL",
	       try_mmap(fd, a->freed_offset, PAGE, rw, MAP_SHARED));
	expect("fork-write", "OK", in_child(write_all, a->buf.map, size));
	expect("write-read-only", "EFAULT", in_child(write_read_only, a->buf.map, size));
	expect("write-hole", "EFAULT", in_child(write_hole, a->buf.map, size));
	expect("mremap-grow", "EFAULT|EINVAL", in_child(grow, a->buf.map, size));
	expect("mremap-move", "OK|EINVAL", in_child(shrink_and_move, a->buf.map, size));
	expect("madvise-touch", "OK|EINVAL", in_child(drop_and_touch, a->buf.map, size));
	expect("unmap-parts", "OK", in_child(unmap_parts, a->buf.map, size));
	expect("mlock", "OK|EINVAL|ENOMEM|EPERM|EAGAIN", in_child(lock_pages, a->buf.map, size));
}

/* --- modes and flips ----------------------------------------------------------------- */

static struct drm_mode_crtc right_crtc(struct abuse *a, uint32_t fb)
{
	struct drm_mode_crtc crtc = {
		.crtc_id = a->head.crtc, .fb_id = fb, .mode_valid = 1,
		.set_connectors_ptr = (uintptr_t)&a->head.connector,
		.count_connectors = 1,
	};

	_Static_assert(sizeof(crtc.mode) == sizeof(a->head.mode), "libdrm's copy");
	memcpy(&crtc.mode, &a->head.mode, sizeof(crtc.mode));
	return crtc;
}

static void set_crtc(struct abuse *a, const char *name, const char *allowed,
		     struct drm_mode_crtc crtc)
{
	expect(name, allowed, call(a->kms.fd, DRM_IOCTL_MODE_SETCRTC, &crtc));
}

static void abuse_modes(struct abuse *a, uint32_t screen_fb)
{
	const struct drm_mode_crtc right = right_crtc(a, screen_fb);
	struct drm_mode_crtc crtc = right;

	set_crtc(a, "setcrtc-control", "OK", crtc);
	crtc.crtc_id = NOBODY;
	set_crtc(a, "setcrtc-unknown-crtc", "ENOENT", crtc);
	crtc = right;
	crtc.fb_id = NOBODY;
	set_crtc(a, "setcrtc-unknown-fb", "ENOENT", crtc);
	crtc.fb_id = a->buf.fb;
	set_crtc(a, "setcrtc-small-fb", "ENOSPC|EINVAL", crtc);
	crtc = right;
	crtc.count_connectors = ~0u;
	set_crtc(a, "setcrtc-2^32-connectors", "EINVAL", crtc);
	crtc.count_connectors = 0;
	set_crtc(a, "setcrtc-no-connector", "EINVAL", crtc);
	crtc = right;
	crtc.set_connectors_ptr = PAGE;
	set_crtc(a, "setcrtc-bad-connectors", "EFAULT", crtc);
	crtc = right;
	crtc.x = 1;
	set_crtc(a, "setcrtc-x-1", "EINVAL|ENOSPC", crtc);
	crtc.x = ~0u;
	crtc.y = ~0u;
	set_crtc(a, "setcrtc-xy-max", "EINVAL|ENOSPC|ERANGE", crtc);
	crtc = right;
	memset(&crtc.mode, 0, sizeof(crtc.mode));
	set_crtc(a, "setcrtc-mode-0", "EINVAL", crtc);
	memset(&crtc.mode, 0xff, sizeof(crtc.mode));
	set_crtc(a, "setcrtc-mode-ff", "EINVAL|ERANGE|ENOSPC", crtc);
	crtc = right;
	crtc.mode.hdisplay = 64;
	crtc.mode.vdisplay = 64;
	set_crtc(a, "setcrtc-other-mode", "EINVAL", crtc);
	crtc = right;
	expect("setcrtc-not-master", "EACCES",
	       call(a->other.fd, DRM_IOCTL_MODE_SETCRTC, &crtc));
}

static void flip(struct abuse *a, const char *name, const char *allowed, uint32_t crtc,
		 uint32_t fb, uint32_t flags, uint32_t reserved)
{
	struct drm_mode_crtc_page_flip cmd = {
		.crtc_id = crtc, .fb_id = fb, .flags = flags, .reserved = reserved,
	};

	expect(name, allowed, call(a->kms.fd, DRM_IOCTL_MODE_PAGE_FLIP, &cmd));
}

static void abuse_flips(struct abuse *a, uint32_t screen_fb)
{
	uint32_t crtc = a->head.crtc;

	flip(a, "flip-unknown-crtc", "ENOENT", NOBODY, screen_fb, 0, 0);
	flip(a, "flip-unknown-fb", "ENOENT", crtc, NOBODY, 0, 0);
	flip(a, "flip-freed-fb", "ENOENT", crtc, a->freed_fb, 0, 0);
	flip(a, "flip-small-fb", "ENOSPC|EINVAL", crtc, a->buf.fb, 0, 0);
	flip(a, "flip-flags", "EINVAL", crtc, screen_fb, ~0u, 0);
	flip(a, "flip-reserved", "EINVAL", crtc, screen_fb, 0, 1);
	flip(a, "flip-async", "EINVAL", crtc, screen_fb, DRM_MODE_PAGE_FLIP_ASYNC, 0);
	must(head_disable(&a->kms, &a->head), "DRM_IOCTL_MODE_SETCRTC off");
	flip(a, "flip-while-off", "EBUSY|EINVAL", crtc, screen_fb, 0, 0);
}

/* --- properties ------------------------------------------------------------------------ */

static int set_cap(int fd, uint64_t cap, uint64_t value)
{
	struct drm_set_client_cap set = { .capability = cap, .value = value };

	return call(fd, DRM_IOCTL_SET_CLIENT_CAP, &set);
}

static int make_blob(int fd, uint32_t length, void *data)
{
	struct drm_mode_create_blob blob = { .length = length, .data = (uintptr_t)data };
	int ret = call(fd, DRM_IOCTL_MODE_CREATEPROPBLOB, &blob);

	if (!ret)
		drmModeDestroyPropertyBlob(fd, blob.blob_id);
	return ret;
}

static int destroy_blob(int fd, uint32_t blob)
{
	struct drm_mode_destroy_blob destroy = { .blob_id = blob };

	return call(fd, DRM_IOCTL_MODE_DESTROYPROPBLOB, &destroy);
}

static int commit(struct abuse *a, uint32_t id, uint32_t prop, uint64_t value, uint32_t flags)
{
	uint32_t count = 1;
	struct drm_mode_atomic atomic = {
		.flags = flags, .count_objs = 1, .objs_ptr = (uintptr_t)&id,
		.count_props_ptr = (uintptr_t)&count, .props_ptr = (uintptr_t)&prop,
		.prop_values_ptr = (uintptr_t)&value,
	};

	return call(a->kms.fd, DRM_IOCTL_MODE_ATOMIC, &atomic);
}

/*
 * Any answer is right; that there is one, and a sound kernel afterwards, is what
 * this is about. Returns how many there were.
 */
static unsigned int odd_values(struct abuse *a, uint32_t id, uint32_t type)
{
	const uint64_t values[] = {
		0, 1, ~0u, 1ull << 31, 1ull << 32, 1ull << 63, ~0ull, id,
		a->buf.fb, a->head.crtc, 0x10000ull << 16,
	};
	drmModeObjectProperties *props = drmModeObjectGetProperties(a->kms.fd, id, type);
	unsigned int count = 0;

	for (uint32_t p = 0; props && p < props->count_props; p++) {
		for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
			commit(a, id, props->props[p], values[v],
			       DRM_MODE_ATOMIC_TEST_ONLY | DRM_MODE_ATOMIC_ALLOW_MODESET);
			commit(a, id, props->props[p], values[v],
			       DRM_MODE_ATOMIC_ALLOW_MODESET);
			drmModeObjectSetProperty(a->kms.fd, id, type, props->props[p],
						 values[v]);
			count += 3;
		}
	}
	drmModeFreeObjectProperties(props);
	return count;
}

static void abuse_properties(struct abuse *a)
{
	int fd = a->kms.fd;
	uint32_t edid, blob = 0, byte = 0;

	expect("cap-unknown", "EINVAL", set_cap(fd, ~0ull, 1));
	expect("cap-atomic-9", "EINVAL", set_cap(fd, DRM_CLIENT_CAP_ATOMIC, 9));
	expect("cap-planes-2", "EINVAL", set_cap(fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 2));
	expect("blob-empty", "EINVAL", make_blob(fd, 0, &byte));
	expect("blob-2^32", "EINVAL|ENOMEM", make_blob(fd, ~0u, &byte));
	expect("blob-bad", "EFAULT", make_blob(fd, PAGE, (void *)PAGE));
	must(drmModeCreatePropertyBlob(fd, &byte, 1, &blob), "DRM_IOCTL_MODE_CREATEPROPBLOB");
	expect("blob-destroy-foreign", "EPERM", destroy_blob(a->other.fd, blob));
	expect("blob-destroy-unknown", "ENOENT", destroy_blob(fd, NOBODY));
	must(drmModeDestroyPropertyBlob(fd, blob), "DRM_IOCTL_MODE_DESTROYPROPBLOB");
	expect("blob-destroy-twice", "ENOENT", destroy_blob(fd, blob));

	expect("atomic-without-cap", "EOPNOTSUPP|EINVAL", commit(a, a->head.crtc, 1, 0, 0));
	must(drmSetClientCap(fd, DRM_CLIENT_CAP_ATOMIC, 1) ? -errno : 0,
	     "DRM_IOCTL_SET_CLIENT_CAP atomic");
	expect("atomic-flags", "EINVAL", commit(a, a->head.crtc, 1, 0, ~0u));
	expect("atomic-unknown-object", "ENOENT", commit(a, NOBODY, 1, 0, 0));
	expect("atomic-unknown-property", "ENOENT", commit(a, a->head.crtc, NOBODY, 0, 0));
	edid = property(&a->kms, a->head.connector, DRM_MODE_OBJECT_CONNECTOR, "EDID", NULL);
	if (edid)
		expect("edid-is-written", "EINVAL|EACCES|EPERM",
		       commit(a, a->head.connector, edid, a->buf.fb, 0));
	printf("odd values: plane %u, CRTC %u, connector %u\n",
	       odd_values(a, a->head.plane, DRM_MODE_OBJECT_PLANE),
	       odd_values(a, a->head.crtc, DRM_MODE_OBJECT_CRTC),
	       odd_values(a, a->head.connector, DRM_MODE_OBJECT_CONNECTOR));
}

/* ------------------------------------------------------------------------------------------ */

static void get_offset(struct abuse *a, struct buffer *buf, uint64_t *offset)
{
	must(drmModeMapDumbBuffer(a->kms.fd, buf->handle, offset), "DRM_IOCTL_MODE_MAP_DUMB");
}

static void begin(struct abuse *a, const struct options *opt)
{
	const struct format *fmt = format_by_name("XR24");
	struct buffer freed;
	struct size size;

	memset(a, 0, sizeof(*a));
	open_card(&a->kms, opt);
	open_card(&a->other, opt);
	head_init(&a->kms, &a->head, 0);
	/* before the others are freed, whose numbers the kernel would give out again */
	size = (struct size){ a->head.mode.hdisplay, a->head.mode.vdisplay };
	fb_make(&a->kms, &a->screen, &a->head, fmt, size, size);
	must(dumb_create(&a->kms, &freed, SIDE, SIDE, 32), "DRM_IOCTL_MODE_CREATE_DUMB");
	fb_make(&a->kms, &a->buf, &a->head, fmt, (struct size){ SIDE, SIDE },
		(struct size){ SIDE, SIDE });
	must(fb_add(&a->kms, &freed, fmt, SIDE, SIDE), "DRM_IOCTL_MODE_ADDFB2");
	get_offset(a, &freed, &a->freed_offset);
	get_offset(a, &a->buf, &a->offset);
	a->freed_handle = freed.handle;
	a->freed_fb = freed.fb;
	must(dumb_destroy(&a->kms, &freed), "DRM_IOCTL_MODE_DESTROY_DUMB");
}

int cmd_abuse(struct options *opt)
{
	struct abuse a;

	begin(&a, opt);
	abuse_handles(&a);
	abuse_prime(&a);
	abuse_fb(&a);
	abuse_mmap(&a);
	abuse_modes(&a, a.screen.fb);
	abuse_flips(&a, a.screen.fb);
	abuse_properties(&a);
	must(dumb_destroy(&a.kms, &a.screen), "the screen's buffer");
	must(dumb_destroy(&a.kms, &a.buf), "the buffer");
	kms_close(&a.other);
	kms_close(&a.kms);
	return expect_result();
}
