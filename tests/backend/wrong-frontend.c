// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Shows that the backend sees what it claims to see. Plays a frontend that does one
 * thing wrong in each case, over real rings and grants. Then looks for that breach, and
 * for no other, in the backend's statistics. What is wrong in a request itself is for
 * check_conform.c.
 *
 *	wrong-frontend PATH-OF-XEN-DISPL-BE [CASE]
 *
 * runs in the domain of a backend that answers GET_EDID. CASE is the beginning of
 * the names of those cases that shall run.
 */
#include <stdio.h>
#include <stdlib.h>

#include "expect.h"
#include "front.h"
#include "picture.h"

#define FIRST_DEVID 100
#define EDID_PAGES (XENDISPL_EDID_MAX_SIZE / WIRE_PAGE_SIZE)

bool all_ok;
static const char *backend;
static struct front_buffer buffer;

static char *ctl(const char *command)
{
	static char reply[65536];
	char line[512];
	FILE *pipe;
	size_t len;

	snprintf(line, sizeof(line), "%s ctl %s", backend, command);
	pipe = popen(line, "r");
	if (!pipe)
		return NULL;
	len = fread(reply, 1, sizeof(reply) - 1, pipe);
	reply[len] = 0;
	return pclose(pipe) ? NULL : reply;
}

static struct xendispl_req request(uint8_t operation)
{
	struct xendispl_req req;

	memset(&req, 0, sizeof(req));
	req.operation = operation;
	return req;
}

static struct xendispl_req create(uint64_t cookie)
{
	struct xendispl_req req = request(XENDISPL_OP_DBUF_CREATE);

	req.op.dbuf_create.dbuf_cookie = cookie;
	req.op.dbuf_create.width = FRONT_WIDTH;
	req.op.dbuf_create.height = FRONT_HEIGHT;
	req.op.dbuf_create.bpp = 32;
	req.op.dbuf_create.buffer_sz = FRONT_BYTES;
	req.op.dbuf_create.gref_directory = buffer.directory_ref;
	return req;
}

static struct xendispl_req destroy(uint64_t cookie)
{
	struct xendispl_req req = request(XENDISPL_OP_DBUF_DESTROY);

	req.op.dbuf_destroy.dbuf_cookie = cookie;
	return req;
}

static struct xendispl_req attach(uint64_t dbuf_cookie, uint64_t fb_cookie)
{
	struct xendispl_req req = request(XENDISPL_OP_FB_ATTACH);

	req.op.fb_attach.dbuf_cookie = dbuf_cookie;
	req.op.fb_attach.fb_cookie = fb_cookie;
	req.op.fb_attach.width = FRONT_WIDTH;
	req.op.fb_attach.height = FRONT_HEIGHT;
	req.op.fb_attach.pixel_format = FOURCC('X', 'R', '2', '4');
	return req;
}

static struct xendispl_req detach(uint64_t fb_cookie)
{
	struct xendispl_req req = request(XENDISPL_OP_FB_DETACH);

	req.op.fb_detach.fb_cookie = fb_cookie;
	return req;
}

static struct xendispl_req config(uint64_t fb_cookie)
{
	struct xendispl_req req = request(XENDISPL_OP_SET_CONFIG);

	if (!fb_cookie)
		return req;
	req.op.set_config.fb_cookie = fb_cookie;
	req.op.set_config.width = FRONT_WIDTH;
	req.op.set_config.height = FRONT_HEIGHT;
	req.op.set_config.bpp = 32;
	return req;
}

static struct xendispl_req flip(uint64_t fb_cookie)
{
	struct xendispl_req req = request(XENDISPL_OP_PG_FLIP);

	req.op.pg_flip.fb_cookie = fb_cookie;
	return req;
}

/* Send it on connector 0; its status. */
static int call(struct front *front, struct xendispl_req req)
{
	return front_call(front, 0, &req);
}

