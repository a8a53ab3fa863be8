// SPDX-License-Identifier: GPL-2.0 OR MIT
#include "kernel.h"

/* The first ones are the console's and XenStore's. */
#define RESERVED_GRANTS	8
#define FIRST_PORT	100
#define FIRST_HANDLE	7000
#define MAX_HANDLES	8192

enum grant_state { FREE, TAKEN, GRANTED };

static struct grant {
	enum grant_state state;
	domid_t domid;
	grant_ref_t next;
	unsigned long gfn;
	/* the backend maps it; the domain has been restored since it was given */
	bool held, stale;
	/* to be dropped when the backend lets go of a grant that has ended */
	bool ended;
	struct page *page;
} grants[FUZZ_MAX_GRANTS];

static unsigned int grant_frames, grant_version, num_grants;
static grant_ref_t free_head;
static unsigned int free_count;

static struct irq {
	irq_handler_t handler;
	void *data;
	evtchn_port_t port;
	bool bound, masked;
	unsigned int last_eoi, notified;
} irqs[FUZZ_MAX_IRQS];

static bool port_taken[FUZZ_MAX_IRQS];

/* The page that a handle is mapped at, NULL when it is not. */
static struct page *handles[MAX_HANDLES];
static bool unmap_failed[MAX_HANDLES];
static unsigned int next_handle, num_mapped;
/* pages that the driver must not use again, though nothing is mapped at them */
static struct page *given_up[MAX_HANDLES];
static unsigned int num_given_up;

const bool *fuzz_eoi_forbidden;
int (*fuzz_map_status)(unsigned int i);
int (*fuzz_unmap_status)(unsigned int i);
const u32 *fuzz_map_refs;
unsigned int fuzz_map_fails_at, fuzz_unmap_fails_at;
int fuzz_map_result, fuzz_unmap_result;
/* Operations since fuzz_begin_mapping(). */
static unsigned int num_maps, num_unmaps;

/* --- grants ------------------------------------------------------------------ */

static struct page *page_of(const struct grant *grant)
{
	return fuzz_pfn_to_page(grant->gfn / XEN_PFN_PER_PAGE);
}

static void give_back(grant_ref_t ref)
{
	if (grants[ref].state == GRANTED)
		page_of(&grants[ref])->grants--;
	grants[ref] = (struct grant) { .next = free_head };
	free_head = ref;
	free_count++;
}

static struct grant *granted(grant_ref_t ref, const char *who)
{
	fuzz_check(ref >= RESERVED_GRANTS && ref < num_grants,
		   "%s: grant %u is none of the driver's", who, ref);
	fuzz_check(grants[ref].state == GRANTED && !grants[ref].ended,
		   "%s: grant %u has ended already", who, ref);
	return &grants[ref];
}

int HYPERVISOR_grant_table_op(unsigned int op, void *arg, unsigned int count)
{
	struct gnttab_get_version *query = arg;

	fuzz_check(op == GNTTABOP_get_version && count == 1 && query->dom == DOMID_SELF,
		   "grant table operation %u on %u", op, count);
	if (!grant_version)
		return -EINVAL;
	query->version = grant_version;
	return 0;
}

unsigned int gnttab_max_grant_frames(void)
{
	return grant_frames;
}

int gnttab_alloc_grant_references(u16 count, grant_ref_t *head)
{
	grant_ref_t ref;

	fuzz_check(count, "no grant is asked for");
	if (count > free_count || fuzz_fails())
		return -ENOSPC;

	*head = free_head;
	for (ref = free_head; count--; ref = grants[ref].next) {
		grants[ref].state = TAKEN;
		free_head = grants[ref].next;
		free_count--;
		if (!count)
			grants[ref].next = INVALID_GRANT_REF;
	}
	return 0;
}

int gnttab_claim_grant_reference(grant_ref_t *head)
{
	grant_ref_t ref = *head;

	fuzz_check(ref != INVALID_GRANT_REF, "more grants are claimed than taken");
	*head = grants[ref].next;
	return ref;
}

