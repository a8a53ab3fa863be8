# SPDX-License-Identifier: GPL-2.0 OR MIT
"""The lab by hand: `up` keeps a Xen, a backend and at most one guest; the
other commands, given in another terminal, talk to it."""
import argparse
import json
import os
import shutil
import socket
import sys
import threading
import traceback

import build
import lab
from channel import Result


def boot_options(p):
    p.add_argument("--kernel", default="6.12", help="6.12, new or debug")
    p.add_argument("--vdispl", action="append", metavar="ID:WxH[;ID:WxH..]",
                   help="a display with its connectors; again for another one")
    p.add_argument("--be-alloc", type=int, default=0)
    p.add_argument("--kind", help="pv, pvh (x86_64 only); pvh "
                   "with --be-alloc 1, else pv, if not said")
    p.add_argument("--memory", type=int, default=512, help="MB")
    p.add_argument("--vcpus", type=int, default=2)
    p.add_argument("--cmdline", default="", help="more words for the guest's "
                   "kernel; lab.args=a=1,b=2 are parameters of the driver")
    p.add_argument("--stock", action="store_true", help="the kernel's own "
                   "driver, not ours")
    p.add_argument("--no-driver", action="store_true", help="load none")
    p.add_argument("--cma", action="store_true", help="our driver, built for "
                   "contiguous buffers")
    p.add_argument("--desktop", action="store_true", help="a large guest, "
                   "with the tree that has Weston and Xorg in /mnt")
    p.add_argument("--console", action="store_true", help="a text console on "
                   "the display")
    p.add_argument("--works", action="store_true", help="with a disk and a "
                   "network, for scenarios/workload.py")
    p.add_argument("--extra", default="", help="a line for the xl.cfg")


def parser():
    p = argparse.ArgumentParser(prog="lab", description=__doc__)
    p.add_argument("--arch", default="x86_64", choices=list(build.ARCHES))
    p.add_argument("--name", default=os.environ.get("LAB_NAME", "lab"),
                   help="when more than one is up; or set LAB_NAME")
    sub = p.add_subparsers(dest="verb", required=True)
    sub.add_parser("up", help="boot Xen and the backend, stay in front")
    boot_options(sub.add_parser("boot", help="boot a guest, instead of the "
                                "present one"))
    for verb, text in (("guest", "run a command in the guest"),
                       ("dom0", "run a command in dom0"),
                       ("ctl", "tell the backend something")):
        s = sub.add_parser(verb, help=text)
        s.add_argument("--timeout", type=float, default=120)
        s.add_argument("words", nargs=argparse.REMAINDER)
    s = sub.add_parser("reload", help="build our driver, put it into the "
                       "running guest")
    s.add_argument("words", nargs="*", help="parameters of the driver")
    # Its options are not ours: argparse is to take them for words.
    s = sub.add_parser("backend", help="build the backend, start it anew",
                       prefix_chars="+", add_help=False)
    s.add_argument("words", nargs="*", help="its options")
    sub.add_parser("log", help="the guest's kernel log and console")
    s = sub.add_parser("shot", help="save what a connector shows")
    s.add_argument("file")
    s.add_argument("dev", nargs="?", type=int, default=0)
    s.add_argument("conn", nargs="?", type=int, default=0)
    s = sub.add_parser("run", help="boot everything, run one command in the "
                       "guest, end")
    boot_options(s)
    s.add_argument("--guest", required=True, metavar="COMMAND")
    sub.add_parser("down", help="end the lab that `up` started")
    return p


def boot(xen, a):
    if a.desktop:
        a.memory = 2048
        a.cmdline += " lab.desktop"
    return xen.guest(kernel=a.kernel, be_alloc=a.be_alloc, kind=a.kind,
                     vdispl=[d.split(";") for d in a.vdispl or ["0:1024x768"]],
                     memory=a.memory, vcpus=a.vcpus, cmdline=a.cmdline,
                     stock=a.stock, cma=a.cma, driver=not a.no_driver,
                     extra=a.extra, works=a.works, console=a.console,
                     disk="/dev/vdb" if a.desktop else None)


