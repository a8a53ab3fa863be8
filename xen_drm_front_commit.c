// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: which task makes a commit.
 */

#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <drm/drm_atomic.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_crtc.h>
#include <drm/drm_device.h>

#include <kunit/visibility.h>

#include "xen_drm_front_commit.h"

#include "xen_drm_front.h"
#include "xen_drm_front_pipe.h"
#include "xen_drm_front_plane.h"

/**
 * DOC: Commits
 *
 * The helpers give each nonblocking commit to a worker, since it may wait for fences, for
 * the commit before, and for the hardware. Most commits are flips that wait for none of
 * these: the task that asks for such a flip sends it.
 *
 * The old framebuffer stays until the flip of the commit is out. No task waits for that:
 * a commit that has been sent is *parked* at its first pipe. The next commit of any pipe
 * finishes those that are out, before DRM looks for it. If none comes, a work does. DRM
 * refuses the next nonblocking commit of a CRTC while one is parked whose flip is not out.
 *
 * All other commits are made by drm_atomic_helper_commit().
 */

/* Time after the latest flip when the work finishes it: many refreshes, but soon for memory. */
#define COMMIT_LINGER	(HZ / 10)

/* ------------------------------------------------------------------------
 * Parked commits
 */

static bool commit_is_out(const struct drm_atomic_commit *state)
{
	struct drm_crtc_commit *commit;
	int i;

	for (i = 0; i < state->dev->mode_config.num_crtc; i++) {
		commit = state->crtcs[i].commit;
		if (commit && !completion_done(&commit->flip_done))
			return false;
	}
	return true;
}

static void commit_finish(struct drm_atomic_commit *state)
{
	drm_atomic_helper_cleanup_planes(state->dev, state);
	drm_atomic_helper_commit_cleanup_done(state);
	drm_atomic_commit_put(state);
}

/* Returns the commit, which is the caller's to finish, or NULL. */
static struct drm_atomic_commit *commit_unpark(struct xen_drm_display *display,
					       struct xen_drm_pipe *pipe, bool only_if_out)
{
	struct drm_atomic_commit *state;

	spin_lock(&display->commit_lock);
	state = pipe->parked;
	if (state && only_if_out && !commit_is_out(state))
		state = NULL;
	if (state)
		WRITE_ONCE(pipe->parked, NULL);
	spin_unlock(&display->commit_lock);
	return state;
}

/* Returns whether the commit is parked, and so not the caller's any more. */
static bool commit_park(struct xen_drm_display *display, struct xen_drm_pipe *pipe,
			struct drm_atomic_commit *state)
{
	bool parked;

	spin_lock(&display->commit_lock);
	parked = !display->commits_ended;
	if (parked) {
		WRITE_ONCE(pipe->parked, state);
		mod_delayed_work(display->release_wq, &display->commit_work, COMMIT_LINGER);
	}
	spin_unlock(&display->commit_lock);
	return parked;
}

/* Returns whether a commit is still parked. */
static bool commits_finish(struct xen_drm_display *display)
{
	struct drm_atomic_commit *state;
	struct xen_drm_pipe *pipe;
	bool left = false;
	unsigned int i;

	for (i = 0; i < display->cfg.num_connectors; i++) {
		pipe = &display->pipes[i];
		if (!READ_ONCE(pipe->parked))
			continue;
		state = commit_unpark(display, pipe, true);
		if (state)
			commit_finish(state);
		else
			left = true;
	}
	return left;
}

static void xen_drm_commit_work(struct work_struct *work)
{
	struct xen_drm_display *display =
		container_of(to_delayed_work(work), struct xen_drm_display, commit_work);

	if (commits_finish(display))
		queue_delayed_work(display->release_wq, &display->commit_work, COMMIT_LINGER);
}

static void commit_wait_and_finish(struct drm_atomic_commit *state)
{
	drm_atomic_helper_wait_for_flip_done(state->dev, state);
	commit_finish(state);
}

/* ------------------------------------------------------------------------
 * Commits
 */

