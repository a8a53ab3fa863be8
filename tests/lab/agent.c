// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The lab's hand inside dom0 and inside the guests: runs commands that arrive
 * as lines on a character device.
 *
 * agent serve DEV [kmsg]	answer requests on DEV; with kmsg, the kernel's
 *				log is written there, too
 * agent pipe DEV		join stdin and stdout with DEV, as it is
 *
 * to the agent:	ID run BASE64	ID in BASE64	ID eof	ID kill SIGNAL
 * from the agent:	ID out BASE64	ID err BASE64	ID exit STATUS
 *
 * Each line from the agent starts with ctrl-A and is one write, so a line of
 * somebody else's on the same console cannot end up in the middle of it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define MAX_PROCS	32
#define MAX_LINE	65536
/* What a tty takes in one piece is 2048 bytes. */
#define CHUNK		1024

struct proc {
	unsigned int id;
	pid_t pid;
	int in, out, err;
};

static struct proc procs[MAX_PROCS];
static int dev = -1;
static int child_pipe[2];

static void die(const char *what)
{
	fprintf(stderr, "agent: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void write_all(int fd, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLOUT };

			poll(&p, 1, 1000);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		buf += n;
		len -= n;
	}
}

static const char digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode(const unsigned char *in, size_t len, char *out)
{
	for (size_t i = 0; i < len; i += 3) {
		unsigned int v = in[i] << 16;

		if (i + 1 < len)
			v |= in[i + 1] << 8;
		if (i + 2 < len)
			v |= in[i + 2];
		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = i + 1 < len ? digits[v >> 6 & 63] : '=';
		*out++ = i + 2 < len ? digits[v & 63] : '=';
	}
	*out = 0;
}

/* In place; what is no digit ends the text. */
static size_t decode(char *text)
{
	unsigned int v = 0, bits = 0;
	char *out = text;

	for (char *p = text; *p; p++) {
		const char *d = strchr(digits, *p);

		if (!d)
			break;
		v = v << 6 | (d - digits);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			*out++ = v >> bits;
		}
	}
	*out = 0;
	return out - text;
}

static void say(unsigned int id, const char *kind, const char *text)
{
	char line[2048];
	int n = snprintf(line, sizeof(line), "\001%u %s %s\n", id, kind, text);

	write_all(dev, line, n);
}

static struct proc *find(unsigned int id)
{
	for (struct proc *p = procs; p < procs + MAX_PROCS; p++)
		if (p->pid && p->id == id)
			return p;
	return NULL;
}

static void start(unsigned int id, const char *command)
{
	struct proc *p = procs;
	int in[2], out[2], err[2];

	while (p < procs + MAX_PROCS && p->pid)
		p++;
	if (p == procs + MAX_PROCS || pipe2(in, O_CLOEXEC) ||
	    pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC)) {
		say(id, "exit", "255");
		return;
	}
	p->id = id;
	p->in = in[1];
	p->out = out[0];
	p->err = err[0];
	p->pid = fork();
	if (p->pid < 0)
		die("fork");
	if (!p->pid) {
		/* An own group, so that kill reaches what a shell started. */
		setpgid(0, 0);
		signal(SIGPIPE, SIG_DFL);
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	fcntl(p->out, F_SETFL, O_NONBLOCK);
	fcntl(p->err, F_SETFL, O_NONBLOCK);
}

