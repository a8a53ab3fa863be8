// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Which devices there are, and the backend's half of displif.h's state machine.
 * XenStore events only say "look": every decision is made on the values that are
 * there when we look, compared with those that we saw or wrote last.
 */
#include <stdlib.h>

#include "backend.h"
#include "states.h"

struct device *device_find(unsigned int domid, unsigned int devid)
{
	struct device *dev = be.devices;

	while (dev && (dev->domid != domid || dev->devid != devid))
		dev = dev->next;
	return dev;
}

static void await_frontend(struct device *dev)
{
	store_offer_versions(dev);
	store_write_state(dev, XenbusStateInitWait);
}

/* End the connection: nothing of the guest stays mapped or bound. */
static void device_release(struct device *dev)
{
	for (unsigned int i = 0; i < dev->nr_connectors; i++)
		connector_release(dev->connectors[i]);
	buffers_release(dev);
}

static void close_to(struct device *dev, int state)
{
	store_write_state(dev, XenbusStateClosing);
	device_release(dev);
	store_write_state(dev, XenbusStateClosed);
	if (state != XenbusStateClosed)
		store_write_state(dev, state);
}

void device_reconnect(struct device *dev)
{
	close_to(dev, XenbusStateClosed);
	dev->deaf = false;
	store_write_state(dev, XenbusStateInitialising);
	await_frontend(dev);
}

void device_error(struct device *dev)
{
	log_error("dom%u/%u: closed after an error", dev->domid, dev->devid);
	close_to(dev, XenbusStateClosed);
}

static bool read_connector(struct device *dev, unsigned int index)
{
	struct connector *conn = connector_get(dev, index);
	char dir[512];
	char *text;
	bool ok;

	snprintf(dir, sizeof(dir), "%s/%u", dev->fe_path, index);
	free(conn->unique_id);
	conn->unique_id = store_read(dir, XENDISPL_FIELD_UNIQUE_ID);
	text = store_read(dir, XENDISPL_FIELD_RESOLUTION);
	ok = parse_resolution(text, &conn->width, &conn->height);
	if (!ok)
		log_error("%s/resolution is \"%s\", expected WIDTHxHEIGHT", dir,
			  text ? text : "(missing)");
	free(text);
	return ok;
}

/* The connectors are those from 0 on without a gap. */
static bool read_connectors(struct device *dev)
{
	unsigned int index;

	for (index = 0; index < CONNECTORS_MAX; index++) {
		char node[12];
		char *there;

		snprintf(node, sizeof(node), "%u", index);
		there = store_read(dev->fe_path, node);
		if (!there)
			break;
		free(there);
		if (!read_connector(dev, index))
			return false;
	}
	dev->nr_connectors = index;
	if (!index)
		log_error("%s has no connector 0", dev->fe_path);
	return index > 0;
}

static void read_features(struct device *dev)
{
	char *version = store_read(dev->fe_path, XENDISPL_FIELD_FE_VERSION);
	char *alloc = store_read(dev->fe_path, XENDISPL_FIELD_BE_ALLOC);
	struct findings f = { 0 };

	dev->version = check_version(OFFERED_VERSIONS, version, &f);
	breaches_from(dev, -1, &f);
	dev->be_alloc = alloc && !strcmp(alloc, "1");
	free(version);
	free(alloc);
}

/*
 * Whose rings are to be bound was Initialised or Connected before we came: what
 * is in them was said to our predecessor, and is no breach.
 */
static bool bind_all(struct device *dev)
{
	if (!read_connectors(dev))
		return false;
	for (unsigned int i = 0; i < dev->nr_connectors; i++)
		if (!connector_bind(dev->connectors[i]))
			return false;
	return true;
}

static void device_bind(struct device *dev)
{
	if (hostile_bind(dev))
		return;
	read_features(dev);
	dev->aftermath |= dev->attacked;
	dev->attacked = hostile_excuses(dev);
	dev->took_over |= dev->had_rings;
	dev->had_rings = true;
	if (!bind_all(dev)) {
		device_error(dev);
		/* The deployed backend's thread for this device ends by the exception. */
		dev->deaf = true;
		return;
	}
	log_debug("dom%u/%u: %u connector(s), version %u%s%s", dev->domid, dev->devid,
		  dev->nr_connectors, dev->version, dev->be_alloc ? ", be-alloc" : "",
		  dev->took_over ? ", with rings of another backend" : "");
	hostile_connect(dev);
	store_write_state(dev, XenbusStateConnected);
	hostile_connected(dev);
}

static void react(struct device *dev, int state)
{
	switch (states_step(dev->be_state, state)) {
	case STEP_NONE:
		return;
	case STEP_AWAIT:
		return await_frontend(dev);
	case STEP_BIND:
		return device_bind(dev);
	case STEP_RETURN:
		return close_to(dev, XenbusStateInitWait);
	}
}

