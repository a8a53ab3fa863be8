// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What is asked of the backend. Each request as it lies in the ring: 64 bytes, eight
 * a line, all those that the operation has no use for being zero, in a slot that was
 * full of ones.
 */

#include <drm/drm_fourcc.h>

#include <kunit/test.h>
#include <kunit/visibility.h>

#include "loopback.h"

#include "../../xen_drm_front_proto.h"

#define REQUEST_ID	0xabcd
#define DBUF_COOKIE	0x0102030405060708ULL
#define FB_COOKIE	0x1112131415161718ULL
#define DIRECTORY	0x87654321

static const u8 dbuf_create_image[LOOPBACK_REQ_SIZE] = {
	0xcd, 0xab, 0x10, 0, 0, 0, 0, 0,
	/* dbuf_cookie */
	0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01,
	/* width 1280, height 720 */
	0x00, 0x05, 0, 0, 0xd0, 0x02, 0, 0,
	/* bpp 32, buffer_sz 3686400 */
	0x20, 0, 0, 0, 0x00, 0x40, 0x38, 0x00,
	/* flags 0, gref_directory */
	0, 0, 0, 0, 0x21, 0x43, 0x65, 0x87,
	/* data_ofs 0 */
};

static const u8 dbuf_create_be_alloc_image[LOOPBACK_REQ_SIZE] = {
	0xcd, 0xab, 0x10, 0, 0, 0, 0, 0,
	/* dbuf_cookie */
	0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01,
	/* width 1280, height 720 */
	0x00, 0x05, 0, 0, 0xd0, 0x02, 0, 0,
	/* bpp 32, buffer_sz 3686400 */
	0x20, 0, 0, 0, 0x00, 0x40, 0x38, 0x00,
	/* flags XENDISPL_DBUF_FLG_REQ_ALLOC, gref_directory */
	1, 0, 0, 0, 0x21, 0x43, 0x65, 0x87,
	/* data_ofs 4660 */
	0x34, 0x12, 0, 0,
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
	/* fb_cookie */
	0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11,
	/* width 1280, height 720 */
	0x00, 0x05, 0, 0, 0xd0, 0x02, 0, 0,
	/* pixel_format RG16 */
	'R', 'G', '1', '6',
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

static int proto_init(struct kunit *test)
{
	struct loopback *lb = loopback_create(test);

	test->priv = lb;
	lb->chan->next_id = REQUEST_ID;
	memset(lb->sring->ring, 0xff, LOOPBACK_RING_SIZE * LOOPBACK_REQ_SIZE);
	return 0;
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
	KUNIT_EXPECT_EQ(test, XEN_DRM_RING_SIZE, LOOPBACK_RING_SIZE);
	KUNIT_EXPECT_EQ(test, XENDISPL_IN_RING_LEN, LOOPBACK_NUM_EVENTS);
	KUNIT_EXPECT_EQ(test, offsetof(struct xendispl_resp, status), 4);
	KUNIT_EXPECT_EQ(test, offsetof(struct xendispl_resp, op.get_edid.edid_sz), 8);
}

struct stride_case {
	const char *name;
	u32 width;
	u32 bpp;
	u32 stride;
};

static const struct stride_case stride_cases[] = {
	{ "1 at 8 bpp", 1, 8, 4 },
	{ "4 at 8 bpp", 4, 8, 4 },
	{ "5 at 8 bpp", 5, 8, 8 },
	{ "1 at 16 bpp", 1, 16, 4 },
	{ "2 at 16 bpp", 2, 16, 4 },
	{ "3 at 16 bpp", 3, 16, 8 },
	{ "1366 at 16 bpp", 1366, 16, 2732 },
	{ "1367 at 16 bpp", 1367, 16, 2736 },
	{ "1 at 24 bpp", 1, 24, 4 },
	{ "2 at 24 bpp", 2, 24, 8 },
	{ "3 at 24 bpp", 3, 24, 12 },
	{ "4 at 24 bpp", 4, 24, 12 },
	{ "1366 at 24 bpp", 1366, 24, 4100 },
	{ "1 at 32 bpp", 1, 32, 4 },
	{ "1920 at 32 bpp", 1920, 32, 7680 },
	{ "1921 at 32 bpp", 1921, 32, 7684 },
	{ "none", 0, 32, 0 },
	{ "largest that fits", 0x3fffffff, 32, 0xfffffffc },
	{ "4 GiB", 0x40000000, 32, 0 },
	{ "product of 37 bits", 0xffffffff, 32, 0 },
	{ "product that wraps to 32 bits", 0x08000001, 32, 0x20000004 },
};

KUNIT_ARRAY_PARAM_DESC(stride, stride_cases, name);

static void stride(struct kunit *test)
{
	const struct stride_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, xen_drm_proto_stride(c->width, c->bpp), c->stride);
}

