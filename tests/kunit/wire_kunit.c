// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What the verbs ask of the backend. Each request as it lies in the ring: 64
 * bytes, eight a line, all those that the operation has no use for being zero,
 * in a slot that was full of ones. Grants are played by stubs.
 */

#include <linux/mm.h>

#include <drm/drm_fourcc.h>

#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <kunit/test-bug.h>

#include "loopback.h"

#define REQUEST_ID	0xabcd
#define DBUF_COOKIE	0x0102030405060708ULL
#define FB_COOKIE	0x1112131415161718ULL
#define DIRECTORY	0x87654321

static const u8 dbuf_create_image[LOOPBACK_REQ_SIZE] = {
	0xcd, 0xab, 0x10, 0, 0, 0, 0, 0,
	/* dbuf_cookie: the driver's choice, put here by the test */
	0, 0, 0, 0, 0, 0, 0, 0,
	/* width 1280, height 720 */
	0x00, 0x05, 0, 0, 0xd0, 0x02, 0, 0,
	/* bpp 32, buffer_sz 3686400 */
	0x20, 0, 0, 0, 0x00, 0x40, 0x38, 0x00,
	/* flags 0, gref_directory */
	0, 0, 0, 0, 0x21, 0x43, 0x65, 0x87,
	/* data_ofs 0 */
};

static const u8 dbuf_destroy_image[LOOPBACK_REQ_SIZE] = {
	0xcd, 0xab, 0x11, 0, 0, 0, 0, 0,
	/* dbuf_cookie */
	0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01,
};

static const u8 fb_attach_image[LOOPBACK_REQ_SIZE] = {
	0xcd, 0xab, 0x12, 0, 0, 0, 0, 0,
	/* dbuf_cookie */
	0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01,
	/* fb_cookie: the driver's choice, put here by the test */
	0, 0, 0, 0, 0, 0, 0, 0,
	/* width 1280, height 720 */
	0x00, 0x05, 0, 0, 0xd0, 0x02, 0, 0,
	/* pixel_format XR24 */
	'X', 'R', '2', '4',
};

static const u8 fb_detach_image[LOOPBACK_REQ_SIZE] = {
	0xcd, 0xab, 0x13, 0, 0, 0, 0, 0,
	/* fb_cookie */
	0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11,
};

static const u8 set_config_image[LOOPBACK_REQ_SIZE] = {
	0xcd, 0xab, 0x14, 0, 0, 0, 0, 0,
	/* fb_cookie */
	0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11,
	/* x 0, y 0 */
	0, 0, 0, 0, 0, 0, 0, 0,
	/* width 1280, height 720 */
	0x00, 0x05, 0, 0, 0xd0, 0x02, 0, 0,
	/* bpp 32 */
	0x20, 0, 0, 0,
};

static const u8 reset_config_image[LOOPBACK_REQ_SIZE] = {
	0xcd, 0xab, 0x14,
};

static const u8 pg_flip_image[LOOPBACK_REQ_SIZE] = {
	0xcd, 0xab, 0x15, 0, 0, 0, 0, 0,
	/* fb_cookie */
	0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11,
};

static const u8 get_edid_image[LOOPBACK_REQ_SIZE] = {
	0xcd, 0xab, 0x16, 0, 0, 0, 0, 0,
	/* buffer_sz 32768, gref_directory */
	0x00, 0x80, 0, 0, 0x21, 0x43, 0x65, 0x87,
};

/* A display as far as the verbs look at it: a device that nobody can open. */
struct wire {
	struct loopback *lb;
	struct xen_drm_front_display display;
	struct xen_drm_front_dbuf dbuf;
	struct xen_drm_front_fb fb;
	/* @shares: page directories that are not freed */
	int shares;
	/* @freed: and how many have been, with all grants revoked */
	int freed;
	/* @grant_error: what granting fails with, or 0 */
	int grant_error;
	/* @pages: that were last granted */
	struct page **pages;
	/* @edid_size: what the backend says */
	u32 edid_size;
};

