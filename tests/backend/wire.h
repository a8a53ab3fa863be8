/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The wire's definitions and the barriers that ring.h expects of its user. */
#ifndef WIRE_H
#define WIRE_H

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/grant_table.h>

/* The peer runs on another CPU whatever this program's own threads do. */
#define xen_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

/* Shared memory: one access, and it happens. */
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile __typeof__(x) *)&(x) = (value))

#include <xen/io/xenbus.h>
#include <xen/io/displif.h>

#define WIRE_PAGE_SIZE 4096
#define WIRE_RING_SLOTS 32

#endif
