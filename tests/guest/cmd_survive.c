// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A client that knows nothing of backends and wants to see no error, ever. */
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stage.h"

#define SECOND 1000000000ull
#define ERRORS_TOLD 20
/* In flips: a DIRTYFB after so many, a buffer made and given back. */
#define DIRTY_EACH 16
#define CHURN_EACH 60

struct survivor {
	struct kms kms;
	struct options *opt;
	struct stage stages[MAX_HEADS];
	uint64_t sent_ns[MAX_HEADS];
	unsigned int tried[MAX_HEADS];	/* the frame that was last begun */
	unsigned int count, pictures, hotplugs;
	bool still;
	int uevent_fd;
	uint64_t start_ns, told_ns, errors, dirties, buffers;
};

static struct survivor all;

static unsigned int total_flips(void)
{
	unsigned int flips = 0;

	for (unsigned int i = 0; i < all.count; i++)
		flips += all.stages[i].head.flips;
	return flips;
}

static unsigned long long longest_ms(void)
{
	uint64_t longest = 0;

	for (unsigned int i = 0; i < all.count; i++)
		if (all.stages[i].head.longest_ns > longest)
			longest = all.stages[i].head.longest_ns;
	return longest / 1000000;
}

/* Go on after an error, though not at full speed. */
static bool ok(int ret, unsigned int connector, const char *step)
{
	if (!ret)
		return true;
	if (all.errors++ < ERRORS_TOLD) {
		printf("error connector=%u step=%s errno=%s at_ms=%llu\n", connector, step,
		       err_name(ret),
		       (unsigned long long)(now_ns() - all.start_ns) / 1000000);
		fflush(stdout);
	}
	usleep(20000);
	return false;
}

static void churn(unsigned int index)
{
	struct buffer buf;
	int ret = dumb_create(&all.kms, &buf, 320, 240, 32);

	if (!ok(ret, index, "create_dumb"))
		return;
	all.buffers++;
	if (ok(dumb_map(&all.kms, &buf), index, "map_dumb"))
		memset(buf.map, 0x5a, buf.size);
	ok(fb_add(&all.kms, &buf, all.opt->format, 320, 240), index, "addfb2");
	ok(dumb_destroy(&all.kms, &buf), index, "rmfb and destroy_dumb");
}

static void dirty(struct stage *stage)
{
	const struct buffer *shown = &stage->buf[stage->head.flips % stage->buffers];
	drmModeClip clip = { 0, 0, stage->fb.w, stage->fb.h };

	all.dirties++;
	ok(drmModeDirtyFB(all.kms.fd, shown->fb, &clip, 1), stage->head.index, "dirtyfb");
}

/* What other clients do between their flips. */
static void do_more(struct stage *stage, unsigned int frame)
{
	if (all.opt->dirty && !(frame % DIRTY_EACH))
		dirty(stage);
	if (!(frame % CHURN_EACH))
		churn(stage->head.index);
}

/* The next frame: its buffers are painted already, and shown in turn. */
static void go_on(unsigned int index)
{
	struct stage *stage = &all.stages[index];
	struct head *head = &stage->head;
	unsigned int frame = head->flips + 1;

	if (head->pending)
		return;
	if (frame != all.tried[index])
		do_more(stage, frame);
	all.tried[index] = frame;
	all.sent_ns[index] = now_ns();
	ok(head_flip(&all.kms, head, stage->buf[frame % stage->buffers].fb), index, "page_flip");
}

static void listen_to_uevents(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		must(-errno, "socket for the kernel's events");
	all.uevent_fd = fd;
}

/* An event is strings, each with its end; one of a hot-plug says so in one. */
static void read_uevent(void)
{
	static const char hotplug[] = "HOTPLUG=1";
	char event[4096];
	ssize_t len = recv(all.uevent_fd, event, sizeof(event), 0);

	if (len > 0 && memmem(event, len, hotplug, sizeof(hotplug)))
		all.hotplugs++;
}

static void look_for_overdue(unsigned int index)
{
	struct head *head = &all.stages[index].head;

	if (!head->pending ||
	    now_ns() - all.sent_ns[index] < all.opt->timeout_ms * 1000000ull)
		return;
	head->pending = false;
	ok(-ETIME, index, "event");
}

static bool any_pending(void)
{
	for (unsigned int i = 0; i < all.count; i++)
		if (all.stages[i].head.pending)
			return true;
	return false;
}

