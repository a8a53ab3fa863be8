// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What a client asks for, interrupted by signals: first by those that it
 * handles, at random times in each operation, then by the one that ends it.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "operations.h"

static volatile sig_atomic_t signals;
static atomic_uint interrupted;
static atomic_bool stop;
static uint32_t state;

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;
	int ret;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	ret = __real_ioctl(fd, request, arg);
	if (ret < 0 && (errno == EINTR || errno == EAGAIN))
		interrupted++;
	return ret;
}

static uint32_t random_below(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % limit;
}

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

static void handle(int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(SIGALRM, &action, NULL);
}

/* One signal after `first` and more after each `next` microseconds; 0: none. */
static void alarms(unsigned int first, unsigned int next)
{
	const struct itimerval timer = {
		.it_value = { .tv_usec = first }, .it_interval = { .tv_usec = next }
	};

	setitimer(ITIMER_REAL, &timer, NULL);
}

/*
 * Alone, a client waits for the backend only, which no signal ends. With this
 * one it waits for locks, too.
 */
static void *rival(void *arg)
{
	struct client *c = arg;

	while (!stop) {
		drmModeDirtyFB(c->kms.fd, c->screen[0].fb, NULL, 0);
		drmModeDirtyFB(c->kms.fd, c->screen[1].fb, NULL, 0);
		usleep(1000);
	}
	return NULL;
}

/* Threads have the signals blocked that are blocked when they are made. */
static pthread_t start_rival(struct client *c)
{
	pthread_t thread;
	sigset_t set;
	int ret;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ret = pthread_create(&thread, NULL, rival, c);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	must(-ret, "pthread_create");
	return thread;
}

static int attempt(struct client *c, const struct operation *op)
{
	uint64_t start = now_ns();
	int ret;

	/* a request that may not wait for the rival's is refused */
	do
		ret = op->attempt(c);
	while ((ret == -EINTR || ret == -EAGAIN || ret == -EBUSY) &&
	       now_ns() - start < 20000000000ull);
	return ret;
}

static void disturb(struct client *c, const struct operation *op,
		    unsigned int longest_us)
{
	int ret;

	alarms(1 + random_below(longest_us), 100 + random_below(longest_us));
	ret = attempt(c, op);
	alarms(0, 0);
	must(ret, "%s, with signals", op->name);
	call_step(op->undo, c);
}

static unsigned int usual_us(struct client *c, const struct operation *op)
{
	uint64_t start = now_ns();

	must(attempt(c, op), "%s", op->name);
	start = now_ns() - start;
	call_step(op->undo, c);
	return start / 1000 + 10;
}

static void run(struct client *c, const struct operation *op,
		unsigned int rounds)
{
	unsigned int us, before = interrupted, sent = signals;

	call_step(op->prepare, c);
	us = usual_us(c, op);
	for (unsigned int i = 0; i < rounds; i++) {
		handle(i % 2 ? SA_RESTART : 0);
		disturb(c, op, us);
	}
	call_step(op->tidy, c);
	printf("operation=%s us=%u signals=%u interrupted=%u\n", op->name, us,
	       (unsigned int)signals - sent, interrupted - before);
	fflush(stdout);
}

int cmd_signals(struct options *opt)
{
	unsigned int rounds = parse_number(opt->args[0], "ROUNDS");
	pthread_t other;
	struct client c;

	state = opt->seed;
	client_open(&c, opt);
	other = start_rival(&c);
	for (unsigned int i = 0; i < operation_count; i++)
		run(&c, &operations[i], rounds);
	stop = true;
	pthread_join(other, NULL);
	client_close(&c);
	printf("operations=%u signals=%u interrupted=%u\n", operation_count,
	       (unsigned int)signals, interrupted);
	return 0;
}

static void __attribute__((noreturn)) be_busy(struct options *opt)
{
	struct client c;

	client_open(&c, opt);
	for (;;) {
		const struct operation *op =
			&operations[random_below(operation_count)];

		call_step(op->prepare, &c);
		must(op->attempt(&c), "%s", op->name);
		call_step(op->undo, &c);
		call_step(op->tidy, &c);
	}
}

/* Whatever was under way goes with the client, and the next one can work. */
int cmd_killed(struct options *opt)
{
	unsigned int rounds = parse_number(opt->args[0], "ROUNDS");
	unsigned int longest_ms = parse_number(opt->args[1], "MILLISECONDS");

	state = opt->seed;
	for (unsigned int i = 0; i < rounds; i++) {
		unsigned int ms = 1 + random_below(longest_ms);
		pid_t pid = fork();
		int status;

		if (pid < 0)
			must(-errno, "fork");
		if (!pid) {
			state += i;
			be_busy(opt);
		}
		usleep(ms * 1000);
		kill(pid, SIGKILL);
		if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
			die("round %u: the client ended by itself, status %#x",
			    i, status);
	}
	printf("killed=%u\n", rounds);
	return 0;
}
