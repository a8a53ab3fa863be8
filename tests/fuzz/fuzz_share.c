// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * xen_drm_front_share*.c, xen_drm_front_view.c, xen_drm_front_batch.c,
 * xen_drm_front_proto.c and xen_drm_front_edid.c: buffers and framebuffers of a
 * display that joins and leaves one connection after the other,
 * with backends that answer with anything, late or not at all, keep pages mapped, say
 * any size of an EDID, and change it while it is copied. What the backend has been
 * told is followed request by request. What it writes into the rings themselves is
 * the target `ring`.
 */
#include "share.h"

/* --- connections ----------------------------------------------------------------------- */

static void conn_broken(void *owner, const char *fault)
{
}

static void conn_told(void *owner)
{
}

static const struct xen_drm_conn_ops conn_ops = {
	.broken = conn_broken,
	.missed = conn_told,
	.answers = conn_told,
};

static void close_conn(struct xen_drm_conn **conn)
{
	if (!*conn)
		return;
	xen_drm_conn_close(*conn);
	xen_drm_conn_put(*conn);
	*conn = NULL;
}

static struct xen_drm_conn *open_conn(void)
{
	static const struct xen_drm_cfg_connector connectors[CHANNELS];
	u8 how = input_u8(&run.in);
	struct xen_drm_conn *conn;

	conn = xen_drm_conn_alloc(&run.xb_dev.dev, FIRST_DOMID + how % DOMIDS, CHANNELS,
				  how < 0x40 ? 1 : 2, &conn_ops, &run);
	run.xb_dev.otherend_id = FIRST_DOMID + how % DOMIDS;
	if (xen_drm_conn_open(conn, &run.xb_dev, connectors))
		close_conn(&conn);
	return conn;
}

static bool is_wanted(const struct xen_drm_fb *fb)
{
	return fb->view &&
	       (!fb->share->be_alloc || (is_told(fb->view->told) && fb->share->pages));
}

/* Without an error the backend knows all that it can. */
static void expect_replayed(int ret)
{
	unsigned int i;

	fuzz_check(ret != -EINTR && ret <= 0, "the replay returns %d", ret);
	if (ret == -ENODEV || ret == -ETIMEDOUT)
		return;
	expect_errno(ret, "the replay");
	for (i = 0; i < FBS && !ret && is_alive(); i++)
		fuzz_check(!run.fbs[i] || !is_wanted(&run.fbs[i]->fb) ||
			   is_told(run.fbs[i]->fb.told), "framebuffer %u is left out", i);
}

static void join(void)
{
	struct xen_drm_link link;
	unsigned int i;
	int ret;

	if (run.conn)
		return;
	close_conn(&run.retired);
	run.conn = open_conn();
	if (!run.conn)
		return;
	memset(run.names, 0, sizeof(run.names));
	run.num_names = 0;
	run.ring_stuck = false;
	run.timeouts_before = fuzz_num_timeouts;
	for (i = 0; i < CHANNELS; i++)
		run.rings[i] = (struct ring) { .chan = xen_drm_conn_chan(run.conn, i) };
	link = (struct xen_drm_link) {
		.conn = xen_drm_conn_get(run.conn),
		.chan = run.rings[0].chan,
		.number = xen_drm_conn_number(run.conn),
		.domid = xen_drm_conn_domid(run.conn),
		.version = xen_drm_conn_version(run.conn),
	};
	fuzz_fail_in = input_u8(&run.in) % 64;
	run.depth++;
	ret = xen_drm_share_join(&run.display, &link);
	run.depth--;
	fuzz_fail_in = 0;
	fuzz_check(is_joined(), "the display has not joined");
	expect_replayed(ret);
}

/* As when the backend answers again after a silence. */
static void replay(void)
{
	int ret;

	fuzz_fail_in = input_u8(&run.in) % 64;
	run.depth++;
	ret = xen_drm_share_replay(&run.display);
	run.depth--;
	fuzz_fail_in = 0;
	fuzz_check(is_joined() || ret == -ENODEV, "a replay to nobody returns %d", ret);
	expect_replayed(ret);
}

/* A guest can be restored while nobody is there, too. */
static void leave(void)
{
	struct xen_drm_conn *conn = run.display.link.conn;
	bool forget = input_u8(&run.in) > 0xc0;

	if (!conn && !forget)
		return;
	backend_leaves();
	if (forget)
		fuzz_xen_restore();
	xen_drm_share_leave(&run.display, forget);
	fuzz_check(!is_joined(), "the display has not left");
	if (!conn)
		return;
	xen_drm_conn_mute(conn);
	xen_drm_conn_put(conn);
	memset(run.rings, 0, sizeof(run.rings));
	close_conn(&run.retired);
	run.retired = run.conn;
	run.conn = NULL;
}

/* Other displays of the guest share the budget. */
static void others_change(void)
{
	u8 how = input_u8(&run.in);
	unsigned int left = grants_left(fuzz_grants_in_use());
	unsigned int wanted = how < 0x80 ? 0 : left > how % 64 ? left - how % 64 : 0;

	xen_drm_grants_give_back(run.others);
	fuzz_check(!wanted || !xen_drm_grants_take(wanted), "%u grants are not left", wanted);
	run.others = wanted;
}

