/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef STAGE_H
#define STAGE_H

#include "kmspaint.h"

#define STAGE_BUFFERS 6

/* What one connector shows: frame k, of seed + k, is in buf[k % buffers]. */
struct stage {
	struct head head;
	struct buffer buf[STAGE_BUFFERS];
	unsigned int buffers;
	struct size fb;
};

struct size size_or(struct size size, struct size other);
/* Frame 0 on the screen, in the first of so many buffers; all must succeed. */
void stage_open(struct kms *kms, const struct options *opt, struct stage *stage,
		unsigned int connector, unsigned int buffers);
void stage_close(struct kms *kms, struct stage *stage);
void stage_paint(const struct options *opt, struct stage *stage, unsigned int k);
/* SIGBUS ends the program with 4 and says so. */
void sigbus_ends(void);

#endif
