// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A display that shares buffers with a backend, without grants and without Xen.
 */

#include <linux/delay.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <drm/drm_drv.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_managed.h>

#include <kunit/device.h>
#include <kunit/static_stub.h>
#include <kunit/test-bug.h>

#include "../../xen_drm_front_kms.h"
#include "../../xen_drm_front_pgdir.h"

#include "wire.h"

/* struct wire_dir - what the stubs hand out for a page directory */
struct wire_dir {
	grant_ref_t start;
	bool foreign;
	/* @mapped: only if @foreign */
	bool mapped;
	/* @pages: nobody looks into it */
	struct page *pages[2];
};

/* --- the log ---------------------------------------------------------------- */

/* A request that is out makes a star of what must not happen before its answer. */
static bool wire_is_answered(struct wire *wire)
{
	const struct xen_displif_sring *sring = wire->lb->sring;

	return READ_ONCE(sring->rsp_prod) == READ_ONCE(sring->req_prod);
}

static void wire_log(struct wire *wire, const char *what)
{
	spin_lock(&wire->lock);
	if (wire->log[0])
		strlcat(wire->log, ", ", sizeof(wire->log));
	strlcat(wire->log, what, sizeof(wire->log));
	spin_unlock(&wire->lock);
}

static void wire_log_end(struct wire *wire, const char *what)
{
	char text[32];

	snprintf(text, sizeof(text), "%s%s", what, wire_is_answered(wire) ? "" : "*");
	wire_log(wire, text);
}

/* --- grants ----------------------------------------------------------------- */

static struct wire *wire_of_test(void)
{
	return kunit_get_current_test()->priv;
}

static struct wire_dir *to_dir(const struct xen_drm_pgdir *pgdir)
{
	return (struct wire_dir *)pgdir;
}

static struct xen_drm_pgdir *wire_make_dir(domid_t domid, unsigned int num_pages, bool foreign)
{
	struct wire *wire = wire_of_test();
	struct wire_dir *dir;

	if (wire->grant_errors) {
		wire->grant_errors--;
		return ERR_PTR(wire->grant_error);
	}

	dir = kunit_kzalloc(wire->test, sizeof(*dir), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(wire->test, dir);
	dir->start = WIRE_DIRECTORY + wire->num_dirs++;
	dir->foreign = foreign;
	wire->living_dirs++;
	wire->domid = domid;
	wire->granted = num_pages;
	return (struct xen_drm_pgdir *)dir;
}

static struct xen_drm_pgdir *stub_grant(domid_t domid, struct page **pages,
					unsigned int num_pages,
					struct xen_drm_backing *backing)
{
	wire_log(wire_of_test(), "grant");
	return wire_make_dir(domid, num_pages, false);
}

static struct xen_drm_pgdir *stub_prepare_map(domid_t domid, unsigned int num_pages)
{
	wire_log(wire_of_test(), "prepare");
	return wire_make_dir(domid, num_pages, true);
}

static bool stub_is_barred(domid_t domid, unsigned long *deferred, unsigned long *max)
{
	struct wire *wire = wire_of_test();

	*deferred = 1001;
	*max = 1000;
	return wire->barred;
}

static grant_ref_t stub_start(const struct xen_drm_pgdir *pgdir)
{
	return to_dir(pgdir)->start;
}

static void stub_refill(struct xen_drm_pgdir *pgdir)
{
	struct wire *wire = wire_of_test();

	wire_log(wire, "refill");
	KUNIT_EXPECT_FALSE(wire->test, to_dir(pgdir)->mapped);
}

/* The backend fills a directory before it agrees to have allocated the pages. */
static bool wire_is_filled(struct wire *wire, const struct wire_dir *dir)
{
	const struct xendispl_req *req;
	unsigned int i;

	for (i = 0; i < wire->held; i++) {
		req = &wire->requests[i].req;
		if (req->operation == XENDISPL_OP_DBUF_CREATE &&
		    req->op.dbuf_create.gref_directory == dir->start)
			return true;
	}
	return false;
}

static int stub_map(struct xen_drm_pgdir *pgdir)
{
	struct wire *wire = wire_of_test();
	struct wire_dir *dir = to_dir(pgdir);
	int ret = wire->map_error;

	wire_log(wire, "map");
	KUNIT_EXPECT_TRUE(wire->test, dir->foreign);
	KUNIT_EXPECT_FALSE(wire->test, dir->mapped);
	if (!ret && !wire_is_filled(wire, dir))
		ret = -EINVAL;
	dir->mapped = !ret;
	return ret;
}

static int stub_unmap(struct xen_drm_pgdir *pgdir, bool forget)
{
	if (to_dir(pgdir)->mapped)
		wire_log(wire_of_test(), forget ? "forget" : "unmap");
	to_dir(pgdir)->mapped = false;
	return 0;
}

static struct page **stub_pages(struct xen_drm_pgdir *pgdir)
{
	struct wire *wire = wire_of_test();

