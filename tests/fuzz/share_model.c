// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What the backend has been told, what it does, and what must hold. */
#include "share.h"

struct run run;

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

bool is_joined(void)
{
	return run.display.link.chan;
}

bool is_alive(void)
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
void backend_works(struct ring *ring)
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

void backend_leaves(void)
{
	if (run.conn)
		xen_drm_conn_break(run.conn, "the backend has left");
}

void time_passes(void)
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

/* Rings may take more than the budget. */
unsigned int grants_left(unsigned int taken)
{
	return taken < xen_drm_grants_budget() ? xen_drm_grants_budget() - taken : 0;
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
	left = grants_left(run.others + in_use);
	fuzz_check((!left || !xen_drm_grants_take(left)) && xen_drm_grants_take(1) == -ENOSPC,
		   "%u of %u grants are not left", left, xen_drm_grants_budget());
	xen_drm_grants_give_back(left);
	fuzz_check(run.lost_pages || fuzz_num_mapped() == mapped, "%u pages are mapped, not %u",
		   fuzz_num_mapped(), mapped);
}

bool is_told(u64 told)
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

void expect_sound(void)
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
void expect_errno(int ret, const char *what)
{
	static const int known[] = { 0, EINVAL, ENOMEM, ENOSPC, EIO, EOPNOTSUPP };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (ret == -known[i])
			return;
	fuzz_check(ret == -EINTR && fuzz_task_killed, "%s returns %d", what, ret);
}
