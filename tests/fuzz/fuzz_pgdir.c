// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * xen_drm_front_pgdir.c and xen_drm_front_held.c: buffers that are granted and
 * revoked, or whose directories the backend fills with anything, changes while
 * they are read, and of which it keeps pages mapped. Grant tables that are too
 * small and memory that runs out are part of it.
 */
#include "xen_drm_front.h"

#include "input.h"
#include "shared.h"

#define BUFFERS		4
#define MAX_PAGES	1100
#define DOMID		3
#define LINK_SIZE	4
#define PER_DIR		1023

/* Once unmapping has failed, the share can only be ended. */
enum mapping { UNMAPPED, MAPPED, LOST };

struct buffer {
	struct xen_drm_front_pgdir *pgdir;
	bool foreign;
	enum mapping mapping;
	unsigned int count;
	/* as the links were before the backend could write them */
	u32 *dirs[8];
	unsigned int num_dirs;
	/* ours: NULL if the buffer is foreign */
	struct page *pages[MAX_PAGES];
	struct xen_drm_front_block block;
	bool has_block;
};

static struct {
	struct input in;
	struct xen_drm_front_held held;
	struct buffer *buffers[BUFFERS];
	/* that are not released */
	unsigned int blocks;
	unsigned long ram;

	/* the buffer whose directory is read, and what was there */
	struct buffer *reading;
	u32 seen[MAX_PAGES];
	unsigned int num_seen;
	struct shared dirs[DIV_ROUND_UP(MAX_PAGES, PER_DIR)];
	/* after how many more loads the backend writes this to where it is read */
	unsigned int attack_in;
	u32 attack_value;
	/* every how many-th page cannot be mapped, 0: all can */
	unsigned int bad_every;
	int bad_status;
} run;

unsigned long totalram_pages(void)
{
	return run.ram;
}

void fuzz_wait(void)
{
}

/* --- as the backend sees it ---------------------------------------------------- */

/* What is at the address of a grant. */
static u8 *granted_memory(grant_ref_t ref)
{
	unsigned long gfn = fuzz_granted_gfn(ref);
	struct page *page = fuzz_pfn_to_page(gfn / XEN_PFN_PER_PAGE);

	return (u8 *)page->address + gfn % XEN_PFN_PER_PAGE * XEN_PAGE_SIZE;
}

/* Follows the links; returns the number of pages. */
static unsigned int walk(grant_ref_t ref, u32 *dirs[], unsigned int max)
{
	unsigned int count = 0;

	while (ref) {
		fuzz_check(count < max, "the directory goes on and on");
		dirs[count] = (u32 *)granted_memory(ref);
		ref = *dirs[count++];
	}
	return count;
}

static void expect_directory(struct buffer *b)
{
	unsigned int grefs = b->count * XEN_PFN_PER_PAGE, i, entry;

	b->num_dirs = walk(xen_drm_front_pgdir_start(b->pgdir), b->dirs, ARRAY_SIZE(b->dirs));
	fuzz_check(b->num_dirs == (grefs + PER_DIR - 1) / PER_DIR,
		   "%u pages of directory for %u grants", b->num_dirs, grefs);
	for (i = 0; i < b->num_dirs * PER_DIR; i++) {
		entry = b->dirs[i / PER_DIR][1 + i % PER_DIR];
		if (b->foreign || i >= grefs) {
			fuzz_check(!entry, "entry %u of %u is %u", i, grefs, entry);
			continue;
		}
		fuzz_check(granted_memory(entry) == (u8 *)b->pages[i / XEN_PFN_PER_PAGE]->address +
			   i % XEN_PFN_PER_PAGE * XEN_PAGE_SIZE,
			   "entry %u of %u is another page", i, grefs);
	}
}

/* --- directories that the driver reads ------------------------------------------- */

