// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: answers that the backend owes.
 */

#include "xen_drm_front_overdue.h"

#include <linux/jiffies.h>
#include <linux/rcupdate.h>

#include <kunit/visibility.h>

#include "xen_drm_front_evtchnl.h"

/* High-resolution timers can be one tick ahead of jiffies. */
static bool chan_is_due(unsigned long sent)
{
	return time_after_eq(jiffies + 1, sent + msecs_to_jiffies(XEN_DRM_TIMEOUT_MS));
}

static void chan_note_missed(struct xen_drm_chan *chan, struct xen_drm_chan_news *news)
{
	chan->stats.missed++;
	news->missed |= !chan->missed;
	chan->missed = true;
}

/**
 * xen_drm_chan_note_late - note that nobody waits for a reply any more
 * @chan: the channel, locked
 * @slot: slot of the request
 * @news: filled with what xen_drm_chan_tell() must tell
 *
 * The connection is told once of each request. The next answer will be news to it.
 *
 * Context: any.
 */
void xen_drm_chan_note_late(struct xen_drm_chan *chan, struct xen_drm_slot *slot,
			    struct xen_drm_chan_news *news)
{
	lockdep_assert_held(&chan->lock);

	if (slot->late)
		return;
	slot->late = true;
	chan_note_missed(chan, news);
}

/* The connection is told once of each overdue request. */
static void chan_note_overdue(struct xen_drm_chan *chan, struct xen_drm_chan_news *news)
{
	struct xen_drm_slot *slot;
	unsigned int i;

	lockdep_assert_held(&chan->lock);

	for (i = 0; i < ARRAY_SIZE(chan->slots); i++) {
		slot = &chan->slots[i];
		if (slot->state != XEN_DRM_SLOT_FREE && chan_is_due(slot->sent))
			xen_drm_chan_note_late(chan, slot, news);
	}
	if (chan->flip_open && !chan->flip_late && chan_is_due(chan->flip_sent)) {
		chan->flip_late = true;
		chan_note_missed(chan, news);
	}
}

/**
 * xen_drm_chan_poll - look for answers without being told by an interrupt
 * @chan: the channel
 *
 * Also tells the connection of answers that are overdue.
 *
 * Context: any, but not under &drm_device.event_lock, since flips may end.
 *
 * Returns: whether there was an answer.
 */
bool xen_drm_chan_poll(struct xen_drm_chan *chan)
{
	struct xen_drm_chan_news news = {};

	guard(rcu)();

	scoped_guard(spinlock_irqsave, &chan->lock) {
		xen_drm_chan_drain(chan, &news);
		if (!xen_drm_chan_is_dead(chan))
			chan_note_overdue(chan, &news);
	}
	xen_drm_chan_tell(chan, &news);
	return news.progress;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_chan_poll);

/* Returns whether there is a request or a flip without an answer. */
static bool chan_find_oldest(const struct xen_drm_chan *chan, unsigned long *oldest)
{
	const struct xen_drm_slot *slot;
	bool found = chan->flip_open;
	unsigned int i;

	lockdep_assert_held(&chan->lock);

	*oldest = chan->flip_sent;
	for (i = 0; i < ARRAY_SIZE(chan->slots); i++) {
		slot = &chan->slots[i];
		if (slot->state == XEN_DRM_SLOT_FREE)
			continue;
		if (!found || time_before(slot->sent, *oldest))
			*oldest = slot->sent;
		found = true;
	}
	return found;
}

/**
 * xen_drm_chan_overdue - check whether an answer is overdue
 * @chan: the channel
 * @since: set to the jiffies when the oldest request or flip without an answer went
 *	out, if there is one that is overdue
 *
 * Looks into the ring and the event page first.
 *
 * Context: as xen_drm_chan_poll().
 *
 * Returns: whether the backend owes an answer for longer than XEN_DRM_TIMEOUT_MS, or one
 * that nobody waits for any more. It owes none to a broken channel.
 */
bool xen_drm_chan_overdue(struct xen_drm_chan *chan, unsigned long *since)
{
	unsigned long oldest;
	bool owes, missed;

	xen_drm_chan_poll(chan);

	scoped_guard(spinlock_irqsave, &chan->lock) {
		owes = !xen_drm_chan_is_dead(chan) && chan_find_oldest(chan, &oldest);
		missed = chan->missed;
	}
	if (!owes || !(missed || chan_is_due(oldest)))
		return false;

	*since = oldest;
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_chan_overdue);

/**
 * xen_drm_chan_owes - check whether a request that names a directory has no answer
 * @chan: the channel
 * @directory: grant of the page directory
 *
 * Context: any.
 *
 * Returns: whether there is one, so that the backend may yet write to the directory.
 */
bool xen_drm_chan_owes(struct xen_drm_chan *chan, u32 directory)
{
	const struct xen_drm_slot *slot;
	bool owes = false;
	unsigned int i;

	scoped_guard(spinlock_irqsave, &chan->lock) {
		for (i = 0; i < ARRAY_SIZE(chan->slots); i++) {
			slot = &chan->slots[i];
			owes |= slot->state != XEN_DRM_SLOT_FREE && slot->directory == directory;
		}
	}
	return owes;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_chan_owes);
