// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: when a picture is out.
 */

#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include <drm/drm_crtc.h>
#include <drm/drm_device.h>
#include <drm/drm_print.h>
#include <drm/drm_vblank.h>

#include "xen_drm_front_flip.h"

#include "xen_drm_front.h"
#include "xen_drm_front_proto.h"
#include "xen_drm_front_trace.h"

/**
 * DOC: Flips and vertical blanking
 *
 * A pipe sends one PG_FLIP at a time. Commits and damage make it dirty meanwhile,
 * and the newest picture follows when the flip is over. So any number of damage
 * reports costs one flip for each refresh, and the newest picture always gets out.
 * A picture that the backend refuses is sent once more at once, and then again and again,
 * at growing times. xen_drm_flip_next() has these rules, without DRM and without a ring.
 *
 * A flip is over at a vertical blanking. The protocol has none, so a timer at the
 * rate of the mode makes them while they are wanted. The backend's event for a flip
 * tells when its own one is. If the event comes at about the time when the timer is
 * due, the vblank is now, and the timer follows its phase. An event that comes
 * earlier has to wait for the timer, which keeps clients at the refresh rate
 * whatever the backend does. While a flip is out, a vblank that is due waits up to an
 * eighth of the period. So the backend's event can come first.
 *
 * After an event in the first half of a period no interrupt tells of the next one: the
 * timer looks for it when it is due. If it is not there, or when nobody wants vblanks any
 * more, interrupts tell of events again.
 *
 * Without a backend, and while it is silent, events are sent at the next vblank of
 * the timer. So clients go on at their usual pace.
 *
 * Nobody waits for the backend. The answer to a mode, see xen_drm_front_flip_mode.c, is
 * taken like that to a flip, but its event is held up for a few vblanks only.
 */

/* Logarithm of the part of a period by which a vblank waits for the backend's event. */
#define FLIP_GRACE_SHIFT	3
/* Times after which a picture that was refused twice is sent again, in jiffies. */
#define FLIP_MIN_RETRY_GAP	((unsigned long)HZ)
#define FLIP_MAX_RETRY_GAP	(64UL * HZ)

/* ------------------------------------------------------------------------
 * Flips
 */

static void flip_send_event(struct xen_drm_flip *flip)
{
	lockdep_assert_held(xen_drm_flip_lock(flip));

	if (flip->event)
		drm_crtc_send_vblank_event(flip->crtc, flip->event);
	flip->event = NULL;
}

/* Returns whether the flip is out. If not, the pipe becomes DARK or STALLED. */
static bool flip_send_request(struct xen_drm_flip *flip)
{
	int ret = -ENODEV;

	lockdep_assert_held(xen_drm_flip_lock(flip));

	/* The backend may have refused this framebuffer, or not know it yet. */
	if (flip->chan && flip->told == flip->number)
		ret = xen_drm_proto_page_flip(flip->chan, flip->cookie, &flip->serial);
	if (!ret) {
		flip->sent = ktime_get();
		flip->stats.flips++;
		return true;
	}

	if (ret == -ENODEV) {
		xen_drm_flip_next(&flip->core, XEN_DRM_FLIP_DARKENED);
	} else {
		xen_drm_flip_next(&flip->core, XEN_DRM_FLIP_OVERDUE);
		flip->core.dirty = true;
	}
	return false;
}

/* Returns whether a flip or a mode is out, whose answer the timer looks for. */
static bool flip_is_out(const struct xen_drm_flip *flip)
{
	return flip->core.state == XEN_DRM_FLIP_FLYING ||
	       flip->core.state == XEN_DRM_FLIP_SETTING;
}

/* Returns whether the pipe leaves its state, or sends its event, by a vblank. */
static bool flip_needs_vblank(const struct xen_drm_flip *flip)
{
	return flip_is_out(flip) || flip->core.state == XEN_DRM_FLIP_LANDED ||
	       flip->core.event != XEN_DRM_FLIP_EVENT_NONE;
}

static void flip_listen(struct xen_drm_flip *flip)
{
	lockdep_assert_held(xen_drm_flip_lock(flip));

	flip->quiet = false;
	if (flip->chan)
		xen_drm_proto_listen(flip->chan);
}

