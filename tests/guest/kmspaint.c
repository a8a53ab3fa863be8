// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What a guest does with a card, for tests: see README.md. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kmspaint.h"

static int cmd_pattern(struct options *opt);

static const struct command {
	const char *name;
	int (*run)(struct options *opt);
	int args;
	const char *usage;
} commands[] = {
	{ "info", cmd_info, 0, "the card as JSON" },
	{ "devices", cmd_devices, 0, "all cards that libdrm finds" },
	{ "show", cmd_show, 0,
	  "[--connector I,..|all] [--format F] [--seed S] [--atomic] [--fb WxH]\n"
	  "\t[--src XxY] [--dumb WxH] [--pitch BYTES] [--offset BYTES] [--one-buffer]\n"
	  "\t[--flips N] [--hold]" },
	{ "front", cmd_front, 0,
	  "[--connector I] [--format F] [--seed S] [--dirty|--flip] [--hold]" },
	{ "churn", cmd_churn, 3, "N WxH BPP" },
	{ "exhaust", cmd_exhaust, 1, "WxH" },
	{ "badfb", cmd_badfb, 0, "what ADDFB2 and CREATE_DUMB must refuse" },
	{ "prime-export", cmd_prime_export, 0, "[--seed S]" },
	{ "prime-import", cmd_prime_import, 0,
	  "--from vgem|udmabuf [--connector I] [--format F] [--seed S] [--hold]" },
	{ "prime-bad", cmd_prime_bad, 0, "what import and ADDFB2 must refuse" },
	{ "abuse", cmd_abuse, 0, "what every other ioctl must refuse" },
	{ "storm", cmd_storm, 0, "[--seed S] [--threads N] [--seconds N]" },
	{ "survive", cmd_survive, 0, "[--seed S] [--dirty] [--buffers N], flips until told, "
	  "whatever becomes of the backend" },
	{ "hold-open", cmd_hold_open, 0,
	  "[--connector I] [--modeset] [--flip-forever]" },
	{ "pending-flip", cmd_pending_flip, 0, "[--connector I]" },
	{ "faults", cmd_faults, 0,
	  "[--no-prime], each ioctl with each allocation failing that it needs" },
	{ "fault-write", cmd_fault_write, 3,
	  "FILE WORD N, writes WORD while the N-th allocation fails" },
	{ "signals", cmd_signals, 1,
	  "[--seed S] ROUNDS, each ioctl interrupted by signals" },
	{ "killed", cmd_killed, 2,
	  "[--seed S] ROUNDS MILLISECONDS, clients that are killed at it" },
	{ "pattern", cmd_pattern, 4, "FORMAT W H SEED, writes the raw buffer" },
};

static const struct format *parse_format(const char *name)
{
	const struct format *fmt = format_by_name(name);

	if (!fmt)
		die("format '%s', expected a name like XR24", name);
	return fmt;
}

static void parse_connectors(struct options *opt, char *list)
{
	opt->connector_count = 0;
	opt->all_connectors = !strcmp(list, "all");
	if (opt->all_connectors)
		return;
	for (char *item = strtok(list, ","); item; item = strtok(NULL, ",")) {
		if (opt->connector_count == MAX_HEADS)
			die("more than %d connectors", MAX_HEADS);
		opt->connectors[opt->connector_count++] =
			parse_number(item, "--connector");
	}
}

static int cmd_pattern(struct options *opt)
{
	const struct format *fmt = parse_format(opt->args[0]);
	uint32_t w = parse_number(opt->args[1], "width");
	uint32_t h = parse_number(opt->args[2], "height");
	uint32_t pitch = wire_pitch(fmt, w);
	void *raw = calloc(h, pitch);

	if (!w || !h || !raw)
		die("cannot make a buffer of %ux%u", w, h);
	pattern_paint(raw, pitch, fmt, w, h, parse_number(opt->args[3], "seed"));
	if (fwrite(raw, pitch, h, stdout) != h || fflush(stdout))
		must(-errno, "write of %u rows of %u bytes", h, pitch);
	free(raw);
	return 0;
}

/*
 * A shell gives its background jobs /dev/null as standard input, which ends at
 * once; who starts such a job means to end it by a signal.
 */
static bool stdin_can_tell(void)
{
	struct stat st;

	return !fstat(0, &st) && (!S_ISCHR(st.st_mode) || isatty(0));
}

static int signal_fd(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		must(-errno, "signalfd");
	return fd;
}

/* Byte by byte, so that the next line stays where poll() sees it. */
bool read_line(char *line, size_t size)
{
	size_t len = 0;
	ssize_t got;

	while ((got = read(0, &line[len], 1)) == 1 && line[len] != '\n' && len + 1 < size)
		len++;
	line[len] = 0;
	return got == 1;
}

bool wait_until_told(void)
{
	struct pollfd pfd[2] = {
		{ .fd = signal_fd(), .events = POLLIN },
		/* poll() passes over a negative descriptor */
		{ .fd = stdin_can_tell() ? 0 : -1, .events = POLLIN },
	};
	char line[64] = "";

	fflush(stdout);
	while (poll(pfd, 2, -1) < 0)
		if (errno != EINTR)
			must(-errno, "poll");
	if (!pfd[0].revents)
		read_line(line, sizeof(line));
	close(pfd[0].fd);
	return !strcmp(line, "flip");
}

void open_card(struct kms *kms, const struct options *opt)
{
	kms_open(kms, opt->card, opt->atomic);
	kms->timeout_ms = opt->timeout_ms;
}

