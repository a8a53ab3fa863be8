# SPDX-License-Identifier: GPL-2.0 OR MIT
"""A client that must not notice what becomes of its backend, and its judge."""
import contextlib
import functools
import os
import re
import time

from lab import SLOW
from scenario import eventually, shows, shows_in_time

LONG = os.environ.get("LONG") == "1"
SIZE = (640, 480)
ONE = ("0:640x480",)
TWO = ("0:640x480", "1:640x480")
# A picture differs from the one before, and from that of the next connector.
SEED, SEED_STEP = 7, 100
# What the driver says of a connection that it ends as faulty.
ACCUSED = re.compile(r"; the connection ends")
# Scenarios share guests and backend: what one has done is no reason for the next to
# wait a minute. In seconds.
HOLD_OFF = 2
# Flips a second: of the timer that stands for a backend, with some tolerance.
FASTEST = 70


class Tally:
    """What has been survived, for the last lines of a run."""

    def __init__(self):
        self.restarts = self.stops = self.saves = 0
        self.clients = self.pictures = self.longest_ms = 0
        self.xenwatch_ms = 0

    def show(self):
        if not self.clients:
            return
        print(f"restarts: {self.restarts}, stops: {self.stops}, "
              f"saves: {self.saves}")
        print(f"clients alive: {self.clients}, pictures compared: "
              f"{self.pictures}, longest time without a flip: "
              f"{self.longest_ms} ms")
        if self.xenwatch_ms:
            print(f"xenwatch ran {self.xenwatch_ms:.2f} ms at a time")


TALLY = Tally()


def repeated(short, long):
    """How often; the short form is the default."""
    return long if LONG else short


def card_and_connectors(guest, dev=0):
    """Of the display, by name, the card first."""
    out = guest.run(f"cd /sys/bus/xen/devices/vdispl-{dev}/ && "
                    "find . -path '*/drm/card*' -name 'card*' | sort").out
    return [path.split("/drm/")[1] for path in out.split()]


class Client:
    """kmspaint survive on one display of a guest."""

    def __init__(self, lab, guest, dev=0, connectors=1, size=SIZE, dirty=True,
                 buffers=3):
        self.lab, self.guest, self.dev, self.size = lab, guest, dev, size
        self.connectors, self.stills = connectors, 0
        self.names = self.display()
        self.process = guest.popen(
            f"exec kmspaint survive {'--dirty' if dirty else ''} --timeout 60 --seed {SEED} "
            f"--buffers {buffers} --card /dev/dri/{self.names[0]}")
        self.process.expect("shown")

    def display(self):
        return card_and_connectors(self.guest, self.dev)

    def counters(self):
        """Of the last line; the next one comes within a second."""
        lines = re.findall(r"^(?:alive|survived) (.*)$", self.process.out, re.M)
        return {k: int(v) for k, v in
                (w.split("=") for w in lines[-1].split())} if lines else {}

    def flips(self):
        return self.counters().get("flips", 0)

    def errors(self):
        return [line for line in self.process.out.splitlines()
                if line.startswith("error")]

    def sees_nothing(self):
        assert self.process.rc is None, (
            f"the client has ended with {self.process.rc}\n"
            f"{self.process.out[-2000:]}{self.process.err}")
        assert not self.errors(), "\n".join(self.errors())

    def is_alive(self):
        """The same process, card and connectors, and not one error."""
        self.sees_nothing()
        names = self.display()
        assert names == self.names, f"{self.names} have become {names}"

    def still(self):
        """It shows one more picture, and flips no more."""
        self.stills += 1
        self.process.write("still\n")
        self.process.expect(f"still seed={self.seed}", timeout=60)

    @property
    def seed(self):
        return SEED + SEED_STEP * self.stills

    def move(self):
        self.process.write("move\n")

    def compare(self, how):
        for conn in range(self.connectors):
            how(self.lab, self.guest, size=self.size, seed=self.seed + conn,
                dev=self.dev, conn=conn)
            TALLY.pictures += 1

    def shows(self):
        """Both ends agree on what is on the screen."""
        self.compare(shows)

    def until(self, true, what, timeout=60):
        """Wait for something, and for nothing that the client must not see."""
        def looks():
            self.sees_nothing()
            return true()
        eventually(looks, what, timeout)

    def shows_soon(self):
        """The same, when it must come by itself: no client asks for it."""
        self.compare(functools.partial(shows_in_time, timeout=30))

    def goes_on(self):
        """After an event: connected, alive, and its next pictures are right."""
        self.until(lambda: self.guest.states(self.dev) == (4, 4), "connected")
        flips = self.flips()
        self.until(lambda: self.flips() > flips + 5, "flips")
        self.still()
        self.is_alive()
        self.shows_soon()
        self.move()

    def peek(self):
        """How many bytes of its picture are not 0."""
        said = self.process.out.count("peek ")
        self.process.write("peek\n")
        self.process.until(lambda: self.process.out.count("peek ") > said, 20,
                           "answer to peek")
        return int(re.findall(r"nonzero=(\d+)", self.process.out)[-1])

    def ends(self):
        self.process.eof()
        r = self.process.wait(60)
        assert r.rc == 0 and "survived" in r.out, r.out[-2000:] + r.err
        last = self.counters()
        assert last["errors"] == 0, "\n".join(self.errors())
        print(f"vdispl-{self.dev}: {last}")
        TALLY.clients += 1
        TALLY.longest_ms = max(TALLY.longest_ms, last["maxgap_ms"])


