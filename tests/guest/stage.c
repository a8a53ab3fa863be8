// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "stage.h"

struct size size_or(struct size size, struct size other)
{
	return size.w ? size : other;
}

void stage_paint(const struct options *opt, struct stage *stage, unsigned int k)
{
	struct buffer *buf = &stage->buf[k % stage->buffers];

	pattern_paint((char *)buf->map + buf->offset, buf->pitch, opt->format, stage->fb.w,
		      stage->fb.h, opt->seed + k);
}

/* Buffer @i with its framebuffer, or a framebuffer further down in the first buffer. */
static void stage_make(struct kms *kms, const struct options *opt, struct stage *stage,
		       unsigned int i)
{
	struct buffer *buf = &stage->buf[i];

	if (opt->one_buffer && i) {
		*buf = stage->buf[0];
		buf->offset += i * stage->fb.h * buf->pitch;
	} else {
		buffer_make(kms, buf, &stage->head, opt->format, size_or(opt->dumb, stage->fb));
		buf->offset = opt->offset;
		if (opt->pitch)
			buf->pitch = opt->pitch;
	}
	must(fb_add(kms, buf, opt->format, stage->fb.w, stage->fb.h),
	     "connector %u: DRM_IOCTL_MODE_ADDFB2 %s %ux%u pitch %u offset %u",
	     stage->head.index, opt->format->name, stage->fb.w, stage->fb.h, buf->pitch,
	     buf->offset);
}

void stage_open(struct kms *kms, const struct options *opt, struct stage *stage,
		unsigned int connector, unsigned int buffers)
{
	struct head *head = &stage->head;
	struct size mode;

	head_init(kms, head, connector);
	mode = (struct size){ head->mode.hdisplay, head->mode.vdisplay };
	head->src = opt->src;
	stage->fb = size_or(opt->fb, mode);
	stage->buffers = buffers;
	for (unsigned int i = 0; i < buffers; i++)
		stage_make(kms, opt, stage, i);
	stage_paint(opt, stage, 0);
	must(head_enable(kms, head, stage->buf[0].fb),
	     "connector %u (id %u): %s %ux%u", connector, head->connector,
	     kms->atomic ? "DRM_IOCTL_MODE_ATOMIC modeset" :
	     "DRM_IOCTL_MODE_SETCRTC", mode.w, mode.h);
}

void stage_close(struct kms *kms, struct stage *stage)
{
	unsigned int index = stage->head.index;

	must(head_disable(kms, &stage->head), "connector %u: disable", index);
	for (unsigned int i = 1; i < stage->buffers; i++) {
		if (stage->buf[i].handle != stage->buf[0].handle)
			continue;
		must(fb_remove(kms, &stage->buf[i]), "connector %u: DRM_IOCTL_MODE_RMFB", index);
		memset(&stage->buf[i], 0, sizeof(stage->buf[i]));
	}
	for (unsigned int i = 0; i < stage->buffers; i++)
		must(dumb_destroy(kms, &stage->buf[i]),
		     "connector %u: DRM_IOCTL_MODE_RMFB and _DESTROY_DUMB", index);
}

static void on_sigbus(int sig)
{
	static const char text[] = "error step=touch errno=SIGBUS\n";

	(void)sig;
	if (write(1, text, sizeof(text) - 1) < 0)
		_exit(5);
	_exit(4);
}

void sigbus_ends(void)
{
	signal(SIGBUS, on_sigbus);
}
