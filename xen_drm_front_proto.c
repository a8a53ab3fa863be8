// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: the requests of the protocol.
 */

#include "xen_drm_front_proto.h"

#include <linux/atomic.h>
#include <linux/math64.h>
#include <linux/ratelimit.h>
#include <linux/string.h>

#include <kunit/visibility.h>

#include <xen/interface/io/displif.h>

#include "xen_drm_front.h"
#include "xen_drm_front_call.h"
#include "xen_drm_front_evtchnl.h"
#include "xen_drm_front_overdue.h"

/**
 * DOC: Requests of the protocol
 *
 * Each request of displif.h has a function, which encodes it and puts it into the ring
 * of a channel. The backend sees it after xen_drm_proto_push(). For each &struct
 * xen_drm_call whose request is in the ring, xen_drm_proto_wait() or
 * xen_drm_proto_wait_edid() must be called, and returns the outcome. A request whose
 * outcome does not matter has NULL instead of a call.
 *
 * DBUF_CREATE and FB_ATTACH are not sent for a task that has been killed. All others
 * are, since a dying task must clean up.
 */

/**
 * xen_drm_proto_stride - compute the stride of a buffer as every backend does
 * @width: number of pixels per line
 * @bpp: number of bits per pixel
 *
 * The protocol has no field for the stride.
 *
 * Returns: bytes per line; 0 when the number has more than 32 bits.
 */
u32 xen_drm_proto_stride(u32 width, u32 bpp)
{
	u64 stride = 4 * DIV_ROUND_UP_ULL((u64)width * bpp, 32);

	return stride > U32_MAX ? 0 : stride;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_proto_stride);

/**
 * xen_drm_proto_new_cookie - make a name for a buffer or a framebuffer
 *
 * All displays of the guest share one counter, which does not begin anew with a
 * connection. It has 64 bits, so it does not overflow.
 *
 * Returns: a number other than 0, which was never returned before.
 */
u64 xen_drm_proto_new_cookie(void)
{
	static atomic64_t last_cookie;

	return atomic64_inc_return(&last_cookie);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_proto_new_cookie);

/*
 * memset(), because an initialiser may leave padding and unused bytes of the union
 * unset, and all 64 bytes go to the backend.
 */
static void init_request(struct xendispl_req *req, u8 operation)
{
	memset(req, 0, sizeof(*req));
	req->operation = operation;
}

/**
 * xen_drm_proto_dbuf_create - describe a buffer to the backend
 * @chan: channel of any connector
 * @call: for the outcome, or NULL
 * @dbuf: the buffer
 *
 * Implements XENDISPL_OP_DBUF_CREATE.
 *
 * Context: may sleep while the ring is full.
 *
 * Returns: 0 when the request is in the ring; -EINTR when the task is killed, or as
 * xen_drm_proto_dbuf_destroy().
 */
int xen_drm_proto_dbuf_create(struct xen_drm_chan *chan, struct xen_drm_call *call,
			      const struct xen_drm_proto_dbuf *dbuf)
{
	struct xendispl_req req;

	init_request(&req, XENDISPL_OP_DBUF_CREATE);
	req.op.dbuf_create.dbuf_cookie = dbuf->cookie;
	req.op.dbuf_create.width = dbuf->width;
	req.op.dbuf_create.height = dbuf->height;
	req.op.dbuf_create.bpp = dbuf->bpp;
	req.op.dbuf_create.buffer_sz = dbuf->size;
	req.op.dbuf_create.gref_directory = dbuf->directory;
	req.op.dbuf_create.data_ofs = dbuf->offset;
	if (dbuf->be_alloc)
		req.op.dbuf_create.flags = XENDISPL_DBUF_FLG_REQ_ALLOC;
	return xen_drm_chan_submit(chan, &req, call, true);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_proto_dbuf_create);

/**
 * xen_drm_proto_dbuf_destroy - tell the backend that a buffer is gone
 * @chan: channel of any connector
 * @call: for the outcome, or NULL
 * @cookie: name of the buffer
 *
 * Implements XENDISPL_OP_DBUF_DESTROY.
 *
 * Context: may sleep while the ring is full.
 *
 * Returns: 0 when the request is in the ring; -ETIMEDOUT when the ring stays full;
 * -ENODEV when the channel is broken.
 */
int xen_drm_proto_dbuf_destroy(struct xen_drm_chan *chan, struct xen_drm_call *call,
			       u64 cookie)
{
	struct xendispl_req req;

	init_request(&req, XENDISPL_OP_DBUF_DESTROY);
	req.op.dbuf_destroy.dbuf_cookie = cookie;
	return xen_drm_chan_submit(chan, &req, call, false);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_proto_dbuf_destroy);

/**
 * xen_drm_proto_fb_attach - describe a framebuffer to the backend
 * @chan: channel of any connector
 * @call: for the outcome, or NULL
 * @fb: the framebuffer
 *
 * Implements XENDISPL_OP_FB_ATTACH.
 *
 * Context: may sleep while the ring is full.
 *
 * Returns: as xen_drm_proto_dbuf_create().
 */
