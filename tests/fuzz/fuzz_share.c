// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * xen_drm_front_share.c, xen_drm_front_view.c, xen_drm_front_batch.c,
 * xen_drm_front_proto.c and xen_drm_front_edid.c: buffers and framebuffers of a
 * display that joins and leaves one connection after the other,
 * with backends that answer with anything, late or not at all, keep pages mapped, say
 * any size of an EDID, and change it while it is copied. What the backend has been
 * told is followed request by request. What it writes into the rings themselves is
 * the target `ring`.
 */
#include "xen_drm_front_conn.h"
#include "xen_drm_front_edid.h"
#include "xen_drm_front_evtchnl.h"
#include "xen_drm_front_grants.h"
#include "xen_drm_front_pgdir.h"
#include "xen_drm_front_proto.h"
#include "xen_drm_front_share.h"

#include "input.h"
#include "shared.h"

#define CHANNELS	2
#define FIRST_DOMID	3
#define DOMIDS		2
#define OBJECTS		4
/* More than the ring, or a batch, holds. */
#define FBS		40
#define PAGES		6
#define EDID_PAGES	8
#define NAMES		160
#define ANSWERS		8
/* The buffers' usual line, and a pitch that the wire can express. */
#define WIDTH		64
#define PITCH		(WIDTH * 4)

enum { REQ_PROD = 0, RSP_PROD = 8 };

/* Memory that is freed whole, as of the DMA allocator. */
struct backing {
	struct xen_drm_backing base;
	struct page *pages[PAGES];
};

/* As a GEM object: the client's handle and each framebuffer have a reference. */
struct object {
	struct xen_drm_share share;
	struct object *next;
	unsigned int refs;
	struct page *pages[PAGES];
	/* NULL if each page has a count of its own */
	struct backing *backing;
	/* the connection in which the backend wrote into our directory */
	u64 scribbled;
};

struct framebuffer {
	struct xen_drm_fb fb;
	struct framebuffer *next;
	struct object *object;
};

/* What the backend knows of a cookie. */
enum knowledge { THERE, REFUSED, GONE };

struct name {
	u64 cookie;
	enum knowledge knowledge;
	bool is_fb;
	/* of a framebuffer */
	u64 dbuf;
	u32 directory;
};

/* The backend's end of one connector. */
struct ring {
	struct xen_drm_chan *chan;
	u32 seen, answered;
	/* what it has done, and what it will say of it some time */
	struct xendispl_req taken[ANSWERS];
	s32 status[ANSWERS];
	unsigned int num_taken;
};

static struct {
	struct input in;
	struct xenbus_device xb_dev;
	struct xen_drm_display display;
	/* the present connection, and the one before, which stays open for a while */
	struct xen_drm_conn *conn, *retired;
	struct ring rings[CHANNELS];
	struct name names[NAMES];
	unsigned int num_names;

	struct object *handles[OBJECTS], *all_objects;
	struct framebuffer *fbs[FBS], *all_fbs;
	/* tasks that wait, one in the other's turn; an ioctl's task can be killed */
	unsigned int depth;
	bool is_ioctl;
	/* grants of other displays */
	unsigned int others;

	/* what happened in the present connection, or operation */
	unsigned int num_refused, timeouts_before;
	bool ring_stuck, lost_pages;

	/* the EDID that is asked for now */
	struct shared edid[EDID_PAGES];
	u32 edid_directory, edid_size, edid_loaded;
} run;