static struct xen_drm_front_pgdir *
stub_grant(struct xen_drm_front_held *held, domid_t domid, struct page **pages,
	   unsigned int num_pages, struct xen_drm_front_block *block)
{
	struct wire *wire = kunit_get_current_test()->priv;

	if (wire->grant_error)
		return ERR_PTR(wire->grant_error);
	wire->shares++;
	wire->pages = pages;
	/* Opaque to all but the stubs. */
	return (struct xen_drm_front_pgdir *)wire;
}

static grant_ref_t stub_start(const struct xen_drm_front_pgdir *pgdir)
{
	return DIRECTORY;
}

static unsigned int stub_free(struct xen_drm_front_pgdir *pgdir)
{
	struct wire *wire = kunit_get_current_test()->priv;

	wire->shares--;
	wire->freed++;
	return 0;
}

static int stub_unmap(struct xen_drm_front_pgdir *pgdir)
{
	return 0;
}

static int wire_init(struct kunit *test)
{
	struct wire *wire = kunit_kzalloc(test, sizeof(*wire), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, wire);
	test->priv = wire;
	wire->lb = loopback_create(test);
	wire->lb->chan->next_id = REQUEST_ID;
	memset(wire->lb->sring->ring, 0xff, LOOPBACK_RING_SIZE * LOOPBACK_REQ_SIZE);

	wire->display.conn = wire->lb->conn;
	mutex_init(&wire->display.lock);
	INIT_LIST_HEAD(&wire->display.dbufs);
	INIT_LIST_HEAD(&wire->display.fbs);

	wire->dbuf.width = 1280;
	wire->dbuf.height = 720;
	wire->dbuf.bpp = 32;
	wire->dbuf.size = 1280 * 720 * 4;

	wire->fb.cookie = FB_COOKIE;
	wire->fb.dbuf = &wire->dbuf;
	wire->fb.width = 1280;
	wire->fb.height = 720;
	wire->fb.pitch = 1280 * 4;
	wire->fb.bpp = 32;
	wire->fb.format = DRM_FORMAT_XRGB8888;

	kunit_activate_static_stub(test, xen_drm_front_pgdir_grant, stub_grant);
	kunit_activate_static_stub(test, xen_drm_front_pgdir_start, stub_start);
	kunit_activate_static_stub(test, xen_drm_front_pgdir_free, stub_free);
	kunit_activate_static_stub(test, xen_drm_front_pgdir_unmap, stub_unmap);
	return 0;
}

/* As if dbuf_create() had been. */
static void share(struct wire *wire)
{
	wire->dbuf.cookie = DBUF_COOKIE;
	wire->dbuf.share = (struct xen_drm_front_pgdir *)wire;
	list_add(&wire->dbuf.node, &wire->display.dbufs);
	wire->shares++;
}

/* The share is gone as a whole, whatever the backend said. */
static void expect_unshared(struct kunit *test)
{
	struct wire *wire = test->priv;

	KUNIT_EXPECT_NULL(test, wire->dbuf.share);
	KUNIT_EXPECT_TRUE(test, list_empty(&wire->display.dbufs));
	KUNIT_EXPECT_EQ(test, wire->shares, 0);
}

/* @cookie is put into the image where the driver's choice belongs. */
static void expect_request(struct kunit *test, const u8 *image, unsigned int at, u64 cookie)
{
	struct wire *wire = test->priv;
	u8 expected[LOOPBACK_REQ_SIZE];

	memcpy(expected, image, sizeof(expected));
	if (at)
		memcpy(&expected[at], &cookie, sizeof(cookie));
	KUNIT_EXPECT_MEMEQ(test, wire->lb->last_request, expected, sizeof(expected));
}

static void refuse(struct loopback *lb, const struct xendispl_req *req)
{
	loopback_respond(lb, req->id, req->operation, -ENOMEM);
}

static void sizes(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct xendispl_req), LOOPBACK_REQ_SIZE);
	KUNIT_EXPECT_EQ(test, sizeof(struct xendispl_resp), 64);
	KUNIT_EXPECT_EQ(test, sizeof(struct xendispl_evt), 64);
	KUNIT_EXPECT_EQ(test, XEN_DRM_FRONT_RING_SIZE, LOOPBACK_RING_SIZE);
	KUNIT_EXPECT_EQ(test, XENDISPL_IN_RING_LEN, LOOPBACK_NUM_EVENTS);
	KUNIT_EXPECT_EQ(test, offsetof(struct xendispl_resp, status), 4);
	KUNIT_EXPECT_EQ(test, offsetof(struct xendispl_resp, op.get_edid.edid_sz), 8);
}