def connection(guest, dev=0):
    """The number of the display's connection. Waits for one: there may be none just
    now, since other scenarios restart the backend of all guests."""
    minor = card_and_connectors(guest, dev)[0].removeprefix("card")
    return int(guest.run(
        "n=0; while [ $n = 0 ]; do sleep 0.1; n=$(sed -n 's/^connection: //p' "
        f"/sys/kernel/debug/dri/{minor}/xen) || exit; done; echo $n", timeout=30 * SLOW).out)


def footprint(guest):
    """What restarts must not change: how many interrupts and threads there are.
    Grants and buffers are looked at after each scenario."""
    return guest.run("grep -c vdispl /proc/interrupts; cat /proc/[0-9]*/comm | "
                     "grep -v kworker | grep -c 'xen\\|card\\|vdispl'").out.split()


def kernel_memory(guest):
    """In MB: what is neither free, nor a process's, nor a cache's."""
    out = guest.run("sync; echo 3 >/proc/sys/vm/drop_caches; cat /proc/meminfo").out
    kb = {m[1]: int(m[2]) for m in re.finditer(r"^(\w+): +(\d+) kB", out, re.M)}
    return (kb["MemTotal"] - kb["MemFree"] - kb["Buffers"] - kb["Cached"]
            - kb["AnonPages"]) / 1024


def some_time(i):
    """Another part of a second each time, the same in each run."""
    time.sleep((i * 37 % 100) / 100)


def hold_off(guest, seconds):
    """At most."""
    guest.run(f"echo {seconds} >/sys/module/drm_xen_front/parameters/hold_off_max")


@contextlib.contextmanager
def leaves_nothing(guest):
    """What is done in this block, again and again and without a hold-off, so that each
    restart meets a connection, or the making of one. Of each connection the rings
    alone are 8 kB for each connector, which is 3 MB for two and 200 restarts."""
    before, used = footprint(guest), kernel_memory(guest)
    hold_off(guest, 0)
    yield
    hold_off(guest, HOLD_OFF)
    eventually(lambda: footprint(guest) == before,
               f"interrupts and threads are {before} again")
    grown = kernel_memory(guest) - used
    print(f"the kernel's memory has grown by {grown:.1f} MB")
    # A few restarts leave less than the noise. Debug kernels keep what was freed.
    assert not LONG or guest.debug or grown < 3


def is_deaf(xen, guest, dev=0):
    return any(d["deaf"] for d in xen.stats()["devices"]
               if (d["dom"], d["dev"]) == (guest.domid, dev))


def breaches_told(xen, but):
    """By all backends of this Xen: statistics end with their process."""
    return int(xen.run(f"grep BREACH /tmp/backend.log | grep -vc '{but}'; true").out)


@contextlib.contextmanager
def survives(lab, guest, but="nothing", **options):
    """What is done in this block, the client lives through. A breach with the words
    of `but` is none."""
    before, start = breaches_told(lab.xen, but), guest.log_size()
    client = Client(lab, guest, **options)
    eventually(lambda: client.flips() > 5, "the first flips")
    yield client
    client.goes_on()
    client.ends()
    told = breaches_told(lab.xen, but)
    assert told == before, lab.xen.run("grep BREACH /tmp/backend.log | "
                                       f"tail -n {told - before}").out
    accused = ACCUSED.findall(guest.log(start))
    assert not accused, f"{len(accused)} connections were called faulty"
