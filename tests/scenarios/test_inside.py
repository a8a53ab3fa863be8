# SPDX-License-Identifier: GPL-2.0 OR MIT
"""What people can see inside: debugfs, interrupts, tracepoints."""
import re

import pytest

from scenario import ends, paints, traced

ALL_OF_IT = pytest.mark.on("x86_64-6.12", "aarch64-new")


def card_file(guest, name):
    """Kernels name a card's directory by its number or by its device, or both."""
    return guest.run(f"cat $(ls /sys/kernel/debug/dri/*/{name} | head -n 1)").out


def connector(guest):
    text = card_file(guest, "xen")
    line = re.search(r"^Virtual-\d+: (.*)$", text, re.M)
    assert line, text
    return dict(word.split("=") for word in line[1].split())


@ALL_OF_IT
def test_counters(guest):
    before = connector(guest)
    p = paints(guest, "--seed 1 --flips 5")
    during, buffers = connector(guest), card_file(guest, "xen_buffers")
    ends(p)

    assert during["path"].endswith('0"') and during["state"] in ("idle", "flying", "landed"), during
    assert int(during["flips"]) >= int(before["flips"]) + 5, (before, during)
    # At least a buffer, its framebuffer and a mode are told of, too.
    assert int(during["requests"]) >= int(before["requests"]) + 5 + 3, (before, during)
    for word in ("flips_refused", "refused"):
        assert during[word] == before[word], (before, during)
    assert re.search(r"^buffer: of=guest pages=\d+ shared=yes domain=0$", buffers, re.M), buffers
    assert re.search(r"^\tdbuf \d+: 1024x\d+ bpp=32 offset=0 told=yes$", buffers, re.M), buffers
    assert re.search(r"^framebuffer \d+: dbuf=\d+ 1024x768 told=yes format=XR24", buffers,
                     re.M), buffers


@ALL_OF_IT
def test_interrupts_have_the_name_of_their_connector(guest):
    names = guest.run("grep vdispl /proc/interrupts").out
    for kind in ("req", "evt"):
        assert re.search(rf"\bvdispl-0-0-{kind}:0$", names, re.M), names


@ALL_OF_IT
def test_tracepoints(guest):
    """As the documentation shows them."""
    trace = traced(guest, lambda: ends(paints(guest, "--seed 1 --flips 2")))
    flip = re.search(r"xen_drm_request: vdispl-0 connector=0 id=(\d+) PG_FLIP dbuf=0 fb=(\d+)",
                     trace)
    assert flip, trace
    for line in (rf"xen_drm_reply: vdispl-0 connector=0 id={flip[1]} PG_FLIP status=0 after=",
                 rf"xen_drm_event: vdispl-0 connector=0 id=\d+ type=0 fb={flip[2]}\b",
                 r"xen_drm_flip: Virtual-\d+ done: flying -> landed",
                 r"xen_drm_flip: Virtual-\d+ vblank: landed -> ",
                 r"xen_drm_request: vdispl-0 connector=0 id=\d+ DBUF_CREATE dbuf=\d+ fb=0"):
        assert re.search(line, trace), f"{line}\n{trace}"
