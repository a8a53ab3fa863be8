// SPDX-License-Identifier: GPL-2.0 OR MIT
#include "shared.h"

#define MAX_SHARED 16

static struct shared *all[MAX_SHARED];
static unsigned int num_shared;

void shared_add(struct shared *shared)
{
	fuzz_check(num_shared < MAX_SHARED, "too much shared memory");
	shared_forget_loads(shared);
	all[num_shared++] = shared;
}

void shared_remove_all(void)
{
	num_shared = 0;
}

void shared_forget_loads(struct shared *shared)
{
	memset(shared->loaded, 0, sizeof(shared->loaded));
}

void shared_load_once(struct shared *shared, size_t offset, size_t size, const char *what)
{
	for (; size--; offset++) {
		fuzz_check(!shared->loaded[offset], "%s, byte %zu: loaded twice", what, offset);
		shared->loaded[offset] = 1;
	}
}

static struct shared *find(const void *address, size_t *offset)
{
	unsigned int i;

	for (i = 0; i < num_shared; i++) {
		*offset = (const char *)address - (char *)all[i]->address;
		if (*offset < all[i]->size)
			return all[i];
	}
	return NULL;
}

static void loads(const void *address, size_t size)
{
	struct shared *shared;
	size_t offset;

	shared = find(address, &offset);
	if (shared)
		shared->load(shared, offset, size);
}

/* The compiler makes the calls of these; there is no header for them. */
void __sanitizer_cov_load1(u8 *address)
{
	loads(address, 1);
}

void __sanitizer_cov_load2(u16 *address)
{
	loads(address, 2);
}

void __sanitizer_cov_load4(u32 *address)
{
	loads(address, 4);
}

void __sanitizer_cov_load8(u64 *address)
{
	loads(address, 8);
}

void __sanitizer_cov_load16(void *address)
{
	loads(address, 16);
}

void *__wrap___asan_memcpy(void *to, const void *from, size_t size)
{
	struct shared *shared;
	size_t offset;

	shared = num_shared ? find(from, &offset) : NULL;
	if (shared) {
		fuzz_check(size <= shared->size - offset, "a copy of %zu bytes from %zu",
			   size, offset);
		shared->load(shared, offset, size);
	}
	__real___asan_memcpy(to, from, size);
	if (shared && shared->copied)
		shared->copied(shared, offset, size, to);

	shared = num_shared ? find(to, &offset) : NULL;
	if (shared && shared->stored)
		shared->stored(shared, offset, size);
	return to;
}

void backend_write(struct shared *shared, size_t offset, const void *data, size_t size)
{
	volatile u8 *to = (u8 *)shared->address + offset;
	size_t i;

	for (i = 0; i < size && offset + i < shared->size; i++)
		to[i] = ((const u8 *)data)[i];
}

void backend_read(const struct shared *shared, size_t offset, void *data, size_t size)
{
	const volatile u8 *from = (u8 *)shared->address + offset;
	size_t i;

	for (i = 0; i < size && offset + i < shared->size; i++)
		((u8 *)data)[i] = from[i];
}

void backend_write32(struct shared *shared, size_t offset, u32 value)
{
	backend_write(shared, offset, &value, sizeof(value));
}

u32 backend_read32(const struct shared *shared, size_t offset)
{
	u32 value;

	backend_read(shared, offset, &value, sizeof(value));
	return value;
}
