# SPDX-License-Identifier: GPL-2.0 OR MIT
"""One display that outlives its backends: clients, card and connectors stay."""
import re
import time

import pytest

from lab import SLOW
from scenario import eventually, still_works, traced
from survival import (FASTEST, LONG, ONE, SIZE, TALLY, TWO, Client,
                      connection, hold_off, is_deaf, leaves_nothing, repeated, some_time,
                      survives)

pytestmark = [pytest.mark.on("x86_64-6.12", "aarch64-new"),
              pytest.mark.watchdog(repeated(400, 4000))]
# Xen cannot save a guest on arm64.
CAN_SAVE = pytest.mark.on("x86_64-6.12")


# Two are harder to get right than one.
@pytest.fixture(params=repeated([TWO], [ONE, TWO]), ids=repeated(["two"], ["one", "two"]))
def connectors(request):
    return request.param


@pytest.fixture
def one(lab, kernel):
    """A guest with one display of one connector."""
    return lab.guest(kernel=kernel, vdispl=(ONE,))


@pytest.fixture
def one_or_two(lab, kernel, connectors):
    """The same, with one or two connectors."""
    return lab.guest(kernel=kernel, vdispl=(connectors,))


def is_told_of_its_end(client):
    """As DRM's rules for hot-unplug say: by ENODEV, and by nothing worse."""
    eventually(lambda: client.errors() or client.process.rc is not None,
               "the client is told that its display is gone")
    assert all("errno=ENODEV" in line for line in client.errors()), client.errors()
    client.process.kill()
    assert client.process.wait().rc == 128 + 9


# Backends that restart.

# The short form has one of each.
WAYS = repeated([("TERM", 10), ("KILL", 0)],
                [(how, delay) for how in ("TERM", "KILL") for delay in (0, 10)])


@pytest.mark.parametrize("how,delay", WAYS)
def test_backend_restarts(lab, one_or_two, connectors, how, delay):
    """In motion, and with a picture that stands still meanwhile: nobody asks the
    new backend for that one."""
    with survives(lab, one_or_two, connectors=len(connectors)) as client:
        lab.xen.restart_backend(how, delay)
        TALLY.restarts += 1
        client.goes_on()
        client.still()
        client.shows()
        lab.xen.restart_backend(how, delay)
        TALLY.restarts += 1
        one_or_two.wait_connected(timeout=60)
        client.shows_soon()
        client.move()


@pytest.mark.parametrize("seen", ["with a client", "without"])
def test_killed_and_started_at_once(lab, one, seen):
    """The new one finds us in Connected and takes up the old rings, or tries to:
    if they are gone, it is deaf for ever."""
    def restart():
        for i in range(repeated(4, 50)):
            lab.xen.restart_backend("KILL")
            TALLY.restarts += 1
            # Not always at the same moment of coming back.
            time.sleep((i % 5) * 0.1 * SLOW)
            assert not is_deaf(lab.xen, one), f"restart {i}: deaf"
        one.wait_connected(timeout=60)

    if seen == "without":
        restart()
        still_works(lab, one, size=SIZE)
        return
    with survives(lab, one):
        restart()


def test_restarts_at_any_moment(lab, one_or_two, connectors):
    """Of connect, modeset, flip, buffer creation: no waiting in between."""
    number = connection(one_or_two)
    with (leaves_nothing(one_or_two),
          survives(lab, one_or_two, connectors=len(connectors)) as client):
        for i in range(repeated(8, 200)):
            lab.xen.restart_backend(("KILL", "TERM")[i % 2])
            TALLY.restarts += 1
            some_time(i)
        client.goes_on()
    print(f"{connection(one_or_two) - number} connections were made")


def test_toolstack_resets_the_backend(lab, one):
    """As when a driver domain is made anew: its half begins at the beginning."""
    with survives(lab, one) as client:
        lab.xen.run(f"xenstore-write {one.back()}/state 1")
        TALLY.restarts += 1
        eventually(lambda: one.states() == (4, 4), "connected again")
        client.goes_on()
        lab.xen.stop_backend()
        lab.xen.run(f"xenstore-write {one.back()}/state 1")
        lab.xen.start_backend()
        TALLY.restarts += 1


