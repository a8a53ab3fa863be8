# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Desktops inside a guest that has the desktop's disk."""
import time

from lab import SLOW

GUEST = {"memory": 2048, "vcpus": 1, "disk": "/dev/vdb",
         "cmdline": "lab.desktop"}
# What a terminal's window is filled with, to find it in a picture.
COLOUR = "123456"
WESTON = """mkdir -p /run/user && chmod 700 /run/user && cd /tmp &&
export XDG_RUNTIME_DIR=/run/user HOME=/root WAYLAND_DISPLAY=wl &&
{ [ -S /run/seatd.sock ] || seatd >/tmp/seatd.log 2>&1 & } &&
exec weston --backend=drm --renderer=pixman --continue-without-input \
	--socket=wl --log=/tmp/weston.log"""
FOOT = """export XDG_RUNTIME_DIR=/run/user HOME=/root WAYLAND_DISPLAY=wl
export LANG=C.UTF-8
exec foot -o colors.background=%s -o font=DejaVuSansMono:size=10 sh -c '%s'"""
XORG = """export HOME=/root; exec Xorg :0 -noreset -nolisten tcp \
	-logfile /tmp/Xorg.log"""


def popen(guest, script):
    """Run a script in the disk's tree."""
    guest.put(script.encode() + b"\n", f"/mnt/tmp/run-{guest.channel.next}")
    return guest.popen("exec chroot /mnt sh -e "
                       f"/tmp/run-{guest.channel.next - 1}")


def colour_share(rgb, colour=COLOUR):
    """Which part of a picture has exactly this colour."""
    want = bytes.fromhex(colour)
    return sum(rgb[i:i + 3] == want for i in range(0, len(rgb), 3)) \
        / (len(rgb) / 3)


def settled(guest, timeout=180, still=3):
    """Wait until the picture stays the same for some seconds; its CRC."""
    end = time.monotonic() + timeout * SLOW
    last, since = None, time.monotonic()
    while time.monotonic() < end:
        r = guest.xen.ctl(f"crc {guest.domid} 0 0", check=False)
        now = r.out.strip() if not r.rc else None
        if now != last:
            last, since = now, time.monotonic()
        elif now and time.monotonic() - since > still:
            return now
        time.sleep(0.5)
    raise TimeoutError(f"the picture of {guest.name} did not settle within "
                       f"{timeout * SLOW:.0f} s, last CRC {last}")


def start_weston(guest):
    weston = popen(guest, WESTON)
    guest.run("for i in $(seq 600); do [ -S /mnt/run/user/wl ] && exit; "
              "usleep 200000; done; cat /mnt/tmp/weston.log; exit 1",
              timeout=150)
    return weston


def stop(guest, *processes):
    """End what was started, and wait for it."""
    for p in processes:
        if p.rc is None:
            p.kill(15)
    for p in processes:
        p.wait(60)
