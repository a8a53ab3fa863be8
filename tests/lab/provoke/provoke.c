// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Does wrong what a debug kernel has to find, one thing each time that it is
 * loaded: insmod provoke.ko what=NAME. It does not stay.
 */
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#define SIZE 64

static char *what;
module_param(what, charp, 0);

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(spin);
static int array[8];
/* read and written by READ_ONCE() and WRITE_ONCE(), so that the compiler does not know them */
static int eight = 8, forty = 40;
static int sink;

static void lock_inversion(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void sleep_in_atomic(void)
{
	spin_lock(&spin);
	might_sleep();
	spin_unlock(&spin);
}

static void leak(void)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		WRITE_ONCE(sink, !kmalloc(SIZE, GFP_KERNEL));
}

static void wide_shift(void)
{
	WRITE_ONCE(sink, 1 << READ_ONCE(forty));
}

static void beyond_array(void)
{
	WRITE_ONCE(sink, array[READ_ONCE(eight)]);
}

static void beyond_object(void)
{
	char *p = kmalloc(SIZE, GFP_KERNEL);

	if (!p)
		return;
	OPTIMIZER_HIDE_VAR(p);
	p[SIZE] = 1;
	kfree(p);
}

/* Without KASAN it is found when the memory is given out again. */
static void use_after_free(void)
{
	char *p = kmalloc(SIZE, GFP_KERNEL), *q;

	if (!p)
		return;
	OPTIMIZER_HIDE_VAR(p);
	q = p;
	kfree(p);
	OPTIMIZER_HIDE_VAR(q);
	q[SIZE / 2] = 1;
	kfree(kmalloc(SIZE, GFP_KERNEL));
}

static void list_added_twice(void)
{
	LIST_HEAD(list);
	struct list_head node;

	list_add(&node, &list);
	list_add(&node, &list);
}

static void nothing(struct work_struct *work)
{
}

static void free_active_timer(void)
{
	struct delayed_work *work = kmalloc_obj(*work);

	if (!work)
		return;
	INIT_DELAYED_WORK(work, nothing);
	schedule_delayed_work(work, 3600 * HZ);
	kfree(work);
}

static void too_many_puts(void)
{
	refcount_t count = REFCOUNT_INIT(1);

	refcount_dec(&count);
	WRITE_ONCE(sink, refcount_dec_and_test(&count));
}

static const struct {
	const char *name;
	void (*run)(void);
} wrongs[] = {
	{ "lock-inversion", lock_inversion },
	{ "sleep-in-atomic", sleep_in_atomic },
	{ "leak", leak },
	{ "wide-shift", wide_shift },
	{ "beyond-array", beyond_array },
	{ "beyond-object", beyond_object },
	{ "use-after-free", use_after_free },
	{ "list-added-twice", list_added_twice },
	{ "free-active-timer", free_active_timer },
	{ "too-many-puts", too_many_puts },
};

static int __init provoke_init(void)
{
	unsigned int i;

	for (i = 0; what && i < ARRAY_SIZE(wrongs); i++)
		if (!strcmp(what, wrongs[i].name)) {
			wrongs[i].run();
			return -ECANCELED;
		}
	return -EINVAL;
}
module_init(provoke_init);

MODULE_DESCRIPTION("What a debug kernel must find");
MODULE_LICENSE("Dual MIT/GPL");
