/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef KMSPAINT_H
#define KMSPAINT_H

#include "kms.h"

#define PAGE 4096

struct options {
	const char *card, *from;
	const struct format *format;
	unsigned int connectors[MAX_HEADS], connector_count;
	bool all_connectors, atomic, hold, no_prime, dirty, flip, modeset, flip_forever, one_buffer;
	struct size fb, dumb, src;
	uint32_t pitch, offset, seed, flips, timeout_ms, threads, seconds, buffers;
	/* what is left of the command line */
	char **args;
};

/*
 * Returns when told by a line or the end of standard input, or by SIGTERM:
 * true if the line asks for another flip, false if it is time to end.
 */
bool wait_until_told(void);
/* A line of standard input without its end; false when it has ended. */
bool read_line(char *line, size_t size);
void open_card(struct kms *kms, const struct options *opt);
/* Buffer of that size, mapped; ends the program if not. */
void buffer_make(struct kms *kms, struct buffer *buf, const struct head *head,
		 const struct format *fmt, struct size dumb);
/* The same with a framebuffer. */
void fb_make(struct kms *kms, struct buffer *buf, const struct head *head,
	     const struct format *fmt, struct size dumb, struct size fb);
/*
 * One case of a list: allowed are names of errno values, or OK, separated by
 * '|'. expect_result() closes the list and returns the exit code.
 */
void expect(const char *name, const char *allowed, int ret);
int expect_result(void);

/* A dma-buf of somebody else, and the memory behind it. */
struct source {
	int fd;
	uint64_t size;
	void *map;
};

struct source make_udmabuf(uint64_t size);
void source_close(struct source *src);
int prime_import(struct kms *kms, int fd, uint32_t *handle);

int cmd_info(struct options *opt);
int cmd_devices(struct options *opt);
int cmd_show(struct options *opt);
int cmd_front(struct options *opt);
int cmd_hold_open(struct options *opt);
int cmd_pending_flip(struct options *opt);
int cmd_churn(struct options *opt);
int cmd_exhaust(struct options *opt);
int cmd_badfb(struct options *opt);
int cmd_prime_export(struct options *opt);
int cmd_prime_import(struct options *opt);
int cmd_prime_bad(struct options *opt);
int cmd_abuse(struct options *opt);
int cmd_storm(struct options *opt);
int cmd_survive(struct options *opt);
int cmd_faults(struct options *opt);
int cmd_fault_write(struct options *opt);
int cmd_signals(struct options *opt);
int cmd_killed(struct options *opt);

#endif