/* A buffer with a framebuffer, both with cookie 1, on the screen. */
static void light_up(struct front *front)
{
	EXPECT(!call(front, create(1)));
	EXPECT(!call(front, attach(1, 1)));
	EXPECT(!call(front, config(1)));
}

static int get_edid(struct front *front, struct front_buffer *pages)
{
	struct xendispl_req req = request(XENDISPL_OP_GET_EDID);

	req.op.get_edid.buffer_sz = XENDISPL_EDID_MAX_SIZE;
	req.op.get_edid.gref_directory = pages->directory_ref;
	return front_call(front, 1, &req);
}

static void all_right(struct front *front)
{
	light_up(front);
	EXPECT(!call(front, flip(1)));
	EXPECT(front_event(front, 0) == 1);
	EXPECT(!call(front, config(0)));
	EXPECT(!call(front, detach(1)));
	EXPECT(!call(front, destroy(1)));
	EXPECT(!call(front, create(1)));	/* a cookie may be used again */
}

static void edid(struct front *front)
{
	struct front_buffer pages;

	front_make_buffer(front, &pages, EDID_PAGES);
	EXPECT(!get_edid(front, &pages));
	EXPECT(!memcmp(pages.data, "\0\xff\xff\xff\xff\xff\xff\0", 8));
	front_free_buffer(&pages);
}

static void edid_used_before(struct front *front)
{
	struct front_buffer pages;

	front_make_buffer(front, &pages, EDID_PAGES);
	pages.data[9] = 7;
	EXPECT(!get_edid(front, &pages));
	front_free_buffer(&pages);
}

static void same_id_twice(struct front *front)
{
	struct xendispl_req first = create(1), second = create(2);
	struct xendispl_resp resp;

	first.id = 5;
	second.id = 5;
	front_put(front, 0, &first);
	front_put(front, 0, &second);
	front_push(front, 0);
	EXPECT(front_reply(front, 0, &resp) && !resp.status);
	EXPECT(front_reply(front, 0, &resp) && !resp.status);
}

static void dbuf_cookie_twice(struct front *front)
{
	EXPECT(!call(front, create(1)));
	EXPECT(call(front, create(1)) == -EEXIST);
}

static void backend_allocates(struct front *front)
{
	struct xendispl_req req = create(1);

	memset(buffer.directory, 0, WIRE_PAGE_SIZE);
	req.op.dbuf_create.flags = XENDISPL_DBUF_FLG_REQ_ALLOC;
	EXPECT(!call(front, req));
	EXPECT(front_can_map(front, buffer.directory + 1, FRONT_PAGES));
	EXPECT(!call(front, destroy(1)));
}

static void empty_directory_used_before(struct front *front)
{
	struct xendispl_req req = create(1);

	memset(buffer.directory, 0, WIRE_PAGE_SIZE);
	buffer.directory[3] = 7;
	req.op.dbuf_create.flags = XENDISPL_DBUF_FLG_REQ_ALLOC;
	EXPECT(!call(front, req));
	EXPECT(!call(front, destroy(1)));
}

static void gref_unmappable(struct front *front)
{
	buffer.directory[2] = 0x7fffffff;
	EXPECT(call(front, create(1)) == -EINVAL);
}

static void directory_unmappable(struct front *front)
{
	struct xendispl_req req = create(1);

	req.op.dbuf_create.gref_directory = 0x7fffffff;
	EXPECT(call(front, req) == -EINVAL);
}

static void destroy_attached(struct front *front)
{
	EXPECT(!call(front, create(1)));
	EXPECT(!call(front, attach(1, 1)));
	EXPECT(call(front, destroy(1)) == -EBUSY);
}

