// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Commands that put the pattern on connectors. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stage.h"

static struct stage stages[MAX_HEADS];

static void flip_to(struct kms *kms, struct stage *stage, struct buffer *buf)
{
	struct head *head = &stage->head;

	must(head_flip(kms, head, buf->fb), "connector %u (id %u): %s, flip %u",
	     head->index, head->connector,
	     kms->atomic ? "DRM_IOCTL_MODE_ATOMIC" : "DRM_IOCTL_MODE_PAGE_FLIP",
	     head->flips + 1);
}

/* Starts the flips that are due; returns whether any is under way. */
static bool flip_stages(struct kms *kms, const struct options *opt,
			unsigned int count)
{
	bool busy = false;

	for (unsigned int i = 0; i < count; i++) {
		struct head *head = &stages[i].head;
		unsigned int frame = head->flips + 1;

		if (!head->pending && frame <= opt->flips) {
			stage_paint(opt, &stages[i], frame);
			flip_to(kms, &stages[i], &stages[i].buf[frame % stages[i].buffers]);
		}
		busy |= head->pending;
	}
	return busy;
}

static void wait_for_event(struct kms *kms, unsigned int count)
{
	int ret = kms_wait(kms);

	if (!ret)
		return;
	for (unsigned int i = 0; i < count; i++)
		if (stages[i].head.pending)
			must(ret, "connector %u (id %u): event of flip %u",
			     stages[i].head.index, stages[i].head.connector,
			     stages[i].head.flips + 1);
	must(ret, "events");
}

static void print_shown(const struct options *opt, const struct stage *stage,
			uint32_t seed, uint64_t start)
{
	const struct head *head = &stage->head;
	double seconds = head->flips ? (head->flipped_ns - start) / 1e9 : 0;

	printf("shown connector=%u format=%s size=%ux%u fb=%ux%u ", head->index,
	       opt->format->name, head->mode.hdisplay, head->mode.vdisplay,
	       stage->fb.w, stage->fb.h);
	printf("pitch=%u seed=%u flips=%u seconds=%.3f\n", stage->buf[0].pitch,
	       seed, head->flips, seconds);
}

/* One more frame, which may fail: the backend may be away just now. */
static void flip_once_more(struct kms *kms, const struct options *opt,
			   struct stage *stage)
{
	struct head *head = &stage->head;
	const char *step = "page_flip";
	uint64_t start = now_ns();
	unsigned int frame;
	int ret;

	/* the event of a flip that was given up may have come since */
	kms_drain(kms);
	frame = head->flips + 1;
	stage_paint(opt, stage, frame);
	ret = head_flip(kms, head, stage->buf[frame % stage->buffers].fb);
	if (!ret)
		step = "event";
	while (!ret && head->pending)
		ret = kms_wait(kms);
	head->pending = false;
	if (ret)
		printf("failed connector=%u step=%s errno=%s\n", head->index,
		       step, err_name(ret));
	else
		print_shown(opt, stage, opt->seed + head->flips, start);
}

int cmd_show(struct options *opt)
{
	unsigned int count;
	struct kms kms;
	uint64_t start;

	open_card(&kms, opt);
	count = opt->all_connectors ? (unsigned int)kms.res->count_connectors :
				      opt->connector_count;
	if (count > MAX_HEADS)
		die("%u connectors, expected at most %d", count, MAX_HEADS);
	for (unsigned int i = 0; i < count; i++)
		stage_open(&kms, opt, &stages[i],
			   opt->all_connectors ? i : opt->connectors[i],
			   opt->flips || opt->hold ? 2 : 1);
	start = now_ns();
	while (flip_stages(&kms, opt, count))
		wait_for_event(&kms, count);
	for (unsigned int i = 0; i < count; i++)
		print_shown(opt, &stages[i], opt->seed + opt->flips, start);
	while (opt->hold && wait_until_told())
		for (unsigned int i = 0; i < count; i++)
			flip_once_more(&kms, opt, &stages[i]);
	for (unsigned int i = 0; i < count; i++)
		stage_close(&kms, &stages[i]);
	kms_close(&kms);
	return 0;
}

