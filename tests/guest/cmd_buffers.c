// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Commands about buffers and framebuffers without a picture. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <drm_fourcc.h>

#include "kmspaint.h"

static const struct format *format_of_bpp(uint32_t bpp)
{
	switch (bpp) {
	case 16:
		return format_by_name("RG16");
	case 24:
		return format_by_name("RG24");
	case 32:
		return format_by_name("XR24");
	}
	die("bpp %u, expected 16, 24 or 32", bpp);
}

int cmd_churn(struct options *opt)
{
	uint32_t count = parse_number(opt->args[0], "N");
	struct size size = parse_size(opt->args[1], "size");
	const struct format *fmt =
		format_of_bpp(parse_number(opt->args[2], "BPP"));
	uint64_t start = now_ns();
	struct buffer buf;
	struct kms kms;

	open_card(&kms, opt);
	for (uint32_t i = 0; i < count; i++) {
		must(dumb_create(&kms, &buf, size.w, size.h, fmt->bpp),
		     "round %u: DRM_IOCTL_MODE_CREATE_DUMB", i);
		must(fb_add(&kms, &buf, fmt, size.w, size.h),
		     "round %u: DRM_IOCTL_MODE_ADDFB2", i);
		must(fb_remove(&kms, &buf), "round %u: DRM_IOCTL_MODE_RMFB", i);
		must(dumb_destroy(&kms, &buf),
		     "round %u: DRM_IOCTL_MODE_DESTROY_DUMB", i);
	}
	printf("churned count=%u seconds=%.3f\n", count,
	       (now_ns() - start) / 1e9);
	kms_close(&kms);
	return 0;
}

#define MAX_BUFFERS	100000
/* Memory that `exhaust` leaves free. */
#define FLOOR_MIB	32

static unsigned long available_mib(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	unsigned long kib = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %lu", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib / 1024;
}

struct round {
	unsigned int count;
	const char *step;
	int error;
};

static struct round use_up(struct kms *kms, struct buffer *bufs, struct size size)
{
	const struct format *fmt = format_by_name("XR24");
	struct round round = { .step = "limit" };

	for (; round.count < MAX_BUFFERS; round.count++) {
		struct buffer *buf = &bufs[round.count];

		/* the out-of-memory killer must not end what looks for an error */
		if (available_mib() < FLOOR_MIB) {
			round.step = "floor";
			break;
		}
		round.step = "create_dumb";
		round.error = dumb_create(kms, buf, size.w, size.h, fmt->bpp);
		if (round.error)
			break;
		round.step = "addfb2";
		round.error = fb_add(kms, buf, fmt, size.w, size.h);
		if (round.error) {
			must(dumb_destroy(kms, buf),
			     "DRM_IOCTL_MODE_DESTROY_DUMB after a failed ADDFB2");
			break;
		}
	}
	for (unsigned int i = 0; i < round.count; i++)
		must(dumb_destroy(kms, &bufs[i]),
		     "buffer %u: DRM_IOCTL_MODE_DESTROY_DUMB", i);
	return round;
}

static void print_round(int n, const struct round *round)
{
	printf("round=%d count=%u step=%s errno=%s\n", n, round->count,
	       round->step, err_name(round->error));
	fflush(stdout);
}

static bool nearly_all(const struct round *now, const struct round *first)
{
	return now->count + 1 + first->count / 50 >= first->count;
}

/*
 * What was given back must be there again, though not at once: a driver may
 * have to wait for the other end before it frees.
 */
