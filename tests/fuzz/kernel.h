/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The kernel as far as the driver's files need it, for user space. Every header
 * that they include is this one, but for those of Xen's protocols, which are the
 * kernel's own. One thread: a lock is a flag, and that a lock is held, or that
 * sleeping is allowed, is checked. What another thread would do meanwhile happens
 * in fuzz_wait().
 */
#ifndef FUZZ_KERNEL_H
#define FUZZ_KERNEL_H

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;
typedef unsigned int gfp_t;

/* Inside the kernel only. */
#define ERESTARTSYS	512

#define U16_MAX		0xffff
#define U32_MAX		0xffffffffU

/* --- what ends a run ------------------------------------------------------- */

/* The driver did what it must never do; says what, and aborts. */
__attribute__((noreturn, format(printf, 1, 2))) void fuzz_broken(const char *fmt, ...);

#define fuzz_check(condition, ...) do {	\
	if (!(condition))		\
		fuzz_broken(__VA_ARGS__); \
} while (0)

/* Counts down; the operation that finds it at 1 fails. 0: none does. */
extern unsigned int fuzz_fail_in;
bool fuzz_fails(void);
/* A target's: what happens while the driver sleeps. */
void fuzz_wait(void);

/* --- language ---------------------------------------------------------------- */

#define __printf(fmt, args)
#define __counted_by(member)
#define __maybe_unused		__attribute__((unused))
#define barrier()		__asm__ volatile("" : : : "memory")
#define virt_mb()		barrier()
#define virt_rmb()		barrier()
#define virt_wmb()		barrier()
#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value)	(*(volatile __typeof__(x) *)&(x) = (value))
#define EXPORT_SYMBOL_IF_KUNIT(symbol)
#define KUNIT_STATIC_STUB_REDIRECT(...)	do { } while (0)

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define DIV_ROUND_UP_ULL(n, d)	(((u64)(n) + (d) - 1) / (d))
#define div_u64(n, d)		((u64)(n) / (u32)(d))
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define min_t(type, x, y)	((type)(x) < (type)(y) ? (type)(x) : (type)(y))
#define max_t(type, x, y)	((type)(x) > (type)(y) ? (type)(x) : (type)(y))
#define min(x, y)		((x) < (y) ? (x) : (y))
#define max(x, y)		((x) > (y) ? (x) : (y))
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#define struct_size(ptr, member, count) \
	(sizeof(*(ptr)) + sizeof(*(ptr)->member) * (count))
#define isdigit(c)		((unsigned int)((c) - '0') < 10)

#define IS_ERR(ptr)		((unsigned long)(ptr) >= (unsigned long)-4095)
#define IS_ERR_OR_NULL(ptr)	(!(ptr) || IS_ERR(ptr))
#define ERR_PTR(error)		((void *)(long)(error))
#define PTR_ERR(ptr)		((long)(ptr))
#define PTR_ERR_OR_ZERO(ptr)	(IS_ERR(ptr) ? PTR_ERR(ptr) : 0)

static inline bool test_bit(int bit, const unsigned long *word)
{
	return *word >> bit & 1;
}

static inline void set_bit(int bit, unsigned long *word)
{
	*word |= 1UL << bit;
}

static inline bool test_and_set_bit(int bit, unsigned long *word)
{
	bool was = test_bit(bit, word);

	set_bit(bit, word);
	return was;
}

static inline bool test_and_clear_bit(int bit, unsigned long *word)
{
	bool was = test_bit(bit, word);

	*word &= ~(1UL << bit);
	return was;
}

typedef struct {
	int value;
} atomic_t;

#define atomic_read(v)		((v)->value)
#define atomic_set(v, i)	((v)->value = (i))
#define atomic_inc_return(v)	(++(v)->value)
#define atomic_sub(i, v)	((v)->value -= (i))
#define atomic_try_cmpxchg(v, old, new) \
	((v)->value == *(old) ? ((v)->value = (new), true) : (*(old) = (v)->value, false))

typedef struct {
	s64 value;
} atomic64_t;

#define atomic64_inc_return(v)	(++(v)->value)

/* --- lists --------------------------------------------------------------------- */

struct list_head {
	struct list_head *next, *prev;
};

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list;
	list->prev = list;
}

static inline bool list_empty(const struct list_head *list)
{
	return list->next == list;
}

static inline void list_add(struct list_head *entry, struct list_head *list)
{
	entry->next = list->next;
	entry->prev = list;
	list->next->prev = entry;
	list->next = entry;
}

static inline void list_add_tail(struct list_head *entry, struct list_head *list)
{
	entry->prev = list->prev;
	entry->next = list;
	list->prev->next = entry;
	list->prev = entry;
}

static inline void list_del(struct list_head *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
	entry->next = NULL;
	entry->prev = NULL;
}

static inline void list_del_init(struct list_head *entry)
{
	list_del(entry);
	INIT_LIST_HEAD(entry);
}

static inline void list_move(struct list_head *entry, struct list_head *list)
{
	list_del(entry);
	list_add_tail(entry, list);
}

