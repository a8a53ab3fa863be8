// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What clients do. */
#include "share.h"

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
	return grants_left(run.others + fuzz_grants_in_use()) >= grants;
}

void create(struct object **place, bool be_alloc)
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

void close_handle(struct object **place)
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
		return fb->bpp == 32 && fb->pitch == PITCH && !fb->offset && fb->width <= WIDTH &&
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

void attach(struct framebuffer **place, struct object *object)
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
void attach_all(struct object *object)
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

void detach(struct framebuffer **place)
{
	struct framebuffer *fb = *place;

	if (!fb)
		return;
	*place = NULL;
	xen_drm_share_detach(&run.display, &fb->fb);
}

void release(void)
{
	run.depth++;
	if (input_u8(&run.in) & 1)
		xen_drm_share_flush(&run.display);
	else
		fuzz_run_work(&run.display.release_work);
	run.depth--;
}

/* --- pipes and EDIDs ---------------------------------------------------------------- */

void show(struct framebuffer *fb, unsigned int index)
{
	struct xen_drm_proto_config config = {
		.width = WIDTH, .height = WIDTH, .bpp = 32, .number = 1,
	};
	int ret;

	if (!is_joined() || !fb || !is_told(fb->fb.told) || run.depth > 2)
		return;
	config.fb_cookie = fb->fb.cookie;
	run.depth++;
	ret = xen_drm_proto_set_config(run.rings[index].chan, &config);
	run.depth--;
	fuzz_check(!ret || ret == -ENODEV || ret == -ETIMEDOUT, "setting a mode returns %d", ret);
}

void flip(struct framebuffer *fb, unsigned int index)
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

void get_edid(unsigned int index)
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
	fuzz_check(IS_ERR_OR_NULL(query) || run.display.link.version == 2, "version 1 knows no EDID");
	if (!IS_ERR_OR_NULL(query))
		run.edid_directory = asked_directory(chan);
	edid = xen_drm_edid_take(&run.display.drm, "Virtual-1", query);
	run.depth--;
	fuzz_fail_in = 0;
	run.edid_directory = 0;
	shared_remove_all();
	if (IS_ERR(edid))
		edid = NULL;

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
