// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What becomes of the backend's EDID and of the toolstack's configuration: the modes,
 * the physical size, the EDID and the path of a connector, as user space sees them.
 */

#include <linux/string.h>

#include <drm/drm_drv.h>
#include <drm/drm_edid.h>
#include <drm/drm_modeset_helper_vtables.h>

#include <kunit/static_stub.h>
#include <kunit/test-bug.h>
#include <kunit/test.h>

#include "../../xen_drm_front_kms.h"
#include "../../xen_drm_front_pgdir.h"
#include "../../xen_drm_front_pipe.h"

#include "loopback.h"
#include "monitor.h"
#include "wire.h"

static const struct monitor_timing hd_75 = { 9281, 1280, 370, 720, 30, 0x1e };
static const struct monitor_timing svga = { 4000, 800, 256, 600, 28, 0x1e };
/* As deployed backends write them: 16 bits of a clock of 69517, 12 bits of 5120. */
static const struct monitor_timing overflown_uhd = { 3981, 3840, 560, 2160, 473, 0x1a };
static const struct monitor_timing cut_5k = { 9813, 1024, 160, 2880, 80, 0x1a };

/* --- a display with a connector --------------------------------------------- */

struct screen {
	struct loopback *lb;
	struct xen_drm_display *display;
	struct xen_drm_link link;
	struct drm_connector *connector;
	/* @pages: that the driver shares for an EDID */
	struct page **pages;
	/* @edid: what the backend has, @size 0 if it has none */
	u8 edid[MONITOR_MAX_SIZE];
	u32 size;
	/* @silent: no request is answered */
	bool silent;
	/* @ends: with the next request the connection */
	bool ends;
};

static struct screen *screen_of_test(void)
{
	return kunit_get_current_test()->priv;
}

static struct xen_drm_pgdir *stub_grant(domid_t domid, struct page **pages,
					unsigned int num_pages,
					struct xen_drm_backing *backing)
{
	screen_of_test()->pages = pages;
	return (struct xen_drm_pgdir *)pages;
}

static grant_ref_t stub_start(const struct xen_drm_pgdir *pgdir)
{
	return 1;
}

static unsigned int stub_free(struct xen_drm_pgdir *pgdir)
{
	screen_of_test()->pages = NULL;
	return 0;
}

/* Runs in the thread of the backend. */
static void screen_answer(struct loopback *lb, const struct xendispl_req *req)
{
	struct screen *screen = lb->test->priv;

	if (screen->silent)
		return;
	if (screen->ends) {
		xen_drm_conn_break(lb->conn, "the test wants it");
		return;
	}
	if (req->operation != XENDISPL_OP_GET_EDID || !screen->size) {
		loopback_respond(lb, req->id, req->operation, -EOPNOTSUPP);
		return;
	}
	memcpy(page_address(screen->pages[0]), screen->edid, screen->size);
	loopback_respond_edid(lb, req, screen->size);
}

static const struct drm_driver screen_driver = {
	.driver_features = DRIVER_GEM | DRIVER_MODESET | DRIVER_ATOMIC,
	.name = "xendrm-screen",
	.desc = "a connector without Xen",
	.major = 1,
};

static int screen_init(struct kunit *test)
{
	struct screen *screen = kunit_kzalloc(test, sizeof(*screen), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, screen);
	test->priv = screen;
	screen->display = wire_create_display(test, &screen_driver);
	wire_add_connector(test, screen->display, 1280, 720);
	screen->connector = &screen->display->pipes[0].connector.base;
	screen->lb = loopback_create(test);
	screen->link.chan = screen->lb->chan;
	screen->link.version = 2;

	kunit_activate_static_stub(test, xen_drm_pgdir_grant, stub_grant);
	kunit_activate_static_stub(test, xen_drm_pgdir_start, stub_start);
	kunit_activate_static_stub(test, xen_drm_pgdir_free, stub_free);
	loopback_start(screen->lb, screen_answer);
	return 0;
}

/* A new connection; returns whether it has brought something new. */
static bool screen_join(struct screen *screen, u32 width, u32 height)
{
	struct xen_drm_cfg *cfg = &screen->display->cfg;
	struct xen_drm_edid_query *query;
	bool changed;

	cfg->connectors[0].width = width;
	cfg->connectors[0].height = height;
	screen->link.number++;
	xen_drm_kms_ask(screen->display, &screen->lb->chan, &screen->link, &query);
	changed = xen_drm_kms_join(screen->display, cfg, &screen->lb->chan, &screen->link,
				   &query);
	xen_drm_kms_leave(screen->display);
	return changed;
}

