# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Clients that ask for what they cannot have, one call after the other, and many
threads at once while the device comes and goes.

STORM_SECONDS=600 STORM_SEED=7 in the environment make a longer, or another storm."""
import os

import pytest

from lab import SLOW
from scenario import eventually, still_works

SECONDS = int(os.environ.get("STORM_SECONDS", "20"))
SEED = int(os.environ.get("STORM_SEED", "1"))
# What may differ between two moments of the same guest.
MEMORY_NOISE_KIB = 12288


def memory(guest):
    """KiB that are there for anybody. Dropping caches would hide a leak: it takes
    the pages of shared memory that nobody maps, too."""
    return int(guest.run("awk '/MemAvailable/ {print $2}' /proc/meminfo").out)


def memory_is_back(guest, before):
    eventually(lambda: memory(guest) > before - MEMORY_NOISE_KIB,
               f"memory is back: {before} KiB were available, "
               f"{memory(guest)} are")


def test_abuse(lab, guest):
    """Each case is judged by the client itself, on a line of its output."""
    before = memory(guest)
    r = guest.run("kmspaint abuse", timeout=120, check=False)
    assert r.rc == 0, r.out + r.err
    # What is lost with each buffer is more than noise then.
    guest.run("kmspaint churn 8 1024x768 32")
    memory_is_back(guest, before)
    still_works(lab, guest)


def nothing(_lab, _guest):
    pass


def backend_stops(lab, guest):
    lab.xen.stop_backend()
    lab.xen.start_backend()
    guest.wait_connected()


def backend_is_killed(lab, guest):
    lab.xen.kill_backend()
    lab.xen.start_backend()
    guest.wait_connected()


def device_is_unbound(_lab, guest):
    guest.unbind()
    guest.bind()
    guest.wait_connected()


@pytest.mark.on("x86_64-6.12", "aarch64-new")
@pytest.mark.watchdog(300 + 4 * SECONDS)
@pytest.mark.parametrize("disturb", [
    nothing, backend_stops, backend_is_killed, device_is_unbound])
def test_storm(lab, kernel, disturb):
    """Each call returns in time, whatever happens to the device, the process can
    end, and nothing of it is left. The display is small, for more calls in that
    time; large ones take all memory of a guest while eight files are closed."""
    guest = lab.guest(kernel=kernel, vdispl=(("0:320x240",),))
    before = memory(guest)
    limit = int(60 * SLOW)
    p = guest.popen(f"kmspaint storm --seed {SEED} --threads 8 --seconds {SECONDS} "
                    f"--timeout {limit}")
    p.expect("storm seed=")
    while p.rc is None and disturb is not nothing:
        disturb(lab, guest)
    r = p.wait(SECONDS + 2 * limit)
    assert r.rc == 0, f"seed {SEED}: exit {r.rc}\n{r.out}{r.err}"
    guest.wait_connected()
    memory_is_back(guest, before)
    print(r.out, f"{before} KiB were available, {memory(guest)} are")
    if disturb is device_is_unbound:
        # What is unbound takes away what the backend may be about to map.
        lab.excuse("cannot be mapped")
    still_works(lab, guest, size=(320, 240))
