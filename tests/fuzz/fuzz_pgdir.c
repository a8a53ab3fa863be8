// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * xen_drm_front_pgdir.c and xen_drm_front_grants.c: buffers that are granted and
 * revoked, or whose directories the backend fills with anything, changes while
 * they are read, and of which it keeps pages mapped. Grant tables that are too
 * small, memory that runs out, and restored domains are part of it.
 */
#include "xen_drm_front_grants.h"
#include "xen_drm_front_pgdir.h"

#include "input.h"
#include "shared.h"

#define BUFFERS		4
#define MAX_PAGES	1100
#define FIRST_DOMID	3
#define DOMIDS		2
#define LINK_SIZE	4
#define PER_DIR		1023

/* Once unmapping has failed, the directory can only be freed. */
enum mapping { UNMAPPED, MAPPED, LOST };

struct buffer {
	struct xen_drm_pgdir *pgdir;
	domid_t domid;
	bool foreign;
	enum mapping mapping;
	unsigned int count;
	/* as the links were before the backend could write them */
	u32 *dirs[8];
	unsigned int num_dirs;
	/* ours: NULL if the buffer is foreign */
	struct page *pages[MAX_PAGES];
	struct xen_drm_backing backing;
	bool has_backing;
};

static struct {
	struct input in;
	struct buffer *buffers[BUFFERS];
	/* that are not released */
	unsigned int backings;

	/* the buffer whose directory is read, and what was there */
	struct buffer *reading;
	u32 seen[MAX_PAGES];
	unsigned int num_seen;
	struct shared dirs[DIV_ROUND_UP(MAX_PAGES, PER_DIR)];
	/* after how many more loads the backend writes this to where it is read */
	unsigned int attack_in;
	u32 attack_value;
	/* every how many-th page cannot be mapped or unmapped, 0: all can */
	unsigned int bad_every;
	int bad_status;
} run;

void fuzz_wait(void)
{
}

/* --- what must be counted -------------------------------------------------------- */

static unsigned int grants_of(const struct buffer *b)
{
	unsigned int grefs = b->count * XEN_PFN_PER_PAGE;

	return (grefs + PER_DIR - 1) / PER_DIR + (b->foreign ? 0 : grefs);
}

static unsigned int living_grants(unsigned int domid)
{
	unsigned int i, count = 0;

	for (i = 0; i < BUFFERS; i++)
		if (run.buffers[i] && (!domid || run.buffers[i]->domid == domid))
			count += grants_of(run.buffers[i]);
	return count;
}

/* Exactly so much can still be taken. */
static void expect_taken(unsigned int taken)
{
	unsigned int left = xen_drm_grants_budget() - taken;

	fuzz_check(taken <= xen_drm_grants_budget(), "%u of %u grants are taken", taken,
		   xen_drm_grants_budget());
	fuzz_check(xen_drm_grants_take(left + 1) == -ENOSPC, "more than %u can be taken", left);
	fuzz_check(!xen_drm_grants_take(left), "%u cannot be taken", left);
	xen_drm_grants_give_back(left);
}

