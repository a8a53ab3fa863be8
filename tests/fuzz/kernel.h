/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The kernel as far as the driver's files need it, for user space. Every header
 * that they include is this one, but for those of Xen's protocols, which are the
 * kernel's own. One thread: a lock is a flag, and that a lock is held, or that
 * sleeping is allowed, is checked. What another thread would do meanwhile happens
 * in fuzz_wait(). Time stands still unless somebody sleeps or the target moves it.
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

#define S16_MAX		0x7fff
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
#define IS_ENABLED(option)	1
#define VISIBLE_IF_KUNIT
#define EXPORT_SYMBOL_IF_KUNIT(symbol)
#define KUNIT_STATIC_STUB_REDIRECT(...)	do { } while (0)

#define barrier()		__asm__ volatile("" : : : "memory")
#define virt_mb()		barrier()
#define virt_rmb()		barrier()
#define virt_wmb()		barrier()
#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value)	(*(volatile __typeof__(x) *)&(x) = (value))

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
#define isascii(c)		((unsigned char)(c) < 0x80)
#define isalnum(c)		(isdigit(c) || (unsigned int)(((c) | 0x20) - 'a') < 26)

#define IS_ERR(ptr)		((unsigned long)(ptr) >= (unsigned long)-4095)
#define IS_ERR_OR_NULL(ptr)	(!(ptr) || IS_ERR(ptr))
#define ERR_PTR(error)		((void *)(long)(error))
#define ERR_CAST(ptr)		((void *)(ptr))
#define PTR_ERR(ptr)		((long)(ptr))
#define PTR_ERR_OR_ZERO(ptr)	(IS_ERR(ptr) ? PTR_ERR(ptr) : 0)

static inline void memset32(u32 *to, u32 value, size_t count)
{
	while (count--)
		*to++ = value;
}

static inline bool test_bit(int bit, const unsigned long *word)
{
	return *word >> bit & 1;
}

static inline bool test_and_set_bit(int bit, unsigned long *word)
{
	bool was = test_bit(bit, word);

	*word |= 1UL << bit;
	return was;
}

typedef struct {
	int value;
} atomic_t;

typedef struct {
	long value;
} atomic_long_t;

typedef struct {
	s64 value;
} atomic64_t;

#define atomic_read(v)			((v)->value)
#define atomic_sub(i, v)		((void)((v)->value -= (i)))
#define atomic_long_read(v)		((v)->value)
#define atomic_long_add(i, v)		((void)((v)->value += (i)))
#define atomic_long_sub(i, v)		((void)((v)->value -= (i)))
#define atomic64_inc_return(v)		(++(v)->value)

#define xchg(p, v)			__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)

static inline bool atomic_try_cmpxchg(atomic_t *v, int *old, int new)
{
	if (v->value != *old) {
		*old = v->value;
		return false;
	}
	v->value = new;
	return true;
}

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
	entry->prev = list;
	entry->next = list->next;
	list->next->prev = entry;
	list->next = entry;
}

