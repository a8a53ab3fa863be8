# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Desktops inside a guest that has the desktop's disk."""
import sys
import time

import build
from lab import SLOW

sys.path.insert(0, str(build.CHECKOUT / "tests/guest"))
import pattern  # noqa: E402 pylint: disable=wrong-import-position

GUEST = {"memory": 2048, "disk": "/dev/vdb",
         "cmdline": "lab.desktop"}
# What windows are filled with, to find them in a picture: the second is what
# weston-terminal makes of blue, and it takes no other colour.
XTERM_COLOUR = "123456"
TERMINAL_COLOUR = "0000a8"
WESTON = """mkdir -p /run/user && chmod 700 /run/user && cd /tmp &&
export XDG_RUNTIME_DIR=/run/user HOME=/root WAYLAND_DISPLAY=wl &&
{ [ -S /run/seatd.sock ] || seatd >/tmp/seatd.log 2>&1 & } &&
exec weston --backend=drm --renderer=pixman --continue-without-input \
	--socket=wl --log=/tmp/weston.log"""
# Needs no seat: there is no input device. Each line is filled with blue.
TERMINAL = """cat >/tmp/text <<'END'
#!/bin/sh
{ %s
seq 100 | tr -dc '\\n'; } 2>&1 | expand | cut -c 1-78 | head -n 20 |
	while read -r l; do printf '\\033[44m\\033[97m %%-79s' "$l"; done
sleep 100000
END
chmod 755 /tmp/text
export XDG_RUNTIME_DIR=/run/user HOME=/root WAYLAND_DISPLAY=wl LANG=C.UTF-8
exec weston-terminal --shell=/tmp/text"""
# Without this X draws by OpenGL in software, and takes minutes to start.
XORG = """cat >/etc/X11/xorg.conf <<'END'
Section "Device"
	Identifier "vdispl"
	Driver "modesetting"
	Option "AccelMethod" "none"
EndSection
END
export HOME=/root
exec Xorg :0 -noreset -nolisten tcp -logfile /tmp/Xorg.log"""


def popen(guest, script):
    """Run a script in the disk's tree."""
    guest.put(script.encode() + b"\n", f"/mnt/tmp/run-{guest.channel.next}")
    return guest.popen("exec chroot /mnt sh -e "
                       f"/tmp/run-{guest.channel.next - 1}")


def colour_share(rgb, colour):
    """Which part of a picture has exactly this colour."""
    want = bytes.fromhex(colour)
    return sum(rgb[i:i + 3] == want for i in range(0, len(rgb), 3)) \
        / (len(rgb) / 3)


def window(guest, share, colour, client, timeout=180, still=3):
    """Wait until the client's window is in the picture, by the part that has
    its colour, and the picture stays; returns the PNG's path."""
    end = time.monotonic() + timeout * SLOW
    last, since, seen = None, 0, 0
    while time.monotonic() < end:
        if client.rc is not None:
            raise RuntimeError(f"the client ended with {client.rc}\n"
                               f"{client.out}{client.err}")
        r = guest.xen.ctl(f"crc {guest.domid} 0 0", check=False)
        if not r.rc and r.out != last:
            last, since = r.out, time.monotonic()
        elif not r.rc and time.monotonic() - since > still:
            png = guest.shot()
            seen = colour_share(pattern.read_png(png)[2], colour)
            if seen >= share:
                return png
            since = time.monotonic()
        time.sleep(0.5)
    raise TimeoutError(f"no window of colour #{colour} on {share:.0%} of "
                       f"{guest.name}'s screen within {timeout * SLOW:.0f} s, "
                       f"at last {seen:.2%}, CRC {last}; the client said:\n"
                       f"{client.out}{client.err}")


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
