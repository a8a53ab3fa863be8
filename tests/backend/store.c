// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <stdlib.h>

#include "backend.h"

#define PATH_SIZE 512
#define RAW_EMPTY "empty"
#define RAW_NONE "none"

/* Each returned value is ended by a 0, which xs_read() does for us. */
char *store_read(const char *dir, const char *node)
{
	char path[PATH_SIZE];
	unsigned int len;

	snprintf(path, sizeof(path), "%s/%s", dir, node);
	return xs_read(be.xs, XBT_NULL, path, &len);
}

bool store_read_u32(const char *dir, const char *node, uint32_t *value)
{
	char *text = store_read(dir, node);
	bool ok = parse_u32(text, value);

	if (!ok)
		log_error("%s/%s is \"%s\", expected a decimal number", dir, node,
			  text ? text : "(missing)");
	free(text);
	return ok;
}

int store_read_state(const char *dir)
{
	char *text = store_read(dir, "state");
	uint32_t state = XenbusStateUnknown;

	if (text && (!parse_u32(text, &state) || state > XenbusStateReconfigured)) {
		log_error("%s/state is \"%s\", expected 0 to 8", dir, text);
		state = XenbusStateUnknown;
	}
	free(text);
	return state;
}

/* Write only what belongs to a device that is still there. */
static bool write_if_there(xs_transaction_t t, const char *dir, const char *node,
			   const char *value)
{
	char path[PATH_SIZE];
	unsigned int len;
	char *there;

	snprintf(path, sizeof(path), "%s/frontend", dir);
	there = xs_read(be.xs, t, path, &len);
	if (!there)
		return true;
	free(there);
	snprintf(path, sizeof(path), "%s/%s", dir, node);
	return xs_write(be.xs, t, path, value, strlen(value));
}

/*
 * In a transaction, since the toolstack may be removing the device right now: a
 * plain write would bring its directory back to life, for ever.
 */
static void store_write(const char *dir, const char *node, const char *value)
{
	bool ok;

	do {
		xs_transaction_t t = xs_transaction_start(be.xs);

		ok = t != XBT_NULL && write_if_there(t, dir, node, value);
		if (t != XBT_NULL && !xs_transaction_end(be.xs, t, !ok))
			ok = false;
	} while (!ok && errno == EAGAIN);
	if (!ok)
		log_error("cannot write \"%s\" to %s/%s: %s", value, dir, node, strerror(errno));
}

void store_write_versions(struct device *dev, const char *text)
{
	char path[PATH_SIZE];

	if (text) {
		store_write(dev->be_path, XENDISPL_FIELD_BE_VERSIONS, text);
		return;
	}
	snprintf(path, sizeof(path), "%s/%s", dev->be_path, XENDISPL_FIELD_BE_VERSIONS);
	xs_rm(be.xs, XBT_NULL, path);
}

void store_offer_versions(struct device *dev)
{
	if (!hostile_versions(dev))
		store_write_versions(dev, OFFERED_VERSIONS);
}

static void forget_raw_state(struct device *dev)
{
	free(dev->raw_state);
	dev->raw_state = NULL;
}

void store_write_state(struct device *dev, int state)
{
	char value[12];

	log_debug("dom%u/%u: backend state %d -> %d", dev->domid, dev->devid, dev->be_state,
		  state);
	snprintf(value, sizeof(value), "%d", state);
	dev->be_state = state;
	forget_raw_state(dev);
	if (hostile_state(dev, state))
		dev->raw_state = store_read(dev->be_path, "state");
	else
		store_write(dev->be_path, "state", value);
}

/*
 * An attack: our own state machine does not follow. @text is what to write, or
 * "empty", or "none" for no node.
 */
void store_write_raw_state(struct device *dev, const char *text)
{
	char path[PATH_SIZE];

	log_debug("dom%u/%u: raw state %s", dev->domid, dev->devid, text);
	dev->attacked = true;
	forget_raw_state(dev);
	dev->raw_state = strdup(text);
	if (strcmp(text, RAW_NONE)) {
		store_write(dev->be_path, "state", strcmp(text, RAW_EMPTY) ? text : "");
		return;
	}
	snprintf(path, sizeof(path), "%s/state", dev->be_path);
	xs_rm(be.xs, XBT_NULL, path);
}

/* Is @text, NULL without a node, what the attack left there? */
bool store_is_raw(const struct device *dev, const char *text)
{
	char *there;

	if (!dev->raw_state)
		return false;
	if (!text) {
		there = store_read(dev->be_path, "frontend");
		free(there);
		return there && !strcmp(dev->raw_state, RAW_NONE);
	}
	return !strcmp(dev->raw_state, *text ? text : RAW_EMPTY);
}

void store_end_raw_state(struct device *dev)
{
	if (dev->raw_state)
		store_write_state(dev, dev->be_state);
}
