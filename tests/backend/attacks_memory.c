// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Attacks by what is mapped, by what is granted, and by directories. */
#include <stdlib.h>
#include <sys/mman.h>

#include "attack.h"

static enum verdict ring_keep(struct attack *attack, struct connector *conn)
{
	(void)attack;
	if (conn->req_port < 0 || conn->evt_port < 0)
		return PASSED;
	xenevtchn_unbind(be.xce, conn->req_port);
	xenevtchn_unbind(be.xce, conn->evt_port);
	kept_add(conn->dev, KEEP_RINGS, conn->ring.sring, 1);
	kept_add(conn->dev, KEEP_RINGS, conn->events, 1);
	return TAKEN;
}

static enum verdict destroy_fail(struct attack *attack, struct connector *conn,
				 struct xendispl_resp *resp)
{
	(void)conn;
	if (resp->operation != XENDISPL_OP_DBUF_DESTROY)
		return PASSED;
	resp->status = attack->args.has_value ? attack->args.value : -EIO;
	return CHANGED;
}

static enum verdict destroy_mute(struct attack *attack, struct connector *conn,
				 struct xendispl_resp *resp)
{
	(void)attack;
	(void)conn;
	return resp->operation == XENDISPL_OP_DBUF_DESTROY ? TAKEN : PASSED;
}

/* Eight bytes in each page of each buffer. */
static enum verdict scribble(struct attack *attack, struct device *dev)
{
	enum verdict verdict = PASSED;

	for (struct dbuf *dbuf = dev->dbufs; dbuf; dbuf = dbuf->next) {
		for (uint32_t page = 0; page < dbuf->pages; page++) {
			uint32_t at = prng_below(&attack->prng, WIRE_PAGE_SIZE / 8) * 8;

			prng_fill(&attack->prng,
				  dbuf->map + (size_t)page * WIRE_PAGE_SIZE + at, 8);
		}
		verdict = CHANGED;
	}
	return verdict;
}

static enum verdict scribble_kept(struct attack *attack, struct device *dev)
{
	(void)dev;
	for (enum keep_what what = KEEP_BUFFER; what <= KEEP_RINGS; what++)
		kept_scribble(&attack->prng, what);
	return CHANGED;
}

static enum verdict change_directory(struct attack *attack, struct device *dev)
{
	(void)dev;
	kept_scribble(&attack->prng, KEEP_DIRECTORY);
	return CHANGED;
}

static enum verdict gref_zero(struct attack *attack, struct device *dev, grant_ref_t ref,
			      uint32_t *page, uint32_t used, bool last)
{
	(void)dev;
	(void)ref;
	(void)last;
	page[1 + (attack->args.has_value ? (uint32_t)attack->args.value % used : 0)] = 0;
	return CHANGED;
}

static enum verdict gref_garbage(struct attack *attack, struct device *dev, grant_ref_t ref,
				 uint32_t *page, uint32_t used, bool last)
{
	(void)dev;
	(void)ref;
	(void)last;
	prng_fill(&attack->prng, page + 1, used * sizeof(*page));
	return CHANGED;
}

/* The pages behind it are all there, but for the last one. */
static enum verdict gref_few(struct attack *attack, struct device *dev, grant_ref_t ref,
			     uint32_t *page, uint32_t used, bool last)
{
	(void)attack;
	(void)dev;
	(void)ref;
	if (!last)
		return PASSED;
	page[used] = 0;
	return CHANGED;
}

static enum verdict gref_repeat(struct attack *attack, struct device *dev, grant_ref_t ref,
				uint32_t *page, uint32_t used, bool last)
{
	(void)attack;
	(void)dev;
	(void)ref;
	(void)last;
	for (uint32_t i = 1; i < used; i++)
		page[1 + i] = page[1];
	return CHANGED;
}

/* References that are real, but for somebody else, or not any more. */
static enum verdict borrowed(unsigned int domid, bool revoke, uint32_t *page, uint32_t used)
{
	grant_ref_t *grefs = page + 1;
	void *map = xengntshr_share_pages(be.xgs, domid, used, grefs, 1);

	if (!map) {
		log_error("cannot grant %u pages to dom%u: %s", used, domid, strerror(errno));
		return PASSED;
	}
	if (revoke)
		xengntshr_unshare(be.xgs, map, used);
	/* Else they live as long as we do: they are few, and this is a test. */
	return CHANGED;
}

