// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * xen_drm_front_verbs.c: buffers, framebuffers, modes and EDIDs of a display whose
 * backend answers with anything, late or not at all, says any size of an EDID,
 * changes it while it is copied, and keeps pages mapped. What it writes into the
 * rings themselves is the target `ring`.
 */
#include "xen_drm_front.h"

#include "input.h"
#include "shared.h"

#define BUFFERS		3
#define PAGES		6
#define EDID_PAGES	8
#define CANARY		0xc3

enum { REQ_PROD = 0, RSP_PROD = 8 };

struct buffer {
	struct xen_drm_front_dbuf dbuf;
	struct xen_drm_front_fb fb;
	bool attached;
	struct page *pages[PAGES];
};

static struct {
	struct input in;
	struct xenbus_device xb_dev;
	struct xen_drm_front_held held;
	struct xen_drm_front_conn *conn;
	struct xen_drm_front_evtchnl *chan;
	struct xen_drm_front_display display;
	struct buffer buffers[BUFFERS];
	u32 ring_refs;

	/* the backend */
	u32 seen, answered;
	u64 last_cookie;
	/* of the EDID that is asked for now */
	struct shared edid[EDID_PAGES];
	bool asks_edid;
	u32 edid_size, edid_loaded;
} run;

unsigned long totalram_pages(void)
{
	return 1 << 16;
}

int xenbus_transaction_start(struct xenbus_transaction *xbt)
{
	return 0;
}

int xenbus_transaction_end(struct xenbus_transaction xbt, int abort)
{
	return 0;
}

int xenbus_printf(struct xenbus_transaction xbt, const char *dir, const char *node,
		  const char *fmt, ...)
{
	return 0;
}

int xenbus_rm(struct xenbus_transaction xbt, const char *dir, const char *node)
{
	return 0;
}

/* --- the backend ------------------------------------------------------------ */

static u32 *granted_page(u32 ref)
{
	return fuzz_pfn_to_page(fuzz_granted_gfn(ref))->address;
}

/*
 * What a directory lists, which is of one page here. NULL when the request comes
 * too late, because its sender gave up; the grant may even be another page's now.
 */
static u32 *directory(u32 ref)
{
	u32 *page;

	if (!fuzz_is_granted(ref))
		return NULL;
	page = granted_page(ref);
	return page[0] ? NULL : page + 1;
}

static void new_cookie_is(u64 cookie)
{
	fuzz_check(cookie > run.last_cookie, "cookie %llu comes after %llu",
		   (unsigned long long)cookie, (unsigned long long)run.last_cookie);
	run.last_cookie = cookie;
}

static void backend_creates(const struct xendispl_dbuf_create_req *create)
{
	unsigned int i, count = create->buffer_sz / XEN_PAGE_SIZE;
	u32 *list = directory(create->gref_directory);

	new_cookie_is(create->dbuf_cookie);
	for (i = 0; i < count && list; i++) {
		if (create->flags & XENDISPL_DBUF_FLG_REQ_ALLOC)
			list[i] = input_u8(&run.in) & 0xf7;
		else if (fuzz_is_granted(list[i]))
			granted_page(list[i]);
	}
}

/* From now on the driver may read the pages, each byte once. */
static void edid_load(struct shared *shared, size_t offset, size_t size)
{
	size_t page = shared - run.edid;

	fuzz_check(run.asks_edid, "an EDID is read that was not asked for");
	fuzz_check(page * XEN_PAGE_SIZE + offset + size <= run.edid_size,
		   "byte %zu of an EDID of %u is read", page * XEN_PAGE_SIZE + offset + size - 1,
		   run.edid_size);
	shared_load_once(shared, offset, size, "EDID");
	backend_write32(shared, offset, input_u32(&run.in));
	run.edid_loaded += size;
}

static u32 any_edid_size(void)
{
	u8 choice = input_u8(&run.in);

	return choice < 0x80 ? (choice % 64 + 1) * 128 :
	       choice < 0xa0 ? XENDISPL_EDID_MAX_SIZE - (choice & 1) * 128 : input_number(&run.in);
}