static void screen_join_with(struct screen *screen, u32 width, u32 height,
			     const struct monitor_timing *first,
			     const struct monitor_timing *second)
{
	monitor_make_edid(screen->edid, first, second);
	screen->size = EDID_LENGTH;
	screen_join(screen, width, height);
}

/* What user space sees when it looks; text like "1280x720@60, 1280x720@75". */
static void screen_expect(struct screen *screen, const char *expected)
{
	struct drm_connector *connector = screen->connector;
	const struct drm_display_mode *mode;
	char modes[128] = "", one[24];

	guard(mutex)(&connector->dev->mode_config.mutex);

	connector->funcs->fill_modes(connector, XEN_DRM_MAX_DIM, XEN_DRM_MAX_DIM);
	list_for_each_entry(mode, &connector->modes, head) {
		snprintf(one, sizeof(one), "%s%ux%u@%d", modes[0] ? ", " : "", mode->hdisplay,
			 mode->vdisplay, drm_mode_vrefresh(mode));
		strlcat(modes, one, sizeof(modes));
	}
	KUNIT_EXPECT_STREQ(screen->lb->test, modes, expected);
}

static void screen_expect_mm(struct screen *screen, u32 width, u32 height)
{
	KUNIT_EXPECT_EQ(screen->lb->test, screen->connector->display_info.width_mm, width);
	KUNIT_EXPECT_EQ(screen->lb->test, screen->connector->display_info.height_mm, height);
}

static void screen_expect_edid(struct screen *screen, const void *edid, size_t size)
{
	const struct drm_property_blob *blob = screen->connector->edid_blob_ptr;

	KUNIT_ASSERT_EQ(screen->lb->test, !!blob, !!size);
	if (!blob)
		return;
	KUNIT_ASSERT_EQ(screen->lb->test, blob->length, size);
	KUNIT_EXPECT_MEMEQ(screen->lb->test, blob->data, edid, size);
}

static void no_edid(struct kunit *test)
{
	struct screen *screen = test->priv;

	screen_join(screen, 1280, 720);
	KUNIT_EXPECT_EQ(test, screen->lb->requests, 1);
	screen_expect(screen, "1280x720@60");
	screen_expect_edid(screen, NULL, 0);
	screen_expect_mm(screen, 1280 * 254 / 960, 720 * 254 / 960);
}

/* The request is one of version 2. */
static void version_1(struct kunit *test)
{
	struct screen *screen = test->priv;

	screen->link.version = 1;
	screen_join_with(screen, 1280, 720, &monitor_hd, NULL);
	KUNIT_EXPECT_EQ(test, screen->lb->requests, 0);
	screen_expect(screen, "1280x720@60");
	screen_expect_edid(screen, NULL, 0);
}

static void odd_sizes(struct kunit *test)
{
	struct screen *screen = test->priv;

	screen_join(screen, 333, 222);
	screen_expect(screen, "333x222@60");
	screen_join(screen, XEN_DRM_MAX_DIM, XEN_DRM_MAX_DIM);
	screen_expect(screen, "32767x32767@60");
}

static void edid_of_the_configured_size(struct kunit *test)
{
	struct screen *screen = test->priv;
	const struct drm_display_mode *mode;

	screen_join_with(screen, 1280, 720, &monitor_hd, NULL);
	screen_expect(screen, "1280x720@60");
	screen_expect_edid(screen, screen->edid, EDID_LENGTH);
	screen_expect_mm(screen, MONITOR_WIDTH_MM, MONITOR_HEIGHT_MM);

	mode = list_first_entry(&screen->connector->modes, struct drm_display_mode, head);
	KUNIT_EXPECT_EQ(test, mode->clock, 74250);
	KUNIT_EXPECT_EQ(test, mode->htotal, 1650);
	KUNIT_EXPECT_TRUE(test, mode->type & DRM_MODE_TYPE_PREFERRED);
}

/* "EDID values must take precedence over the resolutions", smaller or larger. */
static void edid_takes_precedence(struct kunit *test)
{
	struct screen *screen = test->priv;

	screen_join_with(screen, 1280, 720, &svga, NULL);
	screen_expect(screen, "800x600@60");
	screen_join_with(screen, 640, 480, &svga, NULL);
	screen_expect(screen, "800x600@60");
}

/* Of all modes of an EDID, those of one size can be shown. */
static void other_modes(struct kunit *test)
{
	struct screen *screen = test->priv;

	screen_join_with(screen, 1280, 720, &monitor_hd, &svga);
	screen_expect(screen, "1280x720@60");
	screen_join_with(screen, 1280, 720, &monitor_hd, &hd_75);
	screen_expect(screen, "1280x720@60, 1280x720@75");

	/* 640x480, 800x600, 1024x768, and some rates of them. */
	screen->edid[35] = 0xff;
	screen->edid[36] = 0xff;
	monitor_put_checksum(screen->edid);
	screen_join(screen, 1280, 720);
	screen_expect(screen, "1280x720@60, 1280x720@75");
}

