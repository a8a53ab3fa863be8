# SPDX-License-Identifier: GPL-2.0 OR MIT
"""A real Xen under QEMU, its guests, and commands run in both.

    xen = Xen("x86_64")              boots Xen and dom0
    xen.run("xl list").out           runs in dom0, RuntimeError if it fails
    xen.start_backend()
    g = xen.guest(kernel="new", vdispl=["0:1024x768"])
    p = g.popen("kmspaint ...")      goes on in the guest
    g.destroy()
"""
import json
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import build
from channel import SLOW, Channel, Died
from guest import Guest

BACKEND = "/share/bin/xen-displ-be"
CTL = f"{BACKEND} ctl"
BAD_LOG = re.compile(
    r"WARNING: |BUG: |BUG at |Oops|Unable to handle|general protection|"
    r"Kernel panic|refcount_t: |KASAN|UBSAN|INFO: task .* blocked|"
    r"possible circular|inconsistent lock|rcu.*stall|soft lockup|"
    r"Bad page state|Call Trace:|g.e. .* still in use|unreferenced object|"
    r"BUG \S+ \(|INFO: (possible|trying)|DEBUG_LOCKS|ODEBUG|corruption|"
    r"pagealloc: |Poison overwritten|Triple fault|domain_crash")
# The core of dma-buf warns when an exporter fails to map for the CPU, as all do
# when memory is not there. It says so once, and to every importer.
EXPORTER_FAILS = re.compile(
    r"[^\n]*\[ cut here \][^\n]*\n(?:(?!end trace)[^\n]*\n)??[^\n]*WARNING: "
    r"[^\n]*\bdma_buf_vmap\b.*?end trace[^\n]*", re.S)


def scan(text):
    """Lines of a kernel log that no scenario may leave behind."""
    text = EXPORTER_FAILS.sub("", text)
    return [line for line in text.splitlines() if BAD_LOG.search(line)]