void gnttab_grant_foreign_access_ref(grant_ref_t ref, domid_t domid,
				     unsigned long gfn, int readonly)
{
	(void)readonly;
	fuzz_check(ref < num_grants && grants[ref].state == TAKEN,
		   "grant %u is used, but was not claimed", ref);
	grants[ref].state = GRANTED;
	grants[ref].domid = domid;
	grants[ref].gfn = gfn;
	page_of(&grants[ref])->grants++;
}

int gnttab_try_end_foreign_access(grant_ref_t ref)
{
	if (granted(ref, __func__)->held)
		return 0;
	give_back(ref);
	return 1;
}

void gnttab_end_foreign_access(grant_ref_t ref, struct page *page)
{
	struct grant *grant = granted(ref, __func__);

	fuzz_check(!page || page->refs > 0, "%s: the page is free", __func__);
	if (grant->held) {
		grant->ended = true;
		grant->page = page;
		return;
	}
	give_back(ref);
	if (page)
		put_page(page);
}

void fuzz_backend_maps(unsigned int choice)
{
	unsigned int i, candidates = 0;

	for (i = 0; i < num_grants; i++)
		candidates += grants[i].state == GRANTED && !grants[i].held;
	if (!candidates)
		return;
	choice %= candidates;
	for (i = 0; i < num_grants; i++)
		if (grants[i].state == GRANTED && !grants[i].held && !choice--)
			grants[i].held = true;
}

void fuzz_backend_lets_go(void)
{
	unsigned int i;

	for (i = 0; i < num_grants; i++) {
		struct page *page = grants[i].page;

		grants[i].held = false;
		if (!grants[i].ended)
			continue;
		give_back(i);
		if (page)
			put_page(page);
	}
}

static unsigned int count_grants(bool (*wanted)(const struct grant *grant))
{
	unsigned int i, count = 0;

	for (i = 0; i < num_grants; i++)
		count += wanted(&grants[i]);
	return count;
}

static bool is_held(const struct grant *grant)
{
	return grant->held && !grant->ended;
}

static bool is_used(const struct grant *grant)
{
	return grant->state != FREE;
}

unsigned int fuzz_pages_held(void)
{
	return count_grants(is_held);
}

unsigned int fuzz_max_grants(void)
{
	return num_grants;
}

unsigned int fuzz_grants_to(domid_t domid)
{
	unsigned int i, count = 0;

	for (i = 0; i < num_grants; i++)
		count += grants[i].state == GRANTED && !grants[i].ended &&
			 grants[i].domid == domid;
	return count;
}

unsigned int fuzz_grants_in_use(void)
{
	return count_grants(is_used) - RESERVED_GRANTS;
}

bool fuzz_is_granted(grant_ref_t ref)
{
	return ref >= RESERVED_GRANTS && ref < num_grants &&
	       grants[ref].state == GRANTED && !grants[ref].ended;
}

unsigned long fuzz_granted_gfn(grant_ref_t ref)
{
	return granted(ref, __func__)->gfn;
}

domid_t fuzz_granted_domid(grant_ref_t ref)
{
	fuzz_check(!granted(ref, __func__)->stale, "grant %u has not survived the restore", ref);
	return granted(ref, __func__)->domid;
}

/* --- the backend's pages ------------------------------------------------------- */

int gnttab_alloc_pages(int count, struct page **pages)
{
	int i;

	if (fuzz_fails())
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		unsigned int keep = fuzz_fail_in;

		fuzz_fail_in = 0;
		pages[i] = alloc_page(GFP_KERNEL);
		fuzz_fail_in = keep;
	}
	return 0;
}

void gnttab_free_pages(int count, struct page **pages)
{
	while (count--) {
		fuzz_check(!pages[count]->foreign, "a page is freed that is marked as foreign");
		put_page(pages[count]);
	}
}

void fuzz_begin_mapping(void)
{
	num_maps = 0;
	num_unmaps = 0;
}

