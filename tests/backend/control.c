// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The control socket: a client sends one line and gets "ok" or "error: ..." on
 * the first line of the reply, what it asked for behind that, and the end.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend.h"
#include "fuzz.h"
#include "kept.h"

#define LINE_MAX_LEN 1024
#define ARGS_MAX 8
/* With --zero-copy a picture changes without anybody telling us. */
#define LOOK_AGAIN_NS 100000000ll

struct client {
	struct client *next;
	int fd;
	char line[LINE_MAX_LEN];
	size_t len;

	bool waits;			/* for a picture */
	unsigned int domid, devid, index;
	int64_t deadline_ns;
	bool looked;
	uint32_t crc, last_crc;
	uint64_t seen_serial;
};

static int listen_fd = -1;
static struct client *clients;

bool control_open(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = CONTROL_SOCKET };

	/* A predecessor that was killed left its socket. */
	unlink(CONTROL_SOCKET);
	listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return listen_fd >= 0 && !bind(listen_fd, (struct sockaddr *)&addr, sizeof(addr)) &&
	       !listen(listen_fd, 8);
}

static void free_client(struct client *client)
{
	struct client **link = &clients;

	while (*link != client)
		link = &(*link)->next;
	*link = client->next;
	close(client->fd);
	free(client);
}

void control_close(void)
{
	while (clients)
		free_client(clients);
	close(listen_fd);
	unlink(CONTROL_SOCKET);
}

static void send_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t sent = write(fd, text, len);

		if (sent <= 0)
			return;	/* its client has gone or does not read */
		text += sent;
		len -= sent;
	}
}

/* Answer and say good-bye. */
__attribute__((format(printf, 2, 3)))
static void reply(struct client *client, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	send_all(client->fd, text, strlen(text));
	free_client(client);
}

static struct connector *find_connector(unsigned int domid, unsigned int devid,
					unsigned int index)
{
	struct device *dev = device_find(domid, devid);

	return dev && index < dev->nr_connectors ? dev->connectors[index] : NULL;
}

/* Parse "DOM DEV CONN"; the connector need not exist (yet). */
static bool parse_connector(struct client *client, char **args)
{
	uint32_t domid, devid, index;

	if (!parse_u32(args[0], &domid) || !parse_u32(args[1], &devid) ||
	    !parse_u32(args[2], &index)) {
		reply(client, "error: \"%s %s %s\" is no connector, expected DOM DEV CONN\n",
		      args[0], args[1], args[2]);
		return false;
	}
	client->domid = domid;
	client->devid = devid;
	client->index = index;
	return true;
}

static uint8_t *compose(const struct connector *conn)
{
	if (!conn->configured || !conn->shown.fb_cookie)
		return NULL;
	return picture_compose(&conn->shown.pixels, conn->mode_width, conn->mode_height);
}

/* The picture that a command is about; answers the client if there is none. */
static uint8_t *get_picture(struct client *client, char **args, struct connector **conn)
{
	uint8_t *rgb;

	if (!parse_connector(client, args))
		return NULL;
	*conn = find_connector(client->domid, client->devid, client->index);
	if (!*conn) {
		reply(client, "error: there is no connector dom%u/%u/%u\n", client->domid,
		      client->devid, client->index);
		return NULL;
	}
	rgb = compose(*conn);
	if (!rgb)
		reply(client, "error: connector dom%u/%u/%u shows nothing\n", client->domid,
		      client->devid, client->index);
	return rgb;
}

/* Compressing takes long on a slow machine; flips must not wait for it. */
static void command_shot(struct client *client, char **args)
{
	struct connector *conn;
	uint8_t *rgb = get_picture(client, args, &conn);
	int ret;

	if (!rgb)
		return;
	switch (fork()) {
	case -1:
		reply(client, "error: cannot fork: %s\n", strerror(errno));
		break;
	case 0:
		ret = picture_save(args[3], rgb, conn->mode_width, conn->mode_height);
		if (ret)
			reply(client, "error: cannot write %s: %s\n", args[3], strerror(-ret));
		else
			reply(client, "ok\n");
		_exit(0);
	default:
		free_client(client);
	}
	free(rgb);
}