int cmd_exhaust(struct options *opt)
{
	struct size size = parse_size(opt->args[0], "size");
	struct buffer *bufs = calloc(MAX_BUFFERS, sizeof(*bufs));
	struct round first, again;
	uint64_t start;
	struct kms kms;
	int n = 2;

	if (!bufs)
		die("no memory for %d buffers", MAX_BUFFERS);
	open_card(&kms, opt);
	first = use_up(&kms, bufs, size);
	print_round(1, &first);
	start = now_ns();
	for (;;) {
		again = use_up(&kms, bufs, size);
		print_round(n++, &again);
		if (nearly_all(&again, &first) ||
		    now_ns() - start > opt->timeout_ms * 1000000ull)
			break;
		sleep(1);
	}
	kms_close(&kms);
	free(bufs);
	if (!first.error || !again.error)
		die("no error after %u and %u buffers; at most %d are tried, and %d MiB stay free",
		    first.count, again.count, MAX_BUFFERS, FLOOR_MIB);
	if (!first.count)
		die("not a single buffer: %s", err_name(first.error));
	if (!nearly_all(&again, &first))
		die("the last round got %u buffers, expected nearly %u",
		    again.count, first.count);
	return 0;
}

#define SIDE 256
#define XRGB DRM_FORMAT_XRGB8888

/* A framebuffer in a dumb buffer of SIDE x SIDE pixels of 32 bits. */
static const struct fb_case {
	const char *name, *allowed;
	uint32_t width, height, format, pitch, offset, flags;
	uint64_t modifier;
} fb_cases[] = {
	{ "control", "OK", SIDE, SIDE, XRGB, 4 * SIDE, 0, 0, 0 },
	{ "smaller", "OK", 128, 64, XRGB, 4 * SIDE, 0, 0, 0 },
	{ "pitch-too-small", "EINVAL", SIDE, 64, XRGB, 4 * SIDE - 4, 0, 0, 0 },
	{ "pitch-0", "EINVAL", SIDE, 64, XRGB, 0, 0, 0, 0 },
	{ "pitch-odd", "OK", 128, 64, XRGB, 4 * SIDE + 1, 0, 0, 0 },
	{ "pitch-half-words", "OK", 128, 64, XRGB, 4 * SIDE - 2, 0, 0, 0 },
	{ "pitch-beyond-buffer", "EINVAL", SIDE, SIDE, XRGB, 8 * SIDE, 0, 0, 0 },
	{ "pitch-65536", "EINVAL", SIDE, SIDE, XRGB, 65536, 0, 0, 0 },
	{ "pitch-max", "EINVAL|ERANGE", SIDE, SIDE, XRGB, ~3u, 0, 0, 0 },
	{ "offset-4", "OK", 128, 64, XRGB, 4 * SIDE, 4, 0, 0 },
	{ "offset-page", "OK", 128, 64, XRGB, 4 * SIDE, 4096, 0, 0 },
	{ "offset-beyond-buffer", "EINVAL", 128, 64, XRGB, 4 * SIDE, 4 * SIDE * SIDE, 0, 0 },
	{ "offset-max", "EINVAL|ERANGE", 128, 64, XRGB, 4 * SIDE, ~3u, 0, 0 },
	{ "too-high", "EINVAL", SIDE, SIDE + 1, XRGB, 4 * SIDE, 0, 0, 0 },
	{ "zero-width", "EINVAL", 0, SIDE, XRGB, 4 * SIDE, 0, 0, 0 },
	{ "zero-height", "EINVAL", SIDE, 0, XRGB, 4 * SIDE, 0, 0, 0 },
	{ "width-max", "EINVAL|ERANGE", ~0u, 1, XRGB, 4 * SIDE, 0, 0, 0 },
	{ "height-max", "EINVAL|ERANGE", 1, ~0u, XRGB, 4 * SIDE, 0, 0, 0 },
	{ "modifier-tiled", "EINVAL", SIDE, SIDE, XRGB, 4 * SIDE, 0,
	  DRM_MODE_FB_MODIFIERS, I915_FORMAT_MOD_X_TILED },
	{ "modifier-without-flag", "EINVAL", SIDE, SIDE, XRGB, 4 * SIDE, 0,
	  0, I915_FORMAT_MOD_X_TILED },
	{ "flags-unknown", "EINVAL", SIDE, SIDE, XRGB, 4 * SIDE, 0, 0x80, 0 },
	{ "format-0", "EINVAL", SIDE, SIDE, 0, 4 * SIDE, 0, 0, 0 },
	{ "format-c8", "EINVAL", SIDE, SIDE, DRM_FORMAT_C8, 4 * SIDE, 0, 0, 0 },
	{ "format-64-bit", "EINVAL", 128, SIDE, DRM_FORMAT_XRGB16161616F, 4 * SIDE, 0, 0, 0 },
	{ "format-big-endian", "EINVAL", SIDE, SIDE,
	  XRGB | DRM_FORMAT_BIG_ENDIAN, 4 * SIDE, 0, 0, 0 },
};