#define LIST_HEAD(name)		struct list_head name = { &(name), &(name) }
#define list_for_each_entry(pos, list, member)					\
	for (pos = container_of((list)->next, __typeof__(*pos), member);	\
	     &pos->member != (list);						\
	     pos = container_of(pos->member.next, __typeof__(*pos), member))
#define list_for_each_entry_safe(pos, n, list, member)				\
	for (pos = container_of((list)->next, __typeof__(*pos), member),	\
	     n = container_of(pos->member.next, __typeof__(*pos), member);	\
	     &pos->member != (list);						\
	     pos = n, n = container_of(n->member.next, __typeof__(*n), member))

/* --- locks, sleep, work -------------------------------------------------------- */

struct lock {
	bool held;
};

typedef struct lock spinlock_t;

/* With the name of the flag that a spinlock has. */
struct mutex {
	union {
		struct lock lock;
		bool held;
	};
};

struct rw_semaphore {
	struct lock lock;
};

void fuzz_lock(struct lock *lock, bool sleeps);
void fuzz_unlock(struct lock *lock, bool sleeps);
void fuzz_might_sleep(void);

#define spin_lock_init(l)	((l)->held = false)
#define spin_lock(l)		fuzz_lock(l, false)
#define spin_unlock(l)		fuzz_unlock(l, false)
#define mutex_init(l)		((l)->lock.held = false)
#define DEFINE_MUTEX(name)	struct mutex name
#define init_rwsem(l)		((l)->lock.held = false)
#define lockdep_assert_held(l)	\
	fuzz_check((l)->held, "%s: %s is not held", __func__, #l)

static inline struct lock *fuzz_guard(struct lock *lock)
{
	fuzz_lock(lock, true);
	return lock;
}

static inline void fuzz_unguard(struct lock **lock)
{
	fuzz_unlock(*lock, true);
}

#define guard(kind)							\
	struct lock *fuzz_guarded __attribute__((cleanup(fuzz_unguard))) = \
		guard_##kind
#define scoped_guard(kind, l)						\
	for (struct lock *fuzz_guarded __attribute__((cleanup(fuzz_unguard))) = \
		guard_##kind(l), *once = fuzz_guarded; once; once = NULL)
#define guard_mutex(l)		fuzz_guard(&(l)->lock)
#define guard_rwsem_read(l)	fuzz_guard(&(l)->lock)
#define guard_rwsem_write(l)	fuzz_guard(&(l)->lock)

typedef struct {
	int unused;
} wait_queue_head_t;

#define init_waitqueue_head(wq)	((void)(wq))
#define wake_up(wq)		((void)(wq))
#define wake_up_all(wq)		((void)(wq))
#define msecs_to_jiffies(ms)	(ms)
#define cond_resched()		fuzz_might_sleep()

/* Others get a few turns; a condition that they do not make true is late. */
#define wait_event_timeout(wq, condition, timeout) ({	\
	int turns_left = 6;				\
							\
	fuzz_might_sleep();				\
	(void)(timeout);				\
	while (!(condition) && turns_left--)		\
		fuzz_wait();				\
	(condition);					\
})

/* Nobody is killed. */
/* Whether the task that waits is being killed. */
extern bool fuzz_task_killed;

#define wait_event_killable_timeout(wq, condition, timeout) ({		\
	long left = wait_event_timeout(wq, condition, timeout);		\
									\
	left ?: fuzz_task_killed ? -ERESTARTSYS : 0;			\
})

struct workqueue_struct;

struct work_struct {
	void (*func)(struct work_struct *work);
	bool queued;
};

#define INIT_WORK(work, function) do {	\
	(work)->func = (function);	\
	(work)->queued = false;		\
} while (0)

void queue_work(struct workqueue_struct *wq, struct work_struct *work);
void cancel_work_sync(struct work_struct *work);
/* Runs it if it is queued. */
void fuzz_run_work(struct work_struct *work);

struct delayed_work {
	struct work_struct work;
};

extern struct workqueue_struct *xen_drm_front_wq;

#define HZ				100
#define INIT_DELAYED_WORK(dwork, func)	INIT_WORK(&(dwork)->work, func)
#define to_delayed_work(w)		container_of(w, struct delayed_work, work)
#define queue_delayed_work(wq, dwork, delay) ((void)(delay), queue_work(wq, &(dwork)->work))
#define cancel_delayed_work_sync(dwork)	cancel_work_sync(&(dwork)->work)
#define DECLARE_DELAYED_WORK(name, function) \
	struct delayed_work name = { .work = { .func = function } }
#define schedule_delayed_work(dwork, delay) ((void)(delay), fuzz_schedule_work(&(dwork)->work))

/* On the system's own workqueue. */
void fuzz_schedule_work(struct work_struct *work);
/* Runs all that is queued there; returns whether something was. */
bool fuzz_run_scheduled_work(void);

extern unsigned long jiffies;
#define time_before(a, b)	((long)((a) - (b)) < 0)
/* Others get a turn. */
void msleep(unsigned int ms);

struct kref {
	int count;
};

static inline void kref_init(struct kref *ref)
{
	ref->count = 1;
}

