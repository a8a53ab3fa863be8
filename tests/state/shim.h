/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What xen_drm_front_state.c takes from the kernel. */
#ifndef STATE_SHIM_H
#define STATE_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT_SYMBOL_IF_KUNIT(symbol)
#define min(x, y)	((x) < (y) ? (x) : (y))
#define max(x, y)	((x) > (y) ? (x) : (y))

#endif /* STATE_SHIM_H */