void buffer_make(struct kms *kms, struct buffer *buf, const struct head *head,
		 const struct format *fmt, struct size dumb)
{
	must(dumb_create(kms, buf, dumb.w, dumb.h, fmt->bpp),
	     "connector %u (id %u): DRM_IOCTL_MODE_CREATE_DUMB %ux%u bpp %u",
	     head->index, head->connector, dumb.w, dumb.h, fmt->bpp);
	must(dumb_map(kms, buf),
	     "connector %u (id %u): DRM_IOCTL_MODE_MAP_DUMB and mmap of %llu bytes",
	     head->index, head->connector, (unsigned long long)buf->size);
}

void fb_make(struct kms *kms, struct buffer *buf, const struct head *head,
	     const struct format *fmt, struct size dumb, struct size fb)
{
	buffer_make(kms, buf, head, fmt, dumb);
	must(fb_add(kms, buf, fmt, fb.w, fb.h),
	     "connector %u (id %u): DRM_IOCTL_MODE_ADDFB2 %s %ux%u pitch %u",
	     head->index, head->connector, fmt->name, fb.w, fb.h, buf->pitch);
}

static unsigned int cases, cases_failed;

static bool is_one_of(const char *name, const char *list)
{
	size_t len = strlen(name);

	for (const char *p = list; (p = strstr(p, name)); p += len)
		if ((p == list || p[-1] == '|') && (!p[len] || p[len] == '|'))
			return true;
	return false;
}

void expect(const char *name, const char *allowed, int ret)
{
	bool ok = is_one_of(err_name(ret), allowed);

	printf("case=%s expected=%s got=%s %s\n", name, allowed, err_name(ret),
	       ok ? "ok" : "FAILED");
	cases++;
	cases_failed += !ok;
}

int expect_result(void)
{
	printf("cases=%u failed=%u\n", cases, cases_failed);
	return cases_failed || !cases;
}

enum kind { FLAG, NUMBER, SECONDS, SIZE, TEXT, FORMAT, CONNECTORS };

static const struct setting {
	const char *name;
	enum kind kind;
	size_t offset;
} settings[] = {
	{ "atomic", FLAG, offsetof(struct options, atomic) },
	{ "buffers", NUMBER, offsetof(struct options, buffers) },
	{ "card", TEXT, offsetof(struct options, card) },
	{ "connector", CONNECTORS, 0 },
	{ "dirty", FLAG, offsetof(struct options, dirty) },
	{ "dumb", SIZE, offsetof(struct options, dumb) },
	{ "fb", SIZE, offsetof(struct options, fb) },
	{ "flip", FLAG, offsetof(struct options, flip) },
	{ "flip-forever", FLAG, offsetof(struct options, flip_forever) },
	{ "flips", NUMBER, offsetof(struct options, flips) },
	{ "format", FORMAT, offsetof(struct options, format) },
	{ "from", TEXT, offsetof(struct options, from) },
	{ "hold", FLAG, offsetof(struct options, hold) },
	{ "modeset", FLAG, offsetof(struct options, modeset) },
	{ "offset", NUMBER, offsetof(struct options, offset) },
	{ "one-buffer", FLAG, offsetof(struct options, one_buffer) },
	{ "pitch", NUMBER, offsetof(struct options, pitch) },
	{ "src", SIZE, offsetof(struct options, src) },
	{ "no-prime", FLAG, offsetof(struct options, no_prime) },
	{ "seconds", NUMBER, offsetof(struct options, seconds) },
	{ "seed", NUMBER, offsetof(struct options, seed) },
	{ "threads", NUMBER, offsetof(struct options, threads) },
	{ "timeout", SECONDS, offsetof(struct options, timeout_ms) },
};

static void apply(struct options *opt, const struct setting *set, char *text)
{
	void *field = (char *)opt + set->offset;

	switch (set->kind) {
	case FLAG:
		*(bool *)field = true;
		break;
	case NUMBER:
		*(uint32_t *)field = parse_number(text, set->name);
		break;
	case SECONDS:
		*(uint32_t *)field = parse_number(text, set->name) * 1000;
		break;
	case SIZE:
		*(struct size *)field = parse_size(text, set->name);
		break;
	case TEXT:
		*(const char **)field = text;
		break;
	case FORMAT:
		*(const struct format **)field = parse_format(text);
		break;
	case CONNECTORS:
		parse_connectors(opt, text);
		break;
	}
}

/* Returns the index of the first argument that is no option, or -1. */
static int parse_options(struct options *opt, int argc, char **argv)
{
	struct option known[ARRAY_SIZE(settings) + 1] = { 0 };
	int found;

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		known[i].name = settings[i].name;
		known[i].has_arg = settings[i].kind != FLAG;
		known[i].val = i;
	}
	while ((found = getopt_long(argc, argv, "", known, NULL)) >= 0) {
		if (found == '?')
			return -1;
		apply(opt, &settings[found], optarg);
	}
	return optind;
}

static int usage(void)
{
	fputs("kmspaint COMMAND [--card PATH] [--timeout SECONDS] [OPTIONS] [ARGUMENTS]\n",
	      stderr);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(stderr, "  %s %s\n", commands[i].name,
			commands[i].usage);
	return 2;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	struct options opt = {
		.connector_count = 1, .seed = 1,
		.timeout_ms = 10000, .threads = 8, .seconds = 10, .buffers = 3,
	};
	const struct command *cmd = argc > 1 ? find_command(argv[1]) : NULL;
	int first;

	if (!cmd)
		return usage();
	argc--;
	argv++;
	set_program("kmspaint", cmd->name);
	opt.format = parse_format("XR24");
	first = parse_options(&opt, argc, argv);
	if (first < 0)
		return usage();
	if (argc - first != cmd->args)
		die("%d arguments, expected %d: %s", argc - first, cmd->args,
		    cmd->usage);
	opt.args = argv + first;
	return cmd->run(&opt);
}
