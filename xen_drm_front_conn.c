// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: a connection with a backend.
 */

#include "xen_drm_front_conn.h"

#include <linux/bitops.h>
#include <linux/device.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include <kunit/visibility.h>

#include <xen/events.h>
#include <xen/xenbus.h>

#include "xen_drm_front_call.h"
#include "xen_drm_front_evtchnl.h"
#include "xen_drm_front_grants.h"
#include "xen_drm_front_overdue.h"

/* Number of grants of a channel: one for its ring, one for its event page. */
#define CHAN_GRANTS	2
/* Number of tries of a transaction that conflicts with other writers of XenStore. */
#define PUBLISH_TRIES	10

/**
 * DOC: Connections
 *
 * A connection has the channels of all connectors, which are opened, published and
 * closed together. One display uses it with one backend, once. The bus device breaks
 * it when the backend has left, a channel when the backend has broken the protocol.
 * A broken connection stays broken: each use of any channel returns -ENODEV, and the
 * bus device is told once.
 *
 * References keep the memory, so that their holders can use the channels without a
 * lock. Only the bus device closes rings, interrupts and grants.
 */

/**
 * struct xen_drm_conn - the channels of all connectors, opened together and used once
 */
struct xen_drm_conn {
	/** @ref: number of holders */
	struct kref ref;
	/** @dev: device for messages, with a reference */
	struct device *dev;
	/** @number: number that no other connection has or had, never 0 */
	u64 number;
	/** @domid: domain of the backend */
	domid_t domid;
	/** @version: protocol version, 1 or 2 */
	unsigned int version;
	/** @broken: bit 0 once the connection is broken; never cleared */
	unsigned long broken;
	/** @at_fault: whether the backend broke the protocol */
	bool at_fault;
	/**
	 * @lock: protects @ops and @owner, and is held during the calls, so that none
	 * is under way after xen_drm_conn_disown(). It nests inside
	 * &drm_device.event_lock, and is not taken under a channel's lock
	 */
	spinlock_t lock;
	/** @ops: callbacks of the bus device, NULL after xen_drm_conn_disown() */
	const struct xen_drm_conn_ops *ops;
	/** @owner: argument of @ops */
	void *owner;
	/** @num_chans: number of connectors */
	unsigned int num_chans;
	/** @chans: channel of each connector */
	struct xen_drm_chan chans[] __counted_by(num_chans);
};

/* Returns whether the connection was not broken before. */
static bool conn_break_chans(struct xen_drm_conn *conn)
{
	unsigned int i;

	if (test_and_set_bit(0, &conn->broken))
		return false;

	for (i = 0; i < conn->num_chans; i++)
		xen_drm_chan_break(&conn->chans[i]);
	return true;
}

static void conn_tell_broken(struct xen_drm_conn *conn, const char *fault)
{
	scoped_guard(spinlock_irqsave, &conn->lock) {
		if (conn->ops)
			conn->ops->broken(conn->owner, fault);
	}
}

static void xen_drm_conn_fault(void *owner, const char *what)
{
	struct xen_drm_conn *conn = owner;

	WRITE_ONCE(conn->at_fault, true);
	if (!conn_break_chans(conn))
		return;

	dev_err_ratelimited(conn->dev, "%s; the connection ends\n", what);
	conn_tell_broken(conn, what);
}

static void xen_drm_conn_anew(void *owner)
{
	xen_drm_conn_break(owner, "the backend counts its replies anew");
}

static void xen_drm_conn_missed(void *owner, unsigned int index)
{
	struct xen_drm_conn *conn = owner;

	scoped_guard(spinlock_irqsave, &conn->lock) {
		if (conn->ops)
			conn->ops->missed(conn->owner);
	}
}

static void xen_drm_conn_answers(void *owner, unsigned int index)
{
	struct xen_drm_conn *conn = owner;

	scoped_guard(spinlock_irqsave, &conn->lock) {
		if (conn->ops)
			conn->ops->answers(conn->owner);
	}
}