static void command_crc(struct client *client, char **args)
{
	struct connector *conn;
	uint8_t *rgb = get_picture(client, args, &conn);

	if (!rgb)
		return;
	reply(client, "ok\n%08x\n", picture_crc(rgb, conn->mode_width, conn->mode_height));
	free(rgb);
}

/* A reply of any length. */
static void reply_with(struct client *client, void (*write_to)(FILE *out))
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out) {
		reply(client, "error: out of memory\n");
		return;
	}
	fputs("ok\n", out);
	write_to(out);
	fclose(out);
	send_all(client->fd, text, len);
	free_client(client);
	free(text);
}

static void command_stats(struct client *client, char **args)
{
	(void)args;
	reply_with(client, stats_json);
}

static void command_attacks(struct client *client, char **args)
{
	(void)args;
	reply_with(client, attacks_list);
}

static void command_attack(struct client *client, char **args)
{
	char error[200];

	bool ok = true;

	if (!strcmp(args[0], "off") && !args[1])
		attacks_off();
	else
		ok = attack_start(args, error, sizeof(error));
	if (ok)
		reply(client, "ok\n");
	else
		reply(client, "error: %s\n", error);
}

static struct device *get_device(struct client *client, char **args)
{
	struct device *dev = NULL;
	uint32_t domid, devid;

	if (parse_u32(args[0], &domid) && parse_u32(args[1], &devid))
		dev = device_find(domid, devid);
	if (!dev)
		reply(client, "error: there is no device %s %s\n", args[0], args[1]);
	return dev;
}

static void command_fuzz(struct client *client, char **args)
{
	uint32_t rate = 0, break_ms = 0;
	uint64_t seed;
	char *end;

	seed = strtoull(args[0], &end, 0);
	if (*end || (args[1] && !parse_u32(args[1], &rate)) ||
	    (args[1] && args[2] && !parse_u32(args[2], &break_ms))) {
		reply(client, "error: usage: fuzz SEED [EVENTS-PER-SECOND [BREAK-MS]]\n");
		return;
	}
	fuzz_start(seed, rate, break_ms);
	reply(client, "ok\nseed %" PRIu64 "\n", seed);
}

static void command_state(struct client *client, char **args)
{
	struct device *dev = get_device(client, args);

	if (!dev)
		return;
	store_write_raw_state(dev, args[2]);
	reply(client, "ok\n");
}

static void command_reconnect(struct client *client, char **args)
{
	struct device *dev = get_device(client, args);

	if (!dev)
		return;
	device_reconnect(dev);
	reply(client, "ok\n");
}

/* Text, or bytes as 0x and hexadecimal digits. */
static size_t parse_pattern(const char *text, uint8_t *bytes, size_t size)
{
	size_t len = 0;

	if (strncmp(text, "0x", 2)) {
		len = strlen(text);
		memcpy(bytes, text, len < size ? len : size);
		return len < size ? len : size;
	}
	for (text += 2; len < size && sscanf(text, "%2hhx", &bytes[len]) == 1 && text[1];
	     text += 2)
		len++;
	return len;
}

static void command_kept_search(struct client *client, char **args)
{
	uint8_t pattern[64];
	size_t len = parse_pattern(args[0], pattern, sizeof(pattern));

	if (len < 4)
		reply(client, "error: pattern is \"%s\", expected 4 bytes at least\n", args[0]);
	else
		reply(client, "ok\n%" PRIu64 " in %" PRIu64 " pages\n",
		      kept_search(pattern, len), kept_pages());
}

static void command_reset_stats(struct client *client, char **args)
{
	(void)args;
	stats_reset();
	reply(client, "ok\n");
}

static void command_pace(struct client *client, char **args)
{
	if (!parse_pace(args[0])) {
		reply(client, "error: pace is \"%s\", expected immediate, stop or 1 to 1000\n",
		      args[0]);
		return;
	}
	clock_update();
	reply(client, "ok\n");
}

