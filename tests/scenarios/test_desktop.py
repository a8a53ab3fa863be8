# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Real desktops, each with a window that must be in the picture, also when the
backend has been another one."""
import pytest

import desktop

pytestmark = [pytest.mark.on("x86_64-6.12"), pytest.mark.watchdog(900)]


@pytest.fixture
def station(lab, kernel):
    return lab.guest(kernel=kernel, vdispl=(("0:1024x768",),),
                     **desktop.GUEST)


def outlives(lab, station, server, client, colour):
    """Each kind of restart: the same server and window, which is on the screen
    again without anybody asking for it."""
    for how in ("TERM", "KILL"):
        lab.xen.restart_backend(how)
        station.wait_connected(timeout=60)
        lab.pictures.append(desktop.window(station, 0.1, colour, client))
        assert server.rc is None, server.out + server.err
    cards = station.run("ls /dev/dri").out
    assert "card1" not in cards, cards


def test_weston(lab, station):
    weston = desktop.start_weston(station)
    client = desktop.popen(station, desktop.TERMINAL % "echo hello")
    lab.pictures.append(desktop.window(station, 0.1, desktop.TERMINAL_COLOUR,
                                       client))
    outlives(lab, station, weston, client, desktop.TERMINAL_COLOUR)
    desktop.stop(station, client, weston)


def test_xorg_with_xterm(lab, station):
    """X draws into one buffer: only DIRTYFB tells that it did."""
    xorg = desktop.popen(station, desktop.XORG)
    station.run("for i in $(seq 600); do [ -S /tmp/.X11-unix/X0 ] && exit; "
                "usleep 200000; done; cat /tmp/Xorg.log; exit 1", timeout=150)
    xterm = desktop.popen(station, "DISPLAY=:0 exec xterm -fg white "
                          f"-bg '#{desktop.XTERM_COLOUR}' "
                          "-geometry 80x24+100+100 -e sleep 1000")
    lab.pictures.append(desktop.window(station, 0.1, desktop.XTERM_COLOUR,
                                       xterm))
    outlives(lab, station, xorg, xterm, desktop.XTERM_COLOUR)
    desktop.stop(station, xterm, xorg)
