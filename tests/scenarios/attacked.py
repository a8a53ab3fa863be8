# SPDX-License-Identifier: GPL-2.0 OR MIT
"""One attack on one guest, and whether anything but the display noticed."""
import contextlib
import json
import re
import time

from attacks import ANEW, ANY, CLIENTS, FAULT, TALLY
from lab import CTL, SLOW, scan
from scenario import ends, eventually, paints, shows_in_time
from workload import Workload, rates, spin, watches_are_served

SIZE = (640, 480)
VDISPL = (("0:640x480",),)
# For a shell in the guest; it is another one after each connection.
CARD = "/dev/dri/$(basename /sys/bus/xen/devices/vdispl-{}/*/drm/card*)"
# Rates of disk and network during an attack, of those before it.
FLOOR = 1 / 20
# What a scenario's own doings and a few reconnects write into the log.
LOG_LINES = 60


class Harm(AssertionError):
    """An attack had an effect that it may not have."""

    def __init__(self, verdict, text):
        super().__init__(f"{verdict}: {text}")
        self.verdict = verdict


@contextlib.contextmanager
def harm(verdict):
    """What goes wrong in this block has a name."""
    try:
        yield
    except Harm:
        raise
    except (AssertionError, RuntimeError, TimeoutError) as e:
        raise Harm(verdict, str(e)) from e


def debugfs(guest, dev=0):
    """What our driver tells of a device."""
    out = guest.run(f"cat /sys/kernel/debug/xen_drm_front/vdispl-{dev}").out
    return dict(line.split(": ", 1) for line in out.splitlines())


def faults_of(guest):
    return int(debugfs(guest)["faults"])


def paints_as_master(guest, options):
    """A client that was killed may be in its last request still, which takes up
    to some seconds, and is the master until then."""
    for left in range(9, -1, -1):
        try:
            return paints(guest, options)
        except RuntimeError as e:
            if "EACCES" not in str(e) or not left:
                raise
            time.sleep(SLOW)
    return None


def recovers(lab, guest, dev=0):
    """The display comes back by itself, and a new client gets a picture."""
    with harm("lost its display"):
        guest.wait_connected(dev, timeout=40)
        p = paints_as_master(guest, f"--card {CARD.format(dev)} --seed 40 --flips 2")
        shows_in_time(lab, guest, size=SIZE, seed=42, dev=dev)
        ends(p)


def lets_go(guest, dev=0):
    """No page of a former buffer or ring is still mapped."""
    eventually(lambda: debugfs(guest, dev)["deferred_pages"] == "0",
               "the backend has let go of all pages")


