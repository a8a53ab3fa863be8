// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Commands about buffers that are shared with another device. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/udmabuf.h>

#include "kmspaint.h"

static int open_driver(const char *driver)
{
	for (int i = 0; i < 64; i++) {
		drmVersion *version;
		char path[32];
		bool found;
		int fd;

		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		version = drmGetVersion(fd);
		found = version && !strcmp(version->name, driver);
		drmFreeVersion(version);
		if (found)
			return fd;
		close(fd);
	}
	die("none of /dev/dri/card* is of driver %s", driver);
}

static uint64_t page_align(uint64_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

static void sync_dmabuf(int fd, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags | DMA_BUF_SYNC_RW };

	if (ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync))
		must(-errno, "DMA_BUF_IOCTL_SYNC flags %#llx",
		     (unsigned long long)sync.flags);
}

static void source_paint(struct source *src, const struct format *fmt,
			 struct size size, uint32_t seed)
{
	sync_dmabuf(src->fd, DMA_BUF_SYNC_START);
	pattern_paint(src->map, wire_pitch(fmt, size.w), fmt, size.w, size.h,
		      seed);
	sync_dmabuf(src->fd, DMA_BUF_SYNC_END);
}

struct source make_udmabuf(uint64_t size)
{
	struct source src = { .size = page_align(size) };
	int memfd = memfd_create("kmspaint", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	struct udmabuf_create create = {
		.memfd = memfd, .flags = UDMABUF_FLAGS_CLOEXEC, .size = src.size
	};

	if (dev < 0)
		must(-errno, "open /dev/udmabuf");
	if (memfd < 0 || ftruncate(memfd, src.size) ||
	    fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		must(-errno, "memfd of %llu bytes",
		     (unsigned long long)src.size);
	src.map = mmap(NULL, src.size, PROT_READ | PROT_WRITE, MAP_SHARED, memfd,
		       0);
	if (src.map == MAP_FAILED)
		must(-errno, "mmap of a memfd");
	src.fd = ioctl(dev, UDMABUF_CREATE, &create);
	if (src.fd < 0)
		must(-errno, "UDMABUF_CREATE of %llu bytes",
		     (unsigned long long)src.size);
	close(memfd);
	close(dev);
	return src;
}

/* As a row of words, so that the other driver's idea of a pitch is no matter. */
static struct source make_vgem(uint64_t size)
{
	struct kms vgem = { .fd = open_driver("vgem") };
	struct source src = { 0 };
	struct buffer buf;

	must(dumb_create(&vgem, &buf, PAGE / 4, page_align(size) / PAGE, 32),
	     "vgem: DRM_IOCTL_MODE_CREATE_DUMB of %llu bytes",
	     (unsigned long long)size);
	must(dumb_map(&vgem, &buf), "vgem: DRM_IOCTL_MODE_MAP_DUMB and mmap");
	if (drmPrimeHandleToFD(vgem.fd, buf.handle, DRM_CLOEXEC | DRM_RDWR,
			       &src.fd))
		must(-errno, "vgem: DRM_IOCTL_PRIME_HANDLE_TO_FD");
	src.size = buf.size;
	src.map = buf.map;
	close(vgem.fd);
	return src;
}

void source_close(struct source *src)
{
	munmap(src->map, src->size);
	close(src->fd);
}

int prime_import(struct kms *kms, int fd, uint32_t *handle)
{
	return drmPrimeFDToHandle(kms->fd, fd, handle) ? -errno : 0;
}

static int export(struct kms *kms, uint32_t handle)
{
	int fd;

	if (drmPrimeHandleToFD(kms->fd, handle, DRM_CLOEXEC | DRM_RDWR, &fd))
		must(-errno, "DRM_IOCTL_PRIME_HANDLE_TO_FD of handle %u", handle);
	return fd;
}

int cmd_prime_import(struct options *opt)
{
	const struct format *fmt = opt->format;
	struct buffer buf = { 0 };
	struct source src;
	struct head head;
	struct size size;
	struct kms kms;

	if (!opt->from || (strcmp(opt->from, "vgem") && strcmp(opt->from, "udmabuf")))
		die("--from %s, expected vgem or udmabuf",
		    opt->from ? opt->from : "missing");
	open_card(&kms, opt);
	head_init(&kms, &head, opt->connectors[0]);
	size = (struct size){ head.mode.hdisplay, head.mode.vdisplay };
	buf.pitch = wire_pitch(fmt, size.w);
	src = (strcmp(opt->from, "vgem") ? make_udmabuf : make_vgem)
		((uint64_t)buf.pitch * size.h);
	source_paint(&src, fmt, size, opt->seed);
	must(prime_import(&kms, src.fd, &buf.handle),
	     "DRM_IOCTL_PRIME_FD_TO_HANDLE of %llu bytes of %s",
	     (unsigned long long)src.size, opt->from);
	must(fb_add(&kms, &buf, fmt, size.w, size.h),
	     "DRM_IOCTL_MODE_ADDFB2 %s %ux%u pitch %u", fmt->name, size.w,
	     size.h, buf.pitch);
	must(head_enable(&kms, &head, buf.fb), "connector %u: modeset",
	     head.index);
	while (head.flips < opt->flips) {
		source_paint(&src, fmt, size, opt->seed + head.flips + 1);
		must(head_flip(&kms, &head, buf.fb),
		     "connector %u: DRM_IOCTL_MODE_PAGE_FLIP", head.index);
		while (head.pending)
			must(kms_wait(&kms), "connector %u: event of flip %u",
			     head.index, head.flips + 1);
	}
	/* the framebuffer alone must keep what it shows */
	source_close(&src);
	must(drmCloseBufferHandle(kms.fd, buf.handle) ? -errno : 0,
	     "DRM_IOCTL_GEM_CLOSE");
	printf("shown connector=%u format=%s size=%ux%u pitch=%u seed=%u flips=%u from=%s\n",
	       head.index, fmt->name, size.w, size.h, buf.pitch,
	       opt->seed + head.flips, head.flips, opt->from);
	if (opt->hold)
		wait_until_told();
	must(head_disable(&kms, &head), "connector %u: disable", head.index);
	must(fb_remove(&kms, &buf), "DRM_IOCTL_MODE_RMFB");
	kms_close(&kms);
	return 0;
}

/* The picture whose buffers the cases of export and of import share. */
static const struct size sample = { 500, 300 };

struct export {
	struct kms kms;
	struct buffer buf;
	const struct format *fmt;
	uint8_t *wanted;
};

static int check_bytes(struct export *e, const void *map)
{
	const uint8_t *got = map;

	for (uint32_t y = 0; y < sample.h; y++) {
		size_t row = (size_t)y * e->buf.pitch;
		size_t len = (size_t)sample.w * e->fmt->bpp / 8;

		if (!memcmp(got + row, e->wanted + row, len))
			continue;
		while (got[row] == e->wanted[row])
			row++;
		printf("byte %zu: got %02x, expected %02x\n", row, got[row],
		       e->wanted[row]);
		return -EBADMSG;
	}
	return 0;
}

static int check_dmabuf(struct export *e, int fd)
{
	void *map = mmap(NULL, e->buf.size, PROT_READ, MAP_SHARED, fd, 0);
	int ret;

	if (map == MAP_FAILED)
		return -errno;
	sync_dmabuf(fd, DMA_BUF_SYNC_START);
	ret = check_bytes(e, map);
	sync_dmabuf(fd, DMA_BUF_SYNC_END);
	munmap(map, e->buf.size);
	return ret;
}

static void export_begin(struct export *e, const struct options *opt,
			 uint32_t seed)
{
	uint64_t shown;

	open_card(&e->kms, opt);
	e->fmt = opt->format;
	must(dumb_create(&e->kms, &e->buf, sample.w, sample.h, e->fmt->bpp),
	     "DRM_IOCTL_MODE_CREATE_DUMB");
	must(dumb_map(&e->kms, &e->buf), "DRM_IOCTL_MODE_MAP_DUMB and mmap");
	shown = (uint64_t)e->buf.pitch * sample.h;
	e->wanted = calloc(1, shown);
	if (!e->wanted)
		die("no memory for %llu bytes", (unsigned long long)shown);
	pattern_paint(e->buf.map, e->buf.pitch, e->fmt, sample.w, sample.h, seed);
	pattern_paint(e->wanted, e->buf.pitch, e->fmt, sample.w, sample.h, seed);
}

/*
 * Most drivers let only the exporter map; then what the importer exports again
 * shows that it holds the same memory.
 */
static void check_vgem(struct export *e, int fd)
{
	struct kms vgem = { .fd = open_driver("vgem") };
	struct buffer there = { .size = e->buf.size };
	int ret;

	ret = prime_import(&vgem, fd, &there.handle);
	expect("vgem-import", "OK", ret);
	if (ret)
		return;
	ret = dumb_map(&vgem, &there);
	if (!ret) {
		expect("vgem-read", "OK", check_bytes(e, there.map));
		munmap(there.map, there.size);
	} else {
		int again = export(&vgem, there.handle);

		expect("vgem-read-by-export", "OK", check_dmabuf(e, again));
		close(again);
	}
	drmCloseBufferHandle(vgem.fd, there.handle);
	close(vgem.fd);
}

static void export_and_share(const struct options *opt)
{
	struct export e;
	uint32_t same = 0;
	int fd;

	export_begin(&e, opt, opt->seed);
	fd = export(&e.kms, e.buf.handle);
	expect("export-size", "OK",
	       lseek(fd, 0, SEEK_END) == (off_t)page_align(e.buf.size) ?
	       0 : -EBADMSG);
	expect("export-mmap", "OK", check_dmabuf(&e, fd));
	must(prime_import(&e.kms, fd, &same), "DRM_IOCTL_PRIME_FD_TO_HANDLE of its own");
	expect("own-handle", "OK", same == e.buf.handle ? 0 : -EBADMSG);
	check_vgem(&e, fd);
	close(fd);
	expect("fd-closed-first", "OK", check_bytes(&e, e.buf.map));
	must(dumb_destroy(&e.kms, &e.buf), "DRM_IOCTL_MODE_DESTROY_DUMB");
	free(e.wanted);
	kms_close(&e.kms);
}

static void close_handle_first(const struct options *opt)
{
	struct export e;
	uint32_t handle;
	int fd;

	export_begin(&e, opt, opt->seed + 1);
	fd = export(&e.kms, e.buf.handle);
	munmap(e.buf.map, e.buf.size);
	must(drmModeDestroyDumbBuffer(e.kms.fd, e.buf.handle),
	     "DRM_IOCTL_MODE_DESTROY_DUMB");
	expect("handle-closed-first", "OK", check_dmabuf(&e, fd));
	must(prime_import(&e.kms, fd, &handle), "DRM_IOCTL_PRIME_FD_TO_HANDLE of its own");
	e.buf.handle = handle;
	expect("imported-back-addfb", "OK",
	       fb_add(&e.kms, &e.buf, e.fmt, sample.w, sample.h));
	close(fd);
	if (!dumb_map(&e.kms, &e.buf))
		expect("imported-back-mmap", "OK", check_bytes(&e, e.buf.map));
	must(dumb_destroy(&e.kms, &e.buf), "DRM_IOCTL_MODE_DESTROY_DUMB");
	free(e.wanted);
	kms_close(&e.kms);
}

static void close_card_first(const struct options *opt)
{
	struct export e;
	int fd;

	export_begin(&e, opt, opt->seed + 2);
	fd = export(&e.kms, e.buf.handle);
	munmap(e.buf.map, e.buf.size);
	kms_close(&e.kms);
	expect("card-closed-first", "OK", check_dmabuf(&e, fd));
	close(fd);
	free(e.wanted);
}

int cmd_prime_export(struct options *opt)
{
	export_and_share(opt);
	close_handle_first(opt);
	close_card_first(opt);
	return expect_result();
}

static const struct import_case {
	const char *name, *allowed;
	/* relative to what the sample needs */
	int bytes_more, pitch_more;
	uint32_t offset;
} import_cases[] = {
	{ "udmabuf-exact", "OK", 0, 0, 0 },
	{ "udmabuf-larger", "OK|EINVAL", 16 * PAGE, 0, 0 },
	{ "udmabuf-too-small", "EINVAL", -16 * PAGE, 0, 0 },
	{ "udmabuf-offset-page", "OK", 16 * PAGE, 0, PAGE },
	{ "udmabuf-offset-4", "OK", 16 * PAGE, 0, 4 },
	{ "udmabuf-pitch-odd", "OK", 16 * PAGE, 1, 0 },
	{ "udmabuf-pitch-half-words", "OK", 16 * PAGE, 2, 0 },
	{ "udmabuf-pitch-too-small", "EINVAL", 16 * PAGE, -4, 0 },
};

static int try_import(struct kms *kms, const struct import_case *c)
{
	const struct format *fmt = format_by_name("XR24");
	uint32_t pitch = wire_pitch(fmt, sample.w);
	struct source src = make_udmabuf((uint64_t)pitch * sample.h + c->bytes_more);
	uint32_t handles[4] = { 0 }, pitches[4] = { pitch + c->pitch_more };
	uint32_t offsets[4] = { c->offset }, fb = 0;
	int ret;

	ret = prime_import(kms, src.fd, &handles[0]);
	if (!ret) {
		ret = drmModeAddFB2(kms->fd, sample.w, sample.h, fmt->fourcc,
				    handles, pitches, offsets, &fb, 0);
		drmCloseBufferHandle(kms->fd, handles[0]);
	}
	if (fb)
		must(drmModeRmFB(kms->fd, fb), "%s: DRM_IOCTL_MODE_RMFB", c->name);
	source_close(&src);
	return ret;
}

int cmd_prime_bad(struct options *opt)
{
	int memfd = memfd_create("kmspaint", MFD_CLOEXEC);
	struct kms kms;
	uint32_t handle;

	open_card(&kms, opt);
	for (size_t i = 0; i < ARRAY_SIZE(import_cases); i++)
		expect(import_cases[i].name, import_cases[i].allowed,
		       try_import(&kms, &import_cases[i]));
	expect("no-dma-buf", "EINVAL", prime_import(&kms, memfd, &handle));
	expect("no-file", "EBADF", prime_import(&kms, -1, &handle));
	close(memfd);
	kms_close(&kms);
	return expect_result();
}