class Xen:
    """One QEMU with Xen and dom0."""

    def __init__(self, arch="x86_64", disks=()):
        self.arch = arch
        self.bus = "pci" if arch == "x86_64" else "device"
        self.dir = Path(tempfile.mkdtemp(prefix="xen-lab-"))
        self.share = self.dir / "share"
        self.share.mkdir()
        self.guests, self.backend, self.count = [], None, 0
        self.serial = self.dir / "serial.log"
        start = time.monotonic()
        dom0 = build.dom0_image(arch)
        self.qemu = subprocess.Popen(
            self.command(dom0, disks), stdin=subprocess.DEVNULL,
            stdout=open(self.dir / "qemu.log", "wb"), stderr=subprocess.STDOUT)
        self.connect()
        self.boot_seconds = time.monotonic() - start
        self.put_backend()

    def command(self, dom0, disks):
        root = build.tree(self.arch)
        kernel = build.kernel_image(self.arch, build.kernel(self.arch, "6.12"))
        command = self.command_x86 if self.arch == "x86_64" else self.command_arm
        return [*command(root, kernel, dom0), *self.devices(),
                *self.drives(disks)]

    def devices(self):
        share = (f"local,id=share,path={self.share},security_model=none,"
                 "multidevs=remap")
        return ["-nodefaults", "-no-reboot", "-display", "none", "-smp", "2",
                "-serial", f"file:{self.serial}",
                "-qmp", f"unix:{self.dir}/qmp,server=on,wait=off",
                "-chardev", f"socket,id=agent,path={self.dir}/agent,server=on,"
                "wait=off",
                "-device", f"virtio-serial-{self.bus}",
                "-device", "virtserialport,chardev=agent,name=agent",
                "-fsdev", share,
                "-device", f"virtio-9p-{self.bus},fsdev=share,mount_tag=share"]

    def drives(self, disks):
        """In dom0 these are /dev/vda, with the kernels, and from /dev/vdb on."""
        disk, self.on_disk = build.boot_disk(self.arch)
        numbered = list(enumerate([disk, *disks]))
        # The board of arm64 has as its first one what it was given last.
        for i, d in numbered if self.bus == "pci" else reversed(numbered):
            only, snapshot = ("on", "off") if i == 0 else ("off", "on")
            yield from ("-drive", f"file={d},format=raw,if=none,id=disk{i},"
                        f"cache=unsafe,read-only={only},snapshot={snapshot}",
                        "-device", f"virtio-blk-{self.bus},drive=disk{i}")

    def command_x86(self, root, kernel, dom0):
        xen = self.dir / "xen"
        with open(xen, "wb") as f:
            subprocess.run(["gunzip", "-c", root / "boot/xen-4.20-amd64.gz"],
                           stdout=f, check=True)
        return ["qemu-system-x86_64", "-M", "pc", "-accel",
                "tcg,thread=multi,tb-size=512", "-cpu", "qemu64,+svm,+npt",
                "-m", "4096", "-kernel", xen, "-append",
                "console=com1 com1=115200 dom0_mem=1024M,max:1024M "
                "dom0_max_vcpus=2 no-real-mode bootscrub=0 conring_size=4m "
                "gnttab_max_frames=512",
                "-initrd", f"{kernel} console=hvc0 rdinit=/init "
                f"loglevel=5,{dom0}"]

    def command_arm(self, root, kernel, dom0):
        return ["qemu-system-aarch64", "-M",
                "virt,virtualization=on,gic-version=3", "-accel",
                "tcg,thread=multi,tb-size=512", "-cpu", "cortex-a57",
                "-m", "4096", "-kernel", root / "boot/xen-4.20-arm64", "-append",
                "dom0_mem=768M dom0_max_vcpus=2 console=dtuart bootscrub=0 "
                "conring_size=4m gnttab_max_frames=512",
                "-device", f"guest-loader,addr=0x4a000000,kernel={kernel},"
                "bootargs=console=hvc0 rdinit=/init loglevel=5",
                "-device", f"guest-loader,addr=0x50000000,initrd={dom0}"]

    def connect(self, timeout=120):
        end = time.monotonic() + timeout * SLOW
        sock = socket.socket(socket.AF_UNIX)
        while True:
            try:
                sock.connect(f"{self.dir}/agent")
                break
            except OSError:
                if self.qemu.poll() is not None:
                    raise Died("QEMU ended: " +
                               (self.dir / "qemu.log").read_text()) from None
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        self.channel = Channel("dom0", sock.sendall)
        self.popen, self.run = self.channel.popen, self.channel.run

        def reader():
            while True:
                try:
                    data = sock.recv(65536)
                except OSError:
                    data = b""
                if not data:
                    self.channel.lose("QEMU is gone")
                    return
                self.channel.feed(data)
        threading.Thread(target=reader, daemon=True).start()
        try:
            self.channel.answer(timeout)
        except Died as e:
            self.close()
            tail = self.serial.read_text(errors="replace")[-3000:]
            raise Died(f"{e}\n{tail}") from None

    def close(self):
        self.qemu.kill()
        self.qemu.wait()

    def fetch(self, name, path=None):
        """Copy something to dom0's memory: from the disk with the kernels, or
        what is only made when it is wanted first, from `path`."""
        if path:
            return self.share_once(name, path)
        start, size = self.on_disk[name]
        self.run(f"cd /tmp && [ -f {name} ] || {{ dd if=/dev/vda of=new bs=1M "
                 f"skip={start} count={-(-size // build.MIB)} 2>/dev/null && "
                 f"truncate -s {size} new && mv new {name}; }}")
        return f"/tmp/{name}"

    def share_once(self, name, path):
        if self.run(f"[ -f /tmp/{name} ]", check=False).rc:
            shutil.copy(path, self.share / name)
            self.run(f"cp /share/{name} /tmp/{name}", timeout=120)
        return f"/tmp/{name}"

    def put_backend(self):
        """Build the backend and put it where dom0 finds it."""
        progs = build.program("backend", self.arch)
        (self.share / "bin").mkdir(exist_ok=True)
        new = self.share / "bin/new"
        shutil.copy(progs / "xen-displ-be", new)
        new.rename(self.share / "bin/xen-displ-be")

    def start_backend(self, args=""):
        """The backend runs until stop_backend or kill_backend."""
        self.launch_backend("", args)

    def launch_backend(self, before, args):
        """One line of a shell, with what shall happen just before the start."""
        self.backend_args = args
        self.backend = self.popen(f"{before} echo $$; exec {BACKEND} {args} "
                                  "2>>/tmp/backend.log")
        self.backend.expect("\n")
        self.run(f"for i in $(seq 100); do {CTL} stats >/dev/null 2>&1 && exit; "
                 "usleep 100000; done; exit 1")

    @property
    def backend_pid(self):
        return int(self.backend.out.split()[-1])

    def ctl(self, command, check=True):
        return self.run(f"{CTL} {command}", check=check)

    def stats(self):
        return json.loads(self.ctl("stats").out)

    def stop_backend(self):
        self.ctl("quit")
        self.backend.wait(30)

    def kill_backend(self):
        self.backend.kill(signal.SIGKILL)
        self.backend.wait(30)

    def restart_backend(self, how="KILL", delay=0):
        """TERM is a clean stop, KILL is a crash. Without a delay the new one
        starts in the same line of a shell, as a service manager does it. A
        clean stop has ended by then, and a crash may not have."""
        old, pid = self.backend, self.backend_pid
        ended = (f"while [ -d /proc/{pid} ]; do usleep 1000; done;"
                 if how == "TERM" else "")
        if delay:
            old.kill(getattr(signal, f"SIG{how}"))
            old.wait(30)
            time.sleep(delay)
            self.launch_backend("", self.backend_args)
        else:
            self.launch_backend(f"kill -{how} {pid}; {ended}", self.backend_args)
            old.wait(30)

    def pause_backend(self, seconds):
        """It is silent for so long, and knows nothing of it."""
        self.backend.kill(signal.SIGSTOP)
        time.sleep(seconds)
        self.backend.kill(signal.SIGCONT)
        self.ctl("stats")

    def guest(self, **kw):
        return Guest(self, **kw)


class CountingXen(Xen):
    """Its clock counts instructions, 4 ns each: how busy the machine is does
    not matter. What waits without computing waits in real time. There is one CPU,
    since with two the instructions of one pass as time of the other."""

    def command(self, *args):
        words = [str(word).replace("thread=multi", "thread=single")
                 .replace("dom0_max_vcpus=2", "dom0_max_vcpus=1")
                 for word in super().command(*args)]
        words[words.index("-smp") + 1] = "1"
        return words + ["-icount", "shift=2,sleep=on"]
