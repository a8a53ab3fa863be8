/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen as far as the driver's files need it: grants, mappings, event channels and
 * XenStore, played in this process. Every one of them knows what is in use, and
 * a misuse ends the run.
 */
#ifndef FUZZ_XEN_H
#define FUZZ_XEN_H

#include "kernel.h"

/* --- grants ---------------------------------------------------------------- */

typedef u32 grant_ref_t;
typedef u32 grant_handle_t;
typedef u16 domid_t;
typedef u32 evtchn_port_t;

#define DOMID_SELF		((domid_t)0x7ff0)
#define INVALID_GRANT_REF	((grant_ref_t)-1)
#define INVALID_GRANT_HANDLE	((grant_handle_t)-1)
#define GNTST_okay		0
#define GNTST_general_error	(-1)
#define GNTTABOP_get_version	10
#define GNTMAP_host_map		2

struct grant_entry_v1 {
	u16 flags;
	domid_t domid;
	u32 frame;
};

union grant_entry_v2 {
	u64 words[2];
};

struct gnttab_get_version {
	domid_t dom;
	u16 pad;
	u32 version;
};

struct gnttab_map_grant_ref {
	u64 host_addr;
	u32 flags;
	grant_ref_t ref;
	domid_t dom;
	int16_t status;
	grant_handle_t handle;
	u64 dev_bus_addr;
};

struct gnttab_unmap_grant_ref {
	u64 host_addr;
	u64 dev_bus_addr;
	grant_handle_t handle;
	int16_t status;
};

int HYPERVISOR_grant_table_op(unsigned int op, void *arg, unsigned int count);
unsigned int gnttab_max_grant_frames(void);
int gnttab_alloc_grant_references(u16 count, grant_ref_t *head);
int gnttab_claim_grant_reference(grant_ref_t *head);
void gnttab_grant_foreign_access_ref(grant_ref_t ref, domid_t domid,
				     unsigned long gfn, int readonly);
int gnttab_try_end_foreign_access(grant_ref_t ref);
void gnttab_end_foreign_access(grant_ref_t ref, struct page *page);
int gnttab_alloc_pages(int count, struct page **pages);
void gnttab_free_pages(int count, struct page **pages);
int gnttab_map_refs(struct gnttab_map_grant_ref *map, void *kmap,
		    struct page **pages, unsigned int count);
int gnttab_unmap_refs(struct gnttab_unmap_grant_ref *unmap, void *kunmap,
		      struct page **pages, unsigned int count);

static inline void gnttab_set_map_op(struct gnttab_map_grant_ref *map, u64 addr,
				     u32 flags, grant_ref_t ref, domid_t domid)
{
	map->host_addr = addr;
	map->flags = flags;
	map->ref = ref;
	map->dom = domid;
	map->status = 1;
}

static inline void gnttab_set_unmap_op(struct gnttab_unmap_grant_ref *unmap, u64 addr,
				       u32 flags, grant_handle_t handle)
{
	unmap->host_addr = addr;
	unmap->dev_bus_addr = 0;
	unmap->handle = handle;
}

/* --- XenStore ---------------------------------------------------------------- */

enum xenbus_state { XenbusStateUnknown };

struct xenbus_device {
	struct device dev;
	const char *nodename;
	const char *otherend;
	domid_t otherend_id;
};

struct xenbus_transaction {
	u32 id;
};

#define XBT_NIL ((struct xenbus_transaction) { 0 })

/* Of the cfg target: the nodes that there are. */
void *xenbus_read(struct xenbus_transaction xbt, const char *dir, const char *node,
		  unsigned int *len);

int xenbus_transaction_start(struct xenbus_transaction *xbt);
int xenbus_transaction_end(struct xenbus_transaction xbt, int abort);
__attribute__((format(printf, 4, 5)))
int xenbus_printf(struct xenbus_transaction xbt, const char *dir, const char *node,
		  const char *fmt, ...);
int xenbus_rm(struct xenbus_transaction xbt, const char *dir, const char *node);

