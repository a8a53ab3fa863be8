/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef FAILNTH_H
#define FAILNTH_H

#include <stdbool.h>

/*
 * The n-th allocation or copy of this thread from here on fails, as
 * CONFIG_FAULT_INJECTION has it; fault_hit() ends that and says whether there
 * was an n-th one.
 */
void fault_arm(unsigned int n);
bool fault_hit(void);

#endif
