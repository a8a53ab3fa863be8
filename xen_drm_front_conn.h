/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: a connection with a backend.
 */

#ifndef __XEN_DRM_FRONT_CONN_H__
#define __XEN_DRM_FRONT_CONN_H__

#include <linux/kref.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include <xen/interface/xen.h>

struct device;
struct xen_drm_cfg_connector;
struct xen_drm_chan;
struct xen_drm_conn;
struct xenbus_device;

/**
 * struct xen_drm_conn_ops - what a connection tells the bus device
 *
 * The connection calls them in any context, interrupts included; they may not sleep.
 */
struct xen_drm_conn_ops {
	/**
	 * @broken: the connection has just been broken; called once. @fault is a
	 * sentence about what the backend did against the protocol, or NULL
	 */
	void (*broken)(void *owner, const char *fault);
	/** @missed: an answer is overdue; xen_drm_conn_silent() tells since when */
	void (*missed)(void *owner);
	/** @answers: the backend answers again after a missed answer */
	void (*answers)(void *owner);
};

struct xen_drm_conn *
xen_drm_conn_alloc(struct device *dev, domid_t domid, unsigned int num_chans,
		   unsigned int version, const struct xen_drm_conn_ops *ops, void *owner);
int xen_drm_conn_open(struct xen_drm_conn *conn, struct xenbus_device *xb_dev,
		      const struct xen_drm_cfg_connector *connectors);
int xen_drm_conn_publish(struct xen_drm_conn *conn, struct xenbus_device *xb_dev,
			 bool with_version);
void xen_drm_conn_break(struct xen_drm_conn *conn, const char *why);
bool xen_drm_conn_is_broken(struct xen_drm_conn *conn);
bool xen_drm_conn_is_at_fault(struct xen_drm_conn *conn);
bool xen_drm_conn_silent(struct xen_drm_conn *conn, unsigned long *since);
void xen_drm_conn_limit(struct xen_drm_conn *conn, unsigned int ms);
void xen_drm_conn_mute(struct xen_drm_conn *conn);
void xen_drm_conn_disown(struct xen_drm_conn *conn);
void xen_drm_conn_close(struct xen_drm_conn *conn);

struct xen_drm_conn *xen_drm_conn_get(struct xen_drm_conn *conn);
void xen_drm_conn_put(struct xen_drm_conn *conn);
struct xen_drm_chan *xen_drm_conn_chan(struct xen_drm_conn *conn, unsigned int index);
u64 xen_drm_conn_number(const struct xen_drm_conn *conn);
domid_t xen_drm_conn_domid(const struct xen_drm_conn *conn);
unsigned int xen_drm_conn_version(const struct xen_drm_conn *conn);

#endif /* __XEN_DRM_FRONT_CONN_H__ */
