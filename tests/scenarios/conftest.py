# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Fixtures of the scenarios, and what must hold after each of them."""
import os
import re
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path

import pytest

for neighbour in "guest", "lab":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / neighbour))
# pylint: disable=wrong-import-position
import attacks  # noqa: E402
import build  # noqa: E402
import survival  # noqa: E402
from lab import SLOW, Died, Xen, scan  # noqa: E402
from attacked import AttackedGuest  # noqa: E402

WATCHDOG = 180
OUT = build.CHECKOUT / "out"
# Console and XenStore have reserved entries; what is above is the display's.
RESERVED_GRANTS = 8
# MB of a Xen that all guests may have together, but for what debug kernels need.
GUESTS_MEMORY = 1800


class Lab:
    """One Xen of a session, with the guests that scenarios share."""

    def __init__(self, arch):
        # Weston on arm64 is for the long form of check-clients, which makes its tree.
        has_desktop = arch == "x86_64" or build.has_tree("desktop-aarch64")
        disks = [build.desktop_disk(arch)] if has_desktop else []
        self.arch, self.pool, self.marks = arch, {}, {}
        self.attacked_guests, self.idle_grants, self.counted = {}, {}, set()
        self.xen = Xen(arch, disks=disks)
        self.xen.start_backend()
        self.pictures = []

    def guest(self, connects=True, **config):
        """A guest of that configuration, one that an earlier scenario left in
        order if there is one."""
        key = repr(sorted(config.items()))
        guest = self.pool.get(key)
        if not guest or guest.channel.dead:
            self.make_room(config.get("memory", 512))
            cmdline = f"{config.pop('cmdline', '')} lab.args=hold_off_max={survival.HOLD_OFF}"
            guest = self.pool[key] = self.xen.guest(cmdline=cmdline, **config)
        if connects and config.get("driver", True):
            for dev in range(len(config.get("vdispl", [1]))):
                guest.wait_connected(dev)
        return guest

    def make_room(self, memory):
        while self.pool and (
                len(self.pool) >= 2 or memory + sum(
                    g.memory for g in self.pool.values()) > GUESTS_MEMORY):
            self.drop(next(iter(self.pool.values())))

    def drop(self, guest):
        """This guest is not for the next scenario."""
        for key in [k for k, g in self.pool.items() if g is guest]:
            del self.pool[key]
        self.attacked_guests.pop(guest, None)
        self.idle_grants.pop(guest, None)
        self.counted.discard(guest)
        guest.destroy()

    def attacked(self, guest):
        """The guest's disk and network work from the first time on."""
        if guest not in self.attacked_guests:
            self.attacked_guests[guest] = AttackedGuest(self.xen, guest)
            self.idle_grants[guest] = self.count_other_grants(guest)
        return self.attacked_guests[guest]

    def look_at_grants(self, guest):
        """From now on the check after a scenario counts the grants of this guest,
        which is an attacked one. Its disk and network have their usual number."""
        self.counted.add(guest)

    def begin(self):
        """Mark where the logs are now."""
        if self.xen.backend.rc is not None:
            self.xen.start_backend()
        self.xen.ctl("set reset")
        self.xen.ctl("pace 60")
        self.xen.ctl("reset-stats")
        self.marks = {g: g.log_size() for g in self.pool.values()}
        self.marks["dom0"] = self.xen.serial.stat().st_size

    def dom0_log(self):
        start = self.marks.get("dom0", 0)
        return self.xen.serial.read_bytes()[start:].decode(errors="replace")

    def grants_in_use(self, guest):
        """Entries of the guest's grant table that somebody has mapped."""
        self.xen.run("xl dmesg -c >/dev/null; xl debug-keys g")
        text = self.xen.run("xl dmesg").out
        m = re.search(rf"grant-table for remote d{guest.domid} .*?(?=grant-"
                      r"table for remote|gnttab_usage_print_all \])", text,
                      re.DOTALL)
        if not m:
            raise RuntimeError(f"no grant table of domain {guest.domid} in "
                               f"Xen's log:\n{text[-2000:]}")
        refs = [int(r, 0) for r in re.findall(r"\[(0x[0-9a-f]+|\d+)\]", m[0])]
        return [r for r in refs if r >= RESERVED_GRANTS]

    def check(self):
        """What must hold after every scenario, whatever it was about."""
        bad = [f"dom0: {line}" for line in scan(self.dom0_log())]
        for g in list(self.xen.guests):
            if g.channel.dead:
                bad.append(g.channel.dead)
            else:
                g.flush_log()
            bad += [f"{g.name}: {line}"
                    for line in scan(g.log_of_driver(self.marks.get(g, 0)))]
        if self.xen.backend.rc is None:
            stats = self.xen.stats()
            if stats["breaches"]:
                bad.append(f"breaches: {stats['breach_log']}")
            bad += self.check_buffers()
        for g in [g for g in self.xen.guests if g.debug]:
            leaks = "" if g.channel.dead else g.leaks()
            bad += [f"{g.name}: {line}" for line in leaks.splitlines()]
        assert not bad, "\n".join(bad)

    def excuse(self, *words):
        """Breaches with one of these words are none in what a scenario does."""
        others = [b for b in self.xen.stats()["breach_log"]
                  if not any(w in b for w in words)]
        assert not others, others
        self.xen.ctl("reset-stats")

    def check_buffers(self):
        """No client is left: no buffer may be, here or at the backend."""
        end = time.monotonic() + 10 * SLOW
        return [*self.backends_buffers(end), *self.guests_grants(end)]

    def backends_buffers(self, end):
        while True:
            bad = [f"dom{d['dom']}/{d['dev']}: {d['dbufs']} dbufs, {d['fbs']} framebuffers, "
                   f"{d['mapped_pages']} mapped pages are left"
                   for d in self.xen.stats()["devices"]
                   if d["dbufs"] or d["fbs"] or d["mapped_pages"]]
            if not bad or time.monotonic() > end:
                return bad
            time.sleep(0.5)

    def guests_grants(self, end):
        bad = []
        for g in [g for g in self.pool.values() if not g.channel.dead]:
            # A disk's grants come and go, unless somebody has counted them.
            if g.disk and g not in self.counted:
                continue
            while True:
                used = self.grants_in_use(g)
                right = self.ring_pages(g) + (self.idle_grants[g] if g in self.counted else 0)
                if len(used) <= right or time.monotonic() > end:
                    break
                time.sleep(0.5)
            if len(used) > right:
                bad.append(f"{g.name}: {len(used)} grants in use, {right} "
                           f"of rings expected: {used[:20]}")
        return bad

    def ring_pages(self, guest):
        return sum(2 * len(d["connectors"])
                   for d in self.xen.stats()["devices"]
                   if d["dom"] == guest.domid and d["state"] == 4)

    def count_other_grants(self, guest):
        """How many grants disk and network have in use when they are idle."""
        used = min(len(self.grants_in_use(guest)) for _ in range(3))
        return used - self.ring_pages(guest)

    def collect(self, folder, why):
        """All that tells what happened, into one folder."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        xen = self.xen
        (folder / "why.txt").write_text(why)
        shutil.copy(xen.serial, folder / "serial.log")
        for g in list(xen.guests):
            (folder / f"guest-{g.name}.log").write_text(g.log())
            shutil.copy(g.config, folder)
        for f in self.pictures:
            shutil.copy(f, folder)
        for name, command in (("backend.log", "tail -n 2000 /tmp/backend.log"),
                              ("xenstore.txt", "xenstore-ls -fp"),
                              ("xl-dmesg.txt", "xl dmesg"),
                              ("xl-list.txt", "xl list"),
                              ("stats.json",
                               "/share/bin/xen-displ-be ctl stats")):
            try:
                (folder / name).write_text(xen.run(command, check=False,
                                                   timeout=20).out)
            except (Died, TimeoutError) as e:
                (folder / name).write_text(f"{e}\n")


def pytest_addoption(parser):
    parser.addoption("--platform", action="append", default=[],
                     help="only this one, like x86_64-6.12 or aarch64-new; "
                     "aarch64-debug and x86_64-debug are run on demand alone")
    parser.addoption("--fuzz-seed", type=int, default=0,
                     help="of random mutations; each run prints its own")


def pytest_configure(config):
    config.addinivalue_line("markers", "on(platforms...): run on these only")
    config.addinivalue_line("markers", "watchdog(seconds): ends the scenario")


PLATFORMS = ("x86_64-6.12", "x86_64-new", "aarch64-6.12", "aarch64-new")
# Slow, so only when asked for; then all that the architecture can run at all.
DEBUG_PLATFORMS = ("x86_64-debug", "aarch64-debug")
ALL_PLATFORMS = PLATFORMS + DEBUG_PLATFORMS


def arch_of(platform):
    return platform.split("-")[0]


def pytest_generate_tests(metafunc):
    """A scenario runs on the platforms that its mark `on` names, or on all."""
    if "platform" not in metafunc.fixturenames:
        return
    mark = metafunc.definition.get_closest_marker("on")
    wanted = mark.args if mark else PLATFORMS
    arches = {arch_of(p) for p in wanted}
    possible = [p for p in ALL_PLATFORMS if p in wanted or
                p in DEBUG_PLATFORMS and arch_of(p) in arches]
    only = metafunc.config.getoption("--platform") or PLATFORMS
    metafunc.parametrize("platform", [p for p in possible if p in only],
                         scope="session")


def platform_of(item):
    spec = getattr(item, "callspec", None)
    return spec.params.get("platform") if spec else None


def pytest_collection_modifyitems(items):
    """All of a platform together, so that at most one Xen is up. What has no
    platform left by --platform is not run at all."""
    items[:] = [i for i in items if platform_of(i) in (None, *ALL_PLATFORMS)]
    items.sort(key=lambda i: ("", *ALL_PLATFORMS).index(platform_of(i) or ""))


LABS = {}


@pytest.fixture
def lab(platform, request):
    """The Xen of the platform's architecture."""
    arch = arch_of(platform)
    if arch not in LABS:
        for other in LABS.values():
            other.xen.close()
        LABS.clear()
        LABS[arch] = Lab(arch)
    request.node.lab = LABS[arch]
    LABS[arch].pictures = []
    LABS[arch].begin()
    return LABS[arch]