int xen_drm_proto_fb_attach(struct xen_drm_chan *chan, struct xen_drm_call *call,
			    const struct xen_drm_proto_fb *fb)
{
	struct xendispl_req req;

	init_request(&req, XENDISPL_OP_FB_ATTACH);
	req.op.fb_attach.dbuf_cookie = fb->dbuf_cookie;
	req.op.fb_attach.fb_cookie = fb->cookie;
	req.op.fb_attach.width = fb->width;
	req.op.fb_attach.height = fb->height;
	req.op.fb_attach.pixel_format = fb->format;
	return xen_drm_chan_submit(chan, &req, call, true);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_proto_fb_attach);

/**
 * xen_drm_proto_fb_detach - tell the backend that a framebuffer is gone
 * @chan: channel of any connector
 * @call: for the outcome, or NULL
 * @cookie: name of the framebuffer
 *
 * Implements XENDISPL_OP_FB_DETACH.
 *
 * Context: may sleep while the ring is full.
 *
 * Returns: as xen_drm_proto_dbuf_destroy().
 */
int xen_drm_proto_fb_detach(struct xen_drm_chan *chan, struct xen_drm_call *call, u64 cookie)
{
	struct xendispl_req req;

	init_request(&req, XENDISPL_OP_FB_DETACH);
	req.op.fb_detach.fb_cookie = cookie;
	return xen_drm_chan_submit(chan, &req, call, false);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_proto_fb_detach);

/**
 * xen_drm_proto_set_config - set a connector's mode, or switch it off
 * @chan: channel of the connector
 * @config: the mode; all 0 to switch off
 *
 * Implements XENDISPL_OP_SET_CONFIG. Its success ends a flip that is open. The request
 * goes out at once, and the pipe is told of the reply by the mode's number.
 *
 * Context: may sleep while the ring is full.
 *
 * Returns: 0; -ETIMEDOUT when the ring stays full; -ENODEV when the channel is broken.
 */
int xen_drm_proto_set_config(struct xen_drm_chan *chan,
			     const struct xen_drm_proto_config *config)
{
	struct xendispl_req req;

	init_request(&req, XENDISPL_OP_SET_CONFIG);
	req.op.set_config.fb_cookie = config->fb_cookie;
	req.op.set_config.width = config->width;
	req.op.set_config.height = config->height;
	req.op.set_config.bpp = config->bpp;
	return xen_drm_chan_config(chan, &req, config->number);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_proto_set_config);

/**
 * xen_drm_proto_get_edid - ask for a connector's EDID
 * @chan: channel of the connector; its connection has version 2
 * @call: storage for the reply, for xen_drm_proto_wait_edid()
 * @directory: grant of the first directory page of the buffer for the EDID
 * @size: size of the buffer in bytes, XENDISPL_EDID_MAX_SIZE at least
 *
 * Implements XENDISPL_OP_GET_EDID.
 *
 * Context: may sleep while the ring is full.
 *
 * Returns: as xen_drm_proto_dbuf_destroy().
 */
int xen_drm_proto_get_edid(struct xen_drm_chan *chan, struct xen_drm_call *call,
			   u32 directory, u32 size)
{
	struct xendispl_req req;

	init_request(&req, XENDISPL_OP_GET_EDID);
	req.op.get_edid.buffer_sz = size;
	req.op.get_edid.gref_directory = directory;
	return xen_drm_chan_submit(chan, &req, call, false);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_proto_get_edid);

/**
 * xen_drm_proto_page_flip - show another framebuffer, or what was drawn into the present one
 * @chan: channel of the connector, which has a mode
 * @fb_cookie: name of the framebuffer
 * @serial: set to the number of the flip, which &xen_drm_flip_ops names
 *
 * Implements XENDISPL_OP_PG_FLIP. The request goes out at once.
 *
 * Context: does not sleep; may be called under &drm_device.event_lock.
 *
 * Returns: 0; -EBUSY while another flip or a mode is open; -EAGAIN when the ring is full, see
 * xen_drm_chan_flip(); -ENODEV when the channel is broken.
 */
int xen_drm_proto_page_flip(struct xen_drm_chan *chan, u64 fb_cookie, u32 *serial)
{
	struct xendispl_req req;

	init_request(&req, XENDISPL_OP_PG_FLIP);
	req.op.pg_flip.fb_cookie = fb_cookie;
	return xen_drm_chan_flip(chan, &req, serial);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_proto_page_flip);

/**
 * xen_drm_proto_page_flip_panic - show a framebuffer while the kernel panics
 * @chan: channel of the connector, which has a mode
 * @fb_cookie: name of the framebuffer
 *
 * Context: a panic, see xen_drm_chan_flip_panic().
 */
void xen_drm_proto_page_flip_panic(struct xen_drm_chan *chan, u64 fb_cookie)
{
	struct xendispl_req req;

	init_request(&req, XENDISPL_OP_PG_FLIP);
	req.op.pg_flip.fb_cookie = fb_cookie;
	xen_drm_chan_flip_panic(chan, &req);
}

