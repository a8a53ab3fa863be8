# SPDX-License-Identifier: GPL-2.0 OR MIT
"""A backend that does not let go of what was shared with it, or that takes away
what it shared."""
import pytest

from attacked import SIZE, VDISPL, debugfs, lets_go, recovers
from scenario import ends, eventually, paints, shows

pytestmark = [pytest.mark.on("x86_64-6.12", "aarch64-new")]

SECRET = "what-the-guest-does-next"
# As much of the free memory as can be had without the OOM killer; the root is a
# tmpfs, which takes half of the memory.
FILL = f"""mkdir -p /fill && mount -t ramfs ramfs /fill &&
yes '{SECRET}' | head -c 1048576 >/mib || exit
while [ $(awk '/MemFree/ {{n += $2}} /CmaFree/ {{n -= $2}} END {{print n}}' \
        /proc/meminfo) -gt 40000 ]; do
    for i in 1 2 3 4 5 6 7 8; do cat /mib || exit; done
done >/fill/secrets"""


@pytest.fixture
def guest(lab, kernel):
    return lab.guest(kernel=kernel, vdispl=VDISPL)


def attack(lab, guest, name, args=""):
    lab.xen.ctl(f"attack {name} {guest.domid} 0 0 {args}")


def deferred(guest):
    return int(debugfs(guest)["deferred_pages"])


def kept(lab, text):
    """(How often the text is in the pages that the backend keeps, pages)"""
    found, _, pages = lab.xen.ctl(f"kept-search {text}").out.split()[:3]
    return int(found), int(pages)


@pytest.mark.watchdog(300)
def test_kept_pages_are_not_reused(lab, guest):
    """What the guest does with its memory later is not the backend's to see."""
    attack(lab, guest, "buffer-keep")
    attack(lab, guest, "dir-keep")
    guest.run("kmspaint churn 5 640x480 32", timeout=120)
    count = 5 * (300 + 1)
    eventually(lambda: deferred(guest) >= count, f"{count} deferred pages")
    guest.run(FILL, timeout=200)
    found, pages = kept(lab, SECRET)
    assert pages >= count, f"the backend keeps {pages} pages of {count}"
    assert not found, f"{found} times in {pages} kept pages: '{SECRET}'"
    guest.run("umount /fill && rm /mib")
    lab.xen.ctl("attack off")
    lets_go(guest)
    recovers(lab, guest)


@pytest.mark.watchdog(300)
def test_deferred_pages_are_limited(lab, guest):
    """Above a limit nothing new is shared, and below it all goes on."""
    most = int(debugfs(guest)["max_deferred_pages"])
    attack(lab, guest, "buffer-keep")
    start = guest.log_size()
    buffers = most // 768 + 5
    r = guest.run(f"kmspaint churn {buffers} 1024x768 32", timeout=120,
                  check=False)
    assert r.rc and "ENOSPC" in r.err, f"churn of {buffers}: {r.out}{r.err}"
    assert most < deferred(guest) <= most + 2 * 769, debugfs(guest)
    assert "backend still maps" in guest.log(start)
    lab.xen.ctl(f"reconnect {guest.domid} 0")
    eventually(lambda: guest.states()[0] != 4, "the connection ends")
    assert guest.run("sleep 5; cat /sys/kernel/debug/xen_drm_front/vdispl-0 | "
                     "grep state").out.split()[1] != "4"
    lab.xen.ctl("attack off")
    lets_go(guest)
    recovers(lab, guest)
    guest.run("kmspaint churn 3 1024x768 32", timeout=120)


def test_log_is_not_flooded(lab, guest):
    """What a backend can cause as often as it likes is told ten times in five
    seconds at most, as the kernel's rate limits are."""
    attack(lab, guest, "destroy-fail")
    start, count = guest.log_size(), 200
    guest.run(f"kmspaint churn {count} 64x64 32", timeout=120)
    assert lab.xen.stats()["attacks"]["destroy-fail"] >= count
    guest.flush_log()
    lines = [line for line in guest.log(start).splitlines()
             if "does not let go of" in line]
    first, *_, last = [float(line[1:].split("]")[0]) for line in lines]
    most = 10 * (int((last - first) / 5) + 1)
    assert len(lines) <= most, (
        f"{len(lines)} lines, expected {most} at most:\n" + "\n".join(lines))
    lab.xen.ctl("attack off")
    lets_go(guest)
    recovers(lab, guest)


def test_backend_dies_with_its_pages_mapped(lab, kernel):
    """Mappings of a client stay valid, whoever's memory was behind them."""
    g = lab.guest(kernel=kernel, vdispl=VDISPL, be_alloc=1)
    p = paints(g, "--seed 5")
    h = g.popen("kmspaint hold-open")
    h.expect("open")
    lab.xen.kill_backend()
    lab.xen.start_backend()
    g.wait_connected(timeout=60)
    h.eof()
    r = h.wait(60)
    assert r.rc == 0 and "touched" in r.out and "closed" in r.out, r.out + r.err
    # What was in its buffer has gone with the backend, but not its buffer.
    p.write("flip\n")
    p.expect("seed=6")
    shows(lab, g, size=SIZE, seed=6)
    ends(p)
    recovers(lab, g)
