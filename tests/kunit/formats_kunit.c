// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Which formats planes list, by what the backend says of a framebuffer of each.
 */

#include <drm/drm_fourcc.h>

#include <kunit/test.h>

#include "../../xen_drm_front_formats.h"

#include "wire.h"

#define ALL_REQUESTS "grant, CREATE, ATTACH, ATTACH, ATTACH, CREATE, ATTACH, " \
	"CREATE, ATTACH, ATTACH, ATTACH, ATTACH, ATTACH, " \
	"DETACH, DETACH, DETACH, DETACH, DETACH, DETACH, DETACH, DETACH, DETACH, " \
	"DESTROY, DESTROY, DESTROY, free"
#define NUM_REQUESTS	24
/* Numbers of some of them, counted from 1. */
#define ATTACH_XRGB2101010 4
#define CREATE_24	5
#define CREATE_16	7
#define ATTACH_RGB565	8

static int formats_init(struct kunit *test)
{
	struct wire *wire = wire_create(test);

	wire->link.chan = wire->lb->chan;
	wire->link.number = 1;
	wire->link.domid = WIRE_DOMID;
	wire->link.version = 1;
	return 0;
}

static bool has(const struct xen_drm_formats *formats, u32 format)
{
	unsigned int i;

	for (i = 0; i < formats->num; i++)
		if (formats->list[i] == format)
			return true;
	return false;
}

static struct xen_drm_formats ask(struct wire *wire)
{
	struct xen_drm_formats formats;

	wire_start(wire);
	xen_drm_formats_ask(&formats, &wire->link);
	return formats;
}

/* @only: number of the request that is refused, or 0 for all of @operation. */
static struct xen_drm_formats ask_refused(struct wire *wire, u8 operation, unsigned int only,
					  int status)
{
	wire->refuse = operation;
	wire->refuse_only = only;
	wire->status = status;
	return ask(wire);
}

static void all(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct xen_drm_formats formats;

	/* One round trip: nothing is answered before all is there. */
	wire->hold = NUM_REQUESTS;
	formats = ask(wire);

	wire_expect(wire, ALL_REQUESTS);
	KUNIT_EXPECT_EQ(test, formats.num, XEN_DRM_MAX_FORMATS);
	KUNIT_EXPECT_EQ(test, formats.list[0], DRM_FORMAT_XRGB8888);
	KUNIT_EXPECT_EQ(test, wire->granted, 1);
	KUNIT_EXPECT_EQ(test, wire->living_dirs, 0);
	KUNIT_EXPECT_EQ(test, wire->num_known, 0);
	KUNIT_EXPECT_EQ(test, wire->twice, 0);
}

/* Buffers that hosts take, and no alpha. */
static void requests(struct kunit *test)
{
	struct wire *wire = test->priv;
	const struct xendispl_req *req;
	u32 bpp = 0;
	unsigned int i;

	ask(wire);
	KUNIT_ASSERT_EQ(test, wire->num_requests, NUM_REQUESTS);

	for (i = 0; i < NUM_REQUESTS; i++) {
		req = &wire->requests[i].req;
		if (req->operation == XENDISPL_OP_DBUF_CREATE) {
			KUNIT_EXPECT_EQ(test, req->op.dbuf_create.width, 32);
			KUNIT_EXPECT_EQ(test, req->op.dbuf_create.height, 32);
			KUNIT_EXPECT_EQ(test, req->op.dbuf_create.flags, 0);
			KUNIT_EXPECT_EQ(test, req->op.dbuf_create.data_ofs, 0);
			bpp = req->op.dbuf_create.bpp;
			KUNIT_EXPECT_GE(test, req->op.dbuf_create.buffer_sz,
					32 * 32 * bpp / 8);
		} else if (req->operation == XENDISPL_OP_FB_ATTACH) {
			const struct drm_format_info *info =
				drm_format_info(req->op.fb_attach.pixel_format);

			KUNIT_ASSERT_NOT_NULL(test, info);
			KUNIT_EXPECT_EQ(test, drm_format_info_bpp(info, 0), bpp);
			KUNIT_EXPECT_FALSE(test, info->has_alpha);
			KUNIT_EXPECT_EQ(test, req->op.fb_attach.width, 32);
			KUNIT_EXPECT_EQ(test, req->op.fb_attach.height, 32);
		}
	}
}