static void map_one(struct gnttab_map_grant_ref *map, struct page *page)
{
	fuzz_check(map->host_addr == (u64)page_address(page), "a page is mapped elsewhere");
	fuzz_check(next_handle < MAX_HANDLES, "the target maps too much");
	fuzz_check(!page->mappings, "two pages are mapped at one");
	handles[next_handle] = page;
	page->mappings++;
	num_mapped++;
	map->handle = FIRST_HANDLE + next_handle++;
}

int gnttab_map_refs(struct gnttab_map_grant_ref *map, void *kmap,
		    struct page **pages, unsigned int count)
{
	unsigned int i;

	(void)kmap;
	fuzz_might_sleep();
	for (i = 0; i < count; i++)
		fuzz_check(map[i].ref && (!fuzz_map_refs || map[i].ref == fuzz_map_refs[num_maps + i]),
			   "page %u is mapped by grant %u, the directory said otherwise",
			   num_maps + i, map[i].ref);
	if (fuzz_map_result)
		return fuzz_map_result;

	for (i = 0; i < count; i++, num_maps++) {
		if (num_maps == fuzz_map_fails_at)
			return -EFAULT;
		map[i].status = fuzz_map_status(num_maps);
		map[i].handle = -1;
		if (!map[i].status)
			map_one(&map[i], pages[i]);
	}
	for (i = 0; i < count; i++)
		pages[i]->foreign |= !map[i].status;
	return 0;
}

static void unmap_one(struct gnttab_unmap_grant_ref *unmap, struct page *page)
{
	unsigned int n = unmap->handle - FIRST_HANDLE;

	fuzz_check(n < next_handle && handles[n], "handle %u is unmapped, which is not mapped",
		   unmap->handle);
	fuzz_check(handles[n] == page && unmap->host_addr == (u64)page_address(page),
		   "handle %u is unmapped at another page", unmap->handle);
	handles[n] = NULL;
	page->mappings--;
	num_mapped--;
}

static int unmap_status(const struct gnttab_unmap_grant_ref *unmap)
{
	if (unmap->handle == INVALID_GRANT_HANDLE)
		return GNTST_general_error;
	return fuzz_unmap_status ? fuzz_unmap_status(num_unmaps) : 0;
}

/* The driver cannot know what has been unmapped: it must use none of the pages again. */
static int unmap_fails(struct gnttab_unmap_grant_ref *unmap, struct page **pages,
		       unsigned int done, unsigned int count, int error)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		unsigned int n = unmap[i].handle - FIRST_HANDLE;

		if (i < done && !unmap[i].status)
			given_up[num_given_up++] = pages[i];
		else if (n < next_handle)
			unmap_failed[n] = true;
	}
	return error;
}

/* A handle that never was one is refused; a former one might be another's by now. */
int gnttab_unmap_refs(struct gnttab_unmap_grant_ref *unmap, void *kunmap,
		      struct page **pages, unsigned int count)
{
	unsigned int i;

	(void)kunmap;
	fuzz_might_sleep();
	if (fuzz_unmap_result)
		return unmap_fails(unmap, pages, 0, count, fuzz_unmap_result);

	for (i = 0; i < count; i++, num_unmaps++) {
		if (num_unmaps == fuzz_unmap_fails_at)
			return unmap_fails(unmap, pages, i, count, -EFAULT);
		unmap[i].status = unmap_status(&unmap[i]);
		if (!unmap[i].status)
			unmap_one(&unmap[i], pages[i]);
		else if (unmap[i].handle != INVALID_GRANT_HANDLE)
			unmap_failed[unmap[i].handle - FIRST_HANDLE] = true;
	}
	for (i = 0; i < count; i++)
		pages[i]->foreign = false;
	return 0;
}

