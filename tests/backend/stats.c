// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Log, breaches and counters. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "backend.h"
#include "fuzz.h"
#include "kept.h"

/* The count goes on when the log is full: enough to read, never endless. */
#define BREACH_LOG_MAX 500

static uint64_t nr_breaches;
static uint64_t nr_excused;
static char *breach_log[BREACH_LOG_MAX];
static unsigned int breach_log_len;

void log_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("xen-displ-be: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
}

void log_debug(const char *fmt, ...)
{
	va_list args;

	if (!be.verbose)
		return;
	va_start(args, fmt);
	fprintf(stderr, "xen-displ-be: [%.6f] ", now_ns() / 1e9);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
}

static void report(const struct device *dev, int connector, bool certain, const char *text)
{
	char where[48], line[320];

	if (connector < 0)
		snprintf(where, sizeof(where), "dom%u/%u", dev->domid, dev->devid);
	else
		snprintf(where, sizeof(where), "dom%u/%u/%d", dev->domid, dev->devid, connector);
	snprintf(line, sizeof(line), "%s: %s", where, text);
	/*
	 * What an attacked frontend does is not held against it, nor what it has
	 * said to the backend that was before us.
	 */
	if (!certain && (dev->attacked || dev->aftermath || dev->took_over)) {
		nr_excused++;
		log_debug("excused: %s", line);
		return;
	}
	nr_breaches++;
	if (breach_log_len < BREACH_LOG_MAX) {
		breach_log[breach_log_len++] = strdup(line);
		log_error("BREACH %s", line);
	}
}

void breach(const struct device *dev, int connector, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	report(dev, connector, false, text);
}

void breaches_from(const struct device *dev, int connector, const struct findings *f)
{
	for (unsigned int i = 0; i < f->count; i++)
		report(dev, connector, f->certain, f->text[i]);
}

static void json_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; text && *text; text++) {
		unsigned char c = *text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void json_counters(FILE *out, const struct counters *c)
{
	const char *comma = "";

	fputs("\"requests\":{", out);
	for (unsigned int op = 0; op < OPERATIONS; op++) {
		const char *name = op ? operation_name(op) : "undefined";

		if (!name)
			continue;
		fprintf(out, "%s\"%s\":%" PRIu64, comma, name, c->requests[op]);
		comma = ",";
	}
	fprintf(out, "},\"flips\":%" PRIu64 ",\"flips_completed\":%" PRIu64
		",\"events_dropped\":%" PRIu64, c->flips, c->flips_completed,
		c->events_dropped);
}

static void json_connector(FILE *out, const struct connector *conn)
{
	fprintf(out, "{\"index\":%u,\"unique_id\":", conn->index);
	json_string(out, conn->unique_id);
	fprintf(out, ",\"width\":%u,\"height\":%u,\"configured\":%s,\"flip_pending\":%s,",
		conn->width, conn->height, conn->configured ? "true" : "false",
		conn->flip_pending ? "true" : "false");
	json_counters(out, &conn->counters);
	fputc('}', out);
}

static unsigned int count_dbufs(const struct device *dev)
{
	unsigned int count = 0;

	for (const struct dbuf *dbuf = dev->dbufs; dbuf; dbuf = dbuf->next)
		count++;
	return count;
}

static unsigned int count_fbs(const struct device *dev)
{
	unsigned int count = 0;

	for (const struct fb *fb = dev->fbs; fb; fb = fb->next)
		count++;
	return count;
}

static void json_device(FILE *out, const struct device *dev)
{
	fprintf(out, "{\"dom\":%u,\"dev\":%u,\"state\":%d,\"frontend_state\":%d,\"deaf\":%s,"
		"\"version\":%u,\"connectors\":[", dev->domid, dev->devid, dev->be_state,
		dev->fe_state, dev->deaf ? "true" : "false", dev->version);
	for (unsigned int i = 0; i < dev->nr_connectors; i++) {
		if (i)
			fputc(',', out);
		json_connector(out, dev->connectors[i]);
	}
	fprintf(out, "],\"dbufs\":%u,\"fbs\":%u,\"mapped_pages\":%" PRIu64 "}",
		count_dbufs(dev), count_fbs(dev), buffers_mapped_pages(dev));
}

void stats_json(FILE *out)
{
	uint64_t mapped = 0;

	fprintf(out, "{\"breaches\":%" PRIu64 ",\"breach_log\":[", nr_breaches);
	for (unsigned int i = 0; i < breach_log_len; i++) {
		if (i)
			fputc(',', out);
		json_string(out, breach_log[i]);
	}
	fprintf(out, "],\"excused\":%" PRIu64 ",", nr_excused);
	attacks_json(out);
	fprintf(out, ",\"kept_pages\":%" PRIu64, kept_pages());
	fputc(',', out);
	fuzz_json(out);
	fputs(",\"devices\":[", out);
	for (const struct device *dev = be.devices; dev; dev = dev->next) {
		json_device(out, dev);
		mapped += buffers_mapped_pages(dev);
		if (dev->next)
			fputc(',', out);
	}
	fputs("],\"totals\":{", out);
	json_counters(out, &be.totals);
	fprintf(out, ",\"mapped_pages\":%" PRIu64 "}}\n", mapped);
}

void stats_reset(void)
{
	for (unsigned int i = 0; i < breach_log_len; i++)
		free(breach_log[i]);
	breach_log_len = 0;
	nr_breaches = 0;
	nr_excused = 0;
	attacks_reset_stats();
	fuzz_reset_stats();
	memset(&be.totals, 0, sizeof(be.totals));
	for (struct device *dev = be.devices; dev; dev = dev->next)
		for (unsigned int i = 0; i < CONNECTORS_MAX; i++)
			if (dev->connectors[i])
				memset(&dev->connectors[i]->counters, 0,
				       sizeof(dev->connectors[i]->counters));
}
