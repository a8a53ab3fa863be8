// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <signal.h>
#include <unistd.h>

#include "stage.h"

struct size size_or(struct size size, struct size other)
{
	return size.w ? size : other;
}

void stage_paint(const struct options *opt, struct stage *stage, unsigned int k)
{
	struct buffer *buf = &stage->buf[k % stage->buffers];

	pattern_paint(buf->map, buf->pitch, opt->format, stage->fb.w,
		      stage->fb.h, opt->seed + k);
}

void stage_open(struct kms *kms, const struct options *opt, struct stage *stage,
		unsigned int connector, unsigned int buffers)
{
	struct head *head = &stage->head;
	struct size mode;

	head_init(kms, head, connector);
	mode = (struct size){ head->mode.hdisplay, head->mode.vdisplay };
	stage->fb = size_or(opt->fb, mode);
	stage->buffers = buffers;
	for (unsigned int i = 0; i < buffers; i++)
		fb_make(kms, &stage->buf[i], head, opt->format,
			size_or(opt->dumb, stage->fb), stage->fb);
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
