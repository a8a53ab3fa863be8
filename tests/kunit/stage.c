// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A display that shows pictures, with a backend that answers, is slow or refuses.
 */

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/idr.h>
#include <linux/jiffies.h>

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
#include <kunit/test.h>

#include "../../xen_drm_front_commit.h"
#include "../../xen_drm_front_gem.h"
#include "../../xen_drm_front_kms.h"
#include "../../xen_drm_front_pgdir.h"

#include "stage.h"
#include "wire.h"

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

	if (req->operation == XENDISPL_OP_SET_CONFIG && req->op.set_config.width) {
		WRITE_ONCE(stage->num_modes, stage->num_modes + 1);
		if (READ_ONCE(stage->slow) && stage->num_slow < NUM_SLOW) {
			stage->modes[stage->num_slow] = *req;
			/* The mode before what announces it. */
			smp_store_release(&stage->num_slow, stage->num_slow + 1);
			return;
		}
	}
	if (req->operation == XENDISPL_OP_PG_FLIP && stage->refusals) {
		stage->refusals--;
		loopback_respond(lb, req->id, req->operation, -EIO);
		return;
	}
	if (req->operation == XENDISPL_OP_SET_CONFIG && !req->op.set_config.width)
		WRITE_ONCE(stage->num_offs, stage->num_offs + 1);
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
		.width = STAGE_WIDTH,
		.height = STAGE_HEIGHT,
		.pixel_format = DRM_FORMAT_XRGB8888,
		.pitches = { STAGE_PITCH },
	};
	struct drm_framebuffer *fb;
	struct drm_gem_object *obj;
	struct drm_file file = { .object_idr = IDR_INIT(file.object_idr) };
	int handle;

	obj = xen_drm_gem_native_create(drm, PAGE_ALIGN(STAGE_PITCH * STAGE_HEIGHT));
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

int stage_set(struct stage *stage, const struct drm_display_mode *mode,
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
int stage_flip(struct stage *stage, unsigned int picture)
{
	struct drm_crtc *crtc = &stage->pipe->base.crtc;
	struct drm_modeset_acquire_ctx ctx;
	int ret;

	DRM_MODESET_LOCK_ALL_BEGIN(crtc->dev, ctx, 0, ret);
	ret = crtc->funcs->page_flip(crtc, stage->pictures[picture], NULL, 0, &ctx);
	DRM_MODESET_LOCK_ALL_END(crtc->dev, ctx, ret);
	return ret;
}

const struct drm_display_mode *stage_mode(struct kunit *test, struct stage *stage)
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

void stage_light(struct kunit *test, struct stage *stage)
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

int stage_init(struct kunit *test)
{
	struct stage *stage = kunit_kzalloc(test, sizeof(*stage), GFP_KERNEL);
	struct xen_drm_display *display;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, stage);
	test->priv = stage;
	display = wire_create_display(test, &stage_driver);
	stage->display = display;
	wire_add_connector(test, display, STAGE_WIDTH, STAGE_HEIGHT);
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
void stage_land(struct kunit *test, struct stage *stage)
{
	/* The flip after what announces it. */
	KUNIT_ASSERT_TRUE(test, stage_sees(smp_load_acquire(&stage->flies)));
	stage->flies = false;
	WRITE_ONCE(stage->mute, false);
	loopback_event(stage->lb, stage->out.id, XENDISPL_EVT_PG_FLIP,
		       stage->out.op.pg_flip.fb_cookie);
}

/* The backend answers a mode whose answer it has kept back, and is slow no more. */
void stage_answer_mode(struct kunit *test, struct stage *stage, unsigned int which,
		       s32 status)
{
	const struct xendispl_req *mode = &stage->modes[which];

	/* The mode after what announces it. */
	KUNIT_ASSERT_TRUE(test, stage_sees(smp_load_acquire(&stage->num_slow) > which));
	WRITE_ONCE(stage->slow, false);
	loopback_respond(stage->lb, mode->id, mode->operation, status);
}

/* Nothing is shown any more, but the CRTC stays active, as when a client ends. */
int stage_hide(struct stage *stage)
{
	struct drm_plane *plane = &stage->pipe->base.plane;
	struct drm_modeset_acquire_ctx ctx;
	int ret;

	DRM_MODESET_LOCK_ALL_BEGIN(plane->dev, ctx, 0, ret);
	ret = drm_atomic_helper_disable_plane(plane, &ctx);
	DRM_MODESET_LOCK_ALL_END(plane->dev, ctx, ret);
	return ret;
}

bool stage_comes_to(struct stage *stage, enum xen_drm_flip_state state)
{
	return stage_sees(READ_ONCE(stage->pipe->flip.core.state) == state);
}

/* Only this test uses the picture any more; it may take some time. */
bool stage_gives_back(struct stage *stage, unsigned int picture)
{
	return stage_sees(drm_framebuffer_read_refcount(stage->pictures[picture]) == 1);
}

/* Like unplugging: all is switched off, and nothing is parked any more. */
void stage_exit(struct kunit *test)
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
		/* A worker of the helpers may be about to end its commit. */
		KUNIT_EXPECT_TRUE_MSG(test, stage_gives_back(stage, i), "picture %u", i);
		drm_framebuffer_put(stage->pictures[i]);
	}
	display->release_work.func(&display->release_work);
	xen_drm_kms_leave(display);
	xen_drm_share_leave(display, false);
}

bool stage_is_shown(struct stage *stage)
{
	struct drm_crtc_commit *commit = stage->pipe->base.crtc.state->commit;
	unsigned long left = msecs_to_jiffies(PATIENCE_MS);

	return !commit || wait_for_completion_timeout(&commit->flip_done, left);
}

void stage_expect_flip(struct kunit *test, struct stage *stage, unsigned int picture)
{
	KUNIT_ASSERT_EQ(test, stage_flip(stage, picture), 0);
	KUNIT_ASSERT_TRUE(test, stage_is_shown(stage));
}

bool stage_link_is_bad(struct stage *stage)
{
	struct xen_drm_connector *connector = &stage->pipe->connector;

	flush_delayed_work(&connector->link_work);
	return connector->base.state->link_status == DRM_MODE_LINK_STATUS_BAD;
}
