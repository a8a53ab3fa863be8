// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Which task makes a commit, and when the picture that it replaces is given back.
 */

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/idr.h>
#include <linux/jiffies.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <drm/drm_atomic.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_crtc.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_gem.h>
#include <drm/drm_modeset_lock.h>

#include <kunit/static_stub.h>
#include <kunit/test-bug.h>
#include <kunit/test.h>

#include "../../xen_drm_front_commit.h"
#include "../../xen_drm_front_fb.h"
#include "../../xen_drm_front_gem.h"
#include "../../xen_drm_front_kms.h"
#include "../../xen_drm_front_pgdir.h"
#include "../../xen_drm_front_pipe.h"

#include "loopback.h"
#include "wire.h"

#define WIDTH		64
#define HEIGHT		48
#define PITCH		(WIDTH * 4)
#define NUM_PICTURES	3
#define NUM_FLIPS	40
/* Longer than the driver lets a finished flip wait. */
#define LINGER_MS	300
/* A watchdog, for an emulated machine. */
#define PATIENCE_MS	10000

/* --- a display that shows pictures ------------------------------------------ */

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
	/* @slow: whether the backend keeps the answer to a mode back */
	bool slow;
	/* @mode: the mode whose answer is kept back, valid if @sets */
	struct xendispl_req mode;
	bool sets;
};

static struct xen_drm_pgdir *stub_grant(domid_t domid, struct page **pages,
					unsigned int num_pages,
					struct xen_drm_backing *backing)
{
	return (struct xen_drm_pgdir *)pages;
}

static grant_ref_t stub_start(const struct xen_drm_pgdir *pgdir)
{
	return 1;
}

static bool stub_is_barred(domid_t domid, unsigned long *deferred, unsigned long *max)
{
	return false;
}

static unsigned int stub_free(struct xen_drm_pgdir *pgdir)
{
	return 0;
}

/* Runs in the thread of the backend. */
static void stage_answer(struct loopback *lb, const struct xendispl_req *req)
{
	struct stage *stage = lb->test->priv;

	if (req->operation == XENDISPL_OP_SET_CONFIG && req->op.set_config.width &&
	    READ_ONCE(stage->slow)) {
		stage->mode = *req;
		/* The mode before what announces it. */
		smp_store_release(&stage->sets, true);
		return;
	}
	if (req->operation == XENDISPL_OP_PG_FLIP && stage->refusals) {
		stage->refusals--;
		loopback_respond(lb, req->id, req->operation, -EIO);
		return;
	}
	loopback_agree(lb, req);
	if (req->operation != XENDISPL_OP_PG_FLIP)
		return;
	if (!READ_ONCE(stage->mute)) {
		loopback_event(lb, req->id, XENDISPL_EVT_PG_FLIP, req->op.pg_flip.fb_cookie);
		return;
	}
	stage->out = *req;
	/* The flip before what announces it. */
	smp_store_release(&stage->flies, true);
}

DEFINE_DRM_GEM_FOPS(stage_fops);

static const struct drm_driver stage_driver = {
	.driver_features = DRIVER_GEM | DRIVER_MODESET | DRIVER_ATOMIC,
	.fops = &stage_fops,
	.name = "xendrm-stage",
	.desc = "commits without Xen",
	.major = 1,
	.gem_create_object = xen_drm_gem_native_create_object,
};

static struct drm_framebuffer *stage_picture(struct kunit *test, struct drm_device *drm)
{
	struct drm_mode_fb_cmd2 cmd = {
		.width = WIDTH,
		.height = HEIGHT,
		.pixel_format = DRM_FORMAT_XRGB8888,
		.pitches = { PITCH },
	};
	struct drm_framebuffer *fb;
	struct drm_gem_object *obj;
	struct drm_file file = { .object_idr = IDR_INIT(file.object_idr) };
	int handle;

	obj = xen_drm_gem_native_create(drm, PAGE_ALIGN(PITCH * HEIGHT));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, obj);

	spin_lock_init(&file.table_lock);
	handle = idr_alloc(&file.object_idr, obj, 1, 0, GFP_KERNEL);
	KUNIT_ASSERT_GT(test, handle, 0);
	cmd.handles[0] = handle;

	fb = drm->mode_config.funcs->fb_create(drm, &file, drm_format_info(cmd.pixel_format),
					       &cmd);
	idr_destroy(&file.object_idr);
	drm_gem_object_put(obj);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fb);
	return fb;
}

static int stage_set(struct stage *stage, const struct drm_display_mode *mode,
		     struct drm_framebuffer *fb)
{
	struct drm_connector *connector = &stage->pipe->connector.base;
	struct drm_mode_set set = {
		.crtc = &stage->pipe->base.crtc,
		.fb = fb,
		.mode = (struct drm_display_mode *)mode,
		.connectors = &connector,
		.num_connectors = mode ? 1 : 0,
	};
	struct drm_device *drm = &stage->display->drm;
	struct drm_modeset_acquire_ctx ctx;
	int ret;

	DRM_MODESET_LOCK_ALL_BEGIN(drm, ctx, 0, ret);
	ret = set.crtc->funcs->set_config(&set, &ctx);
	DRM_MODESET_LOCK_ALL_END(drm, ctx, ret);
	return ret;
}