	KUNIT_EXPECT_TRUE(wire->test, to_dir(pgdir)->mapped);
	return to_dir(pgdir)->pages;
}

static unsigned int stub_free(struct xen_drm_pgdir *pgdir)
{
	struct wire *wire = wire_of_test();

	wire_log_end(wire, "free");
	KUNIT_EXPECT_FALSE(wire->test, to_dir(pgdir)->mapped);
	wire->living_dirs--;
	return 0;
}

/* --- the backend ------------------------------------------------------------ */

static const char *operation_name(u8 operation)
{
	switch (operation) {
	case XENDISPL_OP_DBUF_CREATE:
		return "CREATE";
	case XENDISPL_OP_DBUF_DESTROY:
		return "DESTROY";
	case XENDISPL_OP_FB_ATTACH:
		return "ATTACH";
	case XENDISPL_OP_FB_DETACH:
		return "DETACH";
	default:
		return "OTHER";
	}
}

static struct wire_known *wire_find(struct wire *wire, u8 operation, u64 cookie)
{
	unsigned int i;

	for (i = 0; i < wire->num_known; i++)
		if (wire->known[i].operation == operation && wire->known[i].cookie == cookie)
			return &wire->known[i];
	return NULL;
}

static s32 wire_learn(struct wire *wire, u8 operation, u64 cookie)
{
	if (wire_find(wire, operation, cookie)) {
		wire->twice++;
		return -EEXIST;
	}
	if (wire->num_known == ARRAY_SIZE(wire->known))
		return -ENOSPC;
	wire->known[wire->num_known++] = (struct wire_known) {
		.operation = operation,
		.cookie = cookie,
	};
	return 0;
}

static s32 wire_forget(struct wire *wire, u8 operation, u64 cookie)
{
	struct wire_known *known = wire_find(wire, operation, cookie);

	if (!known)
		return -ENOENT;
	*known = wire->known[--wire->num_known];
	return 0;
}

/* What a good backend says, unless the test wants something else. */
static s32 wire_status(struct wire *wire, unsigned int index)
{
	const struct xendispl_req *req = &wire->requests[index].req;

	if (req->operation == wire->refuse &&
	    (!wire->refuse_only || wire->refuse_only == index + 1))
		return wire->status;

	switch (req->operation) {
	case XENDISPL_OP_DBUF_CREATE:
		return wire_learn(wire, req->operation, req->op.dbuf_create.dbuf_cookie);
	case XENDISPL_OP_DBUF_DESTROY:
		return wire_forget(wire, XENDISPL_OP_DBUF_CREATE,
				   req->op.dbuf_destroy.dbuf_cookie);
	case XENDISPL_OP_FB_ATTACH:
		if (!wire_find(wire, XENDISPL_OP_DBUF_CREATE,
			       req->op.fb_attach.dbuf_cookie))
			return -ENOENT;
		return wire_learn(wire, req->operation, req->op.fb_attach.fb_cookie);
	case XENDISPL_OP_FB_DETACH:
		return wire_forget(wire, XENDISPL_OP_FB_ATTACH, req->op.fb_detach.fb_cookie);
	default:
		return -EOPNOTSUPP;
	}
}

static void wire_answer_held(struct wire *wire)
{
	const struct xendispl_req *req;

	for (; wire->held < wire->num_requests; wire->held++) {
		req = &wire->requests[wire->held].req;
		loopback_respond(wire->lb, req->id, req->operation,
				 wire_status(wire, wire->held));
	}
	wire->hold = 0;
}

/* A backend that has gone answers nothing. */
static void wire_drop_held(struct wire *wire)
{
	wire->dropped += wire->num_requests - wire->held;
	wire->held = wire->num_requests;
}

/* Runs in the thread of the backend. */
static void wire_answer(struct loopback *lb, const struct xendispl_req *req)
{
	struct wire *wire = lb->test->priv;

	if (wire->num_requests == WIRE_REQUESTS)
		return;

	wire_log(wire, operation_name(req->operation));
	memcpy(wire->requests[wire->num_requests].bytes, lb->last_request, LOOPBACK_REQ_SIZE);
	/* The request before the number that announces it. */
	smp_store_release(&wire->num_requests, wire->num_requests + 1);

	if (wire->num_requests == wire->break_at)
		xen_drm_conn_break(lb->conn, "the test ends it");
	if (wire->break_at && wire->num_requests >= wire->break_at)
		wire_drop_held(wire);
	else if (wire->num_requests - wire->held >= wire->hold)
		wire_answer_held(wire);
}

/* --- fixture ---------------------------------------------------------------- */

static const struct drm_driver wire_driver = {
	.driver_features = DRIVER_GEM,
	.name = "xendrm-wire",
	.desc = "shares without Xen",
	.major = 1,
};

struct xen_drm_display *wire_create_display(struct kunit *test,
					    const struct drm_driver *driver)
{
	struct device *dev = kunit_device_register(test, "vdispl-wire");
	struct xen_drm_display *display;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	display = devm_drm_dev_alloc(dev, driver, struct xen_drm_display, drm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, display);
	KUNIT_ASSERT_EQ(test, drmm_mutex_init(&display->drm, &display->lock), 0);
	KUNIT_ASSERT_EQ(test, xen_drm_share_init_display(display), 0);
	/* Stubs work in the test's own thread alone, so that is where it runs. */
	disable_work_sync(&display->release_work);
	return display;
}

/* With a size in pixels, of a display whose driver sets modes. */
void wire_add_connector(struct kunit *test, struct xen_drm_display *display, u32 width,
			u32 height)
{
	init_rwsem(&display->config_lock);
	display->formats.list[0] = DRM_FORMAT_XRGB8888;
	display->formats.num = 1;
	display->cfg.num_connectors = 1;
	display->cfg.connectors[0].width = width;
	display->cfg.connectors[0].height = height;
	KUNIT_ASSERT_EQ(test, xen_drm_kms_init(display), 0);
}

/* The display has joined nobody, and the backend does not look into the ring. */
struct wire *wire_create(struct kunit *test)
{
	struct wire *wire = kunit_kzalloc(test, sizeof(*wire), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, wire);
	test->priv = wire;
	wire->test = test;
	spin_lock_init(&wire->lock);
	wire->display = wire_create_display(test, &wire_driver);
	wire->lb = loopback_create(test);
	wire->lb->chan->next_id = WIRE_ID;
	memset(wire->lb->sring->ring, 0xff, LOOPBACK_RING_SIZE * LOOPBACK_REQ_SIZE);