def test_toolstack_resets_both_halves(lab, one):
    """What is no event of the backend: Linux may well take it for another
    device. But there is a display afterwards."""
    lab.xen.run(f"xenstore-write {one.back()}/state 1 {one.front()}/state 1")
    one.wait_connected(timeout=60)
    still_works(lab, one, size=SIZE)


def test_backend_never_returns(lab, one):
    """Clients go on in the dark, at the pace of a timer, until the toolstack
    takes the display away."""
    client = Client(lab, one)
    eventually(lambda: client.flips() > 5, "the first flips")
    lab.xen.stop_backend()
    one.run("sleep 3")
    flips, start = client.flips(), time.monotonic()
    one.run("sleep 10")
    pace = (client.flips() - flips) / (time.monotonic() - start)
    print(f"{pace:.0f} flips a second without a backend")
    client.is_alive()
    assert 60 / 4 / SLOW < pace < FASTEST, f"{pace:.1f} flips a second"
    one.detach_display(0, check=False)
    is_told_of_its_end(client)
    eventually(lambda: one.run("ls /dev/dri/card* 2>/dev/null",
                               check=False).rc, "the card is gone")
    lab.xen.start_backend()
    lab.drop(one)


# Backends that are silent.

@pytest.mark.parametrize("seconds", repeated([8], [4, 8]))
def test_backend_sleeps(lab, one_or_two, connectors, seconds):
    with survives(lab, one_or_two, connectors=len(connectors)) as client:
        number = connection(one_or_two)
        lab.xen.pause_backend(seconds)
        TALLY.stops += 1
        client.goes_on()
        assert connection(one_or_two) == number, "it was given up"


def test_backend_sleeps_below_a_still_picture(lab, one):
    """What is painted while it sleeps is there when it goes on."""
    with survives(lab, one) as client:
        lab.xen.backend.kill(19)
        one.run("sleep 4")
        client.still()
        client.is_alive()
        lab.xen.backend.kill(18)
        TALLY.stops += 1
        client.shows_soon()
        client.move()


@pytest.mark.skipif(not LONG, reason="LONG=1 has it: it takes minutes")
def test_backend_sleeps_for_a_minute(lab, one_or_two, connectors):
    """Longer than it is given: there is another connection then. What it still reads
    in the old rings names no grant that others may have by now."""
    with survives(lab, one_or_two, connectors=len(connectors)) as client:
        number = connection(one_or_two)
        lab.xen.pause_backend(60)
        TALLY.stops += 1
        client.goes_on()
        assert connection(one_or_two) != number, "it was not given up"


def test_guest_is_paused(lab, one_or_two, connectors):
    with survives(lab, one_or_two, connectors=len(connectors)) as client:
        number = connection(one_or_two)
        for _ in range(repeated(3, 50)):
            one_or_two.pause(4)
            TALLY.stops += 1
            eventually(lambda n=client.flips(): client.flips() > n, "flips")
        assert connection(one_or_two) == number, "it was given up"


def test_busy_dom0(lab, one):
    """As many that are busy as dom0 has CPUs, and then some."""
    with survives(lab, one) as client:
        lab.xen.run("for i in 1 2 3; do timeout "
                    f"{repeated(8, 60)} sh -c 'while :; do :; done' & done; "
                    "wait", timeout=120)
        client.goes_on()


# Guests that are saved, restored, migrated.

@pytest.fixture
def small(lab, kernel, connectors):
    """Small, since its image goes through the host."""
    return lab.guest(kernel=kernel, vdispl=(connectors,), memory=256)


@CAN_SAVE
def test_save_and_restore(lab, small, connectors):
    """While it flips, and with a picture that stands still."""
    with survives(lab, small, connectors=len(connectors)) as client:
        small.save_restore()
        TALLY.saves += 1
        client.goes_on()
        client.still()
        small.save_restore(seconds=5)
        TALLY.saves += 1
        small.wait_connected(timeout=60)
        client.shows_soon()
        client.move()


