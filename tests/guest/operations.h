/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef OPERATIONS_H
#define OPERATIONS_H

#include "kmspaint.h"

struct client {
	struct kms kms;
	struct head head;
	/* two for the screen, and what the operation is about */
	struct buffer screen[2], buf;
	struct source source;
	drmModeAtomicReq *request;
	char card_path[32];
	unsigned int shown;
	int card_fd, dmabuf;
};

/*
 * One thing that a client may ask for. attempt() returns 0 or a negative errno;
 * undo() ends what a success has made, so that it can be asked for again. The
 * others, which may be missing, come before the first and after the last time.
 */
struct operation {
	const char *name;
	void (*prepare)(struct client *c);
	int (*attempt)(struct client *c);
	void (*undo)(struct client *c);
	void (*tidy)(struct client *c);
};

extern const struct operation operations[];
extern const unsigned int operation_count;

/*
 * What calls of ioctl() are linked to, and what was meant: libdrm asks again
 * when it was interrupted, and says nothing of it.
 */
int __wrap_ioctl(int fd, unsigned long request, ...);
int __real_ioctl(int fd, unsigned long request, void *arg);

void client_open(struct client *c, struct options *opt);
void client_close(struct client *c);
void call_step(void (*step)(struct client *c), struct client *c);

#endif
