// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Speed and memory of a card, as key=value lines: see README.md. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cost.h"
#include "kms.h"

static struct kms kms;
static const struct format *xr24;

/* A number that is a count of something. */
static uint32_t number(const char *text)
{
	uint32_t value = parse_number(text, "a number");

	if (!value || value > 1000000)
		die("'%s', expected a number from 1 to 1000000", text);
	return value;
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

/* Threads that use all of each CPU, as a client that renders in software does. */
static void *spin(void *stop)
{
	while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED))
		;
	return NULL;
}

static uint64_t percentile(uint64_t *values, uint32_t count, uint32_t percent)
{
	qsort(values, count, sizeof(*values), by_value);
	return values[(uint64_t)count * percent / 100];
}

struct flipping {
	uint32_t count, heads, spinners, others;
	struct head head[MAX_HEADS];
	struct buffer buf[MAX_HEADS][2];
	uint64_t *intervals;
	struct cost cost;
};

static void start_head(struct flipping *f, uint32_t i)
{
	struct head *head = &f->head[i];

	head_init(&kms, head, i);
	for (int k = 0; k < 2; k++)
		make_fb(&f->buf[i][k], head->mode.hdisplay, head->mode.vdisplay);
	must(head_enable(&kms, head, f->buf[i][0].fb), "DRM_IOCTL_MODE_SETCRTC");
}

static void stop_head(struct flipping *f, uint32_t i)
{
	must(head_disable(&kms, &f->head[i]), "disable");
	for (int k = 0; k < 2; k++)
		must(dumb_destroy(&kms, &f->buf[i][k]), "DRM_IOCTL_MODE_DESTROY_DUMB");
}

/* All heads flip, then all events are waited for. */
static void flip_once(struct flipping *f, uint32_t n)
{
	uint64_t start = now_ns();

	for (uint32_t i = 0; i < f->heads; i++)
		must(head_flip(&kms, &f->head[i], f->buf[i][(n + 1) % 2].fb),
		     "DRM_IOCTL_MODE_PAGE_FLIP, head %u, flip %u", i, n + 1);
	for (uint32_t i = 0; i < f->heads; i++)
		while (f->head[i].pending)
			must(kms_wait(&kms), "event of head %u, flip %u", i, n + 1);
	f->intervals[n] = now_ns() - start;
}

static void flip_all(struct flipping *f)
{
	pthread_t threads[64];
	bool stop = false;

	if (f->spinners > 64)
		die("%u threads, expected up to 64", f->spinners);
	for (uint32_t i = 0; i < f->spinners; i++)
		must(-pthread_create(&threads[i], NULL, spin, &stop), "thread");
	cost_count_begin(&f->cost);
	for (uint32_t n = 0; n < f->count; n++)
		flip_once(f, n);
	cost_count_end(&f->cost);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < f->spinners; i++)
		pthread_join(threads[i], NULL);
}

static void flip_option(struct flipping *f, const char *text)
{
	const struct {
		const char *name;
		uint32_t *value;
	} options[] = {
		{ "heads=", &f->heads }, { "spin=", &f->spinners },
		{ "buffers=", &f->others },
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		size_t length = strlen(options[i].name);

		if (strncmp(text, options[i].name, length))
			continue;
		*options[i].value = number(text + length);
		return;
	}
	die("'%s', expected heads=N, spin=N or buffers=N", text);
}

static void print_flips(struct flipping *f)
{
	uint32_t all = f->count * f->heads;

	printf("flips_per_second=%.2f\n", all / (f->cost.elapsed_ns / 1e9));
	cost_print("flip", &f->cost, all);
	cost_print_counts("flip", &f->cost, all);
	printf("p99_interval_ns=%llu\n",
	       (unsigned long long)percentile(f->intervals, f->count, 99));
	print_median("median_interval_ns", f->intervals, f->count);
}

static void bench_flips(char **args)
{
	struct flipping *f = calloc(1, sizeof(*f));
	struct buffer *others;

	if (!f)
		die("no memory");
	f->count = number(args[0]);
	f->heads = 1;
	for (args++; *args; args++)
		flip_option(f, *args);
	if (f->heads > MAX_HEADS)
		die("%u heads, expected up to %d", f->heads, MAX_HEADS);
	f->intervals = samples(f->count);
	others = calloc(f->others + 1, sizeof(*others));
	for (uint32_t i = 0; others && i < f->others; i++)
		make_fb(&others[i], 64, 64);
	for (uint32_t i = 0; i < f->heads; i++)
		start_head(f, i);
	/* The first flips pay for what is done but once. */
	for (uint32_t n = 0; n < f->count && n < 4; n++)
		flip_once(f, n);
	flip_all(f);
	for (uint32_t i = 0; i < f->heads; i++)
		stop_head(f, i);
	for (uint32_t i = 0; others && i < f->others; i++)
		must(dumb_destroy(&kms, &others[i]), "DRM_IOCTL_MODE_DESTROY_DUMB");
	print_flips(f);
	free(others);
	free(f);
}

