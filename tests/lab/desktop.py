# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Desktops inside a guest that has the desktop's disk."""
import base64
import gzip
import re
import struct
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
# What a desktop wants of its system: who may open devices, who tells of them.
SESSION = """mkdir -p /run/user && chmod 700 /run/user && cd /tmp
export XDG_RUNTIME_DIR=/run/user HOME=/root LIBSEAT_BACKEND=seatd
[ -S /run/seatd.sock ] || { seatd >/tmp/seatd.log 2>&1 & }
[ -S /run/udev/control ] || {
	SYSTEMD_IGNORE_CHROOT=1 /usr/lib/systemd/systemd-udevd --daemon
	SYSTEMD_IGNORE_CHROOT=1 udevadm trigger --settle --subsystem-match=drm
}
"""
# Screens that nobody uses stay on.
WESTON = SESSION + """exec weston --backend=drm --renderer=%s --debug %s --idle-time=0 \
	--continue-without-input --socket=wl --log=/tmp/weston.log"""
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
# Without the first X draws by OpenGL in software, and takes minutes to start. Without
# the second it crashes when a card that was plugged in goes away.
XORG = SESSION + """cat >/etc/X11/xorg.conf <<'END'
Section "Device"
	Identifier "vdispl"
	Driver "modesetting"
	Option "AccelMethod" "none"
	%s
EndSection
Section "ServerFlags"
	Option "AutoAddGPU" "off"
EndSection
END
export HOME=/root
exec Xorg :0 -noreset -nolisten tcp -s 0 -dpms -logfile /tmp/Xorg.log"""


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


def window(guest, share, colour, client, dev=0, timeout=180, still=3):
    """Wait until the client's window is in the picture, by the part that has
    its colour, and the picture stays; returns the PNG's path."""
    end = time.monotonic() + timeout * SLOW
    last, since, seen = None, 0, 0
    while time.monotonic() < end:
        if client.rc is not None:
            raise RuntimeError(f"the client ended with {client.rc}\n"
                               f"{client.out}{client.err}")
        r = guest.xen.ctl(f"crc {guest.domid} {dev} 0", check=False)
        if not r.rc and r.out != last:
            last, since = r.out, time.monotonic()
        elif not r.rc and time.monotonic() - since > still:
            png = guest.shot(dev)
            seen = colour_share(pattern.read_png(png)[2], colour)
            if seen >= share:
                return png
            since = time.monotonic()
        time.sleep(0.5)
    raise TimeoutError(f"no window of colour #{colour} on {share:.0%} of "
                       f"{guest.name}'s display {dev} within {timeout * SLOW:.0f} s, "
                       f"at last {seen:.2%}, CRC {last}; the client said:\n"
                       f"{client.out}{client.err}")


def output(guest, command):
    """What a command writes, in bytes."""
    r = guest.run(f"{command} | gzip -1 | base64", timeout=120)
    data = gzip.decompress(base64.b64decode(r.out))
    if not data:
        raise RuntimeError(f"'{command}' wrote nothing\n{r.err}")
    return data


def fetch(guest, command):
    """The same of a command in the disk's tree."""
    guest.put(command.encode() + b"\n", "/mnt/tmp/fetch")
    return output(guest, "chroot /mnt sh /tmp/fetch")


def x_picture(guest):
    """What X believes to show, on all screens together: (width, height, rgb)."""
    data = fetch(guest, "DISPLAY=:0 xwd -root -silent")
    head = struct.unpack_from(">25I", data)
    size, w, h, bits, pitch, colours = (head[i] for i in (0, 4, 5, 11, 12, 19))
    if bits != 32:
        raise RuntimeError(f"xwd: {bits} bits a pixel, expected 32")
    return w, h, pattern.from_xrgb(data[size + 12 * colours:], w, h, pitch)


def x_screens(guest):
    """{connector's number: (x, y, width, height)}, as X has placed them."""
    out = in_x(guest, "xrandr --query").out
    return {int(m[1]) - 1: (int(m[4]), int(m[5]), int(m[2]), int(m[3]))
            for m in re.finditer(r"^Virtual-(\d+) connected.* "
                                 r"(\d+)x(\d+)\+(\d+)\+(\d+) ", out, re.M)}


def weston_picture(guest):
    """The same of Weston, whose screens are side by side."""
    data = fetch(guest, "rm -rf /tmp/shots; mkdir /tmp/shots; cd /tmp/shots; "
                 "XDG_RUNTIME_DIR=/run/user WAYLAND_DISPLAY=wl "
                 "weston-screenshooter >&2; cat /tmp/shots/*.png")
    path = guest.xen.share / f"screenshot-{guest.name}.png"
    path.write_bytes(data)
    return pattern.read_png(path)


def in_x(guest, command):
    return guest.run(f"chroot /mnt env DISPLAY=:0 {command}", timeout=120)


def wait_socket(guest, path, log):
    """Until a server has made it; its log tells why it has not."""
    guest.run(f"for i in $(seq 600); do [ -S /mnt{path} ] && exit; "
              f"usleep 200000; done; cat /mnt{log}; exit 1", timeout=150)


def start_xorg(guest, card=None):
    """Without a card it finds one by itself. With one it leaves seat and terminal
    alone, which a compositor on another card may have."""
    script = XORG % (f'Option "kmsdev" "/dev/dri/{card}"' if card else "")
    if card:
        script = script.replace("LIBSEAT_BACKEND=seatd", "LIBSEAT_BACKEND=noop")
        script += " -sharevts -novtswitch"
    xorg = popen(guest, script)
    wait_socket(guest, "/tmp/.X11-unix/X0", "/tmp/Xorg.log")
    return xorg


def start_weston(guest, renderer="pixman", card=None):
    """The same."""
    weston = popen(guest, WESTON % (renderer, f"--drm-device={card}" if card else ""))
    wait_socket(guest, "/run/user/wl", "/tmp/weston.log")
    return weston


def stop(guest, *processes):
    """End what was started, and wait for it."""
    for p in processes:
        if p.rc is None:
            p.kill(15)
    for p in processes:
        p.wait(60)