static void command_quit(struct client *client, char **args)
{
	(void)args;
	be.quit = true;
	/* Not before all is closed: whoever asked wants to rely on that. */
	devices_close_all();
	reply(client, "ok\n");
}

static bool parse_errno(const char *text, int *error)
{
	uint32_t number;

	if (parse_u32(text, &number)) {
		*error = number;
		return true;
	}
	for (*error = 1; *error < 134; ++*error) {
		const char *name = strerrorname_np(*error);

		if (name && !strcmp(name, text))
			return true;
	}
	return false;
}

static bool set_setting(char **args)
{
	struct settings *m = &be.settings;
	uint32_t number;
	uint8_t op;

	if (!strcmp(args[0], "reset") && !args[1]) {
		memset(m, 0, sizeof(*m));
		attacks_off();
		return true;
	}
	if (!strcmp(args[0], "edid")) {
		m->edid = true;
		m->edid_width = 0;
		m->edid_height = 0;
		return !args[1] || parse_resolution(args[1], &m->edid_width, &m->edid_height);
	}
	if (!strcmp(args[0], "reply-delay") && args[1] && parse_u32(args[1], &number)) {
		m->reply_delay_ms = number;
		return true;
	}
	if (!args[1] || !operation_parse(args[1], &op) || !args[2] ||
	    !parse_u32(args[2], &number))
		return false;
	if (!strcmp(args[0], "drop") && !args[3]) {
		m->op[op].drop_count = number;
		return true;
	}
	if (!strcmp(args[0], "fail") && args[3] && parse_errno(args[3], &m->op[op].fail_errno)) {
		m->op[op].fail_count = number;
		return true;
	}
	return false;
}

static void command_set(struct client *client, char **args)
{
	if (set_setting(args))
		reply(client, "ok\n");
	else
		reply(client, "error: usage: set edid [WIDTHxHEIGHT] | set reply-delay MS | set fail OP COUNT ERRNO | "
		      "set drop OP COUNT | set reset\n");
}

static void command_wait_shown(struct client *client, char **args)
{
	uint32_t seconds;
	char *end;

	client->crc = strtoul(args[3], &end, 16);
	if (*end || end == args[3]) {
		reply(client, "error: crc is \"%s\", expected hexadecimal digits\n", args[3]);
		return;
	}
	if (!parse_connector(client, args))
		return;
	if (!parse_u32(args[4], &seconds)) {
		reply(client, "error: time-out is \"%s\", expected seconds\n", args[4]);
		return;
	}
	client->deadline_ns = now_ns() + seconds * 1000000000ll;
	client->waits = true;
}

