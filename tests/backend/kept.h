/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What others may ask about the pages that attacks keep. */
#ifndef KEPT_H
#define KEPT_H

#include <stddef.h>
#include <stdint.h>

uint64_t kept_pages(void);

/* How often @pattern is in them; it would be the guest's later secrets. */
uint64_t kept_search(const void *pattern, size_t len);

void kept_end_all(void);

#endif
