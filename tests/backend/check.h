/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Unit tests of the backend's pure parts: no Xen, no guest. */
#ifndef CHECK_H
#define CHECK_H

struct check {
	const char *name;
	void (*run)(void);
};

/* The last one has no name. */
extern const struct check conform_checks[];

#endif
