# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Weston in a Xen guest, drawn through our driver, as a picture."""
import os
import shutil
import threading
import time

import build
import desktop
import lab
import rfb
from desktop import pattern

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


def main():
    start = time.monotonic()
    out = build.CHECKOUT / "out/demo.png"
    out.parent.mkdir(exist_ok=True)

    def say(text):
        build.progress(f"{time.monotonic() - start:4.0f} s: {text}")
    say("building the driver, the backend and the guest's disk")
    disk = build.desktop_disk()
    say("booting Xen 4.20 and dom0 under QEMU (no virtualisation is needed)")
    xen = lab.Xen("x86_64", disks=[disk])
    try:
        xen.start_backend()
        say("booting a guest, Debian's kernel 6.12 with our module")
        guest = xen.guest(kernel="6.12", vdispl=(("demo:1024x768",),),
                          **desktop.GUEST)
        guest.wait_connected()
        say("starting Weston and a terminal in the guest")
        desktop.start_weston(guest)
        terminal = desktop.popen(guest, desktop.TERMINAL % TEXT)
        shutil.copy(desktop.window(guest, 0.1, desktop.TERMINAL_COLOUR,
                                   terminal), out)
        bad = lab.scan(guest.log())
        if bad:
            raise RuntimeError("the guest's kernel complains:\n"
                               + "\n".join(bad))
        flips = xen.stats()["totals"]["flips"]
        print(f"{out}\n  Weston's desktop and a terminal's window at 1024x768"
              f", drawn in a Xen guest by Debian's kernel {guest.version} "
              f"with our drm_xen_front, {flips} page flips so far; read by "
              f"the backend from the guest's granted pages.\n"
              f"  It took {time.monotonic() - start:.0f} s.", flush=True)
        if os.environ.get("LIVE") == "1":
            live(xen, guest)
    finally:
        xen.close()
        shutil.rmtree(xen.dir, ignore_errors=True)


if __name__ == "__main__":
    main()