/**
 * xen_drm_flip_take - take a pipe to its next state
 * @flip: the pipe
 * @input: what has happened
 *
 * Does what xen_drm_flip_next() asks for, and has vertical blankings as long as the
 * pipe needs them, and one more: the next flip comes soon, as a rule, and to switch them
 * on and off costs more.
 *
 * Context: xen_drm_flip_lock() is held.
 */
void xen_drm_flip_take(struct xen_drm_flip *flip, enum xen_drm_flip_input input)
{
	enum xen_drm_flip_state before = flip->core.state;
	bool needed = flip_needs_vblank(flip);
	unsigned int actions;
	bool wanted;

	lockdep_assert_held(xen_drm_flip_lock(flip));

	actions = xen_drm_flip_next(&flip->core, input);
	if (actions & XEN_DRM_FLIP_COMPLETE)
		flip_send_event(flip);
	if (actions & XEN_DRM_FLIP_SEND)
		flip_send_request(flip);
	trace_xen_drm_flip(flip->name, input, before, &flip->core, flip->cookie, flip->serial);

	wanted = flip_needs_vblank(flip) ||
		 (flip->wanted && (needed || input != XEN_DRM_FLIP_VBLANK));
	wanted &= flip->on;
	if (wanted && !flip->wanted) {
		flip->wanted = !drm_crtc_vblank_get(flip->crtc);
	} else if (!wanted && flip->wanted) {
		drm_crtc_vblank_put(flip->crtc);
		flip->wanted = false;
		/* No timer looks into the event page any more. */
		flip_listen(flip);
	}
}

static ktime_t flip_vblank_before(const struct xen_drm_flip *flip, ktime_t now)
{
	s64 since = ktime_sub(now, flip->vblank);
	u64 rest;

	if (since <= 0 || !flip->period)
		return flip->vblank;
	div64_u64_rem(since, flip->period, &rest);
	return ktime_sub_ns(now, rest);
}

static void flip_start_timer(struct xen_drm_flip *flip, ktime_t when)
{
	hrtimer_start(&flip->timer, when, HRTIMER_MODE_ABS);
}

/* Returns whether an event that comes now is close enough to the vblank to become it. */
static bool flip_is_in_phase(struct xen_drm_flip *flip, ktime_t now)
{
	ktime_t since = ktime_sub(now, flip_vblank_before(flip, now));

	return flip->postponed || since >= flip->period - flip->period / 4;
}

/* Returns whether an event that comes now waits for the vblank for long. */
static bool flip_is_early(const struct xen_drm_flip *flip, ktime_t now)
{
	return ktime_sub(now, flip_vblank_before(flip, now)) < flip->period / 2;
}

/* Called without locks, since DRM takes them to count the vblank. */
static void flip_handle_vblank(struct xen_drm_flip *flip)
{
	unsigned long flags;

	drm_crtc_handle_vblank(flip->crtc);

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	/* DRM has not asked for the time if vblanks have been switched off just now. */
	flip->rephase = 0;
	xen_drm_flip_take(flip, XEN_DRM_FLIP_VBLANK);
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
}

static void xen_drm_flip_retry_work(struct work_struct *work)
{
	struct xen_drm_flip *flip =
		container_of(to_delayed_work(work), struct xen_drm_flip, retry_work);
	unsigned long flags;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	xen_drm_flip_take(flip, XEN_DRM_FLIP_DAMAGE);
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
}

/* The time grows, so that a backend that refuses for good costs nearly nothing. */
static void flip_retry_later(struct xen_drm_flip *flip)
{
	unsigned long gap;

	lockdep_assert_held(xen_drm_flip_lock(flip));

	gap = clamp(2 * flip->retry_gap, FLIP_MIN_RETRY_GAP, FLIP_MAX_RETRY_GAP);
	if (queue_delayed_work(system_long_wq, &flip->retry_work, gap))
		flip->retry_gap = gap;
}

static void flip_retry_no_more(struct xen_drm_flip *flip)
{
	lockdep_assert_held(xen_drm_flip_lock(flip));

	if (flip->retry_gap)
		cancel_delayed_work(&flip->retry_work);
	flip->retry_gap = 0;
}

/*
 * Called by interrupts of the channel, and by timers and tasks that look into the
 * ring. Flips of an earlier connection do not come here, since its channels are muted.
 */
