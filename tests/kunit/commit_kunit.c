// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Which task makes a commit, and when the picture that it replaces is given back.
 */

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/jiffies.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <drm/drm_atomic.h>
#include <drm/drm_crtc.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_gem.h>

#include <kunit/test.h>

#include "../../xen_drm_front_commit.h"
#include "../../xen_drm_front_fb.h"
#include "../../xen_drm_front_kms.h"

#include "stage.h"

#define NUM_FLIPS	40

/* --- in the client's task --------------------------------------------------- */

/* It is with the hardware when the request returns: no worker has to run before. */
static void flip_is_sent_by_the_client(struct kunit *test)
{
	struct stage *stage = test->priv;
	struct drm_crtc_commit *commit;

	stage->mute = true;
	KUNIT_ASSERT_EQ(test, stage_flip(stage, 1), 0);
	KUNIT_ASSERT_NOT_NULL(test, stage->pipe->parked);
	commit = stage->pipe->base.crtc.state->commit;
	KUNIT_ASSERT_NOT_NULL(test, commit);
	KUNIT_EXPECT_TRUE(test, completion_done(&commit->hw_done));
	KUNIT_EXPECT_FALSE(test, completion_done(&commit->flip_done));

	stage_land(test, stage);
	KUNIT_EXPECT_TRUE(test, stage_is_shown(stage));
}

/* The one before is on the screen as long as that. */
static void flip_while_another_is_out(struct kunit *test)
{
	struct stage *stage = test->priv;
	struct drm_atomic_commit *parked;

	stage->mute = true;
	KUNIT_ASSERT_EQ(test, stage_flip(stage, 1), 0);
	parked = stage->pipe->parked;
	KUNIT_EXPECT_EQ(test, stage_flip(stage, 2), -EBUSY);
	KUNIT_EXPECT_PTR_EQ(test, stage->pipe->parked, parked);
	KUNIT_EXPECT_EQ(test, drm_framebuffer_read_refcount(stage->pictures[0]), 2);
	KUNIT_EXPECT_EQ(test, drm_framebuffer_read_refcount(stage->pictures[2]), 1);

	stage_land(test, stage);
	KUNIT_ASSERT_TRUE(test, stage_is_shown(stage));
	KUNIT_EXPECT_EQ(test, stage_flip(stage, 2), 0);
}

static void next_flip_gives_back(struct kunit *test)
{
	struct stage *stage = test->priv;

	disable_delayed_work_sync(&stage->display->commit_work);
	KUNIT_ASSERT_EQ(test, stage_flip(stage, 1), 0);
	KUNIT_ASSERT_TRUE(test, stage_is_shown(stage));
	KUNIT_EXPECT_EQ(test, drm_framebuffer_read_refcount(stage->pictures[0]), 2);

	KUNIT_ASSERT_EQ(test, stage_flip(stage, 2), 0);
	KUNIT_EXPECT_EQ(test, drm_framebuffer_read_refcount(stage->pictures[0]), 1);
}

/* A client that shows one more picture, and no other, keeps no memory for it. */
static void work_gives_back(struct kunit *test)
{
	struct stage *stage = test->priv;

	KUNIT_ASSERT_EQ(test, stage_flip(stage, 1), 0);
	KUNIT_EXPECT_TRUE(test, stage_gives_back(stage, 0));
	KUNIT_EXPECT_NULL(test, READ_ONCE(stage->pipe->parked));
}

/* The backend may still read from what it shows. */
static void work_waits_for_the_flip(struct kunit *test)
{
	struct stage *stage = test->priv;

	stage->mute = true;
	KUNIT_ASSERT_EQ(test, stage_flip(stage, 1), 0);
	msleep(LINGER_MS);
	KUNIT_EXPECT_EQ(test, drm_framebuffer_read_refcount(stage->pictures[0]), 2);
	KUNIT_EXPECT_NOT_NULL(test, READ_ONCE(stage->pipe->parked));

	stage_land(test, stage);
	KUNIT_EXPECT_TRUE(test, stage_gives_back(stage, 0));
}

/* --- with few interrupts ---------------------------------------------------- */