/* So few that a domain must not keep more than twelve. */
unsigned long totalram_pages(void)
{
	return 96;
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

static bool is_joined(void)
{
	return run.display.link.chan;
}

static bool is_alive(void)
{
	return run.conn && !xen_drm_conn_is_broken(run.conn);
}

/* --- what the backend is told ------------------------------------------------- */

static struct name *find_name(u64 cookie)
{
	unsigned int i;

	for (i = 0; i < run.num_names; i++)
		if (run.names[i].cookie == cookie)
			return &run.names[i];
	return NULL;
}

/* The place of one that has gone is used again when there is no other. */
static struct name *new_name(u64 cookie)
{
	struct name *name = NULL;
	unsigned int i;

	for (i = 0; i < run.num_names && run.num_names == NAMES; i++)
		if (run.names[i].knowledge == GONE)
			name = &run.names[i];
	if (!name) {
		fuzz_check(run.num_names < NAMES, "the backend is to know too much");
		name = &run.names[run.num_names++];
	}
	*name = (struct name) { .cookie = cookie };
	return name;
}

/* Whose view it is, NULL if the object has gone meanwhile. */
static struct object *object_of(u64 cookie, struct xen_drm_view **found)
{
	struct object *object;
	struct xen_drm_view *view;

	*found = NULL;
	for (object = run.all_objects; object; object = object->next)
		list_for_each_entry(view, &object->share.views, node)
			if (view->cookie == cookie) {
				*found = view;
				return object;
			}
	return NULL;
}

static struct framebuffer *framebuffer_of(u64 cookie)
{
	struct framebuffer *fb;

	for (fb = run.all_fbs; fb; fb = fb->next)
		if (fb->fb.cookie == cookie)
			return fb;
	return NULL;
}

static u32 *granted_page(u32 ref)
{
	fuzz_check(fuzz_granted_domid(ref) == run.display.link.domid,
		   "grant %u is another domain's", ref);
	return fuzz_pfn_to_page(fuzz_granted_gfn(ref))->address;
}

static void expect_directory(const struct object *object, u32 ref)
{
	unsigned int i, count = object->share.size / PAGE_SIZE;
	u32 *page = granted_page(ref);

	if (object->scribbled == run.display.link.number)
		return;
	fuzz_check(!page[0], "a directory of %u pages has a link", count);
	for (i = 0; i < XEN_DRM_GREFS_PER_DIR; i++) {
		if (object->share.be_alloc || i >= count)
			fuzz_check(!page[1 + i], "entry %u of a directory is %u", i, page[1 + i]);
		else
			fuzz_check(granted_page(page[1 + i]) == object->pages[i]->address,
				   "entry %u of a directory is another page", i);
	}
}

static void expect_described(const struct xendispl_dbuf_create_req *create,
			     const struct object *object, const struct xen_drm_view *view)
{
	bool be_alloc = create->flags & XENDISPL_DBUF_FLG_REQ_ALLOC;

	fuzz_check(create->width == view->width && create->height == view->height &&
		   create->bpp == view->bpp && create->data_ofs == view->offset &&
		   create->buffer_sz == object->share.size &&
		   be_alloc == object->share.be_alloc,
		   "buffer %llu is %ux%u, %u bits", (unsigned long long)view->cookie,
		   create->width, create->height, create->bpp);
	/* The wire has no stride: what it is must fit into the buffer. */
	fuzz_check(be_alloc || (u64)4 * DIV_ROUND_UP((u64)create->width * create->bpp, 32) *
		   create->height + create->data_ofs <= create->buffer_sz,
		   "%ux%u pixels in a buffer of %u bytes", create->width, create->height,
		   create->buffer_sz);
	fuzz_check(!create->data_ofs || run.display.link.version == 2,
		   "an offset that version 1 does not know");
}

static void backend_fills(const struct xendispl_dbuf_create_req *create)
{
	unsigned int i, count = create->buffer_sz / XEN_PAGE_SIZE;
	u32 *page = granted_page(create->gref_directory);
	bool holes = input_u8(&run.in) > 0xe0;

	for (i = 0; i < count; i++)
		page[1 + i] = input_u8(&run.in) | !holes;
}

/*
 * Too late, when the sender has given up, the grant may even be that of another
 * page. Nothing is done with it then; hypervisors and kernels are not played here.
 */
static bool is_in_time(const struct xendispl_dbuf_create_req *create,
		       const struct object *object, const struct xen_drm_view *view)
{
	return object && object->share.pgdir && view->told == run.display.link.number &&
	       xen_drm_pgdir_start(object->share.pgdir) == create->gref_directory;
}

static void backend_creates(const struct xendispl_dbuf_create_req *create, s32 status)
{
	struct name *name = find_name(create->dbuf_cookie);
	struct xen_drm_view *view;
	struct object *object = object_of(create->dbuf_cookie, &view);
	bool was_filled;

	fuzz_check(create->dbuf_cookie, "a buffer without name");
	fuzz_check(!name || (!name->is_fb && name->knowledge != THERE) || run.ring_stuck,
		   "buffer %llu is created twice", (unsigned long long)create->dbuf_cookie);
	/* A late one may have been filled just now, before it was destroyed. */
	was_filled = (name && name->knowledge == GONE) || run.ring_stuck;
	name = name ?: new_name(create->dbuf_cookie);
	name->knowledge = status ? REFUSED : THERE;
	name->directory = create->gref_directory;
	if (object)
		expect_described(create, object, view);
	if (!is_in_time(create, object, view))
		return;
	if (!was_filled)
		expect_directory(object, create->gref_directory);
	if (object->share.be_alloc)
		backend_fills(create);
}

static void expect_attached_as(const struct xendispl_fb_attach_req *attach,
			       const struct xen_drm_fb *fb)
{
	fuzz_check(attach->width == fb->width && attach->height == fb->height &&
		   attach->pixel_format == fb->format &&
		   attach->dbuf_cookie == fb->view->cookie,
		   "framebuffer %llu is %ux%u of buffer %llu", (unsigned long long)fb->cookie,
		   attach->width, attach->height, (unsigned long long)attach->dbuf_cookie);
	fuzz_check(4 * DIV_ROUND_UP(fb->view->width * fb->view->bpp, 32) == fb->pitch &&
		   fb->view->offset == fb->offset && fb->height <= fb->view->height,
		   "a framebuffer with pitch %u in a view of %u pixels", fb->pitch,
		   fb->view->width);
}

static void backend_attaches(const struct xendispl_fb_attach_req *attach, s32 status)
{
	struct name *name = find_name(attach->fb_cookie), *dbuf = find_name(attach->dbuf_cookie);
	struct framebuffer *fb = framebuffer_of(attach->fb_cookie);

	fuzz_check(attach->fb_cookie, "a framebuffer without name");
	fuzz_check(!name || (name->is_fb && name->knowledge != THERE) || run.ring_stuck,
		   "framebuffer %llu is attached twice", (unsigned long long)attach->fb_cookie);
	fuzz_check(dbuf && !dbuf->is_fb && dbuf->knowledge != GONE,
		   "a framebuffer of buffer %llu, which is not there",
		   (unsigned long long)attach->dbuf_cookie);
	name = name ?: new_name(attach->fb_cookie);
	name->knowledge = status ? REFUSED : THERE;
	name->is_fb = true;
	name->dbuf = attach->dbuf_cookie;
	if (fb)
		expect_attached_as(attach, &fb->fb);
}

static void backend_detaches(u64 cookie)
{
	struct name *name = find_name(cookie);

	fuzz_check(name && name->is_fb && name->knowledge != GONE,
		   "framebuffer %llu is detached, but not attached", (unsigned long long)cookie);
	name->knowledge = GONE;
}

static void backend_destroys(u64 cookie)
{
	struct name *name = find_name(cookie);
	struct xen_drm_view *view;
	struct object *object = object_of(cookie, &view);
	unsigned int i;

	fuzz_check(name && !name->is_fb && name->knowledge != GONE,
		   "buffer %llu is destroyed, but not there", (unsigned long long)cookie);
	for (i = 0; i < run.num_names && !run.ring_stuck; i++)
		fuzz_check(!run.names[i].is_fb || run.names[i].dbuf != cookie ||
			   run.names[i].knowledge != THERE,
			   "buffer %llu is destroyed under framebuffer %llu",
			   (unsigned long long)cookie, (unsigned long long)run.names[i].cookie);
	name->knowledge = GONE;
	if (!object || object->refs || !run.display.release_work.running)
		return;
	/* Until this is answered, or late, nobody else may have the pages. */
	fuzz_check(fuzz_is_granted(name->directory), "the grants of buffer %llu have ended",
		   (unsigned long long)cookie);
	fuzz_check(!object->share.be_alloc || !object->share.pages,
		   "buffer %llu is still mapped", (unsigned long long)cookie);
}

/* From now on the driver may read the pages, each byte once. */
static void edid_load(struct shared *shared, size_t offset, size_t size)
{
	size_t page = shared - run.edid;
	u8 choice = input_u8(&run.in);

	fuzz_check(run.edid_directory, "an EDID is read that was not asked for");
	fuzz_check(page * XEN_PAGE_SIZE + offset + size <= run.edid_size,
		   "byte %zu of an EDID of %u is read", page * XEN_PAGE_SIZE + offset + size - 1,
		   run.edid_size);
	shared_load_once(shared, offset, size, "EDID");
	if (choice & 1)
		backend_write32(shared, offset + choice / 2, input_u32(&run.in));
	run.edid_loaded += size;
}

static u32 any_edid_size(void)
{
	u8 choice = input_u8(&run.in);

	return choice < 0x80 ? (choice % 64 + 1) * 128 :
	       choice < 0xa0 ? XENDISPL_EDID_MAX_SIZE + ((choice & 3) - 1) * 128 :
	       input_number(&run.in);
}

static void backend_sends_edid(const struct xendispl_get_edid_req *get)
{
	u32 *page;
	u8 blocks;
	unsigned int i;

	fuzz_check(get->buffer_sz == XENDISPL_EDID_MAX_SIZE, "an EDID of %u bytes is asked for",
		   get->buffer_sz);
	/* Too late for an earlier question. */
	if (get->gref_directory != run.edid_directory)
		return;
	page = granted_page(get->gref_directory);
	fuzz_check(!page[0], "the directory of an EDID has a link");
	shared_remove_all();
	for (i = 0; i < EDID_PAGES; i++) {
		run.edid[i] = (struct shared) {
			.address = granted_page(page[1 + i]), .size = XEN_PAGE_SIZE,
			.load = edid_load,
		};
		shared_add(&run.edid[i]);
	}
	run.edid_size = any_edid_size();
	blocks = run.edid_size / 128 - 1;
	backend_write(&run.edid[0], 126, &blocks, 1);
}

/* Directories of our pages are not its to write, but it can. */
static void backend_scribbles(void)
{
	struct object *object = run.all_objects;
	unsigned int skip = input_u8(&run.in) % OBJECTS;
	u32 *page;

	while (object && (skip-- || object->share.be_alloc))
		object = object->next;
	if (!object || !object->share.pgdir || object->share.domid != run.display.link.domid)
		return;
	page = granted_page(xen_drm_pgdir_start(object->share.pgdir));
	page[input_u8(&run.in) % (2 * PAGES)] = input_number(&run.in);
	object->scribbled = run.display.link.number;
}

static void backend_takes(const struct xendispl_req *req, s32 status)
{
	unsigned int held = input_u8(&run.in) % 64;

	fuzz_message("backend: request %u, operation %x, status %d", req->id, req->operation,
		     status);
	switch (req->operation) {
	case XENDISPL_OP_DBUF_CREATE:
		backend_creates(&req->op.dbuf_create, status);
		break;
	case XENDISPL_OP_DBUF_DESTROY:
		backend_destroys(req->op.dbuf_destroy.dbuf_cookie);
		break;
	case XENDISPL_OP_FB_ATTACH:
		backend_attaches(&req->op.fb_attach, status);
		break;
	case XENDISPL_OP_FB_DETACH:
		backend_detaches(req->op.fb_detach.fb_cookie);
		break;
	case XENDISPL_OP_GET_EDID:
		backend_sends_edid(&req->op.get_edid);
		break;
	case XENDISPL_OP_PG_FLIP:
		fuzz_check(req->op.pg_flip.fb_cookie, "a flip to nothing");
		break;
	default:
		fuzz_check(req->operation == XENDISPL_OP_SET_CONFIG, "operation %u",
			   req->operation);
		break;
	}
	if (held % 16 == 7)
		backend_scribbles();
	held = held < 56 ? 0 : held < 62 ? held - 55 : 4 * PAGES;
	while (held--)
		fuzz_backend_maps(held);
}

static s32 backend_status(void)
{
	u8 how = input_u8(&run.in);

	return how < 0xc0 ? 0 : how < 0xe8 ? -(how & 0x1f) : (s32)input_u32(&run.in);
}

static void backend_shows(struct ring *ring, u64 cookie)
{
	struct xendispl_event_page *page = ring->chan->evt_page;
	struct xendispl_evt evt = {
		.type = XENDISPL_EVT_PG_FLIP, .op.pg_flip.fb_cookie = cookie,
	};

	XENDISPL_IN_RING_REF(page, page->in_prod) = evt;
	page->in_prod++;
	fuzz_interrupt(ring->chan->evt_irq);
}

static void backend_answers(struct ring *ring, const struct xendispl_req *req, s32 status)
{
	struct xen_displif_sring *sring = ring->chan->ring.sring;
	u8 how = input_u8(&run.in);
	struct xendispl_resp resp = {
		.id = req->id, .operation = req->operation, .status = status,
		.op.get_edid.edid_sz = run.edid_size,
	};

	fuzz_message("backend: answer to %u", req->id);
	if (how > 0xfc)
		resp.id += how;
	run.num_refused += !!status;
	sring->ring[ring->answered++ % 32].rsp = resp;
	sring->rsp_prod = ring->answered;
	/* Or it was lost. */
	if (how < 0xf0)
		fuzz_interrupt(ring->chan->req_irq);
	if (req->operation == XENDISPL_OP_PG_FLIP && !status && ring->chan->evt_page)
		backend_shows(ring, req->op.pg_flip.fb_cookie);
}

/* Does what the next request asks for, and answers it, or another one, or none. */
static void backend_works(struct ring *ring)
{
	u8 how = input_u8(&run.in);
	struct xendispl_req req;
	s32 status;

	if (!ring->chan || !is_alive())
		return;
	if (ring->seen != ring->chan->ring.sring->req_prod && ring->num_taken < ANSWERS) {
		req = ring->chan->ring.sring->ring[ring->seen++ % 32].req;
		status = backend_status();
		ring->taken[ring->num_taken] = req;
		ring->status[ring->num_taken++] = status;
		backend_takes(&req, status);
	}
	if (!ring->num_taken || how > 0xe0)
		return;
	how = how < 0xc0 ? ring->num_taken - 1 : how % ring->num_taken;
	req = ring->taken[how];
	status = ring->status[how];
	ring->taken[how] = ring->taken[--ring->num_taken];
	ring->status[how] = ring->status[ring->num_taken];
	backend_answers(ring, &req, status);
}

static void backend_leaves(void)
{
	if (run.conn)
		xen_drm_conn_break(run.conn, "the backend has left");
}

static void time_passes(void)
{
	jiffies += input_u8(&run.in) * 2;
}

/* --- what must hold ----------------------------------------------------------------- */

static unsigned int grants_of(const struct object *object)
{
	unsigned int count = object->share.size / PAGE_SIZE;

	if (!object->share.pgdir)
		return 0;
	return 1 + (object->share.be_alloc ? 0 : count);
}

static void expect_counted(void)
{
	unsigned int expected = 0, mapped = 0, in_use = fuzz_grants_in_use(), left, i;
	struct object *object;

	for (object = run.all_objects; object; object = object->next) {
		expected += grants_of(object);
		if (object->share.be_alloc && object->share.pages)
			mapped += object->share.size / PAGE_SIZE;
		fuzz_check(!object->share.pgdir || !list_empty(&object->share.node),
			   "a buffer is granted, and nobody would revoke it");
	}
	expected += (!!run.conn + !!run.retired) * CHANNELS * 2;
	for (i = 0; i < DOMIDS; i++)
		expected += xen_drm_grants_deferred(FIRST_DOMID + i);
	fuzz_check(in_use == expected, "%u grants are in use, expected %u", in_use, expected);
	left = xen_drm_grants_budget() - run.others - in_use;
	fuzz_check(!xen_drm_grants_take(left) && xen_drm_grants_take(1) == -ENOSPC,
		   "%u of %u grants are not left", left, xen_drm_grants_budget());
	xen_drm_grants_give_back(left);
	fuzz_check(run.lost_pages || fuzz_num_mapped() == mapped, "%u pages are mapped, not %u",
		   fuzz_num_mapped(), mapped);
}

static bool is_told(u64 told)
{
	return is_joined() && told == run.display.link.number;
}

/* Whatever is there will be taken back. */
static void expect_remembered(const struct name *name)
{
	struct framebuffer *fb = framebuffer_of(name->cookie);
	struct xen_drm_view *view;
	struct object *object = object_of(name->cookie, &view);

	if (name->knowledge != THERE)
		return;
	if (name->is_fb)
		fuzz_check(fb && is_told(fb->fb.told), "framebuffer %llu is forgotten",
			   (unsigned long long)name->cookie);
	else
		fuzz_check(object && is_told(view->told), "buffer %llu is forgotten",
			   (unsigned long long)name->cookie);
}

static void expect_known(void)
{
	struct framebuffer *fb;
	unsigned int i;

	/* What is on its way, or found no way, is neither here nor there. */
	if (!is_joined() || !is_alive() || run.ring_stuck ||
	    run.rings[0].seen != run.rings[0].chan->ring.req_prod_pvt)
		return;
	for (i = 0; i < run.num_names; i++)
		expect_remembered(&run.names[i]);
	for (fb = run.all_fbs; fb; fb = fb->next) {
		struct name *name = find_name(fb->fb.cookie);

		if (!is_told(fb->fb.told))
			continue;
		fuzz_check(name && name->knowledge != GONE, "framebuffer %llu is not known",
			   (unsigned long long)fb->fb.cookie);
		/* A refusal that comes too late is not heard. */
		fuzz_check(name->knowledge == THERE || fuzz_num_timeouts != run.timeouts_before,
			   "framebuffer %llu was refused", (unsigned long long)fb->fb.cookie);
	}
}

static void expect_sound(void)
{
	const struct xen_drm_chan *chan = run.rings[0].chan;

	if (chan && chan->ring.req_prod_pvt - chan->ring.rsp_cons == 32)
		run.ring_stuck = true;
	if (run.depth)
		return;
	expect_counted();
	expect_known();
}

/* User space is told nothing else. */
static void expect_errno(int ret, const char *what)
{
	static const int known[] = { 0, EINVAL, ENOMEM, ENOSPC, EIO, EOPNOTSUPP };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (ret == -known[i])
			return;
	fuzz_check(ret == -EINTR && fuzz_task_killed, "%s returns %d", what, ret);
}

/* --- objects and framebuffers --------------------------------------------------------- */

static void backing_release(struct kref *ref)
{
	struct backing *backing = container_of(ref, struct backing, base.ref);
	unsigned int i;

	fuzz_might_sleep();
	for (i = 0; i < PAGES && backing->pages[i]; i++)
		put_page(backing->pages[i]);
	free(backing);
}

static void object_released(struct xen_drm_share *share)
{
	struct object *object = container_of(share, struct object, share), **place;
	unsigned int i;

	fuzz_might_sleep();
	fuzz_check(!object->refs, "a buffer is released that is in use");
	fuzz_check(!share->pgdir, "a buffer is released that is shared");
	fuzz_check(list_empty(&share->node) && list_empty(&share->views),
		   "a buffer is released that is known");
	for (place = &run.all_objects; *place != object; place = &(*place)->next)
		fuzz_check(*place, "a buffer is released twice");
	*place = object->next;
	if (object->backing)
		kref_put(&object->backing->base.ref, backing_release);
	for (i = 0; i < PAGES && object->pages[i] && !object->backing; i++)
		put_page(object->pages[i]);
	free(object);
}

static void object_moved(struct xen_drm_share *share)
{
	fuzz_might_sleep();
	fuzz_check(share->be_alloc, "a buffer of ours has moved");
}

static const struct xen_drm_share_ops share_ops = {
	.released = object_released,
};

static const struct xen_drm_share_ops backend_share_ops = {
	.moved = object_moved,
	.released = object_released,
};

static void put_object(struct object *object)
{
	fuzz_check(object->refs, "a buffer has one reference too few");
	if (!--object->refs)
		xen_drm_share_release(&run.display, &object->share);
}

static void fb_released(struct xen_drm_fb *xen_fb)
{
	struct framebuffer *fb = container_of(xen_fb, struct framebuffer, fb), **place;

	fuzz_might_sleep();
	for (place = &run.all_fbs; *place != fb; place = &(*place)->next)
		fuzz_check(*place, "a framebuffer is released twice");
	*place = fb->next;
	put_object(fb->object);
	free(fb);
}

static struct object *new_object(bool be_alloc)
{
	struct object *object = calloc(1, sizeof(*object));
	unsigned int count = 1 + input_u8(&run.in) % PAGES, i;

	if (!be_alloc && input_u8(&run.in) & 1) {
		object->backing = calloc(1, sizeof(*object->backing));
		kref_init(&object->backing->base.ref);
		object->backing->base.release = backing_release;
	}
	xen_drm_share_init(&object->share, be_alloc ? &backend_share_ops : &share_ops,
			   count * PAGE_SIZE);
	for (i = 0; i < count && !be_alloc; i++) {
		object->pages[i] = alloc_page(GFP_KERNEL);
		if (object->backing)
			object->backing->pages[i] = object->pages[i];
	}
	if (object->backing)
		object->share.backing = &object->backing->base;
	object->share.pages = be_alloc ? NULL : object->pages;
	object->refs = 1;
	object->next = run.all_objects;
	run.all_objects = object;
	return object;
}

/* Grants may have gone to others, and pages of the backend are mapped only together. */
static bool fits(unsigned int grants)
{
	return xen_drm_grants_budget() - run.others - fuzz_grants_in_use() >= grants;
}

static void create(struct object **place, bool be_alloc)
{
	unsigned int timeouts = fuzz_num_timeouts;
	u8 how = input_u8(&run.in);
	struct object *object;
	int ret;

	if (*place || fuzz_pages_left() < 64 * PAGES || fuzz_handles_left() < 64 * PAGES)
		return;
	object = new_object(be_alloc);
	if (!be_alloc) {
		*place = object;
		return;
	}

	object->share.be_alloc = true;
	fuzz_fail_in = how % 32;
	fuzz_task_killed = how > 0xf0;
	fuzz_mutex_contended = how & 1;
	xen_drm_share_room(&run.display);
	run.is_ioctl = true;
	run.depth++;
	ret = xen_drm_share_allocate(&run.display, &object->share, WIDTH,
				     object->share.size / PITCH, 32);
	run.depth--;
	run.is_ioctl = false;
	fuzz_fail_in = 0;
	expect_errno(ret, "allocating");
	fuzz_check(!ret || !object->share.pages, "a buffer is mapped, but refused: %d", ret);
	fuzz_check(ret || !is_alive() || object->share.pages || !is_joined() ||
		   fuzz_num_timeouts != timeouts, "a buffer without pages");
	if (ret)
		put_object(object);
	else
		*place = object;
}

static void close_handle(struct object **place)
{
	if (!*place)
		return;
	put_object(*place);
	*place = NULL;
}

/* What the wire has no field for must follow from the buffer. */
static bool is_expressible(const struct xen_drm_fb *fb)
{
	const struct xen_drm_share *share = fb->share;
	u32 width = (u64)fb->pitch * 8 / fb->bpp;

	if (share->be_alloc)
		return fb->pitch == PITCH && !fb->offset && fb->width <= WIDTH &&
		       fb->height <= share->size / PITCH;
	return 4 * (((u64)width * fb->bpp + 31) / 32) == fb->pitch &&
	       (!fb->offset || run.display.link.version == 2) &&
	       (u64)fb->height * fb->pitch + fb->offset <= share->size;
}

/* DRM has seen to it that the buffer holds all pixels. */
static bool describe(struct xen_drm_fb *fb)
{
	u8 how = input_u8(&run.in);

	fb->bpp = how & 1 ? 16 : 32;
	fb->width = 1 + input_u8(&run.in) % (2 * WIDTH);
	fb->height = 1 + input_u8(&run.in);
	fb->pitch = how < 0xc0 ? PITCH : input_number(&run.in);
	fb->pitch = max(fb->pitch, fb->width * fb->bpp / 8);
	fb->offset = how % 16 < 12 ? 0 : input_number(&run.in);
	fb->format = 1 + how;
	return (u64)(fb->height - 1) * fb->pitch + fb->width * fb->bpp / 8 + fb->offset <=
	       fb->share->size;
}

static struct framebuffer *new_fb(struct object *object)
{
	struct framebuffer *fb = calloc(1, sizeof(*fb));

	fb->object = object;
	fb->fb.share = &object->share;
	fb->fb.released = fb_released;
	INIT_LIST_HEAD(&fb->fb.node);
	fb->next = run.all_fbs;
	run.all_fbs = fb;
	object->refs++;
	return fb;
}

static void free_fb(struct framebuffer *fb)
{
	struct framebuffer **place;

	for (place = &run.all_fbs; *place != fb; place = &(*place)->next)
		;
	*place = fb->next;
	put_object(fb->object);
	free(fb);
}

/* The backend's domain keeps too many pages of former buffers. */
static bool is_barred(void)
{
	return xen_drm_grants_too_many_deferred(run.display.link.domid);
}

static bool is_shared(const struct xen_drm_share *share)
{
	return share->pgdir && share->domid == run.display.link.domid;
}

static void expect_reason(int ret, const struct framebuffer *fb, bool may_fail,
			  bool expressible)
{
	unsigned int needed = 1 + fb->fb.share->size / PAGE_SIZE;

	expect_errno(ret, "attaching");
	if (!ret)
		fuzz_check(expressible, "%ux%u, pitch %u, offset %u is attached", fb->fb.width,
			   fb->fb.height, fb->fb.pitch, fb->fb.offset);
	else if (!may_fail && expressible)
		fuzz_check(ret == -ENOSPC && (!fits(needed) || is_barred()),
			   "attaching returns %d", ret);
}

static void attach(struct framebuffer **place, struct object *object)
{
	u8 how = input_u8(&run.in);
	unsigned int refused = run.num_refused;
	bool expressible, may_fail, barred;
	struct framebuffer *fb;
	int ret;

	if (*place || !object)
		return;
	fb = new_fb(object);
	if (!describe(&fb->fb)) {
		free_fb(fb);
		return;
	}
	expressible = is_expressible(&fb->fb);
	fuzz_check(xen_drm_share_expresses(&run.display, &fb->fb) == expressible,
		   "%ux%u, pitch %u, offset %u can%s be expressed", fb->fb.width, fb->fb.height,
		   fb->fb.pitch, fb->fb.offset, expressible ? "not" : "");
	/* The backend never hears of those that are shown by a copy. */
	if (!expressible && how & 1) {
		*place = fb;
		return;
	}
	fuzz_fail_in = how < 0x80 ? 0 : how % 32;
	may_fail = fuzz_fail_in;
	barred = is_barred() && !is_shared(fb->fb.share);
	fuzz_task_killed = how % 32 == 31;
	fuzz_mutex_contended = how & 0x20;
	run.is_ioctl = true;
	run.depth++;
	ret = xen_drm_share_attach(&run.display, &fb->fb);
	run.depth--;
	run.is_ioctl = false;
	fuzz_fail_in = 0;
	expect_reason(ret, fb, may_fail || fuzz_task_killed || run.num_refused != refused,
		      expressible);
	fuzz_check(!barred || !is_joined() || !is_shared(fb->fb.share),
		   "more is shared with a domain that keeps too much");
	if (ret)
		free_fb(fb);
	else
		*place = fb;
}

/* So many that they neither fit into a batch nor into the ring. */
static void attach_all(struct object *object)
{
	struct framebuffer *fb;
	unsigned int i;

	/* With a backend this is no more than what attach() does, but takes longer. */
	if (!object || is_joined())
		return;
	for (i = 0; i < FBS; i++) {
		if (run.fbs[i])
			continue;
		fb = new_fb(object);
		fb->fb.bpp = 32;
		fb->fb.width = WIDTH - i / 2;
		fb->fb.height = 1;
		fb->fb.pitch = PITCH;
		fb->fb.format = 1 + i;
		fuzz_check(!xen_drm_share_attach(&run.display, &fb->fb), "nobody refuses");
		run.fbs[i] = fb;
	}
}

static void detach(struct framebuffer **place)
{
	struct framebuffer *fb = *place;

	if (!fb)
		return;
	*place = NULL;
	xen_drm_share_detach(&run.display, &fb->fb);
}

static void release(void)
{
	run.depth++;
	if (input_u8(&run.in) & 1)
		xen_drm_share_flush(&run.display);
	else
		fuzz_run_work(&run.display.release_work);
	run.depth--;
}

/* --- pipes and EDIDs ---------------------------------------------------------------- */

static void show(struct framebuffer *fb, unsigned int index)
{
	struct xen_drm_proto_config config = { .width = WIDTH, .height = WIDTH, .bpp = 32 };
	struct xen_drm_call call;
	int ret;

	if (!is_joined() || !fb || !is_told(fb->fb.told) || run.depth > 2)
		return;
	config.fb_cookie = fb->fb.cookie;
	ret = xen_drm_proto_set_config(run.rings[index].chan, &call, &config);
	if (!ret) {
		run.depth++;
		ret = xen_drm_proto_wait(run.rings[index].chan, &call);
		run.depth--;
	}
	if (ret != -ENODEV && ret != -ETIMEDOUT)
		expect_errno(ret, "setting a mode");
}

static void flip(struct framebuffer *fb, unsigned int index)
{
	u32 serial;
	int ret;

	if (!is_joined() || !fb || !is_told(fb->fb.told))
		return;
	fuzz_lock(&run.display.drm.event_lock, false);
	ret = xen_drm_proto_page_flip(run.rings[index].chan, fb->fb.cookie, &serial);
	fuzz_unlock(&run.display.drm.event_lock, false);
	fuzz_check(!ret || ret == -EBUSY || ret == -EAGAIN || ret == -ENODEV,
		   "a flip returns %d", ret);
}

/* The last request of the ring is the question for one. */
static u32 asked_directory(const struct xen_drm_chan *chan)
{
	const struct xendispl_req *req;

	req = &chan->ring.sring->ring[(chan->ring.req_prod_pvt - 1) % 32].req;
	fuzz_check(req->operation == XENDISPL_OP_GET_EDID, "no EDID is asked for");
	return req->op.get_edid.gref_directory;
}

static void get_edid(unsigned int index)
{
	struct xen_drm_chan *chan = run.rings[index].chan;
	struct xen_drm_edid_query *query;
	struct drm_display_mode mode;
	struct xen_drm_edid *edid;

	if (!is_joined())
		return;
	run.edid_size = 0;
	run.edid_loaded = 0;
	fuzz_fail_in = input_u8(&run.in) % 64;
	run.depth++;
	query = xen_drm_edid_ask(chan, &run.display.link);
	fuzz_check(!query || run.display.link.version == 2, "version 1 knows no EDID");
	if (query)
		run.edid_directory = asked_directory(chan);
	edid = xen_drm_edid_take(&run.display.drm, "Virtual-1", query);
	run.depth--;
	fuzz_fail_in = 0;
	run.edid_directory = 0;
	shared_remove_all();

	fuzz_check(!edid || (edid->size == run.edid_size && edid->size <= 32768 &&
			     edid->size % 128 == 0),
		   "an EDID of %zu bytes is taken, the backend said %u", edid ? edid->size : 0,
		   run.edid_size);
	fuzz_check(!run.edid_loaded || (run.edid_loaded == run.edid_size &&
					run.edid_size <= 32768 && run.edid_size % 128 == 0),
		   "%u bytes are copied of an EDID of %u", run.edid_loaded, run.edid_size);
	if (edid && xen_drm_edid_preferred(edid, &mode))
		fuzz_check(mode.clock > 0 && mode.hdisplay >= 64 && mode.vdisplay >= 64,
			   "a timing of %dx%d, %d kHz is preferred", mode.hdisplay,
			   mode.vdisplay, mode.clock);
	free(edid);
}

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
	return fb->view && (!fb->share->be_alloc || is_told(fb->view->told));
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
	unsigned int left = xen_drm_grants_budget() - fuzz_grants_in_use();
	unsigned int wanted = how < 0x80 ? 0 : left > how % 64 ? left - how % 64 : 0;

	xen_drm_grants_give_back(run.others);
	fuzz_check(!xen_drm_grants_take(wanted), "%u grants are not left", wanted);
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
