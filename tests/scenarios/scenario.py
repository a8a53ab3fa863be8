# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Sentences that scenarios are made of."""
import functools
import time

import pattern
from lab import CTL, SLOW

expected = functools.lru_cache(8)(pattern.expected)


def wanted(fmt="XR24", size=(1024, 768), seed=1, fb=None, at=(0, 0)):
    """The picture of this pattern; `fb` is the size of the framebuffer, where it is
    larger than the mode, and `at` where the picture begins in it."""
    want = expected(fmt, *(fb or size), seed)
    return pattern.crop(want, *fb, *size, *at) if fb else want


def shows(lab, guest, fmt="XR24", size=(1024, 768), dev=0, conn=0, **picture):
    """The connector must show this picture now."""
    want = wanted(fmt, size, **picture)
    if guest.crc(dev, conn) == pattern.crc(want):
        return
    png = guest.shot(dev, conn)
    lab.pictures.append(png)
    got_w, got_h, rgb = pattern.read_png(png)
    assert (got_w, got_h) == tuple(size)
    differs = pattern.compare(want, rgb, *size)
    assert differs is None, f"{png.name}: {differs}"


def shows_in_time(lab, guest, timeout=40, dev=0, conn=0, **picture):
    """As shows(), where the display may be about to reconnect: its client lives
    through that, and its picture comes by itself."""
    crc = pattern.crc(wanted(**picture))
    lab.xen.run(f"{CTL} wait-shown {guest.domid} {dev} {conn} {crc} "
                f"{timeout * SLOW:.0f}", timeout=2 * timeout, check=False)
    shows(lab, guest, dev=dev, conn=conn, **picture)


def paints(guest, options="", text="shown", timeout=60):
    """Start kmspaint and wait until it shows what it was told."""
    p = guest.popen(f"kmspaint show --hold {options}")
    p.expect(text, timeout)
    return p


def ends(process, rc=0, timeout=60):
    """Tell a client to end; it must, with this status."""
    process.eof()
    r = process.wait(timeout)
    assert r.rc == rc, f"'{process.command}': exit {r.rc}\n{r.out}{r.err}"
    return r


def still_works(lab, guest, seed=40, size=(1024, 768), dev=0):
    """What every disturbance ends with: a new client gets its picture."""
    p = paints(guest, f"--seed {seed} --flips 2")
    shows_in_time(lab, guest, size=size, seed=seed + 2, dev=dev)
    ends(p)


def traced(guest, what):
    """What the tracepoints of the driver say while something is done."""
    events = "/sys/kernel/debug/tracing/events/xen_drm_front"
    guest.run(f"echo >{events}/../../trace; echo 1 >{events}/enable")
    try:
        what()
        return guest.run(f"cat {events}/../../trace").out
    finally:
        guest.run(f"echo 0 >{events}/enable")


def eventually(true, what, timeout=30):
    """Wait for something that has no event to wait for."""
    end = time.monotonic() + timeout * SLOW
    while not true():
        assert time.monotonic() < end, f"not within {timeout * SLOW} s: {what}"
        time.sleep(0.3)