static void dbuf_create(struct kunit *test)
{
	struct wire *wire = test->priv;

	loopback_start(wire->lb, loopback_agree);

	KUNIT_ASSERT_EQ(test, xen_drm_front_dbuf_create(&wire->display, &wire->dbuf), 0);

	KUNIT_EXPECT_NE(test, wire->dbuf.cookie, 0);
	expect_request(test, dbuf_create_image, 8, wire->dbuf.cookie);
	KUNIT_EXPECT_EQ(test, wire->lb->requests, 1);
	KUNIT_EXPECT_EQ(test, wire->shares, 1);
	KUNIT_EXPECT_FALSE(test, list_empty(&wire->display.dbufs));
}

static void dbuf_create_without_grants(struct kunit *test)
{
	struct wire *wire = test->priv;

	loopback_start(wire->lb, loopback_agree);
	wire->grant_error = -ENOSPC;

	KUNIT_EXPECT_EQ(test, xen_drm_front_dbuf_create(&wire->display, &wire->dbuf), -ENOSPC);
	KUNIT_EXPECT_EQ(test, wire->lb->requests, 0);
	expect_unshared(test);
}

static void dbuf_create_while_too_much_is_held(struct kunit *test)
{
	struct wire *wire = test->priv;

	loopback_start(wire->lb, loopback_agree);

	wire->lb->held.num_pages = wire->lb->held.max_pages + 1;
	KUNIT_EXPECT_EQ(test, xen_drm_front_dbuf_create(&wire->display, &wire->dbuf), -ENOSPC);
	KUNIT_EXPECT_EQ(test, wire->lb->requests, 0);
	expect_unshared(test);

	wire->lb->held.num_pages = wire->lb->held.max_pages;
	KUNIT_EXPECT_EQ(test, xen_drm_front_dbuf_create(&wire->display, &wire->dbuf), 0);
	KUNIT_EXPECT_EQ(test, wire->lb->requests, 1);
}

static void dbuf_create_is_refused(struct kunit *test)
{
	struct wire *wire = test->priv;

	loopback_start(wire->lb, refuse);

	KUNIT_EXPECT_EQ(test, xen_drm_front_dbuf_create(&wire->display, &wire->dbuf), -ENOMEM);
	KUNIT_EXPECT_EQ(test, wire->freed, 1);
	expect_unshared(test);
}

/* The backend may create the buffer later, so it is told to destroy it. */
static void dbuf_create_is_not_answered(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct xendispl_req create, destroy;

	KUNIT_EXPECT_EQ(test, xen_drm_front_dbuf_create(&wire->display, &wire->dbuf),
			-ETIMEDOUT);
	KUNIT_ASSERT_TRUE(test, loopback_take(wire->lb, &create));
	KUNIT_ASSERT_TRUE(test, loopback_take(wire->lb, &destroy));

	KUNIT_EXPECT_EQ(test, destroy.operation, XENDISPL_OP_DBUF_DESTROY);
	KUNIT_EXPECT_EQ(test, destroy.op.dbuf_destroy.dbuf_cookie,
			create.op.dbuf_create.dbuf_cookie);
	KUNIT_EXPECT_EQ(test, wire->freed, 1);
	expect_unshared(test);
}

static void dbuf_destroy(struct kunit *test)
{
	struct wire *wire = test->priv;

	share(wire);
	loopback_start(wire->lb, loopback_agree);

	xen_drm_front_dbuf_destroy(&wire->display, &wire->dbuf);

	expect_request(test, dbuf_destroy_image, 0, 0);
	KUNIT_EXPECT_EQ(test, wire->freed, 1);
	expect_unshared(test);
}

static void dbuf_destroy_is_refused(struct kunit *test)
{
	struct wire *wire = test->priv;

	share(wire);
	loopback_start(wire->lb, refuse);

	xen_drm_front_dbuf_destroy(&wire->display, &wire->dbuf);

	KUNIT_EXPECT_EQ(test, wire->freed, 1);
	expect_unshared(test);
}