static int try_fb(struct kms *kms, uint32_t handle, const struct fb_case *c)
{
	uint32_t handles[4] = { handle }, pitches[4] = { c->pitch };
	uint32_t offsets[4] = { c->offset }, fb = 0;
	uint64_t modifiers[4] = { c->modifier };
	int ret;

	ret = drmModeAddFB2WithModifiers(kms->fd, c->width, c->height, c->format,
					 handles, pitches, offsets, modifiers,
					 &fb, c->flags);
	if (!ret)
		must(drmModeRmFB(kms->fd, fb), "%s: DRM_IOCTL_MODE_RMFB", c->name);
	return ret;
}

static int try_planes(struct kms *kms, uint32_t format, uint32_t first,
		      uint32_t second)
{
	uint32_t handles[4] = { first, second };
	uint32_t pitches[4] = { 4 * SIDE, second ? 4 * SIDE : 0 };
	uint32_t offsets[4] = { 0, second ? 2 * SIDE * SIDE : 0 }, fb = 0;
	int ret;

	ret = drmModeAddFB2(kms->fd, 64, 64, format, handles, pitches, offsets,
			    &fb, 0);
	if (!ret)
		must(drmModeRmFB(kms->fd, fb), "DRM_IOCTL_MODE_RMFB");
	return ret;
}

static void try_linear_modifier(struct kms *kms, uint32_t handle)
{
	const struct fb_case linear = {
		"modifier-linear", "", SIDE, SIDE, DRM_FORMAT_XRGB8888, 4 * SIDE,
		0, DRM_MODE_FB_MODIFIERS, DRM_FORMAT_MOD_LINEAR
	};
	uint64_t known = 0;

	drmGetCap(kms->fd, DRM_CAP_ADDFB2_MODIFIERS, &known);
	expect(linear.name, known ? "OK" : "EINVAL", try_fb(kms, handle, &linear));
}

#define REFUSED "EINVAL|ENOMEM|ENOSPC|E2BIG|EFBIG|ERANGE|EOVERFLOW"

