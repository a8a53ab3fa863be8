// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Prints for each domain how many ns its virtual CPUs have run, by Xen's account, as
 * DOMID=NS. Runs in dom0.
 */
#include <stdio.h>

#include <xenctrl.h>

int main(void)
{
	xc_interface *xch = xc_interface_open(NULL, NULL, 0);
	xc_domaininfo_t info[16];
	int n;

	if (!xch)
		return 1;
	n = xc_domain_getinfolist(xch, 0, 16, info);
	for (int i = 0; i < n; i++)
		printf("%u=%llu\n", info[i].domain, (unsigned long long)info[i].cpu_time);
	xc_interface_close(xch);
	return n < 0;
}