/* Whatever no living buffer has is deferred, for the right domain. */
static void expect_counted(void)
{
	domid_t domid;
	unsigned int deferred;

	expect_taken(fuzz_grants_in_use());
	for (domid = FIRST_DOMID; domid < FIRST_DOMID + DOMIDS; domid++) {
		deferred = fuzz_grants_to(domid) - living_grants(domid);
		fuzz_check(xen_drm_grants_deferred(domid) == deferred,
			   "%lu pages are deferred for domain %u, expected %u",
			   xen_drm_grants_deferred(domid), domid, deferred);
		fuzz_check(xen_drm_grants_too_many_deferred(domid) ==
			   (deferred > xen_drm_grants_max_deferred()),
			   "%u pages deferred, at most %lu", deferred,
			   xen_drm_grants_max_deferred());
	}
	fuzz_check(!xen_drm_grants_deferred(FIRST_DOMID + DOMIDS), "a stranger has pages");
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

	b->num_dirs = walk(xen_drm_pgdir_start(b->pgdir), b->dirs, ARRAY_SIZE(b->dirs));
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

/* At any time: directories are the backend's to write. */
static void backend_scribbles(struct buffer *b)
{
	unsigned int dir, word;

	if (!b)
		return;
	dir = input_u8(&run.in) % b->num_dirs;
	word = input_take(&run.in, 2) % (XEN_PAGE_SIZE / 4);
	b->dirs[dir][word] = input_number(&run.in);
}

/* One page, or more than the table of deferred pages has room for in one piece. */
static void backend_maps(void)
{
	unsigned int choice = input_take(&run.in, 2), count;

	for (count = choice < 0xfc00 ? 1 : 300; count; count--)
		fuzz_backend_maps(choice);
}

static void refill(struct buffer *b)
{
	if (!b || b->mapping == MAPPED)
		return;
	xen_drm_pgdir_refill(b->pgdir);
	expect_directory(b);
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

static int bad_status(unsigned int i)
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

	if (choice < 0xe0)
		return 1 + choice % 24;
	if (choice < 0xf0 || gnttab_max_grant_frames() == 1)
		return choice + input_u8(&run.in);
	return PER_DIR - 2 + choice % 8;
}

static void backing_release(struct kref *ref)
{
	struct buffer *b = container_of(ref, struct buffer, backing.ref);
	unsigned int i;

	fuzz_might_sleep();
	for (i = 0; i < b->count; i++)
		put_page(b->pages[i]);
	free(b);
	run.backings--;
}

/* The pages' owner lets go of them; who else has references keeps them. */
static void drop_pages(struct buffer *b)
{
	unsigned int i;

	if (b->has_backing) {
		kref_put(&b->backing.ref, backing_release);
		return;
	}
	for (i = 0; i < b->count && !b->foreign; i++)
		put_page(b->pages[i]);
	free(b);
}

static struct buffer *new_buffer(bool foreign)
{
	struct buffer *b = calloc(1, sizeof(*b));
	u8 choice = input_u8(&run.in);
	unsigned int i;

	b->foreign = foreign;
	b->domid = FIRST_DOMID + (choice >> 1) % DOMIDS;
	b->count = buffer_size();
	b->has_backing = !foreign && choice & 1;
	run.backings += b->has_backing;
	kref_init(&b->backing.ref);
	b->backing.release = backing_release;
	for (i = 0; i < b->count && !foreign; i++)
		b->pages[i] = alloc_page(GFP_KERNEL);
	return b;
}

static void expect_refused(const struct buffer *b, unsigned int before, bool may_fail)
{
	long error = PTR_ERR(b->pgdir);
	bool fits = before + grants_of(b) <= xen_drm_grants_budget();

	fuzz_check(error == -ENOMEM || error == -ENOSPC, "sharing fails with %ld", error);
	fuzz_check(may_fail || (error == -ENOSPC && !fits), "sharing fails without a reason");
	fuzz_check(fuzz_grants_in_use() == before, "%u grants are left of a failure",
		   fuzz_grants_in_use() - before);
}

static void share(struct buffer **place, bool foreign)
{
	unsigned int before = fuzz_grants_in_use();
	struct buffer *b;
	bool may_fail;

	if (*place || fuzz_pages_left() < 2 * MAX_PAGES)
		return;
	b = new_buffer(foreign);
	fuzz_fail_in = input_u8(&run.in) % 32;
	may_fail = fuzz_fail_in;
	b->pgdir = foreign ? xen_drm_pgdir_prepare_map(b->domid, b->count) :
			     xen_drm_pgdir_grant(b->domid, b->pages, b->count,
						 b->has_backing ? &b->backing : NULL);
	fuzz_fail_in = 0;
	if (IS_ERR(b->pgdir)) {
		expect_refused(b, before, may_fail);
		drop_pages(b);
		return;
	}

	fuzz_check(fuzz_grants_in_use() == before + grants_of(b), "%u grants for %u pages",
		   fuzz_grants_in_use() - before, b->count);
	fuzz_check(xen_drm_pgdir_fits(b->count * PAGE_SIZE, foreign), "what fits does not fit");
	fuzz_check(fuzz_max_grants() - fuzz_grants_in_use() >= fuzz_max_grants() / 8,
		   "nothing is left to disk and network");
	expect_directory(b);
	*place = b;
}

static void expect_mapped(struct buffer *b, int ret, unsigned int before)
{
	bool hole = false, bad = fuzz_map_fails_at < b->count;
	unsigned int i;

	for (i = 0; i < run.num_seen; i++)
		hole |= !run.seen[i];
	for (i = 0; i < b->count; i++)
		bad |= bad_status(i);

	if (hole)
		fuzz_check(ret == -EINVAL, "a directory with a hole is mapped: %d", ret);
	else if (bad)
		fuzz_check(ret == -EIO, "pages that are not mapped are taken: %d", ret);
	else
		fuzz_check(!ret, "mapping returns %d", ret);
	fuzz_check(fuzz_num_mapped() == before + (ret ? 0 : b->count), "%u pages are mapped",
		   fuzz_num_mapped() - before);
}

/* What is unmapped after a failure can fail, too. */
static bool failed_unwinding(unsigned int before)
{
	if (!fuzz_unmap_result || fuzz_num_mapped() == before)
		return false;
	return true;
}

static void map(struct buffer *b)
{
	unsigned int before = fuzz_num_mapped();
	bool lost;
	int ret;

	if (!b || !b->foreign || b->mapping == MAPPED || b->count > fuzz_handles_left())
		return;
	lost = b->mapping == LOST;
	watch_directory(b);
	backend_fills(b->count);
	run.attack_in = input_u8(&run.in) % 64;
	run.attack_value = input_number(&run.in);
	run.bad_every = input_u8(&run.in);
	run.bad_status = input_u8(&run.in) & 1 ? -1 : 1;
	fuzz_map_fails_at = input_u8(&run.in) < 0xd0 ? UINT_MAX : input_take(&run.in, 2) % 1024;
	fuzz_unmap_result = run.bad_status > 0 && input_u8(&run.in) > 0xd0 ? -EFAULT : 0;
	fuzz_map_refs = run.seen;
	fuzz_begin_mapping();
	run.num_seen = 0;
	run.reading = lost ? NULL : b;

	fuzz_fail_in = 1;
	ret = xen_drm_pgdir_map(b->pgdir);
	fuzz_check(fuzz_fail_in == 1, "mapping allocates memory");
	fuzz_fail_in = 0;

	run.reading = NULL;
	shared_remove_all();
	if (lost)
		fuzz_check(ret == -EIO && fuzz_num_mapped() == before, "mapped where pages lack");
	else if (ret && failed_unwinding(before))
		b->mapping = LOST;
	else
		expect_mapped(b, ret, before);
	if (!ret)
		b->mapping = MAPPED;
	fuzz_unmap_result = 0;
	fuzz_map_fails_at = UINT_MAX;
}

/* Also for buffers that are not mapped, and for our own. */
static void unmap(struct buffer *b, bool may_fail)
{
	unsigned int before = fuzz_num_mapped(), i;
	bool fails, was_mapped;
	int ret;

	if (!b)
		return;
	was_mapped = b->mapping == MAPPED;
	run.bad_every = may_fail ? input_u8(&run.in) : 0;
	run.bad_status = -1;
	fuzz_unmap_status = bad_status;
	fuzz_unmap_fails_at = !may_fail || input_u8(&run.in) < 0xe0 ? UINT_MAX :
			      input_take(&run.in, 2) % 1024;
	fuzz_begin_mapping();
	fails = fuzz_unmap_fails_at < b->count;
	for (i = 0; i < b->count; i++)
		fails |= bad_status(i);

	fuzz_fail_in = 1;
	ret = xen_drm_pgdir_unmap(b->pgdir, false);
	fuzz_check(fuzz_fail_in == 1, "unmapping allocates memory");
	fuzz_fail_in = 0;

	fuzz_check(ret == (was_mapped && fails ? -EIO : 0), "unmapping returns %d", ret);
	fuzz_check(!was_mapped || ret || fuzz_num_mapped() == before - b->count,
		   "%u pages are mapped, %u were", fuzz_num_mapped(), before);
	fuzz_unmap_status = NULL;
	fuzz_unmap_fails_at = UINT_MAX;
	b->mapping = ret || b->mapping == LOST ? LOST : UNMAPPED;
}

static void end_share(struct buffer **place)
{
	unsigned int before = fuzz_grants_in_use(), still_mapped;
	struct buffer *b = *place;

	if (!b)
		return;
	if (b->mapping == MAPPED)
		unmap(b, true);
	still_mapped = xen_drm_pgdir_free(b->pgdir);
	fuzz_check(fuzz_grants_in_use() == before - grants_of(b) + still_mapped,
		   "%u of %u grants are revoked, %u pages still mapped",
		   before - fuzz_grants_in_use(), grants_of(b), still_mapped);
	*place = NULL;
	expect_counted();
	drop_pages(b);
}

static void time_passes(void)
{
	unsigned int left;

	fuzz_run_queued_work();
	left = fuzz_grants_in_use() - living_grants(0);
	/* Nobody who still maps a page of no buffer is forgotten, and nobody else is kept. */
	fuzz_check(left <= fuzz_pages_held(), "%u pages are deferred, %u are mapped", left,
		   fuzz_pages_held());
	fuzz_check(!fuzz_run_queued_work() == !left, "%u pages are deferred, and %s", left,
		   left ? "nobody looks" : "somebody looks");
}

/* Mappings are gone; the grants are, too, but revoking them does no harm. */
static void restore(void)
{
	unsigned int i;

	fuzz_xen_restore();
	for (i = 0; i < BUFFERS; i++) {
		if (!run.buffers[i])
			continue;
		fuzz_check(!xen_drm_pgdir_unmap(run.buffers[i]->pgdir, true),
			   "what is forgotten is missed");
		if (run.buffers[i]->mapping == MAPPED)
			run.buffers[i]->mapping = UNMAPPED;
	}
}

static void step(void)
{
	u8 what = input_u8(&run.in);
	struct buffer **place = &run.buffers[what % BUFFERS];

	switch (what / BUFFERS % 13) {
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
		unmap(*place, true);
		break;
	case 6:
		end_share(place);
		break;
	case 7:
		backend_maps();
		break;
	case 8:
		fuzz_backend_lets_go();
		break;
	case 9:
		backend_scribbles(*place);
		break;
	case 10:
		refill(*place);
		break;
	case 11:
		restore();
		break;
	default:
		time_passes();
		break;
	}
	expect_counted();
}

static void begin(void)
{
	u8 size = input_u8(&run.in), version = input_u8(&run.in);

	/* A small table is quick, a large one has room for two pages of directory. */
	fuzz_xen_reset_version(size < 0xf0 ? 1 : FUZZ_MAX_FRAMES,
			       version < 0x80 ? 1 : version < 0xf0 ? 2 : 0);
	fuzz_ram = input_u8(&run.in) * 64;
	fuzz_check(!xen_drm_grants_init(), "no beginning");
	fuzz_check(xen_drm_grants_budget() == fuzz_max_grants() / 8 * 7,
		   "%u of %u grants may be taken", xen_drm_grants_budget(), fuzz_max_grants());
	fuzz_check(xen_drm_grants_max_deferred() <= fuzz_max_grants() / 4 &&
		   xen_drm_grants_max_deferred() <= fuzz_ram / 8 * XEN_PFN_PER_PAGE,
		   "%lu pages may be deferred", xen_drm_grants_max_deferred());
}

/* The module goes, and the core has what the backend does not let go of. */
static void end(void)
{
	unsigned int i;

	for (i = 0; i < BUFFERS; i++)
		end_share(&run.buffers[i]);
	/* Backings that are deferred keep the module. */
	if (run.backings) {
		fuzz_backend_lets_go();
		fuzz_run_queued_work();
		fuzz_check(!run.backings, "%u backings are kept for ever", run.backings);
	}
	xen_drm_grants_exit();
	fuzz_check(!fuzz_run_queued_work(), "something is left to be done");
	for (i = FIRST_DOMID; i < FIRST_DOMID + DOMIDS; i++)
		fuzz_check(!xen_drm_grants_deferred(i), "pages are left in the table");

	/* In the next run the module is new. */
	xen_drm_grants_give_back(fuzz_grants_in_use());
	expect_taken(0);
	fuzz_backend_lets_go();
	fuzz_xen_free_lost_pages();
	fuzz_xen_expect_nothing_left();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	memset(&run, 0, sizeof(run));
	run.in = (struct input) { data, size };
	fuzz_map_status = bad_status;
	begin();
	while (run.in.left)
		step();
	end();
	return 0;
}
