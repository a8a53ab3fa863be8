// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * An attack on a connection that is being made: ports and pages are taken by guess,
 * before the frontend has said which they are. Both kinds of numbers repeat from one
 * connection to the next, so those of the last one are tried.
 */
#include <sys/mman.h>

#include "attack.h"

struct guess {
	uint32_t ports[2], pages[2];
	bool known;
};

static struct guess guesses[CONNECTORS_MAX];

static void learn(const struct connector *conn)
{
	struct guess *guess = &guesses[conn->index];
	char dir[512];

	snprintf(dir, sizeof(dir), "%s/%u", conn->dev->fe_path, conn->index);
	guess->known = store_read_u32(dir, XENDISPL_FIELD_REQ_CHANNEL, &guess->ports[0]) &&
		       store_read_u32(dir, XENDISPL_FIELD_EVT_CHANNEL, &guess->ports[1]) &&
		       store_read_u32(dir, XENDISPL_FIELD_REQ_RING_REF, &guess->pages[0]) &&
		       store_read_u32(dir, XENDISPL_FIELD_EVT_RING_REF, &guess->pages[1]);
}

/* The port is left as it was, or nobody could connect any more. */
static bool ring_by_guess(const struct device *dev, uint32_t port)
{
	int bound = xenevtchn_bind_interdomain(be.xce, dev->domid, port);

	if (bound < 0)
		return false;
	xenevtchn_notify(be.xce, bound);
	xenevtchn_unbind(be.xce, bound);
	return true;
}

static bool poison_by_guess(struct attack *attack, const struct device *dev, uint32_t ref)
{
	void *page = xengnttab_map_grant_ref(be.xgt, dev->domid, ref, PROT_READ | PROT_WRITE);

	if (!page)
		return false;
	prng_fill(&attack->prng, page, WIRE_PAGE_SIZE);
	xengnttab_unmap(be.xgt, page, 1);
	return true;
}

static enum verdict early_guess(struct attack *attack, struct device *dev)
{
	unsigned int hits = 0;

	for (unsigned int i = 0; i < dev->nr_connectors; i++) {
		const struct guess *guess = &guesses[i];

		if (dev->connectors[i]->bound)
			learn(dev->connectors[i]);
		for (unsigned int k = 0; !dev->connectors[i]->bound && guess->known && k < 2; k++)
			hits += ring_by_guess(dev, guess->ports[k]) +
				poison_by_guess(attack, dev, guess->pages[k]);
	}
	return hits ? CHANGED : PASSED;
}

struct attack_kind attacks_early[] = {
	{ "early-guess", "S12",
	  "ports are bound and rings poisoned by guess, before the frontend is Initialised",
	  TAKES_COUNT, .excuses = true, .tick_device = early_guess, .tick_ms = 1 },
	{ 0 }
};
