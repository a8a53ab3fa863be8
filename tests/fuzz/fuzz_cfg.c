// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * xen_drm_front_cfg.c: directories in XenStore with any text in them. The input
 * is the values, each ended by a byte of 0; one that begins with 1 is a node that
 * is not there. A second, naive reading of the same nodes says what must come out.
 */
#include "xen_drm_front.h"
#include "xen_drm_front_cfg.h"

#include "input.h"

#define FRONT		"device/vdispl/0"
#define BACK		"/local/domain/0/backend/vdispl/1/0"
#define CONNECTORS	36
#define MISSING		1

static struct {
	const char *versions, *be_alloc, *trusted;
	const char *resolution[CONNECTORS], *unique_id[CONNECTORS];
	bool exists[CONNECTORS];
} store;

/* --- XenStore -------------------------------------------------------------- */

static const char *find_node(const char *dir, const char *node)
{
	unsigned int index;
	char end;

	if (!strcmp(dir, BACK) && !strcmp(node, "versions"))
		return store.versions;
	if (!strcmp(dir, FRONT) && !strcmp(node, "be-alloc"))
		return store.be_alloc;
	if (!strcmp(dir, FRONT) && !strcmp(node, "trusted"))
		return store.trusted;
	fuzz_check(sscanf(dir, FRONT "/%u%c", &index, &end) == 1 && index < CONNECTORS,
		   "%s/%s is read", dir, node);
	/* The directory itself. */
	if (!*node)
		return store.exists[index] ? "" : NULL;
	if (!strcmp(node, "resolution"))
		return store.resolution[index];
	fuzz_check(!strcmp(node, "unique-id"), "%s/%s is read", dir, node);
	return store.unique_id[index];
}

/* Its own memory, so that one byte too many is seen. */
void *xenbus_read(struct xenbus_transaction xbt, const char *dir, const char *node,
		  unsigned int *len)
{
	const char *value = find_node(dir, node);

	if (fuzz_fails())
		return ERR_PTR(-ENOMEM);
	return value ? strdup(value) : ERR_PTR(-ENOENT);
}

/* --- the other reading ------------------------------------------------------- */

/* Digits only, as many as a u32 can have, and what they say; -1 if it is not so. */
static s64 number(const char *text, size_t len)
{
	u64 value = 0;
	size_t i;

	if (len < 1 || len > 10)
		return -1;
	for (i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value > U32_MAX ? -1 : (s64)value;
}

static bool resolution(const char *text, s64 *width, s64 *height)
{
	size_t len = 0;

	if (!text)
		return false;
	while (text[len] && text[len] != 'x')
		len++;
	if (!text[len])
		return false;
	*width = number(text, len);
	*height = number(text + len + 1, strlen(text + len + 1));
	return *width >= 1 && *width <= 32767 && *height >= 1 && *height <= 32767;
}

/* Without a list 1; 0 when there is no common one. */
static unsigned int version(const char *list)
{
	unsigned int best = 0, entries;
	size_t len;
	s64 value;

	if (!list)
		return 1;
	for (entries = 0; entries < 16; entries++) {
		for (len = 0; list[len] && list[len] != ','; len++)
			;
		value = number(list, len);
		if ((value == 1 || value == 2) && value > best)
			best = value;
		list += len;
		if (!*list++)
			break;
	}
	return best;
}

/* Connectors up to the first hole, 0 if one of them is wrong or there is none. */
static unsigned int connectors(void)
{
	s64 width, height;
	unsigned int i;

	for (i = 0; i < 32 && store.exists[i]; i++)
		if (!resolution(store.resolution[i], &width, &height))
			return 0;
	return i;
}

static void expect_connector(const struct xen_drm_cfg_connector *c, unsigned int i)
{
	const char *id = store.unique_id[i] ?: "";
	size_t len = strnlen(c->unique_id, sizeof(c->unique_id));
	s64 width = 0, height = 0;

	fuzz_check(resolution(store.resolution[i], &width, &height),
		   "connector %u: resolution '%s' is taken", i, store.resolution[i]);
	fuzz_check(c->width == width && c->height == height, "connector %u: '%s' is %ux%u", i,
		   store.resolution[i], c->width, c->height);
	fuzz_check(len < sizeof(c->unique_id), "connector %u: its id has no end", i);
	fuzz_check(!strncmp(c->unique_id, id, sizeof(c->unique_id) - 1),
		   "connector %u: id '%s' is '%s'", i, id, c->unique_id);
	fuzz_check(strnlen(c->label, sizeof(c->label)) < sizeof(c->label) &&
		   !strchr(c->label, '/'), "connector %u: its label is '%s'", i, c->label);
}

static void expect_cfg(const struct xen_drm_cfg *cfg)
{
	unsigned int i;

	fuzz_check(cfg->num_connectors >= 1 && cfg->num_connectors <= 32, "%u connectors",
		   cfg->num_connectors);
	for (i = 0; i < cfg->num_connectors; i++)
		expect_connector(&cfg->connectors[i], i);
	fuzz_check(cfg->version == 1 || cfg->version == 2, "version %u", cfg->version);
	fuzz_check(cfg->num_connectors == connectors(), "%u connectors, expected %u",
		   cfg->num_connectors, connectors());
	fuzz_check(cfg->version == version(store.versions), "versions '%s' give %u",
		   store.versions, cfg->version);
	fuzz_check(cfg->version_offered == !!store.versions, "version_offered is %d",
		   cfg->version_offered);
	fuzz_check(cfg->be_alloc == (store.be_alloc && !strcmp(store.be_alloc, "1")),
		   "be-alloc '%s' gives %d", store.be_alloc, cfg->be_alloc);
	fuzz_check(cfg->trusted == (!store.trusted || !strcmp(store.trusted, "1")),
		   "trusted '%s' gives %d", store.trusted, cfg->trusted);
}

/* --- one run --------------------------------------------------------------------- */

void fuzz_wait(void)
{
}

/* The next text of the input, NULL for a node that is not there. */
static const char *next_value(char **text)
{
	char *value = *text;

	*text += strlen(value) + 1;
	return *value == MISSING ? NULL : value;
}

static void fill_store(char *text, const char *end)
{
	unsigned int i;

	store.versions = next_value(&text);
	if (text < end)
		store.be_alloc = next_value(&text);
	if (text < end)
		store.trusted = next_value(&text);
	for (i = 0; i < CONNECTORS && text < end; i++) {
		store.exists[i] = true;
		store.resolution[i] = next_value(&text);
		if (text < end)
			store.unique_id[i] = next_value(&text);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct xenbus_device xb_dev = { .nodename = FRONT, .otherend = BACK };
	struct xen_drm_cfg cfg;
	bool failed;
	char *text;
	int ret;

	if (!size)
		return 0;
	memset(&store, 0, sizeof(store));
	text = calloc(1, size);
	memcpy(text, data + 1, size - 1);
	fill_store(text, text + size - 1);

	/* What is not filled in must not be used. */
	memset(&cfg, 0xa5, sizeof(cfg));
	fuzz_fail_in = data[0] % 64;
	failed = fuzz_fail_in;
	ret = xen_drm_cfg_read(&xb_dev, &cfg);
	failed &= !fuzz_fail_in;
	fuzz_fail_in = 0;

	if (!ret)
		fuzz_check(!failed, "what could not be read is taken for missing");
	if (!ret)
		expect_cfg(&cfg);
	else
		fuzz_check(failed || !connectors() || !version(store.versions),
			   "a right configuration is refused");
	free(text);
	return 0;
}
