/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Memory that the backend can write at any time. Every load that the driver does
 * there is seen before it happens: by the instrumentation of single loads
 * (-fsanitize-coverage=trace-loads), and of copies (__asan_memcpy). The target
 * may change the memory then, and ends the run when the load is not allowed.
 */
#ifndef FUZZ_SHARED_H
#define FUZZ_SHARED_H

#include "kernel.h"

struct shared {
	void *address;
	size_t size;
	/* before a load */
	void (*load)(struct shared *shared, size_t offset, size_t size);
	/* after a copy out of it, that many bytes lie at @copy now */
	void (*copied)(struct shared *shared, size_t offset, size_t size, const void *copy);
	/* after a copy into it */
	void (*stored)(struct shared *shared, size_t offset, size_t size);
	/* bytes that have been loaded since shared_forget_loads() */
	u8 loaded[XEN_PAGE_SIZE];
	void *owner;
};

void shared_add(struct shared *shared);
void shared_remove_all(void);
void shared_forget_loads(struct shared *shared);
/* Ends the run when one of these bytes was loaded before. */
void shared_load_once(struct shared *shared, size_t offset, size_t size, const char *what);

/* The backend's own accesses, of any alignment. */
void backend_write(struct shared *shared, size_t offset, const void *data, size_t size);
void backend_read(const struct shared *shared, size_t offset, void *data, size_t size);
void backend_write32(struct shared *shared, size_t offset, u32 value);
u32 backend_read32(const struct shared *shared, size_t offset);

/* The linker's name of the function that copies. */
void *__real___asan_memcpy(void *to, const void *from, size_t size);

#endif /* FUZZ_SHARED_H */
