// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Speed and memory of a card, as key=value lines: see README.md. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kms.h"

static struct kms kms;
static const struct format *xr24;

static uint32_t number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 0);

	if (*end || !value || value > 1000000)
		die("'%s', expected a whole one from 1 to 1000000", text);
	return value;
}

static void size_of(const char *text, uint32_t *w, uint32_t *h)
{
	char end;

	if (sscanf(text, "%ux%u%c", w, h, &end) != 2)
		die("'%s', expected WIDTHxHEIGHT", text);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t median(uint64_t *values, uint32_t count)
{
	qsort(values, count, sizeof(*values), by_value);
	return values[count / 2];
}

static void print_median(const char *key, uint64_t *values, uint32_t count)
{
	printf("%s=%llu\n", key, (unsigned long long)median(values, count));
	free(values);
}

static uint64_t *samples(uint32_t count)
{
	uint64_t *values = calloc(count, sizeof(*values));

	if (!values)
		die("no memory for %u figures", count);
	return values;
}

static void make_fb(struct buffer *buf, uint32_t w, uint32_t h)
{
	must(dumb_create(&kms, buf, w, h, 32),
	     "DRM_IOCTL_MODE_CREATE_DUMB %ux%u", w, h);
	must(fb_add(&kms, buf, xr24, w, h), "DRM_IOCTL_MODE_ADDFB2 %ux%u", w, h);
}

struct flip_result {
	uint32_t flips;
	double seconds;
	uint64_t longest, median;
};

/* Flips for that long, and waits for the event of the last flip. */
static struct flip_result flip_for(uint32_t seconds)
{
	struct flip_result result = { 0 };
	uint64_t start, last, *intervals = samples(4000000);
	struct buffer buf[2];
	struct head head;

	head_init(&kms, &head, 0, 0, 0);
	make_fb(&buf[0], head.mode.hdisplay, head.mode.vdisplay);
	make_fb(&buf[1], head.mode.hdisplay, head.mode.vdisplay);
	must(head_enable(&kms, &head, buf[0].fb), "DRM_IOCTL_MODE_SETCRTC");
	start = now_ns();
	last = start;
	while (last - start < seconds * 1000000000ull && head.flips < 4000000) {
		must(head_flip(&kms, &head, buf[(head.flips + 1) % 2].fb),
		     "DRM_IOCTL_MODE_PAGE_FLIP, flip %u", head.flips + 1);
		while (head.pending)
			must(kms_wait(&kms), "event of flip %u", head.flips + 1);
		intervals[head.flips - 1] = head.flipped_ns - last;
		last = head.flipped_ns;
	}
	result.flips = head.flips;
	result.seconds = (last - start) / 1e9;
	result.median = median(intervals, head.flips);
	result.longest = intervals[head.flips - 1];
	must(head_disable(&kms, &head), "disable");
	for (int i = 0; i < 2; i++)
		must(dumb_destroy(&kms, &buf[i]), "DRM_IOCTL_MODE_DESTROY_DUMB");
	free(intervals);
	return result;
}

static void bench_flips(char **args)
{
	struct flip_result result = flip_for(number(args[0]));

	printf("flips=%u\nseconds=%.3f\nflips_per_second=%.2f\n", result.flips,
	       result.seconds, result.flips / result.seconds);
	printf("median_interval_us=%.1f\nmax_interval_us=%.1f\n",
	       result.median / 1e3, result.longest / 1e3);
}

static void bench_dumb(char **args)
{
	uint32_t w, h, count = number(args[1]);
	uint64_t *create = samples(count), *destroy = samples(count);
	uint64_t *both = samples(count), *with_fb = samples(count);
	struct buffer buf;

	size_of(args[0], &w, &h);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t t0 = now_ns(), t1, t2;

		must(dumb_create(&kms, &buf, w, h, 32),
		     "DRM_IOCTL_MODE_CREATE_DUMB %ux%u", w, h);
		t1 = now_ns();
		must(dumb_destroy(&kms, &buf), "DRM_IOCTL_MODE_DESTROY_DUMB");
		t2 = now_ns();
		create[i] = t1 - t0;
		destroy[i] = t2 - t1;
		both[i] = t2 - t0;
	}
	print_median("create_ns", create, count);
	print_median("destroy_ns", destroy, count);
	print_median("create_destroy_ns", both, count);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t t0 = now_ns();

		make_fb(&buf, w, h);
		must(dumb_destroy(&kms, &buf), "DRM_IOCTL_MODE_DESTROY_DUMB");
		with_fb[i] = now_ns() - t0;
	}
	print_median("create_addfb_rmfb_destroy_ns", with_fb, count);
}

static void touch_pages(struct buffer *buf)
{
	for (uint64_t i = 0; i < buf->size; i += 4096)
		((uint8_t *)buf->map)[i] = 1;
}