static const struct xen_drm_chan_ops conn_chan_ops = {
	.fault = xen_drm_conn_fault,
	.anew = xen_drm_conn_anew,
	.missed = xen_drm_conn_missed,
	.answers = xen_drm_conn_answers,
};

/**
 * xen_drm_conn_alloc - allocate a connection that is not open yet
 * @dev: device for messages
 * @domid: domain of the backend
 * @num_chans: number of connectors
 * @version: protocol version, 1 or 2
 * @ops: callbacks
 * @owner: argument of @ops
 *
 * Context: may sleep.
 *
 * Returns: the connection with one reference, or NULL.
 */
struct xen_drm_conn *
xen_drm_conn_alloc(struct device *dev, domid_t domid, unsigned int num_chans,
		   unsigned int version, const struct xen_drm_conn_ops *ops, void *owner)
{
	static atomic64_t last_number;
	struct xen_drm_conn *conn;
	unsigned int i;

	conn = kvzalloc(struct_size(conn, chans, num_chans), GFP_KERNEL);
	if (!conn)
		return NULL;

	kref_init(&conn->ref);
	conn->dev = get_device(dev);
	conn->number = atomic64_inc_return(&last_number);
	conn->domid = domid;
	conn->version = version;
	spin_lock_init(&conn->lock);
	conn->ops = ops;
	conn->owner = owner;
	conn->num_chans = num_chans;
	for (i = 0; i < num_chans; i++)
		xen_drm_chan_init(&conn->chans[i], conn->dev, i, &conn_chan_ops, conn);
	return conn;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_conn_alloc);

static int chan_share(struct xen_drm_chan *chan, struct xenbus_device *xb_dev)
{
	void *sring, *evt_page;
	int ret;

	ret = xen_drm_grants_take_for_rings(CHAN_GRANTS);
	if (ret)
		return ret;

	ret = xenbus_setup_ring(xb_dev, GFP_KERNEL, &sring, 1, &chan->req_ref);
	if (ret)
		goto err_give_back;

	ret = xenbus_setup_ring(xb_dev, GFP_KERNEL, &evt_page, 1, &chan->evt_ref);
	if (ret)
		goto err_teardown_ring;

	xen_drm_chan_attach(chan, sring, evt_page);
	return 0;

err_teardown_ring:
	/* The backend cannot have mapped it yet. */
	xenbus_teardown_ring(&sring, 1, &chan->req_ref);
err_give_back:
	xen_drm_grants_give_back(CHAN_GRANTS);
	return ret;
}

static int chan_bind(struct xen_drm_chan *chan, struct xenbus_device *xb_dev,
		     evtchn_port_t *port, const char *name, irq_handler_t handler)
{
	int irq, ret;

	ret = xenbus_alloc_evtchn(xb_dev, port);
	if (ret)
		return ret;

	irq = bind_evtchn_to_irqhandler_lateeoi(*port, handler, 0, name, chan);
	if (irq < 0)
		xenbus_free_evtchn(xb_dev, *port);
	return irq;
}

static int chan_open(struct xen_drm_chan *chan, struct xenbus_device *xb_dev, const char *label)
{
	const char *dev = dev_name(&xb_dev->dev);
	unsigned int i = chan->index;
	int ret;

	ret = chan_share(chan, xb_dev);
	if (ret)
		return ret;

	snprintf(chan->req_name, sizeof(chan->req_name), "%s-%u-req:%s", dev, i, label);
	ret = chan_bind(chan, xb_dev, &chan->req_port, chan->req_name,
			xen_drm_chan_reply_interrupt);
	if (ret < 0)
		return ret;
	chan->req_irq = ret;

	snprintf(chan->evt_name, sizeof(chan->evt_name), "%s-%u-evt:%s", dev, i, label);
	ret = chan_bind(chan, xb_dev, &chan->evt_port, chan->evt_name,
			xen_drm_chan_event_interrupt);
	if (ret < 0)
		return ret;
	chan->evt_irq = ret;
	return 0;
}