static bool xen_drm_flip_done(void *owner, u32 serial, ktime_t when)
{
	struct xen_drm_flip *flip = owner;
	bool now = false, quiet = false;
	unsigned long flags;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	if (serial == flip->serial) {
		flip_retry_no_more(flip);
		xen_drm_flip_take(flip, XEN_DRM_FLIP_DONE);
		if (flip->on && flip->ticking) {
			now = flip_is_in_phase(flip, when);
			quiet = !now && flip_is_early(flip, when);
		}
		if (now) {
			flip->postponed = false;
			flip->rephase = when;
			flip_start_timer(flip, ktime_add(when, flip->period));
		}
		if (quiet)
			flip->quiet = true;
		else
			flip_listen(flip);
	}
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);

	if (now)
		flip_handle_vblank(flip);
	return quiet;
}

static void xen_drm_flip_refused(void *owner, u32 serial, int error)
{
	struct xen_drm_flip *flip = owner;
	unsigned long flags;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	if (serial == flip->serial) {
		flip->stats.refused++;
		xen_drm_flip_take(flip, XEN_DRM_FLIP_REFUSED);
		if (!flip->core.dirty)
			flip_retry_later(flip);
	}
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);

	drm_err_ratelimited(flip->crtc->dev, "%s: backend refuses a page flip: %d\n",
			    flip->name, error);
}

static const struct xen_drm_flip_ops flip_ops = {
	.done = xen_drm_flip_done,
	.refused = xen_drm_flip_refused,
	.mode_set = xen_drm_flip_mode_set,
	.not_off = xen_drm_flip_not_off,
};

/**
 * xen_drm_flip_join - begin to use a channel
 * @flip: the pipe
 * @chan: channel of the connector, which stays until xen_drm_flip_leave()
 * @number: number of the connection
 *
 * The pipe stays dark until a mode has been sent.
 */
void xen_drm_flip_join(struct xen_drm_flip *flip, struct xen_drm_chan *chan, u64 number)
{
	unsigned long flags;

	xen_drm_proto_set_flip_ops(chan, &flip_ops, flip);

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	flip->chan = chan;
	flip->number = number;
	flip->refused = 0;
	flip->again = false;
	flip->lacked = 0;
	flip_retry_no_more(flip);
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
}

/**
 * xen_drm_flip_leave - stop using the channel
 * @flip: the pipe
 *
 * A client that waits for a flip gets its event at the next vblank. The channel
 * may still call until it has been muted, which does no harm.
 *
 * Context: may sleep; waits for the timer.
 */
void xen_drm_flip_leave(struct xen_drm_flip *flip)
{
	unsigned long flags;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	if (flip->chan)
		xen_drm_proto_add_stats(flip->chan, &flip->stats.chan);
	flip->chan = NULL;
	flip->lit = false;
	flip->asked = false;
	/* Flips that the channel still tells of have other numbers. */
	flip->serial = 0;
	xen_drm_flip_take(flip, XEN_DRM_FLIP_DARKENED);
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);

	/* The timer may be looking into the ring. */
	hrtimer_cancel(&flip->timer);

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	if (READ_ONCE(flip->ticking))
		flip_start_timer(flip, ktime_add(ktime_get(), flip->period));
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
}

/**
 * xen_drm_flip_answers - note that the backend answers again
 * @flip: the pipe
 *
 * Sends the present picture if the pipe is STALLED.
 */
void xen_drm_flip_answers(struct xen_drm_flip *flip)
{
	unsigned long flags;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	xen_drm_flip_take(flip, XEN_DRM_FLIP_ANSWERS);
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
}

/**
 * xen_drm_flip_enable - switch vertical blanking on
 * @flip: the pipe
 * @period_ns: time from vblank to vblank, in nanoseconds
 *
 * Context: commit tail.
 */
void xen_drm_flip_enable(struct xen_drm_flip *flip, u64 period_ns)
{
	unsigned long flags;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	flip->period = period_ns;
	flip->vblank = ktime_get();
	flip->postponed = false;
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);

	drm_crtc_vblank_on(flip->crtc);

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	flip->on = true;
	xen_drm_flip_take(flip, XEN_DRM_FLIP_ENABLED);
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
}

/**
 * xen_drm_flip_disable - switch vertical blanking off
 * @flip: the pipe
 * @event: event of the commit, NULL if the same commit enables the CRTC again
 *
 * Context: commit tail.
 */