/* What is released in the background is paid for by whoever gave it back. */
static void settle(void)
{
	usleep(100000);
}

static void settle_cost(struct cost *cost)
{
	cost_begin(cost);
	settle();
	cost_end(cost);
}

static void touch_pages(struct buffer *buf)
{
	for (uint64_t i = 0; i < buf->size; i += 4096)
		((uint8_t *)buf->map)[i] = 1;
}

static void come_and_go(uint32_t w, uint32_t h, bool with_fb)
{
	struct buffer buf;

	if (with_fb)
		make_fb(&buf, w, h);
	else
		must(dumb_create(&kms, &buf, w, h, 32),
		     "DRM_IOCTL_MODE_CREATE_DUMB %ux%u", w, h);
	must(dumb_destroy(&kms, &buf), "DRM_IOCTL_MODE_DESTROY_DUMB");
}

/* From nothing to nothing, count times, with the background's part of it. */
static void cycle(const char *key, uint32_t w, uint32_t h, uint32_t count, bool with_fb)
{
	uint64_t *elapsed = samples(count), idle;
	struct cost cost;

	/* The first one pays for what is done but once. */
	come_and_go(w, h, with_fb);
	settle();
	settle_cost(&cost);
	idle = cost.running_ns;
	cost_count_begin(&cost);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t start = now_ns();

		come_and_go(w, h, with_fb);
		elapsed[i] = now_ns() - start;
	}
	settle();
	cost_count_end(&cost);
	cost.running_ns -= idle < cost.running_ns ? idle : 0;
	cost.elapsed_ns = median(elapsed, count) * count;
	cost_print(key, &cost, count);
	cost_print_counts(key, &cost, count);
	free(elapsed);
}

static void bench_dumb(char **args)
{
	struct size size = parse_size(args[0], "size");
	uint32_t count = number(args[1]);

	cycle("create_destroy", size.w, size.h, count, false);
	cycle("create_addfb_rmfb_destroy", size.w, size.h, count, true);
}

static void add(struct cost *sum, const struct cost *cost)
{
	sum->elapsed_ns += cost->elapsed_ns;
	sum->running_ns += cost->running_ns;
}

static void bench_touch(char **args)
{
	struct cost create = { 0 }, map = { 0 }, touch = { 0 }, cost;
	struct size size = parse_size(args[0], "size");
	uint32_t count = number(args[1]);

	for (uint32_t i = 0; i < count; i++) {
		struct buffer buf;

		settle();
		cost_begin(&cost);
		must(dumb_create(&kms, &buf, size.w, size.h, 32),
		     "DRM_IOCTL_MODE_CREATE_DUMB %ux%u", size.w, size.h);
		cost_end(&cost);
		add(&create, &cost);
		cost_begin(&cost);
		must(dumb_map(&kms, &buf), "DRM_IOCTL_MODE_MAP_DUMB and mmap");
		cost_end(&cost);
		add(&map, &cost);
		cost_begin(&cost);
		touch_pages(&buf);
		cost_end(&cost);
		add(&touch, &cost);
		must(dumb_destroy(&kms, &buf), "DRM_IOCTL_MODE_DESTROY_DUMB");
	}
	cost_print("create", &create, count);
	cost_print("map", &map, count);
	cost_print("touch", &touch, count);
	add(&map, &touch);
	cost_print("map_touch", &map, count);
	add(&map, &create);
	cost_print("create_map_touch", &map, count);
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
	struct size size = parse_size(args[0], "size");
	uint32_t count = number(args[1]), warm = 4;
	struct buffer *bufs = calloc(warm + count, sizeof(*bufs));
	int64_t before[FIELDS], after[FIELDS], pages;

	if (!bufs)
		die("no memory for %u buffers", count);
	/* the first buffers pay for what is allocated but once */
	for (uint32_t i = 0; i < warm; i++)
		make_touched_fb(&bufs[i], size.w, size.h);
	/* memory that was freed by others before comes back late */
	sleep(1);
	read_meminfo(before);
	for (uint32_t i = warm; i < warm + count; i++)
		make_touched_fb(&bufs[i], size.w, size.h);
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
	int min_args, max_args;
	const char *usage;
} benches[] = {
	{ "flips", bench_flips, 1, 4, "N [heads=N] [spin=N] [buffers=N]" },
	{ "dumb", bench_dumb, 2, 2, "WxH N" },
	{ "touch", bench_touch, 2, 2, "WxH N" },
	{ "memory", bench_memory, 2, 2, "WxH N" },
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
		if (argc - 2 < benches[i].min_args || argc - 2 > benches[i].max_args)
			break;
		set_program("kmsbench", argv[1]);
		xr24 = format_by_name("XR24");
		kms_open(&kms, card, false);
		cost_init();
		benches[i].run(argv + 2);
		kms_close(&kms);
		return 0;
	}
	return usage();
}