/**
 * xen_drm_conn_open - create rings and event channels of all connectors
 * @conn: the connection
 * @xb_dev: the bus device
 * @connectors: configuration of each channel's connector
 *
 * Context: may sleep.
 *
 * Returns: 0 or an error; the caller closes the connection in either case.
 */
int xen_drm_conn_open(struct xen_drm_conn *conn, struct xenbus_device *xb_dev,
		      const struct xen_drm_cfg_connector *connectors)
{
	unsigned int i;
	int ret;

	for (i = 0; i < conn->num_chans; i++) {
		ret = chan_open(&conn->chans[i], xb_dev, connectors[i].label);
		if (ret)
			return ret;
	}
	return 0;
}

static int chan_publish(const struct xen_drm_chan *chan, struct xenbus_device *xb_dev,
			struct xenbus_transaction xbt)
{
	const struct {
		const char *node;
		u32 value;
	} nodes[] = {
		{ XENDISPL_FIELD_REQ_RING_REF, chan->req_ref },
		{ XENDISPL_FIELD_REQ_CHANNEL, chan->req_port },
		{ XENDISPL_FIELD_EVT_RING_REF, chan->evt_ref },
		{ XENDISPL_FIELD_EVT_CHANNEL, chan->evt_port },
	};
	char node[32];
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(nodes); i++) {
		snprintf(node, sizeof(node), "%u/%s", chan->index, nodes[i].node);
		ret = xenbus_printf(xbt, xb_dev->nodename, node, "%u", nodes[i].value);
		if (ret)
			return ret;
	}
	return 0;
}

static int conn_publish(struct xen_drm_conn *conn, struct xenbus_device *xb_dev,
			struct xenbus_transaction xbt, bool with_version)
{
	unsigned int i;
	int ret;

	for (i = 0; i < conn->num_chans; i++) {
		ret = chan_publish(&conn->chans[i], xb_dev, xbt);
		if (ret)
			return ret;
	}

	/*
	 * An earlier backend may have been given a version. xenbus_rm() may fail: the
	 * node may be missing.
	 */
	if (!with_version) {
		xenbus_rm(xbt, xb_dev->nodename, XENDISPL_FIELD_FE_VERSION);
		return 0;
	}
	return xenbus_printf(xbt, xb_dev->nodename, XENDISPL_FIELD_FE_VERSION, "%u",
			     conn->version);
}

/**
 * xen_drm_conn_publish - tell the backend where the rings are
 * @conn: the open connection
 * @xb_dev: the bus device
 * @with_version: whether to write the protocol version, too
 *
 * All nodes of all connectors go into one transaction, as displif.h, "Frontend
 * XenBus Nodes", names them.
 *
 * Context: may sleep.
 *
 * Returns: 0 or an error; -EAGAIN when each try conflicts with other writers.
 */
int xen_drm_conn_publish(struct xen_drm_conn *conn, struct xenbus_device *xb_dev,
			 bool with_version)
{
	struct xenbus_transaction xbt;
	unsigned int tries;
	int ret = -EAGAIN;

	for (tries = 0; tries < PUBLISH_TRIES && ret == -EAGAIN; tries++) {
		ret = xenbus_transaction_start(&xbt);
		if (ret)
			return ret;

		ret = conn_publish(conn, xb_dev, xbt, with_version);
		if (ret) {
			xenbus_transaction_end(xbt, 1);
			return ret;
		}

		ret = xenbus_transaction_end(xbt, 0);
	}
	return ret;
}

