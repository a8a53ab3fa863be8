// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Display buffers, framebuffers, and the guest's memory behind them. */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "backend.h"

/* Any walk ends: no buffer_sz of 32 bits needs more directory pages. */
#define DIRECTORY_PAGES_MAX (1u << 11)
/* Reference that no grant has. */
#define WITHDRAWN UINT32_MAX

struct dbuf *dbuf_find(struct device *dev, uint64_t cookie)
{
	struct dbuf *dbuf = dev->dbufs;

	while (dbuf && dbuf->cookie != cookie)
		dbuf = dbuf->next;
	return dbuf;
}

struct fb *fb_find(struct device *dev, uint64_t cookie)
{
	struct fb *fb = dev->fbs;

	while (fb && fb->cookie != cookie)
		fb = fb->next;
	return fb;
}

bool dbuf_cookie_in_domain(unsigned int domid, uint64_t cookie, const struct device *except)
{
	for (struct device *dev = be.devices; dev; dev = dev->next)
		if (dev->domid == domid && dev != except && dbuf_find(dev, cookie))
			return true;
	return false;
}

bool fb_cookie_in_domain(unsigned int domid, uint64_t cookie, const struct device *except)
{
	for (struct device *dev = be.devices; dev; dev = dev->next)
		if (dev->domid == domid && dev != except && fb_find(dev, cookie))
			return true;
	return false;
}

static uint32_t *map_directory_page(const struct device *dev, grant_ref_t ref, int prot,
				    struct findings *f)
{
	uint32_t *page = xengnttab_map_grant_ref(be.xgt, dev->domid, ref, prot);

	/* A frontend that has waited long enough takes its grant out of the request. */
	if (!page && ref == WITHDRAWN)
		f->status = -EINVAL;
	else if (!page)
		finding(f, -EINVAL, "directory page with reference %u cannot be mapped: %s", ref,
			strerror(errno));
	return page;
}

static void unmap(struct device *dev, enum keep_what what, void *map, uint32_t pages)
{
	if (!hostile_keep(dev, what, map, pages))
		xengnttab_unmap(be.xgt, map, pages);
}

/* Visit the pages of a directory: read the frontend's grefs or write ours. */
static void walk_directory(struct device *dev, grant_ref_t ref, uint32_t count,
			   grant_ref_t *grefs, bool write, struct findings *f)
{
	bool writable = write || hostile_wants(dev, KEEP_DIRECTORY);
	int prot = writable ? PROT_READ | PROT_WRITE : PROT_READ;

	for (unsigned int index = 0; count && index < DIRECTORY_PAGES_MAX; index++) {
		uint32_t copy[WIRE_PAGE_SIZE / 4];
		uint32_t *page = map_directory_page(dev, ref, prot, f);
		uint32_t used;

		if (!page)
			return;
		memcpy(copy, page, sizeof(copy));
		used = check_directory_page(copy, index, count, write ? NULL : grefs, f);
		if (write) {
			memcpy(page + 1, grefs, used * sizeof(*grefs));
			hostile_directory(dev, ref, page, used, used == count);
		}
		unmap(dev, KEEP_DIRECTORY, page, 1);
		if (f->status)
			return;
		ref = copy[0];
		grefs += used;
		count -= used;
	}
}

/* Map the pages that a directory names; NULL and a finding when it cannot be. */
static void *map_through_directory(struct device *dev, grant_ref_t directory,
				   uint32_t pages, struct findings *f)
{
	grant_ref_t *grefs = calloc(pages, sizeof(*grefs));
	void *map = NULL;

	if (!grefs)
		return NULL;
	walk_directory(dev, directory, pages, grefs, false, f);
	if (!f->status) {
		map = xengnttab_map_domain_grant_refs(be.xgt, pages, dev->domid, grefs,
						      PROT_READ | PROT_WRITE);
		if (!map)
			finding(f, -EINVAL, "%u pages from reference %u on cannot be mapped: %s",
				pages, grefs[0], strerror(errno));
	}
	free(grefs);
	return map;
}

/* Our own pages for the guest: grant them and tell it their references. */
static void *share_through_directory(struct device *dev, grant_ref_t directory,
				     uint32_t pages, struct findings *f)
{
	grant_ref_t *grefs = calloc(pages, sizeof(*grefs));
	void *map = NULL;

	if (!be.xgs)
		be.xgs = xengntshr_open(NULL, 0);
	if (grefs && be.xgs)
		map = hostile_share(dev, pages, grefs);
	if (!map && grefs && be.xgs)
		map = xengntshr_share_pages(be.xgs, dev->domid, pages, grefs, 1);
	if (map) {
		walk_directory(dev, directory, pages, grefs, true, f);
		if (f->status) {
			xengntshr_unshare(be.xgs, map, pages);
			map = NULL;
		}
	} else {
		log_error("cannot grant %u pages to dom%u: %s (gntalloc loaded? its limit?)",
			  pages, dev->domid, strerror(errno));
	}
	free(grefs);
	return map;
}