/* A buffer that is refused, and what came after it in the same push. */
static void attach_refused(struct front *front)
{
	struct xendispl_req first = create(1), second = attach(1, 1);
	struct xendispl_resp resp;

	EXPECT(ctl("set fail DBUF_CREATE 1 ENOMEM"));
	first.id = 5;
	second.id = 6;
	front_put(front, 0, &first);
	front_put(front, 0, &second);
	front_push(front, 0);
	EXPECT(front_reply(front, 0, &resp) && resp.status == -ENOMEM);
	EXPECT(front_reply(front, 0, &resp) && resp.status == -ENOENT);
	EXPECT(call(front, detach(1)) == -ENOENT);
	EXPECT(call(front, destroy(1)) == -ENOENT);
}

static void config_again(struct front *front)
{
	light_up(front);
	EXPECT(!call(front, attach(1, 2)));
	EXPECT(!call(front, config(2)));
	EXPECT(!call(front, flip(2)));
	EXPECT(front_event(front, 0) == 2);
}

static void fb_cookie_twice(struct front *front)
{
	EXPECT(!call(front, create(1)));
	EXPECT(!call(front, attach(1, 1)));
	EXPECT(call(front, attach(1, 1)) == -EEXIST);
}

static void detach_on_screen(struct front *front)
{
	light_up(front);
	EXPECT(!call(front, detach(1)));
}

static void flip_unconfigured(struct front *front)
{
	EXPECT(!call(front, create(1)));
	EXPECT(!call(front, attach(1, 1)));
	EXPECT(call(front, flip(1)) == -EINVAL);
}

static void two_flips(struct front *front)
{
	struct xendispl_req first = flip(1), second = flip(1);
	struct xendispl_resp resp;

	light_up(front);
	first.id = 100;
	second.id = 101;
	front_put(front, 0, &first);
	front_put(front, 0, &second);
	front_push(front, 0);
	EXPECT(front_reply(front, 0, &resp) && !resp.status);
	EXPECT(front_reply(front, 0, &resp) && resp.status == -EBUSY);
	EXPECT(front_event(front, 0) == 1);
}

static void events_not_taken(struct front *front)
{
	struct xendispl_event_page *events = front->conn[0].events;

	light_up(front);
	for (uint32_t i = 1; i <= XENDISPL_IN_RING_LEN + 1; i++) {
		EXPECT(!call(front, flip(1)));
		/* Nothing else tells that a dropped one is through. */
		front_event(front, 0);
		WRITE_ONCE(events->in_cons, 0);
		if (i > XENDISPL_IN_RING_LEN)
			EXPECT(events->in_prod == XENDISPL_IN_RING_LEN);
	}
}

static void in_cons_ahead(struct front *front)
{
	light_up(front);
	WRITE_ONCE(front->conn[0].events->in_cons, 7);
	EXPECT(!call(front, flip(1)));
	EXPECT(front_event(front, 0) == 1);
}

static void ring_overflow(struct front *front)
{
	front->conn[0].ring.req_prod_pvt += WIRE_RING_SLOTS + 1;
	front_push(front, 0);
	EXPECT(front_wait_backend(front, XenbusStateClosed));
}

static bool stats_say(const char *text)
{
	for (int i = 0; i < 100; i++) {
		const char *stats = ctl("stats");

		if (stats && strstr(stats, text))
			return true;
	}
	return false;
}

/* Between two writes of a state the backend may miss the first one. */
static bool backend_saw(int state)
{
	char text[32];

	snprintf(text, sizeof(text), "\"frontend_state\":%d", state);
	return stats_say(text);
}

/* As the deployed backend: seen, but the rings are those that it had. */
static void ignored_state(struct front *front, int state)
{
	light_up(front);
	EXPECT(backend_saw(XenbusStateConnected));
	front_write_state(front, state);
	EXPECT(backend_saw(state));
	EXPECT(front_wait_backend(front, XenbusStateConnected));
	EXPECT(!call(front, flip(1)));
	EXPECT(front_event(front, 0) == 1);
}

static void initialised_again(struct front *front)
{
	ignored_state(front, XenbusStateInitialised);
}

static void reconfiguring(struct front *front)
{
	ignored_state(front, XenbusStateReconfiguring);
}

/* Cases that are over before or while the device connects. */

