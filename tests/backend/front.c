// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>

#include "front.h"

#define WAIT_STEP_US 5000
#define WAIT_STEPS 600	/* 3 s */

static struct xs_handle *xs;
static xenevtchn_handle *xce;
static xengnttab_handle *xgt;
static xengntshr_handle *xgs;
static unsigned int own_domid;

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "wrong-frontend: %s: %s\n", what, strerror(errno));
	exit(1);
}

void front_open_xen(void)
{
	unsigned int len;
	char *domid;

	xs = xs_open(0);
	xce = xs ? xenevtchn_open(NULL, 0) : NULL;
	xgt = xce ? xengnttab_open(NULL, 0) : NULL;
	xgs = xgt ? xengntshr_open(NULL, 0) : NULL;
	if (!xgs)
		die("cannot open XenStore, event channels, gntdev or gntalloc");
	domid = xs_read(xs, XBT_NULL, "domid", &len);
	own_domid = domid ? strtoul(domid, NULL, 10) : 0;
	free(domid);
}

/* Leave XenStore as it was found. */
void front_close_xen(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u/wrong-frontend", own_domid);
	xs_rm(xs, XBT_NULL, path);
	snprintf(path, sizeof(path), "/local/domain/%u/backend/vdispl/%u", own_domid, own_domid);
	xs_rm(xs, XBT_NULL, path);
	xs_close(xs);
}

static void write_node(const char *dir, const char *node, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, node);
	if (!xs_write(xs, XBT_NULL, path, value, strlen(value)))
		die(path);
}

void front_write(const struct front *front, const char *node, const char *value)
{
	write_node(front->path, node, value);
}

static void write_number(const struct front *front, unsigned int connector, const char *name,
			 uint32_t number)
{
	char node[64], value[12];

	snprintf(node, sizeof(node), "%u/%s", connector, name);
	snprintf(value, sizeof(value), "%u", number);
	front_write(front, node, value);
}

void front_write_state(const struct front *front, int state)
{
	char value[12];

	snprintf(value, sizeof(value), "%d", state);
	front_write(front, "state", value);
}

static int backend_state(const struct front *front)
{
	char path[128];
	unsigned int len;
	char *text;
	int state;

	snprintf(path, sizeof(path), "%s/state", front->be_path);
	text = xs_read(xs, XBT_NULL, path, &len);
	state = text ? atoi(text) : XenbusStateUnknown;
	free(text);
	return state;
}

bool front_wait_backend(const struct front *front, int state)
{
	for (int i = 0; i < WAIT_STEPS; i++) {
		if (backend_state(front) == state)
			return true;
		usleep(WAIT_STEP_US);
	}
	return false;
}

void front_make(struct front *front, unsigned int devid, const char *be_alloc)
{
	char number[12], resolution[32], node[32];

	memset(front, 0, sizeof(*front));
	front->domid = own_domid;
	front->devid = devid;
	/* Not below "device", or the domain's own kernel would look at it, too. */
	snprintf(front->path, sizeof(front->path), "/local/domain/%u/wrong-frontend/%u",
		 own_domid, devid);
	snprintf(front->be_path, sizeof(front->be_path),
		 "/local/domain/%u/backend/vdispl/%u/%u", own_domid, own_domid, devid);
	snprintf(number, sizeof(number), "%u", own_domid);
	snprintf(resolution, sizeof(resolution), "%ux%u", FRONT_WIDTH, FRONT_HEIGHT);
	front_write(front, "backend", front->be_path);
	front_write(front, "backend-id", number);
	front_write(front, "be-alloc", be_alloc);
	front_write(front, "version", XENDISPL_PROTOCOL_VERSION);
	for (unsigned int i = 0; i < FRONT_CONNECTORS; i++) {
		snprintf(node, sizeof(node), "%u/resolution", i);
		front_write(front, node, resolution);
		snprintf(node, sizeof(node), "%u/unique-id", i);
		front_write(front, node, "wrong");
	}
	front_write_state(front, XenbusStateInitialising);
	write_node(front->be_path, "frontend", front->path);
	write_node(front->be_path, "frontend-id", number);
	write_node(front->be_path, "online", "1");
	write_node(front->be_path, "state", "1");
}

static void *share_page(grant_ref_t *ref)
{
	void *page = xengntshr_share_pages(xgs, own_domid, 1, ref, 1);

	if (!page)
		die("cannot grant a page");
	memset(page, 0, WIRE_PAGE_SIZE);
	return page;
}

void front_make_rings(struct front *front)
{
	for (unsigned int i = 0; i < FRONT_CONNECTORS; i++) {
		struct front_connector *conn = &front->conn[i];
		struct xen_displif_sring *sring = share_page(&conn->ring_ref);

		XEN_FRONT_RING_INIT(&conn->ring, sring, WIRE_PAGE_SIZE);
		conn->events = share_page(&conn->events_ref);
		conn->req_port = xenevtchn_bind_unbound_port(xce, own_domid);
		conn->evt_port = xenevtchn_bind_unbound_port(xce, own_domid);
		if (conn->req_port < 0 || conn->evt_port < 0)
			die("cannot get an event channel");
	}
}