static void wait_for_flips(void)
{
	while (any_pending()) {
		struct pollfd pfd = { .fd = all.kms.fd, .events = POLLIN };

		poll(&pfd, 1, 100);
		kms_drain(&all.kms);
		for (unsigned int i = 0; i < all.count; i++)
			look_for_overdue(i);
	}
}

/* One picture that the other side knows, and no flip after it. */
static void stand_still(void)
{
	uint32_t seed = all.opt->seed + 100 * ++all.pictures;

	wait_for_flips();
	for (unsigned int i = 0; i < all.count; i++) {
		struct stage *stage = &all.stages[i];
		struct buffer *buf = &stage->buf[(stage->head.flips + 1) % stage->buffers];

		pattern_paint(buf->map, buf->pitch, all.opt->format, stage->fb.w, stage->fb.h,
			      seed + i);
		go_on(i);
	}
	wait_for_flips();
	all.still = true;
	printf("still seed=%u errors=%llu\n", seed, (unsigned long long)all.errors);
	fflush(stdout);
}

static void move_again(void)
{
	for (unsigned int i = 0; i < all.count; i++)
		all.stages[i].head.flipped_ns = 0;
	all.still = false;
}

/* What a client reads where it has painted the picture that is on the screen. */
static void peek(void)
{
	const struct stage *stage = &all.stages[0];
	const struct buffer *buf = &stage->buf[stage->head.flips % stage->buffers];
	const uint8_t *bytes = buf->map;
	uint64_t nonzero = 0;

	for (uint64_t i = 0; i < buf->size; i++)
		nonzero += !!bytes[i];
	printf("peek bytes=%llu nonzero=%llu\n", (unsigned long long)buf->size,
	       (unsigned long long)nonzero);
	fflush(stdout);
}

/* False at the end of standard input. */
static bool obey(void)
{
	char line[64];

	if (!read_line(line, sizeof(line)))
		return false;
	if (!strcmp(line, "still"))
		stand_still();
	else if (!strcmp(line, "move"))
		move_again();
	else if (!strcmp(line, "peek"))
		peek();
	return true;
}

static void report(const char *name)
{
	printf("%s flips=%u errors=%llu maxgap_ms=%llu ", name, total_flips(),
	       (unsigned long long)all.errors, longest_ms());
	printf("dirties=%llu buffers=%llu hotplugs=%u seconds=%llu\n",
	       (unsigned long long)all.dirties, (unsigned long long)all.buffers, all.hotplugs,
	       (unsigned long long)((now_ns() - all.start_ns) / SECOND));
	fflush(stdout);
	all.told_ns = now_ns();
}

/* Until standard input ends. */
static void live(void)
{
	struct pollfd pfd[3] = {
		{ .fd = all.kms.fd, .events = POLLIN },
		{ .fd = 0, .events = POLLIN },
		{ .fd = all.uevent_fd, .events = POLLIN },
	};

	for (;;) {
		for (unsigned int i = 0; i < all.count && !all.still; i++)
			go_on(i);
		poll(pfd, 3, 100);
		kms_drain(&all.kms);
		for (unsigned int i = 0; i < all.count; i++)
			look_for_overdue(i);
		if (pfd[2].revents & POLLIN)
			read_uevent();
		if (pfd[1].revents && !obey())
			return;
		if (now_ns() - all.told_ns > SECOND)
			report("alive");
	}
}

static void open_all(void)
{
	struct options *opt = all.opt;

	open_card(&all.kms, opt);
	all.count = all.kms.res->count_connectors;
	for (unsigned int i = 0; i < all.count; i++) {
		stage_open(&all.kms, opt, &all.stages[i], i, opt->buffers);
		for (unsigned int k = 1; k < opt->buffers; k++)
			stage_paint(opt, &all.stages[i], k);
	}
}

int cmd_survive(struct options *opt)
{
	if (opt->buffers < 2 || opt->buffers > STAGE_BUFFERS)
		die("--buffers %u, expected 2 to %u", opt->buffers, STAGE_BUFFERS);
	all.opt = opt;
	sigbus_ends();
	listen_to_uevents();
	open_all();
	all.start_ns = now_ns();
	all.told_ns = all.start_ns;
	printf("shown connectors=%u\n", all.count);
	fflush(stdout);
	live();
	stand_still();
	for (unsigned int i = 0; i < all.count; i++)
		stage_close(&all.kms, &all.stages[i]);
	report("survived");
	kms_close(&all.kms);
	return 0;
}