void fuzz_xen_restore(void)
{
	unsigned int i;

	for (i = 0; i < num_grants; i++) {
		grants[i].held = false;
		grants[i].stale = grants[i].state == GRANTED;
	}
	for (i = 0; i < next_handle; i++) {
		if (!handles[i])
			continue;
		handles[i]->mappings--;
		num_mapped--;
		/* It might be used again, but the driver does not know it any more. */
		if (unmap_failed[i])
			given_up[num_given_up++] = handles[i];
		handles[i] = NULL;
	}
}

unsigned int fuzz_handles_left(void)
{
	return MAX_HANDLES - next_handle;
}

unsigned int fuzz_num_mapped(void)
{
	return num_mapped;
}

/* --- rings, event channels ----------------------------------------------------- */

/* A ring has one page here; it is found again by its address. */
static struct page *ring_pages[FUZZ_MAX_IRQS];

int xenbus_setup_ring(struct xenbus_device *dev, gfp_t gfp, void **vaddr,
		      unsigned int nr_pages, grant_ref_t *grefs)
{
	struct page **slot = ring_pages;
	grant_ref_t head;

	(void)dev;
	fuzz_check(nr_pages == 1, "a ring of %u pages", nr_pages);
	*grefs = INVALID_GRANT_REF;
	*vaddr = NULL;
	while (*slot)
		slot++;
	*slot = alloc_page(gfp | __GFP_ZERO);
	if (!*slot)
		return -ENOMEM;
	if (gnttab_alloc_grant_references(1, &head)) {
		put_page(*slot);
		*slot = NULL;
		return -ENOSPC;
	}
	*grefs = gnttab_claim_grant_reference(&head);
	gnttab_grant_foreign_access_ref(*grefs, dev->otherend_id,
					pfn_to_gfn(page_to_xen_pfn(*slot)), 0);
	*vaddr = (*slot)->address;
	return 0;
}

void xenbus_teardown_ring(void **vaddr, unsigned int nr_pages, grant_ref_t *grefs)
{
	struct page **slot = ring_pages;

	fuzz_check(nr_pages == 1, "a ring of %u pages", nr_pages);
	if (!*vaddr) {
		fuzz_check(*grefs == INVALID_GRANT_REF, "a ring without page has a grant");
		return;
	}
	while (!*slot || (*slot)->address != *vaddr)
		fuzz_check(++slot < ring_pages + ARRAY_SIZE(ring_pages), "no such ring");
	if (*grefs != INVALID_GRANT_REF)
		gnttab_end_foreign_access(*grefs, *slot);
	else
		put_page(*slot);
	*slot = NULL;
	*grefs = INVALID_GRANT_REF;
	*vaddr = NULL;
}

int xenbus_alloc_evtchn(struct xenbus_device *dev, evtchn_port_t *port)
{
	unsigned int i;

	(void)dev;
	if (fuzz_fails())
		return -ENOSPC;
	for (i = 0; port_taken[i]; i++)
		;
	port_taken[i] = true;
	*port = FIRST_PORT + i;
	return 0;
}

int xenbus_free_evtchn(struct xenbus_device *dev, evtchn_port_t port)
{
	(void)dev;
	fuzz_check(port_taken[port - FIRST_PORT], "port %u is freed twice", port);
	port_taken[port - FIRST_PORT] = false;
	return 0;
}

int bind_evtchn_to_irqhandler_lateeoi(evtchn_port_t port, irq_handler_t handler,
				      unsigned long flags, const char *name, void *data)
{
	unsigned int i;

	(void)flags;
	(void)name;
	fuzz_check(port_taken[port - FIRST_PORT], "port %u is bound, but not ours", port);
	if (fuzz_fails())
		return -ENOMEM;
	for (i = 0; irqs[i].bound; i++)
		;
	irqs[i] = (struct irq) {
		.handler = handler, .data = data, .port = port, .bound = true,
	};
	return i;
}

void unbind_from_irqhandler(unsigned int irq, void *data)
{
	fuzz_check(irq < FUZZ_MAX_IRQS && irqs[irq].bound && irqs[irq].data == data,
		   "interrupt %u is unbound, but not bound", irq);
	irqs[irq].bound = false;
	port_taken[irqs[irq].port - FIRST_PORT] = false;
}