static inline void list_add_tail(struct list_head *entry, struct list_head *list)
{
	list_add(entry, list->prev);
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

#define list_empty_careful(list)	list_empty(list)
#define list_del_init_careful(entry)	list_del_init(entry)

#define LIST_HEAD(name)		struct list_head name = { &(name), &(name) }
#define list_first_entry(list, type, member)	container_of((list)->next, type, member)
#define list_for_each_entry(pos, list, member)					\
	for (pos = container_of((list)->next, __typeof__(*pos), member);	\
	     &pos->member != (list);						\
	     pos = container_of(pos->member.next, __typeof__(*pos), member))
#define list_for_each_entry_safe(pos, n, list, member)				\
	for (pos = container_of((list)->next, __typeof__(*pos), member),	\
	     n = container_of(pos->member.next, __typeof__(*pos), member);	\
	     &pos->member != (list);						\
	     pos = n, n = container_of(n->member.next, __typeof__(*n), member))

struct llist_node {
	struct llist_node *next;
};

struct llist_head {
	struct llist_node *first;
};

static inline void init_llist_head(struct llist_head *list)
{
	list->first = NULL;
}

static inline bool llist_add(struct llist_node *entry, struct llist_head *list)
{
	entry->next = list->first;
	list->first = entry;
	return !entry->next;
}

static inline struct llist_node *llist_del_all(struct llist_head *list)
{
	struct llist_node *first = list->first;

	list->first = NULL;
	return first;
}

static inline struct llist_node *llist_reverse_order(struct llist_node *first)
{
	struct llist_node *next, *reversed = NULL;

	for (; first; first = next) {
		next = first->next;
		first->next = reversed;
		reversed = first;
	}
	return reversed;
}

#define FUZZ_LLIST_NEXT(node, pos, member) \
	((node) ? container_of(node, __typeof__(*(pos)), member) : NULL)
#define llist_for_each_entry(pos, node, member)					\
	for (pos = FUZZ_LLIST_NEXT(node, pos, member); pos;			\
	     pos = FUZZ_LLIST_NEXT(pos->member.next, pos, member))
#define llist_for_each_entry_safe(pos, n, node, member)				\
	for (pos = FUZZ_LLIST_NEXT(node, pos, member);				\
	     pos && (n = FUZZ_LLIST_NEXT(pos->member.next, pos, member), true);	\
	     pos = n)

/* --- time ----------------------------------------------------------------------- */

#define HZ			100
#define msecs_to_jiffies(ms)	((unsigned long)(ms) * HZ / 1000)
#define time_after(a, b)	((long)((b) - (a)) < 0)
#define time_before(a, b)	time_after(b, a)
#define time_after_eq(a, b)	((long)((a) - (b)) >= 0)
#define time_in_range(a, b, c)	(time_after_eq(a, b) && time_after_eq(c, a))

extern unsigned long jiffies;

typedef s64 ktime_t;

#define ktime_get()		((ktime_t)jiffies * (1000000000 / HZ))

void msleep(unsigned int ms);
/* A target's, or NULL: what others do while a CPU spins. */
extern void (*fuzz_delay_hook)(void);
void mdelay(unsigned int ms);

/* --- locks and sleep -------------------------------------------------------------- */

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

/* A target's, or NULL: called with the spinlock just taken, or about to be released. */
extern void (*fuzz_spinlock_hook)(struct lock *lock, bool taken);

void fuzz_lock(struct lock *lock, bool sleeps);
void fuzz_unlock(struct lock *lock, bool sleeps);
void fuzz_might_sleep(void);
/* From begin to end nothing may sleep: interrupts, conditions of waits. */
void fuzz_atomic_begin(void);
void fuzz_atomic_end(void);
void fuzz_rcu_read_lock(void);
void fuzz_rcu_read_unlock(void);
bool fuzz_in_rcu(void);

#define might_sleep()		fuzz_might_sleep()
#define cond_resched()		fuzz_might_sleep()
#define synchronize_rcu()	fuzz_might_sleep()
#define spin_lock_init(l)	((l)->held = false)
#define spin_trylock_irqsave(l, flags)		\
	((flags) = 0, (l)->held ? false : (fuzz_lock(l, false), true))
#define spin_unlock_irqrestore(l, flags)	((void)(flags), fuzz_unlock(l, false))
#define DEFINE_MUTEX(name)	struct mutex name
#define mutex_init(l)		((l)->lock.held = false)
#define mutex_lock(l)		fuzz_lock(&(l)->lock, true)
#define mutex_unlock(l)		fuzz_unlock(&(l)->lock, true)
#define init_rwsem(l)		((l)->lock.held = false)
#define down_write(l)		fuzz_lock(&(l)->lock, true)
#define up_write(l)		fuzz_unlock(&(l)->lock, true)
#define lockdep_assert_held(l)	\
	fuzz_check((l)->held, "%s: %s is not held", __func__, #l)
#define lockdep_assert_in_rcu_read_lock()	\
	fuzz_check(fuzz_in_rcu(), "%s: not under rcu_read_lock()", __func__)

/* Whether the task that runs is being killed, and finds its mutexes taken. */
extern bool fuzz_task_killed, fuzz_mutex_contended;
extern struct task_struct *current;

#define fatal_signal_pending(task)	((void)(task), fuzz_task_killed)

static inline int mutex_lock_killable(struct mutex *mutex)
{
	fuzz_might_sleep();
	if (fuzz_task_killed && fuzz_mutex_contended)
		return -EINTR;
	mutex_lock(mutex);
	return 0;
}

enum fuzz_guard_kind { FUZZ_GUARD_SLEEPS, FUZZ_GUARD_SPINS, FUZZ_GUARD_RCU };

struct fuzz_guard {
	enum fuzz_guard_kind kind;
	struct lock *lock;
};

static inline struct fuzz_guard fuzz_guard(enum fuzz_guard_kind kind, struct lock *lock)
{
	if (kind == FUZZ_GUARD_RCU)
		fuzz_rcu_read_lock();
	else
		fuzz_lock(lock, kind == FUZZ_GUARD_SLEEPS);
	return (struct fuzz_guard) { kind, lock };
}

static inline void fuzz_unguard(struct fuzz_guard *guard)
{
	if (guard->kind == FUZZ_GUARD_RCU)
		fuzz_rcu_read_unlock();
	else
		fuzz_unlock(guard->lock, guard->kind == FUZZ_GUARD_SLEEPS);
}

#define FUZZ_JOIN_(a, b)	a##b
#define FUZZ_JOIN(a, b)		FUZZ_JOIN_(a, b)
#define guard(kind)							\
	struct fuzz_guard FUZZ_JOIN(fuzz_guard_, __LINE__)		\
		__attribute__((cleanup(fuzz_unguard))) = guard_##kind
#define scoped_guard(kind, l)						\
	for (struct fuzz_guard fuzz_guarded __attribute__((cleanup(fuzz_unguard))) = \
		guard_##kind(l), *once = &fuzz_guarded; once; once = NULL)
#define guard_mutex(l)		fuzz_guard(FUZZ_GUARD_SLEEPS, &(l)->lock)
#define guard_spinlock_irqsave(l)	fuzz_guard(FUZZ_GUARD_SPINS, l)
#define guard_rcu()		fuzz_guard(FUZZ_GUARD_RCU, NULL)

typedef struct {
	int unused;
} wait_queue_head_t;

#define init_waitqueue_head(wq)	((void)(wq))
#define wake_up_all(wq)		((void)(wq))

/* Of waits that came to an end without what they waited for. */
extern unsigned int fuzz_num_timeouts;
/* Lets the others have a turn; false when it is @deadline already. */
bool fuzz_sleep(unsigned int *turns, unsigned long deadline);

/* As the kernel's: what is true at the end of the time is not late. */
#define FUZZ_WAIT_EVENT(condition, timeout, killable) ({		\
	unsigned long fuzz_deadline = jiffies + (timeout);		\
	unsigned int fuzz_turns = 0;					\
	long fuzz_ret = 0;						\
	bool fuzz_true;							\
									\
	fuzz_might_sleep();						\
	for (;;) {							\
		fuzz_atomic_begin();					\
		fuzz_true = (condition);				\
		fuzz_atomic_end();					\
		if (fuzz_true) {					\
			fuzz_ret = time_before(jiffies, fuzz_deadline) ? \
				   fuzz_deadline - jiffies : 1;		\
			break;						\
		}							\
		if ((killable) && fuzz_task_killed) {			\
			fuzz_ret = -ERESTARTSYS;			\
			break;						\
		}							\
		if (!fuzz_sleep(&fuzz_turns, fuzz_deadline)) {		\
			fuzz_num_timeouts++;				\
			break;						\
		}							\
	}								\
	fuzz_ret;							\
})
#define wait_event_timeout(wq, condition, timeout) \
	FUZZ_WAIT_EVENT(condition, timeout, false)
#define wait_event_killable_timeout(wq, condition, timeout) \
	FUZZ_WAIT_EVENT(condition, timeout, true)

/* --- work ---------------------------------------------------------------------- */

struct workqueue_struct {
	/* so that a queue that is not destroyed is a leak */
	char *name;
};

struct work_struct {
	void (*func)(struct work_struct *work);
	struct workqueue_struct *wq;
	bool queued, running;
	/* of all work that is queued */
	struct work_struct *next;
};

struct delayed_work {
	struct work_struct work;
};

extern struct workqueue_struct *system_wq, *system_long_wq;

struct workqueue_struct *alloc_ordered_workqueue(const char *fmt, unsigned int flags, ...);
/* Runs what is queued there, and what that queues. */
void destroy_workqueue(struct workqueue_struct *wq);
bool queue_work(struct workqueue_struct *wq, struct work_struct *work);
/* Runs it, since nobody else would. */
void flush_work(struct work_struct *work);
bool cancel_work_sync(struct work_struct *work);
/* Runs it if it is queued. */
void fuzz_run_work(struct work_struct *work);
/* Runs all that is queued now, delayed or not, once each; returns how many it were. */
unsigned int fuzz_run_queued_work(void);

#define INIT_WORK(work, function) \
	(*(work) = (struct work_struct) { .func = (function) })
#define DECLARE_DELAYED_WORK(name, function)	\
	struct delayed_work name = { .work = { .func = (function) } }
#define schedule_delayed_work(dwork, delay)	\
	((void)(delay), queue_work(system_wq, &(dwork)->work))
#define cancel_delayed_work_sync(dwork)		cancel_work_sync(&(dwork)->work)

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
	/* the core believes that the backend's memory is there */
	bool foreign;
};

