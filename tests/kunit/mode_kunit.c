// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Modes that are answered late or refused, and pictures that the backend refuses.
 */

#include <linux/delay.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <drm/drm_crtc.h>
#include <drm/drm_framebuffer.h>

#include <kunit/test.h>

#include "../../xen_drm_front_fb.h"
#include "../../xen_drm_front_kms.h"
#include "../../xen_drm_front_share.h"

#include "stage.h"

/* --- refused pictures ------------------------------------------------------- */

/* A new backend may refuse what the former one has taken. Here, it refuses picture 1. */
static void picture_that_was_refused(struct kunit *test)
{
	struct stage *stage = test->priv;

	WRITE_ONCE(xen_drm_fb_from_drm(stage->pictures[1])->told, 0);
	KUNIT_EXPECT_FALSE(test, stage_link_is_bad(stage));
	stage_expect_flip(test, stage, 1);
	KUNIT_EXPECT_TRUE(test, stage_link_is_bad(stage));
	KUNIT_EXPECT_EQ(test, stage->pipe->flip.core.state, XEN_DRM_FLIP_DARK);

	/* The next one needs no modeset of the client. */
	stage_expect_flip(test, stage, 2);
	KUNIT_EXPECT_NE(test, stage->pipe->flip.core.state, XEN_DRM_FLIP_DARK);
}

/* The backend has been silent, so that it does not know picture 1 yet. */
static void picture_that_was_not_told(struct kunit *test)
{
	struct stage *stage = test->priv;
	struct xen_drm_fb *fb = xen_drm_fb_from_drm(stage->pictures[1]);

	WRITE_ONCE(fb->told, 0);
	WRITE_ONCE(fb->tried, 0);
	stage_expect_flip(test, stage, 1);
	KUNIT_EXPECT_FALSE(test, stage_link_is_bad(stage));
	KUNIT_EXPECT_EQ(test, stage->pipe->flip.core.state, XEN_DRM_FLIP_DARK);
}

/* The pipe becomes dark later, and user space is told of it all the same. */
static void refused_picture_after_damage(struct kunit *test)
{
	struct stage *stage = test->priv;
	struct drm_framebuffer *fb = stage->pictures[0];

	WRITE_ONCE(xen_drm_fb_from_drm(stage->pictures[1])->told, 0);
	stage->mute = true;
	KUNIT_ASSERT_EQ(test, fb->funcs->dirty(fb, NULL, 0, 0, NULL, 0), 0);
	KUNIT_ASSERT_EQ(test, stage_flip(stage, 1), 0);
	stage_land(test, stage);
	KUNIT_ASSERT_TRUE(test, stage_is_shown(stage));
	KUNIT_EXPECT_TRUE(test, stage_link_is_bad(stage));
}

/* Each modeset tries anew, and its outcome is told. */
static void refused_picture_after_a_modeset(struct kunit *test)
{
	struct stage *stage = test->priv;

	WRITE_ONCE(xen_drm_fb_from_drm(stage->pictures[1])->told, 0);
	stage_expect_flip(test, stage, 1);
	KUNIT_EXPECT_TRUE(test, stage_link_is_bad(stage));
	KUNIT_ASSERT_EQ(test, stage_set(stage, NULL, NULL), 0);
	stage_light(test, stage);
	KUNIT_EXPECT_FALSE(test, stage_link_is_bad(stage));
	stage_expect_flip(test, stage, 1);
	KUNIT_EXPECT_TRUE(test, stage_link_is_bad(stage));
}

/* The client has shown it once, and does nothing any more. */
static void flip_that_is_refused_often(struct kunit *test)
{
	struct stage *stage = test->priv;
	struct xen_drm_flip *flip = &stage->pipe->flip;

	WRITE_ONCE(stage->refusals, 4);
	stage_expect_flip(test, stage, 1);
	KUNIT_EXPECT_TRUE(test, stage_sees(READ_ONCE(flip->retry_gap) == HZ));
	KUNIT_EXPECT_TRUE(test, stage_sees(READ_ONCE(flip->retry_gap) == 2 * HZ));
	KUNIT_EXPECT_EQ(test, flip->stats.refused, 4);
	KUNIT_EXPECT_TRUE(test, stage_sees(!READ_ONCE(flip->retry_gap)));
	KUNIT_EXPECT_EQ(test, flip->stats.refused, 4);
}

/* --- modes ------------------------------------------------------------------ */