@CAN_SAVE
@pytest.mark.parametrize("how", ["checkpoint", "cancel_save", "migrate"])
def test_save_of_another_kind(lab, kernel, how):
    """Of a PV guest Xen cannot log, under QEMU, what it writes meanwhile: "Failed to
    enable logdirty". So it is a PVH one that migrates while it runs."""
    kind = {"kind": "pvh"} if how == "migrate" else {}
    guest = lab.guest(kernel=kernel, vdispl=(ONE,), memory=256, **kind)
    with survives(lab, guest) as client:
        for _ in range(repeated(1, 10)):
            getattr(guest, how)()
            TALLY.saves += 1
            client.goes_on()


@CAN_SAVE
@pytest.mark.parametrize("connectors", [ONE], ids=["one"], indirect=True)
def test_save_during_a_reconnect(lab, small):
    with survives(lab, small) as client:
        for _ in range(repeated(1, 10)):
            lab.xen.ctl(f"reconnect {small.domid} 0")
            small.save_restore()
            TALLY.saves += 1
            client.goes_on()


@CAN_SAVE
@pytest.mark.parametrize("connectors", [ONE], ids=["one"], indirect=True)
def test_saves_in_a_storm(lab, small):
    """Of restarts, at any moment of the making of a connection."""
    with leaves_nothing(small), survives(lab, small) as client:
        for i in range(repeated(2, 20)):
            for j in range(3):
                lab.xen.restart_backend(("KILL", "TERM")[j % 2])
                TALLY.restarts += 1
                some_time(3 * i + j)
            (small.checkpoint, small.save_restore)[i % 2]()
            TALLY.saves += 1
            client.sees_nothing()
        client.goes_on()


@CAN_SAVE
@pytest.mark.parametrize("connectors", [ONE], ids=["one"], indirect=True)
def test_restore_with_another_resolution(lab, small):
    """The toolstack writes what the image's configuration says."""
    with survives(lab, small) as client:
        hotplugs = client.counters()["hotplugs"]
        small.change_config("640x480", "800x600")
        small.save_restore()
        TALLY.saves += 1
        eventually(lambda: "800x600" in modes(small), "the new mode")
        eventually(lambda: client.counters()["hotplugs"] > hotplugs,
                   "a hot-plug event")
    lab.drop(small)


# Buffers of the backend.

def test_mapping_without_a_backend(lab, kernel):
    """It reads zeroes while there is none, then what the next one has given."""
    guest = lab.guest(kernel=kernel, vdispl=(ONE,), be_alloc=1)
    with survives(lab, guest) as client:
        client.still()
        client.shows()
        assert client.peek() > 0
        lab.xen.stop_backend()
        eventually(lambda: guest.states()[0] == 1, "the backend was left")
        eventually(lambda: client.peek() == 0, "the mapping is zeroes")
        client.is_alive()
        lab.xen.start_backend()
        TALLY.restarts += 1
        guest.wait_connected(timeout=60)
        assert client.peek() == 0, "the new backend's pages are not empty"
        client.still()
        client.shows_soon()
        client.move()
        number = connection(guest)
        lab.xen.restart_backend("KILL")
        TALLY.restarts += 1
        # A picture drawn before that went with the old backend's pages.
        client.until(lambda: connection(guest) != number, "a new connection")


@CAN_SAVE
def test_save_with_buffers_of_the_backend(lab, kernel):
    """The client draws while the guest is resumed, whose pages those were not."""
    guest = lab.guest(kernel=kernel, vdispl=(ONE,), memory=256, be_alloc=1)
    with leaves_nothing(guest), survives(lab, guest) as client:
        for _ in range(repeated(1, 20)):
            guest.save_restore()
            TALLY.saves += 1
            client.goes_on()


# Another configuration.

def modes(guest, connector=0):
    """Of the first card, as a client gets them that probes now."""
    return guest.run(f"cd /sys/class/drm/card*-Virtual-{connector + 1} && "
                     "echo detect >status && cat modes").out.split()


def reconfigure(lab, guest, **nodes):
    """Nodes of the frontend, '__' for '/', while there is no backend."""
    lab.xen.stop_backend()
    for node, value in nodes.items():
        path = f"{guest.front()}/{node.strip('_').replace('__', '/')}"
        lab.xen.run(f"xenstore-write {path.replace('_', '-')} {value}")
    lab.xen.start_backend()
    TALLY.restarts += 1


