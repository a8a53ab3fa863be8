/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the test programs here say and count. */
#ifndef EXPECT_H
#define EXPECT_H

#include <stdbool.h>
#include <stdio.h>

/* Of the case that runs. */
extern bool all_ok;

#define EXPECT(condition) do {						\
	if (!(condition)) {						\
		printf("  line %d: not true: %s\n", __LINE__, #condition); \
		all_ok = false;						\
	}								\
} while (0)

#endif
