// SPDX-License-Identifier: GPL-2.0 OR MIT
#include "kernel.h"

unsigned int fuzz_fail_in;
bool fuzz_task_killed;
struct workqueue_struct *xen_drm_front_wq;

/* Spinlocks held now; with one, nothing may sleep. */
static unsigned int spinlocks;

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

void fuzz_might_sleep(void)
{
	fuzz_check(!spinlocks, "sleeps with %u spinlocks held", spinlocks);
}

void fuzz_lock(struct lock *lock, bool sleeps)
{
	if (sleeps)
		fuzz_might_sleep();
	fuzz_check(!lock->held, "a lock is taken that is held: a deadlock");
	lock->held = true;
	spinlocks += !sleeps;
}

void fuzz_unlock(struct lock *lock, bool sleeps)
{
	fuzz_check(lock->held, "a lock is released that is not held");
	lock->held = false;
	spinlocks -= !sleeps;
}

void queue_work(struct workqueue_struct *wq, struct work_struct *work)
{
	(void)wq;
	work->queued = true;
}

void cancel_work_sync(struct work_struct *work)
{
	fuzz_might_sleep();
	work->queued = false;
}

unsigned long jiffies;

static struct work_struct *scheduled[4];

void fuzz_schedule_work(struct work_struct *work)
{
	unsigned int i = 0;

	while (scheduled[i] && scheduled[i] != work)
		fuzz_check(++i < ARRAY_SIZE(scheduled), "too many works");
	scheduled[i] = work;
	work->queued = true;
}

bool fuzz_run_scheduled_work(void)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(scheduled) && scheduled[i]; i++) {
		any |= scheduled[i]->queued;
		fuzz_run_work(scheduled[i]);
	}
	return any;
}

void msleep(unsigned int ms)
{
	fuzz_might_sleep();
	jiffies += ms * HZ / 1000;
	fuzz_wait();
}

void fuzz_run_work(struct work_struct *work)
{
	if (!work->queued)
		return;
	work->queued = false;
	work->func(work);
	fuzz_might_sleep();
}

void *fuzz_alloc(size_t count, size_t size)
{
	fuzz_might_sleep();
	return fuzz_fails() ? NULL : calloc(count, size);
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

void *fuzz_alloc_nofail(size_t size, gfp_t gfp)
{
	fuzz_might_sleep();
	fuzz_check(gfp & __GFP_NOFAIL, "kvmalloc() that may fail is not played here");
	return memset(malloc(size), 0xa5, size);
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
	if (fuzz_fails())
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
