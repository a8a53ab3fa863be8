/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What something costs, by several accounts. */
#ifndef COST_H
#define COST_H

#include <stdint.h>

struct cost {
	uint64_t elapsed_ns;
	/* Of the guest's virtual CPUs, by Xen's account; 0 without tests/bench/bare. */
	uint64_t running_ns;
	/* Since the last cost_count_begin(). */
	uint64_t switches, device_irqs, timer_irqs, ipis;
};

/* Find out what there is, and what looking at it costs. */
void cost_init(void);
/* Clocks; what looking at them costs is taken off. */
void cost_begin(struct cost *cost);
void cost_end(struct cost *cost);
/* The same, with the counters of the kernel. */
void cost_count_begin(struct cost *cost);
void cost_count_end(struct cost *cost);
/* As key=value lines, for each of so many operations. */
void cost_print(const char *key, const struct cost *cost, uint32_t count);
void cost_print_counts(const char *key, const struct cost *cost, uint32_t count);

#endif