void front_publish(struct front *front)
{
	for (unsigned int i = 0; i < FRONT_CONNECTORS; i++) {
		struct front_connector *conn = &front->conn[i];

		write_number(front, i, XENDISPL_FIELD_REQ_RING_REF, conn->ring_ref);
		write_number(front, i, XENDISPL_FIELD_REQ_CHANNEL, conn->req_port);
		write_number(front, i, XENDISPL_FIELD_EVT_RING_REF, conn->events_ref);
		write_number(front, i, XENDISPL_FIELD_EVT_CHANNEL, conn->evt_port);
	}
}

void front_reset_rings(struct front *front)
{
	for (unsigned int i = 0; i < FRONT_CONNECTORS; i++) {
		struct front_connector *conn = &front->conn[i];
		struct xen_displif_sring *sring = conn->ring.sring;

		memset(sring, 0, WIRE_PAGE_SIZE);
		XEN_FRONT_RING_INIT(&conn->ring, sring, WIRE_PAGE_SIZE);
		memset(conn->events, 0, WIRE_PAGE_SIZE);
		conn->in_cons = 0;
	}
}

bool front_connect(struct front *front)
{
	if (!front_wait_backend(front, XenbusStateInitWait))
		return false;
	front_make_rings(front);
	front_publish(front);
	front_write_state(front, XenbusStateInitialised);
	if (!front_wait_backend(front, XenbusStateConnected))
		return false;
	front_write_state(front, XenbusStateConnected);
	return true;
}

static void free_rings(struct front *front)
{
	for (unsigned int i = 0; i < FRONT_CONNECTORS; i++) {
		struct front_connector *conn = &front->conn[i];

		if (!conn->events)
			continue;
		xenevtchn_unbind(xce, conn->req_port);
		xenevtchn_unbind(xce, conn->evt_port);
		xengntshr_unshare(xgs, conn->ring.sring, 1);
		xengntshr_unshare(xgs, conn->events, 1);
	}
}

void front_remove(struct front *front)
{
	bool connected = backend_state(front) == XenbusStateConnected;

	front_write_state(front, XenbusStateClosing);
	if (connected)
		front_wait_backend(front, XenbusStateInitWait);
	xs_rm(xs, XBT_NULL, front->be_path);
	xs_rm(xs, XBT_NULL, front->path);
	free_rings(front);
}

void front_put(struct front *front, unsigned int connector, const struct xendispl_req *req)
{
	struct xen_displif_front_ring *ring = &front->conn[connector].ring;

	memcpy(RING_GET_REQUEST(ring, ring->req_prod_pvt), req, sizeof(*req));
	ring->req_prod_pvt++;
}

void front_push(struct front *front, unsigned int connector)
{
	struct xen_displif_front_ring *ring = &front->conn[connector].ring;

	RING_PUSH_REQUESTS(ring);
	xenevtchn_notify(xce, front->conn[connector].req_port);
}

bool front_reply(struct front *front, unsigned int connector, struct xendispl_resp *resp)
{
	struct xen_displif_front_ring *ring = &front->conn[connector].ring;

	for (int i = 0; i < WAIT_STEPS; i++) {
		if (READ_ONCE(ring->sring->rsp_prod) != ring->rsp_cons) {
			xen_rmb();
			memcpy(resp, RING_GET_RESPONSE(ring, ring->rsp_cons), sizeof(*resp));
			ring->rsp_cons++;
			return true;
		}
		usleep(WAIT_STEP_US);
	}
	return false;
}

int front_call(struct front *front, unsigned int connector, struct xendispl_req *req)
{
	struct xendispl_resp resp;

	req->id = front->next_id++;
	front_put(front, connector, req);
	front_push(front, connector);
	if (!front_reply(front, connector, &resp))
		return 1;
	return resp.id == req->id && resp.operation == req->operation ? resp.status : 1;
}

uint64_t front_event(struct front *front, unsigned int connector)
{
	struct front_connector *conn = &front->conn[connector];
	struct xendispl_evt event;

	for (int i = 0; i < WAIT_STEPS; i++) {
		if (READ_ONCE(conn->events->in_prod) != conn->in_cons) {
			xen_rmb();
			event = XENDISPL_IN_RING_REF(conn->events, conn->in_cons);
			WRITE_ONCE(conn->events->in_cons, ++conn->in_cons);
			return event.op.pg_flip.fb_cookie;
		}
		usleep(WAIT_STEP_US);
	}
	return 0;
}

void front_make_buffer(struct front *front, struct front_buffer *buffer, uint32_t pages)
{
	(void)front;
	memset(buffer, 0, sizeof(*buffer));
	buffer->pages = pages;
	buffer->data = xengntshr_share_pages(xgs, own_domid, pages, buffer->refs, 1);
	if (!buffer->data)
		die("cannot grant a buffer");
	buffer->directory = share_page(&buffer->directory_ref);
	memcpy(buffer->directory + 1, buffer->refs, pages * sizeof(buffer->refs[0]));
}

void front_free_buffer(struct front_buffer *buffer)
{
	xengntshr_unshare(xgs, buffer->data, buffer->pages);
	xengntshr_unshare(xgs, buffer->directory, 1);
}

bool front_can_map(const struct front *front, const uint32_t *refs, uint32_t pages)
{
	uint32_t copy[16];
	uint8_t *map;

	memcpy(copy, refs, pages * sizeof(copy[0]));
	map = xengnttab_map_domain_grant_refs(xgt, pages, front->domid, copy,
					      PROT_READ | PROT_WRITE);
	if (!map)
		return false;
	memset(map, 0x5a, pages * WIRE_PAGE_SIZE);
	xengnttab_unmap(xgt, map, pages);
	return true;
}