@pytest.fixture
def kernel(platform):
    return platform.split("-", 1)[1]


@pytest.fixture
def guest(lab, kernel):
    """The guest that most scenarios use: one display of one connector."""
    return lab.guest(kernel=kernel, vdispl=(("0:1024x768",),))


def on_alarm(_sig, _frame):
    raise TimeoutError("watchdog: the scenario took too long")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    mark = item.get_closest_marker("watchdog")
    signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(int((mark.args[0] if mark else WATCHDOG) * SLOW))
    here = getattr(item, "lab", None)
    try:
        result = yield
        if here:
            here.check()
        return result
    except BaseException:
        signal.alarm(0)
        if here:
            name = re.sub(r"[^\w.-]+", "_", item.name)
            here.collect(OUT / "failures" / name, traceback.format_exc())
            print(f"what is left of it: {OUT}/failures/{name}")
            for g in list(here.xen.guests):
                here.drop(g)
            if here.xen.backend.rc is None:
                here.xen.kill_backend()
        raise
    finally:
        signal.alarm(0)


def pytest_sessionfinish():
    for here in LABS.values():
        here.xen.close()
        if not os.environ.get("LAB_KEEP"):
            shutil.rmtree(here.xen.dir, ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    reporter = config.pluginmanager.getplugin("terminalreporter")
    if reporter:
        attacks.TALLY.show()
        survival.TALLY.show()
        n = {k: len(reporter.stats.get(k, ())) for k in
             ("passed", "failed", "error", "skipped")}
        print(f"{n['passed']} passed, {n['failed'] + n['error']} failed, "
              f"{n['skipped']} skipped")