/* A client's PAGE_FLIP, which does not wait for the picture. */
static int stage_flip(struct stage *stage, unsigned int picture)
{
	struct drm_crtc *crtc = &stage->pipe->base.crtc;
	struct drm_modeset_acquire_ctx ctx;
	int ret;

	DRM_MODESET_LOCK_ALL_BEGIN(crtc->dev, ctx, 0, ret);
	ret = crtc->funcs->page_flip(crtc, stage->pictures[picture], NULL, 0, &ctx);
	DRM_MODESET_LOCK_ALL_END(crtc->dev, ctx, ret);
	return ret;
}

static const struct drm_display_mode *stage_mode(struct kunit *test, struct stage *stage)
{
	struct drm_connector *connector = &stage->pipe->connector.base;
	const struct drm_display_mode *mode;

	mutex_lock(&connector->dev->mode_config.mutex);
	connector->funcs->fill_modes(connector, XEN_DRM_MAX_DIM, XEN_DRM_MAX_DIM);
	mode = list_first_entry_or_null(&connector->modes, struct drm_display_mode, head);
	mutex_unlock(&connector->dev->mode_config.mutex);
	KUNIT_ASSERT_NOT_NULL(test, mode);
	return mode;
}

static void stage_light(struct kunit *test, struct stage *stage)
{
	KUNIT_ASSERT_EQ(test, stage_set(stage, stage_mode(test, stage), stage->pictures[0]), 0);
}

static void stage_join(struct kunit *test, struct stage *stage)
{
	struct xen_drm_edid_query *query;

	stage->link.chan = stage->lb->chan;
	stage->link.version = 1;
	stage->link.number++;
	xen_drm_kms_ask(stage->display, &stage->lb->chan, &stage->link, &query);
	KUNIT_ASSERT_EQ(test, xen_drm_share_join(stage->display, &stage->link), 0);
	xen_drm_kms_join(stage->display, &stage->display->cfg, &stage->lb->chan,
			 &stage->link, &query);
}

static int stage_init(struct kunit *test)
{
	struct stage *stage = kunit_kzalloc(test, sizeof(*stage), GFP_KERNEL);
	struct xen_drm_display *display;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, stage);
	test->priv = stage;
	display = wire_create_display(test, &stage_driver);
	stage->display = display;
	wire_add_connector(test, display, WIDTH, HEIGHT);
	stage->pipe = &display->pipes[0];
	stage->lb = loopback_create(test);

	kunit_activate_static_stub(test, xen_drm_pgdir_grant, stub_grant);
	kunit_activate_static_stub(test, xen_drm_pgdir_start, stub_start);
	kunit_activate_static_stub(test, xen_drm_pgdir_is_barred, stub_is_barred);
	kunit_activate_static_stub(test, xen_drm_pgdir_free, stub_free);
	loopback_start(stage->lb, stage_answer);
	stage_join(test, stage);

	for (i = 0; i < NUM_PICTURES; i++)
		stage->pictures[i] = stage_picture(test, &display->drm);
	stage_light(test, stage);
	return 0;
}

/* The backend shows the picture that it has kept back. */
static void stage_land(struct kunit *test, struct stage *stage)
{
	unsigned int ms;

	/* The flip after what announces it. */
	for (ms = 0; ms < PATIENCE_MS && !smp_load_acquire(&stage->flies); ms++)
		usleep_range(1000, 2000);
	KUNIT_ASSERT_TRUE(test, stage->flies);
	stage->flies = false;
	WRITE_ONCE(stage->mute, false);
	loopback_event(stage->lb, stage->out.id, XENDISPL_EVT_PG_FLIP,
		       stage->out.op.pg_flip.fb_cookie);
}

/* The backend answers the mode whose answer it has kept back. */
static void stage_answer_mode(struct kunit *test, struct stage *stage, s32 status)
{
	unsigned int ms;

	/* The mode after what announces it. */
	for (ms = 0; ms < PATIENCE_MS && !smp_load_acquire(&stage->sets); ms++)
		usleep_range(1000, 2000);
	KUNIT_ASSERT_TRUE(test, stage->sets);
	stage->sets = false;
	WRITE_ONCE(stage->slow, false);
	loopback_respond(stage->lb, stage->mode.id, stage->mode.operation, status);
}

static bool stage_comes_to(struct stage *stage, enum xen_drm_flip_state state)
{
	unsigned int ms;

	for (ms = 0; ms < PATIENCE_MS; ms++) {
		if (READ_ONCE(stage->pipe->flip.core.state) == state)
			return true;
		usleep_range(1000, 2000);
	}
	return false;
}