static void early_request(struct front *front)
{
	struct xendispl_req req = request(XENDISPL_OP_SET_CONFIG);
	struct xendispl_resp resp;

	front_make_rings(front);
	front_put(front, 0, &req);
	front_push(front, 0);
	front_publish(front);
	front_write_state(front, XenbusStateInitialised);
	EXPECT(front_wait_backend(front, XenbusStateConnected));
	front_push(front, 0);
	EXPECT(front_reply(front, 0, &resp) && !resp.status);
}

static void early_connected(struct front *front)
{
	front_make_rings(front);
	front_publish(front);
	front_write_state(front, XenbusStateConnected);
	EXPECT(front_wait_backend(front, XenbusStateConnected));
}

static void version_not_offered(struct front *front)
{
	front_write(front, "version", "3");
	EXPECT(front_connect(front));
}

static void node_missing(struct front *front)
{
	front_write_state(front, XenbusStateInitialised);
	EXPECT(front_wait_backend(front, XenbusStateClosed));
	/* As the deployed backend, it hears nothing any more. */
	front_write_state(front, XenbusStateInitialising);
	EXPECT(stats_say("\"deaf\":true"));
	EXPECT(front_wait_backend(front, XenbusStateClosed));
}

static void ring_unmappable(struct front *front)
{
	front_make_rings(front);
	front_publish(front);
	front_write(front, "1/evt-ring-ref", "4000000000");
	front_write_state(front, XenbusStateInitialised);
	EXPECT(front_wait_backend(front, XenbusStateClosed));
}

static void events_not_zeroed(struct front *front)
{
	front_make_rings(front);
	front->conn[1].events->in_prod = 3;
	front_publish(front);
	front_write_state(front, XenbusStateInitialised);
	EXPECT(front_wait_backend(front, XenbusStateConnected));
}

static void ring_used_before(struct front *front)
{
	front_make_rings(front);
	((uint8_t *)front->conn[0].ring.sring)[WIRE_PAGE_SIZE - 1] = 7;
	front_publish(front);
	front_write_state(front, XenbusStateInitialised);
	EXPECT(front_wait_backend(front, XenbusStateConnected));
}

static void events_used_before(struct front *front)
{
	front_make_rings(front);
	((uint8_t *)front->conn[0].events)[100] = 7;
	front_publish(front);
	front_write_state(front, XenbusStateInitialised);
	EXPECT(front_wait_backend(front, XenbusStateConnected));
}

static void cookie_of_other_device(struct front *front)
{
	struct front other;

	EXPECT(!call(front, create(1)));
	front_make(&other, front->devid + 1000, "0");
	EXPECT(front_connect(&other));
	EXPECT(!call(&other, create(1)));
	front_remove(&other);
}

static void restart_and_return(struct front *front)
{
	light_up(front);
	front_write_state(front, XenbusStateInitialising);
	EXPECT(front_wait_backend(front, XenbusStateInitWait));
	front_reset_rings(front);
	front_write_state(front, XenbusStateInitialised);
	EXPECT(front_wait_backend(front, XenbusStateConnected));
	light_up(front);
}

