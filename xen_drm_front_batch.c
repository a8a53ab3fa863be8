// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: requests whose replies are waited for
 * together.
 */

#include <linux/errno.h>

#include "xen_drm_front_batch.h"

#include "xen_drm_front_proto.h"

/**
 * xen_drm_batch_is_refusal - check whether an error means that the backend refused
 * @error: error of a request
 *
 * Returns: whether it does. A request without a reply may still be executed.
 */
bool xen_drm_batch_is_refusal(int error)
{
	return error && error != -ETIMEDOUT && error != -EINTR && error != -ENODEV;
}

static void batch_collect(struct xen_drm_batch *batch)
{
	unsigned int i;
	int ret;

	if (!batch->count)
		return;

	xen_drm_proto_push(batch->chan);
	for (i = 0; i < batch->count; i++) {
		ret = xen_drm_proto_wait(batch->chan, &batch->pending[i].call);
		if (xen_drm_batch_is_refusal(ret) && batch->pending[i].told)
			WRITE_ONCE(*batch->pending[i].told, 0);
		batch->error = batch->error ?: ret;
	}
	batch->count = 0;
}

/**
 * xen_drm_batch_next - get storage for the reply to the next request
 * @batch: the batch; its replies are waited for if it is full
 * @told: number of a connection, cleared if the backend refuses the request, or NULL
 *
 * Context: may sleep.
 *
 * Returns: the storage. xen_drm_batch_sent() must follow when the request was sent.
 */
struct xen_drm_call *xen_drm_batch_next(struct xen_drm_batch *batch, u64 *told)
{
	if (batch->count == XEN_DRM_BATCH_WINDOW)
		batch_collect(batch);
	batch->pending[batch->count].told = told;
	return &batch->pending[batch->count].call;
}

/**
 * xen_drm_batch_sent - account for a request
 * @batch: the batch
 * @ret: result of sending, 0 if the request is in the ring
 *
 * Returns: @ret.
 */
int xen_drm_batch_sent(struct xen_drm_batch *batch, int ret)
{
	if (!ret)
		batch->count++;
	return ret;
}

/**
 * xen_drm_batch_wait - send all requests and wait for their replies
 * @batch: the batch; empty afterwards
 *
 * Context: may sleep; waits for the backend.
 *
 * Returns: 0, or the first error of all requests since the last result.
 */
int xen_drm_batch_wait(struct xen_drm_batch *batch)
{
	int ret;

	batch_collect(batch);
	ret = batch->error;
	batch->error = 0;
	return ret;
}
