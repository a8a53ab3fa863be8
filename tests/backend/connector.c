// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A connector's transport: request ring and event page. Everything is read from
 * shared memory once, into private copies; the frontend can at worst lose its
 * own device.
 */
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "backend.h"

struct connector *connector_get(struct device *dev, unsigned int index)
{
	struct connector *conn = dev->connectors[index];

	if (!conn) {
		conn = calloc(1, sizeof(*conn));
		if (!conn) {
			log_error("out of memory");
			abort();
		}
		conn->dev = dev;
		conn->index = index;
		dev->connectors[index] = conn;
	}
	return conn;
}

void connector_free(struct connector *conn)
{
	if (!conn)
		return;
	connector_release(conn);
	free(conn->shown.copy);
	free(conn->next.copy);
	free(conn->unique_id);
	free(conn);
}

static void *map_page(const struct connector *conn, uint32_t gref, const char *what)
{
	void *page = xengnttab_map_grant_ref(be.xgt, conn->dev->domid, gref,
					     PROT_READ | PROT_WRITE);

	if (!page)
		breach(conn->dev, conn->index, "%s %u cannot be mapped: %s", what, gref,
		       strerror(errno));
	return page;
}

static int bind_port(const struct connector *conn, uint32_t remote, const char *what)
{
	int port = xenevtchn_bind_interdomain(be.xce, conn->dev->domid, remote);

	if (port < 0)
		breach(conn->dev, conn->index, "%s %u cannot be bound: %s", what, remote,
		       strerror(errno));
	return port;
}

/* Of a page that nobody has used. @shared is read once. */
static void check_unused(const struct connector *conn, const char *what, const void *shared,
			 size_t len)
{
	uint8_t copy[WIRE_PAGE_SIZE];
	struct findings f = { 0 };

	memcpy(copy, shared, len);
	check_zeroed(what, copy, len, &f);
	breaches_from(conn->dev, conn->index, &f);
}

static void init_ring(struct connector *conn, struct xen_displif_sring *sring)
{
	RING_IDX prod = READ_ONCE(sring->req_prod);

	/* Indices begin at 0 whatever is in the ring, as the deployed backend's. */
	BACK_RING_INIT(&conn->ring, sring, WIRE_PAGE_SIZE);
	if (conn->dev->took_over)
		return;
	if (prod)
		breach(conn->dev, conn->index, "%u request(s) before the backend is Connected",
		       prod);
	else if (!READ_ONCE(sring->rsp_prod))
		check_unused(conn, "request ring behind its indices", &sring->pvt,
			     WIRE_PAGE_SIZE - offsetof(struct xen_displif_sring, pvt));
}

static void init_events(struct connector *conn)
{
	uint32_t in_cons = READ_ONCE(conn->events->in_cons);

	conn->in_prod = READ_ONCE(conn->events->in_prod);
	conn->event_id = 0;
	if (conn->dev->took_over)
		return;
	if (conn->in_prod || in_cons)
		breach(conn->dev, conn->index,
		       "event page starts with in_prod %u, in_cons %u, must be 0",
		       conn->in_prod, in_cons);
	else
		check_unused(conn, "event page behind its indices", &conn->events->reserved,
			     WIRE_PAGE_SIZE - offsetof(struct xendispl_event_page, reserved));
}

bool connector_bind(struct connector *conn)
{
	uint32_t req_ref, req_port, evt_ref, evt_port;
	struct xen_displif_sring *sring;
	char dir[512];

	snprintf(dir, sizeof(dir), "%s/%u", conn->dev->fe_path, conn->index);
	if (!store_read_u32(dir, XENDISPL_FIELD_REQ_RING_REF, &req_ref) ||
	    !store_read_u32(dir, XENDISPL_FIELD_REQ_CHANNEL, &req_port) ||
	    !store_read_u32(dir, XENDISPL_FIELD_EVT_RING_REF, &evt_ref) ||
	    !store_read_u32(dir, XENDISPL_FIELD_EVT_CHANNEL, &evt_port)) {
		breach(conn->dev, conn->index, "Initialised without transport parameters");
		return false;
	}
	conn->bound = true;
	conn->req_port = -1;
	conn->evt_port = -1;
	sring = map_page(conn, req_ref, "req-ring-ref");
	if (!sring)
		return false;
	init_ring(conn, sring);
	conn->events = map_page(conn, evt_ref, "evt-ring-ref");
	if (!conn->events)
		return false;
	init_events(conn);
	conn->req_port = bind_port(conn, req_port, "req-event-channel");
	conn->evt_port = bind_port(conn, evt_port, "evt-event-channel");
	return conn->req_port >= 0 && conn->evt_port >= 0;
}