/* Different for each of them, since they may live at the same time. */
static void cookies(struct kunit *test)
{
	u64 first = xen_drm_proto_new_cookie();
	u64 second = xen_drm_proto_new_cookie();

	KUNIT_EXPECT_NE(test, first, 0);
	KUNIT_EXPECT_NE(test, second, 0);
	KUNIT_EXPECT_NE(test, first, second);
}

/* --- requests ------------------------------------------------------------ */

static const struct xen_drm_proto_dbuf dbuf = {
	.cookie = DBUF_COOKIE,
	.width = 1280,
	.height = 720,
	.bpp = 32,
	.size = 1280 * 720 * 4,
	.directory = DIRECTORY,
};

static const struct xen_drm_proto_fb fb = {
	.cookie = FB_COOKIE,
	.dbuf_cookie = DBUF_COOKIE,
	.width = 1280,
	.height = 720,
	.format = DRM_FORMAT_RGB565,
};

static const struct xen_drm_proto_config config = {
	.fb_cookie = FB_COOKIE,
	.width = 1280,
	.height = 720,
	.bpp = 32,
};

static int send_dbuf_create(struct xen_drm_chan *chan, struct xen_drm_call *call)
{
	return xen_drm_proto_dbuf_create(chan, call, &dbuf);
}

static int send_dbuf_create_be_alloc(struct xen_drm_chan *chan, struct xen_drm_call *call)
{
	struct xen_drm_proto_dbuf be_alloc = dbuf;

	be_alloc.be_alloc = true;
	be_alloc.offset = 0x1234;
	return xen_drm_proto_dbuf_create(chan, call, &be_alloc);
}

static int send_dbuf_destroy(struct xen_drm_chan *chan, struct xen_drm_call *call)
{
	return xen_drm_proto_dbuf_destroy(chan, call, DBUF_COOKIE);
}

static int send_fb_attach(struct xen_drm_chan *chan, struct xen_drm_call *call)
{
	return xen_drm_proto_fb_attach(chan, call, &fb);
}

static int send_fb_detach(struct xen_drm_chan *chan, struct xen_drm_call *call)
{
	return xen_drm_proto_fb_detach(chan, call, FB_COOKIE);
}

static int send_get_edid(struct xen_drm_chan *chan, struct xen_drm_call *call)
{
	return xen_drm_proto_get_edid(chan, call, DIRECTORY, 32768);
}

struct request_case {
	const char *name;
	int (*send)(struct xen_drm_chan *chan, struct xen_drm_call *call);
	const u8 *image;
};

static const struct request_case request_cases[] = {
	{ "DBUF_CREATE", send_dbuf_create, dbuf_create_image },
	{ "DBUF_CREATE be-alloc", send_dbuf_create_be_alloc, dbuf_create_be_alloc_image },
	{ "DBUF_DESTROY", send_dbuf_destroy, dbuf_destroy_image },
	{ "FB_ATTACH", send_fb_attach, fb_attach_image },
	{ "FB_DETACH", send_fb_detach, fb_detach_image },
	{ "GET_EDID", send_get_edid, get_edid_image },
};

KUNIT_ARRAY_PARAM_DESC(request, request_cases, name);

