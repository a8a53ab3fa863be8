# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Weston in a Xen guest, drawn through our driver, as a picture."""
import os
import shutil
import sys
import threading
import time

import build
import desktop
import lab
import rfb

sys.path.insert(0, str(build.CHECKOUT / "tests/guest"))
import pattern  # noqa: E402 pylint: disable=wrong-import-position

TEXT = ('echo "A Xen guest, its screen is a vdispl."; uname -a; '
        'dmesg | grep -i -m 3 -e xendrm -e vdispl; '
        'modetest -M xendrm-du -c 2>/dev/null | head -n 8; sleep 100000')


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
    (build.CACHE / "build").mkdir(parents=True, exist_ok=True)

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
        desktop.popen(guest, desktop.FOOT % (desktop.COLOUR, TEXT))
        desktop.settled(guest)
        bad = lab.scan(guest.log())
        if bad:
            raise RuntimeError("the guest's kernel complains:\n"
                               + "\n".join(bad))
        shutil.copy(guest.shot(), out)
        share = desktop.colour_share(pattern.read_png(out)[2])
        if share < 0.05:
            raise RuntimeError(f"{out}: the terminal's window is not in it, "
                               f"{share:.1%} has its colour")
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