static void fb_attach(struct kunit *test)
{
	struct wire *wire = test->priv;

	share(wire);
	loopback_start(wire->lb, loopback_agree);

	KUNIT_ASSERT_EQ(test, xen_drm_front_fb_attach(&wire->display, &wire->fb), 0);

	KUNIT_EXPECT_NE(test, wire->fb.cookie, 0);
	KUNIT_EXPECT_NE(test, wire->fb.cookie, FB_COOKIE);
	expect_request(test, fb_attach_image, 16, wire->fb.cookie);
	KUNIT_EXPECT_EQ(test, wire->lb->requests, 1);
	KUNIT_EXPECT_EQ(test, wire->dbuf.num_fbs, 1);
}

static void fb_attach_shares_the_buffer(struct kunit *test)
{
	struct wire *wire = test->priv;

	loopback_start(wire->lb, loopback_agree);

	KUNIT_ASSERT_EQ(test, xen_drm_front_fb_attach(&wire->display, &wire->fb), 0);

	KUNIT_EXPECT_EQ(test, wire->lb->requests, 2);
	KUNIT_EXPECT_EQ(test, wire->shares, 1);
	KUNIT_EXPECT_NE(test, wire->fb.cookie, wire->dbuf.cookie);
}

static void fb_attach_is_refused(struct kunit *test)
{
	struct wire *wire = test->priv;

	share(wire);
	loopback_start(wire->lb, refuse);

	KUNIT_EXPECT_EQ(test, xen_drm_front_fb_attach(&wire->display, &wire->fb), -ENOMEM);
	KUNIT_EXPECT_EQ(test, wire->dbuf.num_fbs, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&wire->display.fbs));
}

/* The wire would make another stride of it, so the backend is not asked. */
static void fb_attach_of_other_pitch(struct kunit *test)
{
	struct wire *wire = test->priv;

	share(wire);
	loopback_start(wire->lb, loopback_agree);
	wire->dbuf.num_fbs = 1;
	wire->fb.pitch = 1284 * 4;

	KUNIT_EXPECT_EQ(test, xen_drm_front_fb_attach(&wire->display, &wire->fb), -EINVAL);
	KUNIT_EXPECT_EQ(test, wire->lb->requests, 0);
	KUNIT_EXPECT_EQ(test, wire->dbuf.num_fbs, 1);
}

static void fb_detach(struct kunit *test)
{
	struct wire *wire = test->priv;

	loopback_start(wire->lb, loopback_agree);
	wire->dbuf.num_fbs = 1;
	list_add(&wire->fb.node, &wire->display.fbs);

	xen_drm_front_fb_detach(&wire->display, &wire->fb);

	expect_request(test, fb_detach_image, 0, 0);
	KUNIT_EXPECT_EQ(test, wire->lb->requests, 1);
	KUNIT_EXPECT_EQ(test, wire->dbuf.num_fbs, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&wire->display.fbs));
}

static void set_config(struct kunit *test)
{
	struct wire *wire = test->priv;

	loopback_start(wire->lb, loopback_agree);

	KUNIT_EXPECT_EQ(test,
			xen_drm_front_set_config(&wire->display, 0, &wire->fb, 1280, 720), 0);
	expect_request(test, set_config_image, 0, 0);
	KUNIT_EXPECT_EQ(test, wire->lb->requests, 1);
}

/* Switched off, whatever the mode was. */
static void reset_config(struct kunit *test)
{
	struct wire *wire = test->priv;

	loopback_start(wire->lb, loopback_agree);

	KUNIT_EXPECT_EQ(test,
			xen_drm_front_set_config(&wire->display, 0, NULL, 1280, 720), 0);
	expect_request(test, reset_config_image, 0, 0);
}

static void page_flip(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct xendispl_req taken;

	KUNIT_EXPECT_EQ(test, xen_drm_front_page_flip(&wire->display, 0, &wire->fb), 0);
	KUNIT_ASSERT_TRUE(test, loopback_take(wire->lb, &taken));
	expect_request(test, pg_flip_image, 0, 0);
}

