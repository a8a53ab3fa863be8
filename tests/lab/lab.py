# SPDX-License-Identifier: GPL-2.0 OR MIT
"""A real Xen under QEMU, its guests, and commands run in both.

    xen = Xen("x86_64")              boots Xen and dom0
    xen.run("xl list").out           runs in dom0, RuntimeError if it fails
    xen.start_backend()
    g = xen.guest(kernel="new", vdispl=["0:1024x768"])
    p = g.popen("kmspaint ...")      goes on in the guest
    g.destroy()
"""
import base64
import contextlib
import json
import os
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
import debugkernel

# TCG on a busy machine is slow; a hang is still found within minutes.
SLOW = float(os.environ.get("LAB_SLOW", "3"))
BACKEND = "/share/bin/xen-displ-be"
CTL = f"{BACKEND} ctl"
# As many as dom0-init makes; a guest that works has one of them.
RAM_DISKS = 4
BAD_LOG = re.compile(
    r"WARNING: |BUG: |BUG at |Oops|Unable to handle|general protection|"
    r"Kernel panic|refcount_t: |KASAN|UBSAN|INFO: task .* blocked|"
    r"possible circular|inconsistent lock|rcu.*stall|soft lockup|"
    r"Bad page state|Call Trace:|g.e. .* still in use|unreferenced object|"
    r"BUG \S+ \(|INFO: (possible|trying)|DEBUG_LOCKS|ODEBUG|corruption|"
    r"pagealloc: |Poison overwritten|Triple fault|domain_crash")


class Died(RuntimeError):
    """The machine that was talked to is gone, or its kernel is."""


class Result:
    def __init__(self, rc, out, err):
        self.rc, self.out, self.err = rc, out, err


class Process:
    """A command that runs at the other end of a channel. What it says, and its
    end, can go elsewhere."""

    def __init__(self, channel, number, command, sink, ended):
        self.channel, self.number, self.command = channel, number, command
        self.sink, self.ended = sink, ended
        self.raw, self.raw_err, self.rc = b"", b"", None
        self.changed = threading.Condition()

    def event(self, kind, data):
        with self.changed:
            if kind == "exit":
                self.rc = int(data)
                if self.ended:
                    self.ended()
            elif kind == "err":
                self.raw_err += data
            elif self.sink:
                self.sink(data)
            else:
                self.raw += data
            self.changed.notify_all()

    @property
    def out(self):
        return self.raw.decode(errors="replace")

    @property
    def err(self):
        return self.raw_err.decode(errors="replace")

    def write(self, data):
        if isinstance(data, str):
            data = data.encode()
        for i in range(0, len(data), 720):
            self.channel.send(self.number, "in", data[i:i + 720])

    def eof(self):
        self.channel.send(self.number, "eof")

    def kill(self, sig=9):
        self.channel.send(self.number, f"kill {sig}")

    def until(self, true, timeout, what):
        """Wait until true() holds; it looks at what has come so far."""
        end = time.monotonic() + timeout * SLOW
        with self.changed:
            while not true():
                if self.channel.dead:
                    raise Died(f"{self.command}: {self.channel.dead}")
                if time.monotonic() > end:
                    raise TimeoutError(
                        f"'{self.command}': no {what} within "
                        f"{timeout * SLOW:.0f} s\n{self.out}{self.err}")
                self.changed.wait(0.5)

    def expect(self, text, timeout=30):
        """Wait for text in stdout; a command that ended without is an error."""
        self.until(lambda: text in self.out or self.rc is not None, timeout,
                   f"'{text}'")
        if text not in self.out:
            raise RuntimeError(f"'{self.command}' ended with {self.rc} before "
                               f"it said '{text}'\n{self.out}{self.err}")

    def wait(self, timeout=60):
        self.until(lambda: self.rc is not None, timeout, "end")
        return Result(self.rc, self.out, self.err)


