/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef KMS_H
#define KMS_H

#include <stdbool.h>
#include <stdint.h>

#include <xf86drm.h>
#include <xf86drmMode.h>

#include "pattern.h"

#define MAX_HEADS 32

struct size {
	uint32_t w, h;
};

struct buffer {
	uint32_t handle, width, height, pitch, fb;
	/* of the framebuffer, in bytes */
	uint32_t offset;
	uint64_t size;
	void *map;
};

/* One connector and the CRTC and plane that serve it. */
struct head {
	unsigned int index;
	uint32_t connector, crtc, plane;
	drmModeModeInfo mode;
	/* where in the framebuffer the picture begins, as x and y */
	struct size src;
	bool pending;
	unsigned int flips;
	uint64_t flipped_ns, longest_ns;	/* the last one, and the longest wait for one */
	unsigned int sequence;			/* of the last one's vblank, and its time */
	uint64_t shown_us;
};

struct kms {
	int fd;
	bool atomic;
	drmModeRes *res;
	uint32_t crtcs_taken;
	unsigned int timeout_ms;
};

void set_program(const char *program, const char *command);
void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* Ends the program, unless ret (0 or a negative errno) is a success. */
void must(int ret, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *err_name(int ret);
/* These end the program when @text is something else; @name is what it is about. */
uint32_t parse_number(const char *text, const char *name);
struct size parse_size(const char *text, const char *name);
uint64_t now_ns(void);

/*
 * Without a path the first card that has displays. Returns a descriptor or a negative
 * errno.
 */
int card_open(const char *card, int flags);
void kms_open(struct kms *kms, const char *card, bool atomic);
void kms_close(struct kms *kms);
/* Returns the object's property of that name or 0, and its value if asked. */
uint32_t property(struct kms *kms, uint32_t id, uint32_t type,
		  const char *name, uint64_t *value);
/* The head has the connector's preferred mode. */
void head_init(struct kms *kms, struct head *head, unsigned int index);

/* These return 0 or a negative errno. */
int dumb_create(struct kms *kms, struct buffer *buf, uint32_t width,
		uint32_t height, uint32_t bpp);
int dumb_map(struct kms *kms, struct buffer *buf);
int fb_add(struct kms *kms, struct buffer *buf, const struct format *fmt,
	   uint32_t width, uint32_t height);
int fb_remove(struct kms *kms, struct buffer *buf);
int dumb_destroy(struct kms *kms, struct buffer *buf);
int head_enable(struct kms *kms, struct head *head, uint32_t fb);
int head_disable(struct kms *kms, struct head *head);
int head_flip(struct kms *kms, struct head *head, uint32_t fb);
/* Handles the next events; -ETIME when there are none within the limit. */
int kms_wait(struct kms *kms);
/* Handles the events that are there already. */
void kms_drain(struct kms *kms);

#endif
