# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Hypercalls of a guest, counted by Xen's trace buffers."""
import struct
from collections import Counter

# Classes SCHED, PV and HVM; subclasses entry and handler.
MASK = 0x2A3000
RUNSTATE, PV_HYPERCALL, HVM_HYPERCALL = 0x21000, 0x20100D, 0x82012
LOST = 0x1F001
RUNNING = 0
NAMES = {1: "mmu_update", 3: "stack_switch", 5: "fpu_taskswitch",
         12: "memory_op", 13: "multicall", 14: "update_va_mapping",
         15: "set_timer_op", 17: "xen_version", 18: "console_io",
         20: "grant_table_op", 23: "iret", 24: "vcpu_op",
         25: "set_segment_base", 26: "mmuext_op", 29: "sched_op",
         32: "event_channel_op", 33: "physdev_op", 34: "hvm_op"}


def records(data):
    """(event, words) of a trace; words are what the record says."""
    at = 0
    while at + 4 <= len(data):
        head, = struct.unpack_from("<I", data, at)
        event, extra, timed = head & 0xFFFFFFF, head >> 28 & 7, head >> 31
        at += 4 + 8 * timed
        if at + 4 * extra > len(data):
            return
        yield event, struct.unpack_from(f"<{extra}I", data, at)
        at += 4 * extra


def count(data, domid):
    """{name: number} of a domain; there is one physical CPU, so the records
    of all domains come in the order in which things happened."""
    found, running = Counter(), None
    for event, words in records(data):
        if event & 0xFFFFF000 == RUNSTATE and event & 0xF == 1 and words:
            if event >> 4 & 0xF == RUNNING:
                running = words[0] >> 16
        elif event == LOST:
            raise RuntimeError("Xen's trace buffer was too small")
        elif event in (PV_HYPERCALL, HVM_HYPERCALL) and running == domid:
            number = words[0] & 0xFFFFF
            found[NAMES.get(number, f"hypercall {number}")] += 1
    return found


class Hypercalls:
    def __init__(self, xen, domid):
        self.xen, self.domid = xen, domid

    def traced(self, work):
        path = "/tmp/trace"
        tracer = self.xen.popen(f"exec xentrace -D -S 1024 -e {MASK:#x} {path}")
        self.xen.run("sleep 1")
        work()
        tracer.kill(2)
        tracer.wait(60)
        self.xen.run(f"cp {path} /share/trace && rm {path}", timeout=120)
        return count((self.xen.share / "trace").read_bytes(), self.domid)

    def difference(self, work, n):
        """What one of n more costs."""
        few, many = (self.traced(lambda k=k: work(k)) for k in (n, 3 * n))
        return {name: (many[name] - few[name]) / (2 * n)
                for name in sorted(many) if many[name] - few[name] >= n / 5}
