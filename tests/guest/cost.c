// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cost.h"
#include "kms.h"

#define METER "/sys/kernel/debug/bench_meter"

static int meter = -1;
static struct cost looking;

static uint64_t read_meter(void)
{
	char text[32];
	ssize_t size;

	if (meter < 0)
		return 0;
	size = pread(meter, text, sizeof(text) - 1, 0);
	if (size <= 0)
		die(METER ": nothing to read");
	text[size] = 0;
	return strtoull(text, NULL, 10);
}

/* The clock that is taken off the other is the inner one. */
void cost_begin(struct cost *cost)
{
	cost->running_ns = read_meter();
	cost->elapsed_ns = now_ns();
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

void cost_end(struct cost *cost)
{
	cost->elapsed_ns = less(now_ns() - cost->elapsed_ns, looking.elapsed_ns);
	cost->running_ns = less(read_meter() - cost->running_ns, looking.running_ns);
}

static uint64_t read_switches(void)
{
	FILE *f = fopen("/proc/stat", "r");
	unsigned long long n = 0;
	char line[4096];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "ctxt %llu", &n) == 1)
			break;
	if (f)
		fclose(f);
	return n;
}

static bool has_one_of(const char *line, const char *const *words)
{
	for (; *words; words++)
		if (strstr(line, *words))
			return true;
	return false;
}

static uint64_t sum_of(const char *numbers)
{
	uint64_t sum = 0;
	char *end;

	for (;; numbers = end) {
		unsigned long long n = strtoull(numbers, &end, 10);

		if (end == numbers || (*end != ' ' && *end != '\n'))
			return sum;
		sum += n;
	}
}

/* All but the first are left out of the later ones. */
static void read_irqs(struct cost *cost)
{
	static const char *const device[] = { "vdispl", "bare-", NULL };
	static const char *const timer[] = { "timer", NULL };
	static const char *const ipi[] = { "resched", "callfunc", "irqwork",
					   "spinlock", NULL };
	FILE *f = fopen("/proc/interrupts", "r");
	char line[4096], *colon;

	cost->device_irqs = 0;
	cost->timer_irqs = 0;
	cost->ipis = 0;
	while (f && fgets(line, sizeof(line), f)) {
		colon = strchr(line, ':');
		if (!colon)
			continue;
		if (has_one_of(line, device))
			cost->device_irqs += sum_of(colon + 1);
		else if (has_one_of(line, timer))
			cost->timer_irqs += sum_of(colon + 1);
		else if (has_one_of(line, ipi))
			cost->ipis += sum_of(colon + 1);
	}
	if (f)
		fclose(f);
}

void cost_count_begin(struct cost *cost)
{
	read_irqs(cost);
	cost->switches = read_switches();
	cost_begin(cost);
}

void cost_count_end(struct cost *cost)
{
	struct cost now;

	cost_end(cost);
	now.switches = read_switches();
	read_irqs(&now);
	cost->switches = less(now.switches - cost->switches, looking.switches);
	cost->device_irqs = now.device_irqs - cost->device_irqs;
	cost->timer_irqs = now.timer_irqs - cost->timer_irqs;
	cost->ipis = now.ipis - cost->ipis;
}

void cost_init(void)
{
	struct cost least = { 0 }, cost;

	meter = open(METER, O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < 8; i++) {
		cost_count_begin(&cost);
		cost_count_end(&cost);
		if (!i || cost.running_ns + cost.elapsed_ns <
			  least.running_ns + least.elapsed_ns)
			least = cost;
	}
	looking = least;
}

void cost_print(const char *key, const struct cost *cost, uint32_t count)
{
	printf("%s_ns=%llu\n", key, (unsigned long long)cost->elapsed_ns / count);
	if (meter >= 0)
		printf("%s_run_ns=%llu\n", key,
		       (unsigned long long)cost->running_ns / count);
}

void cost_print_counts(const char *key, const struct cost *cost, uint32_t count)
{
	printf("%s_switches=%.2f\n%s_device_irqs=%.2f\n%s_timer_irqs=%.2f\n%s_ipis=%.2f\n",
	       key, (double)cost->switches / count,
	       key, (double)cost->device_irqs / count,
	       key, (double)cost->timer_irqs / count,
	       key, (double)cost->ipis / count);
}