/* Returns the first pipe of a commit that has nothing to wait for, or NULL. */
static struct xen_drm_pipe *commit_flipping_pipe(struct drm_atomic_commit *state)
{
	struct drm_crtc_state *old_state, *new_state;
	struct xen_drm_pipe *pipe, *first = NULL;
	struct drm_crtc *crtc;
	int i;

	if (state->async_update || state->legacy_cursor_update)
		return NULL;

	for_each_oldnew_crtc_in_state(state, crtc, old_state, new_state, i) {
		pipe = crtc_to_xen_drm_pipe(crtc);
		if (!old_state->active || !new_state->active ||
		    drm_atomic_crtc_needs_modeset(new_state) || READ_ONCE(pipe->parked) ||
		    !xen_drm_plane_flips_at_once(pipe, state))
			return NULL;
		first = first ?: pipe;
	}
	return first;
}

/* drm_atomic_helper_commit(), with the worker's part in the caller's task. */
static int commit_flip(struct drm_device *drm, struct drm_atomic_commit *state,
		       struct xen_drm_pipe *first)
{
	int ret;

	ret = drm_atomic_helper_setup_commit(state, true);
	if (ret)
		return ret;
	ret = drm_atomic_helper_prepare_planes(drm, state);
	if (ret)
		return ret;

	/* All fences were signalled a moment ago, so this only drops them. */
	ret = drm_atomic_helper_wait_for_fences(drm, state, true);
	if (!ret)
		ret = drm_atomic_helper_swap_state(state, true);
	if (ret) {
		drm_atomic_helper_unprepare_planes(drm, state);
		return ret;
	}

	drm_atomic_commit_get(state);
	drm_atomic_helper_wait_for_dependencies(state);
	drm_atomic_helper_commit_modeset_disables(drm, state);
	drm_atomic_helper_commit_planes(drm, state, 0);
	drm_atomic_helper_commit_modeset_enables(drm, state);
	drm_atomic_helper_commit_hw_done(state);
	/*
	 * After xen_drm_commit_end() nothing is parked, so this task waits like a
	 * blocking commit.
	 */
	if (!commit_park(to_xen_drm_display(drm), first, state))
		commit_wait_and_finish(state);
	return 0;
}

/**
 * xen_drm_commit - the atomic_commit callback of the DRM device
 * @drm: the DRM device
 * @state: commit that has been checked
 * @nonblock: whether the caller does not wait for the picture
 *
 * If a pipe becomes dark in between, its flip is not sent. Then *join* sends the mode and
 * the picture, after it has waited for the caller's modeset locks.
 *
 * Context: modeset locks of the commit are held.
 *
 * Returns: 0, or an error as drm_atomic_helper_commit().
 */
int xen_drm_commit(struct drm_device *drm, struct drm_atomic_commit *state, bool nonblock)
{
	struct xen_drm_pipe *first = NULL;

	/* DRM waits until the commit before the last one of a CRTC has been finished. */
	commits_finish(to_xen_drm_display(drm));
	if (nonblock)
		first = commit_flipping_pipe(state);
	return first ? commit_flip(drm, state, first) :
		       drm_atomic_helper_commit(drm, state, nonblock);
}

/**
 * xen_drm_commit_init - initialise what parks commits
 * @display: the DRM device
 */
void xen_drm_commit_init(struct xen_drm_display *display)
{
	spin_lock_init(&display->commit_lock);
	INIT_DELAYED_WORK(&display->commit_work, xen_drm_commit_work);
}

/**
 * xen_drm_commit_end - finish all parked commits, and park none any more
 * @display: the DRM device, unplugged and with all CRTCs switched off
 *
 * A parked commit has a reference of the DRM device, and the work that finishes it must
 * not be left when the module goes.
 *
 * Context: may sleep.
 */
void xen_drm_commit_end(struct xen_drm_display *display)
{
	struct drm_atomic_commit *state;
	unsigned int i;

	spin_lock(&display->commit_lock);
	display->commits_ended = true;
	spin_unlock(&display->commit_lock);
	cancel_delayed_work_sync(&display->commit_work);

	for (i = 0; i < display->cfg.num_connectors; i++) {
		state = commit_unpark(display, &display->pipes[i], false);
		if (state)
			commit_wait_and_finish(state);
	}
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_commit_end);