/* One buffer, painted again while it is on the screen, as X does. */
int cmd_front(struct options *opt)
{
	struct stage *stage = &stages[0];
	struct kms kms;
	uint64_t start;

	open_card(&kms, opt);
	stage_open(&kms, opt, stage, opt->connectors[0], 1);
	pattern_paint(stage->buf[0].map, stage->buf[0].pitch, opt->format,
		      stage->fb.w, stage->fb.h, opt->seed + 1);
	start = now_ns();
	if (opt->dirty) {
		drmModeClip clip = { 0, 0, stage->fb.w, stage->fb.h };

		must(drmModeDirtyFB(kms.fd, stage->buf[0].fb, &clip, 1),
		     "connector %u: DRM_IOCTL_MODE_DIRTYFB", stage->head.index);
	}
	if (opt->flip) {
		flip_to(&kms, stage, &stage->buf[0]);
		while (stage->head.pending)
			wait_for_event(&kms, 1);
	}
	print_shown(opt, stage, opt->seed + 1, start);
	if (opt->hold)
		wait_until_told();
	stage_close(&kms, stage);
	kms_close(&kms);
	return 0;
}

/* Flips the two buffers of the stage until something fails; never returns 0. */
static int flip_until_error(struct kms *kms, struct stage *stage)
{
	struct head *head = &stage->head;
	uint64_t last = now_ns(), longest = 0, now;
	const char *step;
	int ret;

	for (;;) {
		step = "page_flip";
		ret = head_flip(kms, head, stage->buf[(head->flips + 1) % stage->buffers].fb);
		if (ret)
			break;
		if (!head->flips) {
			printf("pending connector=%u\n", head->index);
			fflush(stdout);
		}
		step = "event";
		while (!ret && head->pending)
			ret = kms_wait(kms);
		if (ret)
			break;
		now = now_ns();
		if (now - last > longest)
			longest = now - last;
		last = now;
	}
	printf("error step=%s errno=%s elapsed_ms=%llu longest_ms=%llu flips=%u\n", step,
	       err_name(ret), (unsigned long long)(now_ns() - last) / 1000000,
	       (unsigned long long)longest / 1000000, head->flips);
	fflush(stdout);
	return ret;
}

static void touch(struct buffer *buf, uint8_t value)
{
	for (uint64_t i = 0; i < buf->size; i += PAGE)
		((uint8_t *)buf->map)[i] = value;
}

/* A client that stays while its device goes, and must not be harmed by it. */
int cmd_hold_open(struct options *opt)
{
	struct size size = size_or(opt->dumb, (struct size){ 64, 64 });
	struct stage *stage = &stages[0];
	struct buffer late, *buf = &stage->buf[0];
	struct kms kms;

	sigbus_ends();
	open_card(&kms, opt);
	if (opt->modeset || opt->flip_forever)
		stage_open(&kms, opt, stage, opt->connectors[0],
			   opt->flip_forever ? 2 : 1);
	else
		fb_make(&kms, buf, &stage->head, opt->format, size, size);
	touch(buf, 0x55);
	printf("open\n");
	fflush(stdout);
	if (opt->flip_forever) {
		flip_until_error(&kms, stage);
		return 3;
	}
	wait_until_told();
	touch(buf, 0xaa);
	printf("touched bytes=%llu\n", (unsigned long long)buf->size);
	printf("after create_dumb=%s\n",
	       err_name(dumb_create(&kms, &late, 64, 64, 32)));
	kms_close(&kms);
	/* the mapping outlives the file */
	touch(buf, 0x11);
	munmap(buf->map, buf->size);
	printf("closed\n");
	return 0;
}

/* Always has a flip under way; ends by a signal, in the middle of one. */
int cmd_pending_flip(struct options *opt)
{
	struct kms kms;

	open_card(&kms, opt);
	kms.timeout_ms = 0;
	stage_open(&kms, opt, &stages[0], opt->connectors[0], 2);
	flip_until_error(&kms, &stages[0]);
	return 3;
}