static enum verdict gref_foreign(struct attack *attack, struct device *dev, grant_ref_t ref,
				 uint32_t *page, uint32_t used, bool last)
{
	(void)attack;
	(void)dev;
	(void)ref;
	(void)last;
	return borrowed(be.domid, false, page, used);
}

static enum verdict gref_revoked(struct attack *attack, struct device *dev, grant_ref_t ref,
				 uint32_t *page, uint32_t used, bool last)
{
	(void)attack;
	(void)ref;
	(void)last;
	return borrowed(dev->domid, true, page, used);
}

static enum verdict dir_loop(struct attack *attack, struct device *dev, grant_ref_t ref,
			     uint32_t *page, uint32_t used, bool last)
{
	(void)attack;
	(void)dev;
	(void)used;
	(void)last;
	page[0] = ref;
	return CHANGED;
}

static enum verdict dir_next(struct attack *attack, struct device *dev, grant_ref_t ref,
			     uint32_t *page, uint32_t used, bool last)
{
	(void)dev;
	(void)ref;
	(void)used;
	(void)last;
	page[0] = prng_next(&attack->prng);
	return CHANGED;
}

static void *share_readonly(struct attack *attack, struct device *dev, uint32_t pages,
			    grant_ref_t *grefs)
{
	(void)attack;
	return xengntshr_share_pages(be.xgs, dev->domid, pages, grefs, 0);
}

#define KEEP(what) (1u << KEEP_##what)

struct attack_kind attacks_memory[] = {
	{ "buffer-keep", "G1", "pages of destroyed buffers stay mapped", TAKES_COUNT,
	  .keeps = KEEP(BUFFER) },
	{ "dir-keep", "G2", "pages of directories stay mapped", TAKES_COUNT,
	  .keeps = KEEP(DIRECTORY) },
	{ "ring-keep", "G1", "pages of rings stay mapped after the connection", TAKES_COUNT,
	  .release = ring_keep },
	{ "kept-scribble", "G2", "random bytes into all pages that other attacks keep", TAKES_MS,
	  .tick_device = scribble_kept, .tick_ms = 20 },
	{ "destroy-fail", "G4", "DBUF_DESTROY is answered by EIO, or value; the pages stay mapped",
	  TAKES_COUNT | TAKES_VALUE, .keeps = KEEP(BUFFER), .reply = destroy_fail },
	{ "destroy-mute", "G4", "DBUF_DESTROY is not answered; the pages stay mapped",
	  TAKES_COUNT, .keeps = KEEP(BUFFER), .reply = destroy_mute },
	{ "scribble", "G7", "random bytes into each page of each buffer", TAKES_MS,
	  .tick_device = scribble, .tick_ms = 20 },
	{ "gref-zero", "B1", "the directory's first reference, or number value, is 0",
	  TAKES_COUNT | TAKES_VALUE, .directory = gref_zero },
	{ "gref-garbage", "B1", "the directory's references are random", TAKES_COUNT,
	  .directory = gref_garbage },
	{ "gref-foreign", "B1", "the directory's references are grants to our own domain",
	  TAKES_COUNT, .directory = gref_foreign },
	{ "gref-revoked", "B1", "the directory's references are grants that have ended",
	  TAKES_COUNT, .directory = gref_revoked },
	{ "gref-few", "B2", "the directory's last reference is missing", TAKES_COUNT,
	  .directory = gref_few },
	{ "dir-loop", "B3", "each directory page names itself as the next", TAKES_COUNT,
	  .directory = dir_loop },
	{ "dir-next", "B3", "each directory page names a random next one", TAKES_COUNT,
	  .directory = dir_next },
	{ "dir-change", "B4", "directories change from before the reply on", TAKES_MS,
	  .keeps = KEEP(DIRECTORY), .tick_device = change_directory, .tick_ms = 5 },
	{ "gref-repeat", "B5", "the directory has its first reference in all places",
	  TAKES_COUNT, .directory = gref_repeat },
	{ "gref-readonly", "B5", "buffers of ours are granted read-only", TAKES_COUNT,
	  .share = share_readonly },
	{ 0 }
};