static const struct {
	const char *name;
	bool connect;			/* before the case runs */
	const char *be_alloc;
	void (*run)(struct front *front);
	const char *breach;		/* NULL: there must be none */
} cases[] = {
	{ "all right", true, "0", all_right, NULL },
	{ "edid", true, "0", edid, NULL },
	{ "backend allocates", true, "1", backend_allocates, NULL },
	{ "events not taken", true, "0", events_not_taken, NULL },
	{ "same id twice", true, "0", same_id_twice, "request id 5 is still outstanding" },
	{ "dbuf cookie twice", true, "0", dbuf_cookie_twice, "dbuf_cookie 0x1 is in use" },
	{ "cookie of other device", true, "0", cookie_of_other_device, "another device" },
	{ "gref unmappable", true, "0", gref_unmappable, "cannot be mapped" },
	{ "directory unmappable", true, "0", directory_unmappable, "cannot be mapped" },
	{ "destroy attached", true, "0", destroy_attached, "still has framebuffers" },
	{ "attach refused", true, "0", attach_refused, NULL },
	{ "config again", true, "0", config_again, NULL },
	{ "fb cookie twice", true, "0", fb_cookie_twice, "fb_cookie 0x1 is in use" },
	{ "detach on screen", true, "0", detach_on_screen, "is on screen" },
	{ "flip unconfigured", true, "0", flip_unconfigured, "is not configured" },
	{ "two flips", true, "0", two_flips, "another flip is in flight" },
	{ "in_cons ahead", true, "0", in_cons_ahead, "in_cons is ahead of in_prod by 7" },
	{ "ring overflow", true, "0", ring_overflow, "request ring overflow: req_prod 33" },
	{ "initialised again", true, "0", initialised_again, NULL },
	{ "early request", false, "0", early_request, "1 request(s) before" },
	{ "early connected", false, "0", early_connected, NULL },
	{ "version not offered", false, "0", version_not_offered, "the backend offers" },
	{ "node missing", false, "0", node_missing, "without transport parameters" },
	{ "ring unmappable", false, "0", ring_unmappable, "4000000000 cannot be mapped" },
	{ "events not zeroed", false, "0", events_not_zeroed, "in_prod 3, in_cons 0" },
	{ "ring used before", false, "0", ring_used_before, "request ring behind its indices" },
	{ "events used before", false, "0", events_used_before, "event page behind its indices" },
	{ "edid pages used before", true, "0", edid_used_before, "pages for the EDID: byte 9" },
	{ "empty directory used before", true, "1", empty_directory_used_before,
	  "directory that is ours to fill: byte 8 of" },
	{ "reconfiguring", true, "0", reconfiguring, NULL },
	{ "restart", true, "0", restart_and_return, NULL },
};

/* The backend's JSON begins with its breaches: no need to parse it. */
static void check_stats(const char *breach)
{
	const char *stats = ctl("stats");
	char expected[32];

	snprintf(expected, sizeof(expected), "{\"breaches\":%d,", breach ? 1 : 0);
	if (!stats || strncmp(stats, expected, strlen(expected))) {
		printf("  stats: %.300s\n  expected %s\n", stats ? stats : "none", expected);
		all_ok = false;
		return;
	}
	if (breach && !strstr(stats, breach)) {
		printf("  stats: %.300s\n  expected %s\n", stats, breach);
		all_ok = false;
	}
}

static void check_nothing_left(void)
{
	const char *stats = ctl("stats");

	EXPECT(stats && strstr(stats, "\"mapped_pages\":0}}"));
}

static void run_case(unsigned int i)
{
	struct front front;

	all_ok = ctl("reset-stats");
	front_make(&front, FIRST_DEVID + i, cases[i].be_alloc);
	front_make_buffer(&front, &buffer, FRONT_PAGES);
	if (cases[i].connect)
		EXPECT(front_connect(&front));
	else
		EXPECT(front_wait_backend(&front, XenbusStateInitWait));
	if (all_ok)
		cases[i].run(&front);
	check_stats(cases[i].breach);
	front_remove(&front);
	front_free_buffer(&buffer);
	check_nothing_left();
	printf("%s %s\n", all_ok ? "ok" : "FAILED", cases[i].name);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *wanted = argc == 3 ? argv[2] : "";
	unsigned int passed = 0, failed = 0;

	if (argc != 2 && argc != 3) {
		fprintf(stderr, "usage: wrong-frontend PATH-OF-XEN-DISPL-BE [CASE]\n");
		return 2;
	}
	backend = argv[1];
	front_open_xen();
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		if (strncmp(cases[i].name, wanted, strlen(wanted)))
			continue;
		run_case(i);
		if (all_ok)
			passed++;
		else
			failed++;
	}
	ctl("reset-stats");
	front_close_xen();
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}