static const struct command {
	const char *name;
	unsigned int min_args, max_args;
	void (*run)(struct client *client, char **args);
	const char *usage;
} commands[] = {
	{ "shot", 4, 4, command_shot, "DOM DEV CONN FILE" },
	{ "crc", 3, 3, command_crc, "DOM DEV CONN" },
	{ "stats", 0, 0, command_stats, "" },
	{ "reset-stats", 0, 0, command_reset_stats, "" },
	{ "pace", 1, 1, command_pace, "60|immediate|HZ|stop" },
	{ "set", 1, 4, command_set, "KEY VALUE..." },
	{ "attacks", 0, 0, command_attacks, "" },
	{ "attack", 1, ARGS_MAX, command_attack, "off|NAME [DOM DEV CONN] [KEY=VALUE...]" },
	{ "fuzz", 1, 3, command_fuzz, "SEED [EVENTS-PER-SECOND [BREAK-MS]]" },
	{ "state", 3, 3, command_state, "DOM DEV TEXT|empty|none" },
	{ "reconnect", 2, 2, command_reconnect, "DOM DEV" },
	{ "kept-search", 1, 1, command_kept_search, "TEXT|0xHEX" },
	{ "wait-shown", 5, 5, command_wait_shown, "DOM DEV CONN CRC SECONDS" },
	{ "quit", 0, 0, command_quit, "" },
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static void run_line(struct client *client)
{
	char *args[ARGS_MAX + 2] = { NULL };
	const struct command *command;
	unsigned int count = 0;
	char *save = NULL;

	for (char *arg = strtok_r(client->line, " \n", &save); arg && count <= ARGS_MAX;
	     arg = strtok_r(NULL, " \n", &save))
		args[count++] = arg;
	command = count ? find_command(args[0]) : NULL;
	if (!command)
		reply(client, "error: unknown command \"%s\"\n", count ? args[0] : "");
	else if (count - 1 < command->min_args || count - 1 > command->max_args)
		reply(client, "error: usage: %s %s\n", command->name, command->usage);
	else
		command->run(client, args + 1);
}

static void read_client(struct client *client)
{
	ssize_t got = read(client->fd, client->line + client->len,
			   sizeof(client->line) - 1 - client->len);

	if (got <= 0) {
		free_client(client);	/* also one that gives up waiting */
		return;
	}
	client->len += got;
	client->line[client->len] = 0;
	if (strchr(client->line, '\n') && !client->waits)
		run_line(client);
	else if (client->len == sizeof(client->line) - 1)
		reply(client, "error: line is longer than %d\n", LINE_MAX_LEN);
}

static void accept_client(void)
{
	struct timeval patience = { .tv_sec = 2 };
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	struct client *client = fd < 0 ? NULL : calloc(1, sizeof(*client));

	if (!client) {
		if (fd >= 0)
			close(fd);
		return;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	client->fd = fd;
	client->next = clients;
	clients = client;
}

unsigned int control_poll_fds(struct pollfd *fds, unsigned int max)
{
	unsigned int count = 0;

	fds[count++] = (struct pollfd){ listen_fd, POLLIN, 0 };
	for (struct client *client = clients; client && count < max; client = client->next)
		fds[count++] = (struct pollfd){ client->fd, POLLIN, 0 };
	return count;
}

static struct client *client_of(int fd)
{
	struct client *client = clients;

	while (client && client->fd != fd)
		client = client->next;
	return client;
}

void control_handle(const struct pollfd *fds, unsigned int count)
{
	for (unsigned int i = 1; i < count; i++) {
		struct client *client = fds[i].revents ? client_of(fds[i].fd) : NULL;

		if (client)
			read_client(client);
	}
	/* Last: a new client may get the number of a descriptor closed above. */
	if (fds[0].revents)
		accept_client();
}

static bool is_reached(struct client *client)
{
	struct connector *conn = find_connector(client->domid, client->devid, client->index);
	uint8_t *rgb;

	if (!conn)
		return false;	/* it may come yet */
	if (client->looked && client->seen_serial == conn->shown_serial && !be.zero_copy)
		return false;
	client->looked = true;
	client->seen_serial = conn->shown_serial;
	rgb = compose(conn);
	if (!rgb)
		return false;
	client->last_crc = picture_crc(rgb, conn->mode_width, conn->mode_height);
	free(rgb);
	return client->last_crc == client->crc;
}

static void time_out(struct client *client)
{
	struct connector *conn = find_connector(client->domid, client->devid, client->index);

	if (!conn)
		reply(client, "error: time-out, there is no connector dom%u/%u/%u\n",
		      client->domid, client->devid, client->index);
	else
		reply(client, "error: time-out, shown is %08x, expected %08x\n",
		      client->last_crc, client->crc);
}

int64_t control_check_waiters(void)
{
	struct client *next, *client;
	int64_t deadline = -1;

	for (client = clients; client; client = next) {
		int64_t at = client->deadline_ns;

		next = client->next;
		if (!client->waits)
			continue;
		if (is_reached(client)) {
			reply(client, "ok\n");
			continue;
		}
		if (at <= now_ns()) {
			time_out(client);
			continue;
		}
		if (be.zero_copy && now_ns() + LOOK_AGAIN_NS < at)
			at = now_ns() + LOOK_AGAIN_NS;
		if (deadline < 0 || at < deadline)
			deadline = at;
	}
	return deadline;
}
