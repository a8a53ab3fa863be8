// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Connections, as far as they need neither XenStore nor grants.
 */

#include <linux/jiffies.h>
#include <linux/slab.h>

#include <kunit/device.h>
#include <kunit/test.h>
#include <kunit/visibility.h>

#include "loopback.h"

#define NUM_CHANS	3

/* struct conns - a connection with several connectors, beside that of the loopback */
struct conns {
	struct loopback *lb;
	struct xen_drm_conn *conn;
	/* @num_broken: calls of &xen_drm_conn_ops.broken */
	unsigned int num_broken;
	/* @at_fault: the last of them named a fault */
	bool at_fault;
};

static void conns_broken(void *owner, const char *fault)
{
	struct conns *conns = owner;

	conns->num_broken++;
	conns->at_fault = fault;
}

static void conns_nothing(void *owner)
{
}

static const struct xen_drm_conn_ops conns_ops = {
	.broken = conns_broken,
	.missed = conns_nothing,
	.answers = conns_nothing,
};

KUNIT_DEFINE_ACTION_WRAPPER(put_conn, xen_drm_conn_put, struct xen_drm_conn *);

static int conn_init(struct kunit *test)
{
	struct device *dev = kunit_device_register(test, "vdispl-conn");
	struct conns *conns = kunit_kzalloc(test, sizeof(*conns), GFP_KERNEL);
	struct xen_displif_sring *sring;
	void *evt_page;
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	KUNIT_ASSERT_NOT_NULL(test, conns);
	test->priv = conns;
	conns->lb = loopback_create(test);
	conns->conn = xen_drm_conn_alloc(dev, 7, NUM_CHANS, 1, &conns_ops, conns);
	KUNIT_ASSERT_NOT_NULL(test, conns->conn);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, put_conn, conns->conn), 0);

	for (i = 0; i < NUM_CHANS; i++) {
		sring = kunit_kzalloc(test, XEN_PAGE_SIZE, GFP_KERNEL);
		evt_page = kunit_kzalloc(test, XEN_PAGE_SIZE, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, sring);
		KUNIT_ASSERT_NOT_NULL(test, evt_page);
		sring->req_event = 0x80000000;
		xen_drm_chan_attach(xen_drm_conn_chan(conns->conn, i), sring, evt_page);
	}
	return 0;
}

static int post(struct xen_drm_chan *chan)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_FB_DETACH };

	return xen_drm_chan_submit(chan, &req, NULL, false);
}

static void facts(struct kunit *test)
{
	struct conns *conns = test->priv;
	unsigned int i;

	KUNIT_EXPECT_NE(test, xen_drm_conn_number(conns->lb->conn), 0);
	KUNIT_EXPECT_GT(test, xen_drm_conn_number(conns->conn),
			xen_drm_conn_number(conns->lb->conn));
	KUNIT_EXPECT_EQ(test, xen_drm_conn_domid(conns->conn), 7);
	KUNIT_EXPECT_EQ(test, xen_drm_conn_version(conns->conn), 1);
	for (i = 0; i < NUM_CHANS; i++)
		KUNIT_EXPECT_EQ(test, xen_drm_conn_chan(conns->conn, i)->index, i);
	KUNIT_EXPECT_NULL(test, xen_drm_conn_chan(conns->conn, NUM_CHANS));
}

/* The fault of one connector ends all. */
static void fault(struct kunit *test)
{
	struct conns *conns = test->priv;
	unsigned int i;

	xen_drm_conn_chan(conns->conn, 1)->ring.sring->rsp_prod = 1;
	xen_drm_chan_poll(xen_drm_conn_chan(conns->conn, 1));

	KUNIT_EXPECT_TRUE(test, xen_drm_conn_is_broken(conns->conn));
	KUNIT_EXPECT_TRUE(test, xen_drm_conn_is_at_fault(conns->conn));
	KUNIT_EXPECT_EQ(test, conns->num_broken, 1);
	KUNIT_EXPECT_TRUE(test, conns->at_fault);
	for (i = 0; i < NUM_CHANS; i++)
		KUNIT_EXPECT_EQ(test, post(xen_drm_conn_chan(conns->conn, i)), -ENODEV);
	/* Others go on. */
	KUNIT_EXPECT_FALSE(test, xen_drm_conn_is_broken(conns->lb->conn));
}