/* Off and on again, by a client that waits, and is held up for some vblanks only. */
static void stage_set_slowly(struct kunit *test, struct stage *stage)
{
	const struct drm_display_mode *mode = stage_mode(test, stage);

	KUNIT_ASSERT_EQ(test, stage_set(stage, NULL, NULL), 0);
	WRITE_ONCE(stage->slow, true);
	KUNIT_ASSERT_EQ(test, stage_set(stage, mode, stage->pictures[0]), 0);
	KUNIT_EXPECT_EQ(test, stage->pipe->flip.core.state, XEN_DRM_FLIP_SETTING);
	KUNIT_EXPECT_EQ(test, stage->pipe->flip.core.held, XEN_DRM_FLIP_MAX_HELD);
}

/* What was shown meanwhile follows as soon as the backend can show it. */
static void slow_mode(struct kunit *test)
{
	struct stage *stage = test->priv;

	stage_set_slowly(test, stage);
	stage_expect_flip(test, stage, 1);
	KUNIT_EXPECT_EQ(test, stage->pipe->flip.core.state, XEN_DRM_FLIP_SETTING);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(stage->flies));

	WRITE_ONCE(stage->mute, true);
	stage_answer_mode(test, stage, 0, 0);
	stage_land(test, stage);
	KUNIT_EXPECT_EQ(test, stage->out.op.pg_flip.fb_cookie,
			xen_drm_fb_from_drm(stage->pictures[1])->cookie);
	KUNIT_EXPECT_TRUE(test, stage_comes_to(stage, XEN_DRM_FLIP_IDLE));
	KUNIT_EXPECT_FALSE(test, stage_link_is_bad(stage));
}

/* User space is told, however late it is. */
static void mode_that_is_refused_late(struct kunit *test)
{
	struct stage *stage = test->priv;

	stage_set_slowly(test, stage);
	stage_answer_mode(test, stage, 0, -EINVAL);
	KUNIT_EXPECT_TRUE(test, stage_comes_to(stage, XEN_DRM_FLIP_DARK));
	/* The link work is queued a moment after that. */
	KUNIT_EXPECT_TRUE(test, stage_sees(stage_link_is_bad(stage)));

	/* It is not tried again before the client does. */
	stage_expect_flip(test, stage, 1);
	KUNIT_EXPECT_EQ(test, stage->pipe->flip.core.state, XEN_DRM_FLIP_DARK);
	KUNIT_ASSERT_EQ(test, stage_set(stage, NULL, NULL), 0);
	stage_light(test, stage);
	KUNIT_EXPECT_NE(test, stage->pipe->flip.core.state, XEN_DRM_FLIP_DARK);
}

/* The event of a mode says that the picture is out, so it waits for the answer. */
static void flip_while_a_mode_is_out(struct kunit *test)
{
	struct stage *stage = test->priv;
	struct xen_drm_flip *flip = &stage->pipe->flip;
	unsigned long flags;

	stage_set_slowly(test, stage);
	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	flip->core.held = 0;
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
	KUNIT_ASSERT_EQ(test, stage_flip(stage, 1), 0);
	KUNIT_EXPECT_EQ(test, stage_flip(stage, 2), -EBUSY);
	stage_answer_mode(test, stage, 0, 0);
	KUNIT_EXPECT_TRUE(test, stage_is_shown(stage));
	stage_expect_flip(test, stage, 2);
}

/* The answer to a mode that is out of date does no harm. */
static void mode_that_is_switched_off(struct kunit *test)
{
	struct stage *stage = test->priv;

	stage_set_slowly(test, stage);
	stage->num_offs = 0;
	KUNIT_ASSERT_EQ(test, stage_set(stage, NULL, NULL), 0);
	KUNIT_EXPECT_TRUE(test, stage_sees(READ_ONCE(stage->num_offs)));
	KUNIT_EXPECT_EQ(test, stage->num_offs, 1);
	KUNIT_EXPECT_FALSE(test, xen_drm_flip_is_lit(&stage->pipe->flip));
	stage_answer_mode(test, stage, 0, -EINVAL);
	stage_light(test, stage);
	KUNIT_EXPECT_FALSE(test, stage_link_is_bad(stage));
	stage_expect_flip(test, stage, 1);
}

/* A client that ends takes its picture away, and the next one sets the same mode. */
static void mode_of_a_client_that_ends(struct kunit *test)
{
	struct stage *stage = test->priv;

	stage_set_slowly(test, stage);
	KUNIT_ASSERT_EQ(test, stage_hide(stage), 0);
	KUNIT_EXPECT_FALSE(test, xen_drm_flip_is_lit(&stage->pipe->flip));
	stage_answer_mode(test, stage, 0, 0);
	msleep(LINGER_MS);
	KUNIT_EXPECT_EQ(test, stage->pipe->flip.core.state, XEN_DRM_FLIP_DARK);

	stage->num_modes = 0;
	stage_light(test, stage);
	KUNIT_EXPECT_EQ(test, READ_ONCE(stage->num_modes), 1);
	KUNIT_EXPECT_TRUE(test, stage_comes_to(stage, XEN_DRM_FLIP_IDLE));
}