/* Of those whose outcome somebody waits for, and of others. */
static void request(struct kunit *test)
{
	const struct request_case *c = test->param_value;
	struct loopback *lb = test->priv;
	struct xen_drm_call call;
	struct xendispl_req taken;

	KUNIT_ASSERT_EQ(test, c->send(lb->chan, &call), 0);
	KUNIT_EXPECT_FALSE(test, loopback_take(lb, &taken));
	xen_drm_proto_push(lb->chan);
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &taken));
	KUNIT_EXPECT_MEMEQ(test, lb->last_request, c->image, LOOPBACK_REQ_SIZE);
	KUNIT_EXPECT_EQ(test, lb->chan->num_waits, 1);

	lb->chan->next_id = REQUEST_ID;
	lb->chan->slots[REQUEST_ID % LOOPBACK_RING_SIZE].state = XEN_DRM_SLOT_FREE;
	KUNIT_ASSERT_EQ(test, c->send(lb->chan, NULL), 0);
	xen_drm_proto_push(lb->chan);
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &taken));
	KUNIT_EXPECT_MEMEQ(test, lb->last_request, c->image, LOOPBACK_REQ_SIZE);
	KUNIT_EXPECT_EQ(test, lb->chan->num_waits, 1);
}

static void outcome(struct kunit *test)
{
	const struct request_case *c = test->param_value;
	struct loopback *lb = test->priv;
	struct xen_drm_call call;

	loopback_start(lb, refuse);
	KUNIT_ASSERT_EQ(test, c->send(lb->chan, &call), 0);
	KUNIT_EXPECT_EQ(test, xen_drm_proto_wait(lb->chan, &call), -ENOMEM);

	xen_drm_conn_break(lb->conn, NULL);
	KUNIT_EXPECT_EQ(test, c->send(lb->chan, &call), -ENODEV);
	KUNIT_EXPECT_EQ(test, c->send(lb->chan, NULL), -ENODEV);
}

static void refuse_config(struct loopback *lb, const struct xen_drm_proto_config *asked,
			  const u8 *image)
{
	struct kunit *test = lb->test;
	struct xendispl_req taken;

	KUNIT_ASSERT_EQ(test, xen_drm_proto_set_config(lb->chan, asked), 0);
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &taken));
	KUNIT_EXPECT_MEMEQ(test, lb->last_request, image, LOOPBACK_REQ_SIZE);
	refuse(lb, &taken);
	KUNIT_EXPECT_TRUE(test, xen_drm_proto_poll(lb->chan));
}

/* Goes out at once, and the pipe is told of the answer. */
static void set_config(struct kunit *test)
{
	static const struct xen_drm_proto_config off;
	struct xen_drm_proto_config numbered = config;
	struct loopback *lb = test->priv;

	numbered.number = 7;
	refuse_config(lb, &numbered, set_config_image);
	KUNIT_EXPECT_EQ(test, lb->num_modes, 1);
	KUNIT_EXPECT_EQ(test, lb->mode, 7);
	KUNIT_EXPECT_EQ(test, lb->mode_error, -ENOMEM);

	lb->chan->next_id = REQUEST_ID;
	refuse_config(lb, &off, reset_config_image);
	KUNIT_EXPECT_EQ(test, lb->num_not_off, 1);
	KUNIT_EXPECT_EQ(test, lb->num_modes, 1);

	xen_drm_conn_break(lb->conn, NULL);
	KUNIT_EXPECT_EQ(test, xen_drm_proto_set_config(lb->chan, &numbered), -ENODEV);
}

