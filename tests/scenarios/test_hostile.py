# SPDX-License-Identifier: GPL-2.0 OR MIT
"""A backend that does wrong on purpose: nothing but the display may suffer."""
import re

import pytest

from attacks import ALL, ATTACKS
from attacked import FLOOR, SIZE, VDISPL, lets_go, recovers
from lab import CTL
from scenario import ends, eventually, paints, shows_in_time
from survival import Client
from workload import spin

pytestmark = [pytest.mark.on("x86_64-6.12", "aarch64-new")]

# Of Debian's kernels.
HZ = 250


@pytest.fixture
def attacked(lab, kernel, request):
    """A guest that works; its buffers are the backend's if the attack needs it."""
    config = {}
    attack = request.node.callspec.params.get("attack")
    if attack and attack.be_alloc:
        config["be_alloc"] = 1
    guest = lab.guest(kernel=kernel, vdispl=VDISPL, works=True, **config)
    worker = lab.attacked(guest)
    worker.work.resume()
    yield worker
    worker.work.pause()


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: f"{a.row}-{a.name}")
def test_attack(lab, attacked, attack):
    print(f"{attack.row} {attack.name}: {attacked.attack(attack)}")
    if attack.closes or attack.orphans or attack.lasting:
        lab.xen.ctl(f"reconnect {attacked.guest.domid} 0")
    if attack.closes:
        attacked.guest.unbind()
        attacked.guest.bind()
    recovers(lab, attacked.guest)
    lets_go(attacked.guest)


def test_no_grant_is_left(lab, attacked):
    """Of all the attacks before, by Xen's own grant table. That is long to print,
    so the check that follows each scenario only looks at it here."""
    lab.look_at_grants(attacked.guest)


def interrupts(guest):
    """(seconds since boot, interrupts of the display until then)"""
    out = guest.run("cut -d ' ' -f 1 /proc/uptime; grep vdispl /proc/interrupts").out
    uptime, *lines = out.splitlines()
    counts = [re.match(r"\s*\S+:((\s+\d+)+)\s", line)[1] for line in lines]
    return float(uptime), sum(int(n) for count in counts for n in count.split())


def test_storm_costs_a_bounded_share(lab, attacked):
    """The core delays the second interrupt in a row that was without cause by a
    tick, and begins anew then. So two for each tick and channel are the most."""
    guest = attacked.guest
    lab.xen.ctl(f"attack storm-both {guest.domid} 0 0")
    guest.run("sleep 1")
    before = interrupts(guest)
    share = spin(guest, 2000) / attacked.usual_spin / 2
    after = interrupts(guest)
    rate = (after[1] - before[1]) / (after[0] - before[0])
    print(f"I1 storm: {rate:.1f} interrupts/s of both channels, {share:.0%} of "
          "a CPU left")
    assert rate < 2 * 2 * HZ * 1.1, f"{rate:.0f} interrupts/s"
    assert share > FLOOR, f"{share:.1%} of a CPU"
    lab.xen.ctl("attack off")
    recovers(lab, guest)


def test_strange_event_completes_no_flip(lab, attacked):
    guest = attacked.guest
    p = paints(guest, "--seed 30 --timeout 60")
    lab.xen.ctl("pace stop")
    p.write("flip\n")
    eventually(attacked.flip_pending, "a flip in flight")
    fired = lab.xen.stats()["attacks"]["event-stray"]
    for _ in range(5):
        lab.xen.ctl(f"attack event-stray {guest.domid} 0 0")
    assert lab.xen.stats()["attacks"]["event-stray"] == fired + 5
    guest.run("usleep 300000")
    # On a slow machine its time may be up meanwhile.
    done = re.search(r"seed=31 .*seconds=([\d.]+)", p.out)
    assert not done or float(done[1]) > 3, p.out
    assert "errno" not in p.out, p.out
    lab.xen.ctl("pace 60")
    p.expect("seed=31")
    ends(p)


def longest_flip_when_backend_leaves(lab, guest):
    """In ms, of a client that has one in flight then, and goes on."""
    client = Client(lab, guest)
    client.until(lambda: client.flips() > 3, "flips")
    # In one command, as each takes long on an emulated machine.
    lab.xen.run(f"{CTL} pace stop && sleep 0.2 && "
                f"{CTL} state {guest.domid} 0 5")
    flips = client.flips()
    client.until(lambda: client.flips() > flips + 30, "flips go on")
    lab.xen.ctl("attack off")
    lab.xen.ctl("pace 60")
    longest = client.counters()["maxgap_ms"]
    client.goes_on()
    client.ends()
    recovers(lab, guest)
    return longest


def test_flip_in_flight_when_backend_leaves(lab, attacked):
    """The client has its event at once, not when the flip times out, 3.1 s after
    it began. The machine may be slow by chance, but not each time."""
    waits = []
    while len(waits) < 3 and min(waits, default=3000) >= 3000:
        waits.append(longest_flip_when_backend_leaves(lab, attacked.guest))
    assert waits[-1] < 3000, f"{waits} ms"


@pytest.mark.parametrize("op", ["DBUF_CREATE", "FB_ATTACH", "SET_CONFIG"])
def test_waiter_when_backend_leaves(lab, attacked, op):
    """An ioctl that waits for a reply returns when the backend goes, and has done
    what it was asked for: the next backend is told."""
    guest = attacked.guest
    fired = lab.xen.stats()["attacks"]["mute"]
    lab.xen.ctl(f"attack mute {guest.domid} 0 0 op={op}")
    p = guest.popen("kmspaint show --seed 60 --flips 1 --hold")
    eventually(lambda: lab.xen.stats()["attacks"]["mute"] > fired,
               f"{op} is not answered")
    lab.xen.run(f"{CTL} attack off && {CTL} reconnect {guest.domid} 0")
    p.expect("shown")
    guest.wait_connected()
    shows_in_time(lab, guest, timeout=20, size=SIZE, seed=61)
    ends(p)
    recovers(lab, guest)


def test_all_attacks_are_tried(lab):
    """What the backend can do wrong and is not in the table is not tried; all at
    random has a scenario of its own."""
    known = {line.split()[0] for line in lab.xen.ctl("attacks").out.splitlines()}
    assert known - {"fuzz"} == set().union(*(a.kinds for a in ALL))
