# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Faults of the guest's own side: memory that is not there, grants that run
out, signals. For the debug kernels, which can make allocations fail; what they
find out by themselves, and leaks, are looked for after each scenario."""
import re
import subprocess

import pytest

import build
from conftest import DEBUG_PLATFORMS
from guest import DRIVER
from scenario import eventually, still_works

pytestmark = [pytest.mark.on(*DEBUG_PLATFORMS), pytest.mark.watchdog(600)]
DEBUGFS = "/sys/kernel/debug"
# Each allocation may fail, also those that may wait; nothing is said of it. What
# is copied from and to the client is DRM's business: it has done what was asked
# for when the copy of its answer fails. So none of the stacks there is wanted.
ATTRIBUTES = {
    "failslab": {"ignore-gfp-wait": "N", "cache-filter": "N"},
    "fail_page_alloc": {"ignore-gfp-wait": "N", "ignore-gfp-highmem": "N",
                        "min-order": 0},
    "fail_usercopy": {"require-start": 1, "require-end": 2},
}


def set_faults(guest, which, **values):
    """Settings of debugfs, '_' for '-'."""
    guest.run(" && ".join(
        f"echo {v} >{DEBUGFS}/{which}/{k.replace('_', '-')}"
        for k, v in values.items()))


def addresses_of(guest, function):
    """The function's first one, and the one that follows it."""
    out = guest.run(f"sed -n '/ {function}$/{{N;p;}}' /proc/kallsyms").out
    return [int(line.split()[0], 16) for line in out.splitlines()]


@pytest.fixture
def faulty(lab, kernel, request):
    """The guest, where allocations fail when a scenario wants it. Not those of
    the xenbus core in giving up a watch: it forgets the watch, XenStore does
    not, and the device cannot be bound again, whatever the driver does. A
    scenario's parameter is more of the guest's configuration."""
    guest = lab.guest(kernel=kernel, vdispl=(("0:1024x768",),),
                      **getattr(request, "param", {}))
    start, end = addresses_of(guest, "unregister_xenbus_watch")
    for which, values in ATTRIBUTES.items():
        set_faults(guest, which, probability=0, verbose=0, stacktrace_depth=32,
                   reject_start=start, reject_end=end, **values)
    yield guest
    if not guest.channel.dead:
        for which in ATTRIBUTES:
            set_faults(guest, which, probability=0)


# Without any fault, the kernel's part of it does not work.
OPERATIONS = ("create-dumb", "addfb", "modeset", "flip", "commit")


def each_allocation_of_each_ioctl(lab, faulty, operations, options=""):
    """There must be faults in these."""
    r = faulty.run(f"kmspaint faults {options}", timeout=900, check=False)
    print(r.out)
    assert r.rc == 0, r.out + r.err
    counts = dict(re.findall(r"operation=(\S+) faults=(\d+)", r.out))
    none = [op for op in operations if not int(counts[op])]
    assert not none, f"no fault was made in {none}\n{r.out}"
    still_works(lab, faulty)


def test_each_allocation_of_each_ioctl(lab, faulty):
    each_allocation_of_each_ioctl(lab, faulty, (*OPERATIONS, "prime-import"))


@pytest.mark.parametrize("faulty", [{"cma": True, "cmdline": "cma=64M"}],
                         indirect=True, ids=["contiguous"])
@pytest.mark.on("aarch64-debug")
def test_each_allocation_with_contiguous_buffers(lab, faulty):
    each_allocation_of_each_ioctl(lab, faulty, (*OPERATIONS, "prime-import"))


@pytest.mark.parametrize("faulty", [{"be_alloc": 1}], indirect=True,
                         ids=["backend-allocated"])
@pytest.mark.on("aarch64-debug")
def test_each_allocation_with_buffers_of_the_backend(lab, faulty):
    """They cannot be exported, and there is nothing to import into them."""
    each_allocation_of_each_ioctl(lab, faulty, OPERATIONS, "--no-prime")


# The n-th allocation of the writer fails, for n = 1, 2, ... until there is no
# such one. After each the other word must do, without a fault. When bound the
# driver connects first: the backend is not to meet rings that are gone again.
EACH = """cd {driver}; n=1
bound() {{ [ -e vdispl-0 ] && echo 1 || echo 0; }}
settle() {{
	[ $(bound) = 1 ] || return 0
	for i in $(seq 300); do
		[ ! -e /sys/class/drm/card0 ] || return 0
		usleep 100000
	done
	echo "does not connect"; return 1
}}
while :; do
	r=$(kmspaint fault-write {driver}/{word} vdispl-0 $n) || exit
	echo "$r bound=$(bound)"
	settle || exit
	[ $(bound) = {before} ] || echo vdispl-0 >{other} || exit
	settle || exit
	case $r in *hit=0*) exit 0;; esac
	n=$((n + 1))
done"""