void xen_drm_flip_disable(struct xen_drm_flip *flip, struct drm_pending_vblank_event *event)
{
	unsigned long flags;

	drm_crtc_vblank_off(flip->crtc);

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	flip->on = false;
	xen_drm_flip_forget_mode(flip);
	xen_drm_flip_take(flip, XEN_DRM_FLIP_DISABLED);
	flip->event = event;
	flip_send_event(flip);
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);

	/* The timer may have been running when vblanks were switched off. */
	hrtimer_cancel(&flip->timer);
}

/**
 * xen_drm_flip_set_picture - choose what is shown
 * @flip: the pipe
 * @cookie: cookie of the framebuffer, 0 for none
 * @bpp: number of its bits per pixel
 * @told: number of the connection that knows the framebuffer
 * @tried: number of the connection that knows it, or never will
 *
 * Context: commit tail.
 */
void xen_drm_flip_set_picture(struct xen_drm_flip *flip, u64 cookie, u32 bpp, u64 told,
			      u64 tried)
{
	unsigned long flags;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	flip->cookie = cookie;
	flip->bpp = bpp;
	flip->told = told;
	flip->tried = tried;
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
}

/**
 * xen_drm_flip_commit - take a commit and its event over
 * @flip: the pipe
 * @picture: whether the commit has chosen a picture, which may be the one before
 * @event: event to send when the picture is out
 *
 * Context: commit tail, when all commits before have sent their events.
 */
void xen_drm_flip_commit(struct xen_drm_flip *flip, bool picture,
			 struct drm_pending_vblank_event *event)
{
	unsigned long flags;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	flip->event = event;
	xen_drm_flip_take(flip, picture ? XEN_DRM_FLIP_COMMIT : XEN_DRM_FLIP_EVENT_ONLY);
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
}

/**
 * xen_drm_flip_damage - note that a framebuffer has been drawn to
 * @flip: the pipe
 * @cookie: cookie of the framebuffer, or 0; nothing happens unless the pipe shows it
 *
 * Context: does not sleep.
 */
void xen_drm_flip_damage(struct xen_drm_flip *flip, u64 cookie)
{
	unsigned long flags;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	if (cookie && flip->cookie == cookie)
		xen_drm_flip_take(flip, XEN_DRM_FLIP_DAMAGE);
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
}

/**
 * xen_drm_flip_panic - show the panic screen
 * @flip: the pipe
 *
 * Context: a panic; other CPUs have been stopped, wherever they were. Takes no lock
 * that is held, and does not sleep.
 */
void xen_drm_flip_panic(struct xen_drm_flip *flip)
{
	/* No other CPU runs, so the members are read without their lock. */
	if (flip->chan && (flip->lit || flip->asked) && flip->cookie &&
	    flip->told == flip->number)
		xen_drm_proto_page_flip_panic(flip->chan, flip->cookie);
}

/* ------------------------------------------------------------------------
 * Vertical blanking
 */

static bool flip_is_overdue(const struct xen_drm_flip *flip, ktime_t now)
{
	return flip_is_out(flip) && ktime_ms_delta(now, flip->sent) > XEN_DRM_TIMEOUT_MS;
}

/*
 * Looks for what no interrupt has told of: a refusal, which comes without an event, and
 * an event while the pipe is quiet. If there is neither, an interrupt shall tell of it.
 */
static void flip_look_into_ring(struct xen_drm_flip *flip, ktime_t now)
{
	struct xen_drm_chan *chan = NULL;
	unsigned long flags;
	bool overdue, is_mode;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	if (flip_is_out(flip))
		chan = flip->chan;
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
	/* The channel stays as long as the timer's function runs. */
	if (!chan || xen_drm_proto_poll(chan))
		return;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	flip_listen(flip);
	overdue = flip_is_overdue(flip, now);
	is_mode = flip->core.state == XEN_DRM_FLIP_SETTING;
	if (overdue) {
		flip->stats.overdue += !is_mode;
		xen_drm_flip_take(flip, XEN_DRM_FLIP_OVERDUE);
	}
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);

	if (overdue)
		drm_err_ratelimited(flip->crtc->dev,
				    "%s: %s not completed within %u ms\n", flip->name,
				    is_mode ? "modeset" : "page flip", XEN_DRM_TIMEOUT_MS);
}

