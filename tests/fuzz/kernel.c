// SPDX-License-Identifier: GPL-2.0 OR MIT
#include "kernel.h"

unsigned int fuzz_fail_in, fuzz_num_timeouts;
bool fuzz_task_killed, fuzz_mutex_contended;
struct task_struct *current;
unsigned long jiffies, fuzz_ram = 1 << 16;
void (*fuzz_spinlock_hook)(struct lock *lock, bool taken);
void (*fuzz_delay_hook)(void);

/* Spinlocks held now, and other reasons why nothing may sleep. */
static unsigned int spinlocks, rcu_depth, atomic_depth;

void fuzz_broken(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("BROKEN: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}

bool fuzz_fails(void)
{
	return fuzz_fail_in && !--fuzz_fail_in;
}

/* --- locks and sleep ---------------------------------------------------------- */

void fuzz_might_sleep(void)
{
	fuzz_check(!spinlocks, "sleeps with %u spinlocks held", spinlocks);
	fuzz_check(!rcu_depth, "sleeps under rcu_read_lock()");
	fuzz_check(!atomic_depth, "sleeps in an interrupt, or in the condition of a wait");
}

void fuzz_lock(struct lock *lock, bool sleeps)
{
	if (sleeps)
		fuzz_might_sleep();
	fuzz_check(!lock->held, "a lock is taken that is held: a deadlock");
	lock->held = true;
	spinlocks += !sleeps;
	if (!sleeps && fuzz_spinlock_hook)
		fuzz_spinlock_hook(lock, true);
}

void fuzz_unlock(struct lock *lock, bool sleeps)
{
	fuzz_check(lock->held, "a lock is released that is not held");
	if (!sleeps && fuzz_spinlock_hook)
		fuzz_spinlock_hook(lock, false);
	lock->held = false;
	spinlocks -= !sleeps;
}

void fuzz_atomic_begin(void)
{
	atomic_depth++;
}

void fuzz_atomic_end(void)
{
	atomic_depth--;
}

void fuzz_rcu_read_lock(void)
{
	rcu_depth++;
}

void fuzz_rcu_read_unlock(void)
{
	fuzz_check(rcu_depth, "rcu_read_unlock() without rcu_read_lock()");
	rcu_depth--;
}

bool fuzz_in_rcu(void)
{
	return rcu_depth;
}

bool fuzz_sleep(unsigned int *turns, unsigned long deadline)
{
	if (time_after_eq(jiffies, deadline))
		return false;
	fuzz_might_sleep();
	if ((*turns)++ < 6)
		fuzz_wait();
	else
		jiffies = deadline;
	return true;
}

void msleep(unsigned int ms)
{
	fuzz_might_sleep();
	jiffies += msecs_to_jiffies(ms) + 1;
}

void mdelay(unsigned int ms)
{
	if (fuzz_delay_hook)
		fuzz_delay_hook();
}

/* --- work ---------------------------------------------------------------------- */

static struct workqueue_struct system_queue;
struct workqueue_struct *system_wq = &system_queue, *system_long_wq = &system_queue;

/* In the order in which it was queued. */
static struct work_struct *queue;

static bool unqueue(struct work_struct *work)
{
	struct work_struct **place = &queue;

	if (!work->queued)
		return false;
	while (*place != work)
		place = &(*place)->next;
	*place = work->next;
	work->queued = false;
	return true;
}

bool queue_work(struct workqueue_struct *wq, struct work_struct *work)
{
	struct work_struct **place = &queue;

	fuzz_check(work->func, "work is queued that was not initialised");
	if (work->queued)
		return false;
	while (*place)
		place = &(*place)->next;
	*place = work;
	work->next = NULL;
	work->wq = wq;
	work->queued = true;
	return true;
}

void fuzz_run_work(struct work_struct *work)
{
	if (!unqueue(work))
		return;
	fuzz_check(!work->running, "work waits for itself");
	work->running = true;
	work->func(work);
	work->running = false;
	fuzz_might_sleep();
}

unsigned int fuzz_run_queued_work(void)
{
	struct work_struct *work;
	unsigned int left = 0, i;

	for (work = queue; work; work = work->next)
		left++;
	for (i = 0; i < left && queue; i++)
		fuzz_run_work(queue);
	return i;
}

void flush_work(struct work_struct *work)
{
	fuzz_might_sleep();
	fuzz_check(!work->running, "work is waited for that cannot go on");
	fuzz_run_work(work);
}

bool cancel_work_sync(struct work_struct *work)
{
	fuzz_might_sleep();
	fuzz_check(!work->running, "work is waited for that cannot go on");
	return unqueue(work);
}

struct workqueue_struct *alloc_ordered_workqueue(const char *fmt, unsigned int flags, ...)
{
	struct workqueue_struct *wq;

	fuzz_might_sleep();
	wq = fuzz_fails() ? NULL : calloc(1, sizeof(*wq));
	if (wq)
		wq->name = strdup(fmt);
	return wq;
}

void destroy_workqueue(struct workqueue_struct *wq)
{
	struct work_struct *work = queue;

	fuzz_might_sleep();
	while (work) {
		if (work->wq != wq) {
			work = work->next;
			continue;
		}
		fuzz_run_work(work);
		work = queue;
	}
	free(wq->name);
	free(wq);
}

/* --- memory -------------------------------------------------------------------- */

void *fuzz_alloc(size_t count, size_t size, gfp_t gfp)
{
	void *memory;

	fuzz_might_sleep();
	if (fuzz_fails())
		return NULL;
	memory = calloc(count, size);
	if (!(gfp & __GFP_ZERO))
		memset(memory, 0xa5, count * size);
	return memory;
}

char *kasprintf(gfp_t gfp, const char *fmt, ...)
{
	va_list args;
	char *text;

	(void)gfp;
	if (fuzz_fails())
		return NULL;
	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	return text;
}

int kstrtou32(const char *text, unsigned int base, u32 *value)
{
	unsigned long long number;
	char *end;

	fuzz_check(base == 10, "kstrtou32() in base %u", base);
	number = strtoull(text, &end, 10);
	if (end == text || *end)
		return -EINVAL;
	if (number > U32_MAX)
		return -ERANGE;
	*value = number;
	return 0;
}

ssize_t strscpy(char *to, const char *from, size_t size)
{
	size_t len = strnlen(from, size);

	fuzz_check(size, "strscpy() to nowhere");
	if (len < size) {
		memcpy(to, from, len + 1);
		return len;
	}
	memcpy(to, from, size - 1);
	to[size - 1] = '\0';
	return -E2BIG;
}

/* --- pages ------------------------------------------------------------------ */

#define FIRST_PFN	0x1000
#define MAX_PAGES	8192

static struct page *pages[MAX_PAGES];
static unsigned int next_page, live_pages;

struct page *alloc_page(gfp_t gfp)
{
	struct page *page;

	fuzz_might_sleep();
	if (!(gfp & __GFP_NOFAIL) && fuzz_fails())
		return NULL;
	fuzz_check(next_page < MAX_PAGES, "the target takes too many pages");
	page = calloc(1, sizeof(*page));
	page->refs = 1;
	page->pfn = FIRST_PFN + next_page;
	page->address = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
	memset(page->address, gfp & __GFP_ZERO ? 0 : 0xa5, PAGE_SIZE);
	pages[next_page++] = page;
	live_pages++;
	return page;
}

void put_page(struct page *page)
{
	fuzz_check(page->refs > 0, "a page is freed twice");
	if (--page->refs)
		return;
	/* Only what nobody else can reach may become somebody else's. */
	fuzz_check(!page->grants, "a page is freed while the backend can map it");
	fuzz_check(!page->mappings, "a page is freed while the backend's is mapped at it");
	pages[page->pfn - FIRST_PFN] = NULL;
	live_pages--;
	free(page->address);
	free(page);
}

struct page *fuzz_pfn_to_page(unsigned long pfn)
{
	fuzz_check(pfn - FIRST_PFN < next_page && pages[pfn - FIRST_PFN], "no page is at %lu",
		   pfn);
	return pages[pfn - FIRST_PFN];
}

struct page *virt_to_page(void *address)
{
	unsigned int i;

	for (i = 0; i < next_page; i++)
		if (pages[i] && pages[i]->address == address)
			return pages[i];
	fuzz_broken("no page is at an address");
}

unsigned long __get_free_page(gfp_t gfp)
{
	struct page *page = alloc_page(gfp);

	return page ? (unsigned long)page->address : 0;
}

void free_page(unsigned long address)
{
	put_page(virt_to_page((void *)address));
}

unsigned int fuzz_pages_left(void)
{
	return MAX_PAGES - next_page;
}

void fuzz_memory_reset(void)
{
	next_page = 0;
}

void fuzz_memory_expect_nothing_left(void)
{
	fuzz_check(!live_pages, "%u pages are left", live_pages);
}

/* --- DRM ------------------------------------------------------------------------ */

int drmm_add_action_or_reset(struct drm_device *drm,
			     void (*action)(struct drm_device *drm, void *data), void *data)
{
	if (fuzz_fails()) {
		action(drm, data);
		return -ENOMEM;
	}
	fuzz_check(drm->num_actions < FUZZ_DRM_ACTIONS, "too many actions of a DRM device");
	drm->actions[drm->num_actions++] = (struct fuzz_drm_action) { action, data };
	return 0;
}

void fuzz_drm_release(struct drm_device *drm)
{
	struct fuzz_drm_action *last;

	while (drm->num_actions) {
		last = &drm->actions[--drm->num_actions];
		last->action(drm, last->data);
	}
}

const struct drm_edid *drm_edid_alloc(const void *edid, size_t size)
{
	struct drm_edid *copy;

	if (!edid || fuzz_fails())
		return NULL;
	copy = malloc(sizeof(*copy) + size);
	copy->size = size;
	memcpy(copy->edid, edid, size);
	return copy;
}

/* Which ones are valid is DRM's business; as many blocks as they say are. */
bool drm_edid_valid(const struct drm_edid *edid)
{
	return edid && edid->size == (edid->edid->extensions + 1) * sizeof(struct edid);
}

void drm_edid_free(const struct drm_edid *edid)
{
	free((void *)edid);
}

/* --- messages --------------------------------------------------------------- */

struct text {
	char *to;
	size_t size, len;
};

static void put(struct text *text, const char *from, size_t len)
{
	for (; len--; from++, text->len++)
		if (text->len + 1 < text->size)
			text->to[text->len] = *from;
}

static void put_number(struct text *text, long value)
{
	char digits[24];

	put(text, digits, sprintf(digits, "%ld", value));
}

static void format(struct text *text, const char *fmt, va_list *args);

/* What follows %p. */
static const char *format_pointer(struct text *text, const char *fmt, int width,
				  va_list *args)
{
	void *ptr = va_arg(*args, void *);
	struct va_format *nested = ptr;
	va_list copy;

	if (*fmt == 'V') {
		va_copy(copy, *nested->va);
		format(text, nested->fmt, &copy);
		va_end(copy);
		return fmt + 1;
	}
	fuzz_check(*fmt == 'E', "a pointer is printed: %%p%c", *fmt);
	fuzz_check(width >= 0 && width <= 64, "%d bytes are printed", width);
	put(text, ptr, width);
	return fmt + 1;
}

/* The conversions that the driver uses, and no more. */
static void format(struct text *text, const char *fmt, va_list *args)
{
	const char *string;
	int width, longs;

	while (*fmt) {
		if (*fmt != '%') {
			put(text, fmt++, 1);
			continue;
		}
		width = -1;
		longs = 0;
		while (strchr("*0#.lz", *++fmt)) {
			if (*fmt == '*')
				width = va_arg(*args, int);
			longs += *fmt == 'l' || *fmt == 'z';
		}
		switch (*fmt++) {
		case 'p':
			fmt = format_pointer(text, fmt, width, args);
			break;
		case 's':
			string = va_arg(*args, const char *);
			put(text, string, strlen(string));
			break;
		case 'd':
		case 'u':
		case 'x':
			put_number(text, longs ? va_arg(*args, long) : va_arg(*args, int));
			break;
		default:
			fuzz_broken("a conversion that kernel.c does not know: %s", fmt - 2);
		}
	}
}

int fuzz_snprintf(char *to, size_t size, const char *fmt, ...)
{
	struct text text = { to, size, 0 };
	va_list args;

	va_start(args, fmt);
	format(&text, fmt, &args);
	va_end(args);
	if (size)
		to[min(text.len, size - 1)] = '\0';
	return text.len;
}

unsigned int fuzz_traced_request, fuzz_traced_reply, fuzz_traced_event;

void fuzz_message(const char *fmt, ...)
{
	static int shown = -1;
	char buffer[1024];
	struct text text = { buffer, sizeof(buffer), 0 };
	va_list args;

	if (shown < 0)
		shown = !!getenv("FUZZ_VERBOSE");
	va_start(args, fmt);
	format(&text, fmt, &args);
	va_end(args);
	if (shown)
		fprintf(stderr, "%.*s\n", (int)min(text.len, sizeof(buffer)), buffer);
}