/* Only the answer to the second mode says what the screen shows. */
static void two_modes(struct kunit *test)
{
	struct stage *stage = test->priv;
	struct xen_drm_flip *flip = &stage->pipe->flip;

	stage_set_slowly(test, stage);
	KUNIT_ASSERT_EQ(test, stage_set(stage, NULL, NULL), 0);
	stage_light(test, stage);
	KUNIT_EXPECT_EQ(test, flip->core.state, XEN_DRM_FLIP_SETTING);

	stage_answer_mode(test, stage, 0, -EINVAL);
	msleep(LINGER_MS);
	KUNIT_EXPECT_EQ(test, flip->core.state, XEN_DRM_FLIP_SETTING);
	KUNIT_EXPECT_TRUE(test, xen_drm_flip_is_lit(flip));
	KUNIT_EXPECT_FALSE(test, stage_link_is_bad(stage));
	stage_answer_mode(test, stage, 1, 0);
	KUNIT_EXPECT_TRUE(test, stage_comes_to(stage, XEN_DRM_FLIP_IDLE));
	stage_expect_flip(test, stage, 1);
}

/* Other connectors' requests may have destroyed that picture before the backend came to it. */
static void refused_mode_of_a_former_picture(struct kunit *test)
{
	struct stage *stage = test->priv;

	unsigned int before;

	stage_set_slowly(test, stage);
	stage_expect_flip(test, stage, 1);
	before = atomic_read(&stage->lb->num_answers);
	stage_answer_mode(test, stage, 0, -EINVAL);
	KUNIT_EXPECT_TRUE(test, stage_comes_to(stage, XEN_DRM_FLIP_DARK));
	/* This has the work send the mode, with the picture that the client has shown since. */
	KUNIT_EXPECT_TRUE(test, stage_sees(atomic_read(&stage->lb->num_answers) != before));
	KUNIT_EXPECT_EQ(test, atomic_read(&stage->lb->num_answers), before + 1);
	KUNIT_EXPECT_FALSE(test, stage_link_is_bad(stage));
	KUNIT_EXPECT_EQ(test, xen_drm_kms_show_again(stage->display), 0);
	KUNIT_EXPECT_TRUE(test, stage_comes_to(stage, XEN_DRM_FLIP_IDLE));
}

/* The answer to an older mode comes last; a flip has been waiting for that. */
static void two_modes_the_wrong_way_round(struct kunit *test)
{
	struct stage *stage = test->priv;

	stage_set_slowly(test, stage);
	KUNIT_ASSERT_EQ(test, stage_set(stage, NULL, NULL), 0);
	stage_light(test, stage);
	stage_answer_mode(test, stage, 1, 0);
	KUNIT_EXPECT_TRUE(test, stage_comes_to(stage, XEN_DRM_FLIP_IDLE));
	stage_expect_flip(test, stage, 1);
	KUNIT_EXPECT_EQ(test, stage->pipe->flip.core.state, XEN_DRM_FLIP_STALLED);
	stage_answer_mode(test, stage, 0, 0);
	KUNIT_EXPECT_TRUE(test, stage_comes_to(stage, XEN_DRM_FLIP_IDLE));
}

/* The connection goes before the answer comes. */
static void backend_leaves_while_a_mode_is_out(struct kunit *test)
{
	struct stage *stage = test->priv;

	stage_set_slowly(test, stage);
	xen_drm_kms_leave(stage->display);
	KUNIT_EXPECT_EQ(test, stage->pipe->flip.core.state, XEN_DRM_FLIP_DARK);
	stage_expect_flip(test, stage, 1);
}

static struct kunit_case mode_cases[] = {
	KUNIT_CASE(picture_that_was_refused),
	KUNIT_CASE(picture_that_was_not_told),
	KUNIT_CASE(refused_picture_after_damage),
	KUNIT_CASE(refused_picture_after_a_modeset),
	KUNIT_CASE(flip_that_is_refused_often),
	KUNIT_CASE(slow_mode),
	KUNIT_CASE(mode_that_is_refused_late),
	KUNIT_CASE(flip_while_a_mode_is_out),
	KUNIT_CASE(mode_that_is_switched_off),
	KUNIT_CASE(mode_of_a_client_that_ends),
	KUNIT_CASE(two_modes),
	KUNIT_CASE(refused_mode_of_a_former_picture),
	KUNIT_CASE(two_modes_the_wrong_way_round),
	KUNIT_CASE(backend_leaves_while_a_mode_is_out),
	{}
};

static struct kunit_suite mode_suite = {
	.name = "xen_drm_front_mode",
	.init = stage_init,
	.exit = stage_exit,
	.test_cases = mode_cases,
};

kunit_test_suite(mode_suite);