class Channel:
    """Commands for one agent, over any stream of bytes."""

    def __init__(self, name, write):
        self.name, self.write = name, write
        self.dead, self.ready = None, threading.Event()
        self.next, self.procs, self.buffer = 1, {}, b""
        self.lock = threading.Lock()

    def feed(self, data):
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        for line in lines:
            if b"Kernel panic" in line:
                self.lose(f"{self.name} panicked: {line.decode('latin1')}")
            # A message of the kernel may stand before it on the same line.
            at = line.rfind(b"\x01")
            words = line[at + 1:].split() if at >= 0 else []
            if len(words) == 3 and words[1] == b"ready":
                self.ready.set()
            elif len(words) == 3 and words[0].isdigit():
                self.dispatch(int(words[0]), words[1].decode("latin1"),
                              words[2])

    def lose(self, why):
        """Nobody is at the other end any more; the first reason counts."""
        self.dead = self.dead or why

    def dispatch(self, number, kind, data):
        proc = self.procs.get(number)
        if not proc or kind not in ("out", "err", "exit"):
            return
        if kind == "exit":
            del self.procs[number]
        proc.event(kind, data if kind == "exit" else base64.b64decode(data))

    def send(self, number, verb, data=None):
        text = f"{number} {verb}"
        if data is not None:
            text += " " + base64.b64encode(data).decode()
        with self.lock:
            self.write(text.encode() + b"\n")

    def popen(self, command, sink=None, ended=None):
        if self.dead:
            raise Died(f"{command}: {self.dead}")
        with self.lock:
            number, self.next = self.next, self.next + 1
        proc = Process(self, number, command, sink, ended)
        self.procs[number] = proc
        self.send(number, "run", command.encode())
        return proc

    def run(self, command, timeout=60, check=True, data=None):
        proc = self.popen(command)
        if data is not None:
            proc.write(data)
        proc.eof()
        try:
            r = proc.wait(timeout)
        except TimeoutError:
            proc.kill()
            raise
        if check and r.rc:
            raise RuntimeError(f"in {self.name}: '{command}': exit {r.rc}\n"
                               f"{r.out}{r.err}")
        return r

    def answer(self, timeout):
        """Wait for the agent; it may have said 'ready' before we listened."""
        end = time.monotonic() + timeout * SLOW
        while not self.ready.is_set():
            if self.dead or time.monotonic() > end:
                raise Died(f"{self.name}: no agent within "
                           f"{timeout * SLOW:.0f} s, {self.dead}")
            ping = self.popen("true")
            if self.ready.wait(2) or ping.rc == 0:
                break


def scan(text):
    """Lines of a kernel log that no scenario may leave behind."""
    return [line for line in text.splitlines() if BAD_LOG.search(line)]


