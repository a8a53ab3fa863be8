/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What this guest has cost so far, by Xen's account. */

#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <linux/cpumask.h>

#include <xen/interface/xen.h>
#include <xen/interface/vcpu.h>
#include <xen/xen-ops.h>

#include <asm/xen/hypercall.h>

/* Time in which a virtual CPU ran, the hypervisor's work for it included. */
static inline u64 bench_running_ns(void)
{
	struct vcpu_runstate_info info;
	unsigned int cpu;
	u64 sum = 0;

	for_each_online_cpu(cpu)
		if (!HYPERVISOR_vcpu_op(VCPUOP_get_runstate_info, xen_vcpu_nr(cpu), &info))
			sum += info.time[RUNSTATE_running];
	return sum;
}

#endif /* BENCH_METER_H */