static void disconnect(struct connector *conn)
{
	if (conn->req_port >= 0)
		xenevtchn_unbind(be.xce, conn->req_port);
	if (conn->evt_port >= 0)
		xenevtchn_unbind(be.xce, conn->evt_port);
	if (conn->ring.sring)
		xengnttab_unmap(be.xgt, conn->ring.sring, 1);
	if (conn->events)
		xengnttab_unmap(be.xgt, conn->events, 1);
}

void connector_release(struct connector *conn)
{
	if (!conn->bound)
		return;
	request_reset(conn);
	if (!hostile_release(conn))
		disconnect(conn);
	memset(&conn->ring, 0, sizeof(conn->ring));
	memset(&conn->last_reply, 0, sizeof(conn->last_reply));
	conn->events = NULL;
	conn->queued = 0;
	conn->nr_unanswered = 0;
	conn->bound = false;
}

void connector_notify(const struct connector *conn, int port)
{
	if (xenevtchn_notify(be.xce, port) < 0)
		log_error("dom%u/%u/%u: cannot notify: %s", conn->dev->domid, conn->dev->devid,
			  conn->index, strerror(errno));
}

static void forget_id(struct connector *conn, uint16_t id)
{
	for (unsigned int i = 0; i < conn->nr_unanswered; i++) {
		if (conn->unanswered[i] == id) {
			conn->unanswered[i] = conn->unanswered[--conn->nr_unanswered];
			return;
		}
	}
}

void connector_send_reply(struct connector *conn, const struct xendispl_resp *resp)
{
	int must_notify;

	memcpy(RING_GET_RESPONSE(&conn->ring, conn->ring.rsp_prod_pvt), resp, sizeof(*resp));
	conn->ring.rsp_prod_pvt++;
	conn->last_reply = *resp;
	RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&conn->ring, must_notify);
	if (must_notify)
		connector_notify(conn, conn->req_port);
}

/* Every reply goes out here and nowhere else. */
static void connector_reply(struct connector *conn, const struct xendispl_resp *resp)
{
	struct xendispl_resp copy = *resp;

	forget_id(conn, resp->id);
	if (!hostile_reply(conn, &copy))
		connector_send_reply(conn, &copy);
}

/* False when the page is full. */
bool connector_put_event(struct connector *conn, const struct xendispl_evt *event)
{
	uint32_t waiting = conn->in_prod - READ_ONCE(conn->events->in_cons);

	if (waiting > XENDISPL_IN_RING_LEN)
		breach(conn->dev, conn->index, "in_cons is ahead of in_prod by %u", -waiting);
	if (waiting == XENDISPL_IN_RING_LEN) {
		conn->counters.events_dropped++;
		be.totals.events_dropped++;
		return false;
	}
	memcpy(&XENDISPL_IN_RING_REF(conn->events, conn->in_prod), event, sizeof(*event));
	xen_wmb();	/* the event must be there before the index says so */
	WRITE_ONCE(conn->events->in_prod, ++conn->in_prod);
	return true;
}

void connector_send_event(struct connector *conn, const struct xendispl_evt *event)
{
	if (connector_put_event(conn, event))
		connector_notify(conn, conn->evt_port);
}

/* Every event goes out here and nowhere else. */
void connector_event(struct connector *conn, uint64_t fb_cookie)
{
	struct xendispl_evt event = {
		.id = conn->event_id++,
		.type = XENDISPL_EVT_PG_FLIP,
		.op.pg_flip.fb_cookie = fb_cookie,
	};

	if (!hostile_event(conn, &event))
		connector_send_event(conn, &event);
}

static void check_id(struct connector *conn, uint16_t id)
{
	for (unsigned int i = 0; i < conn->nr_unanswered; i++)
		if (conn->unanswered[i] == id)
			breach(conn->dev, conn->index, "request id %u is still outstanding", id);
	/* Full only after an attack, which makes free slots of unanswered ids. */
	if (conn->nr_unanswered < ARRAY_SIZE(conn->unanswered))
		conn->unanswered[conn->nr_unanswered++] = id;
}