@pytest.mark.parametrize("resolution", ["800x600", "320x240"])
def test_resolution_changes(lab, one, resolution):
    """Another mode is told by a hot-plug event. A client that keeps its own is
    shown where there is room for it, and goes on where there is none."""
    with survives(lab, one, but="exceeds the connector") as client:
        hotplugs = client.counters()["hotplugs"]
        reconfigure(lab, one, _0__resolution=resolution)
        one.wait_connected(timeout=60)
        eventually(lambda: resolution in modes(one), "the new mode")
        eventually(lambda: client.counters()["hotplugs"] > hotplugs,
                   "a hot-plug event")
        if resolution == "800x600":
            client.goes_on()
        client.is_alive()
        reconfigure(lab, one, _0__resolution="640x480")
        eventually(lambda: "640x480" in modes(one), "the old mode")


def test_one_more_connector(lab, one):
    """Another DRM device, and the log says why. The old one's client is told."""
    start, client = one.log_size(), Client(lab, one)
    reconfigure(lab, one, _0__resolution="640x480", _1__resolution="640x480",
                _1__unique_id="1")
    is_told_of_its_end(client)
    one.wait_connected(timeout=60)
    eventually(lambda: one.run("ls -d /sys/class/drm/card*-Virtual-*")
               .out.count("\n") == 2, "two connectors")
    assert re.search(r"vdispl.*connector", one.log(start)), one.log(start)
    still_works(lab, one, size=SIZE)
    lab.drop(one)


# Displays that come and go.

def test_second_display_comes_and_goes(lab, one):
    """The first one's client does not notice; the second one's is told."""
    with survives(lab, one) as client:
        for _ in range(repeated(2, 20)):
            dev = one.attach_display(ONE)
            other = Client(lab, one, dev)
            eventually(lambda c=other: c.flips() > 5, "flips there")
            one.detach_display(dev)
            is_told_of_its_end(other)
            client.goes_on()


def test_two_displays_of_which_one_restarts(lab, kernel):
    """Its connection ends and is made anew; the other one is not touched."""
    guest = lab.guest(kernel=kernel, vdispl=(ONE, ONE))
    with survives(lab, guest) as first, survives(lab, guest, dev=1) as second:
        number = connection(guest, dev=1)
        for _ in range(repeated(3, 50)):
            lab.xen.ctl(f"reconnect {guest.domid} 0")
            TALLY.restarts += 1
            first.goes_on()
        second.goes_on()
        assert connection(guest, dev=1) == number


# Time.

def xenwatch_ran(guest):
    """(milliseconds of CPU, times that it was switched to) of the thread that serves
    all watches of the guest."""
    ran, _, switches = guest.run("cat /proc/$(pidof xenwatch)/schedstat").out.split()
    return int(ran) / 1e6, int(switches)


def test_time_in_xenwatch(lab, one):
    """It may be held up by us for 10 ms at most. How long it waits for XenStore is
    not counted, nor is what it does for others left out."""
    with survives(lab, one) as client:
        before = xenwatch_ran(one)
        for how in ("TERM", "KILL"):
            lab.xen.restart_backend(how)
            TALLY.restarts += 1
            client.goes_on()
        ran, switches = (now - was for now, was in zip(xenwatch_ran(one), before))
    TALLY.xenwatch_ms = max(TALLY.xenwatch_ms, ran / switches)
    print(f"xenwatch ran {ran:.1f} ms for two restarts, {switches} times")
    assert ran / switches < 10


def cpu_seconds(guest, what, seconds=repeated(4, 10)):
    """That all of the guest uses in so many seconds, at the beginning of which
    something is done. It is asked for nothing meanwhile."""
    stat = guest.popen("head -n 1 /proc/stat; read line; head -n 1 /proc/stat")
    stat.expect("\n")
    what()
    time.sleep(seconds)
    stat.write("\n")
    used = []
    for line in stat.wait().out.splitlines():
        user, nice, system, _, _, irq, softirq = (int(n) for n in line.split()[1:8])
        used.append((user + nice + system + irq + softirq) / 100)
    return used[1] - used[0]