class Xen:
    """One QEMU with Xen and dom0."""

    def __init__(self, arch="x86_64", disks=(), memory=None, vnc=None):
        self.arch = arch
        self.dir = Path(tempfile.mkdtemp(prefix="xen-lab-"))
        self.share = self.dir / "share"
        self.share.mkdir()
        self.guests, self.backend, self.count = [], None, 0
        self.serial = self.dir / "serial.log"
        start = time.monotonic()
        dom0 = build.dom0_image(arch)
        self.qemu = subprocess.Popen(
            self.command(dom0, disks, memory, vnc), stdin=subprocess.DEVNULL,
            stdout=open(self.dir / "qemu.log", "wb"), stderr=subprocess.STDOUT)
        self.connect()
        self.boot_seconds = time.monotonic() - start
        self.put_backend()

    def command(self, dom0, disks, memory, vnc):
        share = (f"local,id=share,path={self.share},security_model=none,"
                 "multidevs=remap")
        bus = "pci" if self.arch == "x86_64" else "device"
        common = [
            "-nodefaults", "-no-reboot", "-display", "none", "-smp", "2",
            "-serial", f"file:{self.serial}",
            "-qmp", f"unix:{self.dir}/qmp,server=on,wait=off",
            "-chardev", f"socket,id=agent,path={self.dir}/agent,server=on,"
            "wait=off",
            "-device", f"virtio-serial-{bus}",
            "-device", "virtserialport,chardev=agent,name=agent",
            "-fsdev", share,
            "-device", f"virtio-9p-{bus},fsdev=share,mount_tag=share"]
        disk, self.on_disk = build.boot_disk(self.arch)
        # In dom0 these are /dev/vda, with the kernels, and from /dev/vdb on.
        for i, d in enumerate([disk, *disks]):
            only = "on" if i == 0 else "off"
            common += ["-drive", f"file={d},format=raw,if=none,id=disk{i},"
                       f"cache=unsafe,read-only={only},"
                       f"snapshot={'off' if i == 0 else 'on'}",
                       "-device", f"virtio-blk-{bus},drive=disk{i}"]
        if vnc:
            common += ["-vga", "std", "-vnc", vnc]
        root = build.tree(self.arch)
        kernel = build.kernel_image(self.arch,
                                    build.kernel(self.arch, "6.12"))
        if self.arch == "x86_64":
            xen = self.dir / "xen"
            with open(xen, "wb") as f:
                subprocess.run(["gunzip", "-c",
                                root / "boot/xen-4.20-amd64.gz"],
                               stdout=f, check=True)
            return ["qemu-system-x86_64", "-M", "pc", "-accel",
                    "tcg,thread=multi,tb-size=512", "-cpu",
                    "qemu64,+svm,+npt", "-m", str(memory or 4096),
                    "-kernel", xen, "-append",
                    "console=com1 com1=115200 dom0_mem=1024M,max:1024M "
                    "dom0_max_vcpus=2 no-real-mode bootscrub=0 conring_size=4m "
                    "gnttab_max_frames=512",
                    "-initrd", f"{kernel} console=hvc0 rdinit=/init "
                    f"loglevel=5,{dom0}", *common]
        return ["qemu-system-aarch64", "-M",
                "virt,virtualization=on,gic-version=3", "-accel",
                "tcg,thread=multi,tb-size=512", "-cpu", "cortex-a57",
                "-m", str(memory or 3072), "-kernel",
                root / "boot/xen-4.20-arm64", "-append",
                "dom0_mem=768M dom0_max_vcpus=2 console=dtuart bootscrub=0 "
                "conring_size=4m "
                "gnttab_max_frames=512",
                "-device", f"guest-loader,addr=0x4a000000,kernel={kernel},"
                "bootargs=console=hvc0 rdinit=/init loglevel=5",
                "-device", f"guest-loader,addr=0x50000000,initrd={dom0}",
                *common]

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

    def unload(self, name, path=None):
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
        starts in the same line of a shell, as a service manager does it: a
        clean stop has ended by then, a crash may not have."""
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
    not matter. What waits without computing waits in real time."""

    def command(self, *args):
        return [str(word).replace("thread=multi", "thread=single")
                for word in super().command(*args)] + [
                    "-icount", "shift=2,sleep=on"]