/* Each format goes over the wire as one that was on trial. */
static void opaque(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct xen_drm_formats formats;
	unsigned int i, j;
	bool found;

	formats = ask(wire);
	for (i = 0; i < formats.num; i++) {
		const struct drm_format_info *info = drm_format_info(formats.list[i]);
		u32 format = xen_drm_formats_opaque(formats.list[i]);

		KUNIT_EXPECT_FALSE(test, drm_format_info(format)->has_alpha);
		KUNIT_EXPECT_EQ(test, drm_format_info_bpp(drm_format_info(format), 0),
				drm_format_info_bpp(info, 0));
		for (j = 0, found = false; j < wire->num_requests; j++)
			found |= wire->requests[j].req.operation == XENDISPL_OP_FB_ATTACH &&
				 wire->requests[j].req.op.fb_attach.pixel_format == format;
		KUNIT_EXPECT_TRUE(test, found);
	}
}

static void one_is_refused(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct xen_drm_formats formats;

	formats = ask_refused(wire, XENDISPL_OP_FB_ATTACH, ATTACH_RGB565, -EINVAL);
	wire_expect(wire, ALL_REQUESTS);

	KUNIT_EXPECT_EQ(test, formats.num, XEN_DRM_MAX_FORMATS - 1);
	KUNIT_EXPECT_FALSE(test, has(&formats, DRM_FORMAT_RGB565));
	KUNIT_EXPECT_TRUE(test, has(&formats, DRM_FORMAT_XRGB1555));
	KUNIT_EXPECT_TRUE(test, has(&formats, DRM_FORMAT_RGB888));
}

/* Both of a pair are the same to the backend. */
static void alpha_follows(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct xen_drm_formats formats;

	formats = ask_refused(wire, XENDISPL_OP_FB_ATTACH, ATTACH_XRGB2101010, -EINVAL);

	KUNIT_EXPECT_EQ(test, formats.num, XEN_DRM_MAX_FORMATS - 2);
	KUNIT_EXPECT_FALSE(test, has(&formats, DRM_FORMAT_XRGB2101010));
	KUNIT_EXPECT_FALSE(test, has(&formats, DRM_FORMAT_ARGB2101010));
}

static void all_are_refused(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct xen_drm_formats formats;

	formats = ask_refused(wire, XENDISPL_OP_FB_ATTACH, 0, -EINVAL);

	KUNIT_EXPECT_EQ(test, formats.num, 2);
	KUNIT_EXPECT_EQ(test, formats.list[0], DRM_FORMAT_XRGB8888);
	KUNIT_EXPECT_EQ(test, formats.list[1], DRM_FORMAT_ARGB8888);
}

/* That is for want of memory, or of grants, and says nothing of formats. */
static void buffer_is_refused(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct xen_drm_formats formats;

	formats = ask_refused(wire, XENDISPL_OP_DBUF_CREATE, CREATE_16, -ENOMEM);
	KUNIT_EXPECT_EQ(test, formats.num, XEN_DRM_MAX_FORMATS);
}

static void cannot_be_granted(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct xen_drm_formats formats;

	wire->grant_error = -ENOSPC;
	wire->grant_errors = 1;
	formats = ask(wire);
	wire_expect(wire, "grant");
	KUNIT_EXPECT_EQ(test, formats.num, XEN_DRM_MAX_FORMATS);
}

/* What was answered before counts, whatever becomes of the connection. */
static void backend_goes(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct xen_drm_formats formats;

	wire->break_at = CREATE_24;
	formats = ask(wire);
	KUNIT_EXPECT_EQ(test, formats.num, XEN_DRM_MAX_FORMATS);
	KUNIT_EXPECT_EQ(test, wire->living_dirs, 0);
}

/* The page may be another device's when it goes on. */
static void silence(struct kunit *test)
{
	struct wire *wire = test->priv;

	wire->hold = WIRE_REQUESTS;
	ask(wire);
	KUNIT_EXPECT_EQ(test, wire->living_dirs, 0);
	KUNIT_EXPECT_EQ(test, loopback_count_grants(wire->lb), 0);
}

static struct kunit_case formats_cases[] = {
	KUNIT_CASE(all),
	KUNIT_CASE(requests),
	KUNIT_CASE(opaque),
	KUNIT_CASE(one_is_refused),
	KUNIT_CASE(alpha_follows),
	KUNIT_CASE(all_are_refused),
	KUNIT_CASE(buffer_is_refused),
	KUNIT_CASE(cannot_be_granted),
	KUNIT_CASE(backend_goes),
	KUNIT_CASE(silence),
	{}
};

static struct kunit_suite formats_suite = {
	.name = "xen_drm_front_formats",
	.init = formats_init,
	.test_cases = formats_cases,
};

kunit_test_suite(formats_suite);
