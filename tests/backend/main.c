// SPDX-License-Identifier: GPL-2.0 OR MIT
/* xen-displ-be: a backend for Xen's displays, for tests and demonstrations. */
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"

#define NS_PER_S 1000000000ll
#define CLIENTS_MAX 32

struct backend be = {
	.pace = PACE_TIMED,
	.period_ns = NS_PER_S / 60,
};

static int timer_fd = -1;
static bool timer_armed;

int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* Deadlines lie on one grid, so that a late tick does not delay the next. */
static void arm_timer(void)
{
	int64_t next = (now_ns() / be.period_ns + 1) * be.period_ns;
	struct itimerspec when = {
		.it_value = { next / NS_PER_S, next % NS_PER_S },
	};

	timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
	timer_armed = true;
}

void clock_update(void)
{
	if (be.pace == PACE_IMMEDIATE)
		connectors_tick();
	else if (be.pace == PACE_TIMED && !timer_armed && connectors_flip_pending())
		arm_timer();
}

static void on_timer(void)
{
	uint64_t expirations;

	if (read(timer_fd, &expirations, sizeof(expirations)) < 0)
		return;
	timer_armed = false;
	if (be.pace == PACE_TIMED)
		connectors_tick();
	clock_update();
}

bool parse_pace(const char *text)
{
	uint32_t hz;

	if (!strcmp(text, "immediate")) {
		be.pace = PACE_IMMEDIATE;
		return true;
	}
	if (!strcmp(text, "stop")) {
		be.pace = PACE_STOP;
		return true;
	}
	if (!parse_u32(text, &hz) || hz < 1 || hz > 1000)
		return false;
	be.pace = PACE_TIMED;
	be.period_ns = NS_PER_S / hz;
	return true;
}

static void usage(FILE *out)
{
	fputs("usage: xen-displ-be [OPTIONS]\n"
	      "       xen-displ-be ctl COMMAND [ARGS]\n"
	      "  --pace 60|immediate|HZ when flips complete (60)\n"
	      "  --zero-copy            show the guest's memory as it is now\n"
	      "  --verbose              log every request and state\n", out);
}

static void set_pace(const char *text)
{
	if (parse_pace(text))
		return;
	fprintf(stderr, "xen-displ-be: --pace is \"%s\", expected immediate, stop or 1 to 1000\n",
		text);
	exit(2);
}

static void parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "pace", required_argument, NULL, 'p' },
		{ "zero-copy", no_argument, NULL, 'z' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	/* "+": what follows "ctl" is not for us. */
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			set_pace(optarg);
			break;
		case 'z':
			be.zero_copy = true;
			break;
		case 'v':
			be.verbose = true;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
}

static void __attribute__((noreturn)) die(const char *what)
{
	log_error("%s: %s", what, strerror(errno));
	exit(1);
}

/* The default of 1024 pages is less than one full screen. */
static void raise_gntalloc_limit(void)
{
	FILE *file = fopen("/sys/module/xen_gntalloc/parameters/limit", "w");

	if (!file)
		return;
	fputs("1048576", file);
	fclose(file);
}

static void open_xen(void)
{
	char *domid;
	unsigned int len;

	be.xs = xs_open(0);
	if (!be.xs)
		die("cannot reach XenStore");
	be.xce = xenevtchn_open(NULL, 0);
	if (!be.xce)
		die("cannot open event channels (/dev/xen/evtchn)");
	be.xgt = xengnttab_open(NULL, 0);
	if (!be.xgt)
		die("cannot open the grant device (/dev/xen/gntdev)");
	domid = xs_read(be.xs, XBT_NULL, "domid", &len);
	if (domid)
		be.domid = strtoul(domid, NULL, 10);
	free(domid);
	if (asprintf(&be.base, "/local/domain/%u/backend/" XENDISPL_DRIVER_NAME, be.domid) < 0)
		die("out of memory");
	raise_gntalloc_limit();
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);	/* pictures are saved by children */
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void on_xenstore(void)
{
	char **event;

	while ((event = xs_check_watch(be.xs))) {
		devices_on_watch(event[XS_WATCH_PATH], event[XS_WATCH_TOKEN]);
		free(event);
	}
	if (errno != EAGAIN)
		die("lost XenStore");
}

static void on_event_channel(void)
{
	int port = xenevtchn_pending(be.xce);

	if (port < 0)
		return;
	xenevtchn_unmask(be.xce, port);
	connectors_on_event(port);
}

static int64_t earlier(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

static int timeout_ms(int64_t deadline_ns)
{
	int64_t left = deadline_ns - now_ns();

	if (deadline_ns < 0)
		return -1;
	return left <= 0 ? 0 : left / 1000000 + 1;
}

static void run(int signal_fd)
{
	enum { XS, EVTCHN, TIMER, SIGNAL, CONTROL };
	struct pollfd fds[CONTROL + CLIENTS_MAX + 1] = {
		[XS] = { xs_fileno(be.xs), POLLIN, 0 },
		[EVTCHN] = { xenevtchn_fd(be.xce), POLLIN, 0 },
		[TIMER] = { timer_fd, POLLIN, 0 },
		[SIGNAL] = { signal_fd, POLLIN, 0 },
	};

	while (!be.quit) {
		int64_t deadline = earlier(hostile_run_due(),
					   earlier(connectors_run_due(),
						   control_check_waiters()));
		unsigned int control = control_poll_fds(&fds[CONTROL], CLIENTS_MAX + 1);

		clock_update();
		if (poll(fds, CONTROL + control, timeout_ms(deadline)) < 0) {
			if (errno == EINTR)
				continue;
			die("poll");
		}
		if (fds[XS].revents)
			on_xenstore();
		if (fds[TIMER].revents)
			on_timer();
		if (fds[EVTCHN].revents)
			on_event_channel();
		if (fds[SIGNAL].revents)
			be.quit = true;
		control_handle(&fds[CONTROL], control);
	}
}

int main(int argc, char **argv)
{
	int signal_fd;

	parse_options(argc, argv);
	argc -= optind;
	argv += optind;
	if (argc && !strcmp(argv[0], "ctl"))
		return ctl_main(argc, argv);
	if (argc) {
		usage(stderr);
		return 2;
	}
	signal_fd = open_signals();
	timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (signal_fd < 0 || timer_fd < 0)
		die("signalfd or timerfd");
	open_xen();
	if (!control_open())
		die(CONTROL_SOCKET);
	/* Its event at registration makes the first scan. */
	if (!xs_watch(be.xs, be.base, "be"))
		die(be.base);
	log_debug("serving %s", be.base);
	run(signal_fd);
	attacks_off();
	devices_close_all();
	control_close();
	xs_close(be.xs);
	return 0;
}
