# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Sentences that scenarios are made of."""
import functools
import time

import pattern
from lab import SLOW

expected = functools.lru_cache(8)(pattern.expected)


def shows(lab, guest, fmt="XR24", size=(1024, 768), seed=1, dev=0, conn=0,
          fb=None):
    """The connector must show this pattern now; `fb` is the size of the
    framebuffer, where it is larger than the mode."""
    w, h = size
    want = expected(fmt, *(fb or size), seed)
    if fb:
        want = pattern.crop(want, *fb, w, h)
    if guest.crc(dev, conn) == pattern.crc(want):
        return
    png = guest.shot(dev, conn)
    lab.pictures.append(png)
    got_w, got_h, rgb = pattern.read_png(png)
    assert (got_w, got_h) == (w, h)
    differs = pattern.compare(want, rgb, w, h)
    assert differs is None, f"{png.name}: {differs}"


def shows_in_time(lab, guest, timeout=40, **how):
    """As shows(), where the display may be about to reconnect: its client lives
    through that, and its picture follows."""
    end = time.monotonic() + timeout * SLOW
    while True:
        try:
            return shows(lab, guest, **how)
        except (AssertionError, RuntimeError):
            if time.monotonic() > end:
                raise
        time.sleep(1)


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


def eventually(true, what, timeout=30):
    """Wait for something that has no event to wait for."""
    end = time.monotonic() + timeout * SLOW
    while not true():
        assert time.monotonic() < end, f"not within {timeout * SLOW} s: {what}"
        time.sleep(0.3)