#define xenbus_dev_error(dev, error, ...) \
	((void)(dev), (void)(error), fuzz_message(__VA_ARGS__))

/* --- shared rings and event channels ------------------------------------------- */

#define XEN_EOI_FLAG_SPURIOUS	1

int xenbus_setup_ring(struct xenbus_device *dev, gfp_t gfp, void **vaddr,
		      unsigned int nr_pages, grant_ref_t *grefs);
void xenbus_teardown_ring(void **vaddr, unsigned int nr_pages, grant_ref_t *grefs);
int xenbus_alloc_evtchn(struct xenbus_device *dev, evtchn_port_t *port);
int xenbus_free_evtchn(struct xenbus_device *dev, evtchn_port_t port);
int bind_evtchn_to_irqhandler_lateeoi(evtchn_port_t port, irq_handler_t handler,
				      unsigned long flags, const char *name, void *data);
void unbind_from_irqhandler(unsigned int irq, void *data);
void notify_remote_via_irq(int irq);
void xen_irq_lateeoi(unsigned int irq, unsigned int flags);

/* --- for targets ------------------------------------------------------------- */

#define FUZZ_MAX_FRAMES		4
#define FUZZ_MAX_GRANTS		(FUZZ_MAX_FRAMES * 512)
#define FUZZ_MAX_IRQS		16

/* Everything as in a domain that has just begun, with a grant table that small. */
void fuzz_xen_reset(unsigned int grant_frames);
/* The same, with entries of version 2, or a hypervisor that knows no version: 0. */
void fuzz_xen_reset_version(unsigned int grant_frames, unsigned int version);
/* The domain has been restored: nobody maps anything any more. */
void fuzz_xen_restore(void);
/* What could not be unmapped is lost to the guest, but not to this process. */
void fuzz_xen_free_lost_pages(void);
/* Nothing may be left: grants, pages, mappings, ports, interrupts. */
void fuzz_xen_expect_nothing_left(void);

/* The backend maps one of the granted pages, or lets all of them go. */
void fuzz_backend_maps(unsigned int choice);
void fuzz_backend_lets_go(void);
unsigned int fuzz_pages_held(void);
unsigned int fuzz_max_grants(void);
unsigned int fuzz_grants_in_use(void);
/* Entries that are granted to a domain. */
unsigned int fuzz_grants_to(domid_t domid);
bool fuzz_is_granted(grant_ref_t ref);
/* The granted page, by what a directory says of it, and to whom it is granted. */
unsigned long fuzz_granted_gfn(grant_ref_t ref);
domid_t fuzz_granted_domid(grant_ref_t ref);

/*
 * What the next mapping and unmapping operations say, by the target. They are
 * counted from fuzz_begin_mapping() on.
 */
extern int (*fuzz_map_status)(unsigned int i);
/* NULL: they succeed. */
extern int (*fuzz_unmap_status)(unsigned int i);
/* What the directory said when it was read, or NULL. */
extern const u32 *fuzz_map_refs;
void fuzz_begin_mapping(void);
/* The hypercall returns an error instead of doing this operation, UINT_MAX: never. */
extern unsigned int fuzz_map_fails_at, fuzz_unmap_fails_at;
/* It returns this, and does nothing, if it is not 0. */
extern int fuzz_map_result, fuzz_unmap_result;
unsigned int fuzz_num_mapped(void);
/* None is given out twice in a run. */
unsigned int fuzz_handles_left(void);

/* The interrupt comes unless it is masked. */
bool fuzz_interrupt(unsigned int irq);
bool fuzz_irq_is_masked(unsigned int irq);
/* While this is true, interrupts stay masked. */
extern const bool *fuzz_eoi_forbidden;
/* Flags of the last end of interrupt. */
unsigned int fuzz_last_eoi(unsigned int irq);
/* How often the backend was notified by it. */
unsigned int fuzz_num_notified(unsigned int irq);

#endif /* FUZZ_XEN_H */