static void bench_touch(char **args)
{
	uint32_t w, h, count = number(args[1]);
	uint64_t *mapping = samples(count), *touching = samples(count);
	uint64_t pages = 0;

	size_of(args[0], &w, &h);
	for (uint32_t i = 0; i < count; i++) {
		struct buffer buf;
		uint64_t t0, t1;

		must(dumb_create(&kms, &buf, w, h, 32),
		     "DRM_IOCTL_MODE_CREATE_DUMB %ux%u", w, h);
		t0 = now_ns();
		must(dumb_map(&kms, &buf), "DRM_IOCTL_MODE_MAP_DUMB and mmap");
		t1 = now_ns();
		touch_pages(&buf);
		touching[i] = now_ns() - t1;
		mapping[i] = t1 - t0;
		pages = (buf.size + 4095) / 4096;
		must(dumb_destroy(&kms, &buf), "DRM_IOCTL_MODE_DESTROY_DUMB");
	}
	printf("pages=%llu\n", (unsigned long long)pages);
	print_median("mmap_ns", mapping, count);
	print_median("touch_ns", touching, count);
}

enum { FREE, SLAB, VMALLOC, TABLES, PERCPU, FIELDS };

static const char * const fields[FIELDS] = {
	[FREE] = "MemFree", [SLAB] = "Slab", [VMALLOC] = "VmallocUsed",
	[TABLES] = "PageTables", [PERCPU] = "Percpu",
};

/* MemFree leaves out the free pages that each CPU keeps at hand, often MiBs. */
static int64_t free_on_cpus(void)
{
	FILE *f = fopen("/proc/zoneinfo", "r");
	long long pages, sum = 0;
	char line[128];

	if (!f)
		must(-errno, "open /proc/zoneinfo");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " count: %lld", &pages) == 1)
			sum += pages;
	fclose(f);
	return sum * sysconf(_SC_PAGESIZE);
}

static void read_meminfo(int64_t *bytes)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128], name[64];
	long long kib;

	if (!f)
		must(-errno, "open /proc/meminfo");
	memset(bytes, 0, FIELDS * sizeof(*bytes));
	while (fgets(line, sizeof(line), f))
		for (int i = 0; i < FIELDS; i++)
			if (sscanf(line, "%63[^:]: %lld", name, &kib) == 2 &&
			    !strcmp(name, fields[i]))
				bytes[i] = kib * 1024;
	fclose(f);
	bytes[FREE] += free_on_cpus();
}

/*
 * Every page of a buffer is touched, so that a driver that allocates pages
 * late is measured with them, too; the mapping is gone before the second
 * reading, so that page tables of this program are not counted.
 */
static void make_touched_fb(struct buffer *buf, uint32_t w, uint32_t h)
{
	make_fb(buf, w, h);
	must(dumb_map(&kms, buf), "DRM_IOCTL_MODE_MAP_DUMB and mmap");
	touch_pages(buf);
	munmap(buf->map, buf->size);
	buf->map = NULL;
}

static void bench_memory(char **args)
{
	uint32_t w, h, count = number(args[1]), warm = 4;
	struct buffer *bufs = calloc(warm + count, sizeof(*bufs));
	int64_t before[FIELDS], after[FIELDS], pages;

	size_of(args[0], &w, &h);
	if (!bufs)
		die("no memory for %u buffers", count);
	/* the first buffers pay for what is allocated but once */
	for (uint32_t i = 0; i < warm; i++)
		make_touched_fb(&bufs[i], w, h);
	/* memory that was freed by others before comes back late */
	sleep(1);
	read_meminfo(before);
	for (uint32_t i = warm; i < warm + count; i++)
		make_touched_fb(&bufs[i], w, h);
	read_meminfo(after);
	pages = (int64_t)(bufs[0].size + 4095) / 4096;
	printf("buffers=%u\npages_per_buffer=%lld\n", count, (long long)pages);
	printf("beyond_pages_per_buffer=%lld\n",
	       (long long)((before[FREE] - after[FREE]) / count - pages * 4096));
	for (int i = SLAB; i < FIELDS; i++)
		printf("%s_per_buffer=%lld\n", fields[i],
		       (long long)((after[i] - before[i]) / count));
	for (uint32_t i = 0; i < warm + count; i++)
		must(dumb_destroy(&kms, &bufs[i]), "DRM_IOCTL_MODE_DESTROY_DUMB");
	free(bufs);
}

static const struct bench {
	const char *name;
	void (*run)(char **args);
	int args;
	const char *usage;
} benches[] = {
	{ "flips", bench_flips, 1, "SECONDS" },
	{ "flips60", bench_flips, 1, "SECONDS" },
	{ "dumb", bench_dumb, 2, "WxH N" },
	{ "touch", bench_touch, 2, "WxH N" },
	{ "memory", bench_memory, 2, "WxH N" },
};

static int usage(void)
{
	fprintf(stderr, "kmsbench [--card PATH] COMMAND\n");
	for (size_t i = 0; i < ARRAY_SIZE(benches); i++)
		fprintf(stderr, "  %s %s\n", benches[i].name, benches[i].usage);
	return 2;
}

int main(int argc, char **argv)
{
	const char *card = NULL;

	if (argc > 2 && !strcmp(argv[1], "--card")) {
		card = argv[2];
		argc -= 2;
		argv += 2;
	}
	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(benches); i++) {
		if (strcmp(argv[1], benches[i].name))
			continue;
		if (argc - 2 != benches[i].args)
			break;
		set_program("kmsbench", argv[1]);
		xr24 = format_by_name("XR24");
		kms_open(&kms, card, false);
		benches[i].run(argv + 2);
		kms_close(&kms);
		return 0;
	}
	return usage();
}
