# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Real desktops, each with a window that must be in the picture."""
import pattern
import pytest

import desktop

pytestmark = [pytest.mark.on("x86_64-6.12"), pytest.mark.watchdog(900)]
SIZE = (1024, 768)


@pytest.fixture
def station(lab, kernel):
    return lab.guest(kernel=kernel, vdispl=(("0:1024x768",),),
                     **desktop.GUEST)


def window_is_shown(lab, guest, share, colour=desktop.COLOUR):
    """A part of the picture has exactly the colour of the window."""
    desktop.settled(guest)
    png = guest.shot()
    lab.pictures.append(png)
    w, h, rgb = pattern.read_png(png)
    assert (w, h) == SIZE
    seen = desktop.colour_share(rgb, colour)
    assert seen >= share, f"{seen:.2%} of the picture is #{colour}"


def test_weston(lab, station):
    weston = desktop.start_weston(station)
    foot = desktop.popen(station, desktop.FOOT % (desktop.COLOUR,
                                                  "echo hello; sleep 1000"))
    window_is_shown(lab, station, 0.1)
    desktop.stop(station, foot, weston)


def test_xorg_with_xterm(lab, station):
    """X draws into one buffer: only DIRTYFB tells that it did."""
    xorg = desktop.popen(station, desktop.XORG)
    station.run("for i in $(seq 600); do [ -S /tmp/.X11-unix/X0 ] && exit; "
                "usleep 200000; done; cat /tmp/Xorg.log; exit 1", timeout=150)
    xterm = desktop.popen(station, "DISPLAY=:0 exec xterm -geometry "
                          f"80x24+100+100 -bg '#{desktop.COLOUR}' -fg white "
                          "-e sleep 1000")
    window_is_shown(lab, station, 0.1)
    desktop.stop(station, xterm, xorg)