/* Without __GFP_ZERO the memory has a pattern. */
void *fuzz_alloc(size_t count, size_t size, gfp_t gfp);

#define kmalloc(size, gfp)		fuzz_alloc(1, size, gfp)
#define kzalloc_obj(obj)		fuzz_alloc(1, sizeof(obj), __GFP_ZERO)
#define kvzalloc(size, gfp)		fuzz_alloc(1, size, (gfp) | __GFP_ZERO)
#define kvcalloc(n, size, gfp)		fuzz_alloc(n, size, (gfp) | __GFP_ZERO)
#define kvmalloc_array(n, size, gfp)	fuzz_alloc(n, size, gfp)
#define kfree(ptr)			free(ptr)
#define kvfree(ptr)			free(ptr)
#define __free(how)			__attribute__((cleanup(fuzz_free_##how)))

static inline void fuzz_free_kfree(void *place)
{
	void *ptr = *(void **)place;

	if (!IS_ERR_OR_NULL(ptr))
		kfree(ptr);
}

__attribute__((format(printf, 2, 3)))
char *kasprintf(gfp_t gfp, const char *fmt, ...);
int kstrtou32(const char *text, unsigned int base, u32 *value);
ssize_t strscpy(char *to, const char *from, size_t size);

struct page *alloc_page(gfp_t gfp);
void put_page(struct page *page);
struct page *virt_to_page(void *address);
unsigned long __get_free_page(gfp_t gfp);
void free_page(unsigned long address);
struct page *fuzz_pfn_to_page(unsigned long pfn);
/* Pages of the guest; a target may set it. */
extern unsigned long fuzz_ram;
#define totalram_pages()	fuzz_ram
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