/* Like unplugging: all is switched off, and nothing is parked any more. */
static void stage_exit(struct kunit *test)
{
	struct stage *stage = test->priv;
	struct xen_drm_display *display;
	unsigned int i;

	if (!stage || !stage->pictures[NUM_PICTURES - 1])
		return;
	display = stage->display;
	if (stage->mute)
		stage_land(test, stage);
	KUNIT_EXPECT_EQ(test, stage_set(stage, NULL, NULL), 0);
	xen_drm_commit_end(display);
	KUNIT_EXPECT_NULL(test, stage->pipe->parked);

	for (i = 0; i < NUM_PICTURES; i++) {
		KUNIT_EXPECT_EQ_MSG(test, drm_framebuffer_read_refcount(stage->pictures[i]), 1,
				    "picture %u", i);
		drm_framebuffer_put(stage->pictures[i]);
	}
	display->release_work.func(&display->release_work);
	xen_drm_kms_leave(display);
	xen_drm_share_leave(display, false);
}

/* Only this test uses the picture any more; it may take some time. */
static bool stage_gives_back(struct stage *stage, unsigned int picture)
{
	unsigned int ms;

	for (ms = 0; ms < PATIENCE_MS; ms++) {
		if (drm_framebuffer_read_refcount(stage->pictures[picture]) == 1)
			return true;
		usleep_range(1000, 2000);
	}
	return false;
}

static bool stage_is_shown(struct stage *stage)
{
	struct drm_crtc_commit *commit = stage->pipe->base.crtc.state->commit;
	unsigned long left = msecs_to_jiffies(PATIENCE_MS);

	return !commit || wait_for_completion_timeout(&commit->flip_done, left);
}

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

static void stage_expect_flip(struct kunit *test, struct stage *stage, unsigned int picture)
{
	KUNIT_ASSERT_EQ(test, stage_flip(stage, picture), 0);
	KUNIT_ASSERT_TRUE(test, stage_is_shown(stage));
}

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
	unsigned int ms;

	KUNIT_ASSERT_TRUE(test, stage_becomes_quiet(test, stage));
	for (ms = 0; ms < PATIENCE_MS && (READ_ONCE(*ticking) || READ_ONCE(*masked)); ms++)
		usleep_range(1000, 2000);
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

static bool stage_link_is_bad(struct stage *stage)
{
	struct xen_drm_connector *connector = &stage->pipe->connector;

	flush_delayed_work(&connector->link_work);
	return connector->base.state->link_status == DRM_MODE_LINK_STATUS_BAD;
}

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

static bool stage_waits_longer(struct stage *stage, unsigned long gap)
{
	unsigned int ms;

	for (ms = 0; ms < PATIENCE_MS; ms++) {
		if (READ_ONCE(stage->pipe->flip.retry_gap) == gap)
			return true;
		usleep_range(1000, 2000);
	}
	return false;
}

/* The client has shown it once, and does nothing any more. */
static void flip_that_is_refused_often(struct kunit *test)
{
	struct stage *stage = test->priv;
	struct xen_drm_flip *flip = &stage->pipe->flip;

	WRITE_ONCE(stage->refusals, 4);
	stage_expect_flip(test, stage, 1);
	KUNIT_EXPECT_TRUE(test, stage_waits_longer(stage, HZ));
	KUNIT_EXPECT_TRUE(test, stage_waits_longer(stage, 2 * HZ));
	KUNIT_EXPECT_EQ(test, flip->stats.refused, 4);
	KUNIT_EXPECT_TRUE(test, stage_waits_longer(stage, 0));
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
	stage_answer_mode(test, stage, 0);
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
	unsigned int ms;

	stage_set_slowly(test, stage);
	stage_answer_mode(test, stage, -EINVAL);
	KUNIT_EXPECT_TRUE(test, stage_comes_to(stage, XEN_DRM_FLIP_DARK));
	/* The link work is queued a moment after that. */
	for (ms = 0; ms < PATIENCE_MS && !stage_link_is_bad(stage); ms++)
		usleep_range(1000, 2000);
	KUNIT_EXPECT_TRUE(test, stage_link_is_bad(stage));

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
	stage_answer_mode(test, stage, 0);
	KUNIT_EXPECT_TRUE(test, stage_is_shown(stage));
	stage_expect_flip(test, stage, 2);
}

/* The answer to a mode that is out of date does no harm. */
static void mode_that_is_switched_off(struct kunit *test)
{
	struct stage *stage = test->priv;

	stage_set_slowly(test, stage);
	KUNIT_ASSERT_EQ(test, stage_set(stage, NULL, NULL), 0);
	KUNIT_EXPECT_FALSE(test, stage->pipe->flip.asked);
	stage_answer_mode(test, stage, -EINVAL);
	stage_light(test, stage);
	KUNIT_EXPECT_FALSE(test, stage_link_is_bad(stage));
	stage_expect_flip(test, stage, 1);
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
	KUNIT_CASE(picture_that_was_refused),
	KUNIT_CASE(picture_that_was_not_told),
	KUNIT_CASE(refused_picture_after_damage),
	KUNIT_CASE(refused_picture_after_a_modeset),
	KUNIT_CASE(flip_that_is_refused_often),
	KUNIT_CASE(slow_mode),
	KUNIT_CASE(mode_that_is_refused_late),
	KUNIT_CASE(flip_while_a_mode_is_out),
	KUNIT_CASE(mode_that_is_switched_off),
	KUNIT_CASE(backend_leaves_while_a_mode_is_out),
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