static void backend_sends_edid(const struct xendispl_get_edid_req *get)
{
	u32 *list = directory(get->gref_directory);
	unsigned int i;

	fuzz_check(get->buffer_sz == XENDISPL_EDID_MAX_SIZE, "an EDID of %u bytes is asked for",
		   get->buffer_sz);
	shared_remove_all();
	for (i = 0; i < EDID_PAGES && list; i++) {
		run.edid[i] = (struct shared) {
			.address = fuzz_is_granted(list[i]) ? granted_page(list[i]) : NULL,
			.size = XEN_PAGE_SIZE,
			.load = edid_load,
		};
		shared_add(&run.edid[i]);
	}
	run.edid_size = any_edid_size();
}

static void backend_takes(const struct xendispl_req *req)
{
	unsigned int held = input_u8(&run.in) % 64;

	switch (req->operation) {
	case XENDISPL_OP_DBUF_CREATE:
		backend_creates(&req->op.dbuf_create);
		break;
	case XENDISPL_OP_FB_ATTACH:
		new_cookie_is(req->op.fb_attach.fb_cookie);
		break;
	case XENDISPL_OP_GET_EDID:
		backend_sends_edid(&req->op.get_edid);
		break;
	default:
		break;
	}
	while (held-- > 48)
		fuzz_backend_maps(held);
}

static void backend_answers(const struct xendispl_req *req)
{
	struct xen_displif_sring *sring = run.chan->ring.sring;
	u8 how = input_u8(&run.in);
	struct xendispl_resp resp = {
		.id = req->id, .operation = req->operation,
		.status = how < 0xa0 ? 0 : how < 0xd0 ? -(how & 0x1f) : (s32)input_u32(&run.in),
		.op.get_edid.edid_sz = run.edid_size,
	};

	if (how > 0xf8)
		resp.id += how;
	sring->ring[run.answered++ % 32].rsp = resp;
	sring->rsp_prod = run.answered;
	if (fuzz_interrupt(run.chan->req_irq))
		fuzz_run_work(&run.chan->work);
}

/* One turn of the backend while the driver waits for it. */
void fuzz_wait(void)
{
	struct xen_displif_sring *sring = run.chan->ring.sring;
	struct xendispl_req req;
	u8 how = input_u8(&run.in);

	if (how > 0xf0) {
		xen_drm_front_conn_gone(run.conn, "the backend has left");
		return;
	}
	if (how > 0xd8 || run.seen == sring->req_prod)
		return;
	req = sring->ring[run.seen++ % 32].req;
	backend_takes(&req);
	backend_answers(&req);
}

/* --- clients ---------------------------------------------------------------------- */

static void expect_sound(void)
{
	unsigned int i, shared = 0;

	for (i = 0; i < BUFFERS; i++) {
		const struct buffer *b = &run.buffers[i];

		fuzz_check(!b->dbuf.share == list_empty(&b->dbuf.node),
			   "buffer %u is in the list, but not shared, or the reverse", i);
		fuzz_check(!!b->dbuf.pages == (!b->dbuf.be_alloc || b->dbuf.share),
			   "buffer %u has pages of the backend, but no share, or the reverse", i);
		fuzz_check(b->dbuf.num_fbs == b->attached, "buffer %u has %u framebuffers", i,
			   b->dbuf.num_fbs);
		fuzz_check(!b->attached || b->dbuf.share ||
			   xen_drm_front_conn_is_broken(run.conn),
			   "a framebuffer of buffer %u is attached, which is not shared", i);
		if (b->dbuf.share)
			shared += 1 + (b->dbuf.be_alloc ? 0 : PAGES);
	}
	fuzz_check(fuzz_grants_in_use() == run.ring_refs + shared + run.held.num_pages,
		   "%u grants in use: %u of rings, %u of buffers, %lu held", fuzz_grants_in_use(),
		   run.ring_refs, shared, run.held.num_pages);
}