static void on_frontend_event(struct device *dev)
{
	int state = store_read_state(dev->fe_path);
	bool first_event = !dev->watch_fired;

	dev->watch_fired = true;
	if (dev->deaf || state == dev->fe_state)
		return;
	log_debug("dom%u/%u: frontend state %d -> %d", dev->domid, dev->devid, dev->fe_state,
		  state);
	dev->fe_state = state;
	/* Rings are new only after Initialising. */
	dev->took_over |= first_event;
	if (state == XenbusStateInitialising) {
		dev->took_over = false;
		dev->had_rings = false;
	}
	if (state == XenbusStateConnected && dev->be_state == XenbusStateConnected)
		dev->aftermath = false;
	react(dev, state);
}

/* As deployed: 5, 6, 1 even when the device is new; the rest is the frontend's state. */
static void start_device(struct device *dev, int found)
{
	dev->be_state = found;
	if (found != XenbusStateClosed)
		close_to(dev, XenbusStateClosed);
	store_offer_versions(dev);
	store_write_state(dev, XenbusStateInitialising);
}

static void add_device(unsigned int domid, unsigned int devid, const char *be_path, int found)
{
	char *fe_path = store_read(be_path, "frontend");
	static unsigned int generation;
	char watch[512];
	struct device *dev;

	if (!fe_path)
		return;	/* still being made; its nodes will cause events */
	dev = calloc(1, sizeof(*dev));
	if (!dev) {
		free(fe_path);
		return;
	}
	dev->domid = domid;
	dev->devid = devid;
	dev->be_path = strdup(be_path);
	dev->fe_path = fe_path;
	dev->next = be.devices;
	be.devices = dev;
	snprintf(dev->watch_token, sizeof(dev->watch_token), "fe%u", generation++);
	/* Watch first, look then: no change can fall in between. */
	snprintf(watch, sizeof(watch), "%s/state", fe_path);
	if (!xs_watch(be.xs, watch, dev->watch_token))
		log_error("cannot watch %s: %s", watch, strerror(errno));
	start_device(dev, found);
}

static void remove_device(struct device *dev)
{
	struct device **link = &be.devices;
	char watch[512];

	log_debug("dom%u/%u: gone", dev->domid, dev->devid);
	snprintf(watch, sizeof(watch), "%s/state", dev->fe_path);
	xs_unwatch(be.xs, watch, dev->watch_token);
	device_release(dev);
	while (*link != dev)
		link = &(*link)->next;
	*link = dev->next;
	for (unsigned int i = 0; i < CONNECTORS_MAX; i++)
		connector_free(dev->connectors[i]);
	free(dev->raw_state);
	free(dev->be_path);
	free(dev->fe_path);
	free(dev);
}

/* Somebody else wrote our state: the toolstack, to detach or to begin anew. */
static void on_foreign_state(struct device *dev, int state)
{
	log_debug("dom%u/%u: toolstack changed our state %d -> %d", dev->domid, dev->devid,
		  dev->be_state, state);
	switch (state) {
	case XenbusStateInitialising:
		device_release(dev);
		dev->be_state = state;
		await_frontend(dev);
		return;
	case XenbusStateClosing:
	case XenbusStateClosed:
		device_release(dev);
		store_write_state(dev, XenbusStateClosed);
		return;
	}
}

static void check_device(unsigned int domid, unsigned int devid)
{
	struct device *dev = device_find(domid, devid);
	char path[512];
	char *text;
	int state;

	snprintf(path, sizeof(path), "%s/%u/%u", be.base, domid, devid);
	text = store_read(path, "state");
	if (dev && store_is_raw(dev, text)) {
		free(text);
		return;
	}
	free(text);
	if (!text) {
		if (dev)
			remove_device(dev);
		return;
	}
	state = store_read_state(path);
	if (!dev)
		add_device(domid, devid, path, state);
	else if (state != dev->be_state && !dev->deaf)
		on_foreign_state(dev, state);
}

static void scan_domain(const char *domain)
{
	char path[512];
	unsigned int count = 0;
	uint32_t domid, devid;
	char **names;

	snprintf(path, sizeof(path), "%s/%s", be.base, domain);
	names = xs_directory(be.xs, XBT_NULL, path, &count);
	for (unsigned int i = 0; names && i < count; i++)
		if (parse_u32(domain, &domid) && parse_u32(names[i], &devid))
			check_device(domid, devid);
	free(names);
}

static void rescan(void)
{
	unsigned int count = 0;
	char **domains = xs_directory(be.xs, XBT_NULL, be.base, &count);
	struct device *next;

	for (unsigned int i = 0; domains && i < count; i++)
		scan_domain(domains[i]);
	free(domains);
	for (struct device *dev = be.devices; dev; dev = next) {
		next = dev->next;
		check_device(dev->domid, dev->devid);
	}
}

void devices_on_watch(const char *path, const char *token)
{
	unsigned int domid, devid;

	if (!strcmp(token, "be")) {
		if (sscanf(path + strlen(be.base), "/%u/%u", &domid, &devid) == 2)
			check_device(domid, devid);
		else
			rescan();
		return;
	}
	for (struct device *dev = be.devices; dev; dev = dev->next) {
		if (!strcmp(token, dev->watch_token)) {
			on_frontend_event(dev);
			return;
		}
	}
}

void devices_close_all(void)
{
	while (be.devices) {
		if (be.devices->be_state != XenbusStateClosed)
			close_to(be.devices, XenbusStateClosed);
		remove_device(be.devices);
	}
}