void notify_remote_via_irq(int irq)
{
	fuzz_check(irq >= 0 && irqs[irq].bound, "notifies by interrupt %d, not bound", irq);
	irqs[irq].notified++;
}

void xen_irq_lateeoi(unsigned int irq, unsigned int flags)
{
	fuzz_check(irq < FUZZ_MAX_IRQS && irqs[irq].bound, "ends interrupt %u, not bound", irq);
	fuzz_check(irqs[irq].masked, "ends interrupt %u twice", irq);
	fuzz_check(!fuzz_eoi_forbidden || !*fuzz_eoi_forbidden,
		   "ends interrupt %u of a broken connection", irq);
	irqs[irq].masked = false;
	irqs[irq].last_eoi = flags;
}

bool fuzz_interrupt(unsigned int irq)
{
	if (!irqs[irq].bound || irqs[irq].masked)
		return false;
	irqs[irq].masked = true;
	fuzz_atomic_begin();
	fuzz_check(irqs[irq].handler(irq, irqs[irq].data) == IRQ_HANDLED,
		   "interrupt %u is not handled", irq);
	fuzz_atomic_end();
	return true;
}

bool fuzz_irq_is_masked(unsigned int irq)
{
	return irqs[irq].masked;
}

unsigned int fuzz_last_eoi(unsigned int irq)
{
	return irqs[irq].last_eoi;
}

unsigned int fuzz_num_notified(unsigned int irq)
{
	return irqs[irq].notified;
}

/* --- all of it ------------------------------------------------------------------ */

void fuzz_xen_reset(unsigned int frames)
{
	fuzz_xen_reset_version(frames, 1);
}

void fuzz_xen_reset_version(unsigned int frames, unsigned int version)
{
	unsigned int i;

	fuzz_memory_reset();
	jiffies = -300UL * HZ;
	grant_frames = frames;
	grant_version = version;
	num_grants = frames * (version == 2 ? 256 : 512);
	memset(grants, 0, sizeof(grants));
	memset(irqs, 0, sizeof(irqs));
	memset(port_taken, 0, sizeof(port_taken));
	memset(handles, 0, next_handle * sizeof(*handles));
	next_handle = 0;
	num_mapped = 0;
	memset(unmap_failed, 0, sizeof(unmap_failed));
	num_given_up = 0;
	fuzz_map_result = 0;
	fuzz_unmap_result = 0;
	fuzz_map_fails_at = UINT_MAX;
	fuzz_unmap_fails_at = UINT_MAX;
	fuzz_eoi_forbidden = NULL;
	fuzz_spinlock_hook = NULL;
	fuzz_delay_hook = NULL;
	fuzz_fail_in = 0;
	free_count = 0;
	free_head = INVALID_GRANT_REF;
	for (i = 0; i < num_grants; i++) {
		if (i < RESERVED_GRANTS)
			grants[i].state = TAKEN;
		else
			give_back(i);
	}
}

void fuzz_xen_free_lost_pages(void)
{
	unsigned int i;

	for (i = 0; i < next_handle; i++) {
		struct page *page = handles[i];

		if (!page)
			continue;
		handles[i] = NULL;
		num_mapped--;
		page->mappings--;
		put_page(page);
	}
	while (num_given_up)
		put_page(given_up[--num_given_up]);
}

void fuzz_xen_expect_nothing_left(void)
{
	unsigned int i;

	fuzz_memory_expect_nothing_left();

	fuzz_check(!fuzz_grants_in_use(), "%u grants are left", fuzz_grants_in_use());
	fuzz_check(!num_mapped, "%u pages of the backend are left mapped", num_mapped);
	for (i = 0; i < FUZZ_MAX_IRQS; i++) {
		fuzz_check(!irqs[i].bound, "interrupt %u is left", i);
		fuzz_check(!port_taken[i], "port %u is left", FIRST_PORT + i);
		fuzz_check(!ring_pages[i], "a ring's page is left");
	}
}