/* Returns whether the vblank has been put off, for the backend to come first. */
static bool flip_postpone_vblank(struct xen_drm_flip *flip, ktime_t now)
{
	unsigned long flags;

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	flip->postponed = !flip->postponed && flip->core.state == XEN_DRM_FLIP_FLYING &&
		     ktime_sub(now, flip->sent) < 2 * flip->period;
	if (flip->postponed)
		flip_start_timer(flip, ktime_add(now, flip->period >> FLIP_GRACE_SHIFT));
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
	return flip->postponed;
}

/* The timer is never restarted by the return value: an event may start it meanwhile. */
static enum hrtimer_restart xen_drm_flip_timer(struct hrtimer *timer)
{
	struct xen_drm_flip *flip = container_of(timer, struct xen_drm_flip, timer);
	ktime_t now = ktime_get();
	unsigned long flags;

	if (READ_ONCE(flip->quiet))
		flip_look_into_ring(flip, now);
	if (flip_postpone_vblank(flip, now))
		return HRTIMER_NORESTART;

	flip_look_into_ring(flip, now);
	flip_handle_vblank(flip);

	spin_lock_irqsave(xen_drm_flip_lock(flip), flags);
	if (READ_ONCE(flip->ticking) && !hrtimer_is_queued(timer))
		flip_start_timer(flip, ktime_add(flip_vblank_before(flip, ktime_get()),
						 flip->period));
	spin_unlock_irqrestore(xen_drm_flip_lock(flip), flags);
	return HRTIMER_NORESTART;
}

/**
 * xen_drm_flip_enable_vblank - start the timer
 * @flip: the pipe
 *
 * Context: vblank locks of DRM are held.
 *
 * Returns: 0.
 */
int xen_drm_flip_enable_vblank(struct xen_drm_flip *flip)
{
	WRITE_ONCE(flip->ticking, true);
	flip_start_timer(flip, ktime_add(flip_vblank_before(flip, ktime_get()),
					 flip->period));
	return 0;
}

/**
 * xen_drm_flip_disable_vblank - stop the timer
 * @flip: the pipe
 *
 * Context: vblank locks of DRM are held, so the timer's function, which takes them,
 * cannot be waited for. It ends by itself.
 */
void xen_drm_flip_disable_vblank(struct xen_drm_flip *flip)
{
	WRITE_ONCE(flip->ticking, false);
	hrtimer_try_to_cancel(&flip->timer);
}

/**
 * xen_drm_flip_vblank_time - tell the time of the latest vblank
 * @flip: the pipe
 * @time: set to the time, which is never earlier than the one told before
 * @in_irq: whether a vblank is just being handled
 *
 * Context: &drm_device.vblank_time_lock is held; with @in_irq also
 * &drm_device.event_lock.
 *
 * Returns: true.
 */
bool xen_drm_flip_vblank_time(struct xen_drm_flip *flip, ktime_t *time, bool in_irq)
{
	if (in_irq && flip->rephase) {
		flip->vblank = flip->rephase;
		flip->rephase = 0;
	}
	/* DRM counts vblanks by the time between them, very many for a step back. */
	flip->latest_vblank = max(flip->latest_vblank,
				  flip_vblank_before(flip, ktime_get()));
	*time = flip->latest_vblank;
	return true;
}

/**
 * xen_drm_flip_init - initialise the flips of a pipe
 * @flip: zeroed memory
 * @crtc: CRTC of the pipe
 * @name: name of the connector, for messages; not copied
 * @mode_answered: see &xen_drm_flip.mode_answered
 */
void xen_drm_flip_init(struct xen_drm_flip *flip, struct drm_crtc *crtc, const char *name,
		       void (*mode_answered)(struct xen_drm_flip *flip, int error))
{
	flip->crtc = crtc;
	flip->name = name;
	flip->mode_answered = mode_answered;
	INIT_DELAYED_WORK(&flip->retry_work, xen_drm_flip_retry_work);
	hrtimer_setup(&flip->timer, xen_drm_flip_timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
}

/**
 * xen_drm_flip_fini - end the timer and the work
 * @flip: a pipe whose CRTC is not used any more
 */
void xen_drm_flip_fini(struct xen_drm_flip *flip)
{
	cancel_delayed_work_sync(&flip->retry_work);
	WRITE_ONCE(flip->ticking, false);
	hrtimer_cancel(&flip->timer);
}