static void forward(struct proc *p, int *fd, const char *kind)
{
	unsigned char buf[CHUNK];
	char text[CHUNK * 2];
	ssize_t n;

	if (*fd < 0)
		return;
	while ((n = read(*fd, buf, sizeof(buf))) > 0) {
		encode(buf, n, text);
		say(p->id, kind, text);
	}
	if (!n) {
		close(*fd);
		*fd = -1;
	}
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void reap(void)
{
	char status[16];
	int st;
	pid_t pid;

	while ((pid = waitpid(-1, &st, WNOHANG)) > 0) {
		for (struct proc *p = procs; p < procs + MAX_PROCS; p++) {
			if (p->pid != pid)
				continue;
			forward(p, &p->out, "out");
			forward(p, &p->err, "err");
			close_fd(&p->in);
			close_fd(&p->out);
			close_fd(&p->err);
			p->pid = 0;
			snprintf(status, sizeof(status), "%d",
				 WIFEXITED(st) ? WEXITSTATUS(st) :
						 128 + WTERMSIG(st));
			say(p->id, "exit", status);
		}
	}
}

static void request(char *line)
{
	unsigned int id;
	char verb[8];
	int at = 0;
	struct proc *p;
	size_t len;

	if (sscanf(line, "%u %7s %n", &id, verb, &at) < 2 || !at)
		return;
	if (!strcmp(verb, "run")) {
		decode(line + at);
		start(id, line + at);
		return;
	}
	p = find(id);
	if (!p)
		return;
	if (!strcmp(verb, "in") && p->in >= 0) {
		len = decode(line + at);
		write_all(p->in, line + at, len);
	} else if (!strcmp(verb, "eof")) {
		close_fd(&p->in);
	} else if (!strcmp(verb, "kill")) {
		kill(-p->pid, atoi(line + at));
	}
}

static void read_requests(void)
{
	static char buf[MAX_LINE];
	static size_t used;
	ssize_t n = read(dev, buf + used, sizeof(buf) - 1 - used);
	char *nl;

	if (n <= 0) {
		/* The other end of a virtio port is not there yet. */
		usleep(100000);
		return;
	}
	used += n;
	buf[used] = 0;
	while ((nl = memchr(buf, '\n', used))) {
		*nl = 0;
		request(buf);
		used -= nl + 1 - buf;
		memmove(buf, nl + 1, used);
	}
	if (used == sizeof(buf) - 1)
		used = 0;
}

static void read_kmsg(int kmsg)
{
	char rec[2048], line[1200];
	ssize_t n = read(kmsg, rec, sizeof(rec) - 1);
	unsigned long long usec;
	char *text;

	if (n <= 0)
		return;
	rec[n] = 0;
	text = strchr(rec, ';');
	if (!text || sscanf(rec, "%*u,%*u,%llu", &usec) != 1)
		return;
	text[1 + strcspn(text + 1, "\n")] = 0;
	n = snprintf(line, sizeof(line), "[%5llu.%06llu] %.1000s\n",
		     usec / 1000000, usec % 1000000, text + 1);
	write_all(dev, line, n);
}

static void open_dev(const char *path)
{
	struct termios t;

	dev = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (dev < 0)
		die(path);
	if (!tcgetattr(dev, &t)) {
		cfmakeraw(&t);
		tcsetattr(dev, TCSANOW, &t);
	}
}

static void on_child(int sig)
{
	int saved = errno;

	(void)sig;
	if (write(child_pipe[1], "", 1) < 0)
		errno = saved;
}

static void serve(int kmsg)
{
	struct pollfd fds[3 + 2 * MAX_PROCS];
	char drain[64];

	if (pipe2(child_pipe, O_CLOEXEC | O_NONBLOCK))
		die("pipe");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, on_child);
	say(0, "ready", "1");
	for (;;) {
		int n = 0;

		fds[n++] = (struct pollfd){ .fd = dev, .events = POLLIN };
		fds[n++] = (struct pollfd){ child_pipe[0], POLLIN, 0 };
		fds[n++] = (struct pollfd){ .fd = kmsg, .events = POLLIN };
		for (struct proc *p = procs; p < procs + MAX_PROCS; p++) {
			int use = p->pid != 0;

			fds[n++] = (struct pollfd){ use ? p->out : -1, POLLIN, 0 };
			fds[n++] = (struct pollfd){ use ? p->err : -1, POLLIN, 0 };
		}
		if (poll(fds, n, -1) < 0)
			continue;
		for (struct proc *p = procs; p < procs + MAX_PROCS; p++) {
			if (!p->pid)
				continue;
			forward(p, &p->out, "out");
			forward(p, &p->err, "err");
		}
		if (fds[1].revents) {
			while (read(child_pipe[0], drain, sizeof(drain)) > 0)
				;
			reap();
		}
		if (fds[2].revents)
			read_kmsg(kmsg);
		if (fds[0].revents)
			read_requests();
	}
}

static void join(void)
{
	struct pollfd fds[2] = {
		{ .fd = 0, .events = POLLIN },
		{ .fd = dev, .events = POLLIN },
	};
	char buf[4096];

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		for (int i = 0; i < 2; i++) {
			ssize_t n;

			if (!fds[i].revents)
				continue;
			n = read(fds[i].fd, buf, sizeof(buf));
			if (n <= 0)
				return;
			write_all(i ? 1 : dev, buf, n);
		}
	}
}

int main(int argc, char **argv)
{
	int kmsg = -1;

	if (argc < 3) {
		fprintf(stderr, "usage: agent serve|pipe DEV [kmsg]\n");
		return 2;
	}
	open_dev(argv[2]);
	if (!strcmp(argv[1], "pipe")) {
		join();
		return 0;
	}
	if (argc > 3) {
		kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (kmsg < 0)
			die("/dev/kmsg");
	}
	serve(kmsg);
}
