// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Buffers: pages, one grant entry each, a directory, one framebuffer. */

#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <drm/drm_fourcc.h>

#include <xen/page.h>

#include "bare.h"
#include "meter.h"

#define GREFS_PER_DIR						\
	((XEN_PAGE_SIZE - offsetof(struct xendispl_page_directory, gref)) / \
	 sizeof(grant_ref_t))
/* As many as fit into a page. Commands come one at a time, so one page is enough. */
#define MAP_BATCH	102U
static union {
	struct gnttab_map_grant_ref map[MAP_BATCH];
	struct gnttab_unmap_grant_ref unmap[MAP_BATCH];
} batch;

struct bare_buffer {
	u64 cookie;
	unsigned int num_pages, num_dirs, size;
	struct page **pages, **dirs;
	/* Of the directory, then of the pages if they are ours. */
	grant_ref_t *refs;
	/* Of the pages if they are the backend's. */
	grant_handle_t *handles;
};

u64 bare_buffer_fb(const struct bare_buffer *buf)
{
	return buf->cookie;
}

static void free_pages_of(struct page **pages, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count && pages[i]; i++)
		__free_page(pages[i]);
}

static int alloc_pages_of(struct page **pages, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!pages[i])
			return -ENOMEM;
	}
	return 0;
}

static int grant(struct bare *bare, struct page **pages, grant_ref_t *refs,
		 unsigned int count)
{
	domid_t domid = bare->xb_dev->otherend_id;
	grant_ref_t head;
	unsigned int i;
	int ret;

	ret = gnttab_alloc_grant_references(count, &head);
	if (ret)
		return ret;
	for (i = 0; i < count; i++) {
		refs[i] = gnttab_claim_grant_reference(&head);
		gnttab_grant_foreign_access_ref(refs[i], domid, xen_page_to_gfn(pages[i]), 0);
	}
	return 0;
}

static void fill(struct bare_buffer *buf, bool with_refs)
{
	struct xendispl_page_directory *dir;
	unsigned int i, first, count;

	for (i = 0; i < buf->num_dirs; i++) {
		dir = page_address(buf->dirs[i]);
		dir->gref_dir_next_page = i + 1 < buf->num_dirs ? buf->refs[i + 1] : 0;
		first = i * GREFS_PER_DIR;
		count = min_t(unsigned int, buf->num_pages - first, GREFS_PER_DIR);
		if (with_refs)
			memcpy(dir->gref, buf->refs + buf->num_dirs + first,
			       count * sizeof(*dir->gref));
	}
}

static int map_some(struct bare *bare, struct bare_buffer *buf, unsigned int first,
		    unsigned int count)
{
	struct gnttab_map_grant_ref *ops = batch.map;
	const struct xendispl_page_directory *dir;
	unsigned int i, page;
	int ret;

	for (i = 0; i < count; i++) {
		page = first + i;
		dir = page_address(buf->dirs[page / GREFS_PER_DIR]);
		gnttab_set_map_op(&ops[i], (unsigned long)page_address(buf->pages[page]),
				  GNTMAP_host_map, dir->gref[page % GREFS_PER_DIR],
				  bare->xb_dev->otherend_id);
	}
	ret = gnttab_map_refs(ops, NULL, buf->pages + first, count);
	for (i = 0; i < count; i++) {
		if (ops[i].status != GNTST_okay)
			ret = -EIO;
		buf->handles[first + i] = ops[i].handle;
	}
	return ret;
}

static int unmap_some(struct bare_buffer *buf, unsigned int first, unsigned int count)
{
	struct gnttab_unmap_grant_ref *ops = batch.unmap;
	unsigned int i;

	for (i = 0; i < count; i++)
		gnttab_set_unmap_op(&ops[i],
				    (unsigned long)page_address(buf->pages[first + i]),
				    GNTMAP_host_map, buf->handles[first + i]);
	return gnttab_unmap_refs(ops, NULL, buf->pages + first, count);
}

static int map_all(struct bare *bare, struct bare_buffer *buf)
{
	unsigned int i, count;
	int ret = 0;

	for (i = 0; i < buf->num_pages && !ret; i += count) {
		count = min(buf->num_pages - i, MAP_BATCH);
		ret = map_some(bare, buf, i, count);
	}
	return ret;
}

static int unmap_all(struct bare_buffer *buf)
{
	unsigned int i, count;
	int ret = 0;

	for (i = 0; i < buf->num_pages; i += count) {
		count = min(buf->num_pages - i, MAP_BATCH);
		ret = unmap_some(buf, i, count) ?: ret;
	}
	return ret;
}

static struct bare_buffer *buffer_alloc(unsigned int width, unsigned int height)
{
	struct bare_buffer *buf = kzalloc(sizeof(*buf), GFP_KERNEL);