	kunit_activate_static_stub(test, xen_drm_pgdir_grant, stub_grant);
	kunit_activate_static_stub(test, xen_drm_pgdir_prepare_map, stub_prepare_map);
	kunit_activate_static_stub(test, xen_drm_pgdir_is_barred, stub_is_barred);
	kunit_activate_static_stub(test, xen_drm_pgdir_start, stub_start);
	kunit_activate_static_stub(test, xen_drm_pgdir_refill, stub_refill);
	kunit_activate_static_stub(test, xen_drm_pgdir_map, stub_map);
	kunit_activate_static_stub(test, xen_drm_pgdir_unmap, stub_unmap);
	kunit_activate_static_stub(test, xen_drm_pgdir_pages, stub_pages);
	kunit_activate_static_stub(test, xen_drm_pgdir_free, stub_free);
	return wire;
}

int wire_init(struct kunit *test)
{
	wire_create(test);
	return 0;
}

/* No good backend is asked to make what it has, whatever was refused. */
void wire_exit(struct kunit *test)
{
	struct wire *wire = test->priv;

	if (wire)
		KUNIT_EXPECT_EQ(test, wire->twice, 0);
}

/* From now on the backend answers. */
void wire_start(struct wire *wire)
{
	loopback_start(wire->lb, wire_answer);
}

/* A new connection, by the same channel, with a backend that knows nothing. */
int wire_join(struct wire *wire, domid_t domid, unsigned int version)
{
	wire->link.chan = wire->lb->chan;
	wire->link.number++;
	wire->link.domid = domid;
	wire->link.version = version;
	wire->num_known = 0;
	return xen_drm_share_join(wire->display, &wire->link);
}

/* What most tests begin with: a backend of version 1 that agrees to all. */
void wire_begin(struct wire *wire)
{
	wire_start(wire);
	KUNIT_ASSERT_EQ(wire->test, wire_join(wire, WIRE_DOMID, 1), 0);
}

/* After a break, for the next connection: there is but one channel. */
void wire_mend(struct wire *wire)
{
	wire_settle(wire);
	WRITE_ONCE(wire->lb->chan->broken, false);
	wire->break_at = 0;
}

static bool wire_is_settled(struct wire *wire)
{
	const struct xen_displif_sring *sring = wire->lb->sring;
	unsigned int taken;

	if (!wire->lb->answer)
		return true;
	/* The number before the requests that it announces. */
	taken = smp_load_acquire(&wire->num_requests);
	return taken == READ_ONCE(sring->req_prod) &&
	       (wire->hold || READ_ONCE(sring->rsp_prod) + wire->dropped == taken);
}

/* Waits until the backend has seen to what nobody waits for. */
void wire_settle(struct wire *wire)
{
	unsigned int ms;

	for (ms = 0; ms < 1000 && !wire_is_settled(wire); ms++)
		usleep_range(1000, 2000);
}

/* What the work does. */
void wire_release(struct wire *wire)
{
	struct work_struct *work = &wire->display->release_work;

	work->func(work);
}

static void wire_moved(struct xen_drm_share *share)
{
	wire_log(wire_of_test(), share->pages ? "moved-in" : "moved-out");
}

static void wire_released(struct xen_drm_share *share)
{
	struct wire_buffer *buffer = container_of(share, struct wire_buffer, share);

	wire_log_end(buffer->wire, "buffer");
}

static const struct xen_drm_share_ops wire_ops = {
	.moved = wire_moved,
	.released = wire_released,
};

/* A buffer of the guest, of which nobody knows. */
struct wire_buffer *wire_buffer(struct wire *wire, size_t size)
{
	struct wire_buffer *buffer;