static void create(struct buffer *b)
{
	bool full = xen_drm_front_held_is_full(&run.held);
	bool broken = xen_drm_front_conn_is_broken(run.conn);
	int ret;

	if (b->dbuf.share)
		return;
	fuzz_fail_in = input_u8(&run.in) % 32;
	ret = xen_drm_front_dbuf_create(&run.display, &b->dbuf);
	fuzz_fail_in = 0;
	fuzz_check(ret <= 0 && ret >= -4095, "creating returns %d", ret);
	fuzz_check(!ret == !!b->dbuf.share, "creating returns %d", ret);
	fuzz_check(!full || ret, "a buffer is shared although %lu pages are held",
		   run.held.num_pages);
	fuzz_check(!broken || ret == -ENODEV, "creating returns %d after the latch", ret);
}

static void destroy(struct buffer *b)
{
	if (b->attached)
		return;
	fuzz_unmap_result = input_u8(&run.in) < 0xf0 ? 0 : -EFAULT;
	xen_drm_front_dbuf_destroy(&run.display, &b->dbuf);
	fuzz_unmap_result = 0;
	fuzz_check(!b->dbuf.share, "a buffer is shared after its end");
}

static void attach(struct buffer *b)
{
	int ret;

	if (b->attached)
		return;
	b->fb.dbuf = &b->dbuf;
	b->fb.bpp = input_u8(&run.in) & 1 ? 16 : 32;
	/* The core has seen to it that there are pixels, and that lines hold them. */
	b->fb.width = 1 + input_u8(&run.in);
	b->fb.height = 1 + input_u8(&run.in);
	b->fb.pitch = input_u8(&run.in) < 0xc0 ? 4 * 64 : input_number(&run.in);
	b->fb.pitch = max(b->fb.pitch, b->fb.width * b->fb.bpp / 8);
	b->fb.format = 1;
	ret = xen_drm_front_fb_attach(&run.display, &b->fb);
	fuzz_check(ret <= 0 && ret >= -4095, "attaching returns %d", ret);
	b->attached = !ret;
	/* The wire has no stride: what it is must follow from the buffer. */
	fuzz_check(ret || (xen_drm_front_stride(b->dbuf.width, b->dbuf.bpp) == b->fb.pitch &&
			   (u64)b->fb.pitch * b->fb.height <= b->dbuf.size),
		   "a framebuffer of %ux%u, pitch %u is attached to %ux%u", b->fb.width,
		   b->fb.height, b->fb.pitch, b->dbuf.width, b->dbuf.height);
}

static void detach(struct buffer *b)
{
	if (!b->attached)
		return;
	xen_drm_front_fb_detach(&run.display, &b->fb);
	b->attached = false;
}

static void show(struct buffer *b)
{
	int ret;

	ret = xen_drm_front_set_config(&run.display, 0, b->attached ? &b->fb : NULL, 64, 64);
	fuzz_check(ret <= 0 && ret >= -4095, "setting a mode returns %d", ret);
	ret = xen_drm_front_page_flip(&run.display, 0, &b->fb);
	fuzz_check(!ret || ret == -ENODEV, "a flip returns %d", ret);
}

static void get_edid(void)
{
	u8 *edid = malloc(XENDISPL_EDID_MAX_SIZE);
	int ret, i;

	memset(edid, CANARY, XENDISPL_EDID_MAX_SIZE);
	run.edid_size = 0;
	run.edid_loaded = 0;
	run.asks_edid = true;
	fuzz_fail_in = input_u8(&run.in) % 32;
	ret = xen_drm_front_get_edid(&run.display, 0, edid);
	fuzz_fail_in = 0;
	run.asks_edid = false;
	shared_remove_all();

	fuzz_check(ret && ret >= -4095, "asking for an EDID returns %d", ret);
	fuzz_check(ret < 0 || ((u32)ret == run.edid_size && ret <= 32768 && ret % 128 == 0),
		   "an EDID of %d bytes is taken, the backend said %u", ret, run.edid_size);
	fuzz_check(run.edid_loaded == (u32)max(ret, 0), "%u bytes are copied of an EDID of %d",
		   run.edid_loaded, ret);
	for (i = max(ret, 0); i < XENDISPL_EDID_MAX_SIZE; i++)
		fuzz_check(edid[i] == CANARY, "byte %d is written of an EDID of %d", i, ret);
	free(edid);
}