class Guest:
    """One guest. vdispl is a list of displays, each a list of connectors
    'ID:WxH', or text in xl's own syntax. One that works has a disk and a
    network, see scenarios/workload.py."""

    def __init__(self, xen, kernel="6.12", vdispl=(("0:1024x768",),),
                 be_alloc=0, kind=None, memory=512, vcpus=2, cmdline="",
                 stock=False, cma=False, driver=True, disk=None, works=False,
                 extra="", console=False):
        self.xen = xen
        xen.count += 1
        self.name = f"g{xen.count}"
        self.version = build.kernel(xen.arch, kernel)
        self.debug = debugkernel.is_debug(self.version)
        self.pipe, self.channel, self.domid = None, None, None
        self.moving = False
        if works:
            disk = f"/dev/ram{xen.count % RAM_DISKS}"
        self.disk, self.other_grants = disk, None
        self.log_path = f"/var/log/xen/console/guest-{self.name}.log"
        if stock:
            cmdline += " lab.stock"
        if not driver:
            cmdline += " lab.nodriver"
        if not console:
            # Its buffer would be counted with those of clients.
            cmdline += " drm_kms_helper.fbdev_emulation=0"
        if self.debug:
            cmdline += " " + debugkernel.CMDLINE[xen.arch]
            memory += debugkernel.MEMORY
        self.memory = memory
        overlay = build.guest_overlay(xen.arch, self.version, cma,
                                      stock or not driver)
        shutil.copy(overlay, xen.share / overlay.name)
        if xen.arch == "x86_64":
            # A PV guest cannot map the backend's buffers.
            kind = kind or ("pvh" if be_alloc else "pv")
            # All emulated CPUs have one time stamp counter, but Xen does not
            # know and would run each RDTSC itself: ten times as slow as PVH.
            extra += '\ntsc_mode="native"'
        config = [f'name="{self.name}"',
                  *([f'type="{kind}"'] if kind else []),
                  f'kernel="/tmp/kernel-{self.version}"',
                  'ramdisk="/tmp/ramdisk"',
                  f"memory={memory}", f"vcpus={vcpus}",
                  'on_reboot="destroy"', 'on_crash="preserve"',
                  f'extra="{"console=tty0 " if console else ""}console=hvc0 '
                  f'rdinit=/init quiet {cmdline}"',
                  extra]
        if vdispl:
            config.append("vdispl=[%s]" % ",".join(
                repr(d) if isinstance(d, str) else
                f"'backend=0,be-alloc={be_alloc},connectors={';'.join(d)}'"
                for d in vdispl))
        if disk:
            config.append(f'disk=["format=raw,vdev=xvda,access=w,'
                          f'script=block-lab,target={disk}"]')
        if works:
            config.append('vif=["script=vif-lab"]')
        self.config = xen.share / f"{self.name}.cfg"
        self.config.write_text("\n".join(config) + "\n")
        start = time.monotonic()
        xen.guests.append(self)
        images = build.boot_files(xen.arch, self.version)
        image = xen.unload(f"guest-{self.version}", images.get("guest"))
        xen.unload(f"kernel-{self.version}", images.get("kernel"))
        xen.run(f"cat {image} /share/{overlay.name} >/tmp/ramdisk && "
                f"xl create /share/{self.name}.cfg", timeout=90)
        self.attach()
        self.boot_seconds = time.monotonic() - start

    def attach(self, timeout=120):
        """Find the guest's agent."""
        self.channel = Channel(self.name, lambda data: self.pipe.write(data))
        self.popen, self.run = self.channel.popen, self.channel.run
        self.connect_console()
        self.answers(timeout)

    def connect_console(self):
        """Join the channel with the console, which another domain has after a
        restore; processes of the guest go on being those of the channel."""
        self.domid = int(self.xen.run(f"xl domid {self.name}").out)
        tty = self.xen.run(
            "for i in $(seq 50); do xenstore-read "
            f"/local/domain/{self.domid}/console/tty && exit; "
            "usleep 200000; done; exit 1").out.strip()
        domid = self.domid
        self.pipe = self.xen.popen(f"exec agent pipe {tty}",
                                   sink=self.channel.feed,
                                   ended=lambda: self.console_closed(domid))

    def console_closed(self, domid):
        if domid == self.domid and not self.moving:
            self.channel.lose(f"{self.name}'s console is closed, the guest "
                              "has ended")

    def answers(self, timeout=120):
        try:
            self.channel.answer(timeout)
        except Died as e:
            raise Died(f"{e}\n{self.log()[-3000:]}") from None

    def pause(self, seconds):
        self.xen.run(f"xl pause {self.name} && sleep {seconds} && "
                     f"xl unpause {self.name}", timeout=30 + seconds)

    @contextlib.contextmanager
    def move(self):
        """Another domain has the guest afterwards, with all its processes."""
        self.moving = True
        pipe = self.pipe
        try:
            yield
            pipe.kill()
            self.connect_console()
        finally:
            self.moving = False
        self.channel.ready.clear()
        self.answers()

    def save_restore(self, seconds=0):
        """xl save, so many seconds of nothing, xl restore. The image is in
        dom0's memory, so the guest must be small: 9p cannot take pages of
        another domain, and with a pipe before it takes minutes."""
        image = f"/tmp/{self.name}.save"
        with self.move():
            self.xen.run(f"xl save {self.name} {image}", timeout=180)
            time.sleep(seconds)
            self.xen.run(f"xl restore /share/{self.name}.cfg {image}; r=$?; "
                         f"rm {image}; exit $r", timeout=180)

    def change_config(self, old, new):
        """What the next restore reads."""
        self.config.write_text(self.config.read_text().replace(old, new))

    def checkpoint(self):
        """xl save -c: the guest goes on in the same domain."""
        self.xen.run(f"xl save -c {self.name} /dev/null", timeout=180)
        self.answers()

    def cancel_save(self):
        """The disk is full when the guest has suspended: it goes on."""
        r = self.xen.run("mkdir -p /tmp/full && mount -t tmpfs -o size=8m full "
                         f"/tmp/full; xl save {self.name} /tmp/full/image; r=$?;"
                         " umount /tmp/full; exit $r", timeout=180, check=False)
        assert r.rc, "xl save to a full disk has succeeded"
        self.answers()

    def migrate(self):
        """To the same host: xl is told that the way there is a command."""
        logs = "/var/log/xen/console"
        with self.move():
            self.xen.run(f"ln -sf guest-{self.name}.log {logs}/guest-{self.name}"
                         "--incoming.log && printf '#!/bin/sh\\nexec xl "
                         "migrate-receive\\n' >/tmp/receive && chmod +x "
                         f"/tmp/receive && xl migrate -s '' {self.name} "
                         "/tmp/receive", timeout=300)

    def log_size(self):
        return int(self.xen.run(f"wc -c <{self.log_path}").out)

    def log(self, start=0):
        """Kernel log and console from byte `start` on, less the agent's."""
        r = self.xen.run(f"tail -c +{start + 1} {self.log_path}", check=False)
        return "\n".join(line for line in r.out.splitlines()
                         if "\x01" not in line)

    def log_of_driver(self, start=0):
        """The same, less what a debug kernel finds out about itself before
        there is a driver: as a PV guest 7.3 has two such reports."""
        text = self.log(start)
        if self.debug:
            text = text.rpartition("Run /init as init process")[2]
        return text

    def flush_log(self):
        """On return all that the kernel has said until now is in the log, which
        the agent writes when it has nothing else to do."""
        start, mark = self.log_size(), f"lab: {time.monotonic_ns()}"
        self.run(f"echo '{mark}' >/dev/kmsg")
        end = time.monotonic() + 60 * SLOW
        while mark not in self.log(start):
            if time.monotonic() > end:
                raise TimeoutError(f"{self.name}'s log does not tell what was "
                                   f"written into it {60 * SLOW:.0f} s ago")
            time.sleep(0.3)

    def leaks(self):
        """What kmemleak finds, and forgets: memory that was nobody's twice,
        and 5 s old. Only in debug kernels."""
        kmemleak = "/sys/kernel/debug/kmemleak"
        r = self.run(f"echo scan >{kmemleak} && sleep 5 && echo scan "
                     f">{kmemleak} && cat {kmemleak} && echo clear >{kmemleak}",
                     timeout=120)
        return r.out.strip()

    def module(self):
        """Our driver for this guest's kernel."""
        return build.module(self.xen.arch, self.version)

    def unload(self):
        """xenbus holds the module of a bound device, as of all frontends."""
        self.run("cd /sys/bus/xen/drivers/vdispl && for d in vdispl-*; do "
                 "[ ! -e $d ] || echo $d >unbind; done; rmmod drm_xen_front")

    def load(self, parameters=""):
        self.run(f"insmod /drm_xen_front.ko {parameters}")

    def put(self, data, path, mode="755"):
        if isinstance(data, Path):
            data = data.read_bytes()
        self.run(f"cat >{path} && chmod {mode} {path}", data=data)

    def shot(self, dev=0, conn=0):
        """What the connector shows, as a path to a PNG file."""
        self.xen.count += 1
        name = f"shot-{self.name}-{dev}-{conn}-{self.xen.count}.png"
        self.xen.ctl(f"shot {self.domid} {dev} {conn} /tmp/{name}")
        self.xen.run(f"mv /tmp/{name} /share/{name}")
        return self.xen.share / name

    def crc(self, dev=0, conn=0):
        return self.xen.ctl(f"crc {self.domid} {dev} {conn}").out.strip()

    def front(self, dev=0):
        return f"/local/domain/{self.domid}/device/vdispl/{dev}"

    def back(self, dev=0):
        return f"/local/domain/0/backend/vdispl/{self.domid}/{dev}"

    def states(self, dev=0):
        r = self.xen.run(f"xenstore-read {self.front(dev)}/state "
                         f"{self.back(dev)}/state", check=False)
        return tuple(int(w) for w in r.out.split())

    def wait_connected(self, dev=0, timeout=30):
        end = time.monotonic() + timeout * SLOW
        while self.states(dev) != (4, 4):
            if time.monotonic() > end:
                raise TimeoutError(f"{self.name}: display {dev} is in states "
                                   f"{self.states(dev)}, (4, 4) expected")
            time.sleep(0.2)

    def destroy(self):
        if self in self.xen.guests:
            self.xen.guests.remove(self)
            self.xen.run(f"xl destroy {self.name}", check=False)
            if self.channel:
                self.channel.lose("destroyed")