static void dir_load(struct shared *shared, size_t offset, size_t size)
{
	u32 value;

	fuzz_check(run.reading, "a directory is read without need");
	fuzz_check(size == 4 && offset >= LINK_SIZE, "%zu bytes at %zu of a directory are read",
		   size, offset);
	shared_load_once(shared, offset, size, "directory");
	if (run.attack_in && !--run.attack_in)
		backend_write32(shared, offset, run.attack_value);
	value = backend_read32(shared, offset);
	fuzz_check(run.num_seen < run.reading->count, "more is read than there is");
	run.seen[run.num_seen++] = value;
}

static int map_status(unsigned int i)
{
	return run.bad_every && i % run.bad_every == run.bad_every - 1 ? run.bad_status : 0;
}

static void watch_directory(struct buffer *b)
{
	unsigned int i;

	for (i = 0; i < b->num_dirs; i++) {
		run.dirs[i] = (struct shared) {
			.address = b->dirs[i], .size = XEN_PAGE_SIZE, .load = dir_load,
		};
		shared_add(&run.dirs[i]);
	}
}

/* Any reference, most of them not 0. */
static void backend_fills(unsigned int count)
{
	u8 seed = input_u8(&run.in), holes = input_u8(&run.in);
	unsigned int i, hole = holes & 0x80 ? input_take(&run.in, 2) : MAX_PAGES;
	u32 value;

	for (i = 0; i < count; i++) {
		value = i == hole ? 0 : (seed + i) * 0x9e3779b1U | 1;
		backend_write32(&run.dirs[i / PER_DIR], LINK_SIZE + i % PER_DIR * 4, value);
	}
	/* The link is nobody's business but the driver's own. */
	if (holes & 1)
		backend_write32(&run.dirs[0], 0, input_number(&run.in));
}

/* --- what the driver is asked to do ------------------------------------------------ */

static unsigned int buffer_size(void)
{
	u8 choice = input_u8(&run.in);

	if (choice < 0xf0)
		return 1 + choice % 24;
	return gnttab_max_grant_frames() == 1 ? choice : PER_DIR - 2 + choice % 8;
}

static void block_release(struct kref *ref)
{
	struct buffer *b = container_of(ref, struct buffer, block.ref);
	unsigned int i;

	for (i = 0; i < b->count; i++)
		put_page(b->pages[i]);
	free(b);
	run.blocks--;
}

/* The pages' owner lets go of them; who else has references keeps them. */
static void drop_pages(struct buffer *b)
{
	unsigned int i;

	if (b->has_block) {
		kref_put(&b->block.ref, block_release);
		return;
	}
	for (i = 0; i < b->count && !b->foreign; i++)
		put_page(b->pages[i]);
	free(b);
}

static struct buffer *new_buffer(bool foreign)
{
	struct buffer *b = calloc(1, sizeof(*b));
	unsigned int i;

	b->foreign = foreign;
	b->count = buffer_size();
	b->has_block = !foreign && input_u8(&run.in) & 1;
	run.blocks += b->has_block;
	kref_init(&b->block.ref);
	b->block.release = block_release;
	for (i = 0; i < b->count && !foreign; i++)
		b->pages[i] = alloc_page(GFP_KERNEL);
	return b;
}

static void share(struct buffer **place, bool foreign)
{
	unsigned int before = fuzz_grants_in_use(), reserve;
	struct buffer *b;

	if (*place || fuzz_pages_left() < 2 * MAX_PAGES)
		return;
	b = new_buffer(foreign);
	fuzz_fail_in = input_u8(&run.in) % 32;
	b->pgdir = foreign ?
		xen_drm_front_pgdir_prepare_map(&run.held, DOMID, b->count) :
		xen_drm_front_pgdir_grant(&run.held, DOMID, b->pages, b->count,
					  b->has_block ? &b->block : NULL);
	fuzz_fail_in = 0;
	if (IS_ERR(b->pgdir)) {
		fuzz_check(PTR_ERR(b->pgdir) == -ENOMEM || PTR_ERR(b->pgdir) == -ENOSPC,
			   "sharing fails with %ld", PTR_ERR(b->pgdir));
		fuzz_check(fuzz_grants_in_use() == before, "%u grants are left of a failure",
			   fuzz_grants_in_use() - before);
		drop_pages(b);
		return;
	}

	reserve = gnttab_max_grant_frames() * 512 / 8;
	fuzz_check(gnttab_max_grant_frames() * 512 - fuzz_grants_in_use() >= reserve,
		   "nothing is left to disk and network");
	expect_directory(b);
	*place = b;
}

