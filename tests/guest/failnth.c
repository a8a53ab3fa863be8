// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "failnth.h"
#include "kms.h"

static int fd = -1;

static int set(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	return pwrite(fd, text, len, 0) == len ? 0 : -errno;
}

void fault_arm(unsigned int n)
{
	if (fd < 0)
		fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		must(-errno, "/proc/thread-self/fail-nth, which needs CONFIG_FAULT_INJECTION");
	must(set(n), "write to fail-nth");
}

/* What is armed still may hit the reading and writing here, once. */
bool fault_hit(void)
{
	char text[16] = "";
	bool hit = pread(fd, text, sizeof(text) - 1, 0) > 0 &&
		   !strcmp(text, "0\n");

	if (set(0))
		must(set(0), "write to fail-nth");
	return hit;
}