static void answer_edid(struct loopback *lb, const struct xendispl_req *req)
{
	struct wire *wire = lb->test->priv;
	struct xendispl_resp *resp = RING_GET_RESPONSE(&lb->ring, lb->ring.rsp_prod_pvt);

	/* Something to know each page by. */
	memset(page_address(wire->pages[0]), 0x11, PAGE_SIZE);
	memset(page_address(wire->pages[7]), 0x88, PAGE_SIZE);
	*resp = (struct xendispl_resp) {
		.id = req->id,
		.operation = req->operation,
		.op.get_edid.edid_sz = wire->edid_size,
	};
	lb->ring.rsp_prod_pvt++;
	RING_PUSH_RESPONSES(&lb->ring);
}

struct edid_case {
	const char *name;
	u32 size;
	int ret;
};

static const struct edid_case edid_cases[] = {
	{ "one block", 128, 128 },
	{ "two blocks", 256, 256 },
	{ "largest", 32768, 32768 },
	{ "nothing", 0, -EPROTO },
	{ "less than a block", 127, -EPROTO },
	{ "not whole blocks", 129, -EPROTO },
	{ "one block too large", 32768 + 128, -EPROTO },
	{ "4 GiB less a block", 0xffffff80, -EPROTO },
	{ "largest u32", U32_MAX, -EPROTO },
};

KUNIT_ARRAY_PARAM_DESC(edid, edid_cases, name);

static void get_edid(struct kunit *test)
{
	const struct edid_case *c = test->param_value;
	struct wire *wire = test->priv;
	u8 *edid = kunit_kzalloc(test, XENDISPL_EDID_MAX_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, edid);
	wire->edid_size = c->size;
	loopback_start(wire->lb, answer_edid);

	KUNIT_EXPECT_EQ(test, xen_drm_front_get_edid(&wire->display, 0, edid), c->ret);

	expect_request(test, get_edid_image, 0, 0);
	KUNIT_EXPECT_EQ(test, wire->shares, 0);
	KUNIT_EXPECT_EQ(test, edid[0], c->ret > 0 ? 0x11 : 0);
	if (c->ret > 0)
		KUNIT_EXPECT_EQ(test, edid[c->ret - 1], c->ret == 32768 ? 0x88 : 0x11);
	if (c->ret > 0 && c->ret < 32768)
		KUNIT_EXPECT_EQ_MSG(test, edid[c->ret], 0, "more than there is");
}

/* It would not know the request. */
static void no_edid_of_version_1(struct kunit *test)
{
	struct wire *wire = test->priv;

	wire->lb->conn->version = 1;
	loopback_start(wire->lb, loopback_agree);

	KUNIT_EXPECT_EQ(test, xen_drm_front_get_edid(&wire->display, 0, NULL), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, wire->lb->requests, 0);
}

static struct kunit_case wire_cases[] = {
	KUNIT_CASE(sizes),
	KUNIT_CASE(dbuf_create),
	KUNIT_CASE(dbuf_create_without_grants),
	KUNIT_CASE(dbuf_create_while_too_much_is_held),
	KUNIT_CASE(dbuf_create_is_refused),
	KUNIT_CASE_SLOW(dbuf_create_is_not_answered),
	KUNIT_CASE(dbuf_destroy),
	KUNIT_CASE(dbuf_destroy_is_refused),
	KUNIT_CASE(fb_attach),
	KUNIT_CASE(fb_attach_shares_the_buffer),
	KUNIT_CASE(fb_attach_is_refused),
	KUNIT_CASE(fb_attach_of_other_pitch),
	KUNIT_CASE(fb_detach),
	KUNIT_CASE(set_config),
	KUNIT_CASE(reset_config),
	KUNIT_CASE(page_flip),
	KUNIT_CASE_PARAM(get_edid, edid_gen_params),
	KUNIT_CASE(no_edid_of_version_1),
	{}
};

static struct kunit_suite wire_suite = {
	.name = "xen_drm_front_wire",
	.init = wire_init,
	.test_cases = wire_cases,
};

kunit_test_suite(wire_suite);