/* --- steps ------------------------------------------------------------------------------- */

/* What can happen while a task waits with the display's lock. */
static void step_beside(unsigned int what, u8 which)
{
	switch (what) {
	case 0:
	case 1:
	case 2:
		backend_works(&run.rings[which % CHANNELS]);
		break;
	case 3:
		time_passes();
		break;
	case 4:
		detach(&run.fbs[which % FBS]);
		break;
	case 5:
		close_handle(&run.handles[which % OBJECTS]);
		break;
	case 6:
		flip(run.fbs[which % FBS], which % CHANNELS);
		break;
	case 7:
		if (run.rings[which % CHANNELS].chan)
			xen_drm_proto_poll(run.rings[which % CHANNELS].chan);
		break;
	case 8:
		show(run.fbs[which % FBS], which % CHANNELS);
		break;
	case 9:
		if (which > 0xe0)
			fuzz_backend_lets_go();
		break;
	case 10:
		fuzz_task_killed |= run.is_ioctl && which > 0xc0;
		break;
	default:
		if (which > 0xe0)
			backend_leaves();
		break;
	}
}

static void step(void)
{
	u8 what = input_u8(&run.in), which = input_u8(&run.in);
	unsigned int i;

	fuzz_message("step %u, %u", what % 32, which);
	switch (what % 32) {
	case 0:
	case 1:
		create(&run.handles[which % OBJECTS], which >= 0x80);
		break;
	case 2:
	case 3:
	case 4:
	case 5:
		attach(&run.fbs[which / OBJECTS % FBS], run.handles[which % OBJECTS]);
		break;
	case 6:
	case 7:
		release();
		break;
	case 8:
	case 9:
		join();
		break;
	case 10:
		replay();
		break;
	case 11:
		leave();
		break;
	case 12:
		get_edid(which % CHANNELS);
		break;
	case 13:
		others_change();
		break;
	case 14:
		run.depth++;
		fuzz_run_queued_work();
		run.depth--;
		break;
	case 15:
		if (which > 0x80)
			attach_all(run.handles[which % OBJECTS]);
		else
			for (i = which; i < FBS; i++)
				detach(&run.fbs[i]);
		break;
	default:
		step_beside(what % 32 - 16, which);
		break;
	}
	fuzz_task_killed = false;
	expect_sound();
}

/* Most often the backend does what is waited for. */
void fuzz_wait(void)
{
	u8 how = input_u8(&run.in);

	if (!run.in.left)
		return;
	if (how < 0xc0)
		backend_works(&run.rings[how % 8 == 7]);
	else
		step_beside(how % 16, input_u8(&run.in));
	expect_sound();
}

/* --- one run --------------------------------------------------------------------------- */

static int map_status(unsigned int i)
{
	return input_u8(&run.in) > 0xf8 ? -1 : 0;
}

static int unmap_status(unsigned int i)
{
	bool fails = input_u8(&run.in) > 0xfc;

	run.lost_pages |= fails;
	return fails ? -1 : 0;
}

static bool open_display(void)
{
	bool opened;

	fuzz_fail_in = input_u8(&run.in) % 64;
	run.display.drm.dev = &run.xb_dev.dev;
	mutex_init(&run.display.lock);
	opened = !xen_drm_share_init_display(&run.display);
	fuzz_fail_in = 0;
	return opened;
}

/* As when the device is taken away: clients let go later. */
static void close_display(void)
{
	unsigned int i;

	leave();
	close_conn(&run.conn);
	close_conn(&run.retired);
	for (i = 0; i < FBS; i++)
		detach(&run.fbs[i]);
	for (i = 0; i < OBJECTS; i++)
		close_handle(&run.handles[i]);
	fuzz_drm_release(&run.display.drm);
	fuzz_check(!run.all_fbs && !run.all_objects, "something is never released");
	fuzz_check(!atomic_long_read(&run.display.dead_pages), "pages that do not live are counted");
}

static void end_grants(void)
{
	unsigned int i;

	xen_drm_grants_give_back(run.others);
	run.others = 0;
	fuzz_backend_lets_go();
	fuzz_run_queued_work();
	for (i = 0; i < DOMIDS; i++)
		fuzz_check(!xen_drm_grants_deferred(FIRST_DOMID + i), "pages are deferred for ever");
	xen_drm_grants_exit();
	fuzz_check(!xen_drm_grants_take(xen_drm_grants_budget()), "grants are still counted");
	xen_drm_grants_give_back(xen_drm_grants_budget());
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	memset(&run, 0, sizeof(run));
	run.in = (struct input) { data, size };
	run.xb_dev.dev.refs = 1;
	fuzz_task_killed = false;
	fuzz_xen_reset(1);
	/* So few that a domain must not keep more than twelve. */
	fuzz_ram = 96;
	xen_drm_grants_init();
	fuzz_map_status = map_status;
	fuzz_unmap_status = unmap_status;
	fuzz_map_refs = NULL;

	if (open_display()) {
		while (run.in.left)
			step();
		close_display();
	}
	end_grants();
	fuzz_xen_free_lost_pages();
	fuzz_xen_expect_nothing_left();
	fuzz_check(run.xb_dev.dev.refs == 1, "%d references of the device", run.xb_dev.dev.refs);
	return 0;
}
