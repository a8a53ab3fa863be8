# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Comings and goings: of the driver, the device, the backend, a client."""
import json
import re

import pytest

from scenario import ends, eventually, paints, shows, still_works
from survival import FASTEST, survives

FULL = {"size": (1024, 768)}
ALL_OF_IT = pytest.mark.on("x86_64-6.12", "aarch64-new")


def test_module_unload_and_reload(lab, guest):
    for seed in (50, 60):
        still_works(lab, guest, seed)
        guest.unload()
        eventually(lambda: not lab.grants_in_use(guest),
                   "all grants are given back")
        guest.load()
        guest.wait_connected()
    still_works(lab, guest)


@ALL_OF_IT
def test_client_killed_mid_flip(lab, guest):
    p = guest.popen("exec kmspaint pending-flip")
    p.expect("pending")
    lab.xen.ctl("pace stop")
    p.kill(9)
    assert p.wait().rc == 128 + 9
    lab.xen.ctl("pace 60")
    still_works(lab, guest)


@ALL_OF_IT
def test_client_killed_before_its_buffer_is_mapped(lab, guest):
    """The backend is only slow; what it is told to map must be there."""
    lab.xen.ctl("set reply-delay 1500")
    guest.run("kmspaint show & until grep -q chan_wait /proc/$!/wchan; do "
              "usleep 10000; done; kill -9 $!; wait $! || true")
    lab.xen.ctl("set reset")
    still_works(lab, guest)


@ALL_OF_IT
def test_unbind_with_open_client(lab, guest):
    p = guest.popen("kmspaint hold-open --modeset")
    p.expect("open")
    guest.unbind()
    r = ends(p)
    assert "closed" in r.out and "create_dumb=ENODEV" in r.out, r.out
    guest.bind()
    guest.wait_connected()
    still_works(lab, guest)


@pytest.mark.parametrize("how", ["stops", "is killed"])
def test_backend_goes_and_comes(lab, guest, how):
    """With a flip in flight, whose end the driver owes the client. The client is
    told at once when the backend says that it goes, long before 3 s are over."""
    with survives(lab, guest, **FULL) as client:
        lab.xen.ctl("pace stop")
        flips = client.flips()
        if how == "stops":
            lab.xen.stop_backend()
            client.until(lambda: client.flips() > flips + 30, "flips go on")
            longest = client.counters()["maxgap_ms"]
            assert longest < 3000, f"{longest} ms without a flip"
            client.is_alive()
        else:
            lab.xen.kill_backend()
        lab.xen.start_backend()
        client.goes_on()


@ALL_OF_IT
def test_attach_and_detach_at_run_time(lab, kernel):
    g = lab.guest(kernel=kernel, vdispl=())
    for _ in range(2):
        dev = g.attach_display(["hot:640x480"])
        still_works(lab, g, size=(640, 480), dev=dev)
        g.detach_display(dev)
        eventually(lambda: g.run("kmspaint info", check=False).rc == 1,
                   "the card is gone")
        eventually(lambda: not lab.grants_in_use(g), "all grants are back")


# What is wrong, and the value; None removes the node. KUnit and the fuzzer of the
# configuration have all others.
MALFORMED = [("0/resolution", value) for value in (
    "1024x768x2", "0x768", "99999999999x1", None)]


@ALL_OF_IT
def test_malformed_configuration(lab, kernel):
    g = lab.guest(kernel=kernel, driver=False)
    g.put(g.module(), "/drm_xen_front.ko")
    for node, value in MALFORMED:
        path = f"{g.front()}/{node}"
        lab.xen.run(f"xenstore-rm {path}" if value is None else
                    f"xenstore-write -- {path} '{value}'")
        g.load()
        eventually(lambda: lab.xen.run(
            f"xenstore-read /local/domain/{g.domid}/error/device/vdispl/0/"
            "error", check=False).rc == 0, f"an error for {node}='{value}'")
        assert g.run("kmspaint info", check=False).rc == 1, (node, value)
        g.unload()
        lab.xen.run(f"xenstore-rm /local/domain/{g.domid}/error/device/vdispl "
                    "2>/dev/null; true")
        lab.xen.run(f"xenstore-write {g.front()}/0/resolution 1024x768")
    lab.xen.run(f"xenstore-write {g.front()}/be-alloc 2")
    g.load()
    g.wait_connected()
    still_works(lab, g)
    lab.drop(g)


@ALL_OF_IT
@pytest.mark.parametrize("times", [1, 4])
def test_refused_flip_is_retried(lab, guest, times):
    """The client has its event and no error, then or later. It does nothing until the
    picture is there."""
    p = paints(guest, "--seed 30")
    lab.xen.ctl(f"set fail PG_FLIP {times} EIO")
    p.write("flip\n")
    p.expect("seed=31")
    eventually(lambda: is_shown(lab, guest, 31), "the picture, without another flip")
    p.write("flip\n")
    p.expect("seed=32")
    shows(lab, guest, seed=32)
    ends(p)
    assert "errno" not in p.out, p.out
    still_works(lab, guest)


def is_shown(lab, guest, seed):
    try:
        shows(lab, guest, seed=seed)
    except AssertionError:
        return False
    return True


def link_status(guest):
    return json.loads(guest.run("kmspaint info").out)["connectors"][0][
        "link_status"]


@ALL_OF_IT
def test_failed_modeset_is_a_bad_link(lab, guest):
    """Told by link-status and a hot-plug event. The client that does not listen
    goes on in the dark, at the timer's pace; the next modeset mends it."""
    lab.xen.ctl("set fail SET_CONFIG 1 EIO")
    p = guest.popen("exec kmspaint survive")
    p.expect("alive")
    eventually(lambda: link_status(guest) == "bad", "link-status is bad")
    eventually(lambda: re.search(r"hotplugs=[1-9]", p.out), "a hot-plug event")
    flips = [int(n) for n in re.findall(r"alive flips=(\d+)", p.out)]
    eventually(lambda: f"alive flips={flips[-1]} " not in p.out.splitlines()[-1],
               "flips go on")
    r = ends(p)
    assert "error " not in r.out, r.out
    still_works(lab, guest)
    assert link_status(guest) == "good"


@ALL_OF_IT
def test_unanswered_flip_is_given_up(lab, guest):
    """After 3 s, with its event; the client goes on, at the timer's pace."""
    with survives(lab, guest, **FULL) as client:
        lab.xen.ctl("pace stop")
        lab.xen.ctl("set drop PG_FLIP 1")
        client.until(lambda: client.counters()["maxgap_ms"] > 2500,
                     "the flip is given up")
        before = client.counters()
        client.until(lambda: client.counters()["seconds"] > before["seconds"] + 5,
                     "5 more seconds")
        after = client.counters()
        pace = (after["flips"] - before["flips"]) / (
            after["seconds"] - before["seconds"])
        assert 5 < pace < FASTEST, f"{pace:.0f} flips a second"
        lab.xen.ctl("set reset")
        lab.xen.ctl("pace 60")
        client.goes_on()