static void expect_mapped(struct buffer *b, int ret, unsigned int mapped_before)
{
	bool hole = false, bad = false;
	unsigned int i;

	for (i = 0; i < run.num_seen; i++)
		hole |= !run.seen[i];
	for (i = 0; i < b->count; i++)
		bad |= map_status(i);

	if (ret == -ENOMEM)
		fuzz_check(fuzz_num_mapped() == mapped_before, "mapped without memory");
	else if (hole)
		fuzz_check(ret == -EINVAL, "a directory with a hole is mapped: %d", ret);
	else if (fuzz_map_result)
		fuzz_check(ret == fuzz_map_result, "mapping returns %d", ret);
	else if (bad)
		fuzz_check(ret == -ENXIO, "pages that are not mapped are taken: %d", ret);
	else
		fuzz_check(!ret, "mapping returns %d", ret);
	fuzz_check(fuzz_num_mapped() == mapped_before + (ret ? 0 : b->count),
		   "%u pages are mapped", fuzz_num_mapped() - mapped_before);
}

static void map(struct buffer *b)
{
	unsigned int before = fuzz_num_mapped();
	int ret;

	if (!b || !b->foreign || b->mapping != UNMAPPED || b->count > fuzz_handles_left())
		return;
	watch_directory(b);
	backend_fills(b->count);
	run.attack_in = input_u8(&run.in) % 64;
	run.attack_value = input_number(&run.in);
	run.bad_every = input_u8(&run.in) % 32;
	run.bad_status = input_u8(&run.in) & 1 ? -1 : 1;
	fuzz_map_result = input_u8(&run.in) < 0xe0 ? 0 : -EFAULT;
	fuzz_map_refs = run.seen;
	run.num_seen = 0;
	run.reading = b;

	fuzz_fail_in = input_u8(&run.in) % 16;
	ret = xen_drm_front_pgdir_map(b->pgdir);
	fuzz_fail_in = 0;

	run.reading = NULL;
	expect_mapped(b, ret, before);
	fuzz_map_result = 0;
	shared_remove_all();
	if (!ret)
		b->mapping = MAPPED;
}

/* Also for buffers that are not mapped. */
static void unmap(struct buffer *b)
{
	unsigned int before = fuzz_num_mapped();
	bool was_mapped;
	int ret;

	if (!b)
		return;
	was_mapped = b->mapping == MAPPED;
	fuzz_unmap_result = input_u8(&run.in) < 0xf0 ? 0 : -EFAULT;
	ret = xen_drm_front_pgdir_unmap(b->pgdir);
	fuzz_check(ret == (was_mapped && fuzz_unmap_result ? -EIO : 0), "unmapping returns %d",
		   ret);
	fuzz_check(fuzz_num_mapped() == before - (was_mapped && !ret ? b->count : 0),
		   "%u pages are mapped, %u were", fuzz_num_mapped(), before);
	fuzz_unmap_result = 0;
	b->mapping = ret || b->mapping == LOST ? LOST : UNMAPPED;
}

static unsigned int grants_of(const struct buffer *b)
{
	unsigned int grefs = b->count * XEN_PFN_PER_PAGE;

	return (grefs + PER_DIR - 1) / PER_DIR + (b->foreign ? 0 : grefs);
}

