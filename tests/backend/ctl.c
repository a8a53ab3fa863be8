// SPDX-License-Identifier: GPL-2.0 OR MIT
/* xen-displ-be ctl: send one command to a running backend. */
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend.h"

#define OK "ok\n"

static int connect_to_backend(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = CONTROL_SOCKET };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && !connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	fprintf(stderr, "xen-displ-be ctl: cannot connect to %s: %s (is the backend running?)\n",
		CONTROL_SOCKET, strerror(errno));
	exit(1);
}

/* The backend has a working directory of its own. */
static void write_argument(FILE *out, const char *command, int index, const char *arg)
{
	char cwd[512];
	bool is_path = !strcmp(command, "shot") && index == 4;

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

int ctl_main(int argc, char **argv)
{
	char *reply;
	int fd;

	if (argc < 2) {
		fputs("usage: xen-displ-be ctl COMMAND [ARGS]\n", stderr);
		return 2;
	}
	fd = connect_to_backend();
	send_command(fd, argc - 1, argv + 1);
	reply = receive_reply(fd);
	if (reply && !strncmp(reply, OK, strlen(OK))) {
		fputs(reply + strlen(OK), stdout);
		return 0;
	}
	fprintf(stderr, "xen-displ-be ctl: %s", reply && *reply ? reply : "no reply\n");
	return 1;
}