static const struct dumb_case {
	const char *name, *allowed;
	uint32_t width, height, bpp;
} dumb_cases[] = {
	{ "dumb-control", "OK", 64, 64, 32 },
	{ "dumb-2^27x1", "OK|" REFUSED, 1u << 27, 1, 32 },
	{ "dumb-1x2^27", "OK|" REFUSED, 1, 1u << 27, 32 },
	/* lines of a page each, around what 16 bits can count */
	{ "dumb-65535-pages", "OK|" REFUSED, 1024, 65535, 32 },
	{ "dumb-65536-pages", "OK|" REFUSED, 1024, 65536, 32 },
	{ "dumb-65537-pages", "OK|" REFUSED, 1024, 65537, 32 },
	{ "dumb-2^27x1x8", "OK|" REFUSED, 1u << 27, 1, 8 },
	{ "dumb-2^27x1x16", "OK|" REFUSED, 1u << 27, 1, 16 },
	{ "dumb-2^27x2^27", REFUSED, 1u << 27, 1u << 27, 32 },
	{ "dumb-65536x65536", REFUSED, 65536, 65536, 32 },
	{ "dumb-4-gib-less-a-page", REFUSED, 32768, 32767, 32 },
	{ "dumb-max", REFUSED, ~0u, ~0u, 32 },
	{ "dumb-width-max", REFUSED, ~0u, 1, 32 },
	{ "dumb-height-max", REFUSED, 1, ~0u, 32 },
	{ "dumb-pitch-2^32", REFUSED, 1u << 30, 1, 32 },
	{ "dumb-size-2^32", REFUSED, 65536, 16384, 32 },
	{ "dumb-size-2^32+64K", REFUSED, 65537, 16384, 32 },
	{ "dumb-zero", "EINVAL", 0, 0, 32 },
	{ "dumb-zero-width", "EINVAL", 0, 64, 32 },
	{ "dumb-zero-height", "EINVAL", 64, 0, 32 },
	{ "dumb-bpp-0", "EINVAL", 64, 64, 0 },
	{ "dumb-bpp-1", "OK|EINVAL", 64, 64, 1 },
	{ "dumb-bpp-7", "EINVAL", 64, 64, 7 },
	{ "dumb-bpp-24", "OK", 64, 64, 24 },
	{ "dumb-bpp-31", "OK|EINVAL", 64, 64, 31 },
	{ "dumb-bpp-33", "EINVAL", 64, 64, 33 },
	{ "dumb-bpp-64", "OK|EINVAL", 64, 64, 64 },
	{ "dumb-bpp-128", "EINVAL", 64, 64, 128 },
	{ "dumb-bpp-2^31", REFUSED, 64, 64, 1u << 31 },
	{ "dumb-bpp-max", "EINVAL", 64, 64, ~0u },
};

/*
 * A buffer must hold what was asked for. A driver that allocates late may give out one
 * that is too large for any display, but it must not make a framebuffer of it.
 */
static void try_dumb(struct kms *kms, const struct dumb_case *c)
{
	struct buffer buf;
	int ret = dumb_create(kms, &buf, c->width, c->height, c->bpp);

	bool holds = !ret && (uint64_t)buf.pitch * c->height <= buf.size;

	expect(c->name, c->allowed, ret || holds ? ret : -EBADMSG);
	if (!ret && c->width > 65536)
		expect("fb-too-wide", REFUSED,
		       fb_add(kms, &buf, format_by_name("XR24"), c->width, 1));
	if (!ret && c->height > 65536)
		expect("fb-too-high", REFUSED,
		       fb_add(kms, &buf, format_by_name("XR24"), 1, c->height));
	if (!ret)
		must(dumb_destroy(kms, &buf), "%s: DRM_IOCTL_MODE_DESTROY_DUMB",
		     c->name);
}

int cmd_badfb(struct options *opt)
{
	struct buffer buf;
	struct kms kms;

	open_card(&kms, opt);
	must(dumb_create(&kms, &buf, SIDE, SIDE, 32),
	     "DRM_IOCTL_MODE_CREATE_DUMB %dx%d bpp 32", SIDE, SIDE);
	for (size_t i = 0; i < ARRAY_SIZE(fb_cases); i++)
		expect(fb_cases[i].name, fb_cases[i].allowed,
		       try_fb(&kms, buf.handle, &fb_cases[i]));
	try_linear_modifier(&kms, buf.handle);
	expect("format-nv12", "EINVAL",
	       try_planes(&kms, DRM_FORMAT_NV12, buf.handle, buf.handle));
	expect("format-yu12", "EINVAL",
	       try_planes(&kms, DRM_FORMAT_YUV420, buf.handle, buf.handle));
	expect("handle-0", "EINVAL", try_planes(&kms, DRM_FORMAT_XRGB8888, 0, 0));
	expect("handle-unknown", "ENOENT",
	       try_planes(&kms, DRM_FORMAT_XRGB8888, 0x7fffffff, 0));
	must(dumb_destroy(&kms, &buf), "DRM_IOCTL_MODE_DESTROY_DUMB");
	for (size_t i = 0; i < ARRAY_SIZE(dumb_cases); i++)
		try_dumb(&kms, &dumb_cases[i]);
	kms_close(&kms);
	return expect_result();
}