static void step(void)
{
	u8 what = input_u8(&run.in);
	struct buffer *b = &run.buffers[what % BUFFERS];

	fuzz_task_killed = what >= 0xe0;
	switch (what / BUFFERS % 9) {
	case 0:
		create(b);
		break;
	case 1:
		destroy(b);
		break;
	case 2:
	case 3:
		attach(b);
		break;
	case 4:
		detach(b);
		break;
	case 5:
		show(b);
		break;
	case 6:
		get_edid();
		break;
	case 7:
		fuzz_backend_lets_go();
		break;
	default:
		fuzz_run_work(&run.held.reaper.work);
		break;
	}
	fuzz_task_killed = false;
	expect_sound();
}

/* --- one run --------------------------------------------------------------------------- */

static bool flip_done(void *sink, unsigned int index, u64 cookie, int error)
{
	return true;
}

static void broken(void *owner, const char *fault)
{
}

static const struct xen_drm_front_conn_ops ops = {
	.flip_done = flip_done,
	.broken = broken,
};

static int map_status(unsigned int i)
{
	return input_u8(&run.in) > 0xf0 ? -1 : 0;
}

static void open_display(void)
{
	xen_drm_front_held_init(&run.held);
	run.held.max_pages = 12;
	run.conn = xen_drm_front_conn_alloc(&run.xb_dev.dev, &run.held, 0, 1,
					    1 + (input_u8(&run.in) < 0xf0), &ops, &run);
	fuzz_check(!xen_drm_front_conn_open(run.conn, &run.xb_dev), "no connection");
	run.ring_refs = fuzz_grants_in_use();
	run.chan = &run.conn->channels[0];
	run.display.conn = run.conn;
	mutex_init(&run.display.lock);
	INIT_LIST_HEAD(&run.display.dbufs);
	INIT_LIST_HEAD(&run.display.fbs);
}

static void make_buffer(struct buffer *b, bool be_alloc)
{
	unsigned int i;

	INIT_LIST_HEAD(&b->dbuf.node);
	b->dbuf.width = 64;
	b->dbuf.height = PAGES * 16;
	b->dbuf.bpp = 32;
	b->dbuf.size = PAGES * PAGE_SIZE;
	b->dbuf.be_alloc = be_alloc;
	for (i = 0; i < PAGES && !be_alloc; i++)
		b->pages[i] = alloc_page(GFP_KERNEL);
	b->dbuf.pages = be_alloc ? NULL : b->pages;
}

static void free_buffer(struct buffer *b)
{
	unsigned int i;

	destroy(b);
	for (i = 0; i < PAGES && !b->dbuf.be_alloc; i++)
		put_page(b->pages[i]);
}

/* As when the device is lost: shares first, clients let go later. */
static void close_display(void)
{
	unsigned int i;

	xen_drm_front_conn_gone(run.conn, "the run is over");
	xen_drm_front_dbuf_unshare_all(&run.display);
	xen_drm_front_conn_close(run.conn);
	for (i = 0; i < BUFFERS; i++) {
		detach(&run.buffers[i]);
		free_buffer(&run.buffers[i]);
	}
	xen_drm_front_conn_put(run.conn);
	xen_drm_front_held_hand_over(&run.held);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static u64 last_cookie;
	unsigned int i;

	memset(&run, 0, sizeof(run));
	run.in = (struct input) { data, size };
	/* The driver's counter outlives a run. */
	run.last_cookie = last_cookie;
	fuzz_xen_reset(1);
	fuzz_map_status = map_status;
	fuzz_map_refs = NULL;
	open_display();
	for (i = 0; i < BUFFERS; i++)
		make_buffer(&run.buffers[i], i == 0);

	while (run.in.left)
		step();
	close_display();
	last_cookie = run.last_cookie;
	fuzz_backend_lets_go();
	fuzz_run_work(&run.held.reaper.work);
	fuzz_xen_free_lost_pages();
	fuzz_xen_expect_nothing_left();
	return 0;
}
