// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What a guest does besides its display, so that a scenario can tell whether that goes
 * on. A disk is written and compared, packets must come back as they were sent, and a
 * loop tells how much of a CPU is left.
 *
 * workload run DISK ADDRESS	work until killed
 * workload counters		what has been done until now, as key=value
 * workload spin MS		how often a loop runs in that time
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define STATE "/run/workload"
#define BLOCK 16384
#define BLOCKS 512
#define PAYLOAD 1200
/* Between two operations, so that a guest is busy, not saturated. */
#define PAUSE_US 5000

/* One worker writes each, `counters` reads them; 64 bits do not tear. */
struct work {
	uint64_t ops, errors, lost;
	uint64_t last_ns, longest_ns;	/* between two completed operations */
};

struct state {
	struct work disk, net;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "workload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct state *state_map(int flags)
{
	int fd = open(STATE, flags, 0600);
	void *map;

	if (fd < 0)
		die(STATE);
	if ((flags & O_CREAT) && ftruncate(fd, sizeof(struct state)))
		die(STATE);
	map = mmap(NULL, sizeof(struct state), PROT_READ | PROT_WRITE, MAP_SHARED,
		   fd, 0);
	if (map == MAP_FAILED)
		die(STATE);
	close(fd);
	return map;
}

static void done(struct work *work)
{
	uint64_t now = now_ns(), gap = now - work->last_ns;

	if (work->last_ns && gap > work->longest_ns)
		work->longest_ns = gap;
	work->last_ns = now;
	work->ops++;
}

/* --- disk ------------------------------------------------------------------ */

/* Each word says which block it belongs to and how often that was written. */
static void fill(uint64_t *words, uint32_t block, uint32_t generation)
{
	for (unsigned int i = 0; i < BLOCK / sizeof(*words); i++)
		words[i] = ((uint64_t)generation << 32 | block) *
			   0x9e3779b97f4a7c15ull + i;
}

static bool block_io(int fd, void *data, uint32_t block, bool write)
{
	off_t at = (off_t)block * BLOCK;
	ssize_t n = write ? pwrite(fd, data, BLOCK, at) :
			    pread(fd, data, BLOCK, at);

	return n == BLOCK;
}

static void work_on_disk(struct work *work, const char *path)
{
	uint32_t generation[BLOCKS] = { 0 }, random = 1, block;
	uint64_t *data, *want;
	int fd = open(path, O_RDWR | O_DIRECT);

	if (fd < 0)
		die(path);
	if (posix_memalign((void **)&data, 4096, BLOCK) ||
	    posix_memalign((void **)&want, 4096, BLOCK))
		die("memory");
	for (;;) {
		random = random * 1664525 + 1013904223;
		block = random / 65536 % BLOCKS;
		if (generation[block] && random & 0x8000) {
			fill(want, block, generation[block]);
			if (!block_io(fd, data, block, false) ||
			    memcmp(data, want, BLOCK))
				work->errors++;
		} else {
			fill(data, block, ++generation[block]);
			if (!block_io(fd, data, block, true))
				work->errors++;
		}
		done(work);
		usleep(PAUSE_US);
	}
}

/* --- network --------------------------------------------------------------- */

struct packet {
	struct icmphdr head;
	uint32_t payload[PAYLOAD / 4];
};

static void packet_make(struct packet *p, uint16_t sequence)
{
	const uint16_t *words = (const uint16_t *)p;
	uint32_t sum = 0;

	memset(p, 0, sizeof(*p));
	p->head.type = ICMP_ECHO;
	p->head.un.echo.id = htons(getpid());
	p->head.un.echo.sequence = htons(sequence);
	for (unsigned int i = 0; i < PAYLOAD / 4; i++)
		p->payload[i] = (sequence + i) * 2654435761u;
	for (unsigned int i = 0; i < sizeof(*p) / 2; i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	p->head.checksum = ~sum;
}

/* Whether the answer to this packet came, whatever else comes meanwhile. */
static bool packet_answered(int fd, const struct packet *sent,
			    struct work *work)
{
	struct {
		struct iphdr ip;
		struct packet packet;
	} got;
	ssize_t n;

	while ((n = recv(fd, &got, sizeof(got), 0)) > 0) {
		if (got.packet.head.type != ICMP_ECHOREPLY ||
		    got.packet.head.un.echo.id != sent->head.un.echo.id ||
		    got.packet.head.un.echo.sequence !=
		    sent->head.un.echo.sequence)
			continue;
		if (n != sizeof(got) ||
		    memcmp(got.packet.payload, sent->payload, PAYLOAD))
			work->errors++;
		return true;
	}
	return false;
}

static void work_on_network(struct work *work, const char *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct timeval patience = { .tv_sec = 1 };
	struct packet packet;
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	if (fd < 0)
		die("socket");
	if (!inet_aton(address, &to.sin_addr))
		die(address);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	for (uint16_t sequence = 0;; sequence++) {
		packet_make(&packet, sequence);
		if (sendto(fd, &packet, sizeof(packet), 0,
			   (struct sockaddr *)&to, sizeof(to)) < 0)
			sleep(1);
		else if (packet_answered(fd, &packet, work))
			done(work);
		else
			work->lost++;
		usleep(PAUSE_US);
	}
}

/* --------------------------------------------------------------------------- */

static int run(const char *disk, const char *address)
{
	struct state *state = state_map(O_RDWR | O_CREAT | O_TRUNC);
	int status;

	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (i)
			work_on_network(&state->net, address);
		else
			work_on_disk(&state->disk, disk);
	}
	/* They only end when something is wrong. */
	wait(&status);
	return 1;
}

static void print_work(const char *name, struct work *work, uint64_t now)
{
	uint64_t longest = work->longest_ns;

	if (work->last_ns && now - work->last_ns > longest)
		longest = now - work->last_ns;
	printf("%s_ops=%llu\n%s_errors=%llu\n%s_lost=%llu\n%s_longest_ms=%llu\n",
	       name, (unsigned long long)work->ops, name,
	       (unsigned long long)work->errors, name,
	       (unsigned long long)work->lost, name,
	       (unsigned long long)longest / 1000000);
	work->longest_ns = 0;
}

static int counters(void)
{
	struct state *state = state_map(O_RDWR);
	uint64_t now = now_ns();

	printf("ms=%llu\n", (unsigned long long)now / 1000000);
	print_work("disk", &state->disk, now);
	print_work("net", &state->net, now);
	return 0;
}

static int spin(unsigned int ms)
{
	uint64_t end = now_ns() + ms * 1000000ull;
	volatile uint64_t loops = 0;

	/* The clock may be a system call, which is not what is measured. */
	do {
		for (int i = 0; i < 1000; i++)
			loops++;
	} while (now_ns() < end);
	printf("loops=%llu\n", (unsigned long long)loops);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "run"))
		return run(argv[2], argv[3]);
	if (argc == 2 && !strcmp(argv[1], "counters"))
		return counters();
	if (argc == 3 && !strcmp(argv[1], "spin"))
		return spin(atoi(argv[2]));
	fprintf(stderr, "usage: workload run DISK ADDRESS | counters | spin MS\n");
	return 2;
}