#define dev_name(dev)			((void)(dev), "vdispl-0")
#define get_device(dev)			((dev)->refs++, (dev))
#define put_device(dev)			((dev)->refs--)
#define dev_warn(dev, ...)		((void)(dev), fuzz_message(__VA_ARGS__))
#define dev_info(dev, ...)		((void)(dev), fuzz_message(__VA_ARGS__))
#define dev_err_ratelimited(dev, ...)	((void)(dev), fuzz_message(__VA_ARGS__))
#define dev_warn_ratelimited(dev, ...)	((void)(dev), fuzz_message(__VA_ARGS__))
#define dev_dbg_ratelimited(dev, ...)	((void)(dev), fuzz_message(__VA_ARGS__))
#define pr_warn(...)			fuzz_message(__VA_ARGS__)
#define drm_err_ratelimited(drm, ...)	((void)(drm), fuzz_message(__VA_ARGS__))
#define drm_dbg_kms(drm, ...)		((void)(drm), fuzz_message(__VA_ARGS__))

/* --- tracepoints ----------------------------------------------------------------- */

/* How often each was passed. */
extern unsigned int fuzz_traced_request, fuzz_traced_reply, fuzz_traced_event;

#define fuzz_traced(name)	fuzz_traced_##name
#define fuzz_traced_xen_drm_request	(fuzz_traced_request++)
#define fuzz_traced_xen_drm_reply	(fuzz_traced_reply++)
#define fuzz_traced_xen_drm_event	(fuzz_traced_event++)
#define fuzz_traced_xen_drm_flip	((void)0)
#define fuzz_traced_xen_drm_state	((void)0)

#define TP_PROTO(...)		__VA_ARGS__
#define TP_ARGS(...)		__VA_ARGS__
#define TRACE_DEFINE_ENUM(name)
#define TRACE_EVENT(name, proto, ...)		\
	static inline void trace_##name(proto)	\
	{					\
		fuzz_traced(name);		\
	}

typedef enum { IRQ_NONE, IRQ_HANDLED } irqreturn_t;
typedef irqreturn_t (*irq_handler_t)(int irq, void *data);

#include "drm.h"
#include "xen.h"

#endif /* FUZZ_KERNEL_H */
