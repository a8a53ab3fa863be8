# SPDX-License-Identifier: GPL-2.0 OR MIT
"""What a guest does besides its display: disk, network, and the thread that
serves the watches of all its devices."""
import signal
import time

from lab import SLOW

UP = """modprobe xen-blkfront; modprobe xen-netfront
for i in $(seq 300); do
    [ -b /dev/xvda ] && [ -d /sys/class/net/eth0 ] && break; usleep 100000
done
ip addr add {net}.2/24 dev eth0 && ip link set eth0 up || exit
for i in $(seq 300); do
    [ "$(cat /sys/class/net/eth0/carrier)" = 1 ] && exit; usleep 100000
done
exit 1"""
# Blocked, or without a CPU?
XENWATCH = """p=$(grep -lx xenwatch /proc/[0-9]*/comm | head -n 1)
cat ${p%/comm}/stack ${p%/comm}/sched | head -n 40; cat /proc/loadavg"""


class Workload:
    """Work on disk and network of a guest that was made with works=True."""

    def __init__(self, guest):
        self.guest = guest
        net = f"10.0.{guest.domid % 256}"
        guest.run(UP.format(net=net))
        self.process = guest.popen(f"exec workload run /dev/xvda {net}.1")
        self.wait_progress({"disk_ops": 0, "net_ops": 0})

    def counters(self):
        if self.process.rc is not None:
            raise RuntimeError("disk and network do not work: "
                               + self.process.err)
        out = self.guest.run("workload counters", timeout=20).out
        return {k: int(v) for k, v in
                (line.split("=") for line in out.split())}

    def wait_progress(self, start, ops=5, timeout=30):
        """Disk and network must both do some more operations than `start`
        says; returns the counters."""
        end = time.monotonic() + timeout * SLOW
        while True:
            try:
                now = self.counters()
            except RuntimeError:
                if self.process.rc is not None or time.monotonic() > end:
                    raise
                now = dict(start)
            if all(now[k] >= start[k] + ops for k in ("disk_ops", "net_ops")):
                return now
            assert time.monotonic() < end, (
                f"disk and network within {timeout * SLOW:.0f} s: from {start} "
                f"to {now}, {ops} operations each expected")
            time.sleep(0.3)

    def pause(self):
        self.process.kill(signal.SIGSTOP)

    def resume(self):
        self.process.kill(signal.SIGCONT)


def rates(before, after):
    """Operations per second of disk and network between two samples."""
    seconds = max(after["ms"] - before["ms"], 1) / 1000
    return [(after[k] - before[k]) / seconds for k in ("disk_ops", "net_ops")]


def spin(guest, ms=1000):
    """How often a loop runs in that time: how much of a CPU there is."""
    return int(guest.run(f"workload spin {ms}", timeout=20).out.split("=")[1])


def watches_are_served(guest, start=None, timeout=30):
    """The thread that serves the watches of all devices must answer; it has
    not been asked since the log had `start` bytes."""
    if start is None:
        start = guest.log_size()
    guest.xen.run(f"xl sysrq {guest.name} h")
    end = time.monotonic() + timeout * SLOW
    while "sysrq: HELP" not in guest.log(start):
        if time.monotonic() > end:
            raise AssertionError(
                f"{guest.name}: no watch was served within "
                f"{timeout * SLOW:.0f} s; the thread is at:\n"
                + guest.run(XENWATCH, check=False).out)
        time.sleep(0.3)