def round_trips(lab, guest, what):
    """How often the driver waits for replies, each of which takes half a second: so
    often requests follow upon replies. Also returns what was traced."""
    lab.xen.ctl(f"attack late {guest.domid} 0 0 ms=500 count=1000")
    trace = traced(guest, what)
    lab.xen.ctl("attack off")
    kinds = " ".join(re.findall(r"xen_drm_(request|reply): \S+ connector=0", trace))
    return kinds.count("reply request") + 1, trace


def test_time_of_a_reconnect(lab, kernel):
    """Of a desktop with two heads, of UHD with LONG=1, and 12 buffers, of all of which
    the backend is told again."""
    size = repeated(SIZE, (3840, 2160))
    mode = "%dx%d" % size
    guest = lab.guest(kernel=kernel, vdispl=((f"0:{mode}", f"1:{mode}"),),
                      memory=repeated(512, 1024))
    hold_off(guest, 0)

    def reconnect():
        lab.xen.ctl(f"reconnect {guest.domid} 0")
        TALLY.restarts += 1

    def reconnected():
        number = connection(guest)
        reconnect()
        client.until(lambda: connection(guest) != number, "a new connection")

    with survives(lab, guest, connectors=2, size=size, buffers=6) as client:
        client.still()
        number = connection(guest)
        idle = cpu_seconds(guest, lambda: None)
        seconds = cpu_seconds(guest, reconnect) - idle
        assert connection(guest) > number, "no reconnect in time"
        client.shows_soon()
        trips, trace = round_trips(lab, guest, reconnected)
        client.move()
    buffers = trace.count(" DBUF_CREATE dbuf")
    print(f"{buffers} buffers in {trips} round trips, {seconds:.2f} s of the guest's CPUs")
    assert buffers == 12 and trips == 2 and seconds < 1, trace
    lab.drop(guest)


# Begin and end.

def test_poweroff_with_three_displays(lab, kernel):
    """None of them costs the 5 s that the bus waits for one that is stuck."""
    guest = lab.guest(kernel=kernel, vdispl=(ONE, ONE, ONE))
    client = Client(lab, guest)
    eventually(lambda: client.flips() > 5, "flips")
    start, size = time.monotonic(), guest.log_size()
    guest.popen("poweroff -f")
    eventually(lambda: lab.xen.run(f"xl domid {guest.name}", check=False).rc,
               "the guest has ended", timeout=60)
    seconds = time.monotonic() - start
    log = guest.log(size)
    lab.drop(guest)
    print(f"poweroff took {seconds:.1f} s")
    assert "timeout closing device" not in log, log


def seconds_of_insmod(guest):
    """By the guest's own clock."""
    out = guest.run("cut -d ' ' -f 1 /proc/uptime; insmod /drm_xen_front.ko; "
                    "cut -d ' ' -f 1 /proc/uptime", timeout=120).out.split()
    return float(out[1]) - float(out[0])


def test_missing_backend_does_not_hang_the_driver(lab, kernel):
    """The bus waits 30 s for a display of which nothing is heard, no longer; it
    is there when its backend is."""
    guest = lab.guest(kernel=kernel, driver=False, vdispl=(ONE,))
    guest.put(guest.module(), "/drm_xen_front.ko")
    lab.xen.stop_backend()
    seconds = seconds_of_insmod(guest)
    print(f"insmod without a backend took {seconds:.1f} s")
    assert seconds < 30 + 5 * SLOW, f"{seconds:.1f} s"
    lab.xen.start_backend()
    guest.wait_connected(timeout=60)
    still_works(lab, guest, size=SIZE)
    lab.drop(guest)


def test_wrong_configuration_costs_no_time(lab, kernel):
    guest = lab.guest(kernel=kernel, driver=False, vdispl=(ONE,))
    guest.put(guest.module(), "/drm_xen_front.ko")
    lab.xen.run(f"xenstore-write {guest.front()}/0/resolution 0x0")
    seconds = seconds_of_insmod(guest)
    print(f"insmod with a wrong resolution took {seconds:.1f} s")
    assert seconds < 5, f"{seconds:.1f} s"
    lab.drop(guest)