class AttackedGuest:
    """A guest that works and is attacked."""

    def __init__(self, xen, guest):
        self.xen, self.guest, self.states_told = xen, guest, 0
        self.work = Workload(guest)
        client = guest.popen(CLIENTS["flips"])
        eventually(lambda: self.flips() > 3, "flips")
        before = self.work.counters()
        time.sleep(3)
        self.usual = rates(before, self.work.counters())
        self.usual_spin = spin(guest)
        client.kill(9)
        client.wait()

    def connectors(self, stats=None):
        """The backend's record of the guest's connectors."""
        return [c for d in (stats or self.xen.stats())["devices"]
                if d["dom"] == self.guest.domid for c in d["connectors"]]

    def served(self, stats=None):
        return sum(sum(c["requests"].values()) for c in self.connectors(stats))

    def flips(self):
        return sum(c["flips_completed"] for c in self.connectors())

    def flip_pending(self):
        return any(c["flip_pending"] for c in self.connectors())

    def fired(self, attack, stats=None):
        """How often the backend has done it; states count when they are told."""
        if not attack.kind:
            return self.states_told
        return (stats or self.xen.stats())["attacks"][attack.kind]

    def look(self):
        """(statistics of the backend, size of the log), in one command: each
        takes long, as an emulated machine starts programs slowly."""
        out = self.xen.run(f"{CTL} stats; wc -c <{self.guest.log_path}").out
        stats, size = out.strip().rsplit("\n", 1)
        return json.loads(stats), int(size)

    def launch(self, attack):
        orders = [*attack.orders(self.guest.domid),
                  *[f"reconnect {self.guest.domid} 0"] * attack.restart]
        self.xen.run(" && ".join(f"{CTL} {order}" for order in orders))
        self.states_told += len(attack.states)

    def rates_since(self, before):
        """Disk and network, each as a part of the usual rate, best of some
        windows; the first one began with `before`."""
        best = [0, 0]
        for _ in range(6):
            after = self.work.counters()
            if after["disk_errors"] or after["net_errors"]:
                raise Harm("corrupted", f"{after}")
            best = [max(b, now / usual) for b, now, usual in
                    zip(best, rates(before, after), self.usual)]
            if min(best) > 4 * FLOOR:
                return best
            before = after
            time.sleep(1.5)
        if min(best) < FLOOR:
            raise AssertionError(f"disk at {best[0]:.1%}, network at "
                                 f"{best[1]:.1%} of the usual rate")
        return best

    def attack(self, attack, judge=True):
        """Attack, look at what else the guest does, and attack no more. The
        display may be gone afterwards, and nothing else. Returns a text that
        tells how it went. The attack's own expectation only holds for ours."""
        stats, start = self.look()
        fired = self.fired(attack, stats)
        faults = faults_of(self.guest) if judge else 0
        client = self.start_client(attack, self.served(stats))
        before = self.work.counters()
        self.launch(attack)
        with harm("not reached"):
            eventually(lambda: self.fired(attack) > fired,
                       f"{attack.name} happens")
        text = self.look_around(attack, before, start)
        if judge:
            self.judge(attack, start)
        fired = self.fired(attack) - fired
        self.xen.ctl("attack off")
        if client:
            with harm("left a client stuck"):
                client.kill(9)
                client.wait(30)
            text += self.longest_wait(client)
        log = self.guest.log(start)
        reports = scan(log)
        TALLY.reports += len(reports)
        if reports:
            raise Harm("crashed", "\n".join(reports))
        if judge:
            self.judge_log(attack, log, faults_of(self.guest) - faults)
            if attack.error:
                assert attack.error in client.err, (
                    f"{attack.name}: {attack.error} expected: {client.err[-500:]}")
            assert not client or "unknown" not in client.out + client.err, (
                f"{attack.name}: no error that there is: "
                f"{(client.out + client.err)[-500:]}")
        TALLY.rows.add(attack.row)
        TALLY.attacks += 1
        return f"fired {fired}, {text}"

    def start_client(self, attack, served):
        if not CLIENTS[attack.client]:
            return None
        client = self.guest.popen(CLIENTS[attack.client])
        eventually(lambda: self.served() >= served + 4, "the client's requests")
        return client

    def look_around(self, attack, before, start):
        """Is the rest of the guest alive, while the attack goes on?"""
        text = ""
        if attack.storm:
            with harm("hung"):
                share = spin(self.guest) / self.usual_spin
                text = f"CPU {share:.0%}, "
                assert share > FLOOR, f"{share:.1%} of a CPU left"
        with harm("hung"):
            self.work.counters()
        with harm("stalled all watches"):
            watches_are_served(self.guest, start)
        with harm("stalled its disk or network"):
            text += "disk {:.0%}, network {:.0%}".format(*self.rates_since(before))
        return text

    def judge(self, attack, start):
        """While the attack goes on."""
        if attack.fault == ANY:
            return
        if attack.fault:
            eventually(lambda: FAULT.search(self.guest.log(start)),
                       f"{attack.name}: the connection is ended", timeout=60)
        elif attack.flips:
            flips = self.flips()
            eventually(lambda: self.flips() >= flips + 3,
                       f"{attack.name}: flips go on")

    @staticmethod
    def longest_wait(client):
        waits = [int(ms) for ms in re.findall(r"elapsed_ms=(\d+)", client.out)]
        # Two time-outs of 3 s each, and what a busy machine makes of them.
        if waits and max(waits) > 10000 * SLOW:
            raise Harm("left a client stuck", f"for {max(waits)} ms")
        return f", a client waited {max(waits)} ms" if waits else ""

    @staticmethod
    def judge_log(attack, log, faults):
        said = FAULT.findall(log)
        if attack.fault:
            assert len([s for s in said if s != ANEW]) == faults, f"{faults} faults, {said}"
            assert all(re.fullmatch(attack.fault, s) for s in said), said
        else:
            assert not said, f"{attack.name} must be tolerated: {said}"
        lines = len(log.splitlines())
        assert lines <= LOG_LINES, f"{lines} lines in the log:\n{log}"