	buffer = kunit_kzalloc(wire->test, sizeof(*buffer), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(wire->test, buffer);
	buffer->wire = wire;
	xen_drm_share_init(&buffer->share, &wire_ops, size);
	buffer->share.pages = buffer->pages;
	return buffer;
}

/* A buffer for xen_drm_share_allocate(). */
struct wire_buffer *wire_backend_buffer(struct wire *wire)
{
	struct wire_buffer *buffer = wire_buffer(wire, WIRE_SIZE);

	buffer->share.pages = NULL;
	return buffer;
}

static void wire_fb_released(struct xen_drm_fb *fb)
{
	struct wire_fb *owner = container_of(fb, struct wire_fb, fb);

	wire_log_end(owner->wire, "fb");
	/* As a GEM object does that only its framebuffer has kept. */
	if (owner->last)
		xen_drm_share_release(owner->wire->display, fb->share);
}

struct wire_fb *wire_fb(struct wire *wire, struct wire_buffer *buffer, u32 width,
			u32 height, u32 pitch, u32 bpp)
{
	struct wire_fb *fb = kunit_kzalloc(wire->test, sizeof(*fb), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(wire->test, fb);
	fb->wire = wire;
	fb->fb.released = wire_fb_released;
	fb->fb.share = &buffer->share;
	fb->fb.width = width;
	fb->fb.height = height;
	fb->fb.pitch = pitch;
	fb->fb.bpp = bpp;
	fb->fb.format = DRM_FORMAT_XRGB8888;
	return fb;
}

struct wire_fb *wire_usual_fb(struct wire *wire, struct wire_buffer *buffer)
{
	return wire_fb(wire, buffer, WIRE_WIDTH, WIRE_HEIGHT, WIRE_PITCH, 32);
}

int wire_attach(struct wire *wire, struct wire_fb *fb)
{
	return xen_drm_share_attach(wire->display, &fb->fb);
}

/* --- expectations ----------------------------------------------------------- */

/*
 * What has been done since the last time, in its order: requests in capitals as the
 * backend takes them, what becomes of grants, and what the owners are told.
 */
void wire_expect(struct wire *wire, const char *expected)
{
	wire_settle(wire);
	KUNIT_EXPECT_STREQ(wire->test, wire->log, expected);
	wire->log[0] = '\0';
}

/* The request as an image of its 64 bytes, but for the id and cookies. */
void wire_expect_bytes(struct wire *wire, unsigned int index, const u8 *image,
		       u64 first_cookie, u64 second_cookie)
{
	const u16 id = WIRE_ID + index;
	u8 expected[LOOPBACK_REQ_SIZE];

	KUNIT_ASSERT_LT(wire->test, index, wire->num_requests);
	memcpy(expected, image, sizeof(expected));
	memcpy(&expected[0], &id, sizeof(id));
	memcpy(&expected[8], &first_cookie, sizeof(first_cookie));
	if (second_cookie)
		memcpy(&expected[16], &second_cookie, sizeof(second_cookie));
	KUNIT_EXPECT_MEMEQ_MSG(wire->test, wire->requests[index].bytes, expected,
			       sizeof(expected), "request %u", index);
}

void wire_expect_told(struct wire *wire, const struct wire_fb *fb)
{
	KUNIT_EXPECT_EQ(wire->test, fb->fb.told, wire->link.number);
	KUNIT_EXPECT_EQ(wire->test, fb->fb.view->told, wire->link.number);
}

void wire_expect_untold(struct wire *wire, const struct wire_fb *fb)
{
	KUNIT_EXPECT_NE(wire->test, fb->fb.told, wire->link.number);
}

/* A request that must be a DBUF_CREATE. */
const struct xendispl_dbuf_create_req *wire_created(struct wire *wire, unsigned int index)
{
	const struct xendispl_req *req = &wire->requests[index].req;

	KUNIT_ASSERT_LT(wire->test, index, wire->num_requests);
	KUNIT_ASSERT_EQ(wire->test, req->operation, XENDISPL_OP_DBUF_CREATE);
	return &req->op.dbuf_create;
}
