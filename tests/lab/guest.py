# SPDX-License-Identifier: GPL-2.0 OR MIT
"""A guest of the lab: its configuration, its life, and what is asked of it."""
import contextlib
import shutil
import time
from pathlib import Path

import build
import debugkernel
from channel import SLOW, Channel, Died

# As many as dom0-init makes; a guest that works has one of them.
RAM_DISKS = 4
DRIVER = "/sys/bus/xen/drivers/vdispl"


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
        self.disk = disk
        self.log_path = f"/var/log/xen/console/guest-{self.name}.log"
        self.memory = memory + (debugkernel.MEMORY if self.debug else 0)
        if xen.arch == "x86_64":
            # A PV guest cannot map the backend's buffers.
            kind = kind or ("pvh" if be_alloc else "pv")
        config = [*self.basics(kind, vcpus),
                  self.cmdline(cmdline, stock, driver, console), extra,
                  *self.devices(vdispl, be_alloc, works)]
        self.config = xen.share / f"{self.name}.cfg"
        self.config.write_text("\n".join(config) + "\n")
        overlay = build.guest_overlay(xen.arch, self.version, cma,
                                      stock or not driver)
        shutil.copy(overlay, xen.share / overlay.name)
        start = time.monotonic()
        self.boot(overlay.name)
        self.boot_seconds = time.monotonic() - start

    def basics(self, kind, vcpus):
        lines = [f'name="{self.name}"', f'kernel="/tmp/kernel-{self.version}"',
                 'ramdisk="/tmp/ramdisk"', f"memory={self.memory}",
                 f"vcpus={vcpus}", 'on_reboot="destroy"', 'on_crash="preserve"']
        if kind:
            lines.append(f'type="{kind}"')
        if self.xen.arch == "x86_64":
            # All emulated CPUs have one time stamp counter, but Xen does not
            # know and would run each RDTSC itself: ten times as slow as PVH.
            lines.append('tsc_mode="native"')
        return lines

    def cmdline(self, words, stock, driver, console):
        if stock:
            words += " lab.stock"
        if not driver:
            words += " lab.nodriver"
        if not console:
            # Its buffer would be counted with those of clients.
            words += " drm_kms_helper.fbdev_emulation=0"
        if self.debug:
            words += " " + debugkernel.CMDLINE[self.xen.arch]
        how = "console=hvc0"
        if console:
            how = "console=tty0 " + how
        # Its messages make a boot slow.
        if console != "boot":
            how += " quiet"
        return f'extra="{how} rdinit=/init {words}"'

    def devices(self, vdispl, be_alloc, works):
        if vdispl:
            yield "vdispl=[%s]" % ",".join(
                repr(d) if isinstance(d, str) else
                f"'backend=0,be-alloc={be_alloc},connectors={';'.join(d)}'"
                for d in vdispl)
        if self.disk:
            yield ('disk=["format=raw,vdev=xvda,access=w,'
                   f'script=block-lab,target={self.disk}"]')
        if works:
            yield 'vif=["script=vif-lab"]'

    def boot(self, overlay):
        xen = self.xen
        xen.guests.append(self)
        images = build.boot_files(xen.arch, self.version)
        image = xen.fetch(f"guest-{self.version}", images.get("guest"))
        xen.fetch(f"kernel-{self.version}", images.get("kernel"))
        xen.run(f"cat {image} /share/{overlay} >/tmp/ramdisk && "
                f"xl create /share/{self.name}.cfg", timeout=90)
        self.attach()

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

    def bind(self, dev=0):
        self.run(f"echo vdispl-{dev} >{DRIVER}/bind", timeout=120)

    def unbind(self, dev=0):
        self.run(f"echo vdispl-{dev} >{DRIVER}/unbind", timeout=120)

    def unload(self):
        """xenbus holds the module of a bound device, as of all frontends."""
        self.run(f"cd {DRIVER} && for d in vdispl-*; do "
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

    def attach_display(self, connectors):
        """One more display; returns its number."""
        path = f"/local/domain/{self.domid}/device/vdispl"
        before = set(self.xen.run(f"xenstore-list {path}", check=False).out.split())
        self.xen.run(f"xl vdispl-attach {self.name} backend=0 be-alloc=0 "
                     f"connectors={';'.join(connectors)}")
        dev = int((set(self.xen.run(f"xenstore-list {path}").out.split())
                   - before).pop())
        self.wait_connected(dev, timeout=60)
        return dev

    def detach_display(self, dev, check=True):
        self.xen.run(f"xl vdispl-detach {self.name} {dev}", check=check)

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
