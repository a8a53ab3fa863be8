// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Pages of guests that stay mapped although the protocol wants them back. */
#include <stdlib.h>

#include "attack.h"
#include "kept.h"

struct kept {
	struct kept *next;
	unsigned int domid;
	enum keep_what what;
	uint8_t *map;
	uint32_t pages;

	int64_t until_ns;	/* 0: until all end */

	/* A ghost: rings of a connection that has ended, still in use by us. */
	struct xen_displif_sring *sring;
	struct xendispl_event_page *events;
	int req_port, evt_port;
};

#define KEPT_PERIOD_NS 2000000ll

static struct kept *kept;

static struct kept *add(struct device *dev, enum keep_what what)
{
	struct kept *entry = calloc(1, sizeof(*entry));

	if (!entry) {
		log_error("out of memory");
		abort();
	}
	entry->domid = dev->domid;
	entry->what = what;
	entry->next = kept;
	kept = entry;
	return entry;
}

void kept_add(struct device *dev, enum keep_what what, void *map, uint32_t pages)
{
	struct kept *entry = add(dev, what);

	entry->map = map;
	entry->pages = pages;
}

void kept_add_for(struct device *dev, enum keep_what what, void *map, uint32_t pages,
		  uint32_t ms)
{
	kept_add(dev, what, map, pages);
	kept->until_ns = now_ns() + ms * 1000000ll;
}

/* Take rings and ports over from a connection that ends. */
void kept_add_ghost(struct connector *conn, uint32_t ms)
{
	struct kept *entry = add(conn->dev, KEEP_RINGS);

	entry->sring = conn->ring.sring;
	entry->events = conn->events;
	entry->req_port = conn->req_port;
	entry->evt_port = conn->evt_port;
	entry->until_ns = now_ns() + ms * 1000000ll;
}

static void haunt(struct kept *ghost)
{
	struct xendispl_evt event = { .type = XENDISPL_EVT_PG_FLIP, .op.pg_flip.fb_cookie = 1 };
	uint32_t prod = READ_ONCE(ghost->events->in_prod);

	memcpy(&XENDISPL_IN_RING_REF(ghost->events, prod), &event, sizeof(event));
	xen_wmb();	/* a real event, but for its time */
	WRITE_ONCE(ghost->events->in_prod, prod + 1);
	WRITE_ONCE(ghost->sring->rsp_prod, READ_ONCE(ghost->sring->rsp_prod) + 1);
	/* Fails once the frontend has closed its end. */
	xenevtchn_notify(be.xce, ghost->req_port);
	xenevtchn_notify(be.xce, ghost->evt_port);
}

static void end(struct kept *entry)
{
	if (entry->map)
		xengnttab_unmap(be.xgt, entry->map, entry->pages);
	if (entry->sring) {
		xengnttab_unmap(be.xgt, entry->sring, 1);
		xengnttab_unmap(be.xgt, entry->events, 1);
		xenevtchn_unbind(be.xce, entry->req_port);
		xenevtchn_unbind(be.xce, entry->evt_port);
	}
	free(entry);
}

int64_t kept_run_due(void)
{
	struct kept **link = &kept;
	int64_t now = now_ns(), next = -1;

	while (*link) {
		struct kept *entry = *link;

		if (!entry->until_ns) {
			link = &entry->next;
		} else if (entry->until_ns <= now) {
			*link = entry->next;
			end(entry);
		} else {
			if (entry->sring)
				haunt(entry);
			next = now + KEPT_PERIOD_NS;
			link = &entry->next;
		}
	}
	return next;
}

void kept_end_all(void)
{
	while (kept) {
		struct kept *entry = kept;

		kept = entry->next;
		end(entry);
	}
}

uint64_t kept_pages(void)
{
	uint64_t pages = 0;

	for (const struct kept *entry = kept; entry; entry = entry->next)
		pages += entry->map ? entry->pages : 2;
	return pages;
}

void kept_scribble(struct prng *prng, enum keep_what what)
{
	for (struct kept *entry = kept; entry; entry = entry->next) {
		if (entry->what != what || !entry->map)
			continue;
		for (uint32_t page = 0; page < entry->pages; page++) {
			uint32_t at = prng_below(prng, WIRE_PAGE_SIZE / 8) * 8;

			prng_fill(prng, entry->map + (size_t)page * WIRE_PAGE_SIZE + at, 8);
		}
	}
}

uint64_t kept_search(const void *pattern, size_t len)
{
	uint64_t found = 0;

	for (const struct kept *entry = kept; entry; entry = entry->next) {
		const uint8_t *at = entry->map;
		const uint8_t *last = at + (size_t)entry->pages * WIRE_PAGE_SIZE;

		while (at && (at = memmem(at, last - at, pattern, len))) {
			found++;
			at += len;
		}
	}
	return found;
}