/**
 * xen_drm_conn_break - break a connection for a reason that is no fault
 * @conn: the connection
 * @why: reason for the log, as the end of a sentence; NULL for no message
 *
 * Every waiter is woken, and later uses of the channels return -ENODEV. The owner
 * is told, unless the connection was broken before.
 *
 * Context: any.
 */
void xen_drm_conn_break(struct xen_drm_conn *conn, const char *why)
{
	if (!conn_break_chans(conn))
		return;

	if (why)
		dev_info(conn->dev, "connection ends: %s\n", why);
	conn_tell_broken(conn, NULL);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_conn_break);

/**
 * xen_drm_conn_is_broken - check whether a connection is broken
 * @conn: the connection
 *
 * Context: any, the calls of &struct xen_drm_conn_ops included.
 *
 * Returns: whether it is.
 */
bool xen_drm_conn_is_broken(struct xen_drm_conn *conn)
{
	return test_bit(0, &conn->broken);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_conn_is_broken);

/**
 * xen_drm_conn_is_at_fault - check whether the backend has broken the protocol
 * @conn: the connection
 *
 * Context: any, the calls of &struct xen_drm_conn_ops included.
 *
 * Returns: whether it has, as opposed to going away or being silent.
 */
bool xen_drm_conn_is_at_fault(struct xen_drm_conn *conn)
{
	return READ_ONCE(conn->at_fault);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_conn_is_at_fault);

/**
 * xen_drm_conn_silent - check whether the backend is silent
 * @conn: the connection
 * @since: set to the jiffies when the oldest request or flip without an answer went
 *	out, if an answer is overdue
 *
 * Looks into rings and event pages first, so the owner may be told of answers.
 *
 * Context: any, but neither under &drm_device.event_lock, nor under a lock that the
 * calls of &struct xen_drm_conn_ops take.
 *
 * Returns: whether an answer is overdue on any channel.
 */
bool xen_drm_conn_silent(struct xen_drm_conn *conn, unsigned long *since)
{
	unsigned long chan_since;
	bool silent = false;
	unsigned int i;

	for (i = 0; i < conn->num_chans; i++) {
		if (!xen_drm_chan_overdue(&conn->chans[i], &chan_since))
			continue;
		if (!silent || time_before(chan_since, *since))
			*since = chan_since;
		silent = true;
	}
	return silent;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_conn_silent);

/**
 * xen_drm_conn_limit - limit the time that tasks wait from now on, all together
 * @conn: the connection
 * @ms: number of milliseconds, 0 for no limit
 *
 * See xen_drm_chan_limit().
 *
 * Context: any.
 */
void xen_drm_conn_limit(struct xen_drm_conn *conn, unsigned int ms)
{
	unsigned int i;

	for (i = 0; i < conn->num_chans; i++)
		xen_drm_chan_limit(&conn->chans[i], ms);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_conn_limit);

/**
 * xen_drm_conn_mute - stop telling pipes of their flips
 * @conn: the connection, which need not be broken
 *
 * On return no call of &struct xen_drm_flip_ops is under way, nor will there be one.
 *
 * Context: may sleep.
 */
void xen_drm_conn_mute(struct xen_drm_conn *conn)
{
	unsigned int i;

	for (i = 0; i < conn->num_chans; i++)
		xen_drm_chan_set_flip_ops(&conn->chans[i], NULL, NULL);

	/* Channels call with rcu_read_lock() held, see xen_drm_chan_tell(). */
	synchronize_rcu();
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_conn_mute);

/**
 * xen_drm_conn_disown - stop telling the owner
 * @conn: the connection
 *
 * On return no call of &struct xen_drm_conn_ops is under way, nor will there be one.
 *
 * Context: any, but not in such a call.
 */
void xen_drm_conn_disown(struct xen_drm_conn *conn)
{
	scoped_guard(spinlock_irqsave, &conn->lock) {
		conn->ops = NULL;
		conn->owner = NULL;
	}
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_conn_disown);