def each_allocation_of(guest, word, other, before):
    """before: 1 or 0, whether the driver is bound."""
    r = guest.run(EACH.format(driver=DRIVER, word=word, other=other,
                              before=before), timeout=600, check=False)
    assert r.rc == 0, r.out + r.err
    tries = re.findall(r"n=\d+ hit=\d result=(\w+) bound=(\d)", r.out)
    print(f"{len(tries) - 1} faults, "
          f"{sum(result != 'OK' for result, _ in tries)} of them failed")
    assert len(tries) > 5, r.out
    wrong = [t for t in tries if (t[0] == "OK") == (t[1] == str(before))]
    assert not wrong, f"{wrong}\n{r.out}"


def excuse_rings(lab):
    """A driver that is unbound while the backend is about to map its rings
    takes them away: that is no breach of the driver's."""
    lab.excuse("cannot be")


def test_each_allocation_of_bind(lab, faulty):
    faulty.unbind()
    each_allocation_of(faulty, "bind", "unbind", before=0)
    excuse_rings(lab)
    faulty.bind()
    faulty.wait_connected()
    still_works(lab, faulty)


def test_each_allocation_of_unbind(lab, faulty):
    each_allocation_of(faulty, "unbind", "bind", before=1)
    excuse_rings(lab)
    faulty.wait_connected()
    still_works(lab, faulty)


def text_of_driver(guest):
    """Addresses of the driver's code, to tell its allocations from others."""
    start = int(guest.run("cat /sys/module/drm_xen_front/sections/.text").out,
                16)
    sizes = subprocess.run(["size", "-A", build.module(guest.xen.arch,
                                                       guest.version)],
                           stdout=subprocess.PIPE, text=True, check=True).stdout
    size = int(re.search(r"^\.text\s+(\d+)", sizes, re.M)[1])
    return start, start + size


@pytest.mark.parametrize("which", ["failslab", "fail_page_alloc"])
def test_allocations_of_connecting(lab, faulty, which):
    """From bind to the first picture, in whatever thread and with an EDID:
    each k-th of what the driver asks for fails, once."""
    lab.xen.ctl("set edid")
    start, end = text_of_driver(faulty)
    hits = 0
    for k in range(1, 25):
        faulty.unbind()
        set_faults(faulty, which, require_start=start, require_end=end,
                   interval=k, times=1, probability=100)
        faulty.run(f"echo vdispl-0 >{DRIVER}/bind; exec kmspaint info",
                   check=False)
        try:
            eventually(lambda: faulty.states()[0] in (4, 5, 6), "an end of "
                       f"connecting while allocation {k} fails")
        finally:
            left = faulty.run(f"cat {DEBUGFS}/{which}/times").out.strip()
            set_faults(faulty, which, probability=0)
        hits += left == "0"
        faulty.run(f"cd {DRIVER} && {{ [ ! -e vdispl-0 ] || "
                   "echo vdispl-0 >unbind; } && echo vdispl-0 >bind")
        faulty.wait_connected()
    print(f"{hits} faults")
    assert '"edid": "00ffffffffffff00' in faulty.run("kmspaint info").out
    excuse_rings(lab)
    assert hits
    still_works(lab, faulty)


def test_signals(lab, guest):
    r = guest.run("kmspaint signals --seed 1 40", timeout=600, check=False)
    print(r.out)
    assert r.rc == 0, r.out + r.err
    signals, interrupted = re.search(
        r"operations=\d+ signals=(\d+) interrupted=(\d+)", r.out).groups()
    assert int(signals) > 100 and int(interrupted) > 0, r.out
    still_works(lab, guest)


def test_killed(lab, guest):
    """Whatever a client does when it is killed, the backend, which is not to
    blame, finds what it was told to."""
    r = guest.run("kmspaint killed --seed 1 40 300", timeout=600, check=False)
    assert r.rc == 0, r.out + r.err
    still_works(lab, guest)


@pytest.mark.parametrize("frames", [2, 4])
def test_smallest_grant_tables(lab, kernel, frames):
    """512 entries a frame, and what is not enough is said, not suffered. With
    one frame a PV guest's kernel does not even boot."""
    g = lab.guest(kernel=kernel, vdispl=(("0:320x240",),),
                  extra=f"max_grant_frames={frames}")
    r = g.run("kmspaint exhaust 320x240", timeout=180, check=False)
    assert r.rc == 0, r.out + r.err
    assert "ENOSPC" in r.out or "ENOMEM" in r.out, r.out
    r = g.run("kmspaint churn 3 1920x1080 32", check=False)
    assert "ENOSPC" in r.err, r.out + r.err
    still_works(lab, g, size=(320, 240))