int dbuf_create(struct device *dev, const struct xendispl_dbuf_create_req *req,
		struct findings *f)
{
	struct dbuf *dbuf = calloc(1, sizeof(*dbuf));

	if (!dbuf)
		return -ENOMEM;
	dbuf->cookie = req->dbuf_cookie;
	dbuf->params = (struct dbuf_params){ req->width, req->height, req->bpp, req->buffer_sz,
					     req->data_ofs };
	dbuf->pages = pages_for(req->buffer_sz);
	dbuf->ours = req->flags & XENDISPL_DBUF_FLG_REQ_ALLOC;
	if (dbuf->ours)
		dbuf->map = share_through_directory(dev, req->gref_directory, dbuf->pages, f);
	else
		dbuf->map = map_through_directory(dev, req->gref_directory, dbuf->pages, f);
	if (!dbuf->map) {
		free(dbuf);
		return f->status ? f->status : -ENOMEM;
	}
	dbuf->next = dev->dbufs;
	dev->dbufs = dbuf;
	return 0;
}

void dbuf_destroy(struct device *dev, struct dbuf *dbuf)
{
	struct dbuf **link = &dev->dbufs;

	while (*link != dbuf)
		link = &(*link)->next;
	*link = dbuf->next;
	if (dbuf->ours)
		xengntshr_unshare(be.xgs, dbuf->map, dbuf->pages);
	else
		unmap(dev, KEEP_BUFFER, dbuf->map, dbuf->pages);
	free(dbuf);
}

int fb_attach(struct device *dev, struct dbuf *dbuf, const struct xendispl_fb_attach_req *req)
{
	struct fb *fb = calloc(1, sizeof(*fb));
	bool sized = dbuf->params.width && dbuf->params.bpp;

	if (!fb)
		return -ENOMEM;
	fb->cookie = req->fb_cookie;
	fb->params = (struct fb_params){ req->width, req->height, req->pixel_format };
	fb->dbuf = dbuf;
	fb->stride = sized ? wire_stride(dbuf->params.width, dbuf->params.bpp) :
			     wire_stride(req->width, format_bpp(req->pixel_format));
	fb->next = dev->fbs;
	dev->fbs = fb;
	dbuf->fbs++;
	return 0;
}

void fb_detach(struct device *dev, struct fb *fb)
{
	struct fb **link = &dev->fbs;

	while (*link != fb)
		link = &(*link)->next;
	*link = fb->next;
	fb->dbuf->fbs--;
	free(fb);
}

void buffers_release(struct device *dev)
{
	while (dev->fbs)
		fb_detach(dev, dev->fbs);
	while (dev->dbufs)
		dbuf_destroy(dev, dev->dbufs);
	memset(&dev->refused_dbufs, 0, sizeof(dev->refused_dbufs));
	memset(&dev->refused_fbs, 0, sizeof(dev->refused_fbs));
}

uint64_t buffers_mapped_pages(const struct device *dev)
{
	uint64_t pages = 0;

	for (const struct dbuf *dbuf = dev->dbufs; dbuf; dbuf = dbuf->next)
		pages += dbuf->pages;
	return pages;
}

struct pixels fb_pixels(const struct fb *fb)
{
	return (struct pixels){
		.fourcc = fb->params.fourcc,
		.width = fb->params.width,
		.height = fb->params.height,
		.stride = fb->stride,
		.data = fb->dbuf->map + fb->dbuf->params.data_ofs,
	};
}

int edid_write(struct connector *conn, const struct xendispl_get_edid_req *req,
	       const uint8_t *edid, uint32_t *size, struct findings *f)
{
	uint32_t pages = pages_for(req->buffer_sz);
	void *map = map_through_directory(conn->dev, req->gref_directory, pages, f);

	if (!map)
		return f->status ? f->status : -ENOMEM;
	check_zeroed("pages for the EDID", map, req->buffer_sz, f);
	memcpy(map, edid, *size);
	hostile_edid(conn, map, req->buffer_sz, size);
	unmap(conn->dev, KEEP_EDID, map, pages);
	return 0;
}