static void end_share(struct buffer **place)
{
	unsigned long counted = run.held.num_pages;
	unsigned int before = fuzz_grants_in_use(), still_mapped;
	struct buffer *b = *place;

	if (!b)
		return;
	if (b->mapping == MAPPED)
		unmap(b);
	still_mapped = xen_drm_front_pgdir_free(b->pgdir);
	fuzz_check(fuzz_grants_in_use() == before - grants_of(b) + still_mapped,
		   "%u of %u grants are revoked, %u pages still mapped",
		   before - fuzz_grants_in_use(), grants_of(b), still_mapped);
	fuzz_check(run.held.num_pages == counted + still_mapped, "%u pages are held, %lu counted",
		   still_mapped, run.held.num_pages - counted);
	drop_pages(b);
	*place = NULL;
}

/* What no buffer has any more is held, and nothing else is. */
static void expect_counted(void)
{
	unsigned int i;

	for (i = 0; i < BUFFERS; i++)
		if (run.buffers[i])
			return;
	fuzz_check(run.held.num_pages >= fuzz_pages_held() &&
		   run.held.num_pages == fuzz_grants_in_use(),
		   "%lu held pages are counted, %u are, with %u grants", run.held.num_pages,
		   fuzz_pages_held(), fuzz_grants_in_use());
}

static void time_passes(void)
{
	unsigned int i;

	fuzz_run_work(&run.held.reaper.work);
	fuzz_check(!run.held.num_pages || run.held.reaper.work.queued,
		   "held pages are forgotten");
	for (i = 0; i < BUFFERS; i++)
		if (run.buffers[i])
			return;
	fuzz_check(run.held.num_pages == fuzz_pages_held(), "%lu pages are counted, %u are held",
		   run.held.num_pages, fuzz_pages_held());
}

static void step(void)
{
	u8 what = input_u8(&run.in);
	struct buffer **place = &run.buffers[what % BUFFERS];

	switch (what / BUFFERS % 10) {
	case 0:
	case 1:
		share(place, false);
		break;
	case 2:
		if (XEN_PFN_PER_PAGE == 1)
			share(place, true);
		break;
	case 3:
	case 4:
		map(*place);
		break;
	case 5:
		unmap(*place);
		break;
	case 6:
		end_share(place);
		break;
	case 7:
		fuzz_backend_maps(input_take(&run.in, 2));
		break;
	case 8:
		fuzz_backend_lets_go();
		break;
	default:
		time_passes();
		break;
	}
	expect_counted();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	unsigned int i;

	memset(&run, 0, sizeof(run));
	run.in = (struct input) { data, size };
	fuzz_map_status = map_status;
	/* A small table is quick, a large one has room for two pages of directory. */
	fuzz_xen_reset(input_u8(&run.in) < 0xf0 ? 1 : FUZZ_MAX_FRAMES);
	run.ram = input_u8(&run.in) * 64;
	xen_drm_front_held_init(&run.held);
	fuzz_check(run.held.max_pages <= gnttab_max_grant_frames() * 128 &&
		   run.held.max_pages <= run.ram / 8 * XEN_PFN_PER_PAGE,
		   "%lu pages may be held", run.held.max_pages);

	while (run.in.left)
		step();
	for (i = 0; i < BUFFERS; i++)
		end_share(&run.buffers[i]);
	/* The module stays until the reaper sees that the last block may go. */
	if (run.blocks) {
		fuzz_backend_lets_go();
		fuzz_run_work(&run.held.reaper.work);
		fuzz_check(!run.blocks, "%u blocks are held for ever", run.blocks);
	}
	xen_drm_front_held_hand_over(&run.held);
	fuzz_check(xen_drm_front_held_finish(&run.held), "something is left to be done");
	fuzz_backend_lets_go();
	fuzz_check(!run.held.num_pages, "%lu pages are held for ever", run.held.num_pages);
	fuzz_xen_free_lost_pages();
	fuzz_xen_expect_nothing_left();
	return 0;
}