def perform(xen, a):
    """One request; what it returns is printed by the one who asked."""
    guest = xen.guests[-1] if xen.guests else None
    if a.verb == "boot":
        for g in list(xen.guests):
            g.destroy()
        g = boot(xen, a)
        return f"guest {g.name} (domain {g.domid}) up in {g.boot_seconds:.0f} s"
    if a.verb == "dom0":
        return xen.run(" ".join(a.words), timeout=a.timeout, check=False)
    if a.verb == "ctl":
        return xen.ctl(" ".join(a.words), check=False)
    if a.verb == "backend":
        xen.kill_backend()
        xen.put_backend()
        xen.start_backend(" ".join(a.words))
        return "backend started anew"
    if not guest:
        raise RuntimeError("no guest yet: lab boot")
    if a.verb == "guest":
        return guest.run(" ".join(a.words), timeout=a.timeout, check=False)
    if a.verb == "reload":
        guest.put(guest.module(), "/drm_xen_front.ko")
        guest.unload()
        guest.load(" ".join(a.words))
        return "driver reloaded\n" + guest.run("dmesg | tail -n 5").out
    if a.verb == "log":
        return guest.log()
    shutil.copy(guest.shot(a.dev, a.conn), a.file)
    return f"saved {a.file}"


def answer(xen, conn):
    with conn, conn.makefile("rw") as f:
        try:
            r = perform(xen, parser().parse_args(json.loads(f.readline())))
            if isinstance(r, str):
                r = Result(0, r + "\n", "")
        except Exception as e:  # whoever asked gets to see it, the lab goes on
            r = Result(1, "", "".join(
                traceback.format_exception_only(e)))
        json.dump(r.__dict__, f)


def disks(arch):
    """The desktop's disk, if somebody made its tree."""
    there = arch == "x86_64" and (build.CACHE / "desktop").exists()
    return [build.desktop_disk()] if there else []


def listening(path):
    with socket.socket(socket.AF_UNIX) as s:
        return s.connect_ex(str(path)) == 0


def up(arch, path):
    if listening(path):
        sys.exit(f"lab: one is up on {path} already; --name makes another")
    path.unlink(missing_ok=True)
    xen = lab.Xen(arch, disks=disks(arch))
    xen.start_backend("--verbose")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    build.progress(f"{arch} up in {xen.boot_seconds:.0f} s, files in {xen.dir}")
    try:
        while xen.qemu.poll() is None:
            conn, _ = server.accept()
            first = conn.recv(4, socket.MSG_PEEK)
            if first == b"down":
                break
            threading.Thread(target=answer, args=(xen, conn),
                             daemon=True).start()
    finally:
        path.unlink(missing_ok=True)
        xen.close()


def ask(path, argv):
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.connect(str(path))
        except OSError:
            sys.exit("lab: none is up; start one with: tests/lab/lab up")
        if argv == ["down"]:
            s.sendall(b"down")
            return 0
        s.sendall(json.dumps(argv).encode() + b"\n")
        r = json.load(s.makefile())
    sys.stdout.write(r["out"])
    sys.stderr.write(r["err"])
    return r["rc"]


def main():
    a = parser().parse_args()
    path = build.CACHE / f"{a.name}-{a.arch}.sock"
    if a.verb == "up":
        return up(a.arch, path)
    if a.verb != "run":
        return ask(path, ["down"] if a.verb == "down" else sys.argv[1:])
    xen = lab.Xen(a.arch, disks=disks(a.arch))
    try:
        xen.start_backend()
        r = boot(xen, a).run(a.guest, check=False)
    finally:
        xen.close()
    sys.stdout.write(r.out)
    sys.stderr.write(r.err)
    return r.rc


if __name__ == "__main__":
    sys.exit(main())