/* What deployed backends say of more than 655 MHz: 3 Hz. */
static void clock_has_overflown(struct kunit *test)
{
	struct screen *screen = test->priv;

	screen_join_with(screen, 3840, 2160, &overflown_uhd, NULL);
	screen_expect(screen, "3840x2160@60");
	screen_expect_edid(screen, screen->edid, EDID_LENGTH);
	screen_expect_mm(screen, MONITOR_WIDTH_MM, MONITOR_HEIGHT_MM);
}

static void size_is_cut(struct kunit *test)
{
	struct screen *screen = test->priv;

	screen_join_with(screen, 5120, 2880, &cut_5k, NULL);
	screen_expect(screen, "5120x2880@60");
	screen_expect_edid(screen, screen->edid, EDID_LENGTH);

	/* The same is as good as any other one where nothing was cut. */
	screen_join_with(screen, 1024, 768, &cut_5k, NULL);
	screen_expect(screen, "1024x2880@28");
}

/* A timer of ours would have to keep up with it. */
static void rate_is_too_high(struct kunit *test)
{
	static const struct monitor_timing fast = { 65535, 320, 16, 240, 16, 0x1e };
	struct screen *screen = test->priv;

	screen_join_with(screen, 320, 240, &fast, NULL);
	screen_expect(screen, "320x240@60");
}

/* Neither mode nor anything else. */
static void invalid_edid(struct kunit *test)
{
	struct screen *screen = test->priv;

	monitor_make_edid(screen->edid, &svga, NULL);
	screen->edid[30]++;
	screen->size = EDID_LENGTH;
	screen_join(screen, 1280, 720);
	screen_expect(screen, "1280x720@60");
	screen_expect_edid(screen, NULL, 0);
}

static void several_blocks(struct kunit *test)
{
	struct screen *screen = test->priv;

	monitor_make_edid(screen->edid, &monitor_hd, NULL);
	screen->edid[MONITOR_EXTENSIONS] = 1;
	monitor_put_checksum(screen->edid);
	monitor_make_extension(screen->edid + EDID_LENGTH, 1);
	screen->size = 2 * EDID_LENGTH;
	screen_join(screen, 1280, 720);
	screen_expect(screen, "1280x720@60");
	screen_expect_edid(screen, screen->edid, 2 * EDID_LENGTH);
}

/* --- the toolstack's name --------------------------------------------------- */

static void screen_expect_path(struct screen *screen, const char *expected)
{
	const struct drm_property_blob *blob = screen->connector->path_blob_ptr;
	const struct drm_object_properties *all = screen->connector->base.properties;
	u64 value = 0;
	int i;

	KUNIT_ASSERT_NOT_NULL(screen->lb->test, blob);
	KUNIT_ASSERT_EQ(screen->lb->test, blob->length, strlen(expected) + 1);
	KUNIT_EXPECT_STREQ(screen->lb->test, blob->data, expected);

	for (i = 0; i < all->count; i++)
		if (all->properties[i] == screen->display->drm.mode_config.path_property)
			value = all->values[i];
	KUNIT_EXPECT_EQ(screen->lb->test, value, blob->base.id);
}

static bool screen_join_as(struct screen *screen, const char *unique_id)
{
	strscpy(screen->display->cfg.connectors[0].unique_id, unique_id);
	return screen_join(screen, 1280, 720);
}