static void enqueue(struct connector *conn, const struct xendispl_req *req)
{
	struct request *request = &conn->queue[conn->queued++];

	check_id(conn, req->id);
	request->req = *req;
	request->due_ns = now_ns() + be.settings.reply_delay_ms * 1000000ll;
}

static bool take_requests(struct connector *conn)
{
	RING_IDX prod = READ_ONCE(conn->ring.sring->req_prod);
	struct xendispl_req req;

	/* The macro is about answered slots: ours may be fewer than were read. */
	if (RING_REQUEST_PROD_OVERFLOW(&conn->ring, prod) ||
	    prod - conn->ring.req_cons > RING_SIZE(&conn->ring)) {
		breach(conn->dev, conn->index, "request ring overflow: req_prod %u, answered %u",
		       prod, conn->ring.rsp_prod_pvt);
		return false;
	}
	xen_rmb();	/* requests only after the index that announces them */
	while (conn->ring.req_cons != prod) {
		RING_COPY_REQUEST(&conn->ring, conn->ring.req_cons, &req);
		conn->ring.req_cons++;
		enqueue(conn, &req);
	}
	return true;
}

static void count_request(struct connector *conn, uint8_t operation)
{
	unsigned int kind = operation_name(operation) ? operation : 0;

	conn->counters.requests[kind]++;
	be.totals.requests[kind]++;
}

static void execute(struct connector *conn, const struct xendispl_req *req)
{
	unsigned int kind = operation_name(req->operation) ? req->operation : 0;
	struct xendispl_resp resp = { .id = req->id, .operation = req->operation };

	count_request(conn, req->operation);
	if (be.settings.op[kind].fail_count) {
		be.settings.op[kind].fail_count--;
		resp.status = -be.settings.op[kind].fail_errno;
	} else {
		resp.status = request_execute(conn, req, &resp);
	}
	if (resp.status)
		request_refused(conn, req);
	log_debug("dom%u/%u/%u: %s id %u -> %d", conn->dev->domid, conn->dev->devid,
		  conn->index, kind ? operation_name(req->operation) : "?", req->id,
		  resp.status);
	if (be.settings.op[kind].drop_count)
		be.settings.op[kind].drop_count--;
	else
		connector_reply(conn, &resp);
	if (conn->flip_pending && be.pace == PACE_IMMEDIATE)
		request_flip_done(conn);
}

static void run_due(struct connector *conn)
{
	while (conn->queued && conn->queue[0].due_ns <= now_ns()) {
		struct xendispl_req req = conn->queue[0].req;

		conn->queued--;
		memmove(&conn->queue[0], &conn->queue[1], conn->queued * sizeof(conn->queue[0]));
		execute(conn, &req);
	}
}

/* Take all there is, so that ids and order are known; execute what is due. */
static void drain(struct connector *conn)
{
	int more;

	if (hostile_consume(conn))
		return;
	do {
		if (!take_requests(conn)) {
			device_error(conn->dev);
			return;
		}
		run_due(conn);
		RING_FINAL_CHECK_FOR_REQUESTS(&conn->ring, more);
	} while (more);
	clock_update();
}

void connectors_on_event(int port)
{
	for (struct device *dev = be.devices; dev; dev = dev->next) {
		for (unsigned int i = 0; i < dev->nr_connectors; i++) {
			struct connector *conn = dev->connectors[i];

			if (conn->bound && conn->req_port == port) {
				drain(conn);
				return;
			}
		}
	}
}

int64_t connectors_run_due(void)
{
	int64_t next = -1;

	for (struct device *dev = be.devices; dev; dev = dev->next) {
		for (unsigned int i = 0; i < dev->nr_connectors; i++) {
			struct connector *conn = dev->connectors[i];

			run_due(conn);
			if (conn->queued && (next < 0 || conn->queue[0].due_ns < next))
				next = conn->queue[0].due_ns;
		}
	}
	return next;
}

void connectors_tick(void)
{
	for (struct device *dev = be.devices; dev; dev = dev->next)
		for (unsigned int i = 0; i < dev->nr_connectors; i++)
			if (dev->connectors[i]->flip_pending)
				request_flip_done(dev->connectors[i]);
}

bool connectors_flip_pending(void)
{
	for (struct device *dev = be.devices; dev; dev = dev->next)
		for (unsigned int i = 0; i < dev->nr_connectors; i++)
			if (dev->connectors[i]->flip_pending)
				return true;
	return false;
}