	if (!buf)
		return NULL;
	buf->size = width * height * 4;
	buf->num_pages = DIV_ROUND_UP(buf->size, PAGE_SIZE);
	buf->num_dirs = DIV_ROUND_UP(buf->num_pages, GREFS_PER_DIR);
	buf->pages = kvcalloc(buf->num_pages, sizeof(*buf->pages), GFP_KERNEL);
	buf->dirs = kvcalloc(buf->num_dirs, sizeof(*buf->dirs), GFP_KERNEL);
	buf->refs = kvmalloc_array(buf->num_dirs + buf->num_pages, sizeof(*buf->refs),
				   GFP_KERNEL);
	buf->handles = kvmalloc_array(buf->num_pages, sizeof(*buf->handles), GFP_KERNEL);
	if (buf->pages && buf->dirs && buf->refs && buf->handles)
		return buf;
	kvfree(buf->pages);
	kvfree(buf->dirs);
	kvfree(buf->refs);
	kvfree(buf->handles);
	kfree(buf);
	return NULL;
}

static int buffer_share(struct bare *bare, struct bare_buffer *buf)
{
	int ret;

	ret = alloc_pages_of(buf->dirs, buf->num_dirs);
	if (!ret)
		ret = bare->be_alloc ? gnttab_alloc_pages(buf->num_pages, buf->pages) :
				       alloc_pages_of(buf->pages, buf->num_pages);
	if (!ret)
		ret = grant(bare, buf->dirs, buf->refs, buf->num_dirs);
	if (!ret && !bare->be_alloc)
		ret = grant(bare, buf->pages, buf->refs + buf->num_dirs, buf->num_pages);
	if (!ret)
		fill(buf, !bare->be_alloc);
	return ret;
}

static int buffer_tell(struct bare *bare, struct bare_buffer *buf, unsigned int width,
		       unsigned int height)
{
	struct xendispl_req *req;
	static u64 last_cookie;

	buf->cookie = 0xba5e000000000000ULL | ++last_cookie;
	req = bare_request(bare, XENDISPL_OP_DBUF_CREATE);
	req->op.dbuf_create.dbuf_cookie = buf->cookie;
	req->op.dbuf_create.width = width;
	req->op.dbuf_create.height = height;
	req->op.dbuf_create.bpp = 32;
	req->op.dbuf_create.buffer_sz = buf->size;
	req->op.dbuf_create.gref_directory = buf->refs[0];
	if (bare->be_alloc)
		req->op.dbuf_create.flags = XENDISPL_DBUF_FLG_REQ_ALLOC;

	req = bare_request(bare, XENDISPL_OP_FB_ATTACH);
	req->op.fb_attach.dbuf_cookie = buf->cookie;
	req->op.fb_attach.fb_cookie = buf->cookie;
	req->op.fb_attach.width = width;
	req->op.fb_attach.height = height;
	req->op.fb_attach.pixel_format = DRM_FORMAT_XRGB8888;
	return bare_call(bare);
}

/* A failure leaks: this is no driver, and the figures are wrong anyhow. */
struct bare_buffer *bare_buffer_create(struct bare *bare, unsigned int width,
				       unsigned int height)
{
	struct bare_buffer *buf = buffer_alloc(width, height);
	int ret;

	if (!buf)
		return ERR_PTR(-ENOMEM);
	ret = buffer_share(bare, buf);
	if (!ret)
		ret = buffer_tell(bare, buf, width, height);
	if (!ret && bare->be_alloc)
		ret = map_all(bare, buf);
	return ret ? ERR_PTR(ret) : buf;
}

int bare_buffer_destroy(struct bare *bare, struct bare_buffer *buf)
{
	unsigned int i, granted = buf->num_dirs + (bare->be_alloc ? 0 : buf->num_pages);
	struct xendispl_req *req;
	int ret = 0;

	if (bare->be_alloc)
		ret = unmap_all(buf);
	req = bare_request(bare, XENDISPL_OP_FB_DETACH);
	req->op.fb_detach.fb_cookie = buf->cookie;
	req = bare_request(bare, XENDISPL_OP_DBUF_DESTROY);
	req->op.dbuf_destroy.dbuf_cookie = buf->cookie;
	ret = bare_call(bare) ?: ret;

	for (i = 0; i < granted; i++)
		if (!gnttab_try_end_foreign_access(buf->refs[i]))
			ret = -EBUSY;
	if (ret)
		return ret;
	if (bare->be_alloc)
		gnttab_free_pages(buf->num_pages, buf->pages);
	else
		free_pages_of(buf->pages, buf->num_pages);
	free_pages_of(buf->dirs, buf->num_dirs);
	kvfree(buf->pages);
	kvfree(buf->dirs);
	kvfree(buf->refs);
	kvfree(buf->handles);
	kfree(buf);
	return 0;
}

int bare_memory(unsigned int width, unsigned int height, u64 *running_ns, u64 *elapsed_ns)
{
	struct bare_buffer *buf = buffer_alloc(width, height);
	u64 running, elapsed;
	int ret;

	if (!buf)
		return -ENOMEM;
	running = bench_running_ns();
	elapsed = ktime_get_ns();
	ret = alloc_pages_of(buf->pages, buf->num_pages);
	*elapsed_ns += ktime_get_ns() - elapsed;
	*running_ns += bench_running_ns() - running;
	free_pages_of(buf->pages, buf->num_pages);
	kvfree(buf->pages);
	kvfree(buf->dirs);
	kvfree(buf->refs);
	kvfree(buf->handles);
	kfree(buf);
	return ret;
}