static void broken_once(struct kunit *test)
{
	struct conns *conns = test->priv;
	unsigned int i;

	xen_drm_conn_break(conns->conn, "the test ends it");
	xen_drm_conn_break(conns->conn, NULL);
	xen_drm_conn_chan(conns->conn, 1)->ring.sring->rsp_prod = 1;
	xen_drm_chan_poll(xen_drm_conn_chan(conns->conn, 1));

	KUNIT_EXPECT_TRUE(test, xen_drm_conn_is_broken(conns->conn));
	KUNIT_EXPECT_FALSE(test, xen_drm_conn_is_at_fault(conns->conn));
	KUNIT_EXPECT_EQ(test, conns->num_broken, 1);
	KUNIT_EXPECT_FALSE(test, conns->at_fault);
	for (i = 0; i < NUM_CHANS; i++)
		KUNIT_EXPECT_EQ(test, post(xen_drm_conn_chan(conns->conn, i)), -ENODEV);
}

static void disowned(struct kunit *test)
{
	struct conns *conns = test->priv;

	xen_drm_conn_disown(conns->conn);
	xen_drm_conn_chan(conns->conn, 0)->ring.sring->rsp_prod = 1;
	xen_drm_chan_poll(xen_drm_conn_chan(conns->conn, 0));
	xen_drm_conn_break(conns->conn, NULL);

	KUNIT_EXPECT_TRUE(test, xen_drm_conn_is_broken(conns->conn));
	KUNIT_EXPECT_TRUE(test, xen_drm_conn_is_at_fault(conns->conn));
	KUNIT_EXPECT_EQ(test, conns->num_broken, 0);
}

static void muted(struct kunit *test)
{
	struct conns *conns = test->priv;
	struct loopback *lb = conns->lb;

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, LOOPBACK_COOKIE), 0);
	xen_drm_conn_mute(lb->conn);
	loopback_event(lb, 0, XENDISPL_EVT_PG_FLIP, LOOPBACK_COOKIE);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, lb->num_done, 0);
	loopback_expect_sound(lb);
}

/* The owner is not told of what it does itself. */
static void closed_twice(struct kunit *test)
{
	struct conns *conns = test->priv;
	struct xen_drm_chan *chan = xen_drm_conn_chan(conns->conn, 2);
	unsigned long since;

	xen_drm_conn_close(conns->conn);
	xen_drm_conn_close(conns->conn);

	KUNIT_EXPECT_TRUE(test, xen_drm_conn_is_broken(conns->conn));
	KUNIT_EXPECT_EQ(test, conns->num_broken, 0);
	KUNIT_EXPECT_NULL(test, chan->ring.sring);
	KUNIT_EXPECT_NULL(test, chan->evt_page);
	KUNIT_EXPECT_EQ(test, post(chan), -ENODEV);
	KUNIT_EXPECT_FALSE(test, xen_drm_chan_poll(chan));
	KUNIT_EXPECT_FALSE(test, xen_drm_conn_silent(conns->conn, &since));
}

/* Of all connectors the one that waits longest. */
static void silent(struct kunit *test)
{
	const unsigned long age = msecs_to_jiffies(3000);
	struct conns *conns = test->priv;
	unsigned long since = 0;
	unsigned int i;

	KUNIT_EXPECT_FALSE(test, xen_drm_conn_silent(conns->conn, &since));
	for (i = 0; i < NUM_CHANS; i++)
		KUNIT_ASSERT_EQ(test, post(xen_drm_conn_chan(conns->conn, i)), 0);
	KUNIT_EXPECT_FALSE(test, xen_drm_conn_silent(conns->conn, &since));

	xen_drm_conn_chan(conns->conn, 0)->slots[0].sent = jiffies - age;
	xen_drm_conn_chan(conns->conn, 1)->slots[0].sent = jiffies - 5 * age;
	xen_drm_conn_chan(conns->conn, 2)->slots[0].sent = jiffies - 2 * age;
	KUNIT_EXPECT_TRUE(test, xen_drm_conn_silent(conns->conn, &since));
	KUNIT_EXPECT_EQ(test, since, xen_drm_conn_chan(conns->conn, 1)->slots[0].sent);
}

static struct kunit_case conn_cases[] = {
	KUNIT_CASE(facts),
	KUNIT_CASE(fault),
	KUNIT_CASE(broken_once),
	KUNIT_CASE(disowned),
	KUNIT_CASE(muted),
	KUNIT_CASE(closed_twice),
	KUNIT_CASE(silent),
	{}
};

static struct kunit_suite conn_suite = {
	.name = "xen_drm_front_conn",
	.init = conn_init,
	.test_cases = conn_cases,
};

kunit_test_suite(conn_suite);
