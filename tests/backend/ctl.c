// SPDX-License-Identifier: GPL-2.0 OR MIT
/* xen-displ-be ctl: send one command to a running backend. */
#include <getopt.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend.h"

#define OK "ok\n"

static int connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	fprintf(stderr, "xen-displ-be ctl: cannot connect to %s: %s (is the backend running?)\n",
		path, strerror(errno));
	exit(1);
}

/* The backend has a working directory of its own. */
static void write_argument(FILE *out, const char *command, int index, const char *arg)
{
	char cwd[512];
	bool is_path = (!strcmp(command, "shot") && index == 4) ||
		       (!strcmp(command, "script") && index == 1);

	fputc(' ', out);
	if (is_path && *arg != '/' && getcwd(cwd, sizeof(cwd)))
		fprintf(out, "%s/", cwd);
	fputs(arg, out);
}

static void send_command(int fd, int argc, char **argv)
{
	FILE *out = fdopen(dup(fd), "w");

	if (!out)
		return;
	fputs(argv[0], out);
	for (int i = 1; i < argc; i++)
		write_argument(out, argv[0], i, argv[i]);
	fputc('\n', out);
	fclose(out);
}

static char *receive_reply(int fd)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	char part[4096];
	ssize_t got;

	if (!out)
		return NULL;
	while ((got = read(fd, part, sizeof(part))) > 0)
		fwrite(part, 1, got, out);
	fclose(out);
	return text;
}

int ctl_main(const char *socket_path, int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	char *reply;
	int fd;

	optind = 1;
	while (getopt_long(argc, argv, "+", options, NULL) == 's')
		socket_path = optarg;
	if (optind >= argc) {
		fputs("usage: xen-displ-be ctl [--socket PATH] COMMAND [ARGS]\n", stderr);
		return 2;
	}
	fd = connect_to(socket_path);
	send_command(fd, argc - optind, argv + optind);
	reply = receive_reply(fd);
	if (reply && !strncmp(reply, OK, strlen(OK))) {
		fputs(reply + strlen(OK), stdout);
		return 0;
	}
	fprintf(stderr, "xen-displ-be ctl: %s", reply && *reply ? reply : "no reply\n");
	return 1;
}