/* Goes out at once. */
static void page_flip(struct kunit *test)
{
	struct loopback *lb = test->priv;
	struct xendispl_req taken;
	u32 serial = 0;

	KUNIT_ASSERT_EQ(test, xen_drm_proto_page_flip(lb->chan, FB_COOKIE, &serial), 0);
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &taken));
	KUNIT_EXPECT_MEMEQ(test, lb->last_request, pg_flip_image, LOOPBACK_REQ_SIZE);
	KUNIT_EXPECT_EQ(test, serial, 1);
	KUNIT_EXPECT_EQ(test, xen_drm_proto_page_flip(lb->chan, FB_COOKIE, &serial), -EBUSY);
	KUNIT_EXPECT_EQ(test, serial, 1);

	loopback_event(lb, 0, XENDISPL_EVT_PG_FLIP, FB_COOKIE);
	KUNIT_EXPECT_TRUE(test, xen_drm_proto_poll(lb->chan));
	KUNIT_EXPECT_EQ(test, lb->num_done, 1);
	xen_drm_conn_break(lb->conn, NULL);
	KUNIT_EXPECT_EQ(test, xen_drm_proto_page_flip(lb->chan, FB_COOKIE, &serial), -ENODEV);
}

/* --- EDID ------------------------------------------------------------------ */

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

static void answer_edid(struct loopback *lb, const struct xendispl_req *req)
{
	const struct edid_case *c = lb->test->param_value;

	loopback_respond_edid(lb, req, c->size);
}

static void edid_size(struct kunit *test)
{
	const struct edid_case *c = test->param_value;
	struct loopback *lb = test->priv;
	struct xen_drm_call call;

	loopback_start(lb, answer_edid);

	KUNIT_ASSERT_EQ(test, send_get_edid(lb->chan, &call), 0);
	KUNIT_EXPECT_EQ(test, xen_drm_proto_wait_edid(lb->chan, &call), c->ret);
	loopback_expect_sound(lb);
}

/* No size of a backend that says no is looked at. */
static void no_edid(struct kunit *test)
{
	struct loopback *lb = test->priv;
	struct xen_drm_call call;

	loopback_start(lb, refuse);

	KUNIT_ASSERT_EQ(test, send_get_edid(lb->chan, &call), 0);
	KUNIT_EXPECT_EQ(test, xen_drm_proto_wait_edid(lb->chan, &call), -ENOMEM);
	loopback_expect_sound(lb);
}

/* Of requests that the backend has not answered, and may not have read. */
static void withdraw(struct kunit *test)
{
	struct loopback *lb = test->priv;
	struct xen_drm_proto_dbuf other = dbuf;

	other.directory = DIRECTORY + 1;
	KUNIT_ASSERT_EQ(test, send_dbuf_create(lb->chan, NULL), 0);
	KUNIT_ASSERT_EQ(test, send_get_edid(lb->chan, NULL), 0);
	KUNIT_ASSERT_EQ(test, xen_drm_proto_dbuf_create(lb->chan, NULL, &other), 0);
	KUNIT_ASSERT_EQ(test, send_fb_attach(lb->chan, NULL), 0);
	KUNIT_EXPECT_EQ(test, loopback_count_grants(lb), 3);

	xen_drm_proto_withdraw(lb->chan, DIRECTORY);
	KUNIT_EXPECT_EQ(test, loopback_count_grants(lb), 1);
	xen_drm_proto_withdraw(lb->chan, DIRECTORY);
	KUNIT_EXPECT_EQ(test, loopback_count_grants(lb), 1);

	/* What is left is for a backend that is killed, started again, and finds the ring. */
	xen_drm_conn_break(lb->conn, NULL);
	KUNIT_EXPECT_EQ(test, loopback_count_grants(lb), 0);
}

static struct kunit_case proto_cases[] = {
	KUNIT_CASE(sizes),
	KUNIT_CASE_PARAM(stride, stride_gen_params),
	KUNIT_CASE(cookies),
	KUNIT_CASE_PARAM(request, request_gen_params),
	KUNIT_CASE_PARAM(outcome, request_gen_params),
	KUNIT_CASE(set_config),
	KUNIT_CASE(page_flip),
	KUNIT_CASE_PARAM(edid_size, edid_gen_params),
	KUNIT_CASE(no_edid),
	KUNIT_CASE(withdraw),
	{}
};

static struct kunit_suite proto_suite = {
	.name = "xen_drm_front_proto",
	.init = proto_init,
	.test_cases = proto_cases,
};

kunit_test_suite(proto_suite);