/**
 * xen_drm_proto_withdraw - keep the backend from executing requests that are out of date
 * @chan: channel that they were sent on
 * @directory: grant of a page directory that xen_drm_proto_dbuf_create() or
 *	xen_drm_proto_get_edid() has named, and that is about to be revoked
 *
 * Requests that the backend has not read name no grant any more, so it refuses them.
 *
 * Context: any.
 */
void xen_drm_proto_withdraw(struct xen_drm_chan *chan, u32 directory)
{
	xen_drm_chan_withdraw(chan, directory);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_proto_withdraw);

/**
 * xen_drm_proto_push - let the backend see all requests in the ring
 * @chan: the channel
 *
 * Context: any.
 */
void xen_drm_proto_push(struct xen_drm_chan *chan)
{
	xen_drm_chan_push(chan);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_proto_push);

/**
 * xen_drm_proto_owes - check whether a DBUF_CREATE or GET_EDID has no answer
 * @chan: the channel
 * @directory: grant of the page directory that it names
 *
 * Context: any.
 *
 * Returns: whether the backend may yet write to the directory.
 */
bool xen_drm_proto_owes(struct xen_drm_chan *chan, u32 directory)
{
	return xen_drm_chan_owes(chan, directory);
}

/**
 * xen_drm_proto_wait - wait for the outcome of a request
 * @chan: the channel
 * @call: call whose request is in the ring; on return its storage is the caller's again
 *
 * Context: may sleep, XEN_DRM_TIMEOUT_MS at most after the latest answer.
 *
 * Returns: 0; what the backend answered, as xen_drm_chan_status(); -ETIMEDOUT when
 * there was no answer; -ENODEV when the channel is broken.
 */
int xen_drm_proto_wait(struct xen_drm_chan *chan, struct xen_drm_call *call)
{
	return xen_drm_chan_wait(chan, call);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_proto_wait);

/**
 * xen_drm_proto_wait_edid - wait for the outcome of xen_drm_proto_get_edid()
 * @chan: the channel
 * @call: call whose request is in the ring; on return its storage is the caller's again
 *
 * Context: as xen_drm_proto_wait().
 *
 * Returns: size of the EDID in bytes, a multiple of XENDISPL_EDID_BLOCK_SIZE up to
 * XENDISPL_EDID_MAX_SIZE; -EPROTO for any other size; or an error as
 * xen_drm_proto_wait().
 */
int xen_drm_proto_wait_edid(struct xen_drm_chan *chan, struct xen_drm_call *call)
{
	int ret;

	ret = xen_drm_chan_wait(chan, call);
	if (ret)
		return ret;

	if (!call->edid_size || call->edid_size > XENDISPL_EDID_MAX_SIZE ||
	    call->edid_size % XENDISPL_EDID_BLOCK_SIZE) {
		dev_warn_ratelimited(chan->dev,
				     "connector %u: EDID of %u bytes, expected a multiple of %u up to %u\n",
				     chan->index, call->edid_size,
				     XENDISPL_EDID_BLOCK_SIZE, XENDISPL_EDID_MAX_SIZE);
		return -EPROTO;
	}
	return call->edid_size;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_proto_wait_edid);

/**
 * xen_drm_proto_poll - look for answers without being told by an interrupt
 * @chan: the channel
 *
 * Context: any, but not under &drm_device.event_lock, since flips may end.
 *
 * Returns: whether there was an answer.
 */
bool xen_drm_proto_poll(struct xen_drm_chan *chan)
{
	return xen_drm_chan_poll(chan);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_proto_poll);

/**
 * xen_drm_proto_listen - have events of flips raise interrupts again
 * @chan: the channel
 *
 * Ends what &xen_drm_flip_ops.done has asked for by returning true.
 *
 * Context: any.
 */
void xen_drm_proto_listen(struct xen_drm_chan *chan)
{
	xen_drm_chan_listen(chan);
}

/**
 * xen_drm_proto_add_stats - add what a channel has counted to a sum
 * @chan: the channel
 * @sum: the sum
 *
 * Context: any, also under &drm_device.event_lock.
 */
void xen_drm_proto_add_stats(struct xen_drm_chan *chan, struct xen_drm_chan_stats *sum)
{
	xen_drm_chan_add_stats(chan, sum);
}

/**
 * xen_drm_proto_set_flip_ops - choose which pipe is told of flips
 * @chan: channel of the connector
 * @ops: callbacks of the pipe, or NULL
 * @owner: argument of @ops
 *
 * A call of the former @ops may still be under way on return; xen_drm_conn_mute()
 * waits for it.
 *
 * Context: any.
 */
void xen_drm_proto_set_flip_ops(struct xen_drm_chan *chan, const struct xen_drm_flip_ops *ops,
				void *owner)
{
	xen_drm_chan_set_flip_ops(chan, ops, owner);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_proto_set_flip_ops);
