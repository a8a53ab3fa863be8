/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * A display that shows pictures, with a backend that answers, is slow or refuses.
 */

#ifndef STAGE_H
#define STAGE_H

#include <linux/iopoll.h>

#include "../../xen_drm_front_pipe.h"

#include "loopback.h"

#define STAGE_WIDTH	64
#define STAGE_HEIGHT	48
#define STAGE_PITCH	(STAGE_WIDTH * 4)
#define NUM_PICTURES	3
#define NUM_SLOW	2
/* Longer than the driver lets a finished flip wait. */
#define LINGER_MS	300
/* A watchdog, for an emulated machine. */
#define PATIENCE_MS	10000
/* Whether something comes to be true in time. */
#define stage_sees(condition) \
	(!poll_timeout_us((void)0, condition, 2000, PATIENCE_MS * USEC_PER_MSEC, false))

struct stage {
	struct loopback *lb;
	struct xen_drm_display *display;
	struct xen_drm_pipe *pipe;
	struct xen_drm_link link;
	struct drm_framebuffer *pictures[NUM_PICTURES];
	/* @mute: whether the backend keeps the event of a flip back */
	bool mute;
	/* @out: the flip whose event is kept back, valid if @flies */
	struct xendispl_req out;
	bool flies;
	/* @refusals: number of flips that the backend is going to refuse */
	unsigned int refusals;
	/* @slow: whether the backend keeps the answers to modes back */
	bool slow;
	/* @modes: modes whose answers are kept back, the first @num_slow */
	struct xendispl_req modes[NUM_SLOW];
	unsigned int num_slow;
	/* @num_modes: number of modes that the backend was sent */
	unsigned int num_modes;
	/* @num_offs: number of times that it was told to switch off */
	unsigned int num_offs;
};

int stage_set(struct stage *stage, const struct drm_display_mode *mode,
	      struct drm_framebuffer *fb);
int stage_flip(struct stage *stage, unsigned int picture);
const struct drm_display_mode *stage_mode(struct kunit *test, struct stage *stage);
void stage_light(struct kunit *test, struct stage *stage);
int stage_init(struct kunit *test);
void stage_land(struct kunit *test, struct stage *stage);
void stage_answer_mode(struct kunit *test, struct stage *stage, unsigned int which,
		       s32 status);
int stage_hide(struct stage *stage);
bool stage_comes_to(struct stage *stage, enum xen_drm_flip_state state);
void stage_exit(struct kunit *test);
bool stage_gives_back(struct stage *stage, unsigned int picture);
bool stage_is_shown(struct stage *stage);
void stage_expect_flip(struct kunit *test, struct stage *stage, unsigned int picture);
bool stage_link_is_bad(struct stage *stage);

#endif
