/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * A frontend in user space, in the backend's own domain, for tests of the backend. It
 * plays toolstack and guest at once, and follows the protocol unless it is told
 * otherwise.
 */
#ifndef FRONT_H
#define FRONT_H

#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

#define FRONT_CONNECTORS 2
#define FRONT_WIDTH 64
#define FRONT_HEIGHT 48
#define FRONT_BYTES (FRONT_WIDTH * FRONT_HEIGHT * 4)
#define FRONT_PAGES (FRONT_BYTES / WIRE_PAGE_SIZE)

struct front_connector {
	struct xen_displif_front_ring ring;
	struct xendispl_event_page *events;
	grant_ref_t ring_ref, events_ref;
	int req_port, evt_port;
	uint32_t in_cons;
};

struct front {
	unsigned int domid, devid;
	char path[64], be_path[64];
	uint16_t next_id;
	struct front_connector conn[FRONT_CONNECTORS];
};

/* Pages that the backend may map, and a directory of them. */
struct front_buffer {
	uint8_t *data;
	uint32_t *directory;	/* one page */
	grant_ref_t directory_ref;
	grant_ref_t refs[16];
	uint32_t pages;
};

/* Once in a program; exits when there is no Xen. */
void front_open_xen(void);
void front_close_xen(void);

/* Make the device as the toolstack does; state 1 on both sides. */
void front_make(struct front *front, unsigned int devid, const char *be_alloc);

/* Rings and ports, as yet only here; then their nodes. */
void front_make_rings(struct front *front);
void front_publish(struct front *front);

/* As empty as new ones, for another connection. */
void front_reset_rings(struct front *front);

/* All of it, up to Connected on both sides; false if the backend refuses. */
bool front_connect(struct front *front);
void front_remove(struct front *front);

void front_write(const struct front *front, const char *node, const char *value);
void front_write_state(const struct front *front, int state);
bool front_wait_backend(const struct front *front, int state);

/* Put a request on a ring, id as it is; push makes them visible at once. */
void front_put(struct front *front, unsigned int connector, const struct xendispl_req *req);
void front_push(struct front *front, unsigned int connector);

/* Wait for the next reply; false after 3 s. */
bool front_reply(struct front *front, unsigned int connector, struct xendispl_resp *resp);

/* Put, push, wait; the status, or 1 when there was no reply. */
int front_call(struct front *front, unsigned int connector, struct xendispl_req *req);

/* Wait for the next event and consume it; its cookie, or 0 after 3 s. */
uint64_t front_event(struct front *front, unsigned int connector);

void front_make_buffer(struct front *front, struct front_buffer *buffer, uint32_t pages);
void front_free_buffer(struct front_buffer *buffer);

/* True if each of the directory's pages can be mapped and written. */
bool front_can_map(const struct front *front, const uint32_t *refs, uint32_t pages);

#endif
