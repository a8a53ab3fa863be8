// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What a client asks for, once with each allocation and copy of the kernel failing
 * that it needs. The n-th of this task fails, as /proc/PID/fail-nth counts, for n = 1,
 * 2, ... until there is no n-th one. Each try must succeed or fail with an error that
 * fits, and the next one without a fault must succeed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "failnth.h"
#include "operations.h"

/* a mistake in the counting must not run for ever */
#define MOST_FAULTS 20000

static void check_error(const struct operation *op, unsigned int n, int ret)
{
	/*
	 * Without memory for more of the grant table the core has no space; without memory
	 * for its table of foreign pages arm64 says that Xen did not map them.
	 */
	if (ret && ret != -ENOMEM && ret != -ENOSPC && ret != -EFAULT && ret != -ENXIO)
		die("%s: %s when allocation %u fails, expected ENOMEM, ENOSPC, EFAULT or ENXIO",
		    op->name, err_name(ret), n);
}

static void try_without_fault(struct client *c, const struct operation *op,
			      unsigned int n)
{
	must(op->attempt(c), "%s after one whose allocation %u failed", op->name, n);
	call_step(op->undo, c);
}

static unsigned int run(struct client *c, const struct operation *op)
{
	unsigned int n, failed = 0;
	bool hit = true;

	call_step(op->prepare, c);
	for (n = 1; hit; n++) {
		int ret;

		if (n > MOST_FAULTS)
			die("%s: more than %d allocations", op->name, MOST_FAULTS);
		fault_arm(n);
		ret = op->attempt(c);
		hit = fault_hit();
		if (!hit)
			must(ret, "%s without a fault", op->name);
		check_error(op, n, ret);
		failed += !!ret;
		if (!ret)
			call_step(op->undo, c);
		else
			try_without_fault(c, op, n);
	}
	call_step(op->tidy, c);
	printf("operation=%s faults=%u failed=%u\n", op->name, n - 2, failed);
	fflush(stdout);
	return n - 2;
}

int cmd_faults(struct options *opt)
{
	unsigned int faults = 0, count = 0;
	struct client c;

	client_open(&c, opt);
	for (unsigned int i = 0; i < operation_count; i++) {
		if (opt->no_prime && !strncmp(operations[i].name, "prime-", 6))
			continue;
		faults += run(&c, &operations[i]);
		count++;
	}
	client_close(&c);
	printf("operations=%u faults=%u\n", count, faults);
	return 0;
}

/* For what a word to a file of sysfs sets going, like a driver's bind. */
int cmd_fault_write(struct options *opt)
{
	const char *path = opt->args[0], *word = opt->args[1];
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	unsigned int n = parse_number(opt->args[2], "N");
	int ret;

	if (fd < 0)
		must(-errno, "open %s", path);
	fault_arm(n);
	ret = write(fd, word, strlen(word)) < 0 ? -errno : 0;
	printf("n=%u hit=%d result=%s\n", n, fault_hit(), err_name(ret));
	close(fd);
	return 0;
}
