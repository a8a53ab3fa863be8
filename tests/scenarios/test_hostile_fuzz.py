# SPDX-License-Identifier: GPL-2.0 OR MIT
"""A backend whose words and deeds are mutated at random, with clients that do
everything at once."""
import random
import time

import pytest

from attacks import LONG, TALLY
from lab import SLOW, scan
from attacked import CARD, harm, lets_go, recovers
from workload import watches_are_served

# Mutated messages and connections: on the debug kernel with LONG=1, or else.
LONG_RUN, SHORT_RUN = (100000, 200), (2000, 4)
# More displays give more connections, more connectors more events.
DISPLAYS = (("a:640x480", "b:640x480"), ("c:640x480", "d:640x480"))
CLIENTS = ("hold-open --flip-forever --timeout 20", "churn 2 320x240 32")
# To start programs is what costs an emulated debug kernel most.
FOREVER = "while :; do kmspaint {} --card {} >/dev/null; sleep 2; done"


@pytest.fixture
def seed(request):
    number = request.config.getoption("--fuzz-seed") or \
        random.randrange(1, 1 << 32)
    print(f"\nfuzz: seed {number} (LAB=--fuzz-seed={number} takes it again)",
          flush=True)
    return number


@pytest.mark.on("x86_64-6.12", "aarch64-new")
@pytest.mark.watchdog(3600)
@pytest.mark.parametrize("be_alloc", [0, 1], ids=["system", "backend-allocated"])
def test_random_mutations(lab, kernel, seed, be_alloc):
    guest = lab.guest(kernel=kernel, vdispl=DISPLAYS, works=True, be_alloc=be_alloc)
    # A flip whose event is withheld waits for as long as a silent backend may take.
    guest.run("echo 4 >/sys/module/drm_xen_front/parameters/silence_timeout")
    attacked = lab.attacked(guest)
    attacked.work.resume()
    before, start = attacked.work.counters(), guest.log_size()
    displays = range(len(DISPLAYS))
    # All of them at once, or as many events as it can take, keep an emulated guest
    # so busy that its other threads wait minutes for the CPU.
    clients = [guest.popen(FOREVER.format(command, CARD.format(dev)))
               for dev in displays for command in CLIENTS]
    lab.xen.ctl(f"fuzz {seed} 200")
    done = go_on(lab, attacked, *(LONG_RUN if LONG and kernel == "debug" else SHORT_RUN))
    lab.xen.ctl("attack off")
    with harm("left a client stuck"):
        for client in clients:
            client.kill(9)
        for client in clients:
            client.wait(60)
    after = attacked.work.wait_progress(before)
    assert not after["disk_errors"] and not after["net_errors"], after
    judge_log(guest, start, done)
    for dev in displays:
        # A buffer whose creation it denied, or whose end, is its until then.
        lab.xen.ctl(f"reconnect {guest.domid} {dev}")
        recovers(lab, guest, dev)
        lets_go(guest, dev)
    attacked.work.pause()
    lab.look_at_grants(guest)


def judge_log(guest, start, done):
    reports = scan(guest.log(start))
    TALLY.mutated += done["messages_mutated"]
    TALLY.reconnects += done["reconnects"]
    TALLY.reports += len(reports)
    assert not reports, "\n".join(reports)


def go_on(lab, attacked, messages, reconnects):
    """Until so much has been done; the guest must be alive all the while."""
    start = shown = time.monotonic()
    while True:
        with harm("hung"):
            attacked.work.wait_progress(attacked.work.counters())
        done = lab.xen.stats()["fuzz"]
        now = time.monotonic()
        if done["messages_mutated"] >= messages and \
                done["reconnects"] >= reconnects:
            break
        if now - shown > 20:
            shown = now
            with harm("stalled all watches"):
                watches_are_served(attacked.guest)
            print(f"fuzz: {now - start:.0f} s, {done['messages_mutated']} of "
                  f"{messages} messages, {done['reconnects']} of {reconnects} "
                  "reconnects", flush=True)
        assert now - start < 1100 * SLOW, f"too slow: {done}"
        time.sleep(2)
    print(f"fuzz: {done} in {time.monotonic() - start:.0f} s", flush=True)
    return done