static void path(struct kunit *test)
{
	struct screen *screen = test->priv;
	char longest[XEN_DRM_UNIQUE_ID_LEN], expected[XEN_DRM_PATH_LEN];

	screen_expect_path(screen, "xen:");
	KUNIT_EXPECT_TRUE(test, screen_join_as(screen, "HDMI-A-1"));
	screen_expect_path(screen, "xen:HDMI-A-1");
	KUNIT_EXPECT_FALSE(test, screen_join_as(screen, "HDMI-A-1"));
	KUNIT_EXPECT_TRUE(test, screen_join_as(screen, "HDMI-A-2"));
	screen_expect_path(screen, "xen:HDMI-A-2");

	/* Any byte may be in it. */
	KUNIT_EXPECT_TRUE(test, screen_join_as(screen, "a\n\xff"));
	screen_expect_path(screen, "xen:a\\012\\377");
	memset(longest, '\xff', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	strscpy(expected, "xen:");
	while (strlen(expected) < 4 + 4 * (sizeof(longest) - 1))
		strlcat(expected, "\\377", sizeof(expected));
	screen_join_as(screen, longest);
	screen_expect_path(screen, expected);
}

/* --- reconnects ------------------------------------------------------------- */

/* Only then is there a hot-plug event. */
static void changes(struct kunit *test)
{
	struct screen *screen = test->priv;

	KUNIT_EXPECT_FALSE(test, screen_join(screen, 1280, 720));
	KUNIT_EXPECT_TRUE(test, screen_join(screen, 1280, 800));
	KUNIT_EXPECT_TRUE(test, screen_join(screen, 1280, 720));

	monitor_make_edid(screen->edid, &monitor_hd, NULL);
	screen->size = EDID_LENGTH;
	KUNIT_EXPECT_TRUE(test, screen_join(screen, 1280, 720));
	KUNIT_EXPECT_FALSE(test, screen_join(screen, 1280, 720));
	/* The serial number alone. */
	screen->edid[12]++;
	monitor_put_checksum(screen->edid);
	KUNIT_EXPECT_TRUE(test, screen_join(screen, 1280, 720));
	screen_expect_edid(screen, NULL, 0);
	screen_expect(screen, "1280x720@60");
	screen_expect_edid(screen, screen->edid, EDID_LENGTH);

	screen->size = 0;
	KUNIT_EXPECT_TRUE(test, screen_join(screen, 1280, 720));
	screen_expect(screen, "1280x720@60");
	screen_expect_edid(screen, NULL, 0);
}

/* What it would write later must not go where the pages of the EDID have been. */
static void silence(struct kunit *test)
{
	struct screen *screen = test->priv;

	screen->silent = true;
	screen_join(screen, 1280, 720);
	KUNIT_EXPECT_EQ(test, screen->lb->requests, 1);
	KUNIT_EXPECT_EQ(test, loopback_count_grants(screen->lb), 0);
	screen_expect(screen, "1280x720@60");
	/* A silent backend does not change the monitor that clients see. */
	screen->display->registered = true;
	KUNIT_EXPECT_FALSE(test, screen_join(screen, 1024, 768));
	screen_expect(screen, "1280x720@60");
}

/* Nobody knows then what monitor there is; the next connection tells. */
static void ends_without_an_answer(struct kunit *test)
{
	struct screen *screen = test->priv;

	screen_join_with(screen, 1024, 768, &monitor_hd, NULL);
	screen_expect(screen, "1280x720@60");
	screen->display->registered = true;
	screen->ends = true;
	KUNIT_EXPECT_FALSE(test, screen_join(screen, 1024, 768));
	/* Nor can it be asked any more. */
	KUNIT_EXPECT_FALSE(test, screen_join(screen, 1024, 768));
	screen_expect(screen, "1280x720@60");
	screen_expect_edid(screen, screen->edid, EDID_LENGTH);
}

/* Compositors look at the modes of a connector when it is plugged in, and never again. */
static void another_size(struct kunit *test)
{
	struct screen *screen = test->priv;

	screen_join(screen, 1280, 720);
	screen->connector->registration_state = DRM_CONNECTOR_REGISTERED;
	screen_join(screen, 1280, 720);
	screen_expect(screen, "1280x720@60");
	screen_join(screen, 1280, 800);
	screen_expect(screen, "");
	KUNIT_EXPECT_EQ(test, screen->connector->status, connector_status_disconnected);
	flush_delayed_work(&screen->display->pipes[0].connector.plug_work);
	screen_expect(screen, "1280x800@60");
	KUNIT_EXPECT_EQ(test, screen->connector->status, connector_status_connected);
	screen->connector->registration_state = DRM_CONNECTOR_INITIALIZING;
}

/* The console sets the same mode at each event, which is not to go on for ever. */
static void refused_again_and_again(struct kunit *test)
{
	struct screen *screen = test->priv;
	struct xen_drm_connector *connector = &screen->display->pipes[0].connector;
	unsigned long at, gap;
	unsigned int i;

	xen_drm_connector_set_bad(connector);
	KUNIT_EXPECT_LE(test, connector->bad_at, jiffies);
	flush_delayed_work(&connector->link_work);
	for (i = 0; i < 10; i++) {
		gap = connector->bad_gap;
		KUNIT_EXPECT_EQ(test, gap, min(1U << i, 64) * HZ);
		/* As if it were the time of the last one. */
		at = jiffies;
		connector->bad_at = at;
		xen_drm_connector_set_bad(connector);
		KUNIT_EXPECT_TRUE(test, delayed_work_pending(&connector->link_work));
		KUNIT_EXPECT_EQ(test, connector->bad_at, at + gap);
		cancel_delayed_work_sync(&connector->link_work);
	}

	xen_drm_connector_set_good(connector);
	KUNIT_EXPECT_EQ(test, connector->bad_gap, HZ);
}

/* As drm.edid_firmware or debugfs have it: the administrator's, but not another size. */
static void edid_of_the_administrator(struct kunit *test)
{
	struct screen *screen = test->priv;
	u8 edid[EDID_LENGTH];
	const struct drm_edid *override;

	screen_join_with(screen, 1280, 720, &monitor_hd, NULL);
	monitor_make_edid(edid, &svga, &hd_75);
	override = drm_edid_alloc(edid, sizeof(edid));
	KUNIT_ASSERT_NOT_NULL(test, override);

	screen->connector->edid_override = override;
	screen_expect(screen, "1280x720@75");
	screen_expect_edid(screen, edid, EDID_LENGTH);
	screen->connector->edid_override = NULL;
	drm_edid_free(override);
	screen_expect(screen, "1280x720@60");
	screen_expect_edid(screen, screen->edid, EDID_LENGTH);
}

/* Modes that clients make are none of the EDID's. */
static void modes_of_clients(struct kunit *test)
{
	struct screen *screen = test->priv;
	struct xen_drm_pipe *pipe = &screen->display->pipes[0];
	const struct drm_crtc_helper_funcs *funcs = pipe->base.crtc.helper_private;
	struct drm_display_mode right = {
		DRM_MODE("", DRM_MODE_TYPE_USERDEF, 74250, 1280, 1390, 1430, 1650, 0, 720, 725,
			 730, 750, 0, DRM_MODE_FLAG_PHSYNC | DRM_MODE_FLAG_NVSYNC)
	}, mode;

	screen_join(screen, 1280, 720);
	KUNIT_EXPECT_EQ(test, funcs->mode_valid(&pipe->base.crtc, &right), MODE_OK);
#define MODE_EXPECT(status, member, value) do {					\
	mode = right;								\
	mode.member = value;							\
	KUNIT_EXPECT_EQ(test, funcs->mode_valid(&pipe->base.crtc, &mode), status); \
} while (0)
	MODE_EXPECT(MODE_ONE_SIZE, hdisplay, 1279);
	MODE_EXPECT(MODE_ONE_SIZE, vdisplay, 721);
	MODE_EXPECT(MODE_VSYNC, clock, 0);
	MODE_EXPECT(MODE_VSYNC, clock, 1650 * 750 * 23 / 1000);
	MODE_EXPECT(MODE_OK, clock, 1650 * 750 * 24 / 1000);
	MODE_EXPECT(MODE_OK, clock, 1650 * 750);
	MODE_EXPECT(MODE_VSYNC, clock, 1650 * 750 + 1238);
	MODE_EXPECT(MODE_BAD, vscan, 2);
	MODE_EXPECT(MODE_OK, flags, DRM_MODE_FLAG_NHSYNC | DRM_MODE_FLAG_PVSYNC);
	MODE_EXPECT(MODE_BAD, flags, DRM_MODE_FLAG_INTERLACE);
	MODE_EXPECT(MODE_BAD, flags, DRM_MODE_FLAG_DBLSCAN);
	MODE_EXPECT(MODE_BAD, flags, DRM_MODE_FLAG_3D_FRAME_PACKING);
#undef MODE_EXPECT
}

static struct kunit_case connector_cases[] = {
	KUNIT_CASE(no_edid),
	KUNIT_CASE(version_1),
	KUNIT_CASE(odd_sizes),
	KUNIT_CASE(edid_of_the_configured_size),
	KUNIT_CASE(edid_takes_precedence),
	KUNIT_CASE(other_modes),
	KUNIT_CASE(clock_has_overflown),
	KUNIT_CASE(size_is_cut),
	KUNIT_CASE(rate_is_too_high),
	KUNIT_CASE(invalid_edid),
	KUNIT_CASE(several_blocks),
	KUNIT_CASE(path),
	KUNIT_CASE(changes),
	KUNIT_CASE(silence),
	KUNIT_CASE(ends_without_an_answer),
	KUNIT_CASE(another_size),
	KUNIT_CASE(refused_again_and_again),
	KUNIT_CASE(edid_of_the_administrator),
	KUNIT_CASE(modes_of_clients),
	{}
};

static struct kunit_suite connector_suite = {
	.name = "xen_drm_front_connector",
	.init = screen_init,
	.test_cases = connector_cases,
};

kunit_test_suite(connector_suite);