/* A slow machine may need some more, since only early events count. */
static bool stage_becomes_quiet(struct kunit *test, struct stage *stage)
{
	unsigned int i;

	for (i = 0; i < 100 && !READ_ONCE(stage->lb->chan->evt_masked); i++)
		stage_expect_flip(test, stage, 1 + i % 2);
	return stage->lb->chan->evt_masked;
}

/* Few interrupts tell of what a backend shows at once; the vblank finds it in time. */
static void prompt_backend(struct kunit *test)
{
	struct stage *stage = test->priv;
	struct xen_drm_flip *flip = &stage->pipe->flip;
	unsigned int i, before, in_time = 0;

	KUNIT_ASSERT_TRUE(test, stage_becomes_quiet(test, stage));
	before = stage->lb->event_interrupts;
	for (i = 0; i < NUM_FLIPS; i++) {
		stage_expect_flip(test, stage, i % 2);
		/* Timers of the tests' kernel come with jiffies. */
		in_time += ktime_sub(ktime_get(), flip->latest_vblank) < TICK_NSEC;
	}
	/* All, but for a machine that is late now and then. */
	KUNIT_EXPECT_LT(test, stage->lb->event_interrupts - before, NUM_FLIPS / 4);
	KUNIT_EXPECT_GT(test, in_time, NUM_FLIPS / 2);
}

/* One that does not must be heard as soon as it has shown it. */
static void backend_that_becomes_slow(struct kunit *test)
{
	struct stage *stage = test->priv;

	KUNIT_ASSERT_TRUE(test, stage_becomes_quiet(test, stage));
	stage->mute = true;
	KUNIT_ASSERT_EQ(test, stage_flip(stage, 0), 0);
	msleep(LINGER_MS);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(stage->lb->chan->evt_masked));

	stage_land(test, stage);
	KUNIT_EXPECT_TRUE(test, stage_is_shown(stage));
}

/* An idle desktop costs no timer, and hears the backend. */
static void vblanks_end(struct kunit *test)
{
	struct stage *stage = test->priv;
	const bool *ticking = &stage->pipe->flip.ticking;
	const bool *masked = &stage->lb->chan->evt_masked;

	KUNIT_ASSERT_TRUE(test, stage_becomes_quiet(test, stage));
	KUNIT_EXPECT_TRUE(test, stage_sees(!READ_ONCE(*ticking) && !READ_ONCE(*masked)));
	KUNIT_EXPECT_FALSE(test, READ_ONCE(*ticking));
	KUNIT_EXPECT_FALSE(test, READ_ONCE(*masked));
}

/* --- in a worker ------------------------------------------------------------ */

/* A device that draws for some time. */
struct drawing {
	struct dma_fence fence;
	/* @lock: for @fence */
	spinlock_t lock;
	struct delayed_work end;
};

static const char *drawing_name(struct dma_fence *fence)
{
	return "drawing";
}

static void drawing_release(struct dma_fence *fence)
{
	/* The test frees it. */
}

static const struct dma_fence_ops drawing_ops = {
	.get_driver_name = drawing_name,
	.get_timeline_name = drawing_name,
	.release = drawing_release,
};

static void drawing_end(struct work_struct *work)
{
	struct drawing *drawing = container_of(to_delayed_work(work), struct drawing, end);

	dma_fence_signal(&drawing->fence);
}

static struct drawing *stage_draw(struct kunit *test, struct stage *stage,
				  unsigned int picture)
{
	struct dma_resv *resv = stage->pictures[picture]->obj[0]->resv;
	struct drawing *drawing = kunit_kzalloc(test, sizeof(*drawing), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, drawing);
	spin_lock_init(&drawing->lock);
	INIT_DELAYED_WORK(&drawing->end, drawing_end);
	dma_fence_init(&drawing->fence, &drawing_ops, &drawing->lock,
		       dma_fence_context_alloc(1), 1);

	KUNIT_ASSERT_EQ(test, dma_resv_lock(resv, NULL), 0);
	KUNIT_ASSERT_EQ(test, dma_resv_reserve_fences(resv, 1), 0);
	dma_resv_add_fence(resv, &drawing->fence, DMA_RESV_USAGE_WRITE);
	dma_resv_unlock(resv);
	schedule_delayed_work(&drawing->end, msecs_to_jiffies(LINGER_MS));
	return drawing;
}

