# SPDX-License-Identifier: GPL-2.0 OR MIT
"""A text console and Weston in a Xen guest with two screens, drawn through our
driver, as pictures."""
import os
import shutil
import threading
import time

import build
import desktop
import lab
import rfb
from desktop import pattern

SCREENS = "left:1024x768", "right:640x480"
# Pixels between pictures of screens.
GAP = 8
TEXT = """echo 'A Xen guest; its screen is a vdispl, drawn by our module.'
uname -a
cat /sys/hypervisor/type /sys/bus/xen/devices/vdispl-0/modalias
modetest -M xendrm-du -c 2>&1"""


def live(xen, guest):
    """Keep it up and show it by VNC; pictures are taken as they are asked for,
    one viewer at a time."""
    lock = threading.Lock()

    def picture():
        with lock:
            png = guest.shot()
            data = pattern.read_png(png)
            png.unlink()
            return data
    port = int(os.environ.get("VNC_PORT", "5901"))
    print(f"live: point a VNC viewer at 127.0.0.1:{port} (view only, about a "
          f"picture a second, no password); Ctrl-C ends it", flush=True)
    try:
        rfb.serve(picture, port)
    except KeyboardInterrupt:
        print("ending")


def join(out, pngs):
    """Pictures of screens, side by side and with a gap, as one file."""
    pictures = [pattern.read_png(png) for png in pngs]
    height = max(h for _, h, _ in pictures)
    rows = [b"\x40" * 3 * GAP for _ in range(height)]
    for w, h, rgb in pictures:
        for y in range(height):
            rows[y] += rgb[3 * w * y:3 * w * (y + 1)] if y < h else b"\x40" * 3 * w
            rows[y] += b"\x40" * 3 * GAP
    pattern.write_png(out, len(rows[0]) // 3, height, b"".join(rows))


def show_console(guest, out):
    """The boot's messages, without the cursor that blinks."""
    guest.run("printf '\\033[?25l' >/dev/tty1; "
              "dmesg | cut -c 1-120 >/dev/tty1; sleep 2")
    shutil.copy(guest.shot(), out)


def show_desktop(guest, out):
    """Weston, on both screens."""
    desktop.start_weston(guest)
    terminal = desktop.popen(guest, desktop.TERMINAL % TEXT)
    png = desktop.window(guest, 0.1, desktop.TERMINAL_COLOUR, terminal)
    join(out, [png, guest.shot(conn=1)])


def main():
    start = time.monotonic()
    out = build.CHECKOUT / "out/demo.png"
    console = out.with_name("demo-console.png")
    out.parent.mkdir(exist_ok=True)

    def say(text):
        build.progress(f"{time.monotonic() - start:4.0f} s: {text}")
    say("building the driver, the backend and the guest's disk")
    disk = build.desktop_disk()
    say("booting Xen 4.20 and dom0 under QEMU (no virtualisation is needed)")
    xen = lab.Xen("x86_64", disks=[disk])
    try:
        xen.start_backend()
        say("booting a guest with two screens, Debian's kernel 6.12 with our module")
        guest = xen.guest(kernel="6.12", vdispl=(SCREENS,), console=True,
                          **desktop.GUEST)
        guest.wait_connected()
        show_console(guest, console)
        say(f"the text console is in {console}")
        say("starting Weston and a terminal in the guest")
        show_desktop(guest, out)
        bad = lab.scan(guest.log())
        if bad:
            raise RuntimeError("the guest's kernel complains:\n"
                               + "\n".join(bad))
        flips = xen.stats()["totals"]["flips"]
        print(f"{out}\n  Weston's desktop on two screens and a terminal's window"
              f", drawn in a Xen guest by Debian's kernel {guest.version} "
              f"with our drm_xen_front, {flips} page flips so far; read by "
              f"the backend from the guest's granted pages.\n{console}\n"
              f"  The guest's text console before that.\n"
              f"  It took {time.monotonic() - start:.0f} s.", flush=True)
        if os.environ.get("LIVE") == "1":
            live(xen, guest)
    finally:
        xen.close()
        shutil.rmtree(xen.dir, ignore_errors=True)


if __name__ == "__main__":
    main()
