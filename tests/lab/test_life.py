# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Comings and goings: of the driver, the device, the backend, a client."""
import re

import pytest

from scenario import ends, eventually, paints, still_works

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
    guest.run("kmspaint show & until grep -q evtchnl_call /proc/$!/wchan; do "
              "usleep 10000; done; kill -9 $!; wait $! || true")
    lab.xen.ctl("set reset")
    still_works(lab, guest)


@ALL_OF_IT
def test_unbind_with_open_client(lab, guest):
    p = guest.popen("kmspaint hold-open --modeset")
    p.expect("open")
    guest.run("echo vdispl-0 >/sys/bus/xen/drivers/vdispl/unbind")
    r = ends(p)
    assert "closed" in r.out and "create_dumb=ENODEV" in r.out, r.out
    guest.run("echo vdispl-0 >/sys/bus/xen/drivers/vdispl/bind")
    guest.wait_connected()
    still_works(lab, guest)


@pytest.mark.parametrize("how", ["stops", "is killed"])
def test_backend_goes_and_comes(lab, guest, how):
    p = guest.popen("kmspaint hold-open --flip-forever --timeout 20")
    p.expect("open")
    if how == "stops":
        # With a flip in flight, whose end the driver owes the client.
        lab.xen.ctl("pace stop")
        lab.xen.stop_backend()
        # The client is told at once, long before a request's 3 s are over.
        r = p.wait(30)
        assert r.rc == 3, r.out + r.err
        assert int(re.search(r"elapsed_ms=(\d+)", r.out)[1]) < 3000, r.out
        # First by the event of the flip, then by the next one's error.
        assert "step=page_flip errno=ENODEV" in r.out, r.out
    else:
        lab.xen.kill_backend()
    lab.xen.start_backend()
    if how != "stops":
        p.wait(60)
    guest.wait_connected()
    still_works(lab, guest)


@ALL_OF_IT
def test_attach_and_detach_at_run_time(lab, kernel):
    g = lab.guest(kernel=kernel, vdispl=())
    connectors = "connectors=hot:640x480"
    for _ in range(2):
        lab.xen.run(f"xl vdispl-attach {g.name} backend=0 be-alloc=0 "
                    f"{connectors}")
        dev = int(lab.xen.run(
            f"xenstore-list /local/domain/{g.domid}/device/vdispl").out)
        g.wait_connected(dev)
        still_works(lab, g, size=(640, 480), dev=dev)
        lab.xen.run(f"xl vdispl-detach {g.name} {dev}")
        eventually(lambda: g.run("kmspaint info", check=False).rc == 1,
                   "the card is gone")
        eventually(lambda: not lab.grants_in_use(g), "all grants are back")


# What is wrong, and the value; None removes the node.
MALFORMED = [("0/resolution", value) for value in (
    "", "1024x", "1024x768x2", "1024x768 ", "0x768", "-1x768",
    "99999999999x1", "0x400x768", None)]


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
def test_failed_flip_is_reported_and_mended(lab, guest):
    p = paints(guest, "--seed 30")
    lab.xen.ctl("set fail PG_FLIP 1 EIO")
    p.write("flip\n")
    p.expect("seed=31")
    p.write("flip\n")
    p.expect("errno=EIO")
    ends(p)
    still_works(lab, guest)


@ALL_OF_IT
def test_failed_modeset_is_reported_and_mended(lab, guest):
    lab.xen.ctl("set fail SET_CONFIG 1 EIO")
    p = paints(guest, "--seed 30")
    p.write("flip\n")
    p.expect("failed connector=0 step=page_flip errno=EIO")
    ends(p)
    still_works(lab, guest)


@ALL_OF_IT
def test_unanswered_flip_times_out(lab, guest):
    p = paints(guest, "--seed 30 --timeout 20")
    lab.xen.ctl("pace stop")
    lab.xen.ctl("set drop PG_FLIP 1")
    p.write("flip\n")
    p.expect("seed=31")
    p.write("flip\n")
    p.expect("errno=ETIMEDOUT")
    lab.xen.ctl("set reset")
    lab.xen.ctl("pace 60")
    ends(p)
    still_works(lab, guest)
