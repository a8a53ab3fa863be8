# SPDX-License-Identifier: GPL-2.0 OR MIT
"""What a client is told of a monitor, by the toolstack, the backend or the
administrator, and in which order."""
import json
import re

import pytest

from scenario import ends, eventually, paints, shows

ALL_OF_IT = pytest.mark.on("x86_64-6.12", "aarch64-new")
EDID_HEAD = "00ffffffffffff00"


def connectors(guest, options=""):
    """As they are now: only for a master does the kernel probe them by itself."""
    guest.run("for s in /sys/class/drm/card*-*/status; do echo detect >$s; done")
    return json.loads(guest.run(f"kmspaint info {options}").out)["connectors"]


def connects_anew(lab, guest, holds):
    """A new connection has brought what the first connector tells."""
    lab.xen.ctl(f"reconnect {guest.domid} 0")
    eventually(lambda: holds(connectors(guest)[0]), "the connector tells it")
    guest.wait_connected()


def paints_all(lab, guest, size=(1024, 768)):
    p = paints(guest, "--seed 3 --flips 2")
    shows(lab, guest, size=size, seed=5)
    ends(p)


@ALL_OF_IT
def test_edid_of_the_backend(lab, guest):
    before = connectors(guest)[0]
    assert before["edid"] == "" and before["modes"] == ["1024x768@60.00"], before
    assert before["mm"] == [270, 203], before

    lab.xen.ctl("set edid")
    connects_anew(lab, guest, lambda c: c["edid"].startswith(EDID_HEAD))
    c = connectors(guest)[0]
    # Blanking makes the clock another one, rounded to 10 kHz.
    assert len(c["modes"]) == 1 and re.match(r"1024x768@(60.0|59.9)", c["modes"][0]), c
    # DRM takes the size in centimetres.
    assert c["mm"] == [270, 200] and "PV display".encode().hex() in c["edid"], c
    paints_all(lab, guest)

    lab.xen.ctl("set reset")
    connects_anew(lab, guest, lambda c: not c["edid"])
    assert connectors(guest)[0] == before


@ALL_OF_IT
def test_edid_takes_precedence(lab, guest):
    """Below a client, which is told by a hot-plug event and keeps its mode."""
    p = guest.popen("kmspaint survive")
    p.expect("alive")
    lab.xen.ctl("set edid 1280x800")
    connects_anew(lab, guest, lambda c: c["modes"] and
                  c["modes"][0].startswith("1280x800@"))
    eventually(lambda: re.search(r"hotplugs=[1-9]", p.out), "a hot-plug event")
    p.eof()
    p.wait(60)
    assert len(connectors(guest)[0]["modes"]) == 1
    paints_all(lab, guest, (1280, 800))

    lab.xen.ctl("set reset")
    connects_anew(lab, guest, lambda c: c["modes"] == ["1024x768@60.00"])
    paints_all(lab, guest)


@ALL_OF_IT
def test_edid_of_the_administrator(lab, guest):
    """drm.edid_firmware, whatever the backend has."""
    lab.xen.ctl("set edid")
    connects_anew(lab, guest, lambda c: c["edid"].startswith(EDID_HEAD))
    c = connectors(guest)[0]
    edid = bytearray.fromhex(c["edid"])
    at = edid.index(b"PV display")
    edid[at:at + 10] = b"FW display"
    edid[127] = -sum(edid[:127]) & 0xff
    guest.run("mkdir -p /lib/firmware/edid")
    guest.put(bytes(edid), "/lib/firmware/edid/fw.bin", "644")
    parameter = "/sys/module/drm/parameters/edid_firmware"
    guest.run(f"echo {c['name']}:edid/fw.bin >{parameter}")
    try:
        got = connectors(guest)[0]
        assert got["edid"] == edid.hex(), got
        assert got["modes"] == c["modes"], got
        paints_all(lab, guest)
    finally:
        guest.run(f"echo >{parameter}")
    assert connectors(guest)[0]["edid"] == c["edid"]
    lab.xen.ctl("set reset")
    connects_anew(lab, guest, lambda c: not c["edid"])


@ALL_OF_IT
def test_unique_ids(lab, kernel):
    """Each connector has its own, and another one that the toolstack writes."""
    g = lab.guest(kernel=kernel, vdispl=(("HDMI-A-1:640x480", "VGA-1:320x240"),))
    assert [c["path"] for c in connectors(g)] == ["xen:HDMI-A-1", "xen:VGA-1"]
    p = g.popen("kmspaint survive")
    p.expect("alive")
    lab.xen.run(f"xenstore-write {g.front()}/1/unique-id DP-7")
    eventually(lambda: [c["path"] for c in connectors(g)] ==
               ["xen:HDMI-A-1", "xen:DP-7"], "the new unique-id")
    eventually(lambda: re.search(r"hotplugs=[1-9]", p.out), "a hot-plug event")
    ends(p)
    lab.xen.run(f"xenstore-write {g.front()}/1/unique-id VGA-1")
    eventually(lambda: connectors(g)[1]["path"] == "xen:VGA-1", "the old unique-id")
    g.wait_connected()


@ALL_OF_IT
def test_order_of_displays(lab, kernel):
    """That of the configuration, each time that the driver comes."""
    sizes = ("640x480", "320x240", "400x300", "333x222")
    g = lab.guest(kernel=kernel, vdispl=tuple((f"id{i}:{s}",)
                                              for i, s in enumerate(sizes)))
    for parameters in ("", "async_probe=1", "async_probe=1"):
        for dev, size in enumerate(sizes):
            g.wait_connected(dev)
            card = g.run(f"ls /sys/bus/xen/devices/vdispl-{dev}/xen-vdispl.{dev}/drm "
                         "| grep card").out.split()
            assert card == [f"card{dev}"], card
            c, = connectors(g, f"--card /dev/dri/card{dev}")
            # A clock has whole kHz.
            assert c["modes"][0].startswith(f"{size}@60.0"), c["modes"]
            assert c["path"] == f"xen:id{dev}", c["path"]
            names = [c["name"]] if not dev else names + [c["name"]]
        # Programs that look for a card find each of them.
        found = re.findall(r"node=/dev/dri/(\w+)", g.run("kmspaint devices").out)
        assert sorted(found) == [f"card{dev}" for dev in range(len(sizes))], found
        numbers = [int(n.split("-")[1]) for n in names]
        assert numbers == sorted(numbers), names
        g.unload()
        g.load(parameters)
    for dev in range(len(sizes)):
        g.wait_connected(dev)


@ALL_OF_IT
def test_formats_of_the_backend(lab, guest):
    """A card lists what its backend takes, and XRGB8888 in any case."""
    def formats():
        plane, = json.loads(guest.run("kmspaint info").out)["planes"]
        return set(plane["formats"])

    every = formats()
    assert len(every) == 14, every
    guest.unbind()
    # Less than is asked for, so the rest is taken.
    lab.xen.ctl("set fail FB_ATTACH 8 EINVAL")
    guest.bind()
    guest.wait_connected()
    eventually(lambda: guest.run("ls /dev/dri/card*", check=False).rc == 0, "a card")
    assert formats() == {"XR24", "AR24", "UYVY"}, formats()
    assert guest.run("kmspaint show --format RG16", check=False).rc
    paints_all(lab, guest)

    lab.xen.ctl("set reset")
    guest.unbind()
    guest.bind()
    guest.wait_connected()
    eventually(lambda: guest.run("ls /dev/dri/card*", check=False).rc == 0, "a card")
    assert formats() == every
    p = paints(guest, "--seed 7 --format RG16")
    shows(lab, guest, "RG16", seed=7)
    ends(p)