/* A page that the backend still maps is deferred, so that it is not reused before. */
static void conn_unshare(struct xen_drm_conn *conn, void *page, grant_ref_t *ref)
{
	if (*ref == INVALID_GRANT_REF)
		return;

	if (gnttab_try_end_foreign_access(*ref))
		xen_drm_grants_give_back(1);
	else
		xen_drm_grants_defer(conn->domid, *ref, virt_to_page(page), NULL);

	/* Without a grant this only drops our reference of the page. */
	*ref = INVALID_GRANT_REF;
	xenbus_teardown_ring(&page, 1, ref);
}

static void conn_close_chan(struct xen_drm_conn *conn, struct xen_drm_chan *chan)
{
	void *sring, *evt_page;

	if (chan->req_irq >= 0)
		unbind_from_irqhandler(chan->req_irq, chan);
	if (chan->evt_irq >= 0)
		unbind_from_irqhandler(chan->evt_irq, chan);

	scoped_guard(spinlock_irqsave, &chan->lock) {
		chan->req_irq = -1;
		chan->evt_irq = -1;
		sring = chan->ring.sring;
		evt_page = chan->evt_page;
		chan->ring.sring = NULL;
		chan->evt_page = NULL;
	}

	conn_unshare(conn, sring, &chan->req_ref);
	conn_unshare(conn, evt_page, &chan->evt_ref);
}

/**
 * xen_drm_conn_close - close the rings, interrupts and grants of a connection
 * @conn: the connection; it is broken by this, and may be closed already
 *
 * Does not tell the owner. Grants of buffers do not belong to the connection.
 *
 * Context: may sleep; does not wait for the backend.
 */
void xen_drm_conn_close(struct xen_drm_conn *conn)
{
	unsigned int i;

	conn_break_chans(conn);
	for (i = 0; i < conn->num_chans; i++)
		conn_close_chan(conn, &conn->chans[i]);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_conn_close);

/**
 * xen_drm_conn_get - take a reference
 * @conn: the connection
 *
 * Context: any.
 *
 * Returns: @conn.
 */
struct xen_drm_conn *xen_drm_conn_get(struct xen_drm_conn *conn)
{
	kref_get(&conn->ref);
	return conn;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_conn_get);

static void conn_release(struct kref *ref)
{
	struct xen_drm_conn *conn = container_of(ref, struct xen_drm_conn, ref);

	put_device(conn->dev);
	kvfree(conn);
}

/**
 * xen_drm_conn_put - drop a reference
 * @conn: the connection, which must be closed before the last reference goes
 *
 * Context: may sleep.
 */
void xen_drm_conn_put(struct xen_drm_conn *conn)
{
	kref_put(&conn->ref, conn_release);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_conn_put);

/**
 * xen_drm_conn_chan - get the channel of a connector
 * @conn: the connection
 * @index: number of the connector
 *
 * Returns: the channel, which lives as long as @conn; NULL if there is none.
 */
struct xen_drm_chan *xen_drm_conn_chan(struct xen_drm_conn *conn, unsigned int index)
{
	return index < conn->num_chans ? &conn->chans[index] : NULL;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_conn_chan);

/**
 * xen_drm_conn_number - get the number of a connection
 * @conn: the connection
 *
 * Returns: a number other than 0, which no other connection has or had.
 */
u64 xen_drm_conn_number(const struct xen_drm_conn *conn)
{
	return conn->number;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_conn_number);

/**
 * xen_drm_conn_domid - get the domain of the backend
 * @conn: the connection
 *
 * Returns: the domain's number.
 */
domid_t xen_drm_conn_domid(const struct xen_drm_conn *conn)
{
	return conn->domid;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_conn_domid);

/**
 * xen_drm_conn_version - get the version of the protocol
 * @conn: the connection
 *
 * Returns: 1 or 2.
 */
unsigned int xen_drm_conn_version(const struct xen_drm_conn *conn)
{
	return conn->version;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_conn_version);
