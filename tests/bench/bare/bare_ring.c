// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Ring and event page of connector 0. */

#include <linux/sched.h>
#include <linux/slab.h>

#include <xen/events.h>
#include <xen/page.h>

#include "bare.h"

#define PATIENCE	(30 * HZ)

static irqreturn_t bare_reply_interrupt(int irq, void *data)
{
	struct bare *bare = data;

	wake_up(&bare->wait);
	xen_irq_lateeoi(irq, 0);
	return IRQ_HANDLED;
}

static irqreturn_t bare_event_interrupt(int irq, void *data)
{
	struct xendispl_event_page *page;
	struct bare *bare = data;
	u32 prod;

	page = bare->evt_page;
	prod = READ_ONCE(page->in_prod);
	virt_rmb(); /* the index before the events */
	bare->events += prod - page->in_cons;
	virt_mb(); /* the events before their room is free */
	WRITE_ONCE(page->in_cons, prod);
	wake_up(&bare->wait);
	xen_irq_lateeoi(irq, 0);
	return IRQ_HANDLED;
}

static void take_replies(struct bare *bare)
{
	struct xendispl_resp *resp;
	RING_IDX prod;

	prod = READ_ONCE(bare->ring.sring->rsp_prod);
	virt_rmb(); /* the index before the replies */
	while (bare->ring.rsp_cons != prod) {
		resp = RING_GET_RESPONSE(&bare->ring, bare->ring.rsp_cons);
		bare->errors += resp->status != 0;
		bare->replies++;
		bare->ring.rsp_cons++;
	}
}

struct xendispl_req *bare_request(struct bare *bare, u8 operation)
{
	struct xendispl_req *req;

	take_replies(bare);
	req = RING_GET_REQUEST(&bare->ring, bare->ring.req_prod_pvt);
	memset(req, 0, sizeof(*req));
	req->id = bare->ring.req_prod_pvt++;
	req->operation = operation;
	return req;
}

void bare_push(struct bare *bare)
{
	int notify;

	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&bare->ring, notify);
	if (notify)
		notify_remote_via_irq(bare->irqs[0]);
}

static bool all_replied(struct bare *bare)
{
	take_replies(bare);
	return bare->ring.rsp_cons == bare->ring.req_prod_pvt;
}

int bare_call(struct bare *bare)
{
	unsigned int errors = bare->errors;

	/* An interrupt for the last of them. */
	bare->ring.sring->rsp_event = bare->ring.req_prod_pvt;
	virt_mb(); /* before the backend can answer */
	bare_push(bare);
	if (!wait_event_timeout(bare->wait, all_replied(bare), PATIENCE))
		return -ETIMEDOUT;
	return bare->errors == errors ? 0 : -EIO;
}

int bare_flip(struct bare *bare, u64 fb_cookie)
{
	unsigned int events = bare->events;
	struct xendispl_req *req = bare_request(bare, XENDISPL_OP_PG_FLIP);

	req->op.pg_flip.fb_cookie = fb_cookie;
	bare_push(bare);
	if (!wait_event_timeout(bare->wait, READ_ONCE(bare->events) != events, PATIENCE))
		return -ETIMEDOUT;
	return 0;
}

static int bind(struct bare *bare, int which, irq_handler_t handler, const char *name)
{
	int ret;

	ret = xenbus_alloc_evtchn(bare->xb_dev, &bare->ports[which]);
	if (ret)
		return ret;
	ret = bind_evtchn_to_irqhandler_lateeoi(bare->ports[which], handler, 0, name, bare);
	if (ret < 0) {
		xenbus_free_evtchn(bare->xb_dev, bare->ports[which]);
		return ret;
	}
	bare->irqs[which] = ret;
	return 0;
}

static int publish(struct bare *bare)
{
	const struct {
		const char *node;
		u32 value;
	} nodes[] = {
		{ "0/" XENDISPL_FIELD_REQ_RING_REF, bare->refs[0] },
		{ "0/" XENDISPL_FIELD_REQ_CHANNEL, bare->ports[0] },
		{ "0/" XENDISPL_FIELD_EVT_RING_REF, bare->refs[1] },
		{ "0/" XENDISPL_FIELD_EVT_CHANNEL, bare->ports[1] },
		{ XENDISPL_FIELD_FE_VERSION, 1 },
	};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(nodes) && !ret; i++)
		ret = xenbus_printf(XBT_NIL, bare->xb_dev->nodename, nodes[i].node, "%u",
				    nodes[i].value);
	return ret;
}

int bare_ring_open(struct bare *bare)
{
	struct xenbus_device *xb_dev = bare->xb_dev;
	void *sring, *evt_page;
	int ret;

	ret = xenbus_setup_ring(xb_dev, GFP_KERNEL, &sring, 1, &bare->refs[0]);
	if (ret)
		return ret;
	XEN_FRONT_RING_INIT(&bare->ring, (struct xen_displif_sring *)sring, XEN_PAGE_SIZE);
	/* Only bare_call() wants interrupts for replies. */
	bare->ring.sring->rsp_event = 0;

	ret = xenbus_setup_ring(xb_dev, GFP_KERNEL, &evt_page, 1, &bare->refs[1]);
	if (ret)
		goto err_teardown;
	bare->evt_page = evt_page;
	bare->open = true;

	ret = bind(bare, 0, bare_reply_interrupt, "bare-req");
	if (!ret)
		ret = bind(bare, 1, bare_event_interrupt, "bare-evt");
	if (!ret)
		ret = publish(bare);
	if (ret)
		bare_ring_close(bare);
	return ret;

err_teardown:
	xenbus_teardown_ring(&sring, 1, &bare->refs[0]);
	return ret;
}

void bare_ring_close(struct bare *bare)
{
	void *sring = bare->ring.sring, *evt_page = bare->evt_page;
	unsigned int i;

	if (!bare->open)
		return;
	bare->open = false;
	for (i = 0; i < 2; i++)
		if (bare->irqs[i])
			unbind_from_irqhandler(bare->irqs[i], bare);
	memset(bare->irqs, 0, sizeof(bare->irqs));
	xenbus_teardown_ring(&sring, 1, &bare->refs[0]);
	xenbus_teardown_ring(&evt_page, 1, &bare->refs[1]);
}