static inline void kref_get(struct kref *ref)
{
	fuzz_check(ref->count > 0, "a reference is taken of what is freed");
	ref->count++;
}

static inline void kref_put(struct kref *ref, void (*release)(struct kref *ref))
{
	fuzz_check(ref->count > 0, "one reference too many is dropped");
	if (!--ref->count)
		release(ref);
}

/* --- memory -------------------------------------------------------------------- */

#ifndef PAGE_SHIFT
#define PAGE_SHIFT		12
#endif
#define PAGE_SIZE		(1UL << PAGE_SHIFT)
#define XEN_PAGE_SHIFT		12
#define XEN_PAGE_SIZE		(1UL << XEN_PAGE_SHIFT)
#define XEN_PFN_PER_PAGE	(PAGE_SIZE / XEN_PAGE_SIZE)
#define GFP_KERNEL		0U
#define __GFP_NOFAIL		0x8000U
#define __GFP_ZERO		0x100U

struct page {
	int refs;
	unsigned long pfn;
	void *address;
	/* grants of it, and pages of the backend that are mapped at it */
	unsigned int grants, mappings;
	/* marked as foreign by the core */
	bool foreign;
};

void *fuzz_alloc(size_t count, size_t size);
void *fuzz_alloc_nofail(size_t size, gfp_t gfp);

#define kzalloc(size, gfp)		fuzz_alloc(1, size)
#define kzalloc_obj(obj)		fuzz_alloc(1, sizeof(obj))
#define kvcalloc(n, size, gfp)		fuzz_alloc(n, size)
#define kvmalloc_array(n, size, gfp)	fuzz_alloc(n, size)
#define kvmalloc(size, gfp)		fuzz_alloc_nofail(size, gfp)
#define __get_free_page(gfp)		((unsigned long)fuzz_alloc_nofail(PAGE_SIZE, gfp))
#define free_page(address)		free((void *)(address))
#define kfree(ptr)			free(ptr)
#define kvfree(ptr)			free(ptr)

static inline void memset32(u32 *to, u32 value, size_t count)
{
	while (count--)
		*to++ = value;
}

__attribute__((format(printf, 2, 3)))
char *kasprintf(gfp_t gfp, const char *fmt, ...);
int kstrtou32(const char *text, unsigned int base, u32 *value);
ssize_t strscpy(char *to, const char *from, size_t size);

struct page *alloc_page(gfp_t gfp);
void put_page(struct page *page);
struct page *virt_to_page(void *address);
struct page *fuzz_pfn_to_page(unsigned long pfn);
/* Pages of the guest, as the target wants it. */
unsigned long totalram_pages(void);
/* None is given out twice in a run. */
unsigned int fuzz_pages_left(void);
/* No page is there; all of them are freed. */
void fuzz_memory_reset(void);
void fuzz_memory_expect_nothing_left(void);

#define __free_page(page)	put_page(page)
#define get_page(page)		((page)->refs++)
#define page_address(page)	((page)->address)
#define page_to_xen_pfn(page)	((page)->pfn * XEN_PFN_PER_PAGE)
#define pfn_to_gfn(pfn)		(pfn)

/* --- devices and messages -------------------------------------------------------- */

struct device {
	int refs;
};

struct va_format {
	const char *fmt;
	va_list *va;
};

/* Reads all that the format tells to read, and shows it when FUZZ_VERBOSE is set. */
void fuzz_message(const char *fmt, ...);

__attribute__((format(printf, 3, 0)))
int fuzz_snprintf(char *text, size_t size, const char *fmt, ...);

#define snprintf fuzz_snprintf

#define pr_warn(...)			fuzz_message(__VA_ARGS__)
#define dev_name(dev)			((void)(dev), "vdispl-0")
#define get_device(dev)			((dev)->refs++, (dev))
#define put_device(dev)			((dev)->refs--)
#define dev_err(dev, ...)		((void)(dev), fuzz_message(__VA_ARGS__))
#define dev_warn(dev, ...)		((void)(dev), fuzz_message(__VA_ARGS__))
#define dev_info(dev, ...)		((void)(dev), fuzz_message(__VA_ARGS__))
#define dev_warn_ratelimited(dev, ...)	((void)(dev), fuzz_message(__VA_ARGS__))
#define drm_err_ratelimited(drm, ...)	((void)(drm), fuzz_message(__VA_ARGS__))
#define drm_warn(drm, ...)		((void)(drm), fuzz_message(__VA_ARGS__))
#define drm_dbg_kms(drm, ...)		((void)(drm), fuzz_message(__VA_ARGS__))
#define dev_err_ratelimited(dev, ...)	((void)(dev), fuzz_message(__VA_ARGS__))
#define dev_dbg_ratelimited(dev, ...)	((void)(dev), fuzz_message(__VA_ARGS__))

typedef enum { IRQ_NONE, IRQ_HANDLED } irqreturn_t;
typedef irqreturn_t (*irq_handler_t)(int irq, void *data);

struct drm_device {
	struct device *dev;
};

#include "xen.h"

#endif /* FUZZ_KERNEL_H */