/* The client does not wait for whoever draws into it, and the backend gets it later. */
static void picture_with_a_fence(struct kunit *test)
{
	struct stage *stage = test->priv;
	struct drawing *drawing = stage_draw(test, stage, 1);

	stage->mute = true;
	KUNIT_EXPECT_EQ(test, stage_flip(stage, 1), 0);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(&drawing->fence));
	KUNIT_EXPECT_FALSE(test, READ_ONCE(stage->flies));

	flush_delayed_work(&drawing->end);
	stage_land(test, stage);
	KUNIT_EXPECT_TRUE(test, stage_gives_back(stage, 0));
}

/* Whoever draws may wait for the end of this very commit. */
static void picture_that_is_drawn_into(struct kunit *test)
{
	struct stage *stage = test->priv;
	struct drawing *drawing = stage_draw(test, stage, 1);

	KUNIT_EXPECT_EQ(test, xen_drm_fb_begin_read(stage->pictures[1]), -EBUSY);
	flush_delayed_work(&drawing->end);
	KUNIT_EXPECT_EQ(test, xen_drm_fb_begin_read(stage->pictures[1]), 0);
}

/* The mode goes first, which the helpers' way sends. */
static void flip_on_a_dark_pipe(struct kunit *test)
{
	struct stage *stage = test->priv;

	xen_drm_kms_leave(stage->display);
	KUNIT_EXPECT_EQ(test, stage_flip(stage, 1), 0);
	KUNIT_EXPECT_NULL(test, READ_ONCE(stage->pipe->parked));
	KUNIT_EXPECT_TRUE(test, stage_is_shown(stage));
	KUNIT_EXPECT_TRUE(test, stage_gives_back(stage, 0));
}

/* The connection goes before the event comes: the vblank ends the flip. */
static void backend_leaves_while_a_flip_is_out(struct kunit *test)
{
	struct stage *stage = test->priv;

	stage->mute = true;
	KUNIT_ASSERT_EQ(test, stage_flip(stage, 1), 0);
	xen_drm_kms_leave(stage->display);
	KUNIT_EXPECT_TRUE(test, stage_is_shown(stage));
	KUNIT_EXPECT_TRUE(test, stage_gives_back(stage, 0));
}

/* --- the end ---------------------------------------------------------------- */

static void end_finishes_all(struct kunit *test)
{
	struct stage *stage = test->priv;

	KUNIT_ASSERT_EQ(test, stage_flip(stage, 1), 0);
	xen_drm_commit_end(stage->display);
	KUNIT_EXPECT_NULL(test, stage->pipe->parked);
	KUNIT_EXPECT_EQ(test, drm_framebuffer_read_refcount(stage->pictures[0]), 1);
}

/* A commit that was under way when the display was unplugged. */
static void flip_after_the_end(struct kunit *test)
{
	struct stage *stage = test->priv;

	xen_drm_commit_end(stage->display);
	KUNIT_EXPECT_EQ(test, stage_flip(stage, 1), 0);
	KUNIT_EXPECT_NULL(test, stage->pipe->parked);
	KUNIT_EXPECT_EQ(test, drm_framebuffer_read_refcount(stage->pictures[0]), 1);
}

static struct kunit_case commit_cases[] = {
	KUNIT_CASE(flip_is_sent_by_the_client),
	KUNIT_CASE(flip_while_another_is_out),
	KUNIT_CASE(next_flip_gives_back),
	KUNIT_CASE(work_gives_back),
	KUNIT_CASE(work_waits_for_the_flip),
	KUNIT_CASE(prompt_backend),
	KUNIT_CASE(backend_that_becomes_slow),
	KUNIT_CASE(vblanks_end),
	KUNIT_CASE(picture_with_a_fence),
	KUNIT_CASE(picture_that_is_drawn_into),
	KUNIT_CASE(flip_on_a_dark_pipe),
	KUNIT_CASE(backend_leaves_while_a_flip_is_out),
	KUNIT_CASE(end_finishes_all),
	KUNIT_CASE(flip_after_the_end),
	{}
};

static struct kunit_suite commit_suite = {
	.name = "xen_drm_front_commit",
	.init = stage_init,
	.exit = stage_exit,
	.test_cases = commit_cases,
};

kunit_test_suite(commit_suite);
